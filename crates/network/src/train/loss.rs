//! Cross-entropy of the softmax of logits z (classes × samples) with labels y.
//!
//! `L = (1/n) Σ_s (log Σ_j exp(z_js) − z_{y_s s})`, with the gradient `(softmax(z_s) − e_{y_s}) / n`. The maximum of
//! the logits is subtracted first, so that no exponential overflows.

use crate::data::Batch;

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
    fn the_squared_error_counts_all_outputs() {
        let (loss, _) = mean_squared_error(&Batch::from_column_slice(2, 2, &[1.0, 0.0, 0.5, 0.0]), &[0, 1]);
        assert!((loss - 1.25 / 4.0).abs() < 1e-15);
    }
}
