//! Who follows a training, and may stop it.

use std::ops::ControlFlow;

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

/// How far an epoch is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Number of requested epochs.
    pub epochs: usize,
    /// Share of the samples of the epoch that have passed, 0…1.
    pub done: f64,
    /// Mean loss over these samples.
    pub loss: f64,
    /// Share of these samples that were classified correctly, 0…1.
    pub train_accuracy: f64,
}

/// Follows a training. A break stops it.
pub trait Observer {
    /// Something that the user should know, starting with `warning: ` or `note: `.
    fn note(&mut self, _text: &str) {}

    /// After each batch but the last of an epoch.
    fn batch(&mut self, _progress: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Before each of `total` test chips, of which `done` are done. A break leaves out the rest.
    fn test_chip(&mut self, _done: u64, _total: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// After each epoch.
    fn epoch(&mut self, report: &EpochReport) -> ControlFlow<()>;
}

/// An observer of epochs alone.
pub(super) struct Epochs<'a>(pub &'a mut dyn FnMut(&EpochReport) -> ControlFlow<()>);

impl Observer for Epochs<'_> {
    fn epoch(&mut self, report: &EpochReport) -> ControlFlow<()> {
        (self.0)(report)
    }
}
