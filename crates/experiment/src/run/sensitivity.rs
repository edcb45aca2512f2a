//! The sensitivity of the outputs of a network to every phase and every splitter of its chips, by the adjoint of the fields.
//!
//! ```text
//! s_i² = mean over samples x of Σ_c (∂z_c/∂ψ_i)²      z: outputs before a softmax, ψ_i: the error of component i (rad)
//! ```
//!
//! The derivatives are those of chips as they are: with frozen errors, driven phases and the inputs that later layers get from
//! them. Detection is homodyne, without noise and rounding; gains are constants. The map of a single matrix, in
//! `matrix/sensitivity.rs`, has the same components in the same order.

use crate::error::ExperimentError;
use crate::run::prepare::PreparedPoint;
use crate::run::task::Task;
use crate::store::record::{Record, Unit};
use nalgebra::{Complex, DMatrix};
use phaseloom_files::InvalidValue;
use phaseloom_hardware::{
    Batch, CoreSharing, CoreUse, GainCalibration, HardwareError, LayerAddress, LayerDesign, RealisedCore,
    RealisedLayer, TileProgram,
};
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Circuit, Fields, Phases, Stage, StageComponent, visit_slopes};
use phaseloom_network::ProductSlopes;
use std::ops::Range;
use std::sync::Arc;

/// Samples that pass the meshes together.
const TOGETHER: usize = 16;

/// Number of components of a stage: its phases in their order, then three places for the splitters of each cell.
pub(crate) fn places(stage: &Stage) -> usize {
    stage.phases().values().len() + 3 * stage.layout().positions.len()
}

/// The place of a component of a stage among them.
pub(crate) fn place(stage: &Stage, component: StageComponent) -> usize {
    match component {
        StageComponent::Phase(phase) => phase,
        StageComponent::Splitter { cell, splitter } => stage.phases().values().len() + 3 * cell + splitter,
    }
}

/// The phases that light meets in a stage, and the errors of its cells.
pub(crate) type StageState<'a> = (Phases, &'a [CellErrors]);

/// Fields with as many modes as a stage has.
pub(crate) fn on_modes(fields: &DMatrix<Complex<f64>>, stage: &Stage) -> DMatrix<Complex<f64>> {
    fields.clone().resize_vertically(stage.layout().modes, Complex::ZERO)
}

/// The fields (modes × columns) before each stage.
pub(crate) fn fields_before(
    stages: &[Stage],
    states: &[StageState<'_>],
    input: &DMatrix<Complex<f64>>,
) -> Vec<DMatrix<Complex<f64>>> {
    let mut fields = Vec::with_capacity(stages.len());
    let mut next = Fields::from_matrix(input);
    for (stage, (phases, errors)) in stages.iter().zip(states) {
        next.resize(stage.layout().modes);
        fields.push(next.to_matrix());
        Circuit::compile(stage, phases, errors).propagate(&mut next);
    }
    fields
}

/// The record of squared sensitivities.
pub(crate) fn record(unit: Unit, samples: u64, squares: &[f64]) -> Result<Record, ExperimentError> {
    let sensitivity: Vec<f32> = squares.iter().map(|square| *square as f32).collect();
    if let Some(value) = sensitivity.iter().find(|value| !value.is_finite()) {
        let (unit, what) = (unit.to_string(), "a sensitivity".into());
        return Err(ExperimentError::NotFinite { unit, what, value: f64::from(*value) });
    }
    Ok(Record { sensitivity, ..Record::new(unit, samples) })
}

impl PreparedPoint {
    /// Computes the sensitivities of the chip of a unit.
    pub(super) fn sensitivity(&self, unit: Unit) -> Result<Record, ExperimentError> {
        let samples = self.config.sensitivity.and_then(|settings| settings.samples).unwrap_or(1);
        let layers = self.realise(&self.designs, self.config.core.calibration, unit.trial)?;
        let squares = self.squared_sensitivities(&layers, samples, None).ok_or_else(|| {
            let invalid = InvalidValue::new("sensitivity", "a network without derivatives", "a model file (TOML)");
            HardwareError::Unfit(invalid)
        })?;
        record(unit, self.test_set.exact.ncols() as u64, &squares)
    }

    /// All layers on the chips of a trial.
    pub(crate) fn realise(
        &self,
        designs: &[Arc<LayerDesign>],
        calibration: GainCalibration,
        trial: u64,
    ) -> Result<Vec<RealisedLayer>, HardwareError> {
        let core_use = CoreUse { calibration, ..self.config.core.core_use() };
        let mut address = LayerAddress { seed: self.config.seed, trial, layer: 0, first_core: 0 };
        let mut layers = Vec::new();
        for (program, design) in self.programs.layers.iter().zip(designs) {
            layers.push(RealisedLayer::new(program, design, core_use, address)?);
            address.layer += 1;
            address.first_core = address.first_core.wrapping_add(program.tiles().len() as u64);
        }
        Ok(layers)
    }

    /// s² of every component (1/rad²): layer by layer, tile by tile, stage by stage; of one core if all tiles share it. `None` for
    /// networks without derivatives. Adds the samples to `margins`.
    pub(crate) fn squared_sensitivities(
        &self,
        layers: &[RealisedLayer],
        samples: usize,
        mut margins: Option<&mut Margins>,
    ) -> Option<Vec<f64>> {
        let input = &self.test_set.chunks.first()?.exact.input;
        let samples = samples.min(input.ncols());
        let weights: Vec<DMatrix<f64>> = layers.iter().map(|layer| layer.weight.clone()).collect();
        let is_shared = self.config.core.cores == CoreSharing::Shared;
        let mut sums = Vec::new();
        for first in (0..samples).step_by(TOGETHER) {
            let count = TOGETHER.min(samples - first);
            let (outputs, products) =
                self.network.product_slopes(&input.columns(first, count).into_owned(), Some(&weights))?;
            let pairs = margins.as_mut().map(|margins| margins.add_samples(&outputs));
            let mut tiles = Vec::new();
            for ((program, layer), product) in self.programs.layers.iter().zip(layers).zip(&products) {
                let both = program.tiles().iter().zip(&layer.cores);
                tiles.extend(both.filter_map(|(tile, core)| {
                    Some(TileOnCore { tile: tile.as_ref()?, core: core.as_ref()?, product })
                }));
            }
            let mut start = 0;
            for tiles in tiles.chunks(if is_shared { tiles.len().max(1) } else { 1 }) {
                let all: usize = tiles[0].tile.program.stages().iter().map(places).sum();
                sums.resize(sums.len().max(start + all), 0.0);
                let margins = margins.as_deref_mut().zip(pairs.as_deref());
                add_core(tiles, (outputs.nrows(), count), &mut sums[start..start + all], margins);
                start += all;
            }
        }
        Some(sums.into_iter().map(|sum| sum / samples as f64).collect())
    }

    /// Mean over the first samples of Σ_c z_c², if the outputs z of the network follow no softmax and are not zero.
    pub(crate) fn mean_square_before_softmax(&self, samples: usize) -> Option<f64> {
        let exact = &self.test_set.chunks.first()?.exact;
        let (before, _) = self.network.product_slopes(&exact.input.columns(0, 1).into_owned(), None)?;
        let output = exact.output.columns(0, samples);
        let is_before = (before - output.columns(0, 1)).norm() <= 1e-9 * output.columns(0, 1).norm();
        Some(output.norm_squared() / samples as f64).filter(|square| is_before && *square > 0.0)
    }

    /// The labels of the first samples, if each sample has one and the outputs are one for each class.
    pub(crate) fn labels(&self, samples: usize) -> Option<Vec<usize>> {
        match self.test_set.task.first_samples(samples) {
            Task::Classification { labels, .. } if self.network.output_size() > 1 && labels.len() == samples => {
                labels.into_iter().collect()
            }
            _ => None,
        }
    }
}

/// A tile on its core, in the product of its layer.
struct TileOnCore<'a> {
    tile: &'a TileProgram,
    core: &'a RealisedCore,
    product: &'a ProductSlopes,
}

/// Adds the samples of a batch to the sums of one core with its tiles. The derivatives of all tiles add before they are squared,
/// because an error of the core is one error of all.
fn add_core(
    tiles: &[TileOnCore<'_>],
    (outputs, samples): (usize, usize),
    sums: &mut [f64],
    margins: Option<(&mut Margins, &[(usize, usize)])>,
) {
    // Derivatives of the margin of each sample, which two of the outputs make.
    let mut of_margin = vec![0.0; if margins.is_some() { sums.len() * samples } else { 0 }];
    let components = sums.len();
    let mut add = |output: usize, place: usize, slopes: &[f64]| {
        sums[place] += slopes.iter().map(|slope| slope * slope).sum::<f64>();
        if let Some((_, pairs)) = &margins {
            let of_margin = of_margin[place * samples..].iter_mut();
            for ((of_margin, slope), (label, rival)) in of_margin.zip(slopes).zip(*pairs) {
                let sign = f64::from(u8::from(output == *label)) - f64::from(u8::from(output == *rival));
                *of_margin += sign * slope;
            }
        }
    };
    if let [tile] = tiles {
        tile.visit(0..outputs, samples, &mut add);
    } else {
        for output in 0..outputs {
            let mut of_all = vec![0.0; components * samples];
            for tile in tiles {
                tile.visit(output..output + 1, samples, &mut |_, place, slopes| {
                    of_all[place * samples..].iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
                });
            }
            of_all.chunks_exact(samples).enumerate().for_each(|(place, slopes)| add(output, place, slopes));
        }
    }
    if let Some((margins, _)) = margins {
        let mut rest = &of_margin[..];
        for stage in tiles[0].tile.program.stages() {
            let (own, after) = rest.split_at(places(stage) * samples);
            margins.add_slopes(own, stage.phases().values().len(), samples);
            rest = after;
        }
    }
}

impl TileOnCore<'_> {
    /// Calls `visit` with an output of the network, a component of the core, and the derivative of the output in each sample.
    fn visit(&self, outputs: Range<usize>, samples: usize, visit: &mut dyn FnMut(usize, usize, &[f64])) {
        let (program, at, product) = (&self.tile.program, self.tile.tile, self.product);
        let stages = program.stages();
        let states: Vec<StageState<'_>> = (0..stages.len()).map(|k| self.core.stage_state(k)).collect();
        let complex = |batch: &Batch, modes: usize| batch.map(Complex::from).resize_vertically(modes, Complex::ZERO);
        let (ports_out, ports_in) = program.shape();
        let inputs = product.inputs.rows(at.column, at.columns).into_owned();
        let fields = fields_before(stages, &states, &complex(&inputs, ports_in));
        // The reading is g·Re a: its adjoint is the derivative times the gain.
        let with_gain = |slopes: &Batch| {
            let mut slopes = slopes.rows(at.row, at.rows).into_owned();
            slopes.row_iter_mut().zip(&self.core.gains).for_each(|(mut row, gain)| row *= *gain);
            complex(&slopes, ports_out)
        };
        let mut adjoints: Vec<DMatrix<Complex<f64>>> = product.slopes[outputs.clone()].iter().map(with_gain).collect();
        let mut end: usize = stages.iter().map(places).sum();
        let mut of_samples = vec![0.0; samples];
        for (k, (stage, (phases, errors))) in stages.iter().zip(&states).enumerate().rev() {
            let after: Vec<DMatrix<Complex<f64>>> = adjoints.iter().map(|adjoint| on_modes(adjoint, stage)).collect();
            let start = end - places(stage);
            let mut of_stage = |output: usize, component: StageComponent, slopes: &[f64]| {
                let of_vectors = slopes.chunks_exact(product.vectors);
                of_samples.iter_mut().zip(of_vectors).for_each(|(sum, slopes)| *sum = slopes.iter().sum());
                visit(outputs.start + output, start + place(stage, component), &of_samples);
            };
            adjoints = visit_slopes(stage, phases, errors, &fields[k], &after, &mut of_stage);
            end = start;
        }
    }
}

/// The margin of each sample, the output of its label minus the maximum of the others, and its variance by errors of a process.
#[derive(Clone, Debug)]
pub(crate) struct Margins {
    /// Class of each sample.
    labels: Vec<usize>,
    /// Variance of a phase and of a splitter error (rad²).
    component_variances: [f64; 2],
    /// Margins of the samples so far.
    pub values: Vec<f64>,
    /// Their variances by phase errors, and by splitter errors.
    pub variances: [Vec<f64>; 2],
}

impl Margins {
    /// No sample yet.
    pub fn new(labels: Vec<usize>, component_variances: [f64; 2]) -> Self {
        Self { labels, component_variances, values: Vec::new(), variances: [Vec::new(), Vec::new()] }
    }

    /// Adds samples with these outputs, without variance. Returns the label and the rival of each.
    fn add_samples(&mut self, outputs: &Batch) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for column in outputs.column_iter() {
            let label = self.labels[self.values.len()];
            let others = (0..column.len()).filter(|class| *class != label);
            let rival = others.max_by(|a, b| column[*a].total_cmp(&column[*b])).unwrap_or(label);
            self.values.push(column[label] - column[rival]);
            self.variances.iter_mut().for_each(|variances| variances.push(0.0));
            pairs.push((label, rival));
        }
        pairs
    }

    /// Adds the derivatives of the margins of the last samples, component by component: first of a number of phases, then of
    /// splitters.
    fn add_slopes(&mut self, slopes: &[f64], phases: usize, samples: usize) {
        let first = self.values.len() - samples;
        for (kind, slopes) in <[&[f64]; 2]>::from(slopes.split_at(phases * samples)).into_iter().enumerate() {
            for slopes in slopes.chunks_exact(samples) {
                let of_batch = self.variances[kind][first..].iter_mut();
                of_batch.zip(slopes).for_each(|(sum, slope)| *sum += self.component_variances[kind] * slope * slope);
            }
        }
    }
}
