//! Random splitter errors of variance σ²: each changes the matrix by 2δ² for N(N−1) splitters, so E² = 2(N−1)σ².

use super::matrix_error::{self, Law};
use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "splitter_error",
    sentence: "Random errors N(0, σ²) of the splitter angles give E = σ√(2(N−1)), beyond first order √(2(1−e^{−(N−1)σ²})), in any mesh",
    source: "docs/physics.md, Fabrication errors; Bandyopadhyay et al. 2021; Hamerly et al. 2022",
    method: "splitter_error → chips of Haar unitaries → realised matrix, N = 4, 16, 64; slope by regression on five σ",
    criterion: "next order E₁⁴/16 relative; slope 1.00 ± .03; N distinct from N−1, and σ of angle, amplitude and power from \
         each other",
    rows,
};

const LAW: Law =
    Law {
        source: "splitter_error", series: "splitters", factor: |n| 2.0 * (n - 1.0), wrong: ("σ√(2N)", |n| 2.0 * n)
    };

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = matrix_error::rows(setting, &LAW)?;
    for n in [4_usize, 16] {
        let first = 2.0 * (n as f64 - 1.0);
        let process = LAW.process(1e-3);
        let factors = (first, 2.0 * n as f64);
        rows.push(matrix_error::prefactor(setting, "triangular", ("triangular", n), &process, factors, LAW.wrong.0)?);
        // "50 ± x %" of power is σ itself. An error of amplitude counts √2-fold.
        for (key, factor, wrong) in [("sigma_power", 1.0, 2.0), ("sigma_amplitude", 2.0, 1.0)] {
            let process = format!("[splitter_error]\n{key} = 1e-3");
            let factors = (factor * first, wrong * first);
            for topology in TOPOLOGIES {
                let label = if topology == "rectangular" { key.to_owned() } else { format!("{key}, {topology}") };
                rows.push(matrix_error::prefactor(setting, &label, (topology, n), &process, factors, "a factor √2")?);
            }
        }
    }
    Ok(rows)
}
