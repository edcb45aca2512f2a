//! Fits the phases of a mesh to a matrix, for topologies without a decomposition: L-BFGS on the exact gradient of
//! `½‖Û−W‖²_F/‖W‖²_F`, Û the ports × ports corner of the mesh.

use crate::cell::mzi::{CellErrors, wrap};
use crate::gradient::gradient;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use crate::propagate::circuit::Circuit;
use crate::propagate::fields::Fields;
use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::{NormalStream, StreamKey};
use std::cell::RefCell;

/// Maximum number of random starting points; the best end is used.
const STARTS: u64 = 3;
/// Loss up to which a fit is accepted (0.2 % of the norm). Above it, the next start is tried.
const ACCEPTED: f64 = 2e-6;
/// Maximum number of steps from one start.
const STEPS: u64 = 3000;
/// Number of steps that L-BFGS keeps.
const MEMORY: usize = 20;

/// Fits the phases (rad, wrapped) to `target` by minimising ‖Û − W‖_F with L-BFGS, from up to three fixed random starts.
///
/// Returns the first fit within 0.2 % of the norm, else the best; it may be a local minimum. Each start takes up to some
/// thousand propagations of N fields, and as many gradients.
///
/// # Panics
///
/// If the target has more rows or columns than the mesh has ports, or an entry that is not finite.
#[must_use]
pub fn fit(layout: &Layout, target: &DMatrix<Complex64>) -> Phases {
    check_target(layout, target);
    let errors = vec![CellErrors::NONE; layout.positions.len()];
    let mut best = (f64::INFINITY, Phases::blank(layout));
    for start in 0..STARTS {
        let mut phases = vec![0.0; best.1.values().len()];
        NormalStream::new(&StreamKey::new(start, "fit/start")).fill(&mut phases);
        let fitted = search(layout, &errors, target, phases);
        if fitted.0 < best.0 {
            best = fitted;
        }
        if best.0 <= ACCEPTED {
            break;
        }
    }
    best.1
}

/// Fits the phases (rad, wrapped) of a mesh with errors to `target` as [`fit`] does, starting from its present phases.
///
/// # Panics
///
/// If the target has more rows or columns than the mesh has ports or an entry that is not finite, or there is not one
/// error state per cell.
#[must_use]
pub fn refit(stage: &Stage, errors: &[CellErrors], target: &DMatrix<Complex64>) -> Phases {
    let layout = stage.layout();
    check_target(layout, target);
    assert_eq!(errors.len(), layout.positions.len(), "one error state per cell");
    search(layout, errors, target, stage.phases().values().to_vec()).1
}

fn check_target(layout: &Layout, target: &DMatrix<Complex64>) {
    assert!(target.nrows() <= layout.ports && target.ncols() <= layout.ports, "a target within the ports of the mesh");
    assert!(target.iter().all(|z| z.re.is_finite() && z.im.is_finite()), "a target of finite entries");
}

/// The loss and the phases at the end of one search.
fn search(layout: &Layout, errors: &[CellErrors], target: &DMatrix<Complex64>, start: Vec<f64>) -> (f64, Phases) {
    // The search has absolute tolerances, so the target is scaled to norm 1.
    let size = target.norm_squared();
    let scale = if size > 0.0 { size.recip() } else { 1.0 };
    let blank = Stage::mesh(layout.clone(), Phases::blank(layout));
    let search = Search { blank, errors, target, scale, best: RefCell::new((f64::INFINITY, start.clone())) };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY);
    let executor = Executor::new(&search, solver).configure(|state| state.param(start).max_iters(STEPS));
    // A line search without progress ends the search with an error. The best phases so far are valid nevertheless.
    let _ = executor.run();
    let (loss, phases) = search.best.into_inner();
    let mut wrapped = Phases::blank(layout);
    wrapped.values_mut().iter_mut().zip(phases).for_each(|(value, phase)| *value = wrap(phase));
    (loss, wrapped)
}

struct Search<'a> {
    blank: Stage,
    errors: &'a [CellErrors],
    target: &'a DMatrix<Complex64>,
    /// 1/‖W‖².
    scale: f64,
    /// The lowest loss so far, and its phases.
    best: RefCell<(f64, Vec<f64>)>,
}

impl Search<'_> {
    fn stage(&self, phases: &[f64]) -> Stage {
        let mut stage = self.blank.clone();
        let mut values = stage.phases().zeroed();
        values.values_mut().copy_from_slice(phases);
        stage.set(values);
        stage
    }

    /// One input field per column of the target, and the output fields.
    fn propagate(&self, stage: &Stage) -> (Fields, Fields) {
        let mut input = Fields::identity(self.target.ncols());
        input.resize(self.blank.layout().modes);
        let mut output = input.clone();
        Circuit::compile(stage, stage.phases(), self.errors).propagate(&mut output);
        (input, output)
    }

    /// Û − W on the rows of the target, zero on other modes.
    fn residual(&self, output: &Fields) -> DMatrix<Complex64> {
        let mut residual = output.to_matrix();
        let rows = self.target.nrows();
        residual.rows_mut(rows, self.blank.layout().modes - rows).fill(Complex64::new(0.0, 0.0));
        let mut corner = residual.rows_mut(0, rows);
        corner -= self.target;
        residual
    }
}

impl CostFunction for &Search<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, phases: &Vec<f64>) -> Result<f64, Error> {
        let loss = 0.5 * self.scale * self.residual(&self.propagate(&self.stage(phases)).1).norm_squared();
        // The line search would never end: no comparison with such a loss holds.
        if !loss.is_finite() {
            return Err(Error::msg("the loss is not finite"));
        }
        let mut best = self.best.borrow_mut();
        if loss < best.0 {
            *best = (loss, phases.clone());
        }
        Ok(loss)
    }
}

impl Gradient for &Search<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, phases: &Vec<f64>) -> Result<Vec<f64>, Error> {
        let stage = self.stage(phases);
        let (input, output) = self.propagate(&stage);
        // L = ½‖M − W‖²/‖W‖² has the adjoint (M − W)/‖W‖².
        let adjoint = Fields::from_matrix(&(self.residual(&output) * Complex64::from(self.scale)));
        let (slopes, _) = gradient(&stage, stage.phases(), self.errors, &input, output, adjoint);
        Ok(slopes.values().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squares of the target overflow, or phases are no numbers: the search ends with the phases that it began with.
    #[test]
    fn searches_end_on_losses_that_are_not_finite() {
        let layout = crate::topology::mesh_design::MeshDesign::from_keys("butterfly", None).unwrap().layout(4);
        let huge = DMatrix::from_element(4, 4, Complex64::from(1e200));
        assert!(fit(&layout, &huge).values().iter().all(|phase| phase.is_finite()));
        let mut stage = Stage::mesh(layout.clone(), Phases::blank(&layout));
        let mut phases = stage.phases().zeroed();
        phases.values_mut().fill(f64::NAN);
        stage.set(phases);
        let errors = vec![CellErrors::NONE; layout.positions.len()];
        assert!(refit(&stage, &errors, &DMatrix::identity(4, 4)).values()[0].is_nan());
        let nan = DMatrix::from_element(4, 4, Complex64::from(f64::NAN));
        assert!(std::panic::catch_unwind(|| fit(&layout, &nan)).is_err());
    }
}
