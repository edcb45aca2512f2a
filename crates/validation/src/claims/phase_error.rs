//! Random phase errors of variance σ²: each of the N² phases changes the matrix by δ², so E² = Nσ².

use super::matrix_error::{self, Law};
use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "phase_error",
    sentence: "Random errors N(0, σ²) of θ, φ and output phases give E = σ√N, in any mesh",
    source: "docs/physics.md, Fabrication errors",
    method: "phase_error → chips of Haar unitaries → realised matrix, N = 4, 16, 64; slope by regression on five σ",
    criterion: "next order E₁⁴/16 relative; slope 1.00 ± .03; N distinct from N−1",
    rows,
};

const LAW: Law = Law { source: "phase_error", series: "phases", factor: |n| n, wrong: ("σ√(N−1)", |n| n - 1.0) };

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = matrix_error::rows(setting, &LAW)?;
    for n in [4_usize, 16] {
        let (mesh, size) = (("triangular", n), n as f64);
        let process = LAW.process(1e-3);
        rows.push(matrix_error::prefactor(setting, "triangular", mesh, &process, (size, size - 1.0), LAW.wrong.0)?);
    }
    Ok(rows)
}
