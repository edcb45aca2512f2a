//! Training in floating point: Adam on the cross-entropy, in one thread and in a fixed order.
//!
//! The same seed, data and settings give the same bytes on one kind of processor. A softmax at the end of the model is
//! left out, because the loss includes it.

mod chips;
pub mod loss;
mod memory;
pub mod optimizer;
mod spec;
mod start;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use phaseloom_numerics::StreamKey;
use rand::seq::SliceRandom;
use sha2::{Digest, Sha256};

use crate::calibration::{Calibration, CalibrationSettings};
use crate::data::{DataSpec, Dataset, Truth, resolve};
use crate::error::{NetworkError, Result};
use crate::layer::{LayerKind, Parameter, chain};
use crate::model::{Model, ModelSpec, NumberOrTensor};
use crate::network::{Network, predictions};
pub use crate::train::chips::ChipAccuracy;
use crate::train::chips::ChipLayers;
use crate::train::optimizer::{Adam, Rates};
pub use crate::train::spec::{CalibrationSpec, GradientMethod, LossKind, Schedule, TrainOn, TrainSpec};
use crate::weights::{Tensor, Tensors};
use phaseloom_files::{check_output, check_replaced, hex};

/// Loss after training, relative to that of guessing, from which the training has diverged.
const MAX_LOSS: f64 = 1000.0;

/// Samples that pass the network together to measure the accuracy. It bounds the memory.
const CHUNK: usize = 1024;

/// Results of one pass over the training data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Number of requested epochs.
    pub epochs: usize,
    /// Mean loss over the samples, each computed before the step of its batch.
    pub loss: f64,
    /// Share of training samples, 0…1, classified correctly before the step of their batch.
    pub train_accuracy: f64,
    /// Accuracy on the validation data after the epoch, 0…1.
    pub validation_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
}

/// Results of training.
#[derive(Debug)]
pub struct Trained {
    /// The model with its trained weights.
    pub model: Model,
    /// The tensors to save: weights, normalisation and notes.
    pub tensors: Tensors,
    /// One report per epoch.
    pub history: Vec<EpochReport>,
    /// Accuracy on chips after training on chips: on the validation data, or else on the training data.
    pub chip_accuracy: Option<ChipAccuracy>,
    /// The scales of the converters, if requested. A failed calibration does not lose the weights.
    pub calibration: Option<Result<Calibration>>,
}

impl Trained {
    /// Writes the weights and the calibration to the paths of the model file. Returns the paths.
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
        if let (Some(Ok(calibration)), Some(path)) = (&self.calibration, self.model.calibration_path()?) {
            calibration.save(&path)?;
            files.push(path);
        }
        Ok(files)
    }
}

/// Trains the model of the spec, whose paths are relative to `base`.
///
/// `progress` is called after each epoch. If it breaks, training stops and the model of that epoch is returned. Nothing
/// is written, see [`Trained::save`].
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
    spec.check(base)?;
    let model_path = resolve(&spec.model, base)?;
    let model_base = model_path.parent().unwrap_or(Path::new(""));
    let model_spec = ModelSpec::load(&model_path)?;
    check_model(spec, &model_spec, &model_path)?;
    let (placed, output) = model_spec.place().map_err(|invalid| NetworkError::from_invalid(&model_path, invalid))?;
    let load = |table: &str, choice: &DataSpec| {
        let data = choice.load(base).and_then(|data| {
            data.check(model_spec.input.features(), output.iter().product())?;
            match data.truth {
                Truth::Labels(_) => Ok(data),
                _ => Err(NetworkError::choice(&data.inputs_path, "labels", "no labels", "the classes that are learnt")),
            }
        });
        data.map_err(|error| error.in_table(table))
    };
    let data = load("train", &spec.train)?;
    let validation = spec.validation.as_ref().map(|choice| load("validation", choice)).transpose()?;

    // Errors that would only appear at the end are found before hours of training.
    if let Some(requested) = spec.calibration.and_then(|c| c.samples).filter(|&n| n > data.samples()) {
        let expected = format!("at most {}, the samples of [train]", data.samples());
        return Err(NetworkError::choice(&data.inputs_path, "calibration.samples", requested, expected));
    }
    for path in std::iter::once(&model_spec.weights).chain(&model_spec.calibration).chain(&model_spec.programs) {
        check_output(&resolve(path, model_base)?)?;
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
    let mut model = Model::unfolded(unfolded, model_base, &tensors)?;
    for data in std::iter::once(&data).chain(&validation) {
        model.check_inputs(data)?;
    }

    let mut chips = match spec.on {
        TrainOn::Exact => None,
        TrainOn::Chip | TrainOn::Population => Some(ChipLayers::new(spec, base, &model)?),
    };
    let history = run_epochs(spec, (&mut model, chips.as_mut()), &data, validation.as_ref(), progress)?;
    let mut chip_accuracy = None;
    let mut programs = None;
    if let Some(chips) = &mut chips {
        let tested = validation.as_ref().unwrap_or(&data);
        chip_accuracy = Some(chips.accuracy(&model, tested, spec.test_chips)?);
        programs = Some(chips.programs());
    }
    for (placed, layer) in model.placed() {
        for (named, tensor) in placed.spec.tensors(&placed.input).into_iter().zip(layer.tensors()) {
            tensors.insert(named.name, tensor);
        }
    }
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
    Ok(Trained { model, tensors, history, chip_accuracy, calibration })
}

/// Checks that a model file fits the training file, before any data are read.
fn check_model(spec: &TrainSpec, model: &ModelSpec, path: &Path) -> Result<()> {
    let invalid = |key: &str, found: String, expected: &str| Err(NetworkError::setting(path, key, found, expected));
    if model.weights.extension().is_none_or(|e| e != "safetensors") {
        let expected = "a name that ends with .safetensors, the file that training writes";
        return invalid("weights", model.weights.display().to_string(), expected);
    }
    let (placed, output) = model.place().map_err(|invalid| NetworkError::from_invalid(path, invalid))?;
    if output.len() > 1 {
        let expected = "outputs along one axis, one for each class: add a layer of kind `flatten`, or a global pooling";
        return invalid("layer", format!("outputs of the shape {output:?}"), expected);
    }
    if output.iter().product::<usize>() < 2 {
        return invalid("layer", "1 output".into(), "at least 2, one for each class: the loss is a cross-entropy");
    }
    if spec.calibration.is_some() && model.calibration.is_none() {
        let expected = "`calibration = \"calibration.json\"`, because the training file requests a calibration";
        return invalid("calibration", "no such key".into(), expected);
    }
    for (key, value) in [("input.mean", &model.input.mean), ("input.std", &model.input.std)] {
        match value {
            NumberOrTensor::Number(number) if spec.standardize => {
                let expected =
                    "the name of a tensor, e.g. \"input.mean\", because the training file sets `standardize`";
                return invalid(key, number.to_string(), expected);
            }
            NumberOrTensor::Tensor(name) if !spec.standardize => {
                let expected = "a number, or `standardize = true` in the training file to measure it";
                return invalid(key, format!("the tensor `{name}`"), expected);
            }
            _ => {}
        }
    }
    match (spec.on, &model.programs) {
        (TrainOn::Exact, Some(programs)) => {
            let expected = "no such key: exact training changes the weights, and not these programs";
            return invalid("programs", programs.display().to_string(), expected);
        }
        (TrainOn::Chip | TrainOn::Population, None) => {
            let expected =
                "`programs = \"programs.safetensors\"`, the file for the phases that training on chips writes";
            return invalid("programs", "no such key".into(), expected);
        }
        _ => {}
    }
    if spec.loss == LossKind::Mse && model.layer.last().is_some_and(|last| last.kind() == LayerKind::Softmax) {
        let expected = "no such layer with `loss = \"mse\"`: training leaves out a softmax at the end";
        return invalid("layer", "a softmax at the end".into(), expected);
    }
    let unitary = placed.iter().find(|layer| layer.spec.unitary_weight().is_some());
    if let (TrainOn::Exact, Some(layer)) = (spec.on, unitary) {
        let expected = "`on = \"chip\"` or `\"population\"` in the training file: a step on the phases of a mesh keeps the weight \
                        unitary, one on its entries does not";
        return invalid(&format!("{}.unitary", layer.key), "true".into(), expected);
    }
    if let (GradientMethod::SigmaOnly, Some(layer)) = (spec.gradient, unitary) {
        let expected = "another `gradient` than \"sigma_only\" in the training file: a unitary has no attenuators";
        return invalid(&format!("{}.unitary", layer.key), "true".into(), expected);
    }
    if spec.on != TrainOn::Exact {
        chips::check_model(model, &placed).map_err(|invalid| NetworkError::from_invalid(path, invalid))?;
    }
    let of_input = [&model.input.mean, &model.input.std]
        .into_iter()
        .filter_map(|v| if let NumberOrTensor::Tensor(name) = v { Some(name.as_str()) } else { None });
    let of_layers = placed.iter().flat_map(|layer| layer.spec.tensors(&layer.input)).map(|tensor| tensor.name);
    let mut names: Vec<&str> = of_input.chain(of_layers).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => invalid("layer", format!("the tensor `{}` twice", pair[0]), "a name of its own for each tensor"),
        None => Ok(()),
    }
}

/// Trains the model in place for all epochs.
fn run_epochs(
    spec: &TrainSpec,
    (model, mut chips): (&mut Model, Option<&mut ChipLayers>),
    data: &Dataset,
    validation: Option<&Dataset>,
    progress: &mut dyn FnMut(&EpochReport) -> ControlFlow<()>,
) -> Result<Vec<EpochReport>> {
    let samples = data.samples();
    let steps = spec.epochs as f64 * samples.div_ceil(spec.batch) as f64;
    let mut adam = Adam::new();
    let mut history: Vec<EpochReport> = Vec::new();
    let mut step = 0_u64;
    let mut last_batch = (0, Vec::new());
    if let Some(chips) = &mut chips {
        chips.calibrate(model, data)?;
    }
    for epoch in 1..=spec.epochs {
        let mut order: Vec<usize> = (0..samples).collect();
        order.shuffle(&mut StreamKey::new(spec.seed, "train/order").block(epoch as u64).stream());
        let (mut loss_sum, mut correct, mut learning_rate) = (0.0, 0, spec.learning_rate);
        for (batch, rows) in order.chunks(spec.batch).enumerate() {
            let factor = spec.schedule.factor(step as f64 / steps);
            learning_rate = spec.learning_rate * factor;
            step += 1;
            let (loss, batch_correct, gradients) = match &mut chips {
                Some(chips) => chips.gradients(model, data, rows, step)?,
                None => batch_gradients(model, data, rows, spec.loss),
            };
            if !loss.is_finite() {
                return Err(NetworkError::Diverged { epoch, batch, loss, learning_rate });
            }
            loss_sum += loss * rows.len() as f64;
            correct += batch_correct;
            let mut parameters: Vec<_> = model.layers_mut().iter_mut().flat_map(|l| l.parameters()).collect();
            if let Some(chips) = &mut chips {
                parameters.extend(chips.parameters_mut().map(|values| Parameter {
                    values,
                    decays: false,
                    is_phase: true,
                }));
            }
            let rates = Rates { values: learning_rate, phases: spec.phase_learning_rate() * factor };
            adam.step(&mut parameters, &gradients, rates, spec.weight_decay);
        }
        if let Some(chips) = &mut chips {
            chips.calibrate(model, data)?;
        }
        let report = EpochReport {
            epoch,
            epochs: spec.epochs,
            loss: loss_sum / samples as f64,
            train_accuracy: correct as f64 / samples as f64,
            validation_accuracy: validation.map(|v| exact_accuracy(model, v)).transpose()?,
            learning_rate,
        };
        history.push(report);
        let last = samples.div_ceil(spec.batch) - 1;
        last_batch = (last, order[last * spec.batch..].to_vec());
        if progress(&report).is_break() {
            break;
        }
    }
    // Each loss above is that before a step; the last step may have been the one that left every bound.
    let (batch, rows) = last_batch;
    let loss = match &mut chips {
        Some(chips) => chips.loss(model, data, &rows, step)?,
        None => batch_loss(model, data, &rows, spec.loss),
    };
    let guessing = (model.output_size().max(2) as f64).ln();
    match history.last() {
        Some(last) if loss.is_nan() || loss > MAX_LOSS * guessing => {
            let EpochReport { epoch, learning_rate, .. } = *last;
            Err(NetworkError::Diverged { epoch, batch, loss, learning_rate })
        }
        _ => Ok(history),
    }
}

/// Mean loss of the samples `rows`.
fn batch_loss(model: &Model, data: &Dataset, rows: &[usize], loss: LossKind) -> f64 {
    let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
    let input = model.prepare(&data.inputs.select(rows));
    let logits = chain::forward(&model.layers()[..trained_layers(model)], &input);
    loss.mean(&logits, &labels).0
}

/// Mean loss, number of correct predictions, and gradient of every parameter, for the samples `rows`.
fn batch_gradients(model: &mut Model, data: &Dataset, rows: &[usize], kind: LossKind) -> (f64, usize, Vec<Vec<f64>>) {
    let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
    let input = model.prepare(&data.inputs.select(rows));
    let count = trained_layers(model);
    let layers = &mut model.layers_mut()[..count];
    let traces = chain::record(layers, &input);
    let logits = chain::output(&traces, &input);
    let correct = predictions(logits).iter().zip(&labels).filter(|(a, b)| a == b).count();
    let (loss, gradient) = kind.mean(logits, &labels);
    (loss, correct, chain::backward(layers, &input, &traces, gradient, false).parameters)
}

/// Number of layers before the loss: all but a softmax at the end.
fn trained_layers(model: &Model) -> usize {
    let ends_with_softmax = model.spec().layer.last().is_some_and(|last| last.kind() == LayerKind::Softmax);
    model.layers().len() - usize::from(ends_with_softmax)
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
    let samples = spec.samples.unwrap_or(available);
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
