//! The derivative of outputs with respect to every phase and every splitter of a stage, sample by sample. Slow and obvious: parts are
//! applied one by one, and the fields after each are kept.
//!
//! With the field a and the adjoint λ after a part (see the head of this module), a phase on mode m has the derivative
//! `−Im λ_m*·a_m`, and the angle of a splitter on the modes m and n has `−Im(λ_m*·a_n + λ_n*·a_m)`, because
//! `dS/dη = i σ_x S`.

use crate::cell::kind::CellPart;
use crate::cell::mzi::CellErrors;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::reference::{part, splitter};
use nalgebra::{DMatrix, Matrix2};
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_4;

/// A component of a stage with an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageComponent {
    /// A phase, by its index in [`Phases::values`].
    Phase(usize),
    /// A splitter of a cell: 0 has the error α, 1 β, 2 γ.
    Splitter {
        /// Index of the cell.
        cell: usize,
        /// Which of its splitters.
        splitter: usize,
    },
}

/// An optical part that acts on one or two modes.
pub(super) enum Step {
    /// Modes in a new order.
    Order(Vec<usize>),
    /// A phase on a mode.
    Phase { mode: usize, angle: f64, component: StageComponent },
    /// A matrix on two modes, with the component that it is if it is a splitter.
    Pair { modes: [usize; 2], matrix: Matrix2<Complex64>, component: Option<StageComponent> },
}

/// Calls `visit` with the number of an adjoint, a component, and the derivative of each column with respect to it (1/rad), for
/// every component of a stage. Returns the adjoints before the stage.
///
/// `input` are the fields before the stage and `adjoints` the adjoints after it: modes × columns.
///
/// # Panics
///
/// If `phases` and `errors` are not those of the stage, or the matrices differ in shape.
pub fn visit_slopes(
    stage: &Stage,
    phases: &Phases,
    errors: &[CellErrors],
    input: &DMatrix<Complex64>,
    adjoints: &[DMatrix<Complex64>],
    visit: &mut dyn FnMut(usize, StageComponent, &[f64]),
) -> Vec<DMatrix<Complex64>> {
    let (modes, columns) = input.shape();
    assert!(adjoints.iter().all(|adjoint| adjoint.shape() == input.shape()), "fields and adjoints of one shape");
    let steps = steps(stage, phases, errors);
    // Attenuators let light into a second waveguide each, where it is lost.
    let all_modes = if stage.kind() == StageKind::Attenuators { 2 * modes } else { modes };
    let mut fields = input.clone().resize_vertically(all_modes, Complex64::ZERO);
    let mut kept: Vec<Vec<Complex64>> = Vec::with_capacity(steps.len());
    let rows = |fields: &DMatrix<Complex64>, modes: &[usize]| {
        modes.iter().flat_map(|mode| fields.row(*mode).iter().copied().collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    for step in &steps {
        apply(step, &mut fields, false);
        kept.push(match step {
            Step::Phase { mode, .. } => rows(&fields, &[*mode]),
            Step::Pair { modes, component: Some(_), .. } => rows(&fields, modes),
            _ => Vec::new(),
        });
    }
    let mut slopes = vec![0.0; columns];
    let mut before = Vec::with_capacity(adjoints.len());
    for (index, adjoint) in adjoints.iter().enumerate() {
        let mut adjoint = adjoint.clone().resize_vertically(all_modes, Complex64::ZERO);
        for (step, fields) in steps.iter().zip(&kept).rev() {
            let component = match step {
                Step::Phase { mode, component, .. } => {
                    for (column, slope) in slopes.iter_mut().enumerate() {
                        *slope = -(adjoint[(*mode, column)].conj() * fields[column]).im;
                    }
                    Some(*component)
                }
                Step::Pair { modes: [upper, lower], component, .. } => {
                    if component.is_some() {
                        for (column, slope) in slopes.iter_mut().enumerate() {
                            let crossed = adjoint[(*upper, column)].conj() * fields[columns + column]
                                + adjoint[(*lower, column)].conj() * fields[column];
                            *slope = -crossed.im;
                        }
                    }
                    *component
                }
                Step::Order(_) => None,
            };
            if let Some(component) = component {
                visit(index, component, &slopes);
            }
            apply(step, &mut adjoint, true);
        }
        before.push(adjoint.resize_vertically(modes, Complex64::ZERO));
    }
    before
}

/// The parts of a stage in the order of the light.
pub(super) fn steps(stage: &Stage, phases: &Phases, errors: &[CellErrors]) -> Vec<Step> {
    let layout = stage.layout();
    let cells = layout.positions.len();
    assert_eq!(errors.len(), cells, "one entry of errors per cell");
    let mut steps = Vec::new();
    let add_cell = |steps: &mut Vec<Step>, cell: usize, modes: [usize; 2]| {
        let (theta, phi) = (phases.theta()[cell], phases.phi()[cell]);
        for &kind in layout.cell.parts() {
            let of = |which: usize, error: f64| {
                let component = Some(StageComponent::Splitter { cell, splitter: which });
                Step::Pair { modes, matrix: splitter(FRAC_PI_4 + error), component }
            };
            let phase = |mode: usize, angle: f64, index: usize| Step::Phase {
                mode,
                angle,
                component: StageComponent::Phase(index),
            };
            steps.push(match kind {
                CellPart::FirstSplitter => of(0, errors[cell].alpha),
                CellPart::SecondSplitter => of(1, errors[cell].beta),
                CellPart::InputSplitter => of(2, errors[cell].gamma),
                CellPart::Theta => phase(modes[0], theta, cell),
                CellPart::Phi => phase(modes[0], phi, cells + cell),
                CellPart::LowerPhi => phase(modes[1], phi, cells + cell),
                CellPart::Arms | CellPart::Crossing => {
                    Step::Pair { modes, matrix: part(kind, theta, phi, errors[cell]), component: None }
                }
            });
        }
    };
    if stage.kind() == StageKind::Attenuators {
        (0..cells).for_each(|cell| add_cell(&mut steps, cell, [cell, cells + cell]));
        return steps;
    }
    let boundary = 2 * cells + phases.output().len();
    for column in 0..=layout.columns {
        if let Some(order) = layout.permutation_before(column) {
            steps.push(Step::Order(order.to_vec()));
        }
        for (cell, position) in layout.positions.iter().enumerate().filter(|(_, position)| position.column == column) {
            for (index, shifter) in layout.boundary_shifters().iter().enumerate().filter(|(_, s)| s.cell == cell) {
                let (mode, angle) = (position.mode + usize::from(shifter.lower), phases.boundary()[index]);
                steps.push(Step::Phase { mode, angle, component: StageComponent::Phase(boundary + index) });
            }
            add_cell(&mut steps, cell, [position.mode, position.mode + 1]);
        }
    }
    for (mode, &angle) in phases.output().iter().enumerate() {
        steps.push(Step::Phase { mode, angle, component: StageComponent::Phase(2 * cells + mode) });
    }
    steps
}

/// Applies a part to fields, or its adjoint.
pub(super) fn apply(step: &Step, fields: &mut DMatrix<Complex64>, adjoint: bool) {
    match step {
        Step::Order(order) => {
            *fields = match adjoint {
                false => fields.select_rows(order),
                true => {
                    let mut before = fields.clone();
                    order.iter().enumerate().for_each(|(to, &from)| before.row_mut(from).copy_from(&fields.row(to)));
                    before
                }
            };
        }
        Step::Phase { mode, angle, .. } => {
            let factor = Complex64::cis(if adjoint { -angle } else { *angle });
            fields.row_mut(*mode).iter_mut().for_each(|z| *z *= factor);
        }
        Step::Pair { modes: [upper, lower], matrix, .. } => {
            let m = if adjoint { matrix.adjoint() } else { *matrix };
            for mut column in fields.column_iter_mut() {
                let (a, b) = (column[*upper], column[*lower]);
                column[*upper] = m[(0, 0)] * a + m[(0, 1)] * b;
                column[*lower] = m[(1, 0)] * a + m[(1, 1)] * b;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Circuit, Fields, MatrixProgram, MeshDesign};
    use phaseloom_numerics::{NormalStream, StreamKey};

    /// Every phase and splitter of V†, Σ and U with random errors against central differences: z = Re Σ λ*·a of each column.
    #[test]
    fn slopes_are_those_of_finite_differences() {
        for (topology, cell) in [
            ("rectangular", None),
            ("triangular", None),
            ("rectangular", Some("three_splitters")),
            ("rectangular", Some("symmetric")),
        ] {
            let mut deviates = NormalStream::<f64>::new(&StreamKey::new(1, "slopes"));
            let mut number = || {
                let mut z = [0.0];
                deviates.fill(&mut z);
                z[0].clamp(-1.0, 1.0)
            };
            let w = DMatrix::from_fn(5, 5, |_, _| Complex64::new(number(), number()));
            let design = MeshDesign::from_keys(topology, cell).unwrap();
            let program = MatrixProgram::new(&w, crate::Form::Svd, design).unwrap();
            let input = DMatrix::from_fn(5, 3, |_, _| Complex64::new(number(), number()));
            let weight = DMatrix::from_fn(5, 3, |_, _| Complex64::new(number(), number()));
            for stage in program.stages() {
                let count = stage.layout().positions.len();
                let mut errors = vec![CellErrors::NONE; count];
                for error in &mut errors {
                    (error.alpha, error.beta) = (0.1 * number(), 0.1 * number());
                    error.gamma = if stage.layout().cell.splitters() > 2 { 0.1 * number() } else { 0.0 };
                    (error.upper_transmission, error.lower_transmission) = (0.9 + 0.1 * number(), 0.9);
                }
                let output = |phases: &Phases, errors: &[CellErrors]| -> Vec<f64> {
                    let mut fields = Fields::from_matrix(&input);
                    Circuit::compile(stage, phases, errors).propagate(&mut fields);
                    let fields = fields.to_matrix();
                    (0..3).map(|c| (0..5).map(|m| (weight[(m, c)].conj() * fields[(m, c)]).re).sum()).collect()
                };
                let step = 1e-6;
                let mut visited = 0;
                visit_slopes(
                    stage,
                    stage.phases(),
                    &errors,
                    &input,
                    std::slice::from_ref(&weight),
                    &mut |_, component, slopes| {
                        visited += 1;
                        let moved = |sign: f64| {
                            let (mut phases, mut errors) = (stage.phases().clone(), errors.clone());
                            match component {
                                StageComponent::Phase(index) => phases.values_mut()[index] += sign * step,
                                StageComponent::Splitter { cell, splitter } => {
                                    let error = &mut errors[cell];
                                    *[&mut error.alpha, &mut error.beta, &mut error.gamma][splitter] += sign * step;
                                }
                            }
                            output(&phases, &errors)
                        };
                        for ((high, low), slope) in moved(1.0).iter().zip(moved(-1.0)).zip(slopes) {
                            let expected = (high - low) / (2.0 * step);
                            assert!((slope - expected).abs() < 1e-8, "{topology} {component:?}: {slope}, {expected}");
                        }
                    },
                );
                assert_eq!(visited, stage.phases().values().len() + count * stage.layout().cell.splitters());
            }
        }
    }
}
