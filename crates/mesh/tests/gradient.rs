//! The adjoint gradient of all phases equals finite differences, with every kind of static error.

use num_complex::Complex64;
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{
    Circuit, Fields, Form, MatrixProgram, MeshDesign, Phases, Rectangular, Stage, gradient, topologies,
};
use phaseloom_testing::{Matrix, haar, reversal, wave};

/// The amplitude of both arms of cell k.
type Amplitude = fn(usize) -> f64;

fn errors(cells: usize, imbalance: f64) -> Vec<CellErrors> {
    (0..cells)
        .map(|k| CellErrors {
            gamma: 0.1 * wave(k, 0.6),
            alpha: 0.1 * wave(k, 1.7),
            beta: 0.1 * wave(k, 2.9),
            upper_transmission: 0.9 * (1.0 - imbalance * wave(k, 0.7).abs()),
            lower_transmission: 0.95,
        })
        .collect()
}

fn send(stage: &Stage, phases: &Phases, errors: &[CellErrors], input: &Fields) -> Fields {
    let mut fields = input.clone();
    Circuit::compile(stage, phases, errors).propagate(&mut fields);
    fields
}

/// The real loss L = ½ Σ w|a|² + Σ Re(v*·a), and its adjoint w·a + v.
fn loss(output: &Matrix) -> (f64, Matrix) {
    let weight = |k: usize| 1.0 + 0.5 * wave(k, 0.37);
    let linear = |k: usize| Complex64::new(wave(k, 1.1), wave(k, 0.6));
    let value =
        output.iter().enumerate().map(|(k, a)| 0.5 * weight(k) * a.norm_sqr() + (linear(k).conj() * a).re).sum();
    let entries = output.iter().enumerate().map(|(k, a)| a * weight(k) + linear(k));
    (value, Matrix::from_iterator(output.nrows(), output.ncols(), entries))
}

/// Compares every `step`-th slope, and one direction of the input, with central differences.
fn check(name: &str, stage: &Stage, errors: &[CellErrors], batch: usize, step: usize) {
    let phases = stage.phases().clone();
    let modes = stage.layout().modes;
    let input = Matrix::from_fn(modes, batch, |r, c| Complex64::new(wave(r + 7 * c, 0.9), wave(3 * r + c, 0.4)));
    let input = Fields::from_matrix(&input);
    let output = send(stage, &phases, errors, &input);
    let (value, adjoint) = loss(&output.to_matrix());
    let (slopes, before) = gradient(stage, &phases, errors, &input, output, Fields::from_matrix(&adjoint));
    let scale = slopes.values().iter().fold(1.0_f64, |m, s| m.max(s.abs()));
    // Central differences with h = 1e-5: truncation h²/6·L‴ ~ 1e-11; rounding of L by 1e-16 in every column.
    let h = 1e-5;
    for k in (0..phases.values().len()).step_by(step) {
        let at = |step: f64| {
            let mut moved = phases.clone();
            moved.values_mut()[k] += step;
            loss(&send(stage, &moved, errors, &input).to_matrix()).0
        };
        let expected = (at(h) - at(-h)) / (2.0 * h);
        let slope = slopes.values()[k];
        let allowed = 1e-7 * scale + 1e-16 * stage.layout().columns as f64 * value.abs() / h;
        assert!((slope - expected).abs() < allowed, "{name} phase {k}: {slope} and {expected}");
    }
    // And with respect to the input, along one direction.
    let direction = Matrix::from_fn(modes, batch, |r, c| Complex64::new(wave(r + c, 2.1), wave(r * c, 1.3)));
    let at = |step: f64| {
        let moved = input.to_matrix() + &direction * Complex64::new(step, 0.0);
        loss(&send(stage, &phases, errors, &Fields::from_matrix(&moved)).to_matrix()).0
    };
    let expected = (at(h) - at(-h)) / (2.0 * h);
    let slope: f64 = before.to_matrix().iter().zip(direction.iter()).map(|(l, d)| (l.conj() * d).re).sum();
    assert!((slope - expected).abs() < 1e-7 * scale.max(expected.abs()), "{name} input: {slope} and {expected}");
}

fn programmed(u: &Matrix, topology: impl Into<MeshDesign>) -> Stage {
    MatrixProgram::new(u, Form::Unitary, topology).unwrap().stages()[0].clone()
}

/// A mesh with irregular phases.
fn random(design: &MeshDesign, n: usize) -> Stage {
    let layout = design.layout(n);
    let mut phases = Phases::blank(&layout);
    phases.values_mut().iter_mut().enumerate().for_each(|(k, x)| *x = 3.0 + 3.0 * wave(k + n, 1.3));
    Stage::mesh(layout, phases)
}

#[test]
fn equals_finite_differences() {
    for design in MeshDesign::all() {
        for (n, batch) in [(1, 3), (2, 1), (5, 1), (8, 16), (9, 17)] {
            let stage = &random(&design, n);
            // The last two must store fields: 1.5 digits per column, and blocked arms.
            for imbalance in [0.0, 0.05, 0.97, 1.0] {
                let mut errors = errors(stage.layout().positions.len(), imbalance);
                if imbalance >= 1.0 {
                    errors.iter_mut().step_by(3).for_each(|e| e.upper_transmission = 0.0);
                }
                check(&format!("{design} N={n} ×{batch}, imbalance {imbalance}"), stage, &errors, batch, 1);
            }
        }
    }
}

#[test]
fn equals_finite_differences_where_cells_are_cross_or_bar() {
    for topology in topologies().into_iter().filter(|t| t.capability().is_universal()) {
        let identity = Matrix::identity(9, 9);
        for (name, u) in [("identity", identity), ("reversal", reversal(9))] {
            let stage = &programmed(&u, &topology);
            let none = vec![CellErrors::NONE; stage.layout().positions.len()];
            check(&format!("{} {name}", topology.key()), stage, &none, 5, 1);
        }
    }
}

#[test]
fn attenuators_have_gradients_at_zero_transmission() {
    let w = Matrix::from_fn(4, 4, |r, c| Complex64::new(if r < 2 { wave(3 * r + c, 1.9) } else { 0.0 }, 0.0));
    let program = MatrixProgram::new(&w, Form::Svd, Rectangular).unwrap();
    let stage = &program.stages()[1];
    check("attenuators", stage, &errors(4, 0.2), 6, 1);
}

/// Several blocks of columns, several tiles, and loss that differs between cells and modes. Both arms lose equally, so
/// that no cell is unbalanced, yet undoing the mesh would lose every digit.
#[test]
fn deep_meshes_and_uneven_loss() {
    for topology in topologies() {
        let stage = &random(&(&topology).into(), 40);
        let cells = stage.layout().positions.len();
        let uneven = |k: usize| if k % 10 == 3 { 0.01 } else { 1.0 };
        let states: [(&str, Amplitude, usize); 5] = [
            ("lossless", |_| 1.0, 140),
            ("3 dB in every cell", |_| std::f64::consts::FRAC_1_SQRT_2, 3),
            ("28 dB in every cell", |_| 0.04, 3),
            ("40 dB in some", uneven, 17),
            ("nothing passes some", |k| if k % 100 == 7 { 1e-80 } else { 0.9 }, 3),
        ];
        for (name, amplitude, batch) in states {
            let errors: Vec<CellErrors> = (0..cells)
                .map(|k| CellErrors {
                    beta: 0.05,
                    upper_transmission: amplitude(k),
                    lower_transmission: amplitude(k),
                    ..CellErrors::NONE
                })
                .collect();
            check(&format!("{} {name}", topology.key()), stage, &errors, batch, 41);
        }
    }
}

/// Two thirds of the cells are in the bar state: scale factors leave their range, at some modes of a column only.
#[test]
fn bar_cells_rescale_modes() {
    for topology in topologies() {
        let random = random(&(&topology).into(), 40);
        let mut phases = random.phases().clone();
        let cells = random.layout().positions.len();
        (0..cells).filter(|cell| cell % 3 > 0).for_each(|cell| phases.values_mut()[cell] = std::f64::consts::PI);
        let stage = Stage::mesh(random.layout().clone(), phases);
        check(&format!("{} bar", topology.key()), &stage, &vec![CellErrors::NONE; cells], 17, 41);
    }
}

/// Overlaps carried through all columns of a large mesh accumulate no more error than the fields.
#[test]
fn overlaps_stay_accurate_through_a_large_lossy_mesh() {
    let stage = &programmed(&haar(256, 256), Rectangular);
    let errors: Vec<CellErrors> = (0..stage.layout().positions.len())
        .map(|k| CellErrors {
            gamma: 0.0,
            alpha: 0.02 * wave(k, 1.7),
            beta: 0.02 * wave(k, 2.9),
            upper_transmission: 0.99 + 0.005 * wave(k, 0.7),
            lower_transmission: 0.99 + 0.005 * wave(k, 1.9),
        })
        .collect();
    check("N=256", stage, &errors, 3, 1999);
}

#[test]
fn the_adjoint_before_a_mesh_propagates_like_any_fields() {
    let stage = &programmed(&haar(20, 20), Rectangular);
    let mut errors = vec![CellErrors::NONE; stage.layout().positions.len()];
    errors.iter_mut().for_each(|e| e.upper_transmission = 0.0);
    let identity = Fields::identity(20);
    let output = send(stage, stage.phases(), &errors, &identity);
    let (_, before) = gradient(stage, stage.phases(), &errors, &identity, output, identity.clone());
    let again = send(stage, stage.phases(), &errors, &before).to_matrix();
    let copied = send(stage, stage.phases(), &errors, &Fields::from_matrix(&before.to_matrix())).to_matrix();
    assert!((again - copied).norm() < 1e-13);
}

/// A chip is reciprocal: light that enters the outputs leaves the inputs by the transposed matrix. The adjoint before a
/// mesh is the conjugate of such light.
#[test]
fn light_goes_backwards_by_the_transposed_matrix() {
    for design in MeshDesign::all() {
        for n in [2, 5, 8] {
            let stage = &random(&design, n);
            let modes = stage.layout().modes;
            let errors = errors(stage.layout().positions.len(), 0.05);
            let input = Fields::identity(modes);
            let output = send(stage, stage.phases(), &errors, &input);
            let matrix = output.to_matrix();
            let backwards =
                Matrix::from_fn(modes, modes, |r, c| Complex64::new(wave(r + c, 2.1), wave(3 * r + c, 1.3)));
            let entering = Fields::from_matrix(&backwards.conjugate());
            let (_, leaving) = gradient(stage, stage.phases(), &errors, &input, output, entering);
            let expected = matrix.transpose() * &backwards;
            let error = (leaving.to_matrix().conjugate() - &expected).norm() / expected.norm();
            assert!(error < 1e-13 * modes as f64, "{design} N={n}: {error:.1e}");
        }
    }
}
