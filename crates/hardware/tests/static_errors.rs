//! Laws of single static errors of a unitary mesh that are no claim of `validation`, and the predictions of a process.
//!
//! E² = ‖U − Û‖²_F/N, with the global phase kept. A mean agrees with its law within 3 standard errors plus the
//! next-order term. A standard error of 1 % of E² is one of 0.5 % of E.

mod common;

use common::{chip, derivatives, process, unitary};
use phaseloom_hardware::{Chip, Process};
use phaseloom_numerics::matrix_error;
use phaseloom_testing::{Matrix, Mean, agree, haar};
use std::f64::consts::{LN_10, PI};

/// E² of the N(N−1)/2 cells with two splitters each is 2(N−1)σ², of N² phases Nσ². An error of amplitude counts √2-fold.
#[test]
fn predictions_are_the_first_order_laws() {
    for (text, law) in [
        ("[splitter_error]\nsigma_rad = 1e-3", (|n| 2.0 * (n - 1.0)) as fn(f64) -> f64),
        ("[splitter_error]\nsigma_amplitude = 1e-3", |n| 4.0 * (n - 1.0)),
        ("[splitter_error]\nsigma_power = 1e-3", |n| 2.0 * (n - 1.0)),
        ("[phase_error]\nsigma_rad = 1e-3", |n| n),
    ] {
        for (topology, n) in [(0, 4), (0, 16), (1, 4), (1, 16)] {
            let predicted = process(text).predicted_error_squared(&unitary(&haar(n, 0), topology));
            let ratio = predicted / (law(n as f64) * 1e-6);
            assert!((ratio - 1.0).abs() < 1e-12, "{text} N={n} topology {topology}: {ratio}");
        }
    }
}

/// Unequal arms. With x_k ~ N(0, s²) dB the upper arm loses x⁺ and the lower x⁻, in amplitude c·x, c = ln10/20:
/// * the mean power loss is (2c/N)·Σ E|x| = c(N−1)s√(2/π);
/// * an arm of amplitude 1−ε changes the matrix by ε², and Var x⁺ + Var x⁻ = s²(1 − 1/π). Two chips of one program
///   therefore differ by ‖Û₁ − Û₂‖²/2N = ½(N−1)c²s²(1 − 1/π).
///
/// With a mean m ≫ s the same arm always loses more: the variance about the nominal chip is ½(N−1)c²s².
/// Next order: the loss itself, relative (N−1)·c·(s or m) < 2e-3.
#[test]
fn imbalance() {
    let c = LN_10 / 20.0;
    for (topology, n, unitaries) in [(0, 4, 200), (0, 16, 40), (1, 4, 200), (1, 16, 40)] {
        let m = n as f64 - 1.0;
        let s = 1e-4;
        let symmetric = process("[insertion_loss]\nimbalance_sigma_db = 1e-4");
        let biased = process("[insertion_loss]\nimbalance_db = 1e-3\nimbalance_sigma_db = 1e-4");
        let (mut lost, mut between, mut about) = (Mean::default(), Mean::default(), Mean::default());
        for h in 0..unitaries {
            let program = unitary(&haar(n, h), topology);
            let nominal = Chip::nominal(&biased, &program).unwrap().matrix(&program).unwrap();
            for trial in (0..60).map(|k| 2 * (h * 60 + k)) {
                let realised = |p: &Process, trial| chip(p, &program, trial).matrix(&program).unwrap();
                let (a, b) = (realised(&symmetric, trial), realised(&symmetric, trial + 1));
                lost.add(1.0 - a.norm_squared() / n as f64);
                between.add((a - b).norm_squared() / (2 * n) as f64);
                about.add((realised(&biased, trial) - &nominal).norm_squared() / n as f64);
            }
        }
        let at = format!("N={n} topology {topology}");
        agree(&format!("imbalance, mean loss {at}"), lost, c * m * s * (2.0 / PI).sqrt(), 2e-3, 0.01);
        let law = 0.5 * m * c * c * s * s;
        agree(&format!("imbalance, between chips {at}"), between, law * (1.0 - 1.0 / PI), 2e-3, 0.01);
        agree(&format!("imbalance, one arm {at}"), about, law, 4e-3, 0.01);
    }
}

/// All splitters are off by the same μ. Errors then add as amplitudes, E² = μ²‖Σ ∂_k Û‖²/N over all splitters of the
/// program. (One cell alone has ‖ΔT‖² = 8μ²cos²(θ/2), not 4μ². Neighbours that share a mode cancel a part of it.)
/// Next order: relative Nμ = 1.6e-5 times some tens of coherent terms: 1e-3.
#[test]
fn common_splitter_error() {
    for n in [4, 16] {
        let process = process("[splitter_error]\nmean_rad = 1e-6");
        for h in 0..100 {
            let u = haar(n, h);
            let program = unitary(&u, 0);
            let measured = matrix_error(&u, &chip(&process, &program, h).matrix(&program).unwrap()).powi(2);
            let sum = derivatives(&program, true, n, n).into_iter().fold(Matrix::zeros(n, n), |s, d| s + d);
            let law = 1e-12 * sum.norm_squared() / n as f64;
            assert!((measured / law - 1.0).abs() < 1e-3, "N={n} unitary {h}: {measured:e} for {law:e}");
        }
    }
}
