//! What is made once before any chip is sampled: models, data, exact decisions, programs, designs, scales.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::grid::{Point, to_value};
use phaseloom_files::require_memory;
use phaseloom_hardware::correction::{CorrectionPlan, Interrupt};
use phaseloom_hardware::{
    Batch, Detection, FullScale, HardwareError, LayerDesign, LayerProgram, Link, Process, Scales, bound_scales,
};
use phaseloom_network::Model;
use phaseloom_network::calibration::Calibration;
use phaseloom_network::layer::LayerKind;
use phaseloom_network::model::predictions;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Test data ready for the network.
pub(crate) struct Task {
    pub chunks: Vec<Chunk>,
    pub labels: Vec<usize>,
    /// Decisions of the exact network.
    pub exact: Vec<usize>,
}

/// Samples that pass the network together.
pub(crate) struct Chunk {
    /// Index of the first of them.
    pub first_sample: u64,
    pub inputs: Batch,
    /// W x of the first photonic layer, exact: every unit compares its readings with it.
    pub first_product: Batch,
}

/// The programs of all photonic layers and their scales.
pub(crate) struct Programs {
    pub layers: Vec<Arc<LayerProgram>>,
    pub scales: Vec<Scales>,
    /// Designs of a perfect process.
    pub perfect: Vec<Arc<LayerDesign>>,
}

/// Everything that units of one point share.
pub(crate) struct Bench {
    pub config: Config,
    pub model: Arc<Model>,
    pub task: Arc<Task>,
    pub programs: Arc<Programs>,
    pub designs: Vec<Arc<LayerDesign>>,
}

/// Samples that pass the network together: bounds the memory of a thread; a multiple of the block of a noise stream.
pub(crate) const CHUNK: usize = 256;

/// Prepares all points; what they share is made once.
pub(crate) fn prepare(
    experiment: &Experiment,
    points: &[Point],
    interrupt: &Interrupt,
) -> Result<Vec<Bench>, ExperimentError> {
    let base = experiment.base();
    let mut models: HashMap<String, Arc<Model>> = HashMap::new();
    let mut tasks: HashMap<String, Arc<Task>> = HashMap::new();
    let mut programs: HashMap<String, Arc<Programs>> = HashMap::new();
    let mut designs: HashMap<String, Vec<Arc<LayerDesign>>> = HashMap::new();
    let mut benches = Vec::with_capacity(points.len());
    for point in points {
        let config = &point.config;
        let problem = |problem| ExperimentError::Setting { path: experiment.path.clone(), line: None, problem };
        let model_key = to_value(&config.model).to_string();
        let model = match models.get(&model_key) {
            Some(model) => model.clone(),
            None => {
                let model = Arc::new(Model::load(&base.join(&config.model))?);
                models.insert(model_key.clone(), model.clone());
                model
            }
        };
        if model.photonic_layers().is_empty() {
            return Err(problem(Problem::NothingPhotonic));
        }
        if model.output_size() < 2 {
            return Err(problem(Problem::OneClass { outputs: model.output_size() }));
        }
        suits_detection(config, &model).map_err(problem)?;
        let task_key = format!("{model_key}{}", to_value(&config.data));
        let task = match tasks.get(&task_key) {
            Some(task) => task.clone(),
            None => {
                let task = Arc::new(Task::load(config, &model, base)?);
                tasks.insert(task_key, task.clone());
                task
            }
        };
        let needs_scales = needs_scales(&config.link);
        let detection = (config.link.detection, config.link.adc.map(|a| a.full_scale));
        let program_key = format!("{model_key}{}{}{needs_scales}", to_value(&config.core), to_value(&detection));
        let made = match programs.get(&program_key) {
            Some(made) => made.clone(),
            None => {
                let made = Arc::new(Programs::new(config, &model).map_err(|e| match e {
                    Unprepared::Problem(p) => problem(p),
                    Unprepared::Error(e) => e,
                })?);
                programs.insert(program_key.clone(), made.clone());
                made
            }
        };
        let correction = (&config.correction, config.correction_noise, config.correction_effort);
        let design_key = format!("{program_key}{}{}", to_value(&config.process), to_value(&correction));
        let made_designs = match designs.get(&design_key) {
            Some(made) => made.clone(),
            None => {
                // Driven phases of two meshes and attenuators: about 2k² numbers a tile, for all points that may follow.
                let tiles: usize = made.layers.iter().map(|layer| layer.tiles().iter().flatten().count()).sum();
                let left = points.len() - point.index;
                let bytes = 17.0 * (config.core.ports as f64).powi(2) * tiles as f64 * left as f64;
                require_memory(bytes, &format!("the driven phases of {left} points of {tiles} tiles each"))?;
                let plan =
                    config.correction_plan()?.map(|plan| CorrectionPlan { interrupt: interrupt.clone(), ..plan });
                let made: Vec<Arc<LayerDesign>> = made
                    .layers
                    .iter()
                    .map(|layer| Ok(Arc::new(layer.design(&config.process)?.with_correction(plan.clone()))))
                    .collect::<Result<_, HardwareError>>()
                    .map_err(|source| {
                        let unit = format!("point {}{}", point.index, point.values());
                        ExperimentError::Unit { path: experiment.path.clone(), unit, source: Box::new(source) }
                    })?;
                designs.insert(design_key, made.clone());
                made
            }
        };
        benches.push(Bench { config: config.clone(), model, task, programs: made, designs: made_designs });
    }
    Ok(benches)
}

impl Task {
    fn load(config: &Config, model: &Model, base: &Path) -> Result<Self, ExperimentError> {
        let data = config.data.load(base)?;
        data.check(model.input_size(), model.output_size())?;
        let mut exact = Vec::with_capacity(data.labels.len());
        let chunks = (0..data.inputs.ncols()).step_by(CHUNK).map(|start| {
            let count = CHUNK.min(data.inputs.ncols() - start);
            let inputs = model.prepare(&data.inputs.columns(start, count).clone_owned());
            let (outputs, first_product) = model.forward_exact_keeping_first(&inputs);
            exact.extend(predictions(&outputs));
            Chunk { first_sample: start as u64, inputs, first_product }
        });
        Ok(Self { chunks: chunks.collect(), labels: data.labels, exact })
    }
}

/// Whether anything in the link depends on how large the numbers are.
fn needs_scales(link: &Link) -> bool {
    !link.is_ideal() || link.detection == Detection::Offset
}

enum Unprepared {
    Problem(Problem),
    Error(ExperimentError),
}

impl<E: Into<ExperimentError>> From<E> for Unprepared {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl Programs {
    fn new(config: &Config, model: &Model) -> Result<Self, Unprepared> {
        let link = &config.link;
        let column_block = config.core.column_block(link.detection);
        let views = model.photonic_layers();
        let calibration = match (needs_scales(link), model.calibration_path()?) {
            (false, _) => None,
            (true, Some(path)) if path.exists() => {
                let (path, calibration) = Calibration::load_for(&path, config.core.ports, column_block)?;
                calibration.validate(&path, model, config.core.ports, column_block)?;
                if link.detection == Detection::Offset && calibration.quantile < 1.0 {
                    let quantile = calibration.quantile;
                    return Err(Unprepared::Problem(Problem::OffsetQuantile { quantile }));
                }
                Some(calibration)
            }
            (true, path) => {
                let what = match path {
                    Some(path) => format!("{} does not exist: add a table [calibration] to the experiment and run `phaseloom calibrate` on it", path.display()),
                    None => "the model file names no `calibration`: name one there, add a table [calibration] to the experiment and run `phaseloom calibrate` on it".into(),
                };
                return Err(Unprepared::Problem(Problem::NoCalibration { what }));
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

/// Direct detection needs a network that asks for |y|.
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
