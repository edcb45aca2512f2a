//! What is trained: a model, with chips that compute its photonic products or without.

use std::path::PathBuf;

use crate::data::Dataset;
use crate::error::{NetworkError, Result};
use crate::layer::{LayerKind, Parameter, chain};
use crate::model::Model;
use crate::network::{Network, predictions};
use crate::train::chips::ChipLayers;
use crate::train::loss::{Loss, LossKind};
use crate::train::optimizer::{Optimizer, Rates};
use crate::weights::Tensors;

/// A model in training.
pub(super) struct Learner {
    pub model: Model,
    pub chips: Option<ChipLayers>,
    pub loss: Loss,
    /// Whether each parameter stays: those of the model, then those of the chips.
    pub frozen: Vec<bool>,
    /// All tensors of the model at the start, among them those of the normalisation.
    pub start: Tensors,
    pub base: PathBuf,
}

/// All values that training changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    /// Tensors of the layers.
    pub model: Tensors,
    /// Parameters of the chips; none without chips.
    pub chips: Vec<Vec<f64>>,
}

/// The result of one batch before its step.
pub(super) struct BatchResult {
    pub loss: f64,
    pub correct: usize,
    /// Of every parameter of the model and then of the chips, empty for frozen ones.
    pub gradients: Vec<Vec<f64>>,
}

impl Learner {
    /// Loss, correct predictions and gradients of the samples `rows`, in the step of number `step`, from 1.
    pub fn gradients(&mut self, data: &Dataset, rows: &[usize], step: u64) -> Result<BatchResult> {
        let (loss, correct, mut gradients) = match &mut self.chips {
            Some(chips) => chips.gradients(&mut self.model, data, rows, step)?,
            None => batch_gradients(&mut self.model, &self.loss, data, rows),
        };
        for (gradient, frozen) in gradients.iter_mut().zip(&self.frozen) {
            if *frozen {
                *gradient = Vec::new();
            }
        }
        Ok(BatchResult { loss, correct, gradients })
    }

    /// Moves all parameters by one step.
    pub fn step(&mut self, optimizer: &mut Optimizer, gradients: &[Vec<f64>], rates: Rates, decay: f64) {
        let mut parameters: Vec<_> = self.model.layers_mut().iter_mut().flat_map(|l| l.parameters()).collect();
        if let Some(chips) = &mut self.chips {
            parameters.extend(chips.parameters_mut().map(|values| Parameter { values, decays: false, is_phase: true }));
        }
        optimizer.step(&mut parameters, gradients, rates, decay);
    }

    /// Mean loss of the samples `rows`.
    pub fn loss(&mut self, data: &Dataset, rows: &[usize], step: u64) -> Result<f64> {
        if let Some(chips) = &mut self.chips {
            return chips.loss(&mut self.model, data, rows, step);
        }
        let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
        let input = self.model.prepare(&data.inputs.select(rows));
        let logits = chain::forward(&self.model.layers()[..trained_layers(&self.model)], &input);
        Ok(self.loss.mean(&logits, &labels).0)
    }

    /// Measures the scales of the converters on chips, and writes the weights that the chips have into the model.
    pub fn calibrate(&mut self, data: &Dataset) -> Result<()> {
        match &mut self.chips {
            Some(chips) => chips.calibrate(&mut self.model, data),
            None => Ok(()),
        }
    }

    /// The present tensors of the layers.
    pub fn tensors(&self) -> Tensors {
        let mut tensors = Tensors::new();
        for (placed, layer) in self.model.placed() {
            for (named, tensor) in placed.spec.tensors(&placed.input).into_iter().zip(layer.tensors()) {
                tensors.insert(named.name, tensor);
            }
        }
        tensors
    }

    pub fn snapshot(&mut self) -> Snapshot {
        let chips = self.chips.as_mut().map(|chips| chips.parameters_mut().map(|values| values.clone()).collect());
        Snapshot { model: self.tensors(), chips: chips.unwrap_or_default() }
    }

    /// Sets all values to those of a snapshot. Scales of converters stay, see [`Learner::calibrate`].
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let mut tensors = self.start.clone();
        for (name, tensor) in snapshot.model.iter() {
            tensors.insert(name, tensor.clone());
        }
        self.model = Model::unfolded(self.model.spec().clone(), &self.base, &tensors)?;
        if let Some(chips) = &mut self.chips {
            chips.parameters_mut().zip(&snapshot.chips).for_each(|(values, stored)| values.clone_from(stored));
        }
        Ok(())
    }

    /// Freezes the tensors of some names, or of names that start with one of them and a point. The error is a name that is none,
    /// with the names that there are.
    pub fn freeze(&mut self, names: &[String]) -> Result<(), (String, String)> {
        let placed: Vec<_> = self.model.placed();
        let trained: Vec<&str> = placed
            .iter()
            .flat_map(|(placed, _)| placed.spec.tensors(&placed.input))
            .filter(|tensor| tensor.is_trained)
            .map(|tensor| tensor.name)
            .collect();
        let is_named = |tensor: &str, name: &str| {
            tensor.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if let Some(name) = names.iter().find(|name| !trained.iter().any(|tensor| is_named(tensor, name))) {
            let expected = format!("a name of these tensors, or its start up to a point: {}", trained.join(", "));
            return Err((format!("{name:?}"), expected));
        }
        let is_frozen = |tensor: &str| names.iter().any(|name| is_named(tensor, name));
        let mut frozen: Vec<bool> = trained.iter().map(|tensor| is_frozen(tensor)).collect();
        if let Some(chips) = &self.chips {
            let photonic = placed.iter().filter(|(_, layer)| layer.photonic().is_some());
            for ((placed, _), groups) in photonic.zip(chips.groups()) {
                frozen.extend(vec![placed.spec.weight().is_some_and(&is_frozen); groups]);
            }
        }
        if !names.is_empty() && frozen.iter().all(|frozen| *frozen) {
            return Err((format!("all of {}", trained.join(", ")), "at least one tensor that is trained".into()));
        }
        self.frozen = frozen;
        Ok(())
    }
}

/// Mean loss, number of correct predictions, and gradient of every parameter, for the samples `rows`.
pub(super) fn batch_gradients(
    model: &mut Model,
    loss: &Loss,
    data: &Dataset,
    rows: &[usize],
) -> (f64, usize, Vec<Vec<f64>>) {
    let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
    let input = model.prepare(&data.inputs.select(rows));
    let count = trained_layers(model);
    let layers = &mut model.layers_mut()[..count];
    let traces = chain::record(layers, &input);
    let logits = chain::output(&traces, &input);
    let correct = predictions(logits).iter().zip(&labels).filter(|(a, b)| a == b).count();
    let (loss, gradient) = loss.mean(logits, &labels);
    (loss, correct, chain::backward(layers, &input, &traces, gradient, false).parameters)
}

/// Number of layers before the loss: all but a softmax at the end.
pub(super) fn trained_layers(model: &Model) -> usize {
    let ends_with_softmax = model.spec().layer.last().is_some_and(|last| last.kind() == LayerKind::Softmax);
    model.layers().len() - usize::from(ends_with_softmax)
}

/// The weights of the classes in the loss, for some classes.
pub(super) fn loss_of(
    (kind, weights): (LossKind, Option<&super::ClassWeights>),
    data: &Dataset,
    classes: usize,
    path: &std::path::Path,
) -> Result<Loss> {
    match weights {
        None => Ok(Loss { kind, class_weights: Vec::new() }),
        Some(super::ClassWeights::Balanced(_)) => Ok(Loss::balanced(kind, data.labels(), classes)),
        Some(super::ClassWeights::List(list)) if list.len() == classes => {
            Ok(Loss { kind, class_weights: list.clone() })
        }
        Some(super::ClassWeights::List(list)) => {
            let expected = format!("{classes}, one for each output of the model");
            Err(NetworkError::choice(path, "class_weights", format!("{} weights", list.len()), expected))
        }
    }
}
