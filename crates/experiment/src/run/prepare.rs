//! Everything that is computed once before any chip is sampled: models, test data, programs, designs and scales.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::files::needs_scales;
use crate::input::files::{PointInputs, cached};
use crate::input::grid::Point;
use crate::input::tree::to_value;
use crate::run::calibrate::Measured;
use crate::run::network_program::NetworkProgram;
use crate::run::task::{self, Task, class_axis};
use phaseloom_files::{InvalidValue, require_memory};
use phaseloom_hardware::correction::Interrupt;
use phaseloom_hardware::{Batch, LayerDesign, Process, check_fields};
use phaseloom_network::{Dataset, ExactPass, Network, NetworkError, Truth};
use std::collections::HashMap;
use std::sync::Arc;

/// Test data with the floating-point pass of the network.
pub(crate) struct TestSet {
    pub chunks: Vec<Chunk>,
    /// What the outputs mean.
    pub task: Task,
    /// Outputs (outputs × samples) of the floating-point reference.
    pub exact: Batch,
    /// Names of the classes, if the data name them.
    pub class_names: Vec<String>,
}

/// Samples that pass the network together.
#[derive(Clone)]
pub(crate) struct Chunk {
    /// Index of the first sample.
    pub first_sample: u64,
    /// Inputs and floating-point results, shared by all units.
    pub exact: ExactPass,
}

/// Everything that the units of one point share.
#[derive(Clone)]
pub(crate) struct PreparedPoint {
    pub config: Config,
    pub network: Arc<dyn Network>,
    pub test_set: Arc<TestSet>,
    pub programs: Arc<NetworkProgram>,
    /// Designs of a perfect process.
    pub perfect: Vec<Arc<LayerDesign>>,
    pub designs: Vec<Arc<LayerDesign>>,
}

/// Samples that pass the network together. It bounds the memory of a thread, and is a multiple of the block of a noise
/// stream.
pub(crate) const CHUNK: usize = 256;

/// Prepares all points, or those before an interruption, and measures the scales that they need. `experiment` is for
/// messages. Points share the results that do not depend on their swept values.
pub(crate) fn prepare(
    experiment: &Experiment,
    points: &[Point],
    inputs: Vec<PointInputs>,
    interrupt: &Interrupt,
) -> Result<(Vec<PreparedPoint>, Measured), ExperimentError> {
    let mut measured = Measured::default();
    let mut test_sets = HashMap::new();
    let (mut programs, mut designs) = (HashMap::new(), HashMap::new());
    let mut prepared = Vec::with_capacity(points.len());
    for (point, PointInputs { network, data, scales, expected }) in points.iter().zip(inputs) {
        if interrupt.requested() {
            break;
        }
        let config = point.config.clone();
        let problem = |problem: Problem| problem.in_file(&experiment.path);
        let model_key = config.network_key();
        if network.photonic_layers().is_empty() {
            return Err(problem(Problem::NothingPhotonic));
        }
        if network.photonic_layers().iter().any(|layer| layer.kind.is_complex()) {
            check_fields(&config.process, &config.link).map_err(|invalid| experiment.with_line(invalid))?;
        }
        let judged = (config.threshold, config.class_axis, config.metric, &config.expect);
        let test_key = format!("{model_key}{}{judged:?}", to_value(&config.data));
        let test_set = cached(&mut test_sets, test_key, || {
            let set = TestSet::new(&data, &*network, &config, experiment)?;
            if let Some(expect) = &config.expect {
                if let Some(outputs) = &expected {
                    expect.check_outputs(&outputs.path, &outputs.values, &set.exact).map_err(problem)?;
                }
                expect.check_accuracy(set.task.accuracy(&set.exact)).map_err(problem)?;
            }
            Ok(Arc::new(set))
        })?;
        let needs_scales = needs_scales(&config.link);
        let calibration = measured.scales(experiment, &config, &*network, &scales, needs_scales)?;
        let detection = (config.link.detection, config.link.adc.map(|a| a.full_scale));
        let program_key = format!("{model_key}{}{}{needs_scales}", to_value(&config.core), to_value(&detection));
        let (programs, perfect) = cached(&mut programs, program_key.clone(), || {
            let design = config.core.design()?;
            let program = NetworkProgram::with_calibration(
                &*network,
                calibration.as_deref(),
                &config.core,
                &design,
                &config.link,
                &experiment.path,
            )?;
            let perfect = program.designs(&Process::default(), None)?;
            Ok((Arc::new(program), perfect))
        })?;
        let correction = (&config.correction, config.correction_noise, config.correction_effort);
        let design_key = format!("{program_key}{}{}", to_value(&config.process), to_value(&correction));
        let designs = cached(&mut designs, design_key, || {
            // Driven phases of two meshes and attenuators, about 2k² numbers a tile, for this and all later points.
            let tiles: usize = programs.layers.iter().map(|layer| layer.tiles().iter().flatten().count()).sum();
            let remaining = points.len() - point.index;
            let bytes = 17.0 * (config.core.ports as f64).powi(2) * tiles as f64 * remaining as f64;
            require_memory(bytes, &format!("the driven phases of {remaining} points of {tiles} tiles each"))?;
            let plan = config.correction_plan(interrupt)?;
            programs.designs(&config.process, plan.as_ref()).map_err(|source| {
                let unit = format!("point {}{}", point.index, point.values());
                ExperimentError::Unit { path: experiment.path.clone(), unit, source: Box::new(source) }
            })
        })?;
        prepared.push(PreparedPoint { config, network, test_set, programs, perfect, designs });
    }
    Ok((prepared, measured))
}

impl TestSet {
    fn new(
        data: &Dataset,
        network: &dyn Network,
        config: &Config,
        experiment: &Experiment,
    ) -> Result<Self, ExperimentError> {
        let located = |error: NetworkError| error.in_settings("data", &experiment.path, &experiment.text);
        let problem = |problem: Problem| problem.in_file(&experiment.path);
        let axis = class_axis(network, data, config).map_err(problem)?;
        let classes =
            axis.filter(|_| matches!(data.truth, Truth::Labels(_) | Truth::PositionLabels(_))).map(|axis| axis.classes);
        data.check(network.input_size(), classes.unwrap_or(network.output_size())).map_err(located)?;
        network.check_inputs(data).map_err(located)?;
        let task = Task::new(network, data, axis, config).map_err(problem)?;
        let chunks: Vec<Chunk> = data
            .inputs
            .batches(CHUNK)
            .map(|(first, batch)| {
                Ok(Chunk { first_sample: first as u64, exact: network.exact_pass(network.prepare(&batch))? })
            })
            .collect::<Result<_, ExperimentError>>()?;
        let chosen = config
            .data
            .as_ref()
            .and_then(|data| data.classes.as_ref())
            .map(|labels| labels.iter().map(ToString::to_string).collect());
        let exact = outputs(&chunks);
        if let Task::Regression { targets } = &task
            && !task::is_comparable(&exact, targets)
        {
            let largest = |values: &Batch| values.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
            let found = format!("targets up to {:.1e} and outputs up to {:.1e}", largest(targets), largest(&exact));
            let expected = "numbers whose squares are finite, up to about 1e150; scale targets and network";
            let invalid = Box::new(InvalidValue::new("targets", found, expected));
            return Err(located(NetworkError::Choice { path: data.labels_path.clone(), invalid }).into());
        }
        let class_names = data.class_names.clone().map(|names| names.names).or(chosen).unwrap_or_default();
        Ok(Self { exact, chunks, task, class_names })
    }

    /// The first samples, those that pass the network together first.
    pub fn first_samples(&self) -> Self {
        self.first_chunks(1)
    }

    /// The samples of the first chunks.
    pub fn first_chunks(&self, count: usize) -> Self {
        let chunks: Vec<Chunk> = self.chunks.iter().take(count).cloned().collect();
        let exact = outputs(&chunks);
        Self { task: self.task.first_samples(exact.ncols()), exact, chunks, class_names: self.class_names.clone() }
    }
}

/// The floating-point outputs (outputs × samples) of all chunks.
fn outputs(chunks: &[Chunk]) -> Batch {
    let rows = chunks.first().map_or(0, |chunk| chunk.exact.output.nrows());
    let columns: Vec<f64> = chunks.iter().flat_map(|chunk| chunk.exact.output.as_slice()).copied().collect();
    Batch::from_vec(rows, columns.len().checked_div(rows).unwrap_or(0), columns)
}
