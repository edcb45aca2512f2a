//! First-order error of a matrix as two meshes and a column of attenuators.
//!
//! For any program, E² = σ²·Σ_k ‖∂_k W‖²/‖W‖² over all splitters or all phases. The derivatives come from a slow
//! independent loop. The prediction of a process is its mean for power that is spread evenly over all modes.

mod common;

use common::{Layer, chip, derivatives, process, real, svd};
use num_complex::Complex64;
use phaseloom_mesh::MatrixProgram;
use phaseloom_testing::{Matrix, Mean, agree, gaussian};

/// The text of a process and whether its errors are those of splitters, else of phases.
const SOURCES: [(&str, bool); 2] =
    [("[splitter_error]\nsigma_rad = 1e-3", true), ("[phase_error]\nsigma_rad = 1e-3", false)];

/// σ²Σ‖∂W‖²/‖W‖² for σ = 1e-3, over the corner of the matrix that is in use.
fn exact(program: &MatrixProgram, splitters: bool, (rows, columns): (usize, usize)) -> f64 {
    let ideal = program.matrix().view((0, 0), (rows, columns)).norm_squared() / program.gain().powi(2);
    derivatives(program, splitters, rows, columns).iter().map(Matrix::norm_squared).sum::<f64>() * 1e-6 / ideal
}

/// E² with power spread evenly over all modes, from singular values t relative to the largest, for σ = 1e-3:
/// splitters 2(M + N − 2) + 2Σ(1 − t²)/Σt², phases M + N + Σ(t² + ¼)/Σt².
fn evenly_spread(w: &Matrix, (m, n): (usize, usize), splitters: bool) -> f64 {
    let s = w.clone().svd(false, false).singular_values;
    let t2: Vec<f64> = s.iter().map(|x| (x / s[0]).powi(2)).collect();
    let sum = |f: &dyn Fn(f64) -> f64| t2.iter().map(|&t| f(t)).sum::<f64>();
    let modes = (m + n) as f64;
    1e-6 * match splitters {
        true => 2.0 * (modes - 2.0) + 2.0 * sum(&|t| 1.0 - t) / sum(&|t| t),
        false => modes + sum(&|t| t + 0.25) / sum(&|t| t),
    }
}

/// A set of Gaussian matrices, each in the corner of a core of `ports` ports if given, with chips of each.
struct Case {
    shape: (usize, usize),
    ports: Option<usize>,
    complex: bool,
    topology: usize,
    matrices: u64,
    chips: u64,
}

impl Case {
    fn draws(shape: (usize, usize), complex: bool, topology: usize, matrices: u64, chips: u64) -> Self {
        Self { shape, ports: None, complex, topology, matrices, chips }
    }

    /// Means of measured/exact and of evenly spread/exact. The prediction for a square matrix is the
    /// latter, to 1e-9.
    fn compare(&self, text: &str, splitters: bool) -> (Mean, Mean) {
        let process = process(text);
        let (rows, columns) = self.shape;
        let (mut measured, mut spread) = (Mean::default(), Mean::default());
        for draw in 0..self.matrices {
            let mut w = gaussian(rows, columns, draw);
            if !self.complex {
                w = w.map(|z| Complex64::new(z.re, 0.0));
            }
            let padded = self.ports.map_or(w.clone(), |k| w.clone().resize(k, k, 0.0.into()));
            let program = svd(&padded, self.topology);
            let law = exact(&program, splitters, self.shape);
            for c in 0..self.chips {
                let realised = chip(&process, &program, draw * self.chips + c).matrix(&program).unwrap();
                let corner = realised.view((0, 0), self.shape) * Complex64::new(program.gain(), 0.0);
                measured.add((corner - &w).norm_squared() / w.norm_squared() / law);
            }
            let even = evenly_spread(&w, padded.shape(), splitters);
            spread.add(even / law);
            if rows == columns && self.ports.is_none() {
                assert!((process.predicted_error_squared(&program) / even - 1.0).abs() < 1e-9, "{text}: prediction");
            }
        }
        (measured, spread)
    }

    fn name(&self, text: &str) -> String {
        let Self { shape: (rows, columns), ports, complex, topology, .. } = self;
        format!("{} {rows}×{columns} in {ports:?}, complex {complex}, topology {topology}", &text[..10])
    }
}

/// The exact law: square, rectangular, real, padded, both topologies. Next order: relative E² < 2e-4.
#[test]
fn first_order_law_of_any_program() {
    for case in [
        Case::draws((4, 4), true, 0, 200, 60),
        Case::draws((16, 16), true, 0, 40, 50),
        Case::draws((16, 16), true, 1, 40, 50),
        Case::draws((16, 16), false, 0, 40, 50),
        Case::draws((5, 12), true, 0, 40, 60),
        Case::draws((12, 5), false, 1, 40, 60),
        Case { ports: Some(16), ..Case::draws((3, 5), false, 0, 100, 120) },
        Case { ports: Some(16), ..Case::draws((10, 16), false, 0, 40, 60) },
    ] {
        for (text, splitters) in SOURCES {
            agree(&case.name(text), case.compare(text, splitters).0, 1.0, 2e-4, 0.01);
        }
    }
}

/// The law of evenly spread power for a square matrix on rectangular meshes, relative to the exact law. The first
/// columns of U and the last of V† do not mix the power: singular values descend, phases act on the upper arm, and
/// the outermost modes meet fewer cells. That is O(1) of N columns, so the tolerance is 1/N.
#[test]
fn power_is_spread_evenly_on_rectangular_meshes() {
    for (n, matrices) in [(4, 2000), (16, 100)] {
        for complex in [false, true] {
            let case = Case::draws((n, n), complex, 0, matrices, 0);
            for (text, splitters) in SOURCES {
                agree(&case.name(text), case.compare(text, splitters).1, 1.0, 1.0 / n as f64, 0.01);
            }
        }
    }
}

/// `LayerDesign::predicted_error` of whole layers and the mean over chips, for cores without idle ports. Tolerance: 3 standard
/// errors plus 1/k for the uneven spread.
#[test]
fn prediction_for_layers() {
    for (rows, columns, ports) in [(16, 16, 16), (16, 32, 8)] {
        for (text, _) in SOURCES {
            let mut ratio = Mean::default();
            for draw in 0..60 {
                let w = real(rows, columns, draw);
                let layer = Layer::new(&w, &format!("ports = {ports}"), text, "", 1.0);
                for trial in 0..20 {
                    let error = layer.product(trial + 20 * draw).matrix_error();
                    ratio.add((error / layer.design.predicted_error()).powi(2));
                }
            }
            let name = format!("measured²/predicted² {rows}×{columns} on {ports}, {}", &text[..10]);
            agree(&name, ratio, 1.0, 1.0 / ports as f64, 0.02);
        }
    }
}
