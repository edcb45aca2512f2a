//! Everything that is computed once before any chip is sampled: models, test data, programs, designs and scales.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::grid::{Point, to_value};
use phaseloom_files::require_memory;
use phaseloom_hardware::correction::{CorrectionPlan, Interrupt};
use phaseloom_hardware::{
    Detection, FullScale, HardwareError, LayerDesign, LayerProgram, Link, Process, Scales, bound_scales,
};
use phaseloom_network::Model;
use phaseloom_network::calibration::Calibration;
use phaseloom_network::layer::LayerKind;
use phaseloom_network::model::{ExactPass, predictions};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Test data with the floating-point pass of the network.
pub(crate) struct TestSet {
    pub chunks: Vec<Chunk>,
    pub labels: Vec<usize>,
    /// Classes that the floating-point reference predicts.
    pub exact: Vec<usize>,
}

/// Samples that pass the network together.
pub(crate) struct Chunk {
    /// Index of the first sample.
    pub first_sample: u64,
    /// Inputs and floating-point results, shared by all units.
    pub exact: ExactPass,
}

/// The programs of all photonic layers and their scales.
pub(crate) struct Programs {
    pub layers: Vec<Arc<LayerProgram>>,
    pub scales: Vec<Scales>,
    /// Designs of a perfect process.
    pub perfect: Vec<Arc<LayerDesign>>,
}

/// Everything that the units of one point share.
pub(crate) struct PreparedPoint {
    pub config: Config,
    pub model: Arc<Model>,
    pub test_set: Arc<TestSet>,
    pub programs: Arc<Programs>,
    pub designs: Vec<Arc<LayerDesign>>,
}

/// Samples that pass the network together. It bounds the memory of a thread, and is a multiple of the block of a noise
/// stream.
pub(crate) const CHUNK: usize = 256;

/// Prepares all points. Points share the results that do not depend on their swept values.
pub(crate) fn prepare(
    experiment: &Experiment,
    points: &[Point],
    interrupt: &Interrupt,
) -> Result<Vec<PreparedPoint>, ExperimentError> {
    let base = experiment.base();
    let (mut models, mut test_sets) = (HashMap::new(), HashMap::new());
    let (mut programs, mut designs) = (HashMap::new(), HashMap::new());
    let mut prepared = Vec::with_capacity(points.len());
    for point in points {
        let config = point.config.clone();
        let problem = |problem: Problem| problem.in_file(&experiment.path);
        let model_key = to_value(&config.model).to_string();
        let model = cached(&mut models, model_key.clone(), || Ok(Arc::new(Model::load(&base.join(&config.model))?)))?;
        if model.photonic_layers().is_empty() {
            return Err(problem(Problem::NothingPhotonic));
        }
        if model.output_size() < 2 {
            return Err(problem(Problem::OneClass { outputs: model.output_size() }));
        }
        suits_detection(&config, &model).map_err(problem)?;
        let test_set = cached(&mut test_sets, format!("{model_key}{}", to_value(&config.data)), || {
            Ok(Arc::new(TestSet::load(&config, &model, base)?))
        })?;
        let needs_scales = needs_scales(&config.link);
        let detection = (config.link.detection, config.link.adc.map(|a| a.full_scale));
        let program_key = format!("{model_key}{}{}{needs_scales}", to_value(&config.core), to_value(&detection));
        let programs = cached(&mut programs, program_key.clone(), || {
            Ok(Arc::new(Programs::new(&config, &model, &experiment.path)?))
        })?;
        let correction = (&config.correction, config.correction_noise, config.correction_effort);
        let design_key = format!("{program_key}{}{}", to_value(&config.process), to_value(&correction));
        let designs = cached(&mut designs, design_key, || {
            // Driven phases of two meshes and attenuators, about 2k² numbers a tile, for this and all later points.
            let tiles: usize = programs.layers.iter().map(|layer| layer.tiles().iter().flatten().count()).sum();
            let remaining = points.len() - point.index;
            let bytes = 17.0 * (config.core.ports as f64).powi(2) * tiles as f64 * remaining as f64;
            require_memory(bytes, &format!("the driven phases of {remaining} points of {tiles} tiles each"))?;
            let plan = config.correction_plan()?.map(|plan| CorrectionPlan { interrupt: interrupt.clone(), ..plan });
            let design =
                |layer: &Arc<LayerProgram>| Ok(Arc::new(layer.design(&config.process)?.with_correction(plan.clone())));
            programs.layers.iter().map(design).collect::<Result<Vec<_>, HardwareError>>().map_err(|source| {
                let unit = format!("point {}{}", point.index, point.values());
                ExperimentError::Unit { path: experiment.path.clone(), unit, source: Box::new(source) }
            })
        })?;
        prepared.push(PreparedPoint { config, model, test_set, programs, designs });
    }
    Ok(prepared)
}

/// The value of a key, computed where the key is new.
fn cached<T: Clone>(
    values: &mut HashMap<String, T>,
    key: String,
    compute: impl FnOnce() -> Result<T, ExperimentError>,
) -> Result<T, ExperimentError> {
    if let Some(value) = values.get(&key) {
        return Ok(value.clone());
    }
    let value = compute()?;
    values.insert(key, value.clone());
    Ok(value)
}

impl TestSet {
    fn load(config: &Config, model: &Model, base: &Path) -> Result<Self, ExperimentError> {
        let data = config.data.load(base)?;
        data.check(model.input_size(), model.output_size())?;
        let chunks: Vec<Chunk> = (0..data.inputs.ncols())
            .step_by(CHUNK)
            .map(|start| {
                let count = CHUNK.min(data.inputs.ncols() - start);
                let inputs = model.prepare(&data.inputs.columns(start, count).clone_owned());
                Chunk { first_sample: start as u64, exact: model.exact_pass(inputs) }
            })
            .collect();
        let exact = chunks.iter().flat_map(|chunk| predictions(&chunk.exact.output)).collect();
        Ok(Self { chunks, labels: data.labels, exact })
    }
}

/// Whether the link needs the scales of a calibration, because its results depend on the magnitude of the numbers.
fn needs_scales(link: &Link) -> bool {
    !link.is_ideal() || link.detection == Detection::Offset
}

impl Programs {
    fn new(config: &Config, model: &Model, path: &Path) -> Result<Self, ExperimentError> {
        let link = &config.link;
        let column_block = config.core.column_block(link.detection);
        let views = model.photonic_layers();
        let calibration = match (needs_scales(link), model.calibration_path()?) {
            (false, _) => None,
            (true, Some(file)) if file.exists() => {
                let (file, calibration) = Calibration::load_for(&file, config.core.ports, column_block)?;
                calibration.validate(&file, model, config.core.ports, column_block)?;
                if link.detection == Detection::Offset && calibration.quantile < 1.0 {
                    let quantile = calibration.quantile;
                    return Err(Problem::OffsetQuantile { quantile }.in_file(path));
                }
                Some(calibration)
            }
            (true, file) => {
                let what = match file {
                    Some(file) => format!("{} does not exist: add a table [calibration] to the experiment and run `phaseloom calibrate` on it", file.display()),
                    None => "the model file names no `calibration`: name one there, add a table [calibration] to the experiment and run `phaseloom calibrate` on it".into(),
                };
                return Err(Problem::NoCalibration { what }.in_file(path));
            }
        };
        let bound = link.adc.is_some_and(|adc| adc.full_scale == FullScale::Bound);
        let (mut layers, mut scales) = (Vec::new(), Vec::new());
        for (i, view) in views.iter().enumerate() {
            let scale = match &calibration {
                Some(c) if bound => bound_scales(view.weight, &config.core, link, c.layers[i].input_scale)?,
                Some(c) => Scales { input: c.layers[i].input_scale, full_scale: c.layers[i].full_scale.clone() },
                None => {
                    let plan = config.core.plan(view.weight.nrows(), view.weight.ncols(), link.detection)?;
                    Scales { input: 1.0, full_scale: vec![1.0; plan.tiles().len()] }
                }
            };
            layers.push(Arc::new(LayerProgram::new(view.weight, &config.core, link.detection, &scale)?));
            scales.push(scale);
        }
        let perfect = layers
            .iter()
            .map(|layer| Ok(Arc::new(layer.design(&Process::default())?)))
            .collect::<Result<_, ExperimentError>>()?;
        Ok(Self { layers, scales, perfect })
    }
}

/// Checks that the network needs only |y|, if the link detects directly.
fn suits_detection(config: &Config, model: &Model) -> Result<(), Problem> {
    if config.link.detection != Detection::Direct {
        return Ok(());
    }
    for view in model.photonic_layers() {
        let reason = if view.has_bias {
            "has a bias, which would come after |·|".to_owned()
        } else if view.weight.ncols() > config.core.ports {
            format!(
                "has {} inputs on cores of {} ports: several tiles across a row",
                view.weight.ncols(),
                config.core.ports
            )
        } else {
            match view.activation_after {
                Some(LayerKind::Modulus | LayerKind::SquaredModulus) => continue,
                Some(kind) => format!("is followed by `{kind}`"),
                None => "is the last layer".to_owned(),
            }
        };
        return Err(Problem::Direct { layer: view.index, reason });
    }
    Ok(())
}
