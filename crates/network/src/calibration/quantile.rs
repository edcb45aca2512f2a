//! A high quantile of a stream of known length, from its largest values alone.
//!
//! Type 7 (the default of R and NumPy): with n values sorted upwards, `h = (n−1) q`, the quantile is
//! `x[⌊h⌋] + (h−⌊h⌋)(x[⌊h⌋+1] − x[⌊h⌋])`. Only the `n − ⌊h⌋` largest values matter; for q = 1 that is one.

/// Collects a stream and returns one of its quantiles.
#[derive(Debug)]
pub(super) struct HighQuantile {
    /// Values still to come count here too.
    total: u64,
    quantile: f64,
    keep: usize,
    kept: Vec<f64>,
    seen: u64,
    finite: bool,
}

/// What a stream of magnitudes was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Magnitudes {
    /// The quantile that was asked for.
    pub quantile: f64,
    /// The largest; infinite where a value was no finite number.
    pub largest: f64,
}

impl HighQuantile {
    /// For a stream of `total` values; `quantile` in 0…1.
    pub(super) fn new(total: u64, quantile: f64) -> Self {
        let below = (quantile * total.saturating_sub(1) as f64).floor() as u64;
        let keep = usize::try_from(total.saturating_sub(below)).unwrap_or(usize::MAX).max(1);
        Self { total, quantile, keep, kept: Vec::new(), seen: 0, finite: true }
    }

    /// Takes one value.
    pub(super) fn push(&mut self, value: f64) {
        self.seen += 1;
        self.finite &= value.is_finite();
        if self.keep == 1 {
            match self.kept.first_mut() {
                Some(largest) => *largest = largest.max(value),
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

    /// The quantile of what was pushed and the largest of it; `None` for nothing.
    ///
    /// # Panics
    ///
    /// If another number of values was pushed than announced.
    pub(super) fn finish(mut self) -> Option<Magnitudes> {
        assert_eq!(self.seen, self.total, "the stream has another length than announced");
        self.kept.sort_unstable_by(|a, b| b.total_cmp(a));
        self.kept.truncate(self.keep);
        let low = *self.kept.last()?;
        let above = self.kept.len().checked_sub(2).map_or(low, |i| self.kept[i]);
        let h = self.quantile * (self.total - 1) as f64;
        let largest = if self.finite { self.kept[0] } else { f64::INFINITY };
        Some(Magnitudes { quantile: low + (h - h.floor()) * (above - low), largest })
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
        let Magnitudes { quantile, largest } = quantile.finish().unwrap();
        assert!((quantile - 3.7).abs() < 1e-15 && (largest - 4.0).abs() < 1e-15);
        assert!(HighQuantile::new(0, 1.0).finish().is_none());
    }

    #[test]
    fn overflow_is_the_largest_wherever_it_stands() {
        for q in [0.5, 1.0] {
            for bad in [f64::NAN, f64::INFINITY] {
                for at in 0..4 {
                    let mut quantile = HighQuantile::new(4, q);
                    (0..4).for_each(|i| quantile.push(if i == at { bad } else { 1.0 }));
                    assert!(quantile.finish().unwrap().largest.is_infinite(), "{bad} at {at}, q {q}");
                }
            }
        }
    }
}
