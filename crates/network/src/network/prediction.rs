//! Predicted classes and accuracy.

use crate::data::Batch;

/// Class of each sample: the index of its maximum output, or the first of equal maxima.
///
/// A NaN is never the maximum. A sample without outputs, or with outputs that are all NaN, has class 0.
#[must_use]
pub fn predictions(outputs: &Batch) -> Vec<usize> {
    let index_of_max = |column: &[f64]| {
        let mut best: Option<usize> = None;
        for (class, &value) in column.iter().enumerate() {
            if !value.is_nan() && best.is_none_or(|b| value > column[b]) {
                best = Some(class);
            }
        }
        best.unwrap_or(0)
    };
    outputs.column_iter().map(|column| index_of_max(column.as_slice())).collect()
}

/// Class of each sample of a network of one output: 1 if the output is above the threshold, otherwise 0.
#[must_use]
pub fn binary_predictions(outputs: &Batch, threshold: f64) -> Vec<usize> {
    outputs.column_iter().map(|column| usize::from(column.iter().any(|&value| value > threshold))).collect()
}

/// Share of samples whose predicted class is their label, 0…1. NaN without samples.
///
/// # Panics
///
/// If the numbers of labels and samples differ.
#[must_use]
pub fn accuracy(outputs: &Batch, labels: &[usize]) -> f64 {
    assert_eq!(outputs.ncols(), labels.len(), "accuracy needs one label per sample");
    let correct = predictions(outputs).iter().zip(labels).filter(|(a, b)| a == b).count();
    correct as f64 / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_maxima_wins_and_nan_never() {
        let nan = f64::NAN;
        let outputs = Batch::from_column_slice(3, 4, &[1.0, 5.0, 5.0, nan, -1.0, -2.0, nan, nan, nan, -9.0, -8.0, nan]);
        assert_eq!(predictions(&outputs), [1, 1, 0, 1]);
        assert!((accuracy(&outputs, &[1, 1, 1, 1]) - 0.75).abs() < 1e-15);
    }
}
