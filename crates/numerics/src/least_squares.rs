//! Damped Gauss–Newton (Levenberg 1944; Marquardt 1963): minimises a sum of squares of nonlinear residuals.
//!
//! With the residuals r (m), their Jacobian J (m×n) and the curvature P (n×n) of quadratic priors, a step Δ (n) solves
//!
//! ```text
//! (H + λD)·Δ = d,    H = JᵀJ + P,    d = −½·∇cost,    D = diag H, or the mean of that diagonal
//! ```
//!
//! The damping λ grows tenfold until a step lowers the cost, and falls tenfold after each step that does.

use crate::linalg::solve_positive;
use nalgebra::{DMatrix, DVector};

/// What the damping λ is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DampingScale {
    /// Each diagonal element of H: steps do not depend on the units of the unknowns. No unknown may be without effect.
    Diagonal,
    /// The mean of the diagonal of H: for unknowns of one unit, some of which may have no effect.
    MeanDiagonal,
}

/// Settings of a search.
#[derive(Clone, Copy, Debug)]
pub struct GaussNewton {
    /// What λ is relative to.
    pub scale: DampingScale,
    /// λ of the first step.
    pub damping: f64,
    /// λ never falls below it.
    pub min_damping: f64,
    /// Steps that are tried from one point, each with ten times the damping of the one before.
    pub max_tries: u32,
    /// Maximum number of steps.
    pub max_steps: u64,
    /// The search ends after a step that lowers the cost by less than this.
    pub min_gain: f64,
    /// The search ends after a step that lowers the cost by less than this share of it.
    pub min_relative_gain: f64,
}

/// A point of a search and its cost.
#[derive(Clone, Debug)]
pub struct Point<S> {
    /// The unknowns, with whatever the caller keeps of their evaluation.
    pub state: S,
    /// Sum of squares.
    pub cost: f64,
}

/// The end of a search.
#[derive(Clone, Debug)]
pub struct Minimum<S> {
    /// Point of the lowest cost.
    pub point: Point<S>,
    /// H at the last point from which a step was tried.
    pub hessian: DMatrix<f64>,
    /// Number of points from which a step was tried.
    pub steps: u64,
}

impl GaussNewton {
    /// Minimises the cost from `start`. `linearise` returns H and d at a state; `advance` evaluates the state after a step.
    ///
    /// A cost, a matrix or a setting that is NaN ends the search at the best point so far.
    ///
    /// ```
    /// use nalgebra::{DMatrix, DVector};
    /// use phaseloom_numerics::least_squares::{DampingScale, GaussNewton, Point};
    ///
    /// // Residual eˣ − 2.
    /// let search = GaussNewton {
    ///     scale: DampingScale::Diagonal,
    ///     damping: 1e-6,
    ///     min_damping: 1e-9,
    ///     max_tries: 5,
    ///     max_steps: 20,
    ///     min_gain: 1e-20,
    ///     min_relative_gain: 0.0,
    /// };
    /// let residual = |x: &f64| x.exp() - 2.0;
    /// let minimum = search.minimise::<f64, std::convert::Infallible>(
    ///     Point { state: 0.0, cost: 1.0 },
    ///     |x| {
    ///         let (slope, residual) = (x.exp(), residual(x));
    ///         Ok((DMatrix::from_element(1, 1, slope * slope), DVector::from_element(1, -slope * residual)))
    ///     },
    ///     |x, step| Ok(Point { state: x + step[0], cost: residual(&(x + step[0])).powi(2) }),
    /// )?;
    /// assert!((minimum.point.state - 2f64.ln()).abs() < 1e-9);
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the two functions.
    ///
    /// # Panics
    ///
    /// If H is not square, or d has another length.
    pub fn minimise<S, E>(
        &self,
        start: Point<S>,
        mut linearise: impl FnMut(&S) -> Result<(DMatrix<f64>, DVector<f64>), E>,
        mut advance: impl FnMut(&S, &DVector<f64>) -> Result<Point<S>, E>,
    ) -> Result<Minimum<S>, E> {
        let mut point = start;
        let mut damping = self.damping;
        let mut steps = 0;
        loop {
            let (hessian, descent) = linearise(&point.state)?;
            steps += 1;
            let cost = point.cost;
            for _ in 0..self.max_tries {
                if let Some(step) = solve_positive(&self.damped(&hessian, damping), &descent) {
                    let next = advance(&point.state, &step)?;
                    if next.cost <= cost {
                        point = next;
                        damping = (damping / 10.0).max(self.min_damping);
                        break;
                    }
                }
                damping *= 10.0;
            }
            // Zero if no step lowered the cost, and NaN if the cost is not a number.
            let gain = cost - point.cost;
            let improved = gain > 0.0 && gain >= self.min_gain && gain >= self.min_relative_gain * cost;
            if !improved || steps >= self.max_steps {
                return Ok(Minimum { point, hessian, steps });
            }
        }
    }

    /// H + λD.
    fn damped(&self, hessian: &DMatrix<f64>, damping: f64) -> DMatrix<f64> {
        let mut damped = hessian.clone();
        let unknowns = hessian.nrows();
        let mean = hessian.trace() / unknowns as f64;
        for k in 0..unknowns {
            match self.scale {
                DampingScale::Diagonal => damped[(k, k)] *= 1.0 + damping,
                DampingScale::MeanDiagonal => damped[(k, k)] += damping * mean,
            }
        }
        damped
    }
}
