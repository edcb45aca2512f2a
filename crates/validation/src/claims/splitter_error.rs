//! Identity I5.

use super::matrix_error::{self, Law};
use crate::check::Row;
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::setting::Setting;

pub(super) const CLAIM: Claim = Claim {
    key: "splitter_error",
    sentence: "Splitters off by N(0, σ²) make E = σ√(2(N−1)), beyond first order √(2(1−e^{−(N−1)σ²})), in any mesh",
    source: "I5, derived and checked; Bandyopadhyay et al. 2021, Hamerly et al. 2022 (recalled)",
    method: "splitter_error → chips of Haar unitaries → realised matrix, N = 4, 16, 64; slope by regression on five σ",
    criterion: "next order E₁⁴/16 relative; slope 1.00 ± .03; N told from N−1, and σ of angle, amplitude and power from each other",
    rows,
};

const LAW: Law =
    Law {
        source: "splitter_error", series: "splitters", factor: |n| 2.0 * (n - 1.0), wrong: ("σ√(2N)", |n| 2.0 * n)
    };

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let mut rows = matrix_error::rows(setting, &LAW)?;
    let first = 1e-3 * (2.0 * 15.0_f64).sqrt();
    let wrong = ("σ√(2N)", 1e-3 * 32f64.sqrt());
    let triangular = LAW.process(1e-3);
    rows.push(matrix_error::prefactor(setting, "E, triangular, N = 16", "triangular", &triangular, first, wrong)?);
    // "50 ± x %" of power is σ itself; Fang's σ of amplitude counts √2-fold.
    for (key, factor, other) in [("sigma_power", 1.0, 2f64.sqrt()), ("sigma_amplitude", 2f64.sqrt(), 1.0)] {
        let text = format!("[splitter_error]\n{key} = 1e-3");
        let label = format!("E, {key}, N = 16");
        let wrong = ("a factor √2", other * first);
        rows.push(matrix_error::prefactor(setting, &label, "rectangular", &text, factor * first, wrong)?);
    }
    Ok(rows)
}
