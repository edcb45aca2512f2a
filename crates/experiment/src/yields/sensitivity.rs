//! How sensitive the outputs of a network, or a matrix, are to every phase and every splitter of its chips, and what first order
//! predicts.
//!
//! ```text
//! network   s_i² = mean over samples x of Σ_c (∂z_c/∂ψ_i)²              z: outputs before a softmax, ψ_i: the error of component i (rad)
//!           variance of the outputs = Σ_i s_i² σ_i²                     independent errors
//!           accuracy ≈ mean over x of Φ(m_x/√Σ_i σ_i² (∂m_x/∂ψ_i)²)     m: output of the label minus the maximum of the others
//! matrix    s_i² = ‖∂Ŵ/∂ψ_i‖²/‖W‖²                                      Ŵ: realised matrix, W: target
//!           squared matrix error E² = Σ_i s_i² σ_i²                     independent errors
//! ```
//!
//! In a network whose tiles share one core, an error of the core is one error in every tile: its derivatives add before they are
//! squared. The first order is about the perfect chip. Next to its sensitivities are those of the sampled chips of a budget, whose mean
//! squares add. The accuracy is optimistic: it knows one rival class and first order alone.
//!
//! The map of a unitary mesh is flat: each phase has 1/√N, each splitter √(2/N). The components of two meshes around attenuators
//! differ, because light that they misdirect meets other attenuators.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::input::sensitivity::SensitivitySettings;
use crate::run::Options;
use crate::run::matrix::{self, MatrixPoint};
use crate::run::prepare::{PreparedPoint, prepare};
use crate::run::sensitivity::{Margins, places};
use crate::store::outcome::Outcome;
use crate::store::record::Row;
use crate::yields::Mean;
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_hardware::{Component, CoreSharing, GainCalibration, Process};
use phaseloom_mesh::{ShifterKind, Stage};
use std::f64::consts::FRAC_1_SQRT_2;

/// Columns of `sensitivity.csv`.
pub const SENSITIVITY_COLUMNS: &[ColumnText] = &[
    ("layer", "", "Index of the photonic layer among all layers; no such column for a single matrix or a shared core."),
    (
        "tile",
        "",
        "Index of the tile of its matrix, row block by row block; no such column for a single matrix or a shared core.",
    ),
    ("stage", "", "0: V†, 1: Σ, 2: U of the core; 0 alone for one mesh."),
    ("component", "", "`theta`, `phi`, `output` or `boundary` phase, or `splitter`."),
    ("column", "", "Column of the mesh, from the input."),
    ("mode", "", "Upper mode of the cell, or mode of the phase."),
    ("number", "", "Which splitter of the cell, from 0; 0 for phases."),
    (
        "sensitivity",
        "1/rad",
        "On the perfect chip, of a network: root mean square over samples of the change of all outputs with this error. Of a matrix \
         W: ‖∂Ŵ‖/‖W‖, the change of the realised matrix Ŵ.",
    ),
    (
        "chips_sensitivity",
        "1/rad",
        "The same, root mean square over sampled chips with their errors; empty without such chips.",
    ),
    ("chips_sensitivity_se", "1/rad", "Its standard error over chips."),
    (
        "share",
        "1",
        "Share of the variance of the outputs, or of E² of a matrix, by the errors of the process to first order; empty without \
         phase or splitter errors.",
    ),
];

/// One phase or splitter.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentSensitivity {
    /// Index of the layer among all layers, and of the tile; `None` for a single matrix, and for a core that all tiles share.
    pub core: Option<(usize, usize)>,
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

/// The sensitivities of a network or a matrix, and the accuracy that first order predicts.
#[derive(Clone, Debug, PartialEq)]
pub struct SensitivityMap {
    /// Number of samples; `None` for a single matrix.
    pub samples: Option<usize>,
    /// Number of sampled chips.
    pub chips: usize,
    /// All phases and splitters of all cores.
    pub components: Vec<ComponentSensitivity>,
    /// Loss of accuracy by first order: of phase errors alone, of splitter errors alone, of both. `None` without labels.
    pub accuracy_loss: Option<[f64; 3]>,
    /// Squared rms difference of the outputs relative to their rms by first order: of phase errors alone, of splitter errors
    /// alone. `None` if the outputs are zero, or follow a softmax, and for a matrix, which has laws of its own.
    pub output_differences_squared: Option<[f64; 2]>,
}

/// Computes the map of the perfect chips of an experiment at its first point, of a network from the first samples of its test
/// data. `None` for ONNX graphs, and for detection other than homodyne.
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
    let Some(point) = points.first().filter(|point| SensitivitySettings::suit(&point.config)) else { return Ok(None) };
    match Inputs::read(&experiment, &points)?.points {
        SubjectInputs::Networks(inputs) => {
            let (prepared, _) = prepare(&experiment, &points, inputs, &options.interrupt)?;
            prepared.first().map_or(Ok(None), |prepared| map_of_network(prepared, point, samples))
        }
        SubjectInputs::Matrices(inputs) => {
            let prepared = matrix::prepare(&experiment, &points, &inputs, &options.interrupt)?;
            prepared.first().map(|prepared| map_of_matrix(prepared, point)).transpose()
        }
    }
}

/// The map of the perfect chip of a matrix.
fn map_of_matrix(prepared: &MatrixPoint, point: &Point) -> Result<SensitivityMap, ExperimentError> {
    let stages = prepared.stages().iter().enumerate();
    let components = stages.flat_map(|(index, stage)| components(stage, None, index, &point.config.process)).collect();
    Ok(SensitivityMap::new(components, &prepared.perfect_sensitivities()?))
}

fn map_of_network(
    prepared: &PreparedPoint,
    point: &Point,
    samples: usize,
) -> Result<Option<SensitivityMap>, ExperimentError> {
    let samples = samples.min(prepared.test_set.chunks.first().map_or(0, |chunk| chunk.exact.input.ncols()));
    let process = &point.config.process;
    let variances = [Component::Phase, Component::Splitter].map(|component| sigma(process, component).powi(2));
    let mut margins = prepared.labels(samples).map(|labels| Margins::new(labels, variances));
    let layers = prepared.realise(&prepared.perfect, GainCalibration::None, 0)?;
    let Some(squares) = prepared.squared_sensitivities(&layers, samples, margins.as_mut()) else { return Ok(None) };
    let mut all = Vec::new();
    let is_shared = point.config.core.cores == CoreSharing::Shared;
    for (program, view) in prepared.programs.layers.iter().zip(prepared.network.photonic_layers()) {
        for (tile, of_tile) in program.tiles().iter().enumerate() {
            // A shared core is one core of all tiles.
            if is_shared && !all.is_empty() {
                continue;
            }
            let core = (!is_shared).then_some((view.index, tile));
            let stages = of_tile.iter().flat_map(|of_tile| of_tile.program.stages()).enumerate();
            stages.for_each(|(index, stage)| all.extend(components(stage, core, index, process)));
        }
    }
    let mut map = SensitivityMap { samples: Some(samples), ..SensitivityMap::new(all, &squares) };
    map.accuracy_loss = margins.map(|margins| {
        let [phases, splitters] = &margins.variances;
        let both: Vec<f64> = phases.iter().zip(splitters).map(|(a, b)| a + b).collect();
        [phases, splitters, &both].map(|variances| loss(&margins.values, variances))
    });
    let mean_square = prepared.mean_square_before_softmax(samples);
    map.output_differences_squared = mean_square.map(|mean_square| map.variances().map(|part| part / mean_square));
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
    core: Option<(usize, usize)>,
    index: usize,
    process: &Process,
) -> Vec<ComponentSensitivity> {
    let layout = stage.layout();
    let cells = layout.positions.len();
    let [of_phases, of_splitters] = [Component::Phase, Component::Splitter].map(|component| sigma(process, component));
    let blank = |component, column, mode, number, sigma| ComponentSensitivity {
        core,
        stage: index,
        component,
        column,
        mode,
        number,
        sensitivity: 0.0,
        chips: None,
        sigma,
    };
    let phase =
        |component, shifter: phaseloom_mesh::Shifter| blank(component, shifter.column, shifter.mode, 0, of_phases);
    let mut all: Vec<ComponentSensitivity> =
        (0..cells).map(|cell| phase("theta", layout.cell_shifter(cell, ShifterKind::Theta))).collect();
    all.extend((0..cells).map(|cell| phase("phi", layout.cell_shifter(cell, ShifterKind::Phi))));
    let outputs = stage.phases().output().len();
    all.extend((0..outputs).map(|mode| phase("output", layout.output_shifter(mode))));
    let boundary = stage.phases().values().len() - all.len();
    all.extend((0..boundary).map(|index| phase("boundary", layout.boundary_shifter(index))));
    for position in &layout.positions {
        let splitter = |number| blank("splitter", position.column, position.mode, number, of_splitters);
        all.extend((0..3).map(splitter));
    }
    debug_assert_eq!(all.len(), places(stage));
    all
}

impl SensitivityMap {
    /// The map of components with these s² (1/rad²).
    fn new(mut components: Vec<ComponentSensitivity>, squares: &[f64]) -> Self {
        components.iter_mut().zip(squares).for_each(|(component, square)| component.sensitivity = square.sqrt());
        Self { samples: None, chips: 0, components, accuracy_loss: None, output_differences_squared: None }
    }

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
    /// there are some. Less than 1e-9 of the maximum is rounding, as of phases without light. Equal components, to a millionth of
    /// the maximum, keep the order in which light passes them.
    #[must_use]
    pub fn sorted(&self) -> Vec<&ComponentSensitivity> {
        let own = |component: &ComponentSensitivity| component.chips.map_or(component.sensitivity, |mean| mean.value);
        let maximum = self.components.iter().map(own).fold(self.maximum(), f64::max);
        let has_effect = |c: &&ComponentSensitivity| c.sensitivity.max(own(c)) > 1e-9 * maximum;
        let mut all: Vec<&ComponentSensitivity> = self.components.iter().filter(has_effect).collect();
        let rank = |component: &ComponentSensitivity| (1e6 * own(component) / maximum).round();
        all.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        all
    }

    /// The maximum sensitivity of perfect chips.
    fn maximum(&self) -> f64 {
        self.components.iter().fold(0.0, |most: f64, component| most.max(component.sensitivity))
    }

    /// Variance of the outputs, summed over them, or E² of a matrix, by first order.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variances().iter().sum()
    }

    /// Its parts by phase errors and by splitter errors.
    #[must_use]
    pub fn variances(&self) -> [f64; 2] {
        let minimum = 1e-9 * self.maximum();
        [false, true].map(|of_splitters| {
            let is_part =
                |c: &&ComponentSensitivity| (c.component == "splitter") == of_splitters && c.sensitivity > minimum;
            let parts = self.components.iter().filter(is_part);
            parts.map(|c| (c.sensitivity * c.sigma).powi(2)).fold(0.0, |sum, x| sum + x)
        })
    }

    /// `sensitivity.csv`: one row per component with an effect, the most sensitive first.
    #[must_use]
    pub fn table(&self) -> ResultTable {
        let total = self.variance();
        let row = |c: &&ComponentSensitivity| -> Vec<(String, ResultValue)> {
            let share = (total > 0.0).then(|| (c.sensitivity * c.sigma).powi(2) / total);
            let core = c.core.map(|(layer, tile)| [("layer".into(), layer.into()), ("tile".into(), tile.into())]);
            let rest = [
                ("stage".into(), c.stage.into()),
                ("component".into(), c.component.into()),
                ("column".into(), c.column.into()),
                ("mode".into(), c.mode.into()),
                ("number".into(), c.number.into()),
                ("sensitivity".into(), c.sensitivity.into()),
                ("chips_sensitivity".into(), c.chips.map(|mean| mean.value).into()),
                ("chips_sensitivity_se".into(), c.chips.filter(|_| self.chips > 1).map(|mean| mean.error).into()),
                ("share".into(), share.into()),
            ];
            core.into_iter().flatten().chain(rest).collect()
        };
        ResultTable::from_rows("sensitivity", self.sorted().iter().map(row).collect())
    }
}

#[cfg(test)]
mod tests;
