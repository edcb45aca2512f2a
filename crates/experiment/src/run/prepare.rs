//! Everything that is computed once before any chip is sampled: models, test data, programs, designs and scales.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::files::{PointInputs, cached};
use crate::input::grid::{Point, to_value};
use crate::run::network_program::{NetworkProgram, needs_scales};
use phaseloom_files::require_memory;
use phaseloom_hardware::correction::Interrupt;
use phaseloom_hardware::{LayerDesign, Process};
use phaseloom_network::model::{ExactPass, predictions};
use phaseloom_network::{Dataset, Model, NetworkError};
use std::collections::HashMap;
use std::sync::Arc;

/// Test data with the floating-point pass of the network.
pub(crate) struct TestSet {
    pub chunks: Vec<Chunk>,
    pub labels: Vec<usize>,
    /// Classes that the floating-point reference predicts.
    pub exact: Vec<usize>,
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
    pub model: Arc<Model>,
    pub test_set: Arc<TestSet>,
    pub programs: Arc<NetworkProgram>,
    /// Designs of a perfect process.
    pub perfect: Vec<Arc<LayerDesign>>,
    pub designs: Vec<Arc<LayerDesign>>,
}

/// Samples that pass the network together. It bounds the memory of a thread, and is a multiple of the block of a noise
/// stream.
pub(crate) const CHUNK: usize = 256;

/// Prepares all points, or those before an interruption. `experiment` is for messages. Points share the results that do
/// not depend on their swept values.
pub(crate) fn prepare(
    experiment: &Experiment,
    points: &[Point],
    inputs: Vec<PointInputs>,
    interrupt: &Interrupt,
) -> Result<Vec<PreparedPoint>, ExperimentError> {
    let mut test_sets = HashMap::new();
    let (mut programs, mut designs) = (HashMap::new(), HashMap::new());
    let mut prepared = Vec::with_capacity(points.len());
    for (point, PointInputs { model, data, calibration }) in points.iter().zip(inputs) {
        if interrupt.requested() {
            break;
        }
        let config = point.config.clone();
        let problem = |problem: Problem| problem.in_file(&experiment.path);
        let model_key = to_value(&config.model).to_string();
        if model.photonic_layers().is_empty() {
            return Err(problem(Problem::NothingPhotonic));
        }
        if model.output_size() < 2 {
            return Err(problem(Problem::OneClass { outputs: model.output_size() }));
        }
        let test_set = cached(&mut test_sets, format!("{model_key}{}", to_value(&config.data)), || {
            Ok(Arc::new(TestSet::new(&data, &model, experiment)?))
        })?;
        let needs_scales = needs_scales(&config.link);
        let detection = (config.link.detection, config.link.adc.map(|a| a.full_scale));
        let program_key = format!("{model_key}{}{}{needs_scales}", to_value(&config.core), to_value(&detection));
        let (programs, perfect) = cached(&mut programs, program_key.clone(), || {
            let design = config.core.design()?;
            let program = NetworkProgram::with_calibration(
                &model,
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
        prepared.push(PreparedPoint { config, model, test_set, programs, perfect, designs });
    }
    Ok(prepared)
}

impl TestSet {
    fn new(data: &Dataset, model: &Model, experiment: &Experiment) -> Result<Self, ExperimentError> {
        let located = |error: NetworkError| error.in_settings("data", &experiment.path, &experiment.text);
        model.check_data(data).map_err(located)?;
        let chunks: Vec<Chunk> = (0..data.inputs.ncols())
            .step_by(CHUNK)
            .map(|start| {
                let count = CHUNK.min(data.inputs.ncols() - start);
                let inputs = model.prepare(&data.inputs.columns(start, count).clone_owned());
                Chunk { first_sample: start as u64, exact: model.exact_pass(inputs) }
            })
            .collect();
        let exact = chunks.iter().flat_map(|chunk| predictions(&chunk.exact.output)).collect();
        Ok(Self { chunks, labels: data.labels.clone(), exact })
    }
}
