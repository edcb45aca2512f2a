//! Splitter errors of a matrix as two meshes and a column of attenuators.
//!
//! ‖ΔW‖²/‖W‖² = E_U² + E_V² + 2σ²Σ(1−σ̃²)/Σσ̃², with σ̃ the singular values relative to the largest.

use super::prelude::*;
use phaseloom_numerics::linalg::svd;

pub(super) const CLAIM: Claim = Claim {
    key: "svd_error",
    sentence: "A matrix as two meshes and attenuators has ‖ΔW‖²/‖W‖² = E_U² + E_V² + 2σ²Σ(1−σ̃²)/Σσ̃² under splitter \
         errors",
    source: "docs/physics.md, Fabrication errors; for N = 32, σ = .01 a printed value is .1104 for the .1114 of the \
         meshes alone",
    method: "splitter_error → chips of Gaussian matrices on rectangular meshes → realised matrix times the gain of the \
         program",
    criterion: "in E², relative: E²/4 for the next order and 1/N, because the outermost columns do not mix all modes",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for (n, sigma, draws) in [(16_usize, 1e-3_f64, 1000), (32, 0.01, 600)] {
        let process = process(&format!("[splitter_error]\nsigma_rad = {sigma:?}"))?;
        let results = setting.draws(draws, |draw| {
            let w = setting.gaussian(n, n, draw);
            let program = MatrixProgram::new(&w, Form::Svd, topology("rectangular")?)?;
            let realised = setting.chip(&process, &program, draw)?.matrix(&program)?;
            let error = (realised * Complex64::new(program.gain(), 0.0) - &w).norm_squared() / w.norm_squared();
            let values = svd(&w)?.sigma;
            let transmitted: Vec<f64> = values.iter().map(|s| (s / values[0]).powi(2)).collect();
            let lost: f64 = transmitted.iter().map(|t| 1.0 - t).sum();
            Ok((error, 2.0 * lost / transmitted.iter().sum::<f64>()))
        })?;
        let meshes = 4.0 * (n as f64 - 1.0) * sigma * sigma;
        let attenuators: Mean = results.iter().map(|f| f.1 * sigma * sigma).collect();
        let law = meshes + attenuators.estimate().value;
        let squares: Mean = results.iter().map(|f| f.0).collect();
        let next = law.sqrt() * (law / 4.0 + 1.0 / n as f64) / 2.0;
        let check = Check::new(format!("relative error, N = {n}, σ = {sigma}"), "1").law(law.sqrt()).allow(next);
        rows.push(check.against("one mesh", (meshes / 2.0).sqrt()).near(squares.estimate().sqrt()));
    }
    Ok(rows)
}
