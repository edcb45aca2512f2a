//! The inputs of all samples, from which a network takes one batch after another.

use std::ops::Range;

use phaseloom_files::Reals;

use super::Batch;

/// Inputs of all samples in the narrowest type that holds them exactly: bytes, or floats of 32 or 64 bits.
///
/// The 60 000 images of MNIST are 47 MB as bytes, and would be 376 MB as doubles.
#[derive(Clone, Debug)]
pub struct Inputs {
    features: usize,
    /// Sample after sample.
    values: Reals,
}

impl Inputs {
    /// Samples of a number of features, one after another.
    pub(super) fn new(features: usize, values: Reals) -> Self {
        Self { features, values }
    }

    /// Number of features of a sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.values.len().checked_div(self.features).unwrap_or(0)
    }

    /// The inputs of a range of samples: features × samples.
    ///
    /// # Panics
    ///
    /// If there are not as many samples.
    #[must_use]
    pub fn batch(&self, samples: Range<usize>) -> Batch {
        self.collect(samples.len(), std::iter::once(samples))
    }

    /// The inputs of some samples in their order: features × samples.
    ///
    /// # Panics
    ///
    /// If there are not as many samples.
    #[must_use]
    pub fn select(&self, samples: &[usize]) -> Batch {
        self.collect(samples.len(), samples.iter().map(|&sample| sample..sample + 1))
    }

    /// All inputs: features × samples.
    #[must_use]
    pub fn to_batch(&self) -> Batch {
        self.batch(0..self.samples())
    }

    /// The inputs of `size` samples after another, with the index of the first.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = (usize, Batch)> + '_ {
        let count = self.samples();
        (0..count).step_by(size).map(move |first| (first, self.batch(first..count.min(first + size))))
    }

    /// The same inputs for some of the samples.
    pub(crate) fn keep(&self, samples: &[usize]) -> Self {
        let ranges = samples.iter().map(|&sample| self.places(&(sample..sample + 1)));
        Self { features: self.features, values: self.values.select(ranges) }
    }

    fn places(&self, samples: &Range<usize>) -> Range<usize> {
        samples.start * self.features..samples.end * self.features
    }

    fn collect(&self, count: usize, ranges: impl Iterator<Item = Range<usize>>) -> Batch {
        let mut values = Vec::with_capacity(count * self.features);
        ranges.for_each(|samples| self.values.append_to(&mut values, self.places(&samples)));
        Batch::from_vec(self.features, count, values)
    }
}

impl From<Batch> for Inputs {
    fn from(batch: Batch) -> Self {
        Self { features: batch.nrows(), values: batch.iter().copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_columns_of_all_inputs() {
        for scale in [1.0, 0.1] {
            let all = Batch::from_fn(3, 5, |feature, sample| scale * (3 * sample + feature) as f64);
            let inputs = Inputs::from(all.clone());
            assert_eq!((inputs.features(), inputs.samples()), (3, 5));
            assert_eq!(inputs.to_batch(), all);
            assert_eq!(inputs.batch(1..4), all.columns(1, 3));
            assert_eq!(inputs.select(&[4, 0]), all.select_columns(&[4, 0]));
            assert_eq!(inputs.keep(&[2, 2, 1]).to_batch(), all.select_columns(&[2, 2, 1]));
            let batches: Vec<(usize, Batch)> = inputs.batches(2).collect();
            let expected =
                [(0, 2), (2, 2), (4, 1)].map(|(first, count)| (first, all.columns(first, count).into_owned()));
            assert_eq!(batches, expected);
        }
    }
}
