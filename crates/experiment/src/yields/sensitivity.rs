//! How sensitive the outputs of a network are to every phase and every splitter of its chips, and what first order predicts.
//!
//! ```text
//! s_i² = mean over samples x of Σ_c (∂z_c/∂ψ_i)²              z: outputs before a softmax, ψ_i: the error of component i (rad)
//! variance of the outputs = Σ_i s_i² σ_i²                     independent errors
//! accuracy ≈ mean over x of Φ(m_x/√Σ_i σ_i² (∂m_x/∂ψ_i)²)     m: output of the label minus the largest other one
//! ```
//!
//! The first order is about the perfect chip. Next to its sensitivities are those of the sampled chips of a budget, whose mean
//! squares add. The accuracy is optimistic: it knows one rival class and first order alone.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::input::sensitivity::SensitivitySettings;
use crate::run::Options;
use crate::run::prepare::{PreparedPoint, prepare};
use crate::run::sensitivity::{Margins, places};
use crate::store::outcome::Outcome;
use crate::store::record::Row;
use crate::yields::Mean;
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_hardware::{Component, GainCalibration, Process};
use phaseloom_mesh::{ShifterKind, Stage};
use std::f64::consts::FRAC_1_SQRT_2;

/// Columns of `sensitivity.csv`.
pub const SENSITIVITY_COLUMNS: &[ColumnText] = &[
    ("layer", "", "Index of the photonic layer among all layers."),
    ("tile", "", "Index of the tile of its matrix, row block by row block."),
    ("stage", "", "0: V†, 1: Σ, 2: U of the core; 0 alone for one mesh."),
    ("component", "", "`theta`, `phi`, `output` or `boundary` phase, or `splitter`."),
    ("column", "", "Column of the mesh, from the input."),
    ("mode", "", "Upper mode of the cell, or mode of the phase."),
    ("number", "", "Which splitter of the cell, from 0; 0 for phases."),
    (
        "sensitivity",
        "1/rad",
        "Root mean square over samples of the change of all outputs with this error, on the perfect chip.",
    ),
    (
        "chips_sensitivity",
        "1/rad",
        "The same over samples and sampled chips with their errors; empty without such chips.",
    ),
    ("chips_sensitivity_se", "1/rad", "Its standard error over chips."),
    (
        "share",
        "1",
        "Share of the variance of the outputs by the errors of the process; empty without phase or splitter errors.",
    ),
];

/// One phase or splitter.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentSensitivity {
    /// Index of the layer among all layers.
    pub layer: usize,
    /// Index of the tile.
    pub tile: usize,
    /// Index of the stage of the core.
    pub stage: usize,
    /// `theta`, `phi`, `output`, `boundary` or `splitter`.
    pub component: &'static str,
    /// Column of the mesh.
    pub column: usize,
    /// Upper mode of the cell, or mode of the phase.
    pub mode: usize,
    /// Which splitter of the cell.
    pub number: usize,
    /// s_i of the perfect chip (1/rad).
    pub sensitivity: f64,
    /// s_i over sampled chips (1/rad), if there are some.
    pub chips: Option<Mean>,
    /// σ_i of the process (rad).
    pub sigma: f64,
}

/// The sensitivities of a network, and the accuracy that first order predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct SensitivityMap {
    /// Number of samples.
    pub samples: usize,
    /// Number of sampled chips.
    pub chips: usize,
    /// All phases and splitters of all cores.
    pub components: Vec<ComponentSensitivity>,
    /// Loss of accuracy by first order: of phase errors alone, of splitter errors alone, of both. `None` without labels.
    pub accuracy_loss: Option<[f64; 3]>,
    /// Squared rms difference of the outputs relative to their rms by first order: of phase errors alone, of splitter errors
    /// alone. `None` if the outputs are zero, or follow a softmax.
    pub output_differences_squared: Option<[f64; 2]>,
}

/// Computes the map of the perfect chips of an experiment at its first point, from the first samples of its test data. `None`
/// without a model file (graphs and matrices), and for detection other than homodyne.
///
/// # Errors
///
/// Files that cannot be read, settings that cannot be prepared.
pub fn sensitivity_map(
    experiment: &Experiment,
    samples: usize,
    options: &Options<'_>,
) -> Result<Option<SensitivityMap>, ExperimentError> {
    let mut experiment = experiment.clone();
    experiment.config.sweep.clear();
    let points = experiment.points()?;
    if !SensitivitySettings::suit(&experiment.config) {
        return Ok(None);
    }
    let SubjectInputs::Networks(inputs) = Inputs::read(&experiment, &points)?.points else { return Ok(None) };
    let (prepared, _) = prepare(&experiment, &points, inputs, &options.interrupt)?;
    let (Some(prepared), Some(point)) = (prepared.first(), points.first()) else { return Ok(None) };
    map_of(prepared, point, samples)
}

fn map_of(prepared: &PreparedPoint, point: &Point, samples: usize) -> Result<Option<SensitivityMap>, ExperimentError> {
    let samples = samples.min(prepared.test_set.chunks.first().map_or(0, |chunk| chunk.exact.input.ncols()));
    let sigma = |component| sigma(&point.config.process, component);
    let variances = [Component::Phase, Component::Splitter].map(|component| sigma(component).powi(2));
    let mut margins = prepared.labels(samples).map(|labels| Margins::new(labels, variances));
    let layers = prepared.realise(&prepared.perfect, GainCalibration::None, 0)?;
    let Some(squares) = prepared.squared_sensitivities(&layers, samples, margins.as_mut()) else { return Ok(None) };
    let mut all = Vec::new();
    for (program, view) in prepared.programs.layers.iter().zip(prepared.network.photonic_layers()) {
        for (tile, of_tile) in program.tiles().iter().enumerate() {
            let stages = of_tile.iter().flat_map(|of_tile| of_tile.program.stages()).enumerate();
            stages.for_each(|(index, stage)| all.extend(components(stage, (view.index, tile, index), &sigma)));
        }
    }
    for (component, square) in all.iter_mut().zip(squares) {
        component.sensitivity = square.sqrt();
    }
    let accuracy_loss = margins.map(|margins| {
        let [phases, splitters] = &margins.variances;
        let both: Vec<f64> = phases.iter().zip(splitters).map(|(a, b)| a + b).collect();
        [phases, splitters, &both].map(|variances| loss(&margins.values, variances))
    });
    let mut map =
        SensitivityMap { samples, chips: 0, components: all, accuracy_loss, output_differences_squared: None };
    let mean_square = prepared.mean_square_before_softmax(samples);
    map.output_differences_squared = mean_square.map(|mean_square| {
        [false, true].map(|of_splitters| map.variance_of(|c| (c.component == "splitter") == of_splitters) / mean_square)
    });
    Ok(Some(map))
}

/// Standard deviation of the errors of a kind of component in a process (rad).
fn sigma(process: &Process, component: Component) -> f64 {
    let sources = process.sources().map(|(_, source)| source.component_errors());
    let variance = |errors: phaseloom_hardware::ComponentErrors| match component {
        Component::Phase => errors.phase,
        Component::Splitter => errors.splitter,
    };
    sources.map(variance).sum::<f64>().sqrt()
}

/// Loss of accuracy if margins have these variances.
fn loss(margins: &[f64], variances: &[f64]) -> f64 {
    let probability = |(margin, variance): (&f64, &f64)| match *variance > 0.0 {
        true => 0.5 * libm::erfc(-margin / variance.sqrt() * FRAC_1_SQRT_2),
        false => f64::from(u8::from(*margin > 0.0)),
    };
    let correct = margins.iter().filter(|margin| **margin > 0.0).count() as f64;
    let expected: f64 = margins.iter().zip(variances).map(probability).sum();
    (correct - expected) / margins.len().max(1) as f64
}

/// The components of a stage: its phases in their order, then three places for the splitters of each cell.
fn components(
    stage: &Stage,
    (layer, tile, index): (usize, usize, usize),
    sigma: &dyn Fn(Component) -> f64,
) -> Vec<ComponentSensitivity> {
    let layout = stage.layout();
    let cells = layout.positions.len();
    let blank = |component, column, mode, number, sigma| ComponentSensitivity {
        layer,
        tile,
        stage: index,
        component,
        column,
        mode,
        number,
        sensitivity: 0.0,
        chips: None,
        sigma,
    };
    let phase = |component, shifter: phaseloom_mesh::Shifter| {
        blank(component, shifter.column, shifter.mode, 0, sigma(Component::Phase))
    };
    let mut all: Vec<ComponentSensitivity> =
        (0..cells).map(|cell| phase("theta", layout.cell_shifter(cell, ShifterKind::Theta))).collect();
    all.extend((0..cells).map(|cell| phase("phi", layout.cell_shifter(cell, ShifterKind::Phi))));
    let outputs = stage.phases().output().len();
    all.extend((0..outputs).map(|mode| phase("output", layout.output_shifter(mode))));
    let boundary = stage.phases().values().len() - all.len();
    all.extend((0..boundary).map(|index| phase("boundary", layout.boundary_shifter(index))));
    for position in &layout.positions {
        let splitter = |number| blank("splitter", position.column, position.mode, number, sigma(Component::Splitter));
        all.extend((0..3).map(splitter));
    }
    debug_assert_eq!(all.len(), places(stage));
    all
}

impl SensitivityMap {
    /// Adds the sensitivities of the sampled chips of a finished budget. Their mean squares add, and to first order the root s of
    /// a mean has the standard error of the mean over 2s.
    pub fn add_chips(&mut self, outcome: &Outcome) {
        let maps = outcome.records.values().filter(|record| record.unit.row == Row::Sensitivity);
        let maps: Vec<&[f32]> = maps.map(|record| &record.sensitivity[..]).collect();
        if maps.is_empty() || maps.iter().any(|squares| squares.len() != self.components.len()) {
            return;
        }
        self.chips = maps.len();
        for (index, component) in self.components.iter_mut().enumerate() {
            let squares: Vec<f64> = maps.iter().map(|squares| f64::from(squares[index])).collect();
            let Mean { value, error } = Mean::new(&squares);
            let root = value.sqrt();
            component.chips = Some(Mean { value: root, error: if root > 0.0 { error / (2.0 * root) } else { 0.0 } });
        }
    }

    /// The components that exist and have an effect on perfect or sampled chips, the most sensitive first: on sampled chips if
    /// there are some. Less than 1e-9 of the largest is rounding, as of phases without light.
    #[must_use]
    pub fn sorted(&self) -> Vec<&ComponentSensitivity> {
        let own = |component: &ComponentSensitivity| component.chips.map_or(component.sensitivity, |mean| mean.value);
        let smallest = 1e-9 * self.components.iter().map(own).fold(self.largest(), f64::max);
        let has_effect = |c: &&ComponentSensitivity| c.sensitivity.max(own(c)) > smallest;
        let mut all: Vec<&ComponentSensitivity> = self.components.iter().filter(has_effect).collect();
        all.sort_by(|a, b| own(b).total_cmp(&own(a)));
        all
    }

    /// The largest sensitivity of perfect chips.
    fn largest(&self) -> f64 {
        self.components.iter().fold(0.0, |most: f64, component| most.max(component.sensitivity))
    }

    /// Variance of the outputs, summed over them, by first order.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance_of(|_| true)
    }

    /// The part of some components in this variance.
    fn variance_of(&self, is_part: impl Fn(&ComponentSensitivity) -> bool) -> f64 {
        let smallest = 1e-9 * self.largest();
        let parts = self.components.iter().filter(|c| is_part(c) && c.sensitivity > smallest);
        parts.map(|c| (c.sensitivity * c.sigma).powi(2)).fold(0.0, |sum, x| sum + x)
    }

    /// `sensitivity.csv`: one row per component with an effect, the most sensitive first.
    #[must_use]
    pub fn table(&self) -> ResultTable {
        let total = self.variance();
        let row = |c: &&ComponentSensitivity| -> Vec<(String, ResultValue)> {
            let share = (total > 0.0).then(|| (c.sensitivity * c.sigma).powi(2) / total);
            vec![
                ("layer".into(), c.layer.into()),
                ("tile".into(), c.tile.into()),
                ("stage".into(), c.stage.into()),
                ("component".into(), c.component.into()),
                ("column".into(), c.column.into()),
                ("mode".into(), c.mode.into()),
                ("number".into(), c.number.into()),
                ("sensitivity".into(), c.sensitivity.into()),
                ("chips_sensitivity".into(), c.chips.map(|mean| mean.value).into()),
                ("chips_sensitivity_se".into(), c.chips.filter(|_| self.chips > 1).map(|mean| mean.error).into()),
                ("share".into(), share.into()),
            ]
        };
        ResultTable::from_rows("sensitivity", self.sorted().iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::prepare::PreparedPoint;
    use crate::run::run;
    use crate::store::merge::merge;
    use crate::store::plan::Shard;
    use crate::store::record::Unit;
    use crate::yields::budget::budget_experiment;
    use phaseloom_hardware::{Batch, Chip, ChipId};
    use phaseloom_numerics::linalg::multiply_batch;
    use std::path::Path;

    /// A small trained network of two layers on cores of 8 ports, so that layers have several tiles. All kinds of static errors
    /// are on.
    fn experiment(folder: &Path) -> Experiment {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/breast_cancer");
        let example = example.display();
        let text = format!(
            "model = '{example}/model.toml'\ntrials = 3\n[data]\ninputs = '{example}/breast_cancer.csv'\n\
             csv = {{ skip_lines = 1 }}\nsamples = 12\n[core]\nports = 8\n\
             [process]\nphase_error.sigma_rad = 0.2\nsplitter_error.sigma_rad = 0.1\nphase_quantization.bits = 5\n\
             insertion_loss.loss_db = 0.1\n"
        );
        let path = folder.join("experiment.toml");
        std::fs::write(&path, text).unwrap();
        Experiment::load(&path).unwrap()
    }

    fn prepared(experiment: &Experiment) -> (PreparedPoint, Point) {
        let points = experiment.points().unwrap();
        let SubjectInputs::Networks(inputs) = Inputs::read(experiment, &points).unwrap().points else { unreachable!() };
        let (mut prepared, _) = prepare(experiment, &points, inputs, &Options::default().interrupt).unwrap();
        (prepared.remove(0), points[0].clone())
    }

    /// Outputs of the network on the chips of a trial, or on perfect ones, if one component has an error more (rad). Every
    /// matrix is computed from its chip here.
    fn outputs(point: &PreparedPoint, trial: Option<u64>, at: (usize, usize, usize, usize), error: f64) -> Batch {
        let process = if trial.is_some() { point.config.process.clone() } else { Process::default() };
        let (mut weights, mut core) = (Vec::new(), 0);
        for (layer, program) in point.programs.layers.iter().enumerate() {
            let mut weight = program.weight() * 0.0;
            for (tile, of_tile) in program.tiles().iter().enumerate() {
                let id = trial.map(|trial| ChipId { seed: point.config.seed, trial, core });
                core += 1;
                let Some(of_tile) = of_tile else { continue };
                let (program, part) = (&of_tile.program, of_tile.tile);
                let nominal = Chip::nominal(&process, program).unwrap();
                let mut stages = match id {
                    Some(id) => Chip::fabricate(&process, program, id).unwrap().stages().to_vec(),
                    None => nominal.stages().to_vec(),
                };
                if (layer, tile) == (at.0, at.1) {
                    let (stage, place) = (&mut stages[at.2], at.3);
                    let phases = stage.offsets.values().len();
                    match place < phases {
                        true => stage.offsets.values_mut()[place] += error,
                        false => {
                            let cell = &mut stage.cell_errors[(place - phases) / 3];
                            *[&mut cell.alpha, &mut cell.beta, &mut cell.gamma][(place - phases) % 3] += error;
                        }
                    }
                }
                // The gain restores the scale that the nominal loss changes.
                let programmed: Vec<_> = program.stages().iter().map(|stage| stage.phases().clone()).collect();
                let lossy = nominal.matrix_from_driven(program, &programmed).unwrap();
                let corner = lossy.view((0, 0), of_tile.target.shape());
                let gain = of_tile.target.norm_squared() / of_tile.target.dotc(&corner).re;
                let chip = Chip::from_stages(&process, program, stages).unwrap();
                let realised = chip.matrix_from_driven(program, &process.drive(program)).unwrap();
                for (row, column) in (0..part.rows).flat_map(|row| (0..part.columns).map(move |column| (row, column))) {
                    weight[(part.row + row, part.column + column)] = gain * realised[(row, column)].re;
                }
            }
            weights.push(weight);
        }
        let mut multiply =
            |call: phaseloom_network::network::Call, x: &Batch| multiply_batch(&weights[call.product], x);
        point.network.pass(&point.test_set.chunks[0].exact.input, &mut multiply, &mut |_, _| {}).unwrap()
    }

    /// Every 17th component of the perfect chips, and of the chips of a trial with all static errors, against central
    /// differences. The step 1e-5 leaves an error of about 1e-10, and a record has seven digits; the tolerance is 1e-6.
    #[test]
    fn sensitivities_are_those_of_finite_differences_through_the_network() {
        let folder = tempfile::tempdir().unwrap();
        let mut experiment = experiment(folder.path());
        experiment.config.sensitivity = Some(SensitivitySettings { chips: 2, samples: 12 });
        let (point, grid_point) = prepared(&experiment);
        let map = map_of(&point, &grid_point, 12).unwrap().unwrap();
        let record = point.evaluate(Unit { row: Row::Sensitivity, point: 0, trial: 1 }).unwrap();
        assert_eq!(record.sensitivity.len(), map.components.len());
        let (mut index, mut compared, mut changed) = (0, 0, 0.0_f64);
        for (layer, program) in point.programs.layers.iter().enumerate() {
            for (tile, of_tile) in program.tiles().iter().enumerate() {
                let Some(of_tile) = of_tile else { continue };
                for (stage, of_stage) in of_tile.program.stages().iter().enumerate() {
                    let phases = of_stage.phases().values().len();
                    for place in 0..phases + 3 * of_stage.layout().positions.len() {
                        let component = &map.components[index];
                        let from_chip = f64::from(record.sensitivity[index]).sqrt();
                        assert_eq!((component.tile, component.stage), (tile, stage));
                        index += 1;
                        // A cell of two splitters has no third one.
                        if !index.is_multiple_of(17) || (place >= phases && (place - phases) % 3 == 2) {
                            continue;
                        }
                        for (trial, found) in [(None, component.sensitivity), (Some(1), from_chip)] {
                            let step = 1e-5;
                            let at = (layer, tile, stage, place);
                            let high = outputs(&point, trial, at, step);
                            let slope = (high - outputs(&point, trial, at, -step)) / (2.0 * step);
                            let expected = (slope.norm_squared() / 12.0).sqrt();
                            let difference = (found - expected).abs();
                            assert!(difference < 1e-6 * (1.0 + expected), "{trial:?} {component:?}: {expected}");
                        }
                        changed = changed.max((component.sensitivity - from_chip).abs());
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(index, map.components.len());
        assert!(compared > 50 && changed > 0.1, "{compared} {changed}");
        assert!(map.sorted().is_sorted_by(|a, b| a.sensitivity >= b.sensitivity));
    }

    #[test]
    fn shards_of_a_map_merge_and_chips_average() {
        let folder = tempfile::tempdir().unwrap();
        let out = |name: &str| folder.path().join(name);
        let settings = SensitivitySettings { chips: 2, samples: 4 };
        let experiment = budget_experiment(&experiment(folder.path()), 0, Some(settings)).unwrap();
        let parts = ["1/2", "2/2"].map(|shard| {
            let options = Options { shard: shard.parse::<Shard>().unwrap(), ..Options::default() };
            drop(run(&experiment, &out(&shard.replace('/', "-")), &options).unwrap());
            out(&shard.replace('/', "-"))
        });
        drop(merge(&parts, &out("merged"), &|_| ()).unwrap());
        let map = |experiment: &Experiment, name: &str| {
            let outcome = run(experiment, &out(name), &Options::default()).unwrap();
            let mut map = sensitivity_map(experiment, 4, &Options::default()).unwrap().unwrap();
            map.add_chips(&outcome);
            (map, outcome.computed)
        };
        let (merged, computed) = map(&Experiment::load(&out("merged")).unwrap(), "merged");
        assert_eq!((computed, merged.chips), (0, 2));
        // More trials are no other map.
        let mut longer = experiment;
        longer.config.trials += 1;
        let (whole, _) = map(&longer, "whole");
        assert_eq!(merged.table().csv(), whole.table().csv());
        // The mean of two squares a and b has the standard error |a − b|/2.
        let outcome = run(&longer, &out("whole"), &Options::default()).unwrap();
        let maps: Vec<_> = outcome.records.values().filter(|record| record.unit.row == Row::Sensitivity).collect();
        assert_eq!(maps.iter().map(|record| record.unit.trial).collect::<Vec<_>>(), [0, 1]);
        let (at, component) =
            whole.components.iter().enumerate().max_by(|a, b| a.1.sensitivity.total_cmp(&b.1.sensitivity)).unwrap();
        let [a, b] = [0, 1].map(|trial: usize| f64::from(maps[trial].sensitivity[at]));
        let (mean, error) = ((a + b) / 2.0, (a - b).abs() / 2.0);
        let found = component.chips.unwrap();
        assert!((found.value - mean.sqrt()).abs() < 1e-12 * found.value, "{found:?}");
        assert!((found.error - error / (2.0 * mean.sqrt())).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn a_map_needs_a_model_file_and_homodyne_detection() {
        let folder = tempfile::tempdir().unwrap();
        for (key, value) in [("link.detection", "direct"), ("model", "net.onnx")] {
            let path = folder.path().join("experiment.toml");
            let model = if key == "model" { value } else { "model.toml" };
            let detection = if key == "model" { "homodyne" } else { value };
            let text = format!(
                "model = '{model}'\n[data]\ninputs = 'x.npy'\n[link]\ndetection = '{detection}'\n\
                 [sensitivity]\nchips = 2\nsamples = 3\n"
            );
            std::fs::write(&path, text).unwrap();
            let error = Experiment::load(&path).unwrap_err().to_string();
            assert!(error.contains("homodyne detection; remove the table"), "{error}");
        }
    }
}
