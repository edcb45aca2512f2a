//! A high quantile of a stream of known length, computed from its highest values alone.
//!
//! Type 7 (the default of R and NumPy): with n values sorted upwards, `h = (n−1) q`, the quantile is
//! `x[⌊h⌋] + (h−⌊h⌋)(x[⌊h⌋+1] − x[⌊h⌋])`. Only the `n − ⌊h⌋` highest values matter. For q = 1 that is one value.

/// Collects a stream of values and computes one quantile.
#[derive(Debug)]
pub(super) struct HighQuantile {
    /// Length of the whole stream.
    total: u64,
    quantile: f64,
    keep: usize,
    kept: Vec<f64>,
    seen: u64,
    finite: bool,
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
        Self { total, quantile, keep, kept: Vec::new(), seen: 0, finite: true }
    }

    /// Adds one value.
    pub(super) fn push(&mut self, value: f64) {
        self.seen += 1;
        self.finite &= value.is_finite();
        if self.keep == 1 {
            match self.kept.first_mut() {
                Some(max) => *max = max.max(value),
                None => self.kept.push(value),
            }
            return;
        }
        self.kept.push(value);
        if self.kept.len() >= self.keep.saturating_mul(2) {
            self.kept.select_nth_unstable_by(self.keep - 1, |a, b| b.total_cmp(a));
            self.kept.truncate(self.keep);
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
        let max = if self.finite { self.kept[0] } else { f64::INFINITY };
        Some(Magnitudes { quantile: low + (h - h.floor()) * (above - low), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_quantile(values: &[f64], q: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let h = q * (sorted.len() - 1) as f64;
        let low = h.floor() as usize;
        let above = sorted[(low + 1).min(sorted.len() - 1)];
        sorted[low] + (h - h.floor()) * (above - sorted[low])
    }

    #[test]
    fn equals_the_quantile_of_the_sorted_values() {
        for n in [1, 2, 3, 10, 101, 1000] {
            let values: Vec<f64> = (0..n).map(|i| (f64::from(i) * 12.9898).sin().abs()).collect();
            for q in [0.0, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
                let mut quantile = HighQuantile::new(n as u64, q);
                values.iter().for_each(|&v| quantile.push(v));
                let difference = quantile.finish().unwrap().quantile - sorted_quantile(&values, q);
                assert!(difference.abs() < 1e-15, "n {n}, q {q}");
            }
        }
    }

    #[test]
    fn numpys_example() {
        // numpy.quantile([1, 2, 3, 4], 0.9) = 3.7
        let mut quantile = HighQuantile::new(4, 0.9);
        [3.0, 1.0, 4.0, 2.0].into_iter().for_each(|v| quantile.push(v));
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
                    (0..4).for_each(|i| quantile.push(if i == at { bad } else { 1.0 }));
                    assert!(quantile.finish().unwrap().max.is_infinite(), "{bad} at {at}, q {q}");
                }
            }
        }
    }
}
