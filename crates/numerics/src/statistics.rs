//! Means with standard errors, quantiles, straight lines and the Kolmogorov–Smirnov test.
//!
//! A NaN among the values makes every result NaN, or [`None`].

/// Mean; NaN for an empty slice.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Unbiased variance, `Σ(x − x̄)²/(n − 1)`; 0 for fewer than two values.
#[must_use]
pub fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (values.len() - 1) as f64
}

/// Standard error of the mean, `√(variance/n)`; NaN for an empty slice.
#[must_use]
pub fn standard_error(values: &[f64]) -> f64 {
    (variance(values) / values.len() as f64).sqrt()
}

/// Quantile of type 7 (linear between order statistics, as in R and NumPy); NaN for an empty slice. A p outside 0…1
/// counts as the nearest limit.
///
/// ```
/// assert_eq!(phaseloom_numerics::statistics::quantile(&[3.0, 1.0, 2.0, 4.0], 0.5), 2.5);
/// ```
#[must_use]
pub fn quantile(values: &[f64], p: f64) -> f64 {
    if values.is_empty() || has_nan(values) {
        return f64::NAN;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = p.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    sorted[low] + (position - position.floor()) * (sorted[high] - sorted[low])
}

/// Median; the mean of the two middle values if their number is even, NaN for no values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        _ if has_nan(&values) => f64::NAN,
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

fn has_nan(values: &[f64]) -> bool {
    values.iter().any(|x| x.is_nan())
}

/// A value estimated from random draws, with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Standard error; 0 for a value that is not random.
    pub error: f64,
    /// Number of draws.
    pub draws: u64,
}

impl Estimate {
    /// A value that is not random.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { value, error: 0.0, draws: 1 }
    }

    /// f(value), with the error to first order, |f′|·error; `slope` is f′.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64, slope: f64) -> Self {
        Self { value: f(self.value), error: slope.abs() * self.error, draws: self.draws }
    }

    /// Root of a mean square; 0, without an error, for a value that is not positive.
    #[must_use]
    pub fn sqrt(self) -> Self {
        if self.value <= 0.0 {
            return Self { value: 0.0, error: 0.0, draws: self.draws };
        }
        let root = self.value.sqrt();
        Self { value: root, error: self.error / (2.0 * root), draws: self.draws }
    }

    /// A ratio of powers in dB; NaN for a negative one.
    #[must_use]
    pub fn decibel(self) -> Self {
        let slope = 10.0 / std::f64::consts::LN_10 / self.value;
        self.map(|x| 10.0 * x.log10(), slope)
    }
}

/// Mean and variance by Welford's recurrence, in the order of the values.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunningMean {
    count: u64,
    mean: f64,
    /// Σ(x − x̄)².
    squares: f64,
}

impl RunningMean {
    /// Adds a value.
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        let step = x - self.mean;
        self.mean += step / self.count as f64;
        self.squares += step * (x - self.mean);
    }

    /// The mean; 0 for no values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Unbiased variance; NaN for one value, 0 for none.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.squares / (self.count as f64 - 1.0)
    }

    /// Standard error of the mean; 0 for fewer than two values.
    #[must_use]
    pub fn error(&self) -> f64 {
        if self.count > 1 { (self.variance() / self.count as f64).sqrt() } else { 0.0 }
    }

    /// The mean with its standard error.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        Estimate { value: self.mean, error: self.error(), draws: self.count }
    }

    /// The standard deviation s of the values, with the standard error for normal values, `s/√(2(n − 1))`.
    #[must_use]
    pub fn deviation(&self) -> Estimate {
        let freedom = (self.count as f64 - 1.0).max(1.0);
        let value = (self.squares / freedom).sqrt();
        Estimate { value, error: value / (2.0 * freedom).sqrt(), draws: self.count }
    }
}

impl FromIterator<f64> for RunningMean {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut mean = Self::default();
        values.into_iter().for_each(|x| mean.add(x));
        mean
    }
}

/// `y = intercept + slope·x`, fitted to n ≥ 3 points by least squares.
#[derive(Clone, Debug, PartialEq)]
pub struct LineFit {
    /// Value at x = 0.
    pub intercept: f64,
    /// Slope.
    pub slope: f64,
    /// Distance of each point from the line, in the order of the points.
    pub residuals: Vec<f64>,
    mean_x: f64,
    /// Σ(x − x̄)².
    spread_x: f64,
}

impl LineFit {
    /// Fits a line; `None` for fewer than three points, for numbers that are not finite, or if all x are equal.
    ///
    /// # Panics
    ///
    /// If `x` and `y` differ in length.
    #[must_use]
    pub fn new(x: &[f64], y: &[f64]) -> Option<Self> {
        assert_eq!(x.len(), y.len(), "coordinates of the points");
        let (mean_x, mean_y) = (mean(x), mean(y));
        let spread_x: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
        if x.len() < 3 || spread_x <= 0.0 || !spread_x.is_finite() {
            return None;
        }
        let slope = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread_x;
        if !slope.is_finite() {
            return None;
        }
        let intercept = mean_y - slope * mean_x;
        let residuals = x.iter().zip(y).map(|(x, y)| y - intercept - slope * x).collect();
        Some(Self { intercept, slope, residuals, mean_x, spread_x })
    }

    /// Value of the line at x.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }

    /// Degrees of freedom, n − 2.
    #[must_use]
    pub fn freedom(&self) -> f64 {
        self.residuals.len() as f64 - 2.0
    }

    /// Sum of the squared residuals.
    #[must_use]
    pub fn squares(&self) -> f64 {
        self.residuals.iter().map(|r| r * r).sum()
    }

    /// Standard deviation s of the points from the line, `s² = Σr²/(n − 2)`.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        (self.squares() / self.freedom()).sqrt()
    }

    /// Standard error of that deviation for normal residuals, `s/√(2(n − 2))`.
    #[must_use]
    pub fn deviation_error(&self) -> f64 {
        self.deviation() / (2.0 * self.freedom()).sqrt()
    }

    /// Maximum distance of a point from the line.
    #[must_use]
    pub fn largest_residual(&self) -> f64 {
        self.residuals.iter().fold(0.0, |largest, r| largest.max(r.abs()))
    }

    /// Standard error of the slope, `s/√Σ(x − x̄)²`.
    #[must_use]
    pub fn slope_error(&self) -> f64 {
        self.deviation() / self.spread_x.sqrt()
    }

    /// Standard error of the line at x, `s·√(1/n + (x − x̄)²/Σ(x − x̄)²)`.
    #[must_use]
    pub fn error_at(&self, x: f64) -> f64 {
        let n = self.residuals.len() as f64;
        self.deviation() * (1.0 / n + (x - self.mean_x).powi(2) / self.spread_x).sqrt()
    }
}

/// Slope of y on x, and its standard error, for points (x, y, standard error of y) weighted by their errors. The slope is
/// NaN if all x are equal or an error is zero.
#[must_use]
pub fn weighted_slope(points: &[(f64, f64, f64)]) -> (f64, f64) {
    let weight = |error: f64| 1.0 / (error * error);
    let total: f64 = points.iter().map(|p| weight(p.2)).sum();
    let mean = points.iter().map(|p| weight(p.2) * p.0).sum::<f64>() / total;
    let spread: f64 = points.iter().map(|p| weight(p.2) * (p.0 - mean).powi(2)).sum();
    let slope = points.iter().map(|p| weight(p.2) * (p.0 - mean) * p.1).sum::<f64>() / spread;
    (slope, 1.0 / spread.sqrt())
}

/// p-value of the Kolmogorov–Smirnov test of values against the uniform distribution on 0…1.
///
/// The asymptotic series, with the correction for finite samples of Stephens, J. R. Stat. Soc. B 32, 115 (1970). NaN for
/// no values; values outside 0…1 count as far from uniform.
#[must_use]
pub fn kolmogorov_smirnov(mut u: Vec<f64>) -> f64 {
    if u.is_empty() || has_nan(&u) {
        return f64::NAN;
    }
    u.sort_by(f64::total_cmp);
    let n = u.len() as f64;
    let distance = u
        .iter()
        .enumerate()
        .map(|(i, &x)| (x - i as f64 / n).abs().max(((i + 1) as f64 / n - x).abs()))
        .fold(0.0, f64::max);
    let lambda = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    // Below this the series converges slowly, and its sum is 1 to ten digits.
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |j: i32| 2.0 * (-1f64).powi(j - 1) * (-2.0 * f64::from(j * j) * lambda * lambda).exp();
    (1..100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_has_the_error_of_its_scatter() {
        let mean: RunningMean = [1.0, 2.0, 3.0, 4.0].into_iter().collect();
        let estimate = mean.estimate();
        assert!((estimate.value - 2.5).abs() < 1e-15 && estimate.draws == 4);
        assert!((estimate.error - (5.0 / 3.0 / 4.0_f64).sqrt()).abs() < 1e-15);
        assert!((mean.deviation().value - (5.0 / 3.0_f64).sqrt()).abs() < 1e-15);
        assert!(RunningMean::default().estimate().error < 1e-300);
    }

    #[test]
    fn errors_follow_the_slope() {
        let square = Estimate { value: 4.0, error: 0.4, draws: 9 };
        assert_eq!(square.sqrt(), Estimate { value: 2.0, error: 0.1, draws: 9 });
        let db = Estimate { value: 10.0, error: 0.1, draws: 9 }.decibel();
        assert!((db.value - 10.0).abs() < 1e-12 && (db.error - 0.043_429).abs() < 1e-6);
    }

    #[test]
    fn the_slope_of_a_line_is_found_and_weights_count() {
        let points = [(0.0, 1.0, 0.1), (1.0, 3.0, 0.1), (2.0, 5.0, 0.1)];
        let (fitted, error) = weighted_slope(&points);
        assert!((fitted - 2.0).abs() < 1e-12 && (error - 0.1 / 2f64.sqrt()).abs() < 1e-12);
        let (fitted, _) = weighted_slope(&[(0.0, 0.0, 1e-6), (1.0, 1.0, 1e-6), (2.0, 9.0, 1e6)]);
        assert!((fitted - 1.0).abs() < 1e-6, "a point without weight does not count");
    }

    #[test]
    fn medians() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-15);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-15);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn no_statistic_leaves_out_a_nan() {
        let values = vec![0.25, f64::NAN, 0.5];
        let running: RunningMean = values.iter().copied().collect();
        let estimate = running.estimate();
        for result in [
            mean(&values),
            variance(&values),
            standard_error(&values),
            quantile(&values, 0.5),
            quantile(&values[..1], f64::NAN),
            median(values.clone()),
            kolmogorov_smirnov(values.clone()),
            kolmogorov_smirnov(Vec::new()),
            running.deviation().value,
            estimate.sqrt().value,
            estimate.sqrt().error,
            estimate.decibel().value,
            weighted_slope(&[(0.0, 0.0, 1.0), (1.0, f64::NAN, 1.0)]).0,
        ] {
            assert!(result.is_nan(), "{result}");
        }
        assert_eq!(LineFit::new(&[0.0, 1.0, 2.0], &values), None);
        assert_eq!(LineFit::new(&values, &[0.0, 1.0, 2.0]), None);
    }

    #[test]
    fn the_uniformity_test_accepts_a_grid_and_rejects_squares() {
        let grid: Vec<f64> = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
        assert!(kolmogorov_smirnov(grid.clone()) > 0.999);
        assert!(kolmogorov_smirnov(grid.iter().map(|x| x * x).collect()) < 1e-9);
        // λ = 1.36 is the point of 5 %: a grid of 10 000 shifted by 0.0136 has a distance of 0.0136 + 0.00005.
        let shifted = (0..10_000).map(|i| (f64::from(i) + 0.5) / 10_000.0 + 0.0136).collect();
        assert!((kolmogorov_smirnov(shifted) - 0.05).abs() < 0.003);
    }
}
