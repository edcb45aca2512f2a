//! Counts of true and predicted classes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of samples by true and predicted class. Pairs without a sample take no room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(usize, usize, u64)>", into = "Vec<(usize, usize, u64)>")]
pub struct Confusion {
    counts: BTreeMap<(usize, usize), u64>,
}

impl Confusion {
    /// Adds a sample.
    pub(crate) fn add(&mut self, label: usize, predicted: usize) {
        *self.counts.entry((label, predicted)).or_default() += 1;
    }

    /// The true class, the predicted class and the number of samples of each pair that occurs, in this order.
    pub fn counts(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        self.counts.iter().map(|(&(label, predicted), &count)| (label, predicted, count))
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Number of samples.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().fold(0, |sum, &count| sum.saturating_add(count))
    }
}

impl From<Vec<(usize, usize, u64)>> for Confusion {
    fn from(counts: Vec<(usize, usize, u64)>) -> Self {
        Self { counts: counts.into_iter().map(|(label, predicted, count)| ((label, predicted), count)).collect() }
    }
}

impl From<Confusion> for Vec<(usize, usize, u64)> {
    fn from(confusion: Confusion) -> Self {
        confusion.counts().collect()
    }
}
