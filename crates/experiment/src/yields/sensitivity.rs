//! How sensitive the outputs of a network are to every phase and every splitter of its chips, and what first order predicts.
//!
//! ```text
//! s_i² = mean over samples x of Σ_c (∂z_c/∂ψ_i)²              z: outputs before a softmax, ψ_i: the error of component i (rad)
//! variance of the outputs = Σ_i s_i² σ_i²                     independent errors
//! accuracy ≈ mean over x of Φ(m_x/√Σ_i σ_i² (∂m_x/∂ψ_i)²)     m: output of the label minus the largest other one
//! ```
//!
//! The derivatives are those of the perfect chip at its program, with homodyne detection. The accuracy is optimistic: it knows
//! one rival class and first order alone.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::run::Options;
use crate::run::prepare::{PreparedPoint, prepare};
use crate::run::task::Task;
use nalgebra::{Complex, DMatrix};
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_hardware::{Batch, Component, Detection, Process};
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{MatrixProgram, ShifterKind, StageComponent, visit_slopes};
use phaseloom_network::ProductSlopes;
use std::f64::consts::FRAC_1_SQRT_2;

/// Samples that pass the meshes together.
const TOGETHER: usize = 16;

/// Columns of `sensitivity.csv`.
pub const SENSITIVITY_COLUMNS: &[ColumnText] = &[
    ("layer", "", "Index of the photonic layer among all layers."),
    ("tile", "", "Index of the tile of its matrix, row block by row block."),
    ("stage", "", "0: V†, 1: Σ, 2: U of the core; 0 alone for one mesh."),
    ("component", "", "`theta`, `phi`, `output` or `boundary` phase, or `splitter`."),
    ("column", "", "Column of the mesh, from the input."),
    ("mode", "", "Upper mode of the cell, or mode of the phase."),
    ("number", "", "Which splitter of the cell, from 0; 0 for phases."),
    ("sensitivity", "1/rad", "Root mean square over samples of the change of all outputs with this error."),
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
    /// s_i (1/rad).
    pub sensitivity: f64,
    /// σ_i of the process (rad).
    pub sigma: f64,
}

/// The sensitivities of a network, and the accuracy that first order predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct SensitivityMap {
    /// Number of samples.
    pub samples: usize,
    /// All phases and splitters of all cores.
    pub components: Vec<ComponentSensitivity>,
    /// Loss of accuracy by first order: of phase errors alone, of splitter errors alone, of both. `None` without labels.
    pub accuracy_loss: Option<[f64; 3]>,
}

/// Computes the map of the network of an experiment at its first point, from the first samples of its test data. `None` for
/// networks that give no derivatives (graphs, layers inside layers) and detection other than homodyne.
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
    if experiment.config.is_matrix() || experiment.config.link.detection != Detection::Homodyne {
        return Ok(None);
    }
    let SubjectInputs::Networks(inputs) = Inputs::read(&experiment, &points)?.points else { return Ok(None) };
    let (prepared, _) = prepare(&experiment, &points, inputs, &options.interrupt)?;
    let (Some(prepared), Some(point)) = (prepared.first(), points.first()) else { return Ok(None) };
    Ok(map_of(prepared, point, samples))
}

fn map_of(prepared: &PreparedPoint, point: &Point, samples: usize) -> Option<SensitivityMap> {
    let first = prepared.test_set.chunks.first()?;
    let samples = samples.min(first.exact.input.ncols());
    let input = first.exact.input.columns(0, samples).into_owned();
    let (logits, products) = prepared.network.product_slopes(&input, None)?;
    let task = prepared.test_set.task.first_samples(samples);
    let margins = match &task {
        // Outputs with positions have several labels a sample.
        Task::Classification { labels, .. } if logits.nrows() > 1 && labels.len() == samples => {
            labels.iter().copied().collect::<Option<Vec<usize>>>().map(|labels| Margins::new(&logits, &labels))
        }
        _ => None,
    };
    let sigma = |component| sigma(&point.config.process, component);
    let mut found = Found { samples, components: Vec::new(), variances: [vec![0.0; samples], vec![0.0; samples]] };
    let views = prepared.network.photonic_layers();
    for ((product, program), view) in products.iter().zip(&prepared.programs.layers).zip(&views) {
        for (index, tile) in program.tiles().iter().enumerate() {
            let Some(tile) = tile else { continue };
            let of_tile = tile.tile;
            let inputs = product.inputs.rows(of_tile.column, of_tile.columns).into_owned();
            let slopes: Vec<Batch> =
                product.slopes.iter().map(|slopes| slopes.rows(of_tile.row, of_tile.rows).into_owned()).collect();
            let part = ProductSlopes { vectors: product.vectors, inputs, slopes };
            let at = (view.index, index);
            found.add_tile(at, &tile.program, &part, margins.as_ref(), &sigma);
        }
    }
    let accuracy_loss = margins.as_ref().map(|margins| {
        let [phases, splitters] = &found.variances;
        let both: Vec<f64> = phases.iter().zip(splitters).map(|(a, b)| a + b).collect();
        [margins.loss(phases), margins.loss(splitters), margins.loss(&both)]
    });
    Some(SensitivityMap { samples, components: found.components, accuracy_loss })
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

/// The margin of each sample: the output of its label minus the largest other one.
struct Margins {
    values: Vec<f64>,
    /// Label and rival of each sample.
    classes: Vec<(usize, usize)>,
}

impl Margins {
    fn new(logits: &Batch, labels: &[usize]) -> Self {
        let rival = |(sample, &label): (usize, &usize)| {
            let others = (0..logits.nrows()).filter(|class| *class != label);
            let best = others.max_by(|a, b| logits[(*a, sample)].total_cmp(&logits[(*b, sample)]));
            (label, best.unwrap_or(label))
        };
        let classes: Vec<(usize, usize)> = labels.iter().enumerate().map(rival).collect();
        let of =
            |(sample, (label, rival)): (usize, &(usize, usize))| logits[(*label, sample)] - logits[(*rival, sample)];
        Self { values: classes.iter().enumerate().map(of).collect(), classes }
    }

    /// Loss of accuracy with these variances of the margins.
    fn loss(&self, variances: &[f64]) -> f64 {
        let probability = |(margin, variance): (&f64, &f64)| match *variance > 0.0 {
            true => 0.5 * libm::erfc(-margin / variance.sqrt() * FRAC_1_SQRT_2),
            false => f64::from(u8::from(*margin > 0.0)),
        };
        let correct = self.values.iter().filter(|margin| **margin > 0.0).count() as f64;
        let expected: f64 = self.values.iter().zip(variances).map(probability).sum();
        (correct - expected) / self.values.len().max(1) as f64
    }
}

/// What was summed so far.
struct Found {
    samples: usize,
    components: Vec<ComponentSensitivity>,
    /// Variance of the margin of each sample by phase errors, and by splitter errors.
    variances: [Vec<f64>; 2],
}

impl Found {
    /// Adds the components of one core.
    fn add_tile(
        &mut self,
        (layer, tile): (usize, usize),
        program: &MatrixProgram,
        part: &ProductSlopes,
        margins: Option<&Margins>,
        sigma: &dyn Fn(Component) -> f64,
    ) {
        let (ports_out, ports_in) = program.shape();
        let complex = |batch: &Batch, rows: usize, columns: std::ops::Range<usize>, factor: f64| {
            let part = batch.columns(columns.start, columns.len()).map(|x| Complex::new(factor * x, 0.0));
            part.resize_vertically(rows, Complex::ZERO)
        };
        let stages = program.stages();
        let errors: Vec<Vec<CellErrors>> =
            stages.iter().map(|stage| vec![CellErrors::NONE; stage.layout().positions.len()]).collect();
        // Index of each component in `self.components`, stage by stage.
        let first = self.components.len();
        let mut starts = Vec::new();
        for (index, stage) in stages.iter().enumerate() {
            starts.push(self.components.len());
            self.components.extend(components(stage, (layer, tile, index), sigma));
        }
        let mut sums = vec![0.0; self.components.len() - first];
        for start in (0..self.samples).step_by(TOGETHER) {
            let count = TOGETHER.min(self.samples - start);
            let columns = start * part.vectors..(start + count) * part.vectors;
            let mut fields = vec![complex(&part.inputs, ports_in, columns.clone(), 1.0)];
            for (stage, errors) in stages.iter().zip(&errors) {
                let mut next = phaseloom_mesh::Fields::from_matrix(
                    &fields[fields.len() - 1].clone().resize_vertically(stage.layout().modes, Complex::ZERO),
                );
                phaseloom_mesh::Circuit::compile(stage, stage.phases(), errors).propagate(&mut next);
                fields.push(next.to_matrix());
            }
            let mut adjoints: Vec<DMatrix<Complex<f64>>> =
                part.slopes.iter().map(|slopes| complex(slopes, ports_out, columns.clone(), program.gain())).collect();
            for (index, stage) in stages.iter().enumerate().rev() {
                let modes = stage.layout().modes;
                let before = fields[index].clone().resize_vertically(modes, Complex::ZERO);
                let after: Vec<DMatrix<Complex<f64>>> =
                    adjoints.iter().map(|adjoint| adjoint.clone().resize_vertically(modes, Complex::ZERO)).collect();
                let cells = stage.layout().positions.len();
                let phases = stage.phases().values().len();
                let start_of = starts[index] - first;
                // Derivative of the margin of each sample, which two of the adjoints make.
                let mut of_margin = vec![0.0; (phases + 3 * cells) * count];
                let mut visit = |output: usize, component: StageComponent, slopes: &[f64]| {
                    let place = match component {
                        StageComponent::Phase(phase) => phase,
                        StageComponent::Splitter { cell, splitter } => phases + 3 * cell + splitter,
                    };
                    for (sample, slopes) in slopes.chunks_exact(part.vectors).enumerate() {
                        let slope: f64 = slopes.iter().sum();
                        sums[start_of + place] += slope * slope;
                        if let Some(margins) = margins {
                            let (label, rival) = margins.classes[start + sample];
                            let sign = f64::from(u8::from(output == label)) - f64::from(u8::from(output == rival));
                            of_margin[place * count + sample] += sign * slope;
                        }
                    }
                };
                adjoints = visit_slopes(stage, stage.phases(), &errors[index], &before, &after, &mut visit);
                for (place, slopes) in of_margin.chunks_exact(count).enumerate() {
                    let (kind, variances) = match place < phases {
                        true => (Component::Phase, &mut self.variances[0]),
                        false => (Component::Splitter, &mut self.variances[1]),
                    };
                    let variance = sigma(kind).powi(2);
                    for (total, slope) in variances[start..].iter_mut().zip(slopes) {
                        *total += variance * slope * slope;
                    }
                }
            }
        }
        for (component, sum) in self.components[first..].iter_mut().zip(sums) {
            component.sensitivity = (sum / self.samples as f64).sqrt();
        }
    }
}

/// The components of a stage: its phases in their order, then three places for the splitters of each cell.
fn components(
    stage: &phaseloom_mesh::Stage,
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
    all
}

impl SensitivityMap {
    /// The components that exist and have an effect, the most sensitive first. Less than 1e-9 of the largest is rounding, as of
    /// phases without light.
    #[must_use]
    pub fn sorted(&self) -> Vec<&ComponentSensitivity> {
        let largest = self.components.iter().fold(0.0, |most: f64, component| most.max(component.sensitivity));
        let has_effect = |component: &&ComponentSensitivity| component.sensitivity > 1e-9 * largest;
        let mut all: Vec<&ComponentSensitivity> = self.components.iter().filter(has_effect).collect();
        all.sort_by(|a, b| b.sensitivity.total_cmp(&a.sensitivity));
        all
    }

    /// Variance of the outputs, summed over them, by first order.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.components.iter().map(|c| (c.sensitivity * c.sigma).powi(2)).sum()
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
    use phaseloom_hardware::{Chip, StageErrors};
    use phaseloom_numerics::linalg::multiply_batch;
    use std::path::Path;

    /// A small trained network of two layers on cores of 8 ports, so that layers have several tiles.
    fn prepared(folder: &Path) -> (PreparedPoint, Point) {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/breast_cancer");
        let example = example.display();
        let text = format!(
            "model = '{example}/model.toml'\n[data]\ninputs = '{example}/breast_cancer.csv'\ncsv = {{ skip_lines = 1 }}\n\
             samples = 12\n[core]\nports = 8\n[process]\nphase_error.sigma_rad = 0.02\nsplitter_error.sigma_rad = 0.01\n"
        );
        let path = folder.join("experiment.toml");
        std::fs::write(&path, text).unwrap();
        let experiment = Experiment::load(&path).unwrap();
        let points = experiment.points().unwrap();
        let SubjectInputs::Networks(inputs) = Inputs::read(&experiment, &points).unwrap().points else {
            unreachable!()
        };
        let (mut prepared, _) = prepare(&experiment, &points, inputs, &Options::default().interrupt).unwrap();
        (prepared.remove(0), points[0].clone())
    }

    /// Outputs of the network if one component of a core has an error (rad).
    fn outputs(point: &PreparedPoint, (layer, tile, stage, place): (usize, usize, usize, usize), error: f64) -> Batch {
        let program = &point.programs.layers[layer];
        let of_tile = program.tiles()[tile].as_ref().unwrap();
        let mut stages: Vec<StageErrors> = {
            let nominal = Chip::nominal(&Process::default(), &of_tile.program).unwrap();
            nominal.stages().to_vec()
        };
        let phases = stages[stage].offsets.values().len();
        match place < phases {
            true => stages[stage].offsets.values_mut()[place] += error,
            false => {
                let cell = &mut stages[stage].cell_errors[(place - phases) / 3];
                *[&mut cell.alpha, &mut cell.beta, &mut cell.gamma][(place - phases) % 3] += error;
            }
        }
        let chip = Chip::from_stages(&Process::default(), &of_tile.program, stages).unwrap();
        let realised = chip.matrix(&of_tile.program).unwrap();
        let mut weight = program.weight().clone();
        let part = of_tile.tile;
        for row in 0..part.rows {
            for column in 0..part.columns {
                weight[(part.row + row, part.column + column)] = of_tile.program.gain() * realised[(row, column)].re;
            }
        }
        let views = point.network.photonic_layers();
        let mut multiply = |call: phaseloom_network::network::Call, x: &Batch| {
            multiply_batch(if call.product == layer { &weight } else { views[call.product].weight }, x)
        };
        point.network.pass(&point.test_set.chunks[0].exact.input, &mut multiply, &mut |_, _| {}).unwrap()
    }

    #[test]
    fn sensitivities_are_those_of_finite_differences_through_the_network() {
        let folder = tempfile::tempdir().unwrap();
        let (point, grid_point) = prepared(folder.path());
        let map = map_of(&point, &grid_point, 12).unwrap();
        let (mut index, mut compared) = (0, 0);
        for (layer, program) in point.programs.layers.iter().enumerate() {
            for (tile, of_tile) in program.tiles().iter().enumerate() {
                let Some(of_tile) = of_tile else { continue };
                for (stage, of_stage) in of_tile.program.stages().iter().enumerate() {
                    let phases = of_stage.phases().values().len();
                    for place in 0..phases + 3 * of_stage.layout().positions.len() {
                        let component = &map.components[index];
                        assert_eq!((component.tile, component.stage), (tile, stage));
                        index += 1;
                        // Every seventeenth component; a cell of two splitters has no third one.
                        if !index.is_multiple_of(17) || (place >= phases && (place - phases) % 3 == 2) {
                            continue;
                        }
                        let step = 1e-5;
                        let at = (layer, tile, stage, place);
                        let slope = (outputs(&point, at, step) - outputs(&point, at, -step)) / (2.0 * step);
                        let expected = (slope.norm_squared() / 12.0).sqrt();
                        let difference = (component.sensitivity - expected).abs();
                        assert!(difference < 1e-6 * (1.0 + expected), "{component:?}: {expected}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(index, map.components.len());
        assert!(compared > 50, "{compared}");
        assert!(map.sorted().is_sorted_by(|a, b| a.sensitivity >= b.sensitivity));
    }
}
