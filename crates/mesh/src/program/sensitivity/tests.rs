//! Sensitivities against central differences of the whole matrix, one component at a time.

use super::*;
use crate::cell::kind::CELLS;
use crate::topology::mesh_design::MeshDesign;
use crate::topology::{Capability, topologies};
use phaseloom_numerics::{StreamKey, haar_unitary, standard_normal};

const STEP: f64 = 1e-4;

/// Sums of `‖∂W‖²`, of `‖∂W⊥‖²` and of the covariance of arms, relative to `‖W‖²`, from differences of fourth order.
fn differences(program: &MatrixProgram) -> Sensitivities {
    let realised = |changed: usize, change: &dyn Fn(&mut CellErrors, &mut [f64])| {
        let mut fields = Fields::identity(program.shape().1);
        for (s, stage) in program.stages().iter().enumerate() {
            let (mut phases, cells) = (stage.phases().clone(), stage.layout().positions.len());
            let mut errors = vec![CellErrors::NONE; cells + 1];
            if s == changed >> 32 {
                let at = changed & 0xffff_ffff;
                change(&mut errors[at.min(cells)], phases.values_mut());
            }
            Circuit::compile(stage, &phases, &errors[..cells]).propagate(&mut fields);
        }
        fields.resize(program.shape().0);
        fields.to_matrix()
    };
    let w = realised(usize::MAX, &|_, _| ());
    let norm = w.norm_squared();
    let slope = |at: usize, change: &dyn Fn(f64, &mut CellErrors, &mut [f64])| {
        let value = |h: f64| realised(at, &|errors, phases| change(h, errors, phases));
        let central = |h: f64| (value(h) - value(-h)).unscale(2.0 * h);
        (central(STEP).scale(4.0) - central(2.0 * STEP)).unscale(3.0)
    };
    let projected = |d: &DMatrix<Complex64>| d - &w * (w.dotc(d) / norm);
    let add = |sum: &mut Sensitivity, a: &DMatrix<Complex64>, b: &DMatrix<Complex64>, factor: f64| {
        sum.error += factor * a.dotc(b).re / norm;
        sum.infidelity += factor * projected(a).dotc(&projected(b)).re / norm;
    };
    let mut sums = Sensitivities::default();
    for (s, stage) in program.stages().iter().enumerate() {
        for cell in 0..stage.layout().positions.len() {
            let at = (s << 32) | cell;
            let angles: [fn(&mut CellErrors) -> &mut f64; 3] = [|e| &mut e.alpha, |e| &mut e.beta, |e| &mut e.gamma];
            for angle in angles {
                let d = slope(at, &|h, errors, _| *angle(errors) += h);
                add(&mut sums.splitters, &d, &d, 1.0);
            }
            let upper = slope(at, &|h, errors, _| errors.upper_transmission *= h.exp());
            let lower = slope(at, &|h, errors, _| errors.lower_transmission *= h.exp());
            add(&mut sums.arms[0], &upper, &upper, 1.0);
            add(&mut sums.arms[1], &lower, &lower, 1.0);
            add(&mut sums.arms[2], &upper, &lower, 2.0);
        }
        for k in 0..stage.phases().values().len() {
            let d = slope(s << 32, &|h, _, phases| phases[k] += h);
            add(&mut sums.phases, &d, &d, 1.0);
        }
    }
    sums
}

/// Within 1e-7 of the sum: rounding of 1e-16/STEP, and STEP⁴.
fn check(name: &str, program: &MatrixProgram) {
    let (found, expected) = (program.sensitivities(), differences(program));
    let pairs = |s: Sensitivities| [s.splitters, s.phases, s.arms[0], s.arms[1], s.arms[2]];
    for (k, (found, expected)) in pairs(found).into_iter().zip(pairs(expected)).enumerate() {
        let tolerance = 1e-7 * (1.0 + expected.error.abs());
        assert!((found.error - expected.error).abs() < tolerance, "{name} {k}: {found:?}, {expected:?}");
        assert!((found.infidelity - expected.infidelity).abs() < tolerance, "{name} {k}: {found:?}, {expected:?}");
    }
}

fn random(rows: usize, columns: usize) -> DMatrix<Complex64> {
    let mut stream = StreamKey::new(5, "sensitivity").stream();
    DMatrix::from_fn(rows, columns, |_, _| Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream)))
}

#[test]
fn every_topology_cell_and_form_agrees_with_differences() {
    let u = haar_unitary(4, &mut StreamKey::new(2, "sensitivity").stream());
    let mut checked = 0;
    for topology in topologies() {
        for cell in CELLS {
            let Ok(design) = MeshDesign::from_keys(topology.key(), Some(cell.key())) else { continue };
            let capability = design.topology().capability();
            if capability == Capability::Fitted {
                continue;
            }
            let rows = capability.max_rows().unwrap_or(3);
            for (form, w) in [(Form::Unitary, &u), (Form::Svd, &random(rows, 4)), (Form::Contraction, &random(3, 4))] {
                let Ok(program) = MatrixProgram::new(w, form, design.clone()) else { continue };
                check(&format!("{} {} {form:?}", topology.key(), cell.key()), &program);
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn small_singular_values_and_rank_one_agree_with_differences() {
    let design = MeshDesign::from_keys("rectangular", None).unwrap();
    let u = haar_unitary(4, &mut StreamKey::new(2, "sensitivity").stream());
    let sigma =
        DMatrix::from_diagonal(&nalgebra::DVector::from_vec([1.0, 0.1, 1e-3, 0.0].map(Complex64::from).to_vec()));
    let rank_one = random(4, 1) * random(1, 5);
    for (name, w) in [("small singular values", &u * sigma * u.adjoint()), ("rank one", rank_one)] {
        check(name, &MatrixProgram::new(&w, Form::Svd, design.clone()).unwrap());
    }
    // Phases that no matrix asked for.
    let program = MatrixProgram::new(&random(3, 3), Form::Svd, design).unwrap();
    let phases = program.stages().iter().enumerate().map(|(s, stage)| {
        let mut phases = stage.phases().clone();
        phases.values_mut().iter_mut().enumerate().for_each(|(k, phase)| *phase += ((7 * k + s) as f64).sin());
        phases
    });
    check("other phases", &program.with_phases(phases.collect()));
}
