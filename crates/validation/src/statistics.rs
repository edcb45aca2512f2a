//! Means with standard errors, slopes, and the test of Kolmogorov and Smirnov.

/// A number found from draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub value: f64,
    /// Standard error; 0 for what is no draw.
    pub error: f64,
    pub draws: u64,
}

impl Estimate {
    /// A number that is no draw.
    pub fn exact(value: f64) -> Self {
        Self { value, error: 0.0, draws: 1 }
    }

    /// f(value), with the error to first order: |f′|·error.
    pub fn map(self, f: impl Fn(f64) -> f64, slope: f64) -> Self {
        Self { value: f(self.value), error: slope.abs() * self.error, draws: self.draws }
    }

    /// Root of a mean square.
    pub fn root(self) -> Self {
        let root = self.value.max(0.0).sqrt();
        Self { value: root, error: if root > 0.0 { self.error / (2.0 * root) } else { 0.0 }, draws: self.draws }
    }

    /// A ratio of powers in dB.
    pub fn decibel(self) -> Self {
        let slope = 10.0 / std::f64::consts::LN_10 / self.value;
        self.map(|x| 10.0 * x.log10(), slope)
    }
}

/// Mean and variance by Welford's recurrence, in the order of the values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Mean {
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        let step = x - self.mean;
        self.mean += step / self.count as f64;
        self.squares += step * (x - self.mean);
    }

    /// The mean and its standard error.
    pub fn estimate(&self) -> Estimate {
        let n = self.count as f64;
        let error = if self.count > 1 { (self.squares / (n - 1.0) / n).sqrt() } else { 0.0 };
        Estimate { value: self.mean, error, draws: self.count }
    }

    /// The standard deviation between draws; its own standard error is that of normal draws, sd/√(2(n−1)).
    pub fn deviation(&self) -> Estimate {
        let n = (self.count as f64 - 1.0).max(1.0);
        let value = (self.squares / n).sqrt();
        Estimate { value, error: value / (2.0 * n).sqrt(), draws: self.count }
    }
}

impl FromIterator<f64> for Mean {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut mean = Self::default();
        values.into_iter().for_each(|x| mean.add(x));
        mean
    }
}

/// Slope of y on x of points (x, y, standard error of y), each weighted by its error.
pub(crate) fn slope(points: &[(f64, f64, f64)]) -> (f64, f64) {
    let weight = |error: f64| 1.0 / (error * error);
    let total: f64 = points.iter().map(|p| weight(p.2)).sum();
    let middle = points.iter().map(|p| weight(p.2) * p.0).sum::<f64>() / total;
    let spread: f64 = points.iter().map(|p| weight(p.2) * (p.0 - middle).powi(2)).sum();
    let slope = points.iter().map(|p| weight(p.2) * (p.0 - middle) * p.1).sum::<f64>() / spread;
    (slope, 1.0 / spread.sqrt())
}

/// The middle of some numbers, the mean of the two middle ones of an even count; NaN of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// p-value of the test of Kolmogorov and Smirnov against the uniform distribution on 0…1 (asymptotic series, with
/// Stephens' correction for finite samples, recalled).
pub(crate) fn kolmogorov_smirnov(mut u: Vec<f64>) -> f64 {
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
        let mean: Mean = [1.0, 2.0, 3.0, 4.0].into_iter().collect();
        let found = mean.estimate();
        assert!((found.value - 2.5).abs() < 1e-15 && found.draws == 4);
        assert!((found.error - (5.0 / 3.0 / 4.0_f64).sqrt()).abs() < 1e-15);
        assert!((mean.deviation().value - (5.0 / 3.0_f64).sqrt()).abs() < 1e-15);
        assert!(Mean::default().estimate().error < 1e-300);
    }

    #[test]
    fn errors_follow_the_slope() {
        let square = Estimate { value: 4.0, error: 0.4, draws: 9 };
        assert_eq!(square.root(), Estimate { value: 2.0, error: 0.1, draws: 9 });
        let db = Estimate { value: 10.0, error: 0.1, draws: 9 }.decibel();
        assert!((db.value - 10.0).abs() < 1e-12 && (db.error - 0.043_429).abs() < 1e-6);
    }

    #[test]
    fn the_slope_of_a_line_is_found_and_weights_count() {
        let points = [(0.0, 1.0, 0.1), (1.0, 3.0, 0.1), (2.0, 5.0, 0.1)];
        let (found, error) = slope(&points);
        assert!((found - 2.0).abs() < 1e-12 && (error - 0.1 / 2f64.sqrt()).abs() < 1e-12);
        let (found, _) = slope(&[(0.0, 0.0, 1e-6), (1.0, 1.0, 1e-6), (2.0, 9.0, 1e6)]);
        assert!((found - 1.0).abs() < 1e-6, "a point without weight does not count");
    }

    #[test]
    fn medians() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-15);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-15);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn the_test_of_uniformity_accepts_a_grid_and_rejects_a_square() {
        let grid: Vec<f64> = (0..1000).map(|i| (f64::from(i) + 0.5) / 1000.0).collect();
        assert!(kolmogorov_smirnov(grid.clone()) > 0.999);
        assert!(kolmogorov_smirnov(grid.iter().map(|x| x * x).collect()) < 1e-9);
        // λ = 1.36 is the point of 5 %: a grid of 10 000 shifted by 0.0136 has a distance of 0.0136 + 0.00005.
        let shifted = (0..10_000).map(|i| (f64::from(i) + 0.5) / 10_000.0 + 0.0136).collect();
        assert!((kolmogorov_smirnov(shifted) - 0.05).abs() < 0.003);
    }
}
