//! A high quantile of a stream of known length, computed from its highest values alone.
//!
//! Type 7 (the default of R and NumPy): with n values sorted upwards, `h = (n−1) q`, the quantile is
//! `x[⌊h⌋] + (h−⌊h⌋)(x[⌊h⌋+1] − x[⌊h⌋])`. Only the `n − ⌊h⌋` highest values matter. For q = 1 that is one value.

use phaseloom_numerics::simd::vectorised;

/// Collects a stream of values and computes one quantile.
#[derive(Debug)]
pub(super) struct HighQuantile {
    /// Length of the whole stream.
    total: u64,
    quantile: f64,
    keep: usize,
    kept: Vec<f64>,
    seen: u64,
    floor: Magnitude,
}

/// The bits of |x| as an integer: in the order of |x|, above all numbers for an infinity and above that for a NaN.
pub(super) type Magnitude = i64;

#[inline(always)]
fn magnitude(x: f64) -> Magnitude {
    x.abs().to_bits() as Magnitude
}

/// Whether the magnitude of some value is above its floor. Most batches have none once the highest values are known.
pub(super) fn any_above(values: &[f64], floors: &[Magnitude]) -> bool {
    vectorised(
        #[inline(always)]
        || values.iter().zip(floors).fold(false, |any, (&x, &floor)| any | (magnitude(x) > floor)),
    )
}

/// Quantile and maximum of a stream of magnitudes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Magnitudes {
    /// The requested quantile.
    pub quantile: f64,
    /// The maximum, or infinity if a value was NaN or infinite.
    pub max: f64,
}

impl HighQuantile {
    /// An empty collection for `total` values and a `quantile` in 0…1.
    pub(super) fn new(total: u64, quantile: f64) -> Self {
        let below = (quantile * total.saturating_sub(1) as f64).floor() as u64;
        let keep = usize::try_from(total.saturating_sub(below)).unwrap_or(usize::MAX).max(1);
        Self { total, quantile, keep, kept: Vec::new(), seen: 0, floor: Magnitude::MIN }
    }

    /// Values of at most this magnitude do not change the quantile.
    pub(super) fn floor(&self) -> Magnitude {
        self.floor
    }

    /// Counts values without changing the quantile: none is above the floor, or [`Self::offer`] gets those that are.
    pub(super) fn count(&mut self, values: usize) {
        self.seen += values as u64;
    }

    /// Keeps |x| if it is above the floor, without counting it.
    pub(super) fn offer(&mut self, x: f64) {
        if magnitude(x) <= self.floor {
            return;
        }
        self.kept.push(x.abs());
        if self.kept.len() >= self.keep.saturating_mul(2) {
            self.kept.select_nth_unstable_by(self.keep - 1, |a, b| b.total_cmp(a));
            self.kept.truncate(self.keep);
            self.floor = magnitude(self.kept[self.keep - 1]);
        }
    }

    /// Adds the magnitudes of some values.
    pub(super) fn extend(&mut self, values: &[f64]) {
        self.count(values.len());
        for values in values.chunks(64) {
            if any_above(values, &[self.floor; 64]) {
                values.iter().for_each(|&x| self.offer(x));
            }
        }
    }

    /// Quantile and maximum of the stream, or `None` for an empty stream.
    ///
    /// # Panics
    ///
    /// If the number of values differs from `total`.
    pub(super) fn finish(mut self) -> Option<Magnitudes> {
        assert_eq!(self.seen, self.total, "the stream needs its announced length");
        self.kept.sort_unstable_by(|a, b| b.total_cmp(a));
        self.kept.truncate(self.keep);
        let low = *self.kept.last()?;
        let above = self.kept.len().checked_sub(2).map_or(low, |i| self.kept[i]);
        let h = self.quantile * (self.total - 1) as f64;
        let max = if self.kept[0].is_finite() { self.kept[0] } else { f64::INFINITY };
        Some(Magnitudes { quantile: low + (h - h.floor()) * (above - low), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_numerics::statistics::quantile as sorted_quantile;

    #[test]
    fn equals_the_quantile_of_the_sorted_values() {
        for n in [1, 2, 3, 10, 101, 1000] {
            let values: Vec<f64> = (0..n).map(|i| (f64::from(i) * 12.9898).sin().abs()).collect();
            for q in [0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
                let mut quantile = HighQuantile::new(n as u64, q);
                quantile.extend(&values);
                let difference = quantile.finish().unwrap().quantile - sorted_quantile(&values, q);
                assert!(difference.abs() < 1e-15, "n {n}, q {q}");
            }
        }
    }

    #[test]
    fn numpys_example() {
        // numpy.quantile([1, 2, 3, 4], 0.9) = 3.7
        let mut quantile = HighQuantile::new(4, 0.9);
        quantile.extend(&[3.0, -1.0, -4.0, 2.0]);
        let Magnitudes { quantile, max } = quantile.finish().unwrap();
        assert!((quantile - 3.7).abs() < 1e-15 && (max - 4.0).abs() < 1e-15);
        assert!(HighQuantile::new(0, 1.0).finish().is_none());
    }

    #[test]
    fn overflow_is_the_maximum_at_every_position() {
        for q in [0.5, 1.0] {
            for bad in [f64::NAN, f64::INFINITY] {
                for at in 0..4 {
                    let mut quantile = HighQuantile::new(4, q);
                    (0..4).for_each(|i| quantile.extend(&[if i == at { bad } else { 1.0 }]));
                    assert!(quantile.finish().unwrap().max.is_infinite(), "{bad} at {at}, q {q}");
                }
            }
        }
    }
}
