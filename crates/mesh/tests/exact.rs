//! Programs rebuild their matrix to rounding, over the hard cases of the field.

use nalgebra::DVector;
use num_complex::Complex64;
use phaseloom_mesh::{
    Cell, Contraction, Form, MatrixProgram, MeshDesign, MeshError, Rectangular, StageKind, topologies, topology,
};
use phaseloom_testing::{Matrix, dft, gaussian, haar, hard_unitaries, re};

/// The distance of a matrix from that of its program.
fn error(w: &Matrix, form: Form, design: impl Into<MeshDesign>) -> f64 {
    (MatrixProgram::new(w, form, design).unwrap().matrix() - w).norm()
}

fn check(n: usize) {
    for design in MeshDesign::all().filter(|d| d.topology().capability().is_universal()) {
        // Other cells are matched to MZIs, cell by cell: small meshes are enough to test them.
        let large = !["rectangular", "triangular"].contains(&design.topology().key());
        let cases = match (n, design.cell()) {
            (..=65, _) | (..=130, Cell::Mzi) => usize::MAX,
            (..=130, _) => 2,
            (_, Cell::Mzi) if large => 2,
            (_, Cell::Mzi) => usize::MAX,
            _ => 0,
        };
        for (name, u) in hard_unitaries(n).into_iter().take(cases) {
            let error = error(&u, Form::Unitary, &design);
            assert!(error <= 1e-13 * n as f64, "{design} {name} N={n}: {error:.1e}");
        }
    }
}

/// A matrix that is unitary only within the tolerance of the check is programmed with an error of that size.
#[test]
fn unitaries_with_a_defect() {
    for design in MeshDesign::all().filter(|d| d.topology().capability().is_universal() && d.cell() == Cell::Mzi) {
        for n in [16, 64] {
            for (name, u) in hard_unitaries(n) {
                let wave = |k: usize| 1e-10 * (1.0 + k as f64 * 12.9898).sin() / n as f64;
                let u = Matrix::from_fn(n, n, |r, c| u[(r, c)] + Complex64::new(wave(r * n + c), wave(c * n + r + 7)));
                let error = error(&u, Form::Unitary, &design);
                assert!(error <= 1e-9, "{design} {name} N={n}: {error:.1e}");
            }
        }
    }
}

/// Cells and columns of each topology: the numbers of the literature (docs/physics.md, "Decompositions").
#[test]
fn counts_and_depths() {
    for n in [1usize, 2, 3, 4, 5, 8, 13, 16] {
        let modes = n.next_power_of_two();
        let levels = modes.trailing_zeros() as usize;
        let expected = |key: &str| match key {
            "rectangular" => (n * (n - 1) / 2, if n > 2 { n } else { n - 1 }),
            "triangular" => (n * (n - 1) / 2, (2 * n).saturating_sub(3)),
            "redundant" if n > 2 => (n * (n - 1) / 2 + n - 1, n + 2),
            // With two modes, every other column has no cell.
            "redundant" => (2 * (n - 1), 3 * (n - 1)),
            "diamond" => ((n - 1) * (n - 1), (2 * n).saturating_sub(3)),
            "contraction" => (n * n, 2 * n - 1),
            "fractal" => (modes / 2 * (modes - 1), modes - 1),
            "butterfly" => (modes / 2 * levels, levels),
            "tree" => (modes - 1, levels),
            "masks" if n > 2 => ((3 * n).div_ceil(2) * (n / 2) + 3 * n / 2 * ((n - 1) / 2), 3 * n),
            "masks" => (3 * (n - 1), 5 * (n - 1)),
            other => panic!("{other}: its numbers are not stated here"),
        };
        for topology in topologies() {
            let layout = topology.layout(n);
            assert_eq!((layout.positions.len(), layout.columns), expected(topology.key()), "{} N={n}", topology.key());
            assert_eq!(layout.ports, n);
        }
    }
}

/// A mesh that is not universal realises its matrices: the tree one row, the butterfly the Fourier transform of bit-reversed
/// inputs.
#[test]
fn meshes_that_are_not_universal() {
    let tree = topology("tree").unwrap();
    for n in [1, 2, 3, 7, 8, 17] {
        for (name, u) in hard_unitaries(n) {
            let row = u.rows(0, 1).into_owned();
            for &cell in tree.cells() {
                let error = error(&row, Form::Svd, MeshDesign::new(tree.clone(), cell).unwrap());
                assert!(error <= 1e-13 * n as f64, "{} {name} N={n}: {error:.1e}", cell.key());
            }
        }
    }
    assert!(matches!(MatrixProgram::new(&haar(3, 1), Form::Auto, tree), Err(MeshError::Topology { .. })));
    let butterfly = topology("butterfly").unwrap();
    for n in [2usize, 4, 8, 16] {
        let bits = n.trailing_zeros();
        let reversed =
            dft(n).select_columns(&(0..n).map(|c| c.reverse_bits() >> (usize::BITS - bits)).collect::<Vec<_>>());
        for &cell in butterfly.cells() {
            let error = error(&reversed, Form::Unitary, MeshDesign::new(butterfly.clone(), cell).unwrap());
            assert!(error < 1e-5, "{} N={n}: {error:.1e}", cell.key());
        }
    }
    // A Haar unitary is only approximated, with (N/2·log₂N)·2 + N instead of N² parameters.
    let distance = error(&haar(16, 1), Form::Unitary, butterfly) / 4.0;
    assert!((0.3..1.3).contains(&distance), "{distance}");
    // Phase masks have enough phases for any unitary, and the search converges.
    let masks = topology("masks").unwrap();
    for n in [2, 3, 4, 8] {
        let error = error(&haar(n, 2), Form::Unitary, &masks);
        assert!(error < 1e-5, "masks N={n}: {error:.1e}");
    }
    assert!(matches!(MeshDesign::new(masks, Cell::Mzi), Err(MeshError::CellOfTopology { .. })));
}

#[test]
fn unitaries_up_to_65() {
    (1..=17).chain(31..=33).chain(63..=65).for_each(check);
}

#[test]
fn unitaries_127_to_129() {
    [127, 128, 129].into_iter().for_each(check);
}

#[test]
fn unitaries_255_to_257() {
    [255, 256, 257].into_iter().for_each(check);
}

#[test]
fn unitary_of_1024() {
    let u = haar(1024, 1024);
    for key in ["rectangular", "triangular"] {
        let error = error(&u, Form::Unitary, topology(key).unwrap());
        assert!(error <= 1e-13 * 1024.0, "{key}: {error:.1e}");
    }
}

fn matrices() -> Vec<(String, Matrix)> {
    let mut cases = Vec::new();
    for (m, n) in [(1, 1), (1, 7), (7, 1), (2, 2), (5, 9), (9, 5), (16, 16), (33, 20), (64, 64), (10, 64)] {
        let g = |seed: u64| gaussian(m, n, seed);
        let complex = g(1);
        let real = complex.map(|z| re(z.re));
        let mut repeated = real.clone();
        for c in 0..n {
            repeated[(m - 1, c)] = repeated[(0, c)];
        }
        let mut zero_rows = real.clone();
        (0..m).step_by(2).for_each(|r| zero_rows.row_mut(r).fill(re(0.0)));
        let rank_one = real.column(0) * complex.row(0);
        let identity = Matrix::identity(m, n);
        cases.extend([
            (format!("complex {m}×{n}"), complex.clone()),
            (format!("real {m}×{n}"), real.clone()),
            (format!("zero {m}×{n}"), Matrix::zeros(m, n)),
            (format!("repeated row {m}×{n}"), repeated),
            (format!("zero rows {m}×{n}"), zero_rows),
            (format!("rank one {m}×{n}"), rank_one),
            (format!("identity {m}×{n}"), identity),
            (format!("tiny {m}×{n}"), &complex * re(1e-160)),
            (format!("subnormal {m}×{n}"), &complex * re(1e-310)),
            (format!("huge {m}×{n}"), &complex * re(1e150)),
            (format!("graded {m}×{n}"), Matrix::from_fn(m, n, |i, j| re(10f64.powi(-((i + j) as i32))))),
        ]);
    }
    cases
}

#[test]
fn any_matrix_is_rebuilt_from_its_singular_values() {
    for topology in topologies().into_iter().filter(|t| t.capability().is_universal()) {
        for (name, w) in matrices() {
            let program = MatrixProgram::new(&w, Form::Svd, &topology).expect(&name);
            let error = (program.matrix() - &w).map(|z| Complex64::new(z.re * 1e-150, z.im * 1e-150)).norm();
            let bound = 1e-13 * w.nrows().max(w.ncols()) as f64 * program.gain() * 1e-150;
            assert!(error <= bound, "{} {name}: {error:.1e} > {bound:.1e}", topology.key());
            let attenuators = program.stages().iter().filter(|s| s.kind() == StageKind::Attenuators);
            assert!(attenuators.flat_map(|s| s.phases().theta()).all(|t| (0.0..=3.15).contains(t)));
        }
    }
}

/// Many entries just below and above the size that counts as zero: the bound holds in every form, on one mesh and on two.
#[test]
fn entries_near_the_threshold_keep_the_bound() {
    for topology in topologies().into_iter().filter(|t| t.capability().is_universal()) {
        for n in [2, 3, 8, 16, 33, 64] {
            for size in [1e-14, 2e-14, 3.9e-14, 4.1e-14, 5e-14, 7e-14, 0.99e-13, 1.01e-13, 1.5e-13, 3e-13] {
                let tilt =
                    Matrix::from_fn(n, n, |r, c| re(if r == c { 1.0 } else { size * (c as f64 - r as f64).signum() }));
                let sigma = Matrix::from_diagonal(&DVector::from_fn(n, |k, _| re(1.0 - 0.5 * k as f64 / n as f64)));
                let svd = &tilt * &sigma * &tilt;
                let reversed = Matrix::from_fn(n, n, |r, c| svd[(n - 1 - r, c)]);
                for (w, form) in [(&tilt, Form::Auto), (&tilt, Form::Svd), (&svd, Form::Svd), (&reversed, Form::Svd)] {
                    let error = error(w, form, &topology);
                    assert!(error <= 1e-13 * n as f64, "{} N={n}, {size}: {error:.2e}", topology.key());
                }
            }
        }
    }
}

/// docs/physics.md (42): one mesh leaves out the part of a matrix that is not unitary.
#[test]
fn nearly_unitary_matrices_lose_their_deviation_alone() {
    for topology in topologies().into_iter().filter(|t| t.capability().is_universal()) {
        for n in [2, 5, 16] {
            for size in [3e-13, 1e-11, 4e-10] {
                let mut stretched = haar(n, 7);
                stretched.column_mut(0).scale_mut(1.0 + 0.5 * size);
                let sheared = Matrix::from_fn(n, n, |r, c| re(if r == c { 1.0 } else { size / n as f64 }));
                for w in [&stretched, &sheared] {
                    let deviation = (w.adjoint() * w - Matrix::identity(n, n)).norm();
                    let (one, two) = (error(w, Form::Auto, &topology), error(w, Form::Svd, &topology));
                    let bound = 1e-13 * n as f64 * (1.0 + size);
                    let name = format!("{} N={n}, {size}: {one:.2e}, {two:.2e}", topology.key());
                    assert!(one <= bound + deviation / std::f64::consts::SQRT_2, "{name}");
                    assert!(two <= bound, "{name}");
                }
            }
        }
    }
}

#[test]
fn programs_survive_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program.json");
    for (name, w) in matrices().into_iter().take(40) {
        let program = MatrixProgram::new(&w, Form::Auto, Rectangular).unwrap();
        program.save(&path).unwrap();
        let back = MatrixProgram::load(&path).unwrap();
        assert_eq!(back.stages(), program.stages(), "{name}");
        assert_eq!(back.to_json(), program.to_json());
    }
    // The former key of contractions is still read.
    let program = MatrixProgram::new(&haar(3, 1).map(|z| z * 0.5), Form::Auto, Contraction).unwrap();
    let text = program.to_json();
    assert_eq!(text.matches("\"contraction\"").count(), 2);
    std::fs::write(&path, text.replace("\"contraction\"", "\"direct\"")).unwrap();
    assert_eq!(MatrixProgram::load(&path).unwrap().to_json(), text);
}

#[test]
fn impossible_matrices_are_refused_with_their_numbers() {
    let message = |w: &Matrix, form| MatrixProgram::new(w, form, Rectangular).unwrap_err().to_string();
    let mut w = Matrix::identity(3, 3);
    w[(1, 2)] = re(0.5);
    assert!(message(&w, Form::Unitary).contains("max |U†U − I| = 5.0e-1, tolerance 1e-9"));
    w[(2, 0)] = re(f64::NAN);
    assert_eq!(message(&w, Form::Auto), "matrix entry (2, 0) is NaN: every entry must be finite");
    assert!(message(&Matrix::zeros(2, 3), Form::Unitary).contains("2×3"));
    assert!(message(&Matrix::zeros(0, 3), Form::Svd).contains("0×3"));
    assert!(message(&(Matrix::identity(2, 2) * re(1e200)), Form::Unitary).contains("not unitary"));
}
