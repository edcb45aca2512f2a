//! A straight line by least squares, with standard errors.

/// `y = intercept + slope·x`, fitted to n ≥ 3 points by least squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
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

impl Line {
    /// Fits a line; `None` for fewer than three points, or if all x are equal.
    pub(crate) fn fit(x: &[f64], y: &[f64]) -> Option<Self> {
        let n = x.len() as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
        let (mean_x, mean_y) = (mean(x), mean(y));
        let spread_x: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
        if x.len() < 3 || spread_x <= 0.0 || !spread_x.is_finite() {
            return None;
        }
        let slope = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread_x;
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

    /// Standard deviation s of the points about the line, `s² = Σr²/(n − 2)`.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        (self.squares() / self.freedom()).sqrt()
    }

    /// Standard error of that deviation for normal residuals, `s/√(2(n − 2))`.
    #[must_use]
    pub fn deviation_error(&self) -> f64 {
        self.deviation() / (2.0 * self.freedom()).sqrt()
    }

    /// Largest distance of a point from the line.
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
