//! The fast path equals the product of full matrices, with every static error, over hard cases and odd sizes.

use num_complex::Complex64;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Circuit, Fields, Form, MatrixProgram, MeshDesign, Phases, Stage, TOPOLOGIES, reference};
use phaseloom_testing::{Matrix, dft, haar, reversal, wave};
use std::f64::consts::PI;

/// Perfect cells, cells with every error, and cells of which some let nothing through.
fn states(cells: usize) -> [(&'static str, Vec<CellErrors>); 3] {
    let lossy = |k: usize| CellErrors {
        gamma: 0.2 * wave(k, 0.4),
        alpha: 0.2 * wave(k, 1.7),
        beta: 0.2 * wave(k, 2.9),
        upper: 0.8 + 0.2 * wave(k, 0.7),
        lower: 0.85 + 0.15 * wave(k, 0.9),
    };
    let broken = |k: usize| match k % 5 {
        0 => CellErrors { upper: 0.0, ..lossy(k) },
        1 => CellErrors { lower: 0.0, ..lossy(k) },
        2 => CellErrors { upper: 0.0, lower: 0.0, ..lossy(k) },
        _ => lossy(k),
    };
    [
        ("perfect", vec![CellErrors::NONE; cells]),
        ("every error", (0..cells).map(lossy).collect()),
        ("dark arms", (0..cells).map(broken).collect()),
    ]
}

/// The settings of hard unitaries, and phases of no unitary in particular.
fn stages(n: usize) -> Vec<(String, Stage)> {
    let mut stages = Vec::new();
    let unitaries =
        [("Haar", haar(n, n as u64)), ("identity", Matrix::identity(n, n)), ("reversal", reversal(n)), ("DFT", dft(n))];
    for design in MeshDesign::all() {
        if design.topology().is_universal() {
            for (name, u) in &unitaries {
                let program = MatrixProgram::new(u, Form::Unitary, design).expect(name);
                stages.push((format!("{design} {name}"), program.stages()[0].clone()));
            }
        }
        let layout = design.layout(n);
        for (name, all) in [("all cross", 0.0), ("all bar", PI), ("far phases", 1e7)] {
            let mut settings = Phases::blank(&layout);
            settings.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = all * (1.0 + (k % 3) as f64));
            stages.push((format!("{design} {name}"), Stage::mesh(layout.clone(), settings)));
        }
    }
    stages
}

#[test]
fn equals_the_product_of_full_matrices() {
    for n in [1, 2, 3, 5, 8, 15, 16, 17, 33] {
        for (name, stage) in stages(n) {
            for (state, errors) in states(stage.layout().positions.len()) {
                let exact = reference::mesh(&stage, &errors);
                let circuit = Circuit::compile(&stage, stage.phases(), &errors);
                let lines = stage.layout().modes;
                let error = (circuit.matrix() - &exact).norm();
                assert!(error <= 1e-13 * n as f64, "N={n} {name}, {state}: {error:.1e}");
                // Unit light in the ports alone, which has not spread to the other lines yet.
                let mut ports = Fields::identity(stage.layout().ports);
                circuit.propagate(&mut ports);
                let error = (ports.to_matrix() - exact.columns(0, stage.layout().ports)).norm();
                assert!(error <= 1e-13 * n as f64, "N={n} {name}, {state}, from the ports: {error:.1e}");
                for batch in [1, 7, 15, 16, 17, 40] {
                    let input =
                        Matrix::from_fn(lines, batch, |r, c| Complex64::new(wave(r + n * c, 0.7), wave(r * c, 1.1)));
                    let mut fields = Fields::from_matrix(&input);
                    circuit.propagate(&mut fields);
                    let expected = &exact * &input;
                    let error = (fields.to_matrix() - &expected).norm();
                    let bound = 1e-13 * n as f64 * input.norm().max(1.0);
                    assert!(error <= bound, "N={n} ×{batch} {name}, {state}: {error:.1e}");
                }
            }
        }
    }
}

#[test]
fn a_vector_comes_out_alike_in_every_batch() {
    let (name, stage) = stages(17).swap_remove(0);
    let (_, errors) = &states(stage.layout().positions.len())[1];
    let circuit = Circuit::compile(&stage, stage.phases(), errors);
    let input = Matrix::from_fn(17, 50, |r, c| Complex64::new(wave(r + 17 * c, 0.7), wave(r * c, 1.1)));
    let send = |input: &Matrix| {
        let mut fields = Fields::from_matrix(input);
        circuit.propagate(&mut fields);
        fields.to_matrix()
    };
    let whole = send(&input);
    for (first, count) in [(0, 1), (3, 1), (5, 16), (7, 30), (49, 1)] {
        let part = send(&input.columns(first, count).into_owned());
        let same = part
            .iter()
            .zip(whole.columns(first, count).iter())
            .all(|(a, b)| (a.re.to_bits(), a.im.to_bits()) == (b.re.to_bits(), b.im.to_bits()));
        assert!(same, "{name}: {count} vectors from {first} on");
    }
}

#[test]
fn strong_light_and_deep_meshes_stay_in_range() {
    // All cells in the bar state: every pivot is 6e-17 of the other term, along 400 columns.
    let topology = TOPOLOGIES[0];
    let layout = topology.layout(400);
    let mut settings = Phases::zero(layout.positions.len(), 400);
    let cells = layout.positions.len();
    settings.values_mut()[..2 * cells].fill(PI);
    let stage = Stage::mesh(layout, settings);
    for power in [1e-150, 1.0, 1e150] {
        let mut fields = Fields::from_matrix(&Matrix::from_element(400, 3, Complex64::new(power, 0.0)));
        Circuit::ideal(&stage).propagate(&mut fields);
        let error = fields.to_matrix().map(|z| (z / power - 1.0).norm()).max();
        assert!(error < 1e-13 * 400.0, "fields of {power}: {error:.1e}");
    }
}

#[test]
fn a_large_batch_passes_the_matrix_and_a_small_one_the_mesh() {
    let w = Matrix::from_fn(7, 9, |r, c| Complex64::new(wave(r + 7 * c, 0.9), wave(r * c, 1.3)));
    let program = MatrixProgram::new(&w, Form::Svd, TOPOLOGIES[0]).unwrap();
    let input = Matrix::from_fn(9, 200, |r, c| Complex64::new(wave(r + 9 * c, 0.7), wave(r * c, 1.1)));
    let (small, large) = (program.propagate(&input.columns(0, 100).into_owned()), program.propagate(&input));
    let expected = &w * &input / Complex64::new(program.gain(), 0.0);
    assert!((&small - expected.columns(0, 100)).norm() < 1e-12 * 9.0 * input.norm());
    assert!((&large - &expected).norm() < 1e-12 * 9.0 * input.norm());
}

#[test]
fn what_is_no_number_stays_visible() {
    let stage = stages(5).swap_remove(0).1;
    for bad in [f64::NAN, f64::INFINITY] {
        let mut phases = stage.phases().clone();
        phases.values_mut()[3] = bad;
        let made = Circuit::compile(&stage, &phases, &[CellErrors::NONE; 10]).matrix();
        assert!(made.iter().any(|z| z.re.is_nan()), "a phase of {bad} left no trace");
    }
}

#[test]
#[should_panic(expected = "share no mode")]
fn cells_of_a_column_that_overlap_are_refused() {
    let position = |mode| phaseloom_mesh::CellPosition { column: 0, mode };
    let _ = phaseloom_mesh::Layout::new(4, vec![position(0), position(1)]);
}

#[test]
fn a_layout_with_gaps_and_empty_columns_passes_light_all_the_same() {
    let position = |(column, mode)| phaseloom_mesh::CellPosition { column, mode };
    let places = [(0, 3), (2, 0), (2, 7), (3, 5), (40, 2), (40, 4), (41, 3), (70, 8)];
    let layout = phaseloom_mesh::Layout::new(20, places.map(position).to_vec());
    let mut settings = Phases::zero(places.len(), 20);
    settings.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 2.0 * wave(k, 1.9));
    let stage = Stage::mesh(layout, settings);
    for (state, errors) in states(places.len()) {
        let made = Circuit::compile(&stage, stage.phases(), &errors).matrix();
        assert!((made - reference::mesh(&stage, &errors)).norm() < 1e-13 * 20.0, "{state}");
    }
}
