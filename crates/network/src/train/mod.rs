//! Training: an optimiser on the cross-entropy, in one thread and in a fixed order, in floating point or on chips.
//!
//! The same seed, data and settings give the same bytes on one kind of processor. A softmax at the end of the model is
//! left out, because the loss includes it. An interrupted training resumes from its checkpoint to the same bytes.

mod check;
mod checkpoint;
mod chips;
mod constraint;
mod epochs;
mod layer_statistics;
mod learner;
pub mod loss;
mod memory;
mod observer;
pub mod optimizer;
mod protect;
mod samples;
mod spec;
mod start;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::calibration::{Calibration, CalibrationSettings};
use crate::data::{DataSpec, Dataset, resolve};
use crate::error::{NetworkError, Result};
use crate::model::{Model, ModelSpec, NumberOrTensor};
use crate::network::{Network, predictions};
use crate::train::check::{check_model, identity};
use crate::train::checkpoint::Checkpoint;
pub use crate::train::chips::ChipAccuracy;
use crate::train::chips::ChipLayers;
use crate::train::epochs::{End, Keep, Samples, State};
use crate::train::layer_statistics::measure;
pub use crate::train::layer_statistics::{LAYER_STATISTICS_COLUMNS, LayerChanges, LayerStatistics};
pub use crate::train::learner::Moved;
use crate::train::learner::{Learner, loss_of};
pub use crate::train::loss::LossKind;
pub use crate::train::observer::{EpochReport, Observer, Progress};
use crate::train::protect::Protection;
pub use crate::train::protect::{Importance, ProtectSpec, Protected};
pub use crate::train::samples::augment::AugmentSpec;
pub use crate::train::samples::clean::{CleanMethod, CleanSpec, Cleaned};
pub use crate::train::samples::tasks::{ReplaySpec, TaskOutputs};
use crate::train::samples::{clean, inputs, tasks};
pub use crate::train::spec::{
    Balanced, CalibrationSpec, ClassWeights, GradientMethod, NoiseGradient, OptimizerName, Schedule, StopSpec, TrainOn,
    TrainSpec, TrainedParameters,
};
use crate::weights::{Tensor, Tensors};
use phaseloom_files::{ColumnText, ResultTable, check_output, check_replaced, hex};

/// Samples that pass the network together to measure the accuracy. It bounds the memory.
const CHUNK: usize = 1024;

/// Results of training.
#[derive(Debug)]
pub struct Trained {
    /// The model with its trained weights.
    pub model: Model,
    /// The tensors to save: weights, normalisation and notes.
    pub tensors: Tensors,
    /// One report per epoch.
    pub history: Vec<EpochReport>,
    /// The epoch whose weights these are, with early stopping; otherwise they are the last.
    pub best_epoch: Option<usize>,
    /// Whether training went to its end. Otherwise the observer stopped it, and its checkpoint stays.
    pub is_finished: bool,
    /// Accuracy on chips after training on chips: on the validation data, or else on the training data.
    pub chip_accuracy: Option<ChipAccuracy>,
    /// How many times light passed a core for gradients; 0 without chips, and for gradients of a model of the chip.
    pub passes: u64,
    /// Samples that `clean` found.
    pub cleaned: Option<Cleaned>,
    /// How far phases moved from their start; `None` unless phases are trained.
    pub moved: Option<Moved>,
    /// Signal and gradient of every layer, if `layer_statistics` asks for them.
    pub layers: Option<LayerChanges>,
    /// The scales of the converters, if requested. A failed calibration does not lose the weights.
    pub calibration: Option<Result<Calibration>>,
    checkpoint: Option<Checkpoint>,
}

/// How a training treats the files of earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// Whether to discard a checkpoint and start again.
    pub restart: bool,
    /// Whether weights and programs may be replaced that this training has not written.
    pub overwrite: bool,
}

impl Trained {
    /// The history as a table: a row for each epoch.
    #[must_use]
    pub fn history_table(&self) -> ResultTable {
        let mut epochs = ResultTable::new("epochs", &HISTORY_COLUMNS.iter().map(|column| column.0).collect::<Vec<_>>());
        for report in &self.history {
            let EpochReport { epoch, loss, train_accuracy, validation_accuracy, learning_rate, .. } = *report;
            epochs.row([
                (epoch as u64).into(),
                loss.into(),
                train_accuracy.into(),
                validation_accuracy.into(),
                learning_rate.into(),
            ]);
        }
        epochs
    }

    /// Writes the weights, the programs and the calibration to the paths of the model file. Returns the paths. A finished training
    /// removes its checkpoint.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self) -> Result<Vec<PathBuf>> {
        let weights = self.model.weights_path()?;
        self.tensors.save(&weights)?;
        let mut files = vec![weights];
        if let (Some(programs), Some(path)) = (self.model.trained_programs(), self.model.programs_path()?) {
            programs.save(&path)?;
            files.push(path);
        }
        match &self.checkpoint {
            Some(checkpoint) if self.is_finished => checkpoint.remove(),
            Some(checkpoint) => checkpoint.allow(&files)?,
            None => {}
        }
        if let (Some(Ok(calibration)), Some(path)) = (&self.calibration, self.model.calibration_path()?) {
            calibration.save(&path)?;
            files.push(path);
        }
        Ok(files)
    }
}

/// Columns of the table of a history.
pub const HISTORY_COLUMNS: &[ColumnText] = &[
    ("epoch", "", "Pass over the training data, from 1."),
    (
        "loss",
        "",
        "Mean cross-entropy of the training samples, each before the step of its batch; weighted by `class_weights`.",
    ),
    ("train_accuracy", "1", "Share of training samples that were classified correctly before the step of their batch."),
    ("validation_accuracy", "1", "Accuracy on the validation data after the epoch; empty without them."),
    ("learning_rate", "", "Learning rate of the last step."),
];

/// Trains the model of the spec, whose paths are relative to `base`.
///
/// `progress` is called after each epoch. If it breaks, training stops and the model of that epoch is returned. Nothing
/// is written or resumed, see [`Trained::save`] and [`train_resumable`].
///
/// # Errors
///
/// If settings are impossible, files cannot be read or do not fit together, or the loss becomes NaN, infinite, or ends
/// more than a thousand times above that of guessing.
pub fn train(
    spec: &TrainSpec,
    base: &Path,
    progress: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<Trained> {
    train_from(spec, base, None, &mut observer::Epochs(progress))
}

/// Trains as [`train`] does, with a checkpoint next to the weights. If there is one of the same training (equal settings, data,
/// model and version), training goes on there, to the same bytes as without the interruption.
///
/// # Errors
///
/// As [`train`]; a checkpoint of another training, unless `restart` is set; weights or programs that are there already and are
/// not those of this training when it was interrupted, unless `overwrite` is set; a checkpoint that cannot be written.
pub fn train_resumable(
    spec: &TrainSpec,
    base: &Path,
    earlier: Earlier,
    observer: &mut dyn Observer,
) -> Result<Trained> {
    train_from(spec, base, Some(earlier), observer)
}

/// Keeps nothing.
struct Nowhere;

impl Keep for Nowhere {
    fn keep(&mut self, _learner: &mut Learner, _state: &State, _must: bool) -> Result<()> {
        Ok(())
    }
}

fn train_from(spec: &TrainSpec, base: &Path, earlier: Option<Earlier>, observer: &mut dyn Observer) -> Result<Trained> {
    spec.check(base)?;
    let model_path = resolve(&spec.model, base)?;
    let model_base = model_path.parent().unwrap_or(Path::new(""));
    let model_spec = ModelSpec::load(&model_path)?;
    check_model(spec, &model_spec, &model_path)?;
    let (placed, output) = model_spec.place().map_err(|invalid| NetworkError::from_invalid(&model_path, invalid))?;
    let outputs: usize = output.iter().product();
    let sizes = (base, model_spec.input.features(), outputs);
    for (key, task) in [
        ("task_outputs", spec.task_outputs),
        ("replay.task_outputs", spec.replay.as_ref().and_then(|replay| replay.task_outputs)),
        ("protect.task_outputs", spec.protect.as_ref().and_then(|protect| protect.task_outputs)),
    ] {
        task.map_or(Ok(()), |task| task.check(key, outputs, base))?;
    }
    let load = |table: &str, choice: &DataSpec| tasks::load(table, choice, spec.task_outputs, sizes);
    let mut data = load("train", &spec.train)?;
    let mut validation = spec.validation.as_ref().map(|choice| load("validation", choice)).transpose()?;
    if let Some(share) = spec.validation_share {
        let split = inputs::split(&data, share, spec.seed)
            .map_err(|expected| NetworkError::choice(&data.inputs_path, "validation_share", share, expected))?;
        (data, validation) = (split.0, Some(split.1));
    }

    // Every other step sees the labels as they are now.
    let classes = spec.task_outputs.map_or(0..outputs, TaskOutputs::range);
    let wrong = spec.label_noise.map(|share| clean::make_wrong(&mut data, share, &classes, spec.seed));
    let replay = spec.replay.as_ref().map(|replay| inputs::replay(replay, sizes, spec.seed)).transpose()?;
    let held =
        spec.protect.as_ref().map(|protect| tasks::load("protect.data", &protect.data, protect.task_outputs, sizes));
    let held = held.transpose()?;

    // Errors that would only appear at the end are found before hours of training.
    if let Some(requested) = spec.calibration.and_then(|c| c.samples).filter(|&n| n > data.samples()) {
        let expected = format!("at most {}, the samples of [train]", data.samples());
        return Err(NetworkError::choice(&data.inputs_path, "calibration.samples", requested, expected));
    }
    let outputs: Vec<PathBuf> = std::iter::once(&model_spec.weights)
        .chain(&model_spec.programs)
        .map(|path| resolve(path, model_base))
        .collect::<Result<_>>()?;
    if let [weights, programs] = &outputs[..]
        && weights == programs
    {
        let expected = "another file than that of `weights`";
        return Err(NetworkError::setting(&model_path, "programs", programs.display().to_string(), expected));
    }
    for path in outputs
        .iter()
        .cloned()
        .chain(model_spec.calibration.iter().map(|path| resolve(path, model_base)).collect::<Result<Vec<_>>>()?)
    {
        check_output(&path)?;
    }
    if let Some(path) = &model_spec.calibration {
        check_replaced(&resolve(path, model_base)?, &[crate::calibration::FORMAT])?;
    }

    let has_one_value = |input: &[usize]| input.iter().skip(1).product::<usize>() == 1;
    let norm = placed.iter().find(|layer| layer.spec.kind().key() == "batch_norm" && has_one_value(&layer.input));
    if let (Some(norm), 1) = (norm, spec.batch) {
        let expected =
            "no such layer after a dense one, or `batch` of at least 2 in the training file: one value has no variance";
        return Err(NetworkError::setting(&model_path, &norm.key, "batch_norm", expected));
    }
    memory::require(&placed, model_spec.input.features(), spec.batch.min(data.samples()))?;

    let mut tensors = Tensors::new();
    start::insert_weights(&placed, spec.seed, &mut tensors);
    if let Some(path) = &spec.initial {
        let absent = start::insert_initial(&placed, &Tensors::load(&resolve(path, base)?)?, &mut tensors)?;
        if !absent.is_empty() {
            observer.note(&format!("warning: {} lacks {}, which start at random", path.display(), absent.join(", ")));
        }
    }
    if let (true, NumberOrTensor::Tensor(mean), NumberOrTensor::Tensor(std)) =
        (spec.standardize, &model_spec.input.mean, &model_spec.input.std)
    {
        let (means, stds) = start::mean_and_std(&data.inputs, model_spec.input.scale);
        tensors.insert(mean.clone(), Tensor::new(vec![means.len()], means));
        tensors.insert(std.clone(), Tensor::new(vec![stds.len()], stds));
    }
    // Training uses the normalised input. Only the finished model folds normalisations into weights.
    let mut unfolded = model_spec.clone();
    unfolded.input.fold = false;
    let model = Model::unfolded(unfolded, model_base, &tensors)?;
    for data in [Some(&data), validation.as_ref(), replay.as_ref(), held.as_ref()].into_iter().flatten() {
        model.check_inputs(data)?;
    }
    if let Some(warning) = inputs::scale_warning(&model, &data) {
        observer.note(&warning);
    }

    let mut loss = loss_of((spec.loss, spec.class_weights.as_ref()), &data, model.output_size(), &data.inputs_path)?;
    let earlier_tasks = [
        spec.replay.as_ref().and_then(|replay| replay.task_outputs),
        spec.protect.as_ref().and_then(|protect| protect.task_outputs),
    ];
    for task in spec.task_outputs.iter().chain(earlier_tasks.iter().flatten()) {
        if !loss.tasks.contains(&task.range()) {
            loss.tasks.push(task.range());
        }
    }
    let mut cleaned = None;
    if let Some(settings) = &spec.clean {
        let wrong = wrong.unwrap_or_else(|| vec![false; data.samples()]);
        let first = || Model::unfolded(model.spec().clone(), model_base, &tensors);
        let (rest, found) = clean::clean(spec, settings, &first, &loss, &data, &wrong)?;
        if rest.samples() == 0 {
            let expected = "settings that leave samples";
            return Err(NetworkError::choice(&data.inputs_path, "clean", "every sample left out", expected));
        }
        (data, cleaned) = (rest, Some(found));
    }
    if let Some(augment) = &spec.augment {
        data = augment.apply(&data)?;
    }
    let own = data.samples();
    if let Some(replay) = &replay {
        data = tasks::join(&data, replay);
    }
    let mut chips = match spec.on {
        TrainOn::Exact => None,
        TrainOn::Chip | TrainOn::Population => Some(ChipLayers::new(spec, base, &model)?),
    };
    if let Some(chips) = &mut chips {
        chips.criterion = loss.clone();
        for (layer, zeros) in chips.zero_tiles() {
            observer.note(&format!(
                "warning: photonic layer {layer}: {zeros} tiles of the weight are zero; they have no program and stay zero"
            ));
        }
    }
    let mut learner = Learner {
        model,
        chips,
        loss,
        frozen: Vec::new(),
        constraints: Vec::new(),
        protection: None,
        start: tensors.clone(),
        base: model_base.to_owned(),
    };
    learner.constraints = constraint::constraints(&learner.model);
    constraint::constrain(&mut learner.model, &learner.constraints);
    learner
        .freeze(&spec.freeze)
        .map_err(|(found, expected)| NetworkError::choice(&model_path, "freeze", found, expected))?;
    let start = learner.values();
    let layers = |learner: &Learner| {
        let measured = spec.layer_statistics.map(|samples| measure(&learner.model, &learner.loss, &data, samples));
        measured.transpose()
    };
    let before = layers(&learner)?;
    if let (Some(protect), Some(held)) = (&spec.protect, &held) {
        learner.calibrate(&data)?;
        learner.protection = Some(Protection::new(protect, &mut learner, held, spec.seed)?);
    }
    let mut state = State::new(spec);
    let mut kept = match earlier {
        None => None,
        Some(Earlier { restart, overwrite }) => {
            let all = [Some(&data), validation.as_ref(), held.as_ref()];
            let identity = identity(spec, base, &model_spec, all, &tensors)?;
            let (checkpoint, stored) = Checkpoint::open(&outputs, identity, (restart, overwrite), &model_path)?;
            if let Some(stored) = stored {
                checkpoint::resume(checkpoint.path(), &stored, spec, (&mut learner, &mut state), &data)?;
                let (done, epochs) = (state.history.len(), spec.epochs);
                let path = checkpoint.path().display();
                observer
                    .note(&format!("note: resumed after epoch {done}/{epochs} from {path}; --restart starts again"));
            }
            Some(checkpoint)
        }
    };
    let samples = Samples { train: &data, own, validation: validation.as_ref() };
    let end = match &mut kept {
        Some(checkpoint) => epochs::run(spec, &mut learner, &mut state, &samples, checkpoint, observer)?,
        None => epochs::run(spec, &mut learner, &mut state, &samples, &mut Nowhere, observer)?,
    };
    let moved = learner.moved(&start);
    let layer_changes = before.zip(layers(&learner)?).map(|(before, after)| LayerChanges { before, after });
    let (mut chip_accuracy, mut programs) = (None, None);
    if let Some(chips) = &mut learner.chips {
        let tested = validation.as_ref().unwrap_or(&data);
        chip_accuracy =
            Some(chips.accuracy(&learner.model, tested, spec.test_chips(), &mut |done, total| {
                observer.test_chip(done, total)
            })?);
        programs = chips.programs();
    }
    for (name, tensor) in learner.tensors().iter() {
        tensors.insert(name, tensor.clone());
    }
    let (history, passes) = (state.history, state.passes);
    for (key, value) in [
        ("made_by", format!("phaseloom {}", env!("CARGO_PKG_VERSION"))),
        ("model", model_spec.name.clone()),
        ("seed", spec.seed.to_string()),
        ("epochs", history.len().to_string()),
        ("data_sha256", data.sha256.clone()),
    ] {
        tensors.metadata.insert(key.to_owned(), value);
    }
    let mut model = Model::build(model_spec, model_base, &tensors)?;
    model.set_programs(programs);
    let calibration = spec.calibration.map(|calibration| calibrate(&calibration, &model, data));
    Ok(Trained {
        model,
        tensors,
        history,
        best_epoch: state.best.map(|(epoch, _)| epoch),
        is_finished: end == End::Finished,
        chip_accuracy,
        passes,
        cleaned,
        moved,
        layers: layer_changes,
        calibration,
        checkpoint: kept,
    })
}

/// Accuracy of the floating-point network on raw data, 0…1. NaN without samples.
///
/// # Errors
///
/// As [`Network::pass`].
///
/// # Panics
///
/// If the data and the network differ in the number of features, or there is not one label per sample.
pub fn exact_accuracy(network: &dyn Network, data: &Dataset) -> Result<f64> {
    assert_eq!(data.labels().len(), data.samples(), "one label per sample");
    let mut correct = 0;
    for (first, batch) in data.inputs.batches(CHUNK) {
        let outputs = network.exact_outputs(&network.prepare(&batch), &mut |_, _| {})?;
        let labels = &data.labels()[first..first + batch.ncols()];
        correct += predictions(&outputs).iter().zip(labels).filter(|(a, b)| a == b).count();
    }
    Ok(correct as f64 / data.samples() as f64)
}

/// Calibration on the first samples of the training data, whose number [`train`] has checked.
fn calibrate(spec: &CalibrationSpec, model: &Model, data: Dataset) -> Result<Calibration> {
    let available = data.samples();
    // Samples with wrong labels may have been left out.
    let samples = spec.samples.unwrap_or(available).min(available);
    let data = if samples == available {
        data
    } else {
        let sha256 = hex(&Sha256::digest(format!("{} first {samples}", data.sha256)));
        Dataset { inputs: data.inputs.batch(0..samples).into(), sha256, ..data }
    };
    let column_block = spec.column_block.unwrap_or(spec.ports);
    Calibration::measure(model, &data, CalibrationSettings { ports: spec.ports, column_block, quantile: spec.quantile })
}

#[cfg(test)]
mod tests;
