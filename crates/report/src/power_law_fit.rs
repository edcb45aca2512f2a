//! The exponent of a power law, fitted to times over sizes.

/// The exponent p of `t ∝ Nᵖ`, by least squares of ln t on ln N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLawFit {
    /// p, without unit.
    pub exponent: f64,
    /// Standard error of p from the scatter about the fit. It is meaningless if the points follow no power law.
    pub standard_error: f64,
}

impl PowerLawFit {
    /// Fits points (N, t), t in any unit of time. `None` for fewer than three points, points at one size, or a value
    /// that is not positive.
    ///
    /// ```
    /// use phaseloom_report::PowerLawFit;
    /// let cubes = [(2.0, 8.0), (4.0, 64.0), (8.0, 512.0)];
    /// let fit = PowerLawFit::new(&cubes).unwrap();
    /// assert!((fit.exponent - 3.0).abs() < 1e-12 && fit.standard_error < 1e-7);
    /// assert!(PowerLawFit::new(&cubes[..2]).is_none());
    /// ```
    #[must_use]
    pub fn new(points: &[(f64, f64)]) -> Option<Self> {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        if points.len() < 3 || !points.iter().all(|&(n, t)| positive(n) && positive(t)) {
            return None;
        }
        let count = points.len() as f64;
        let logs: Vec<(f64, f64)> = points.iter().map(|(n, t)| (n.ln(), t.ln())).collect();
        let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
        let xx: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let xy: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        if xx < 1e-12 {
            return None;
        }
        let exponent = xy / xx;
        let residual: f64 = logs.iter().map(|(x, y)| (y - mean_y - exponent * (x - mean_x)).powi(2)).sum();
        Some(Self { exponent, standard_error: (residual / (count - 2.0) / xx).sqrt() })
    }
}

impl std::fmt::Display for PowerLawFit {
    /// `2.97 ± 0.02`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.exponent, self.standard_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Residuals ±d of four points at equal steps h of ln N: slope and standard error computed by hand.
    #[test]
    fn the_standard_error_is_that_of_a_regression() {
        let (h, d) = (2_f64.ln(), 0.1_f64);
        // Signs + − − + sum to 0 and are orthogonal to x, so they do not change the slope.
        let points: Vec<(f64, f64)> = [d, -d, -d, d]
            .iter()
            .enumerate()
            .map(|(i, r)| ((h * i as f64).exp(), (2.0 * h * i as f64 + r).exp()))
            .collect();
        let fit = PowerLawFit::new(&points).unwrap();
        let expected = (4.0 * d * d / 2.0 / (5.0 * h * h)).sqrt();
        assert!((fit.exponent - 2.0).abs() < 1e-12);
        assert!((fit.standard_error - expected).abs() < 1e-12);
        assert_eq!(fit.to_string(), format!("2.00 ± {expected:.2}"));
    }

    #[test]
    fn points_without_a_slope_have_no_fit() {
        assert!(PowerLawFit::new(&[(4.0, 1.0), (4.0, 2.0), (4.0, 3.0)]).is_none());
        assert!(PowerLawFit::new(&[(1.0, 1.0), (2.0, 0.0), (4.0, 3.0)]).is_none());
        assert!(PowerLawFit::new(&[(1.0, 1.0), (2.0, f64::NAN), (4.0, 3.0)]).is_none());
    }
}
