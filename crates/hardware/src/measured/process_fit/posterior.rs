//! The errors of one chip at given levels of its process: the most probable values, and the evidence for the levels.
//!
//! With errors δ_k = σ_k·u_k, u ~ N(0, I), a bias b of flat prior and noise of standard deviation s, n measurements y have
//!
//! ```text
//! −2 ln p(y, u | σ, s) = |y − f(δ) − b|²/s² + |u|² + n ln 2πs²,
//! −2 ln p(y | σ, s)   ≈ minimum over (u, b) of the line above + ln det H,
//! H = BᵀB/s² + diag(1, …, 1, 0),   B = (J·diag σ, 1),   J = ∂f/∂δ.
//! ```
//!
//! This is Laplace's approximation with the Gauss–Newton Hessian. It is exact for linear f: the measurements are then
//! Gaussian with covariance J·diag(σ²)·Jᵀ + s²·I, and the bias is integrated out.

use crate::error::HardwareError;
use nalgebra::{Cholesky, DMatrix, DVector};
use phaseloom_numerics::least_squares::{DampingScale, GaussNewton, Point};

/// Predicted measurements as a function of the errors.
pub(crate) type Response<'a> = dyn Fn(&[f64]) -> Result<Vec<f64>, HardwareError> + Sync + 'a;

/// The most probable errors at given levels.
#[derive(Clone, Debug)]
pub(crate) struct Posterior {
    /// Errors in units of their levels, then the bias.
    pub state: DVector<f64>,
    /// −ln p(y | σ, s), without the constant of the flat prior.
    pub surprise: f64,
    /// Standard error of the bias at these levels.
    pub bias_error: f64,
}

/// Step of an error (rad or dB) in a difference quotient. Rounding (1e-16/step) and curvature (step²) stay below 1e-9.
pub(crate) const STEP: f64 = 1e-5;

/// The search ends after a step that raises the log density by less than half of `min_gain`.
const SEARCH: GaussNewton = GaussNewton {
    scale: DampingScale::Diagonal,
    damping: 1e-6,
    min_damping: 1e-9,
    max_tries: 15,
    max_steps: 50,
    min_gain: 1e-4,
    min_relative_gain: 0.0,
};

/// Slopes of all predictions with respect to all errors, by central differences: measurements × errors.
pub(crate) fn jacobian(response: &Response, errors: &[f64], step: f64) -> Result<DMatrix<f64>, HardwareError> {
    let mut columns = Vec::with_capacity(errors.len());
    let mut shifted = errors.to_vec();
    for k in 0..errors.len() {
        shifted[k] = errors[k] + step;
        let above = response(&shifted)?;
        shifted[k] = errors[k] - step;
        let below = response(&shifted)?;
        shifted[k] = errors[k];
        columns
            .push(DVector::from_iterator(above.len(), above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * step))));
    }
    Ok(DMatrix::from_columns(&columns))
}

/// Finds the most probable errors, from `start`. `sigma` holds one level per error; `noise` is s.
pub(crate) fn posterior(
    response: &Response,
    measured: &[f64],
    sigma: &[f64],
    noise: f64,
    start: &DVector<f64>,
) -> Result<Posterior, HardwareError> {
    let (n, errors) = (measured.len(), sigma.len());
    let physical = |state: &DVector<f64>| -> Vec<f64> { state.iter().zip(sigma).map(|(u, s)| u * s).collect() };
    // A state with its residuals; the cost is −2 ln of the joint density, without n ln 2πs².
    let evaluate = |state: DVector<f64>| -> Result<Point<_>, HardwareError> {
        let predicted = response(&physical(&state))?;
        let bias = state[errors];
        let residual = DVector::from_iterator(n, measured.iter().zip(&predicted).map(|(y, f)| y - f - bias));
        let cost = residual.norm_squared() / (noise * noise) + state.rows(0, errors).norm_squared();
        Ok(Point { state: (state, residual), cost })
    };
    let minimum = SEARCH.minimise(
        evaluate(start.clone())?,
        |(state, residual)| {
            let mut scaled = jacobian(response, &physical(state), STEP)?.insert_column(errors, 1.0);
            for (k, s) in sigma.iter().enumerate() {
                scaled.column_mut(k).scale_mut(*s);
            }
            let mut descent = scaled.tr_mul(residual) / (noise * noise);
            let mut hessian = scaled.tr_mul(&scaled) / (noise * noise);
            for k in 0..errors {
                descent[k] -= state[k];
                hessian[(k, k)] += 1.0;
            }
            Ok((hessian, descent))
        },
        |(state, _), step| evaluate(state + step),
    )?;
    // All eigenvalues are positive if the numbers are finite: at least 1 for the errors, n/s² for the bias.
    let factors = Cholesky::new(minimum.hessian).ok_or_else(|| {
        let (found, expected) =
            ("numbers that are not finite, or too large", "finite predictions near the perfect chip");
        HardwareError::unfit("slopes of the measurements", found, expected)
    })?;
    let determinant: f64 = factors.l_dirty().diagonal().iter().map(|d| 2.0 * d.ln()).sum();
    let constant = n as f64 * (std::f64::consts::TAU * noise * noise).ln();
    let mut last = DVector::zeros(errors + 1);
    last[errors] = 1.0;
    let bias_error = factors.solve(&last)[errors].sqrt();
    let surprise = 0.5 * (minimum.point.cost + constant + determinant);
    Ok(Posterior { state: minimum.point.state.0, surprise, bias_error })
}
