//! Phases that fluctuate, beside errors that are frozen: what averaging over shots removes and what it does not.
//!
//! The complex matrix is read out through the product itself: a modulator of no extinction (ε = 1) sends unit light of
//! phase 0, π or π/2 (x = 1, −1, 0). N vectors of ±1 give Re Ŵ, and N with one input turned to π/2 give Im Ŵ.

mod common;

use common::{Layer, Matrix, Mean, agree};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{MatrixProduct, OpticalProduct, Shot};
use phaseloom_numerics::{StreamKey, haar_orthogonal};

const READER: &str = "symbol_rate_hz = 1e9\n[modulator]\nkind = \"push_pull\"\nextinction_db = 0.0";

/// The vectors of one reading of an N×N matrix: columns 0…N−1 have +1 but −1 at j; N…2N−1 have +1 but i at j.
fn probes(n: usize) -> DMatrix<f64> {
    DMatrix::from_fn(n, 2 * n, |i, j| match (i == j % n, j < n) {
        (false, _) => 1.0,
        (true, true) => -1.0,
        (true, false) => 0.0,
    })
}

/// The complex matrix from the readings of `probes`.
fn rebuild(readings: &DMatrix<f64>) -> Matrix {
    let n = readings.nrows();
    // Σ_j of the first N readings is (N − 2)·(row sum).
    let sum: Vec<f64> = (0..n).map(|i| readings.view((i, 0), (1, n)).sum() / (n as f64 - 2.0)).collect();
    Matrix::from_fn(n, n, |i, j| {
        let re = (sum[i] - readings[(i, j)]) / 2.0;
        // Re(Ŵ·f) with f_j = i: row sum − Re Ŵ_ij − Im Ŵ_ij.
        Complex64::new(re, sum[i] - re - readings[(i, n + j)])
    })
}

/// Realised matrices of `count` successive shots, the phases being held for each.
fn matrices(product: &OpticalProduct, n: usize, index: u32, count: usize) -> Vec<Matrix> {
    let one = probes(n);
    let batch = DMatrix::from_fn(n, 2 * n * count, |i, j| one[(i, j % (2 * n))]);
    let (out, _) = product.multiply(&batch, Shot { trial: 0, index, first_sample: 0 });
    (0..count).map(|k| rebuild(&out.columns(2 * n * k, 2 * n).clone_owned())).collect()
}

fn orthogonal(n: usize) -> DMatrix<f64> {
    haar_orthogonal(n, &mut StreamKey::new(4, "laws/jitter").stream()).map(|z| z.re)
}

fn layer(n: usize, process: &str) -> Layer {
    Layer::new(&orthogonal(n), &format!("ports = {n}"), process, READER, 1.0)
}

fn squared(made: &Matrix, n: usize) -> f64 {
    (made - orthogonal(n).map(|w| Complex64::new(w, 0.0))).norm_squared() / n as f64
}

/// Two meshes of N² phases each and N attenuators (θ at π, |∂θ|² = ¼; |∂φ|² = 1): one shot has E² = (2N + 1.25)σ², the
/// mean of K shots (2N + 1.25)σ²/K. The damping floor, (½(2N + 1.5)σ²)², is below 1e-6 of it at σ = 1e-4.
#[test]
fn jitter_averages_out_as_one_over_k() {
    let sigma = 1e-4;
    for (n, repeats) in [(4, 6000), (16, 1000)] {
        let hold = format!("{}e-9", 2 * n);
        let layer = layer(n, &format!("[phase_jitter]\nsigma_rad = {sigma}\ncorrelation_s = {hold}"));
        let product = layer.product(0);
        let one = (2.0 * n as f64 + 1.25) * sigma * sigma;
        for k in [1, 10] {
            let found: Mean = (0..repeats)
                .map(|index| {
                    let all = matrices(&product, n, index, k);
                    let mean = all.iter().fold(Matrix::zeros(n, n), |s, m| s + m) / Complex64::new(k as f64, 0.0);
                    squared(&mean, n)
                })
                .collect();
            agree(&format!("jitter N={n}, mean of {k}"), found, one / k as f64, 1e-4, 0.01);
        }
    }
}

/// The floor: the mean of e^{iδ} is e^{−σ²/2}, N times in each mesh, and an attenuator of transmission 1 (T11 =
/// ½e^{iφ}(e^{iθ} − 1)) loses σ²/2 for φ and σ²/4 for θ: E∞ = ½(2N + 1.5)σ² for the common part. K = 400 shots leave
/// (2N + 1.25)σ²/K beside it. Next order, relative to the floor squared: paths of unequal numbers of shifters (their
/// variance over N², below 2 %) and third order Nσ² (0.7 %). Physics notes: K = 200, N = 16, σ = .02, one mesh: .0064.
#[test]
fn jitter_has_a_damping_floor() {
    let (n, sigma, k) = (16, 0.02, 400);
    let layer = layer(n, &format!("[phase_jitter]\nsigma_rad = {sigma}\ncorrelation_s = 32e-9"));
    let product = layer.product(0);
    let found: Mean = (0..48)
        .map(|index| {
            let all = matrices(&product, n, index, k);
            squared(&(all.iter().fold(Matrix::zeros(n, n), |s, m| s + m) / Complex64::new(k as f64, 0.0)), n)
        })
        .collect();
    let s2 = sigma * sigma;
    let floor = (0.5 * (2.0 * n as f64 + 1.5) * s2).powi(2);
    let left = (2.0 * n as f64 + 1.25) * s2 / k as f64;
    eprintln!("floor {:.5}, K-average {:.5}", floor.sqrt(), left.sqrt());
    agree("jitter floor, K = 400", found, floor + left, 0.03, 0.02);
}

/// Frozen errors do not average out: the mean of any number of shots is the first one, to rounding.
#[test]
fn frozen_errors_do_not_average_out() {
    let layer = layer(8, "[splitter_error]\nsigma_rad = 0.01\n[phase_error]\nsigma_rad = 0.01");
    let product = layer.product(0);
    let all: Vec<Matrix> = (0..30).flat_map(|index| matrices(&product, 8, index, 2)).collect();
    let mean = all.iter().fold(Matrix::zeros(8, 8), |s, m| s + m) / Complex64::new(all.len() as f64, 0.0);
    let (one, averaged) = (squared(&all[0], 8), squared(&mean, 8));
    assert!((averaged / one - 1.0).abs() < 1e-10 && one > 1e-4, "{one} {averaged}");
}

/// Phases hold for ⌈τf⌉ vectors, counted from the first sample of the data, and change between.
#[test]
fn phases_hold_for_the_correlation_time() {
    for (tau, hold) in [("0.0", 1), ("0.4e-9", 1), ("1e-9", 1), ("2.5e-9", 3), ("7e-9", 7)] {
        let process = format!("[phase_jitter]\nsigma_rad = 0.05\ncorrelation_s = {tau}");
        let product = Layer::new(&orthogonal(4), "ports = 4", &process, "symbol_rate_hz = 1e9", 1.0).product(0);
        let x = DMatrix::from_element(4, 40, 0.7);
        for first in [0, 5] {
            let (out, _) = product.multiply(&x, Shot { trial: 0, index: 0, first_sample: first });
            for j in 1..40 {
                let equal = out.column(j) == out.column(j - 1);
                let same_moment = (first as usize + j) / hold == (first as usize + j - 1) / hold;
                assert_eq!(equal, same_moment, "τ = {tau}, first {first}, vector {j}");
            }
        }
    }
}
