//! Complex layers on chips: products of fields, and their gradients.

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::slopes::{Adjoint, ParameterShift};
use phaseloom_hardware::{
    CoreSpec, FieldProduct, LayerAddress, LayerProgram, Link, MatrixProduct, ParameterKind, Process, Scales, Shot,
    TrainableLayer, WeightKind,
};
use phaseloom_mesh::MeshDesign;
use phaseloom_numerics::{StreamKey, haar_unitary, standard_normal};
use std::sync::Arc;

const SHOT: Shot = Shot { trial: 0, index: 0, first_vector: 0 };
const ADDRESS: LayerAddress = LayerAddress { seed: 5, trial: 2, layer: 0, first_core: 3 };
/// Step of the central differences (rad): their error is 1e-9 of third derivatives near 1, their rounding 1e-11.
const STEP: f64 = 3e-5;
/// Set before the first run. The norm of all differences relative to the norm of the gradient.
const TOLERANCE: f64 = 1e-6;

const PROCESS: &str = "[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1\n\
    [insertion_loss]\nloss_db = 0.3\nimbalance_sigma_db = 0.2\n[thermal_crosstalk]\ncoefficient = 0.02";

/// Normal numbers.
fn random(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
    let mut stream = StreamKey::new(seed, "test/complex").stream();
    DMatrix::from_fn(rows, columns, |_, _| standard_normal(&mut stream))
}

/// Real part above imaginary part of a weight, outputs × inputs.
fn weight(kind: WeightKind, (outputs, inputs): (usize, usize)) -> DMatrix<f64> {
    if kind == WeightKind::Complex {
        return random(2 * outputs, inputs, 3);
    }
    let unitary = haar_unitary(outputs, &mut StreamKey::new(3, "test/complex").stream());
    DMatrix::from_fn(2 * outputs, inputs, |i, j| match i < outputs {
        true => unitary[(i, j)].re,
        false => unitary[(i - outputs, j)].im,
    })
}

/// The complex matrix or the complex fields of two parts, one above the other.
fn complex(parts: &DMatrix<f64>) -> DMatrix<Complex64> {
    let half = parts.nrows() / 2;
    DMatrix::from_fn(half, parts.ncols(), |i, j| Complex64::new(parts[(i, j)], parts[(half + i, j)]))
}

fn program(kind: WeightKind, shape: (usize, usize), keys: (&str, Option<&str>)) -> LayerProgram {
    let core = CoreSpec { ports: 4, ..CoreSpec::default() };
    let design = MeshDesign::from_keys(keys.0, keys.1).unwrap();
    LayerProgram::complex(&weight(kind, shape), kind, &core, &design).unwrap()
}

fn layer(kind: WeightKind, shape: (usize, usize), keys: (&str, Option<&str>)) -> TrainableLayer {
    let program = program(kind, shape, keys);
    let scales = Scales { input: 1.0, full_scale: vec![1.0; program.tiles().len()] };
    let process: Process = toml::from_str(PROCESS).unwrap();
    let core_use = CoreSpec::default().core_use();
    let mut layer = TrainableLayer::new(program, &process, &Link::default(), &scales, core_use).unwrap();
    layer.fabricate(ADDRESS).unwrap();
    // Phases of padded cores are 0, where crosstalk jumps: a heater at 2π warms its neighbours, one at 0 does not.
    layer.parameters_mut().iter_mut().flatten().for_each(|phase| *phase += 0.1);
    layer
}

/// ½ Σ (y − y₀)² and its gradient by y.
fn loss(y: &DMatrix<f64>) -> (f64, DMatrix<f64>) {
    let difference = DMatrix::from_fn(y.nrows(), y.ncols(), |i, j| y[(i, j)] - (0.7 * i as f64 - 0.3 * j as f64).cos());
    (0.5 * difference.norm_squared(), difference)
}

#[test]
fn perfect_chips_multiply_fields_by_the_complex_matrix() {
    for (kind, shape) in [(WeightKind::Complex, (5, 7)), (WeightKind::Unitary, (3, 3))] {
        let program = Arc::new(program(kind, shape, ("rectangular", None)));
        let design = program.design(&Process::default()).unwrap();
        let product = FieldProduct::new(&program, &design, CoreSpec::default().core_use(), ADDRESS).unwrap();
        assert_eq!(product.shape(), (2 * shape.0, 2 * shape.1));
        let x = random(2 * shape.1, 9, 8);
        let expected = complex(&weight(kind, shape)) * complex(&x);
        let found = complex(&product.multiply(&x, SHOT).0);
        assert!((found - expected).norm() < 1e-11);
        assert!(product.matrix_error() < 1e-12);
        assert!((program.ideal_weight() - weight(kind, shape)).norm() < 1e-11);
    }
}

/// A chip with loss is as bright as a perfect one, by the gain that the design chose; splitter errors in quadrature reach the
/// fields, so the error of the matrix is not smaller than what homodyne detection would read of it.
#[test]
fn the_designed_gain_undoes_the_mean_loss() {
    let program = Arc::new(program(WeightKind::Unitary, (4, 4), ("rectangular", None)));
    let process: Process = toml::from_str("[insertion_loss]\nloss_db = 0.5").unwrap();
    let design = program.design(&process).unwrap();
    assert!(design.transmission_db(&program) < -1.0);
    let product = FieldProduct::new(&program, &design, CoreSpec::default().core_use(), ADDRESS).unwrap();
    let x = random(8, 500, 8);
    let ratio = product.multiply(&x, SHOT).0.norm() / x.norm();
    // Paths of unequal loss remain: 0.5 dB is 6 % of an amplitude, a path has 3 or 4 cells.
    assert!((ratio - 1.0).abs() < 0.03, "{ratio}");
}

#[test]
fn gradients_are_those_of_central_differences() {
    let mut tried = 0;
    for keys in [("rectangular", None), ("triangular", None), ("rectangular", Some("symmetric")), ("diamond", None)] {
        for (kind, shape) in
            [(WeightKind::Complex, (5, 6)), (WeightKind::Unitary, (4, 4)), (WeightKind::Unitary, (3, 3))]
        {
            for vectors in [2, 6] {
                let mut layer = layer(kind, shape, keys);
                let x = random(2 * shape.1, vectors, 8);
                let (y, trace, _) = layer.record(&x, SHOT);
                let gradients = layer.backward(&trace, &loss(&y).1, true, &Adjoint);
                let (mut error, mut norm) = (0.0, 0.0);
                let mut add = |found: f64, [plus, minus]: [f64; 2]| {
                    error += (found - (plus - minus) / (2.0 * STEP)).powi(2);
                    norm += found * found;
                };
                for (group, of_group) in gradients.parameters.iter().enumerate() {
                    for (k, &found) in of_group.iter().enumerate() {
                        let start = layer.parameters()[group][k];
                        let differences = [start + STEP, start - STEP].map(|value| {
                            layer.parameters_mut()[group][k] = value;
                            loss(&layer.record(&x, SHOT).0).0
                        });
                        layer.parameters_mut()[group][k] = start;
                        add(found, differences);
                    }
                }
                for (k, &found) in gradients.input.unwrap().iter().enumerate() {
                    let differences = [STEP, -STEP].map(|step| {
                        let mut x = x.clone();
                        x.as_mut_slice()[k] += step;
                        loss(&layer.record(&x, SHOT).0).0
                    });
                    add(found, differences);
                }
                let deviation = (error / norm).sqrt();
                assert!(deviation < TOLERANCE, "{keys:?}, {kind:?}, {vectors} vectors: {deviation:e}");
                assert_eq!(layer.kinds().len(), gradients.parameters.len());
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 24);
}

/// Measured slopes see the same fields and adjoints.
#[test]
fn shifts_of_each_phase_are_exact() {
    let mut layer = layer(WeightKind::Complex, (5, 6), ("rectangular", None));
    let x = random(12, 3, 8);
    let (y, trace, _) = layer.record(&x, SHOT);
    let exact = layer.backward(&trace, &loss(&y).1, false, &Adjoint).parameters.concat();
    let found = layer.backward(&trace, &loss(&y).1, false, &ParameterShift).parameters.concat();
    let norm = exact.iter().map(|g| g * g).sum::<f64>().sqrt();
    assert!(found.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 1e-11 * norm));
}

#[test]
fn a_unitary_has_the_phases_of_one_mesh() {
    let layer = layer(WeightKind::Unitary, (3, 3), ("rectangular", None));
    assert_eq!(layer.kinds(), [ParameterKind::Mesh]);
    let general = self::layer(WeightKind::Complex, (4, 4), ("rectangular", None));
    use ParameterKind::{Attenuators, Gain, Mesh};
    assert_eq!(general.kinds(), [Mesh, Attenuators, Mesh, Gain]);
}

#[test]
fn impossible_combinations_are_refused() {
    let core = CoreSpec { ports: 4, ..CoreSpec::default() };
    let design = MeshDesign::from_keys("rectangular", None).unwrap();
    for (kind, matrix, part) in [
        (WeightKind::Unitary, random(8, 4, 1), "unitary"),
        (WeightKind::Unitary, weight(WeightKind::Unitary, (5, 5)), "at most 4"),
        (WeightKind::Unitary, random(6, 4, 1), "square"),
    ] {
        let error = LayerProgram::complex(&matrix, kind, &core, &design).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for (process, link, part) in [
        ("[phase_jitter]\nsigma_rad = 0.01", "", "phase_jitter"),
        ("", "adc.bits = 6", "link"),
        ("", "detection = 'direct'", "link"),
    ] {
        let (process, link): (Process, Link) = (toml::from_str(process).unwrap(), toml::from_str(link).unwrap());
        let error = phaseloom_hardware::check_fields(&process, &link).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
