//! How a time grows with a size: the exponent of a power law, fitted.

use phaseloom_numerics::statistics::LineFit;

/// The exponent p of `t ∝ Nᵖ`, by least squares of ln t on ln N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// p, without unit.
    pub exponent: f64,
    /// Standard error of p from the scatter about the line; it says nothing of a curve that is no power law.
    pub standard_error: f64,
}

impl Growth {
    /// Fits (N, t), t in any unit of time; `None` for fewer than three points, points at one size, or a value that is
    /// not positive.
    ///
    /// ```
    /// use phaseloom_report::Growth;
    /// let cubes = [(2.0, 8.0), (4.0, 64.0), (8.0, 512.0)];
    /// let growth = Growth::fit(&cubes).unwrap();
    /// assert!((growth.exponent - 3.0).abs() < 1e-12 && growth.standard_error < 1e-7);
    /// assert!(Growth::fit(&cubes[..2]).is_none());
    /// ```
    #[must_use]
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        if points.len() < 3 || !points.iter().all(|&(n, t)| positive(n) && positive(t)) {
            return None;
        }
        // At a single size the slope would be rounding error.
        if points.iter().all(|(n, _)| (n / points[0].0 - 1.0).abs() < 1e-6) {
            return None;
        }
        let (log_n, log_t): (Vec<f64>, Vec<f64>) = points.iter().map(|(n, t)| (n.ln(), t.ln())).unzip();
        let line = LineFit::new(&log_n, &log_t)?;
        Some(Self { exponent: line.slope, standard_error: line.slope_error() })
    }
}

impl std::fmt::Display for Growth {
    /// `2.97 ± 0.02`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.exponent, self.standard_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Residuals ±d of four points at equal steps h of ln N: slope and standard error by hand.
    #[test]
    fn the_standard_error_is_that_of_a_regression() {
        let (h, d) = (2_f64.ln(), 0.1_f64);
        // Signs + − − + sum to nothing and are at right angles to x: they leave the slope alone.
        let points: Vec<(f64, f64)> = [d, -d, -d, d]
            .iter()
            .enumerate()
            .map(|(i, r)| ((h * i as f64).exp(), (2.0 * h * i as f64 + r).exp()))
            .collect();
        let growth = Growth::fit(&points).unwrap();
        let expected = (4.0 * d * d / 2.0 / (5.0 * h * h)).sqrt();
        assert!((growth.exponent - 2.0).abs() < 1e-12);
        assert!((growth.standard_error - expected).abs() < 1e-12);
        assert_eq!(growth.to_string(), format!("2.00 ± {expected:.2}"));
    }

    #[test]
    fn what_has_no_slope_has_no_growth() {
        assert!(Growth::fit(&[(4.0, 1.0), (4.0, 2.0), (4.0, 3.0)]).is_none());
        assert!(Growth::fit(&[(1.0, 1.0), (2.0, 0.0), (4.0, 3.0)]).is_none());
        assert!(Growth::fit(&[(1.0, 1.0), (2.0, f64::NAN), (4.0, 3.0)]).is_none());
    }
}
