//! Identity I7.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{Mesh, error_squared};
use crate::setting::Setting;
use phaseloom_numerics::fidelity;

pub(super) const CLAIM: Claim = Claim {
    key: "fidelity",
    sentence: "F = exp(−E²) with the first-order E; of phase errors the common phase, σ² of Nσ², is not seen; F = (1−E²/2)² of splitters",
    source: "I7, checked on raw data of Fang et al. 2019 (found); the common phase derived",
    method: "splitter_error and phase_error → chips of Haar unitaries → F and E of the same chip",
    criterion: "1−F at σ = 1e-3: E₁² relative; F at N = 64: 1.2e-3 as I7 states; second form: 2E₁⁴/N",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let mut rows = Vec::new();
    let text = |source: &str, sigma: f64| format!("[{source}]\nsigma_rad = {sigma:?}");
    for (n, unitaries) in [(4_usize, 200), (16, 60)] {
        let mesh = Mesh { modes: n, topology: "rectangular", unitaries, chips: 60, first: 0 };
        let m = n as f64 - 1.0;
        for (name, source, factor, wrong) in
            [("splitters", "splitter_error", 2.0 * m, 2.0 * m + 2.0), ("phases", "phase_error", m, m + 1.0)]
        {
            let found = setting.mean(mesh, &text(source, 1e-3), |u, made| 1.0 - fidelity(u, made))?.estimate();
            let law = factor * 1e-6;
            rows.push(
                Check::new(format!("1 − F, {name}, N = {n}, σ = 0.001"), "1")
                    .law(law)
                    .allow(law * wrong * 1e-6)
                    .against("N for N−1", wrong * 1e-6)
                    .near(found),
            );
        }
    }
    let mesh = Mesh { modes: 64, topology: "rectangular", unitaries: 20, chips: 20, first: 1000 };
    for (name, source, first) in
        [("splitters", "splitter_error", 2.0 * 63.0 * 4e-4_f64), ("phases", "phase_error", 64.0 * 4e-4)]
    {
        let (f, second) = setting.means(mesh, &text(source, 0.02), |u, made| {
            let f = fidelity(u, made);
            (f, f - (1.0 - error_squared(u, made) / 2.0).powi(2))
        })?;
        let law = (-first).exp();
        let check = Check::new(format!("F, {name}, N = 64, σ = 0.02"), "1").law(law).allow(1.2e-3);
        rows.push(check.against("a factor 2 in E²", (-2.0 * first).exp()).near(f.estimate()));
        if source == "splitter_error" {
            let check = Check::new("F − (1−E²/2)², splitters, N = 64, σ = 0.02", "1").law(0.0);
            rows.push(check.allow(2.0 * first * first / 64.0).near(second.estimate()));
        }
    }
    Ok(rows)
}
