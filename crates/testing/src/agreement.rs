//! Agreement of a sampled mean with a law, within standard errors.

/// A mean with its standard error, by Welford's recurrence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Mean {
    /// Adds one value.
    pub fn add(&mut self, x: f64) {
        self.count += 1.0;
        let step = x - self.mean;
        self.mean += step / self.count;
        self.squares += step * (x - self.mean);
    }

    /// The mean of all values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard error of the mean.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.squares / (self.count - 1.0) / self.count).sqrt()
    }
}

impl FromIterator<f64> for Mean {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut mean = Self::default();
        values.into_iter().for_each(|x| mean.add(x));
        mean
    }
}

/// Checks |measured − law| ≤ 3 standard errors + `next_order`·law.
///
/// The standard error may be at most `largest_error`·law. The caller chooses it so that the nearest wrong law fails.
///
/// # Panics
///
/// One of the two bounds is exceeded.
pub fn agree(name: &str, measured: Mean, law: f64, next_order: f64, largest_error: f64) {
    let (mean, error) = (measured.mean(), measured.error());
    assert!(error <= largest_error * law, "{name}: standard error {error:.2e} is too large for a law of {law:.4e}");
    let tolerance = 3.0 * error + next_order * law;
    assert!((mean - law).abs() <= tolerance, "{name}: measured {mean:.6e} ± {error:.1e}, law {law:.6e}");
}
