//! Identity I19.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::process;
use crate::setting::Setting;
use crate::statistics::Mean;
use num_complex::Complex64;
use phaseloom_mesh::{Form, MatrixProgram, topology};
use phaseloom_numerics::linalg::svd;

pub(super) const CLAIM: Claim = Claim {
    key: "svd_error",
    sentence: "A matrix as two meshes and attenuators has ‖ΔW‖²/‖W‖² = E_U² + E_V² + 2σ²Σ(1−σ̃²)/Σσ̃² under splitter errors",
    source: "I19, derived and checked (N = 32, σ = .01: .1104 for the meshes' .1114)",
    method: "splitter_error → chips of Gaussian matrices on rectangular meshes → realised matrix times the gain of the program",
    criterion: "in E², relative: E²/4 for the next order and 1/N, because the outermost columns have not mixed the light",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let mut rows = Vec::new();
    for (n, sigma, draws) in [(16_usize, 1e-3_f64, 1000), (32, 0.01, 600)] {
        let process = process(&format!("[splitter_error]\nsigma_rad = {sigma:?}"))?;
        let found = setting.draws(draws, |draw| {
            let w = setting.gaussian(n, n, draw);
            let program = MatrixProgram::new(&w, Form::Svd, topology("rectangular")?)?;
            let made = setting.chip(&process, &program, draw)?.matrix(&program)?;
            let error = (made * Complex64::new(program.gain(), 0.0) - &w).norm_squared() / w.norm_squared();
            let values = svd(&w)?.sigma;
            let passed: Vec<f64> = values.iter().map(|s| (s / values[0]).powi(2)).collect();
            let lost: f64 = passed.iter().map(|t| 1.0 - t).sum();
            Ok((error, 2.0 * lost / passed.iter().sum::<f64>()))
        })?;
        let meshes = 4.0 * (n as f64 - 1.0) * sigma * sigma;
        let attenuators: Mean = found.iter().map(|f| f.1 * sigma * sigma).collect();
        let law = meshes + attenuators.estimate().value;
        let squares: Mean = found.iter().map(|f| f.0).collect();
        let next = law.sqrt() * (law / 4.0 + 1.0 / n as f64) / 2.0;
        let check = Check::new(format!("relative error, N = {n}, σ = {sigma}"), "1").law(law.sqrt()).allow(next);
        rows.push(check.against("one mesh", (meshes / 2.0).sqrt()).near(squares.estimate().root()));
    }
    Ok(rows)
}
