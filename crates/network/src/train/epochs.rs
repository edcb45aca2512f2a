//! The loop over epochs and batches, and its state, which can be stored between any two batches.

use phaseloom_numerics::StreamKey;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::data::Dataset;
use crate::error::{NetworkError, Result};
use crate::network::Network;
use crate::train::learner::{Learner, Snapshot};
use crate::train::optimizer::{Optimizer, Rates};
use crate::train::{EpochReport, Observer, Progress, TrainSpec};

/// Loss after training, relative to that of guessing, from which the training has diverged.
const MAX_LOSS: f64 = 1000.0;

/// What changes between two batches, next to the values of the learner.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub optimizer: Optimizer,
    /// Number of steps.
    pub step: u64,
    /// Batches of the present epoch that are done, and their sums.
    pub batch: usize,
    pub loss_sum: f64,
    pub correct: usize,
    /// Reports of the epochs that are done.
    pub history: Vec<EpochReport>,
    /// How many times light passed a core for gradients.
    pub passes: u64,
    /// The best epoch so far and its values, with early stopping.
    pub best: Option<(usize, Snapshot)>,
    /// Values at the last calibration of chips, from which the scales of the converters follow.
    pub calibrated: Option<Snapshot>,
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// After the last epoch, or early because none became better.
    Finished,
    /// The observer stopped it.
    Interrupted,
}

impl State {
    pub fn new(spec: &TrainSpec) -> Self {
        Self {
            optimizer: spec.new_optimizer(),
            step: 0,
            batch: 0,
            loss_sum: 0.0,
            correct: 0,
            history: Vec::new(),
            passes: 0,
            best: None,
            calibrated: None,
        }
    }

    /// Whether the patience of early stopping is over.
    fn is_patience_over(&self, spec: &TrainSpec) -> bool {
        match (&self.best, spec.stop) {
            (Some((best, _)), Some(stop)) => self.history.len() - best >= stop.patience,
            _ => false,
        }
    }

    /// Whether the last epoch is the best.
    fn is_best(&self) -> bool {
        let Some((last, before)) = self.history.split_last() else { return false };
        let Some(best) = self.best.as_ref().map(|(epoch, _)| &before[epoch - 1]) else { return true };
        match (last.validation_accuracy, best.validation_accuracy) {
            (Some(last), Some(best)) => last > best,
            _ => last.loss < best.loss,
        }
    }
}

/// Data of a training.
pub(super) struct Samples<'a> {
    /// Own samples, then those of an earlier task.
    pub train: &'a Dataset,
    /// Number of own samples.
    pub own: usize,
    pub validation: Option<&'a Dataset>,
}

/// The files or whatever else keeps a state.
pub(super) trait Keep {
    /// Keeps the state if enough time has passed since the last one, or if it `must` be kept.
    fn keep(&mut self, learner: &mut Learner, state: &State, must: bool) -> Result<()>;
}

/// Trains for all epochs from a state on.
pub(super) fn run(
    spec: &TrainSpec,
    learner: &mut Learner,
    state: &mut State,
    data: &Samples<'_>,
    keeper: &mut dyn Keep,
    observer: &mut dyn Observer,
) -> Result<End> {
    let samples = data.own;
    let replayed = data.own..data.train.samples();
    // Half of each batch are samples of an earlier task, if there is one.
    let per_batch = if replayed.is_empty() { spec.batch } else { spec.batch - spec.batch / 2 };
    let times = if replayed.is_empty() { 1 } else { 2 };
    let batches = samples.div_ceil(per_batch);
    let steps = spec.epochs as f64 * batches as f64;
    let mut end = End::Finished;
    if state.step == 0 && learner.chips.is_some() {
        learner.calibrate(data.train)?;
        state.calibrated = Some(learner.snapshot());
    }
    'epochs: while state.history.len() < spec.epochs && !state.is_patience_over(spec) {
        let epoch = state.history.len() + 1;
        let order = order(spec.seed, samples, epoch);
        let mut learning_rate = spec.learning_rate;
        for (batch, rows) in order.chunks(per_batch).enumerate().skip(state.batch) {
            let factor = spec.schedule.factor(state.step as f64 / steps);
            learning_rate = spec.learning_rate * factor;
            state.step += 1;
            let mut all = rows.to_vec();
            if !replayed.is_empty() {
                let mut stream = StreamKey::new(spec.seed, "train/replay").block(state.step).stream();
                all.extend(rows.iter().map(|_| stream.random_range(replayed.clone())));
            }
            let rows = &all[..];
            let mut result = learner.gradients(data.train, rows, state.step)?;
            learner.add_penalty(&mut result.gradients)?;
            let loss = result.loss;
            state.passes += result.passes;
            if !loss.is_finite() {
                return Err(NetworkError::Diverged { epoch, batch, loss, learning_rate });
            }
            state.loss_sum += loss * rows.len() as f64;
            state.correct += result.correct;
            let rates = Rates { values: learning_rate, phases: spec.phase_learning_rate() * factor };
            learner.step(&mut state.optimizer, &result.gradients, rates, spec.weight_decay);
            if learner.chips.as_ref().is_some_and(|chips| !chips.is_usable()) {
                return Err(NetworkError::Diverged { epoch, batch, loss, learning_rate: rates.phases });
            }
            state.batch += 1;
            if state.batch == batches {
                continue;
            }
            let done = usize::min(state.batch * per_batch, samples) as f64;
            let progress = Progress {
                epoch,
                epochs: spec.epochs,
                done: done / samples as f64,
                loss: state.loss_sum / (times as f64 * done),
                train_accuracy: state.correct as f64 / (times as f64 * done),
            };
            if observer.batch(&progress).is_break() {
                end = End::Interrupted;
                break 'epochs;
            }
            keeper.keep(learner, state, false)?;
        }
        if learner.chips.is_some() {
            learner.calibrate(data.train)?;
            state.calibrated = Some(learner.snapshot());
        }
        let report = EpochReport {
            epoch,
            epochs: spec.epochs,
            loss: state.loss_sum / (times * samples) as f64,
            train_accuracy: state.correct as f64 / (times * samples) as f64,
            validation_accuracy: data.validation.map(|v| learner.validation_accuracy(v)).transpose()?,
            learning_rate,
        };
        state.history.push(report);
        (state.batch, state.loss_sum, state.correct) = (0, 0.0, 0);
        if spec.stop.is_some() && state.is_best() {
            state.best = Some((epoch, learner.snapshot()));
        }
        if observer.epoch(&report).is_break() {
            end = End::Interrupted;
            break;
        }
        keeper.keep(learner, state, false)?;
    }
    if state.history.len() == spec.epochs || state.is_patience_over(spec) {
        end = End::Finished;
    }
    if end == End::Interrupted {
        keeper.keep(learner, state, true)?;
    }
    // Each loss above is that before a step; the last step may have been the one that left every bound.
    let is_within = state.batch > 0;
    let epoch = state.history.len() + usize::from(is_within);
    let batch = if is_within { state.batch - 1 } else { batches - 1 };
    let first = batch * per_batch;
    let last_rows = &order(spec.seed, samples, epoch)[first..usize::min(first + per_batch, samples)];
    if let Some((_, best)) = &state.best {
        learner.restore(&best.clone())?;
        learner.calibrate(data.train)?;
    } else if is_within {
        // The weights of chips follow from their phases.
        learner.calibrate(data.train)?;
    }
    let loss = learner.loss(data.train, last_rows, state.step)?;
    let guessing = (learner.model.output_size().max(2) as f64).ln();
    if loss.is_nan() || loss > MAX_LOSS * guessing {
        let learning_rate = spec.learning_rate * spec.schedule.factor((state.step.max(1) - 1) as f64 / steps);
        return Err(NetworkError::Diverged { epoch, batch, loss, learning_rate });
    }
    Ok(end)
}

/// The order of the samples in an epoch.
fn order(seed: u64, samples: usize, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples).collect();
    order.shuffle(&mut StreamKey::new(seed, "train/order").block(epoch as u64).stream());
    order
}
