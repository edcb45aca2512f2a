//! The errors of one chip, given the levels of its process: most probable values, and the evidence for the levels.
//!
//! With errors δ_k = σ_k·u_k, u ~ N(0, I), a bias b of flat prior and noise of spread s, the measurements y have
//!
//! ```text
//! −2 ln p(y, u | σ, s) = |y − f(δ) − b|²/s² + |u|² + n ln 2πs²,
//! −2 ln p(y | σ, s)   ≈ the same at its least + ln det H,      H = BᵀB/s² + diag(1, …, 1, 0),   B = (J·diag σ, 1),
//! ```
//!
//! the approximation of Laplace with the Hessian of Gauss and Newton (derived; exact where f is linear, where it is the
//! density of a Gaussian of covariance J·diag(σ²)·Jᵀ + s²·I, the bias integrated out).

use crate::error::HardwareError;
use nalgebra::{Cholesky, DMatrix, DVector};

/// What is measured, as a function of the errors: predictions, one a measurement.
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

/// A step of an error (rad or dB) from which a slope is taken: rounding of 1e-16/step and curvature of step² stay
/// below 1e-9.
pub(crate) const STEP: f64 = 1e-5;

/// Slopes of all predictions by all errors, by central differences: measurements × errors.
pub(crate) fn jacobian(response: &Response, errors: &[f64], step: f64) -> Result<DMatrix<f64>, HardwareError> {
    let mut columns = Vec::with_capacity(errors.len());
    let mut moved = errors.to_vec();
    for k in 0..errors.len() {
        moved[k] = errors[k] + step;
        let above = response(&moved)?;
        moved[k] = errors[k] - step;
        let below = response(&moved)?;
        moved[k] = errors[k];
        columns
            .push(DVector::from_iterator(above.len(), above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * step))));
    }
    Ok(DMatrix::from_columns(&columns))
}

/// Finds the most probable errors by the method of Levenberg and Marquardt, from `start`. `sigma` holds one level an
/// error; `noise` is s.
pub(crate) fn posterior(
    response: &Response,
    measured: &[f64],
    sigma: &[f64],
    noise: f64,
    start: &DVector<f64>,
) -> Result<Posterior, HardwareError> {
    const ROUNDS: usize = 50;
    const CONVERGED: f64 = 1e-4;
    let (n, errors) = (measured.len(), sigma.len());
    let physical = |state: &DVector<f64>| -> Vec<f64> { state.iter().zip(sigma).map(|(u, s)| u * s).collect() };
    // Residuals, and −2 ln of the joint density but for n ln 2πs².
    let judge = |state: &DVector<f64>| -> Result<(DVector<f64>, f64), HardwareError> {
        let predicted = response(&physical(state))?;
        let bias = state[errors];
        let residual = DVector::from_iterator(n, measured.iter().zip(&predicted).map(|(y, f)| y - f - bias));
        let cost = residual.norm_squared() / (noise * noise) + state.rows(0, errors).norm_squared();
        Ok((residual, cost))
    };
    let mut state = start.clone();
    let (mut residual, mut cost) = judge(&state)?;
    let mut damping = 1e-6;
    let mut hessian;
    let mut rounds = 0;
    loop {
        let slopes = jacobian(response, &physical(&state), STEP)?;
        let mut scaled = slopes.insert_column(errors, 1.0);
        for (k, s) in sigma.iter().enumerate() {
            scaled.column_mut(k).scale_mut(*s);
        }
        let mut descent = scaled.tr_mul(&residual) / (noise * noise);
        hessian = scaled.tr_mul(&scaled) / (noise * noise);
        for k in 0..errors {
            descent[k] -= state[k];
            hessian[(k, k)] += 1.0;
        }
        rounds += 1;
        let mut gained = 0.0;
        while damping < 1e9 {
            let mut damped = hessian.clone();
            for k in 0..=errors {
                damped[(k, k)] *= 1.0 + damping;
            }
            let next = &state + factor(damped)?.solve(&descent);
            let (next_residual, next_cost) = judge(&next)?;
            if next_cost <= cost {
                gained = cost - next_cost;
                (state, residual, cost) = (next, next_residual, next_cost);
                damping = (damping / 10.0).max(1e-9);
                break;
            }
            damping *= 10.0;
        }
        if gained < CONVERGED || rounds == ROUNDS {
            break;
        }
    }
    let factors = factor(hessian)?;
    let determinant: f64 = factors.l_dirty().diagonal().iter().map(|d| 2.0 * d.ln()).sum();
    let constant = n as f64 * (std::f64::consts::TAU * noise * noise).ln();
    let mut last = DVector::zeros(errors + 1);
    last[errors] = 1.0;
    let bias_error = factors.solve(&last)[errors].sqrt();
    Ok(Posterior { state, surprise: 0.5 * (cost + constant + determinant), bias_error })
}

/// The Hessian is positive where all numbers are finite: of the errors it is at least 1, of the bias n/s².
fn factor(hessian: DMatrix<f64>) -> Result<Cholesky<f64, nalgebra::Dyn>, HardwareError> {
    Cholesky::new(hessian).ok_or_else(|| HardwareError::Unfit {
        key: "slopes of the measurements".into(),
        found: "numbers that are not finite, or too large".into(),
        expected: "finite predictions near the perfect chip".into(),
    })
}
