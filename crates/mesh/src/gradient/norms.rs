//! The change of a whole matrix with every phase and every splitter of a stage, as a Frobenius norm.
//!
//! The matrix is W = A·B at a cut after a component: B are the fields at the cut for unit fields at the inputs, and A sends fields
//! from the cut to the outputs. An error of the component changes it by `∂W = A·G·B`, where G is `i·e·e†` for a phase on the mode
//! m, and iX for the angle of a splitter on the modes m and n. With `K = A†A` and `L = BB†`
//!
//! ```text
//! phase     ‖∂W‖² = K_mm·L_mm
//! splitter  ‖∂W‖² = K_mm·L_nn + K_nn·L_mm + 2·Re K_mn·L_mn
//! ```
//!
//! (derived). The first is a product of two vector norms, for ∂W has rank one. All K and L take one pass of fields and one of
//! adjoints: O(N) per component, in memory O(N²), also through loss.

use super::slopes::{StageComponent, Step, apply, steps};
use crate::cell::mzi::CellErrors;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// Columns that pass a stage together, so that they stay in the cache.
const TOGETHER: usize = 16;

/// The entries of K or L of one or two modes: `Σ|a_m|²`, `Σ|a_n|²` and `Σ a_m·a_n*` over columns.
#[derive(Clone, Copy, Default)]
struct Overlaps {
    upper: f64,
    lower: f64,
    crossed: Complex64,
}

/// Calls `visit` with every component of a stage and `‖∂W/∂ψ‖²` (1/rad²), the squared Frobenius norm of the change of the matrix W
/// with its error. Returns A† before the stage.
///
/// `before` are the fields before the stage (modes × inputs of W), `after` is A† after it (modes × outputs of W).
///
/// ```
/// use nalgebra::DMatrix;
/// use phaseloom_mesh::cell::CellErrors;
/// use phaseloom_mesh::{Form, MatrixProgram, StageComponent, topology, visit_norms};
/// use phaseloom_numerics::{StreamKey, haar_unitary};
///
/// let u = haar_unitary(6, &mut StreamKey::new(1, "example").stream());
/// let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
/// let (stage, errors, unit) = (&program.stages()[0], vec![CellErrors::NONE; 15], DMatrix::identity(6, 6));
/// // In a mesh without errors, all phases change the matrix equally, and all splitters.
/// let before = visit_norms(stage, stage.phases(), &errors, &unit, &unit, &mut |component, square| {
///     let expected = if matches!(component, StageComponent::Phase(_)) { 1.0 } else { 2.0 };
///     assert!((square - expected).abs() < 1e-12);
/// });
/// assert!((before - u.adjoint()).norm() < 1e-12);
/// # Ok::<(), phaseloom_mesh::MeshError>(())
/// ```
///
/// # Panics
///
/// If `phases` and `errors` are not those of the stage, or `before` and `after` have other numbers of modes.
pub fn visit_norms(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    before: &DMatrix<Complex64>,
    after: &DMatrix<Complex64>,
    visit: &mut dyn FnMut(StageComponent, f64),
) -> DMatrix<Complex64> {
    let modes = before.nrows();
    assert_eq!(after.nrows(), modes, "fields and adjoints of the same modes");
    // Attenuators let light into a second waveguide each, where it is lost.
    let all_modes = if stage.kind() == StageKind::Attenuators { 2 * modes } else { modes };
    let steps = steps(stage, phases, errors);
    let (of_fields, _) = pass(&steps, before, all_modes, false);
    let (of_adjoints, adjoint) = pass(&steps, after, all_modes, true);
    for ((step, l), k) in steps.iter().zip(of_fields).zip(of_adjoints) {
        match step {
            Step::Phase { component, .. } => visit(*component, k.upper * l.upper),
            Step::Pair { component: Some(component), .. } => {
                let square = k.upper * l.lower + k.lower * l.upper + 2.0 * (k.crossed * l.crossed).re;
                // Rounding may leave less than zero where the light of the two terms cancels.
                visit(*component, square.max(0.0));
            }
            _ => {}
        }
    }
    adjoint.resize_vertically(modes, Complex64::ZERO)
}

/// Sends fields through the parts, or adjoints back. Returns the overlaps after each part, and the fields at the other end.
fn pass(
    steps: &[Step],
    input: &DMatrix<Complex64>,
    modes: usize,
    is_adjoint: bool,
) -> (Vec<Overlaps>, DMatrix<Complex64>) {
    let mut overlaps = vec![Overlaps::default(); steps.len()];
    let mut end = DMatrix::zeros(modes, input.ncols());
    for first in (0..input.ncols()).step_by(TOGETHER) {
        let count = TOGETHER.min(input.ncols() - first);
        let mut fields = input.columns(first, count).into_owned().resize_vertically(modes, Complex64::ZERO);
        let mut forth = 0..steps.len();
        while let Some(index) = if is_adjoint { forth.next_back() } else { forth.next() } {
            let step = &steps[index];
            if is_adjoint {
                overlaps[index].add(step, &fields);
            }
            apply(step, &mut fields, is_adjoint);
            if !is_adjoint {
                overlaps[index].add(step, &fields);
            }
        }
        end.columns_mut(first, count).copy_from(&fields);
    }
    (overlaps, end)
}

impl Overlaps {
    /// Adds the columns of fields after a part.
    fn add(&mut self, step: &Step, fields: &DMatrix<Complex64>) {
        match step {
            Step::Phase { mode, .. } => self.upper += fields.row(*mode).iter().map(Complex64::norm_sqr).sum::<f64>(),
            Step::Pair { modes: [upper, lower], component: Some(_), .. } => {
                for column in fields.column_iter() {
                    let (a, b) = (column[*upper], column[*lower]);
                    self.upper += a.norm_sqr();
                    self.lower += b.norm_sqr();
                    self.crossed += a * b.conj();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::kind::CELLS;
    use crate::topology::mesh_design::MeshDesign;
    use crate::topology::topologies;
    use crate::{Circuit, Fields, Form, MatrixProgram};
    use phaseloom_numerics::{NormalStream, StreamKey, haar_unitary};

    const STEP: f64 = 1e-4;

    /// Every phase and splitter of every topology, cell and form, with unequal arms and splitter errors, against central
    /// differences of the whole matrix. The differences of fourth order leave STEP⁴ and rounding of 1e-16/STEP; the tolerance
    /// is 1e-8 of ‖W‖.
    #[test]
    fn norms_are_those_of_finite_differences() {
        let mut checked = 0;
        for topology in topologies() {
            for cell in CELLS {
                let Ok(design) = MeshDesign::from_keys(topology.key(), Some(cell.key())) else { continue };
                let mut deviates = NormalStream::<f64>::new(&StreamKey::new(1, "norms"));
                let mut number = || {
                    let mut z = [0.0];
                    deviates.fill(&mut z);
                    z[0].clamp(-1.0, 1.0)
                };
                let u = haar_unitary(4, &mut StreamKey::new(2, "norms").stream());
                let rows = topology.capability().max_rows().unwrap_or(3);
                let general = DMatrix::from_fn(rows, 4, |_, _| Complex64::new(number(), number()));
                for (form, w) in [(Form::Unitary, &u), (Form::Svd, &general), (Form::Contraction, &general)] {
                    let Ok(program) = MatrixProgram::new(w, form, design.clone()) else { continue };
                    let states: Vec<(Phases, Vec<CellErrors>)> = program
                        .stages()
                        .iter()
                        .map(|stage| {
                            let layout = stage.layout();
                            let mut errors = vec![CellErrors::NONE; layout.positions.len()];
                            for error in &mut errors {
                                (error.alpha, error.beta) = (0.1 * number(), 0.1 * number());
                                error.gamma = if layout.cell.splitters() > 2 { 0.1 * number() } else { 0.0 };
                                (error.upper_transmission, error.lower_transmission) = (0.9 + 0.1 * number(), 0.9);
                            }
                            (stage.phases().clone(), errors)
                        })
                        .collect();
                    check(&format!("{} {} {form:?}", topology.key(), cell.key()), &program, &states);
                    checked += 1;
                }
            }
        }
        assert!(checked > 30, "{checked}");
    }

    fn matrix(program: &MatrixProgram, states: &[(Phases, Vec<CellErrors>)]) -> DMatrix<Complex64> {
        let mut fields = Fields::identity(program.shape().1);
        for (stage, (phases, errors)) in program.stages().iter().zip(states) {
            Circuit::compile(stage, phases, errors).propagate(&mut fields);
        }
        fields.resize(program.shape().0);
        fields.to_matrix()
    }

    fn check(name: &str, program: &MatrixProgram, states: &[(Phases, Vec<CellErrors>)]) {
        let (rows, columns) = program.shape();
        let norm = matrix(program, states).norm();
        let mut fields = vec![DMatrix::identity(columns, columns)];
        for (stage, (phases, errors)) in program.stages().iter().zip(states) {
            let mut next = Fields::from_matrix(
                &fields[fields.len() - 1].clone().resize_vertically(stage.layout().modes, Complex64::ZERO),
            );
            Circuit::compile(stage, phases, errors).propagate(&mut next);
            fields.push(next.to_matrix());
        }
        let mut adjoint = DMatrix::identity(rows, rows);
        for (s, stage) in program.stages().iter().enumerate().rev() {
            let modes = |fields: &DMatrix<_>| fields.clone().resize_vertically(stage.layout().modes, Complex64::ZERO);
            let (phases, errors) = &states[s];
            let mut visited = 0;
            adjoint =
                visit_norms(stage, phases, errors, &modes(&fields[s]), &modes(&adjoint), &mut |component, square| {
                    visited += 1;
                    let moved = |by: f64| {
                        let mut states = states.to_vec();
                        match component {
                            StageComponent::Phase(index) => states[s].0.values_mut()[index] += by,
                            StageComponent::Splitter { cell, splitter } => {
                                let error = &mut states[s].1[cell];
                                *[&mut error.alpha, &mut error.beta, &mut error.gamma][splitter] += by;
                            }
                        }
                        matrix(program, &states)
                    };
                    let central = |h: f64| (moved(h) - moved(-h)).unscale(2.0 * h);
                    let expected = (central(STEP).scale(4.0) - central(2.0 * STEP)).unscale(3.0).norm();
                    assert!(
                        (square.sqrt() - expected).abs() < 1e-8 * norm,
                        "{name} {component:?}: {square}, {expected}"
                    );
                });
            let cells = stage.layout().positions.len();
            assert_eq!(visited, stage.phases().values().len() + cells * stage.layout().cell.splitters(), "{name}");
        }
        assert!((adjoint.rows(0, columns).adjoint() - matrix(program, states)).norm() < 1e-12 * (1.0 + norm), "{name}");
    }
}
