//! What is trained: a model, with chips that compute its photonic products or without.

use std::path::PathBuf;

use crate::data::{Batch, Dataset};
use crate::error::{NetworkError, Result};
use crate::layer::{Constraint, LayerKind, Parameter, chain};
use crate::model::Model;
use crate::network::Network;
use crate::train::CHUNK;
use crate::train::chips::ChipLayers;
use crate::train::constraint::constrain;
use crate::train::loss::{Loss, LossKind};
use crate::train::optimizer::{Optimizer, Rates};
use crate::train::protect::{Protection, signed};
use crate::weights::Tensors;

/// A model in training.
pub(super) struct Learner {
    pub model: Model,
    pub chips: Option<ChipLayers>,
    pub loss: Loss,
    /// Whether each parameter stays: those of the model, then those of the chips.
    pub frozen: Vec<bool>,
    /// What training keeps each linear layer.
    pub constraints: Vec<Option<Constraint>>,
    /// What an earlier task needs.
    pub protection: Option<Protection>,
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

/// How far phases moved in a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved {
    /// Share of the phases that moved by more than half a step of their converter (of 8 bits, if the process has none), 0…1.
    pub share: f64,
    /// Sum of the distances of all phases (rad).
    pub total_rad: f64,
}

/// The result of one batch before its step.
pub(super) struct BatchResult {
    pub loss: f64,
    pub correct: usize,
    /// Of every parameter of the model and then of the chips, empty for frozen ones.
    pub gradients: Vec<Vec<f64>>,
    /// How many times light passed a core for them.
    pub passes: u64,
}

/// Both meshes of a program.
const MESHES: &str = "meshes";

/// Parts of the program of a weight that `freeze` names.
const PARTS: [&str; 5] = ["first_mesh", "attenuators", "second_mesh", "gain", MESHES];

impl Learner {
    /// Accuracy on validation data: on chips if chips train, else in floating point.
    pub fn validation_accuracy(&mut self, data: &Dataset) -> Result<f64> {
        match &mut self.chips {
            Some(chips) => chips.validation_accuracy(&self.model, data),
            None => {
                let mut correct = 0;
                for (first, batch) in data.inputs.batches(CHUNK) {
                    let outputs = self.model.exact_outputs(&self.model.prepare(&batch), &mut |_, _| {})?;
                    correct += self.loss.correct(&outputs, &data.labels()[first..first + batch.ncols()]);
                }
                Ok(correct as f64 / data.samples() as f64)
            }
        }
    }

    /// Loss, correct predictions and gradients of the samples `rows`, in the step of number `step`, from 1.
    pub fn gradients(&mut self, data: &Dataset, rows: &[usize], step: u64) -> Result<BatchResult> {
        let mut result = match &mut self.chips {
            Some(chips) => chips.gradients(&mut self.model, data, rows, step)?,
            None => batch_gradients(&mut self.model, &self.loss, data, rows),
        };
        for (gradient, frozen) in result.gradients.iter_mut().zip(&self.frozen) {
            if *frozen {
                *gradient = Vec::new();
            }
        }
        Ok(result)
    }

    /// Values of all parameters: of the model, then of the chips.
    pub fn values(&mut self) -> Vec<Vec<f64>> {
        let of_model = self.model.layers_mut().iter_mut().flat_map(|layer| layer.parameters());
        let mut values: Vec<Vec<f64>> = of_model.map(|parameter| parameter.values.to_vec()).collect();
        values.extend(self.chips.iter_mut().flat_map(ChipLayers::parameters_mut).map(|list| list.clone()));
        values
    }

    /// Whether each list of [`Learner::values`] is one of the chips.
    pub fn chip_lists(&mut self) -> Vec<bool> {
        let of_model = self.model.layers_mut().iter_mut().map(|layer| layer.parameters().len()).sum();
        let of_chips = self.chips.as_mut().map_or(0, |chips| chips.parameters_mut().count());
        [vec![false; of_model], vec![true; of_chips]].concat()
    }

    /// Whether each list of [`Learner::values`] holds phases.
    pub fn phase_lists(&mut self) -> Vec<bool> {
        let mut lists: Vec<bool> = self.chip_lists().into_iter().filter(|of_chips| !of_chips).collect();
        let groups = self.chips.as_ref().map(ChipLayers::groups).unwrap_or_default();
        lists.extend(groups.concat().into_iter().map(|group| group != "gain"));
        lists
    }

    /// How far phases moved from some values.
    pub fn moved(&mut self, start: &[Vec<f64>]) -> Option<Moved> {
        let (lists, now) = (self.phase_lists(), self.values());
        let step = self.chips.as_ref()?.phase_step();
        let all = lists.iter().zip(start.iter().zip(&now)).filter(|(is_phase, _)| **is_phase);
        let pairs = all.flat_map(|(_, (start, now))| start.iter().zip(now));
        let distances: Vec<f64> = pairs.map(|(start, now)| signed(now - start).abs()).collect();
        let count = distances.iter().filter(|distance| **distance > 0.5 * step).count();
        let share = count as f64 / distances.len() as f64;
        (!distances.is_empty()).then(|| Moved { share, total_rad: distances.iter().sum() })
    }

    /// Outputs for one sample.
    pub fn logits(&mut self, data: &Dataset, row: usize) -> Result<Vec<f64>> {
        if let Some(chips) = &mut self.chips {
            return chips.logits(&mut self.model, data, row);
        }
        let input = self.model.prepare(&data.inputs.select(&[row]));
        Ok(chain::forward(&self.model.layers()[..trained_layers(&self.model)], &input).as_slice().to_vec())
    }

    /// The matrices that the chips realise, as they are read.
    pub fn realised_weights(&mut self) -> Result<Vec<Batch>> {
        match &mut self.chips {
            Some(chips) => chips.realised_weights(&self.model),
            None => Ok(Vec::new()),
        }
    }

    /// Starts or stops to sum the squares of the gradients by realised weights; returns the sums so far.
    pub fn collect_squares(&mut self, collect: bool) -> Vec<Option<Batch>> {
        self.chips.as_mut().map(|chips| chips.collect_squares(collect)).unwrap_or_default()
    }

    /// Adds the gradient of the penalty on realised weights.
    pub fn add_weight_penalty(
        &mut self,
        strength: f64,
        fisher: &[Batch],
        start: &[Batch],
        gradients: &mut [Vec<f64>],
    ) -> Result<()> {
        let first = self.chip_lists().iter().filter(|of_chips| !**of_chips).count();
        match &mut self.chips {
            Some(chips) => chips.add_weight_penalty(strength, (fisher, start), &mut gradients[first..]),
            None => Ok(()),
        }
    }

    /// Adds the gradient of what an earlier task needs.
    pub fn add_penalty(&mut self, gradients: &mut [Vec<f64>]) -> Result<()> {
        let Some(protection) = self.protection.take() else { return Ok(()) };
        let added = protection.add(self, gradients);
        self.protection = Some(protection);
        added
    }

    /// Moves all parameters by one step.
    pub fn step(&mut self, optimizer: &mut Optimizer, gradients: &[Vec<f64>], rates: Rates, decay: f64) {
        let mut parameters: Vec<_> = self.model.layers_mut().iter_mut().flat_map(|l| l.parameters()).collect();
        if let Some(chips) = &mut self.chips {
            parameters.extend(chips.parameters_mut().map(|values| Parameter { values, decays: false, is_phase: true }));
        }
        optimizer.step(&mut parameters, gradients, rates, decay);
        constrain(&mut self.model, &self.constraints);
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

    /// Freezes the tensors of some names, or of names that start with one of them and a point, and the parts of programs of names
    /// such as `layer1.weight/first_mesh`. The error is a name that is none, with the names that there are.
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
        let on_chips: Vec<&str> = match &self.chips {
            Some(chips) if chips.trains_phases() => {
                let photonic = placed.iter().filter(|(_, layer)| layer.photonic().is_some());
                photonic.filter_map(|(placed, _)| placed.spec.weight()).collect()
            }
            _ => Vec::new(),
        };
        let part = |name: &'_ str| name.split_once('/').map(|(tensor, part)| (tensor.to_owned(), part.to_owned()));
        for name in names {
            let expected = match part(name) {
                None if trained.iter().any(|tensor| is_named(tensor, name)) => continue,
                Some((tensor, part))
                    if PARTS.contains(&part.as_str()) && on_chips.iter().any(|own| is_named(own, &tensor)) =>
                {
                    continue;
                }
                Some(_) if on_chips.is_empty() => "no part of a program: this training has no phases".to_owned(),
                Some(_) => {
                    format!("one of {} and, after it and a slash, one of {}", on_chips.join(", "), PARTS.join(", "))
                }
                None => format!("a name of these tensors, or its start up to a point: {}", trained.join(", ")),
            };
            return Err((format!("{name:?}"), expected));
        }
        let is_frozen = |tensor: &str| names.iter().any(|name| is_named(tensor, name));
        let mut frozen: Vec<bool> = trained.iter().map(|tensor| is_frozen(tensor)).collect();
        if let Some(chips) = &self.chips {
            let photonic = placed.iter().filter(|(_, layer)| layer.photonic().is_some());
            for ((placed, _), groups) in photonic.zip(chips.groups()) {
                let Some(weight) = placed.spec.weight() else { continue };
                let is_part = |group: &str, name: &String| {
                    part(name).is_some_and(|(tensor, part)| {
                        is_named(weight, &tensor) && (part == group || part == MESHES && group.ends_with("mesh"))
                    })
                };
                let stays = |group: &&str| is_frozen(weight) || names.iter().any(|name| is_part(group, name));
                frozen.extend(groups.iter().map(stays));
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
pub(super) fn batch_gradients(model: &mut Model, loss: &Loss, data: &Dataset, rows: &[usize]) -> BatchResult {
    let labels: Vec<usize> = rows.iter().map(|&row| data.labels()[row]).collect();
    let input = model.prepare(&data.inputs.select(rows));
    let count = trained_layers(model);
    let layers = &mut model.layers_mut()[..count];
    let traces = chain::record(layers, &input);
    let logits = chain::output(&traces, &input);
    let correct = loss.correct(logits, &labels);
    let (loss, gradient) = loss.mean(logits, &labels);
    let gradients = chain::backward(layers, &input, &traces, gradient, false).parameters;
    BatchResult { loss, correct, gradients, passes: 0 }
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
        None => Ok(Loss { kind, ..Loss::default() }),
        Some(super::ClassWeights::Balanced(_)) => Ok(Loss::balanced(kind, data.labels(), classes)),
        Some(super::ClassWeights::List(list)) if list.len() == classes => {
            Ok(Loss { kind, class_weights: list.clone(), tasks: Vec::new() })
        }
        Some(super::ClassWeights::List(list)) => {
            let expected = format!("{classes}, one for each output of the model");
            Err(NetworkError::choice(path, "class_weights", format!("{} weights", list.len()), expected))
        }
    }
}
