//! Warnings about hardware that cannot compute well, from designs and inputs alone, before any chip is sampled.

use crate::error::ExperimentError;
use crate::input::grid::Point;
use crate::run::prepare::PreparedPoint;
use phaseloom_hardware::Process;
use phaseloom_hardware::correction::{Knowledge, correction};
use phaseloom_network::PhotonicLayer;

/// Transmission below which almost no light arrives (dB).
const MIN_TRANSMISSION_DB: f64 = -30.0;
/// Photoelectrons per readout below which a detector counts mostly nothing.
const MIN_PHOTOELECTRONS: f64 = 1.0;
/// Predicted relative matrix error above which a chip has little in common with its weights.
const MAX_PREDICTED_ERROR: f64 = 0.5;
/// Predicted relative matrix error below which no source needs a warning.
const SMALL_ERROR: f64 = 0.1;
/// Samples whose mean number of photoelectrons is predicted, so that a prediction takes little of the time of a chip.
const MAX_SAMPLES: usize = 64;
/// Maximum number of values at the inputs of all layers for these samples.
const MAX_VALUES: usize = 1 << 23;
/// Share of the squared matrix error above which one source dominates.
const DOMINANT_SHARE: f64 = 0.5;

/// The extreme of a number over the points and layers of a run.
struct Extreme {
    value: f64,
    point: usize,
    layer: usize,
}

/// The smallest of the numbers of all layers at all points, if there is one.
fn smallest(points: &[PreparedPoint], numbers: impl Fn(&PreparedPoint) -> Vec<f64>) -> Option<Extreme> {
    let all = points.iter().enumerate().flat_map(|(point, prepared)| {
        numbers(prepared).into_iter().enumerate().map(move |(layer, value)| Extreme { value, point, layer })
    });
    all.min_by(|a, b| a.value.total_cmp(&b.value))
}

/// One line for each kind of warning, about the layer and the point where it is worst.
pub(crate) fn cautions(prepared: &[PreparedPoint], points: &[Point]) -> Result<Vec<String>, ExperimentError> {
    let place = |extreme: &Extreme| {
        let index = prepared[extreme.point].network.photonic_layers()[extreme.layer].index;
        format!("layer {index}{}", points[extreme.point].values())
    };
    let mut lines = Vec::new();
    let transmissions = |p: &PreparedPoint| {
        p.designs.iter().zip(&p.programs.layers).map(|(design, program)| design.transmission_db(program)).collect()
    };
    if let Some(worst) = smallest(prepared, transmissions).filter(|worst| worst.value < MIN_TRANSMISSION_DB) {
        lines.push(format!(
            "{} transmits {:.1} dB from input to output, less than {MIN_TRANSMISSION_DB} dB: use smaller cores \
             (`core.ports`), a topology of fewer columns, or less `insertion_loss`",
            place(&worst),
            worst.value
        ));
    }
    let photoelectrons = |p: &PreparedPoint| p.mean_photoelectrons().unwrap_or_default();
    if let Some(worst) = smallest(prepared, photoelectrons).filter(|worst| worst.value < MIN_PHOTOELECTRONS) {
        lines.push(format!(
            "a readout of {} has {:.2e} photoelectrons on average, fewer than {MIN_PHOTOELECTRONS}: use more \
             `link.laser_power_w`, less loss, or a lower `link.symbol_rate_hz`",
            place(&worst),
            worst.value
        ));
    }
    // The predicted error is that of an uncorrected chip. A method that knows the design alone leaves the random part.
    let knows = |p: &PreparedPoint| correction(&p.config.correction).ok().map(|method| method.knows);
    let errors = |p: &PreparedPoint| match knows(p) {
        None => p.designs.iter().map(|design| -design.predicted_error()).collect(),
        Some(Knowledge::Design) => p.designs.iter().map(|design| -design.random_error()).collect(),
        Some(Knowledge::Nothing | Knowledge::Errors) => Vec::new(),
    };
    let Some(worst) = smallest(prepared, errors) else { return Ok(lines) };
    let error = -worst.value;
    if error > MAX_PREDICTED_ERROR {
        lines.push(format!(
            "the predicted matrix error of {} is {error:.2}, more than {MAX_PREDICTED_ERROR}: such a chip has little in \
             common with the weights; use smaller cores (`core.ports`), smaller errors, or {}",
            place(&worst),
            match knows(&prepared[worst.point]) {
                None => "a `correction`",
                Some(_) => "a `correction` that knows or measures the errors of each chip",
            }
        ));
    }
    let PreparedPoint { config, programs, .. } = &prepared[worst.point];
    if config.process.thermal_crosstalk.is_some() && config.correction == "none" && error > SMALL_ERROR {
        let process = Process { thermal_crosstalk: None, ..config.process.clone() };
        let without = programs.layers[worst.layer].design(&process)?.predicted_error();
        let share = 1.0 - (without / error).powi(2);
        if share > DOMINANT_SHARE {
            lines.push(format!(
                "thermal crosstalk that nothing compensates makes {:.0} % of the squared matrix error of {} (error \
                 {error:.2}, without crosstalk {without:.2}): `correction = \"crosstalk\"` compensates known crosstalk, \
                 `\"local\"` also known fabrication errors",
                100.0 * share,
                place(&worst)
            ));
        }
    }
    Ok(lines)
}

impl PreparedPoint {
    /// Mean photoelectrons per readout of each photonic layer for the first samples, on a perfect chip with the loss of the
    /// design; `None` without a laser.
    fn mean_photoelectrons(&self) -> Option<Vec<f64>> {
        self.config.link.laser_power_w?;
        let receiver = self.config.link.receiver(self.config.core.ports).ok()?;
        let input = &self.test_set.chunks.first()?.exact.input;
        let of_sample = |layer: &PhotonicLayer<'_>| layer.weight.ncols() * layer.vectors * layer.steps;
        let values: usize = self.network.photonic_layers().iter().map(of_sample).sum();
        let samples = (MAX_VALUES / values.max(1)).clamp(1, MAX_SAMPLES).min(input.ncols());
        let inputs = self.network.photonic_inputs(&input.columns(0, samples).clone_owned()).ok()?;
        let layers = self.designs.iter().zip(&self.programs.layers).zip(&self.programs.scales).zip(inputs);
        let mean = layers.map(|(((design, program), scales), inputs)| {
            design.mean_photoelectrons(program, scales, &receiver, &inputs)
        });
        Some(mean.collect())
    }
}
