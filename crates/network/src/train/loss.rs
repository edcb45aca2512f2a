//! Cross-entropy of the softmax of logits z (classes × samples) with labels y.
//!
//! `L = (1/n) Σ_s (log Σ_j exp(z_js) − z_{y_s s})`, with the gradient `(softmax(z_s) − e_{y_s}) / n`. The maximum of
//! the logits is subtracted first, so that no exponential overflows.

use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::network::predictions;
use std::ops::Range;

/// Mean loss over the samples, and its gradient with respect to the logits (classes × samples). A logit that is not finite
/// makes the loss NaN or infinite, and no samples make it NaN.
///
/// # Panics
///
/// If the numbers of labels and samples differ, or a label is not a row of the logits.
#[must_use]
pub fn cross_entropy(logits: &Batch, labels: &[usize]) -> (f64, Batch) {
    assert_eq!(logits.ncols(), labels.len(), "cross-entropy needs one label per sample");
    let samples = labels.len() as f64;
    let mut gradient = logits.clone();
    let mut loss = 0.0;
    for (mut column, &label) in gradient.column_iter_mut().zip(labels) {
        let max = column.max();
        let label_logit = column[label] - max;
        column.apply(|z| *z = (*z - max).exp());
        let sum = column.sum();
        loss += sum.ln() - label_logit;
        column.apply(|z| *z /= sum * samples);
        column[label] -= 1.0 / samples;
    }
    (loss / samples, gradient)
}

/// Mean of `(z − e_y)²` over outputs and samples, and its gradient with respect to the outputs z (classes × samples). The targets
/// e_y are 1 for the class of the label and 0 for others.
///
/// # Panics
///
/// As [`cross_entropy`].
#[must_use]
pub fn mean_squared_error(outputs: &Batch, labels: &[usize]) -> (f64, Batch) {
    assert_eq!(outputs.ncols(), labels.len(), "the squared error needs one label per sample");
    let mut difference = outputs.clone();
    for (mut column, &label) in difference.column_iter_mut().zip(labels) {
        column[label] -= 1.0;
    }
    let values = outputs.len() as f64;
    (difference.norm_squared() / values, difference * (2.0 / values))
}

/// Loss of the outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Cross-entropy of the softmax of the outputs.
    #[default]
    CrossEntropy,
    /// Mean squared difference from 1 for the class of the label and 0 for the others. The outputs are no softmax.
    Mse,
}

/// The loss of a training, with a weight for each class.
///
/// `L = Σ_s w_{y_s} ℓ_s / Σ_s w_{y_s}` with the loss ℓ_s of one sample, as PyTorch's `CrossEntropyLoss(weight)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loss {
    /// The loss of one sample.
    pub kind: LossKind,
    /// Weight of each class; empty for equal weights.
    pub class_weights: Vec<f64>,
    /// Outputs of the tasks that are learnt; empty for one task with all outputs. A sample is of the task whose outputs hold its
    /// label, and only these are compared.
    pub tasks: Vec<Range<usize>>,
}

impl Loss {
    /// Weights in inverse proportion to the numbers of samples: n/(k·n_c), whose mean over the n samples is 1. A class without
    /// samples has the weight 1, which no sample uses.
    #[must_use]
    pub fn balanced(kind: LossKind, labels: &[usize], classes: usize) -> Self {
        let mut counts = vec![0_usize; classes];
        labels.iter().for_each(|&label| counts[label] += 1);
        let used = counts.iter().filter(|&&count| count > 0).count();
        let weight = |&count: &usize| match count {
            0 => 1.0,
            count => labels.len() as f64 / (used as f64 * count as f64),
        };
        Self { kind, class_weights: counts.iter().map(weight).collect(), tasks: Vec::new() }
    }

    /// Weighted mean of the loss over samples, and its gradient with respect to the logits (classes × samples).
    ///
    /// # Panics
    ///
    /// As [`cross_entropy`].
    #[must_use]
    pub fn mean(&self, logits: &Batch, labels: &[usize]) -> (f64, Batch) {
        let equal = match self.kind {
            LossKind::CrossEntropy => cross_entropy,
            LossKind::Mse => mean_squared_error,
        };
        if self.class_weights.is_empty() && self.tasks.is_empty() {
            return equal(logits, labels);
        }
        let weight = |label: &usize| self.class_weights.get(*label).copied().unwrap_or(1.0);
        let weights: Vec<f64> = labels.iter().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let mut gradient = Batch::zeros(logits.nrows(), logits.ncols());
        let mut loss = 0.0;
        for (sample, (&label, weight)) in labels.iter().zip(&weights).enumerate() {
            let task = self.task_of(label, logits.nrows());
            let own = logits.view((task.start, sample), (task.len(), 1)).into_owned();
            let (of_sample, slope) = equal(&own, &[label - task.start]);
            loss += weight * of_sample;
            gradient.view_mut((task.start, sample), (task.len(), 1)).copy_from(&(slope * (weight / total)));
        }
        (loss / total, gradient)
    }

    /// The outputs that are compared for a sample of a label.
    pub fn task_of(&self, label: usize, outputs: usize) -> Range<usize> {
        self.tasks.iter().find(|task| task.contains(&label)).cloned().unwrap_or(0..outputs)
    }

    /// How many samples have the largest output of their task at their label.
    #[must_use]
    pub fn correct(&self, logits: &Batch, labels: &[usize]) -> usize {
        if self.tasks.is_empty() {
            return predictions(logits).iter().zip(labels).filter(|(a, b)| a == b).count();
        }
        let is_correct = |(sample, label): &(usize, &usize)| {
            let label = **label;
            let task = self.task_of(label, logits.nrows());
            let own = logits.view((task.start, *sample), (task.len(), 1)).into_owned();
            predictions(&own)[0] == label - task.start
        };
        labels.iter().enumerate().filter(is_correct).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_classes() {
        let (loss, gradient) = cross_entropy(&Batch::from_element(4, 2, 1e6), &[0, 3]);
        assert!((loss - 4.0_f64.ln()).abs() < 1e-12);
        assert!((gradient[(0, 0)] + 0.75 / 2.0).abs() < 1e-15 && (gradient[(1, 0)] - 0.25 / 2.0).abs() < 1e-15);
    }

    #[test]
    fn far_logits_stay_finite() {
        let (loss, _) = cross_entropy(&Batch::from_column_slice(2, 1, &[-1e4, 1e4]), &[0]);
        assert!((loss - 2e4).abs() < 1e-9);
    }

    #[test]
    fn gradient_is_that_of_finite_differences() {
        // Central differences with step 1e-6 of a loss near 1: error about 1e-10; tolerance 1e-8.
        let logits = Batch::from_fn(5, 3, |r, c| ((r * 7 + c * 3) % 5) as f64 / 2.0 - 1.0);
        let labels = [4, 0, 2];
        for loss in [cross_entropy, mean_squared_error] {
            let (_, gradient) = loss(&logits, &labels);
            for at in 0..logits.len() {
                let loss_at = |step: f64| {
                    let mut z = logits.clone();
                    z[at] += step;
                    loss(&z, &labels).0
                };
                assert!(((loss_at(1e-6) - loss_at(-1e-6)) / 2e-6 - gradient[at]).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn balanced_weights_are_those_of_scikit_learn() {
        // compute_class_weight("balanced"): n/(k·n_c) with n = 6, k = 2 classes that occur, n_c = 4 and 2.
        let loss = Loss::balanced(LossKind::CrossEntropy, &[0, 0, 2, 0, 2, 0], 3);
        assert_eq!(loss.class_weights, [0.75, 1.0, 1.5]);
    }

    /// A sample of weight 2 counts as two equal samples, in the loss and in the gradient.
    #[test]
    fn a_weight_of_two_is_a_sample_twice() {
        let loss = Loss { class_weights: vec![2.0, 1.0], ..Loss::default() };
        let once = Batch::from_column_slice(2, 2, &[0.3, -1.0, 0.7, 0.1]);
        let twice = Batch::from_column_slice(2, 3, &[0.3, -1.0, 0.3, -1.0, 0.7, 0.1]);
        let (weighted, slope) = loss.mean(&once, &[0, 1]);
        let (expected, all) = cross_entropy(&twice, &[0, 0, 1]);
        assert!((weighted - expected).abs() < 1e-15);
        assert!((slope.column(0) - (all.column(0) + all.column(1))).amax() < 1e-15);
        assert!((slope.column(1) - all.column(2)).amax() < 1e-15);
    }

    /// Outputs of another task neither cost nor count, whatever their values.
    #[test]
    fn only_the_outputs_of_the_task_of_a_sample_are_compared() {
        let loss = Loss { tasks: vec![0..2, 2..4], ..Loss::default() };
        let logits = Batch::from_column_slice(4, 2, &[0.3, -1.0, 9.0, 8.0, 7.0, 7.5, 0.2, 0.1]);
        let (value, slope) = loss.mean(&logits, &[0, 3]);
        let first = cross_entropy(&Batch::from_column_slice(2, 1, &[0.3, -1.0]), &[0]);
        let second = cross_entropy(&Batch::from_column_slice(2, 1, &[0.2, 0.1]), &[1]);
        assert!((value - 0.5 * (first.0 + second.0)).abs() < 1e-15);
        assert!((slope.rows(0, 2).column(0) - first.1.column(0) * 0.5).amax() < 1e-15);
        assert!((slope.rows(2, 2).column(1) - second.1.column(0) * 0.5).amax() < 1e-15);
        assert!(slope.rows(2, 2).column(0).amax() < 1e-300 && slope.rows(0, 2).column(1).amax() < 1e-300);
        assert_eq!((loss.correct(&logits, &[0, 3]), loss.correct(&logits, &[0, 2])), (1, 2));
    }

    #[test]
    fn the_squared_error_counts_all_outputs() {
        let (loss, _) = mean_squared_error(&Batch::from_column_slice(2, 2, &[1.0, 0.0, 0.5, 0.0]), &[0, 1]);
        assert!((loss - 1.25 / 4.0).abs() < 1e-15);
    }
}
