//! Phases that fluctuate from shot to shot, compared with frozen errors.
//!
//! The complex matrix is measured through the product itself. A modulator without extinction (ε = 1) sends unit fields of
//! phase 0, π or π/2 for x = 1, −1, 0. N vectors of ±1 give Re Ŵ. N vectors with one input at π/2 give Im Ŵ.

use super::prelude::*;
use phaseloom_hardware::{MatrixProduct, OpticalProduct, Shot};
use phaseloom_numerics::{StreamKey, haar_orthogonal};

pub(super) const CLAIM: Claim = Claim {
    key: "jitter",
    sentence: "The mean of K shots with phase jitter is off by σ√(N/K) of one mesh, down to a damping floor Nσ²/2; frozen \
         errors do not average out",
    source: "docs/physics.md, Phase noise; for K = 200, N = 16, σ = .02 a printed value is .0064, with N−1 for N",
    method: "phase_jitter → OpticalProduct, matrix measured by probe vectors, two meshes and attenuators; one mesh by a \
         new phase_error per shot",
    criterion: "1/K: 1e-4 of E² for the floor; floor: 3 % of it for paths with unequal numbers of phase shifters; frozen: \
         1e-10 relative",
    rows,
};

const READER: &str = "symbol_rate_hz = 1e9\n[modulator]\nkind = \"push_pull\"\nextinction_db = 0.0";

/// Probe vectors for one matrix: columns 0…N−1 have +1 but −1 at j; N…2N−1 have +1 but i at j.
fn probes(n: usize) -> DMatrix<f64> {
    DMatrix::from_fn(n, 2 * n, |i, j| match (i == j % n, j < n) {
        (false, _) => 1.0,
        (true, true) => -1.0,
        (true, false) => 0.0,
    })
}

/// The complex matrix from the outputs for `probes`.
fn rebuild(outputs: &DMatrix<f64>) -> Matrix {
    let n = outputs.nrows();
    // The first N outputs add up to (N − 2)·(row sum).
    let sum: Vec<f64> = (0..n).map(|i| outputs.view((i, 0), (1, n)).sum() / (n as f64 - 2.0)).collect();
    Matrix::from_fn(n, n, |i, j| {
        let re = (sum[i] - outputs[(i, j)]) / 2.0;
        // Re(Ŵ·f) with f_j = i is the row sum − Re Ŵ_ij − Im Ŵ_ij.
        Complex64::new(re, sum[i] - re - outputs[(i, n + j)])
    })
}

/// Mean of the matrices of `shots` shots with constant phases in each, and the first matrix.
fn mean_matrix(product: &OpticalProduct, n: usize, index: u64, shots: usize) -> (Matrix, Matrix) {
    let one = probes(n);
    let batch = DMatrix::from_fn(n, 2 * n * shots, |i, j| one[(i, j % (2 * n))]);
    let (out, _) = product.multiply(&batch, Shot { trial: 0, index, first_vector: 0 });
    let shot = |k: usize| rebuild(&out.columns(2 * n * k, 2 * n).clone_owned());
    let sum = (0..shots).fold(Matrix::zeros(n, n), |sum, k| sum + shot(k));
    (sum / Complex64::new(shots as f64, 0.0), shot(0))
}

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    let weight = |n: usize| {
        let key = StreamKey::new(setting.seed, "validate/orthogonal").block(n as u64);
        haar_orthogonal(n, &mut key.stream()).map(|z| z.re)
    };
    let squared = |matrix: &Matrix, n: usize| error_squared(&weight(n).map(|w| Complex64::new(w, 0.0)), matrix);

    // N² phases in each mesh; N attenuators at θ = π, where |∂θ|² = ¼ and |∂φ|² = 1: E² = (2N + 1.25)σ²/K.
    let sigma = 1e-4;
    for (n, repeats) in [(4_usize, 6000), (16, 1000)] {
        let text = format!("[phase_jitter]\nsigma_rad = {sigma:?}\ncorrelation_s = {}e-9", 2 * n);
        let product = Layer::new(&weight(n), n, &text, READER, 1.0)?.product(setting, 0)?;
        for shots in [1, 10] {
            let errors = setting.draws(repeats, |index| Ok(squared(&mean_matrix(&product, n, index, shots).0, n)))?;
            let law = ((2.0 * n as f64 + 1.25) / shots as f64).sqrt() * sigma;
            let check = Check::new(format!("E of the mean of {shots}, N = {n}"), "1").law(law).allow(0.5e-4 * law);
            let wrong =
                if shots == 1 { ("a factor √2", law * 2f64.sqrt()) } else { ("no averaging", law * 10f64.sqrt()) };
            rows.push(check.against(wrong.0, wrong.1).near(errors.into_iter().collect::<Mean>().estimate().sqrt()));
        }
    }

    // The mean of e^{iδ} is e^{−σ²/2}, N times in each mesh. An attenuator loses σ²/2 for φ and σ²/4 for θ.
    let (n, sigma, shots) = (16_usize, 0.02_f64, 400);
    let text = format!("[phase_jitter]\nsigma_rad = {sigma:?}\ncorrelation_s = 32e-9");
    let product = Layer::new(&weight(n), n, &text, READER, 1.0)?.product(setting, 0)?;
    let errors =
        setting.draws(setting.pick(48, 96), |index| Ok(squared(&mean_matrix(&product, n, index, shots).0, n)))?;
    let floor = (0.5 * (2.0 * n as f64 + 1.5) * sigma * sigma).powi(2);
    let remainder = (2.0 * n as f64 + 1.25) * sigma * sigma / shots as f64;
    let law = (floor + remainder).sqrt();
    let check = Check::new("E of the mean of 400, N = 16, σ = 0.02", "1").law(law).allow(0.03 * floor / (2.0 * law));
    let errors: Mean = errors.into_iter().collect();
    rows.push(check.against("no floor", remainder.sqrt()).near(errors.estimate().sqrt()));

    // One mesh: K chips with independent phases are K shots.
    let (process, shots) = (process("[phase_error]\nsigma_rad = 0.02")?, 200_u64);
    let errors = setting.draws(setting.pick(40, 160), |draw| {
        let u = setting.haar(n, draw);
        let program = unitary(&u, "rectangular")?;
        let mut sum = Matrix::zeros(n, n);
        for k in 0..shots {
            sum += setting.chip(&process, &program, draw * shots + k)?.matrix(&program)?;
        }
        Ok(error_squared(&u, &(sum / Complex64::new(shots as f64, 0.0))))
    })?;
    let (floor, remainder) = ((0.5 * n as f64 * 4e-4).powi(2), n as f64 * 4e-4 / shots as f64);
    let law = (floor + remainder).sqrt();
    let check = Check::new("E of the mean of 200, one mesh, N = 16", "1").law(law).allow(0.03 * floor / (2.0 * law));
    let errors: Mean = errors.into_iter().collect();
    let check = check.note("a printed value is .0064, without output phases (N−1: .00625)");
    rows.push(check.against("no floor", remainder.sqrt()).near(errors.estimate().sqrt()));

    let frozen = "[splitter_error]\nsigma_rad = 0.01\n[phase_error]\nsigma_rad = 0.01";
    let product = Layer::new(&weight(8), 8, frozen, READER, 1.0)?.product(setting, 0)?;
    let (mean, first) = mean_matrix(&product, 8, 0, 60);
    let change = (squared(&mean, 8) / squared(&first, 8) - 1.0).abs();
    rows.push(
        Check::new("frozen errors: relative change of E² by 60 shots", "1").at_most(1e-10, Estimate::exact(change)),
    );
    Ok(rows)
}
