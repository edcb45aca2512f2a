use super::*;
use crate::decompose::unitary::Unitary;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use crate::program::matrix_program::{Form, MatrixProgram};
use crate::propagate::circuit::Circuit;
use crate::topology::topology;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::{StreamKey, haar_unitary};
use std::f64::consts::TAU;

/// Haar unitaries, identity, a permutation, an exchange, the Fourier matrix, phases alone.
fn matrices(n: usize) -> Vec<DMatrix<Complex64>> {
    let permutation =
        |to: &dyn Fn(usize) -> usize| DMatrix::from_fn(n, n, |r, c| Complex64::from(f64::from(u8::from(to(c) == r))));
    let fourier = DMatrix::from_fn(n, n, |r, c| Complex64::cis(TAU * (r * c) as f64 / n as f64) / (n as f64).sqrt());
    let phases = DMatrix::from_fn(n, n, |r, c| if r == c { Complex64::cis(1.0 + r as f64) } else { 0.0.into() });
    vec![
        haar_unitary(n, &mut StreamKey::new(n as u64, "conventions").stream()),
        DMatrix::identity(n, n),
        permutation(&|c| (c + 1) % n),
        permutation(&|c| n - 1 - c),
        fourier,
        phases,
    ]
}

/// Stages that realise these matrices, and one with phases that no decomposition returns.
fn stages(n: usize) -> Vec<(DMatrix<Complex64>, Stage)> {
    let mut stages = Vec::new();
    for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
        for u in matrices(n) {
            let program = MatrixProgram::new(&u, Form::Unitary, &topology).unwrap();
            stages.push((u, program.stages()[0].clone()));
        }
        let layout = topology.layout(n);
        let mut phases = Phases::zero(layout.positions.len(), n);
        for (k, phase) in phases.values_mut().iter_mut().enumerate() {
            *phase = (k as f64 * 2.7).sin() * 9.0;
        }
        let stage = Stage::mesh(layout, phases);
        stages.push((Circuit::ideal(&stage).matrix(), stage));
    }
    stages
}

/// The matrix of a stage with other phases.
fn matrix(stage: &Stage, phases: Phases) -> DMatrix<Complex64> {
    Circuit::ideal(&Stage::mesh(stage.layout().clone(), phases)).matrix()
}

#[test]
fn every_convention_rebuilds_the_matrix_both_ways() {
    for n in 1..=17 {
        let tolerance = 1e-13 * n as f64;
        for (u, stage) in stages(n) {
            for convention in CONVENTIONS {
                let theirs = ConvertedMesh::new(&stage, convention);
                let key = convention.key();
                assert!((theirs.matrix() - &u).norm() < tolerance, "{key}, N = {n}: there");
                for other in CONVENTIONS.into_iter().filter(|_| n == 6) {
                    let error = (theirs.to(other).matrix() - &u).norm();
                    assert!(error < tolerance, "{key} to {}: {error:e}", other.key());
                }
                let back = matrix(&stage, theirs.phases());
                assert!((back - &u).norm() < tolerance, "{key}, N = {n}: and back");
                let phases = theirs.cells.iter().flat_map(|c| c.phases).chain(theirs.screen.iter().map(|p| p.phase));
                assert!(phases.into_iter().all(|p| (0.0..TAU).contains(&p)), "{key}, N = {n}: a phase");
            }
        }
    }
}

/// The form with N² phases is unique, so conversion and its inverse return every phase to rounding. This includes cells in
/// the cross and bar states, whose phases are ambiguous by themselves.
#[test]
fn the_phases_come_back() {
    for n in [2, 5, 8] {
        for (_, stage) in stages(n) {
            for convention in CONVENTIONS.into_iter().filter(|c| c.key() != "bell_walmsley") {
                let back = ConvertedMesh::new(&stage, convention).phases();
                for (k, (a, b)) in stage.phases().values().iter().zip(back.values()).enumerate() {
                    let error = (a - b + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
                    assert!(error.abs() < 1e-13 * n as f64, "{}, N = {n}, phase {k}: {a} and {b}", convention.key());
                }
            }
        }
    }
}

#[test]
fn the_screen_is_where_the_convention_defines_it() {
    for n in [2_usize, 5, 6] {
        for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
            let u = haar_unitary(n, &mut StreamKey::new(3, "screen").stream());
            let stage = Stage::mesh(
                topology.layout(n),
                topology.program(&topology.layout(n), &Unitary::new(u, Unitary::TOLERANCE).unwrap()).unwrap(),
            );
            let columns = stage.layout().columns;
            for convention in CONVENTIONS {
                let places: Vec<(usize, usize)> =
                    ConvertedMesh::new(&stage, convention).screen.iter().map(|p| (p.column, p.mode)).collect();
                let all = |column: usize| (0..n).map(|mode| (column, mode)).collect::<Vec<_>>();
                match convention.key() {
                    "clements_inverse" | "upper_output" | "lower_output" | "perceval" => assert_eq!(places, all(0)),
                    "clements_middle" => {
                        assert_eq!(places.len(), n);
                        assert!(n == 2 || topology.key() == "triangular" || places.iter().any(|p| p.0 != columns));
                    }
                    "bell_walmsley" => {
                        let inner = places.iter().filter(|p| 0 < p.0 && p.0 < columns);
                        let edges: Vec<usize> = inner.map(|p| p.1).collect();
                        // N at ports and, for even N, one for each odd column between others.
                        let rings = if topology.key() == "rectangular" && n % 2 == 0 { n / 2 - 1 } else { 0 };
                        assert_eq!(edges, vec![0; rings], "{places:?}");
                        assert_eq!(places.len(), n + rings);
                    }
                    _ => assert_eq!(places, all(columns)),
                }
            }
        }
    }
}

#[test]
fn the_phase_of_a_heater_is_from_zero_to_two_pi() {
    assert!([-1e-17, TAU, -3e-15, 0.0].into_iter().all(|phase| heater_phase(phase).to_bits() == 0));
    assert!((heater_phase(-1.0) - (TAU - 1.0)).abs() < 1e-15 && (heater_phase(7.0) - (7.0 - TAU)).abs() < 2e-15);
}

#[test]
fn files_come_back_and_contradictions_are_refused() {
    let folder = tempfile_folder();
    let path = folder.join("converted.json");
    let w = DMatrix::from_fn(3, 5, |r, c| Complex64::new((r * 5 + c) as f64 % 4.0 - 1.5, (r + c * c) as f64 / 9.0));
    for topology in ["rectangular", "triangular"].map(|key| topology(key).unwrap()) {
        let program = MatrixProgram::new(&w, Form::Auto, &topology).unwrap();
        for convention in CONVENTIONS {
            let converted = ConvertedProgram::new(&program, convention).unwrap();
            converted.save(&path).unwrap();
            let read = ConvertedProgram::load(&path).unwrap();
            assert_eq!(read.to_json(), converted.to_json());
            assert!((load(&path).unwrap().matrix() - &w).norm() < 1e-12);
            assert_eq!(read.program().stages()[1], program.stages()[1], "attenuators");
        }
        program.save(&path).unwrap();
        assert_eq!(load(&path).unwrap().to_json(), program.to_json());
        let good = ConvertedProgram::new(&program, convention("clements").unwrap()).unwrap().to_json();
        let first = good.split("\"theta\": ").nth(1).unwrap().split(',').next().unwrap();
        for (from, to, parts) in [
            ("\"version\": 1", "\"version\": 2", &["version", "found 2", "expected 1"][..]),
            ("\"clements\"", "\"clement\"", &["clement", "clements, clements_middle"]),
            ("\"rows\": 3", "\"rows\": 4", &["left.modes", "found 3", "expected 4"]),
            ("\"gain\": ", "\"gain\": -", &["gain", "from 0 to 1e153"]),
            ("\"mode\": 0", "\"mode\": 1", &["left.cells[0].mode", "found 1", "expected 0"]),
            ("\"theta\": ", "\"theta\": 1e9, \"was\": ", &["unknown field `was`"]),
            (&format!("\"theta\": {first}"), "\"theta\": -1e9", &["left.cells[0].theta", "-1e9", "1e6"]),
            ("\"theta\": ", "\"theta1\": ", &["left.cells[0].theta", "none", "a phase"]),
            ("\"phi\": ", "\"theta2\": 1.0, \"phi\": ", &["left.cells[0].theta2", "convention clements"]),
            (
                "\"screen\": [",
                "\"screen\": [{\"column\": 9, \"mode\": 0, \"phase\": 1},",
                &["left.screen[0].column", "9"],
            ),
            (
                "\"screen\": [",
                "\"screen\": [{\"column\": 0, \"mode\": 3, \"phase\": 1},",
                &["left.screen[0].mode", "3"],
            ),
            ("\"form\": \"svd\"", "\"form\": \"unitary\"", &["form", "unitary with a left mesh"]),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            std::fs::write(&path, text).unwrap();
            let message = load(&path).unwrap_err().to_string();
            assert!(parts.iter().all(|part| message.contains(part)), "{from} → {to}: {message}");
        }
        let screen = good.rfind("\"screen\": [").unwrap();
        let (head, tail) = good.split_at(screen);
        let twice = tail.replacen("\"mode\": 1", "\"mode\": 0", 1);
        std::fs::write(&path, format!("{head}{twice}")).unwrap();
        let message = load(&path).unwrap_err().to_string();
        assert!(message.contains("right.screen[1].mode") && message.contains("one per position"), "{message}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempfile_folder() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("phaseloom-convention-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn meshes_outside_of_the_conventions_are_refused() {
    let u = haar_unitary(4, &mut StreamKey::new(1, "test").stream());
    let clements = convention("clements").unwrap();
    for design in
        crate::topology::mesh_design::MeshDesign::all().filter(|design| design.topology().capability().is_universal())
    {
        let program = MatrixProgram::new(&u, Form::Unitary, &design).unwrap();
        let plain =
            design.cell().is_mzi() && ["rectangular", "triangular", "redundant"].contains(&design.topology().key());
        match ConvertedProgram::new(&program, clements) {
            Ok(converted) => {
                assert!(plain, "{design}");
                assert!((converted.meshes()[0].matrix() - &u).norm() < 1e-12);
                assert!((converted.program().matrix() - &u).norm() < 1e-12);
            }
            Err(error) => assert!(!plain && error.to_string().contains(design.topology().key()), "{design}: {error}"),
        }
    }
}
