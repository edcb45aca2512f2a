//! Identity I6.

use super::matrix_error::{self, Law};
use crate::check::Row;
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::setting::Setting;

pub(super) const CLAIM: Claim = Claim {
    key: "phase_error",
    sentence: "Phases θ, φ and output off by N(0, σ²) make E = σ√N, in any mesh",
    source: "I6, derived and checked",
    method: "phase_error → chips of Haar unitaries → realised matrix, N = 4, 16, 64; slope by regression on five σ",
    criterion: "next order E₁⁴/16 relative; slope 1.00 ± .03; N told from N−1",
    rows,
};

const LAW: Law = Law { source: "phase_error", series: "phases", factor: |n| n, wrong: ("σ√(N−1)", |n| n - 1.0) };

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let mut rows = matrix_error::rows(setting, &LAW)?;
    let wrong = ("σ√(N−1)", 1e-3 * 15f64.sqrt());
    rows.push(matrix_error::prefactor(
        setting,
        "E, triangular, N = 16",
        "triangular",
        &LAW.process(1e-3),
        1e-3 * 4.0,
        wrong,
    )?);
    Ok(rows)
}
