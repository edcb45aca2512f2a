//! Compiled propagation equals the product of full matrices, with every static error, for hard cases and odd sizes.

use num_complex::Complex64;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{
    Circuit, Fields, Form, MatrixProgram, MeshDesign, Phases, Rectangular, Stage, Topology, reference,
};
use phaseloom_testing::{Matrix, dft, haar, reversal, wave};
use std::f64::consts::PI;

/// Perfect cells, cells with every error, and cells some of which are blocked.
fn states(cells: usize) -> [(&'static str, Vec<CellErrors>); 3] {
    let lossy = |k: usize| CellErrors {
        gamma: 0.2 * wave(k, 0.4),
        alpha: 0.2 * wave(k, 1.7),
        beta: 0.2 * wave(k, 2.9),
        upper_transmission: 0.8 + 0.2 * wave(k, 0.7),
        lower_transmission: 0.85 + 0.15 * wave(k, 0.9),
    };
    let broken = |k: usize| match k % 5 {
        0 => CellErrors { upper_transmission: 0.0, ..lossy(k) },
        1 => CellErrors { lower_transmission: 0.0, ..lossy(k) },
        2 => CellErrors { upper_transmission: 0.0, lower_transmission: 0.0, ..lossy(k) },
        _ => lossy(k),
    };
    [
        ("perfect", vec![CellErrors::NONE; cells]),
        ("every error", (0..cells).map(lossy).collect()),
        ("blocked arms", (0..cells).map(broken).collect()),
    ]
}

/// The phases of hard unitaries, and phases of no particular unitary.
fn stages(n: usize) -> Vec<(String, Stage)> {
    let mut stages = Vec::new();
    let unitaries =
        [("Haar", haar(n, n as u64)), ("identity", Matrix::identity(n, n)), ("reversal", reversal(n)), ("DFT", dft(n))];
    for design in MeshDesign::all() {
        if design.topology().capability().is_universal() {
            for (name, u) in &unitaries {
                let program = MatrixProgram::new(u, Form::Unitary, &design).expect(name);
                stages.push((format!("{design} {name}"), program.stages()[0].clone()));
            }
        }
        let layout = design.layout(n);
        for (name, all) in [("all cross", 0.0), ("all bar", PI), ("far phases", 1e7)] {
            let mut phases = Phases::blank(&layout);
            phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = all * (1.0 + (k % 3) as f64));
            stages.push((format!("{design} {name}"), Stage::mesh(layout.clone(), phases)));
        }
    }
    stages
}

/// Vectors of no particular values.
fn vectors(modes: usize, count: usize) -> Matrix {
    Matrix::from_fn(modes, count, |r, c| Complex64::new(wave(r + modes * c, 0.7), wave(r * c, 1.1)))
}

#[test]
fn equals_the_product_of_full_matrices() {
    for n in [1, 2, 3, 5, 8, 15, 16, 17, 33] {
        for (name, stage) in stages(n) {
            for (state, errors) in states(stage.layout().positions.len()) {
                let expected_matrix = reference::mesh(&stage, &errors);
                let circuit = Circuit::compile(&stage, stage.phases(), &errors);
                let modes = stage.layout().modes;
                let error = (circuit.matrix() - &expected_matrix).norm();
                assert!(error <= 1e-13 * n as f64, "N={n} {name}, {state}: {error:.1e}");
                // Unit fields in the ports alone: the light cone has not reached the other modes yet.
                let mut ports = Fields::identity(stage.layout().ports);
                circuit.propagate(&mut ports);
                let error = (ports.to_matrix() - expected_matrix.columns(0, stage.layout().ports)).norm();
                assert!(error <= 1e-13 * n as f64, "N={n} {name}, {state}, from the ports: {error:.1e}");
                for batch in [1, 7, 15, 16, 17, 40] {
                    let input = vectors(modes, batch);
                    let mut fields = Fields::from_matrix(&input);
                    circuit.propagate(&mut fields);
                    let expected = &expected_matrix * &input;
                    let error = (fields.to_matrix() - &expected).norm();
                    let bound = 1e-13 * n as f64 * input.norm().max(1.0);
                    assert!(error <= bound, "N={n} ×{batch} {name}, {state}: {error:.1e}");
                }
            }
        }
    }
}

#[test]
fn outputs_do_not_depend_on_the_batch() {
    let (name, stage) = stages(17).swap_remove(0);
    let (_, errors) = &states(stage.layout().positions.len())[1];
    let circuit = Circuit::compile(&stage, stage.phases(), errors);
    let input = vectors(17, 50);
    let send = |input: &Matrix| {
        let mut fields = Fields::from_matrix(input);
        circuit.propagate(&mut fields);
        fields.to_matrix()
    };
    let outputs = send(&input);
    for (first, count) in [(0, 1), (3, 1), (5, 16), (7, 30), (49, 1)] {
        let part = send(&input.columns(first, count).into_owned());
        let same = part
            .iter()
            .zip(outputs.columns(first, count).iter())
            .all(|(a, b)| (a.re.to_bits(), a.im.to_bits()) == (b.re.to_bits(), b.im.to_bits()));
        assert!(same, "{name}: {count} vectors from {first} on");
    }
}

#[test]
fn strong_fields_and_deep_meshes_stay_in_range() {
    // All cells in the bar state: every pivot is 6e-17 of the other term, along 400 columns.
    let topology = Rectangular;
    let layout = topology.layout(400);
    let mut phases = Phases::zero(layout.positions.len(), 400);
    let cells = layout.positions.len();
    phases.values_mut()[..2 * cells].fill(PI);
    let stage = Stage::mesh(layout, phases);
    for power in [1e-150, 1.0, 1e150] {
        let mut fields = Fields::from_matrix(&Matrix::from_element(400, 3, Complex64::new(power, 0.0)));
        Circuit::ideal(&stage).propagate(&mut fields);
        let error = fields.to_matrix().map(|z| (z / power - 1.0).norm()).max();
        assert!(error < 1e-13 * 400.0, "fields of {power}: {error:.1e}");
    }
}

#[test]
fn propagation_equals_the_product_of_full_matrices() {
    for design in MeshDesign::all() {
        for n in [1, 2, 3, 8, 17] {
            let mut phases = Phases::blank(&design.layout(n));
            phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 3.0 + 3.0 * wave(k, 1.3));
            let program = MatrixProgram::from_phases(&design, n, phases);
            let stage = &program.stages()[0];
            let slow = reference::mesh(stage, &vec![CellErrors::NONE; stage.layout().positions.len()]);
            let slow = slow.view((0, 0), program.shape());
            assert!((program.matrix() - slow).norm() < 1e-12 * n as f64, "{design} N={n}");
            for batch in [1, 5, 33, 200] {
                let fields = vectors(n, batch);
                let error = (program.propagate(&fields) - slow * &fields).norm();
                assert!(error < 1e-12 * fields.norm(), "{design} N={n} ×{batch}: {error:.1e}");
            }
        }
    }
}

#[test]
fn a_large_batch_passes_the_matrix_and_a_small_one_the_mesh() {
    let w = Matrix::from_fn(7, 9, |r, c| Complex64::new(wave(r + 7 * c, 0.9), wave(r * c, 1.3)));
    let program = MatrixProgram::new(&w, Form::Svd, Rectangular).unwrap();
    let input = vectors(9, 200);
    let (small, large) = (program.propagate(&input.columns(0, 100).into_owned()), program.propagate(&input));
    let expected = &w * &input / Complex64::new(program.gain(), 0.0);
    assert!((&small - expected.columns(0, 100)).norm() < 1e-12 * 9.0 * input.norm());
    assert!((&large - &expected).norm() < 1e-12 * 9.0 * input.norm());
}

#[test]
fn nan_and_infinite_phases_give_nan() {
    let stage = stages(5).swap_remove(0).1;
    for bad in [f64::NAN, f64::INFINITY] {
        let mut phases = stage.phases().clone();
        phases.values_mut()[3] = bad;
        let realised = Circuit::compile(&stage, &phases, &[CellErrors::NONE; 10]).matrix();
        assert!(realised.iter().any(|z| z.re.is_nan()), "a phase of {bad} gives finite entries");
    }
}

#[test]
#[should_panic(expected = "share no mode")]
fn overlapping_cells_of_a_column_panic() {
    let position = |mode| phaseloom_mesh::CellPosition { column: 0, mode };
    let _ = phaseloom_mesh::Layout::new(4, vec![position(0), position(1)]);
}

#[test]
fn a_layout_with_gaps_and_empty_columns_equals_the_reference() {
    let position = |(column, mode)| phaseloom_mesh::CellPosition { column, mode };
    let places = [(0, 3), (2, 0), (2, 7), (3, 5), (40, 2), (40, 4), (41, 3), (70, 8)];
    let layout = phaseloom_mesh::Layout::new(20, places.map(position).to_vec());
    let mut phases = Phases::zero(places.len(), 20);
    phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 2.0 * wave(k, 1.9));
    let stage = Stage::mesh(layout, phases);
    for (state, errors) in states(places.len()) {
        let realised = Circuit::compile(&stage, stage.phases(), &errors).matrix();
        assert!((realised - reference::mesh(&stage, &errors)).norm() < 1e-13 * 20.0, "{state}");
    }
}

/// A mesh of several sections of elements and of more tiles than take them in turn, as chains and as pairs: each column of its
/// matrix has the bits of the same unit field on its own.
#[test]
fn sections_of_a_large_mesh_change_no_bit() {
    for topology in ["rectangular", "fractal"] {
        let n = 144;
        let design = MeshDesign::from_keys(topology, None).unwrap();
        let mut phases = Phases::blank(&design.layout(n));
        phases.values_mut().iter_mut().enumerate().for_each(|(k, phase)| *phase = 3.0 * wave(k, 1.9));
        let circuit = Circuit::ideal(&Stage::mesh(design.layout(n), phases));
        let matrix = circuit.matrix();
        for j in [0, 15, 16, 100, 127, 128, 143] {
            let mut fields = Fields::from_matrix(&Matrix::identity(n, n).columns(j, 1).into_owned());
            circuit.propagate(&mut fields);
            assert!(fields.to_matrix().column(0) == matrix.column(j), "{topology}, column {j}");
        }
    }
}
