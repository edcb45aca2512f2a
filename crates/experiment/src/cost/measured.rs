//! What the cost model takes from a run: sizes, phases as programmed, and the bits of each layer, part by part.
//!
//! ```text
//! total        chips with the link of the experiment
//! noiseless    the same chips with the link without its noise
//! chip         the same chips with an ideal link
//! converters   a perfect mesh with the link without its noise: modulators and converters
//! loss         a perfect mesh with the loss of its cells alone
//! digital      b-bit weights and inputs, exact sums, for every b
//! ```
//!
//! All rows take the same samples, and the chips of the same trials. Powers of errors, 4^(−bits), are averaged over chips. Light
//! has what remains: 4^(−total) − 4^(−noiseless). The error of the noiseless rows may exceed the sum of those of chip and
//! converters: an imperfect chip turns the quadrature that modulators of finite extinction leak, which a perfect mesh does not
//! show, into signal.

use crate::cost::quantised::QuantisedProduct;
use crate::error::ExperimentError;
use crate::input::cost::CostSettings;
use crate::input::files::needs_scales;
use crate::run::network_program::NetworkProducts;
use crate::run::prepare::{CHUNK, PreparedPoint, TestSet};
use nalgebra::DMatrix;
use phaseloom_cost::mean_half_turns;
use phaseloom_hardware::{Batch, GainCalibration, InsertionLoss, LINK_PARTS, Link, MatrixProduct, Process, Tile};
use phaseloom_network::network::Place;
use phaseloom_network::{LayerMeasurement, Network, PassAddress};
use phaseloom_numerics::StreamKey;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Bits of the digital products.
const DIGITAL_BITS: std::ops::RangeInclusive<u32> = 1..=12;
/// Samples that give sizes of inputs and outputs.
const TYPICAL: usize = 128;

/// What the cost model takes from one photonic layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredLayer {
    /// Index of the layer in the model.
    pub layer: usize,
    /// Rows of the matrix.
    pub rows: usize,
    /// Columns of the matrix.
    pub columns: usize,
    /// Vectors of one inference.
    pub vectors: usize,
    /// Different input values of one inference.
    pub inputs: usize,
    /// Tiles on cores, without those of zeros.
    pub tiles: Vec<Tile>,
    /// Σ|φ|/π over the phase shifters of a core as programmed, mean over tiles.
    pub half_turns: f64,
    /// Amplitude transmission of the programs on this process, 0…1.
    pub transmission: f64,
    /// Root mean square of the outputs in units of ‖W‖₂·(input scale), `rms(y)/√(mean over outputs of Σ g²)`.
    pub level: f64,
    /// Mean of the outputs in the same units.
    pub mean: f64,
    /// Readout bits with all errors; `None` without error.
    pub total_bits: Option<f64>,
    /// Readout bits without noise: chips, modulators and converters.
    pub noiseless_bits: Option<f64>,
    /// Readout bits of the chips alone.
    pub chip_bits: Option<f64>,
    /// Readout bits of modulators and converters alone.
    pub converter_bits: Option<f64>,
    /// Readout bits of the loss of the cells alone; `None` without loss, and for corrected chips, whose error does not follow it.
    pub loss_bits: Option<f64>,
    /// (bits of weights and inputs, readout bits) of digital products with exact sums.
    pub digital: Vec<(f64, f64)>,
}

impl MeasuredLayer {
    /// Readout bits of the light: what the total error leaves beyond the noiseless one. `None` if nothing is left within the
    /// precision of the measurement.
    #[must_use]
    pub fn light_bits(&self) -> Option<f64> {
        bits_of(power_of(self.total_bits) - power_of(self.noiseless_bits))
    }

    /// Error power of modulators and converters relative to the outputs.
    pub(super) fn converter_power(&self) -> f64 {
        power_of(self.converter_bits)
    }

    /// Error power of chips and modulators relative to the outputs, with what they add to that of the converters.
    pub(super) fn chip_power(&self) -> f64 {
        (power_of(self.noiseless_bits) - power_of(self.converter_bits)).max(power_of(self.chip_bits))
    }
}

/// What the cost model takes from one point of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredPoint {
    /// The photonic layers, from input to output.
    pub layers: Vec<MeasuredLayer>,
    /// Values that enter and leave the network in one inference.
    pub io_values: f64,
    /// Multiply-accumulates in layers that stay electronic.
    pub electronic_macs: f64,
    /// Number of samples.
    pub samples: usize,
    /// Number of chips.
    pub chips: u64,
    /// Mean loss of the score of these chips against the floating-point reference, on these samples.
    pub chips_loss: f64,
    /// (bits of weights and inputs of all layers, loss of the score) of digital networks on the same samples.
    pub digital_loss: Vec<(f64, f64)>,
}

impl MeasuredPoint {
    /// Measures a point of a run.
    pub(super) fn new(point: &PreparedPoint, settings: &CostSettings) -> Result<Self, ExperimentError> {
        let network = &*point.network;
        let set = point.test_set.first_chunks(settings.samples.div_ceil(CHUNK));
        let chips = settings.chips.min(point.config.trials);
        let run = Passes { network, set: &set };
        let views = network.photonic_layers();

        let ideal = Link::ideal(point.config.link.detection);
        let quiet = LINK_PARTS.iter().map(|(part, _)| *part).filter(|part| part.ends_with("_noise"));
        let quiet = quiet.fold(point.config.link.clone(), |link, part| link.without(part));
        let calibration = point.config.core.calibration;
        let on_chips = |link: &Link| -> Result<(Vec<f64>, f64), ExperimentError> {
            let (mut mean, mut mean_loss) = (vec![0.0; views.len()], 0.0);
            for trial in 0..chips {
                let (powers, loss) = run.pass(&point.optical(&point.designs, link, calibration, trial)?, trial)?;
                mean.iter_mut().zip(powers).for_each(|(mean, power)| *mean += power / chips as f64);
                mean_loss += loss / chips as f64;
            }
            Ok((mean, mean_loss))
        };
        let (total, chips_loss) = on_chips(&point.config.link)?;
        let (noiseless, _) = on_chips(&quiet)?;
        let (chip, _) = on_chips(&ideal)?;
        let (converters, _) = run.pass(&point.optical(&point.perfect, &quiet, GainCalibration::None, 0)?, 0)?;
        let loss = run.loss_alone(point)?;

        let typical =
            set.chunks[0].exact.input.columns(0, TYPICAL.min(set.chunks[0].exact.input.ncols())).clone_owned();
        let inputs = network.photonic_inputs(&typical)?;
        let (mut tables, mut digital_loss) = (vec![Vec::new(); views.len()], Vec::new());
        for bits in DIGITAL_BITS {
            let mut products = NetworkProducts::default();
            for (view, inputs) in views.iter().zip(&inputs) {
                products.all.push(Box::new(QuantisedProduct::new(view.weight, inputs, bits)));
            }
            let (powers, loss) = run.pass(&products, 0)?;
            for (table, power) in tables.iter_mut().zip(powers) {
                table.extend(bits_of(power).map(|readout| (f64::from(bits), readout)));
            }
            digital_loss.push((f64::from(bits), loss));
        }
        let distinct = distinct_inputs(network);
        let layers = views.iter().enumerate().map(|(i, view)| {
            let (program, vectors) = (&point.programs.layers[i], view.vectors * view.steps);
            let (rows, columns) = view.weight.shape();
            let scale = match needs_scales(&point.config.link) {
                true => point.programs.scales[i].input,
                false => inputs[i].amax(),
            };
            let gains = gains(program, scale);
            let outputs = view.weight * &inputs[i];
            let rms = (outputs.norm_squared() / outputs.len() as f64).sqrt();
            let unit = (gains / rows as f64).sqrt();
            let level = if unit > 0.0 && rms > 0.0 { rms / unit } else { 1.0 };
            MeasuredLayer {
                layer: view.index,
                rows,
                columns,
                vectors,
                inputs: distinct.as_ref().map_or(columns * vectors, |counts| counts[i].clamp(1, columns * vectors)),
                tiles: program.tiles().iter().flatten().map(|tile| tile.tile).collect(),
                half_turns: mean_half_turns(program),
                transmission: 10f64.powf(point.designs[i].transmission_db(program) / 20.0).min(1.0),
                level,
                mean: if unit > 0.0 { (outputs.mean() / unit).clamp(-level, level) } else { 0.0 },
                total_bits: bits_of(total[i]),
                noiseless_bits: bits_of(noiseless[i]),
                chip_bits: bits_of(chip[i]),
                converter_bits: bits_of(converters[i]),
                loss_bits: loss.as_ref().and_then(|powers| bits_of(powers[i])),
                digital: increasing(std::mem::take(&mut tables[i])),
            }
        });
        let layers = layers.collect();
        let electronic = network.operators().into_iter().filter(|operator| operator.place != Place::Photonic);
        Ok(Self {
            layers,
            io_values: (network.input_size() + network.output_size()) as f64,
            electronic_macs: electronic.fold(0.0, |sum, operator| sum + operator.macs),
            samples: set.exact.ncols(),
            chips,
            chips_loss,
            digital_loss,
        })
    }
}

/// Σ g² over the tiles of a layer, each as often as it has rows, with the gains g = ‖W‖₂·(input scale).
fn gains(program: &phaseloom_hardware::LayerProgram, input_scale: f64) -> f64 {
    let tiles = program.tiles().iter().flatten();
    tiles.map(|tile| tile.tile.rows as f64 * (tile.program.gain() * input_scale).powi(2)).sum()
}

/// Readout bits of an error power relative to the outputs; `None` without error.
fn bits_of(power: f64) -> Option<f64> {
    (power > 0.0).then(|| -0.5 * power.log2())
}

/// Error power relative to the outputs of readout bits.
fn power_of(bits: Option<f64>) -> f64 {
    bits.map_or(0.0, |bits| 0.25f64.powf(bits))
}

/// The rows of a table up to the last one that increases: beyond it the rounding of the simulation ends the bits.
fn increasing(rows: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for row in rows {
        if kept.last().is_none_or(|last| row.1 > last.1) {
            kept.push(row);
        }
    }
    kept
}

/// Samples through products.
struct Passes<'a> {
    network: &'a dyn Network,
    set: &'a TestSet,
}

impl Passes<'_> {
    /// Error power of each layer relative to its outputs, and the loss of the score.
    fn pass(&self, products: &NetworkProducts, trial: u64) -> Result<(Vec<f64>, f64), ExperimentError> {
        let products: Vec<&dyn MatrixProduct> = products.all.iter().map(|product| &**product).collect();
        let mut layers = vec![LayerMeasurement::default(); products.len()];
        let mut outputs: Vec<f64> = Vec::new();
        for chunk in &self.set.chunks {
            let address = PassAddress { trial, repetition: 0, first_sample: chunk.first_sample };
            let (output, measured) = self.network.forward(&chunk.exact, &products, address, &mut |_, _| {})?;
            layers.iter_mut().zip(&measured).for_each(|(total, more)| total.add(more));
            outputs.extend_from_slice(output.as_slice());
        }
        let exact = &self.set.exact;
        let outputs = Batch::from_vec(exact.nrows(), exact.ncols(), outputs);
        let samples = exact.ncols() as u64;
        let [own, reference] = [&outputs, exact].map(|outputs| self.set.task.judge(outputs, exact));
        let loss = own.score().loss(reference.value(samples), own.value(samples));
        let power = |layer: &LayerMeasurement| match layer.sum_squares_exact > 0.0 {
            true => layer.sum_squares_error / layer.sum_squares_exact,
            false => 0.0,
        };
        Ok((layers.iter().map(power).collect(), loss))
    }

    /// Error powers of a perfect mesh with the loss of its cells alone, if the chips have one and are not corrected.
    fn loss_alone(&self, point: &PreparedPoint) -> Result<Option<Vec<f64>>, ExperimentError> {
        let config = &point.config;
        let Some(loss) = config.process.insertion_loss.as_ref().filter(|loss| loss.loss_db > 0.0) else {
            return Ok(None);
        };
        if config.correction != "none" {
            return Ok(None);
        }
        let loss = InsertionLoss { loss_db: loss.loss_db, crossing_db: loss.crossing_db, ..InsertionLoss::default() };
        let process = Process { insertion_loss: Some(loss), ..Process::default() };
        let designs = point.programs.designs(&process, None)?;
        let ideal = Link::ideal(config.link.detection);
        Ok(Some(self.pass(&point.optical(&designs, &ideal, config.core.calibration, 0)?, 0)?.0))
    }
}

/// Number of different values that enter each photonic product in one inference. `None` if the network takes no such inputs.
///
/// A sample of random numbers passes the network, and so do random numbers in place of every product. Two places hold the same
/// value if they are equal for all scales of the products: some activations are zero for one sign, others saturate. Places that
/// are zero for all of them are padding, which does not move.
fn distinct_inputs(network: &dyn Network) -> Option<Vec<usize>> {
    const SCALES: [f64; 4] = [1.0, -1.0, 1e3, -1e3];
    let probes = SCALES.map(|scale| random_inputs(network, scale));
    let [first, others @ ..] = probes;
    let (first, others) = (first?, others.into_iter().collect::<Option<Vec<_>>>()?);
    let distinct = |(product, values): (usize, &Vec<f64>)| {
        let places = values.iter().enumerate().map(|(place, value)| {
            let more = others.iter().map(move |other| other[product].get(place).copied().unwrap_or(0.0));
            std::iter::once(*value).chain(more).collect::<Vec<f64>>()
        });
        let moving = places.filter(|values| values.iter().any(|value| *value != 0.0));
        moving.map(|values| values.into_iter().map(f64::to_bits).collect::<Vec<u64>>()).collect::<HashSet<_>>().len()
    };
    Some(first.iter().enumerate().map(distinct).collect())
}

/// What enters each photonic product if one random sample passes the network, with random numbers times `scale` as products.
fn random_inputs(network: &dyn Network, scale: f64) -> Option<Vec<Vec<f64>>> {
    let layers = network.photonic_layers();
    let mut random = StreamKey::new(1, "cost/distinct inputs").stream();
    let mut batch = |rows: usize, columns: usize, scale: f64| {
        DMatrix::from_fn(rows, columns, |_, _| scale * random.random_range(0.5..1.5))
    };
    let input = batch(network.input_size(), 1, 1.0);
    let mut values = vec![Vec::new(); layers.len()];
    let mut multiply = |call: phaseloom_network::network::Call, x: &Batch| {
        values[call.product].extend_from_slice(x.as_slice());
        batch(layers[call.product].weight.nrows(), x.ncols(), scale)
    };
    network.pass(&input, &mut multiply, &mut |_, _| {}).ok()?;
    Some(values)
}
