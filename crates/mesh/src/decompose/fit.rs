//! The phases that bring a mesh nearest to a matrix, where no decomposition finds them: L-BFGS on the exact gradient.

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

/// Starting points, of which the best end is taken.
const STARTS: u64 = 3;
/// What ½‖Û−W‖²/‖W‖² may be where a start has found the matrix, so that no other is tried.
const FOUND: f64 = 2e-6;
/// Steps from each.
const STEPS: u64 = 3000;
/// Steps that L-BFGS remembers.
const MEMORY: usize = 20;

/// Phases (rad, wrapped) for which the corner of a mesh's matrix between its first ports comes near to `target`, by
/// ‖Û−W‖_F: the first of three searches from random phases, always the same ones, that ends within 0.2 % of the norm,
/// else the best. A minimum, not surely the lowest. Up to some thousand propagations of N fields, and as many
/// gradients, from each.
///
/// # Panics
///
/// If the target has more rows or columns than the mesh has ports.
#[must_use]
pub fn fit(layout: &Layout, target: &DMatrix<Complex64>) -> Phases {
    assert!(target.nrows() <= layout.ports && target.ncols() <= layout.ports, "ports of the mesh");
    let errors = vec![CellErrors::NONE; layout.positions.len()];
    let mut best = (f64::INFINITY, Phases::blank(layout));
    for start in 0..STARTS {
        let mut phases = vec![0.0; best.1.values().len()];
        NormalStream::new(&StreamKey::new(start, "fit/start")).fill(&mut phases);
        let reached = search(layout, &errors, target, phases);
        if reached.0 < best.0 {
            best = reached;
        }
        if best.0 <= FOUND {
            break;
        }
    }
    best.1
}

/// Phases (rad, wrapped) for which a mesh with errors comes near to `target` as in [`fit`], searched from those that it has.
///
/// # Panics
///
/// If the target has more rows or columns than the mesh has ports, or the errors are not one a cell.
#[must_use]
pub fn refit(stage: &Stage, errors: &[CellErrors], target: &DMatrix<Complex64>) -> Phases {
    let layout = stage.layout();
    assert!(target.nrows() <= layout.ports && target.ncols() <= layout.ports, "ports of the mesh");
    assert_eq!(errors.len(), layout.positions.len(), "one state a cell");
    search(layout, errors, target, stage.phases().values().to_vec()).1
}

/// What one search reaches: its loss and its phases.
fn search(layout: &Layout, errors: &[CellErrors], target: &DMatrix<Complex64>, start: Vec<f64>) -> (f64, Phases) {
    // The steps of the search are judged by absolute numbers: of a matrix of norm one all are of its scale.
    let size = target.norm_squared();
    let scale = if size > 0.0 { size.recip() } else { 1.0 };
    let blank = Stage::mesh(layout.clone(), Phases::blank(layout));
    let search = Search { blank, errors, target, scale, best: RefCell::new((f64::INFINITY, start.clone())) };
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY);
    let executor = Executor::new(&search, solver).configure(|state| state.param(start).max_iters(STEPS));
    // A line search that finds no lower point ends the search with an error: what it reached counts all the same.
    let _ = executor.run();
    let (loss, phases) = search.best.into_inner();
    let mut settings = Phases::blank(layout);
    settings.values_mut().iter_mut().zip(phases).for_each(|(value, phase)| *value = wrap(phase));
    (loss, settings)
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
        let mut settings = stage.phases().zeroed();
        settings.values_mut().copy_from_slice(phases);
        stage.set(settings);
        stage
    }

    /// Light into each column's port, before and behind the mesh.
    fn send(&self, stage: &Stage) -> (Fields, Fields) {
        let mut input = Fields::identity(self.target.ncols());
        input.resize(self.blank.layout().modes);
        let mut output = input.clone();
        Circuit::compile(stage, stage.phases(), self.errors).propagate(&mut output);
        (input, output)
    }

    /// What is made minus what is wanted, on the rows of the target; zero on other lines.
    fn miss(&self, output: &Fields) -> DMatrix<Complex64> {
        let mut miss = output.to_matrix();
        let rows = self.target.nrows();
        miss.rows_mut(rows, self.blank.layout().modes - rows).fill(Complex64::new(0.0, 0.0));
        let mut corner = miss.rows_mut(0, rows);
        corner -= self.target;
        miss
    }
}

impl CostFunction for &Search<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, phases: &Vec<f64>) -> Result<f64, Error> {
        let loss = 0.5 * self.scale * self.miss(&self.send(&self.stage(phases)).1).norm_squared();
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
        let (input, output) = self.send(&stage);
        // L = ½‖M − W‖²/‖W‖² has the adjoint (M − W)/‖W‖².
        let adjoint = Fields::from_matrix(&(self.miss(&output) * Complex64::from(self.scale)));
        let (slopes, _) = gradient(&stage, stage.phases(), self.errors, &input, output, adjoint);
        Ok(slopes.values().to_vec())
    }
}
