//! Intervals of ratios, with all assumptions sampled together.

use crate::error::CostError;
use crate::library::{Library, Values};
use phaseloom_numerics::statistics::quantile;

/// Quantiles of a ratio over samples of the library.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Quantile of 5 %.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Quantile of 95 %.
    pub high: f64,
    /// Share of the samples in which the ratio exceeds 1.
    pub above_one: f64,
}

impl Interval {
    /// The interval of samples of a ratio.
    #[must_use]
    pub fn new(ratios: &[f64]) -> Self {
        let [low, median, high] = [0.05, 0.5, 0.95].map(|p| quantile(ratios, p));
        let above = ratios.iter().filter(|ratio| **ratio > 1.0).count();
        Self { low, median, high, above_one: above as f64 / ratios.len() as f64 }
    }
}

/// Intervals of some ratios under the same samples of the library: sample by sample, all entries with a range change
/// together. A sample in which no laser suffices has the ratio 0 ([`ratio`]).
///
/// # Errors
///
/// Those of the function.
///
/// # Panics
///
/// If the number of ratios differs between two samples.
pub fn intervals(
    library: &Library,
    seed: u64,
    draws: u64,
    ratios: impl Fn(&Values) -> Result<Vec<f64>, CostError>,
) -> Result<Vec<Interval>, CostError> {
    let mut samples: Vec<Vec<f64>> = Vec::new();
    for draw in 0..draws {
        let drawn = ratios(&library.sample(seed, draw))?;
        samples.resize(drawn.len().max(samples.len()), Vec::new());
        assert_eq!(samples.len(), drawn.len(), "ratios of a sample");
        samples.iter_mut().zip(drawn).for_each(|(all, ratio)| all.push(ratio));
    }
    Ok(samples.iter().map(|ratios| Interval::new(ratios)).collect())
}

/// Energy of electronics over that of light; 0 if no laser suffices.
#[must_use]
pub fn ratio(electronics_j: f64, light_j: Option<f64>) -> f64 {
    light_j.map_or(0.0, |light_j| electronics_j / light_j)
}
