//! Fidelity and matrix error of the same chips: F = exp(−E²), without the global phase.
//!
//! F does not change under a global phase. tr(U†∂U) is 0 for a splitter and i for a phase, so the mean
//! of the N² phase errors, of variance σ²/N² each, drops out: 1 − F is 2(N−1)σ² for splitters, but (N−1)σ², not Nσ², for phases.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "fidelity",
    sentence: "F = exp(−E²) with the first-order E; F does not see the global phase of phase errors, σ² of Nσ²; F = \
         (1−E²/2)² of splitters",
    source: "docs/physics.md, Fabrication errors; raw data of Fang et al. 2019",
    method: "splitter_error and phase_error → chips of Haar unitaries → F and E of the same chip",
    criterion: "1−F at σ = 1e-3: E₁² relative; F and second form at N = 64: 2E₁⁴/N",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    let text = |source: &str, sigma: f64| format!("[{source}]\nsigma_rad = {sigma:?}");
    for (n, unitaries) in [(4_usize, 200), (16, 60)] {
        let mesh = Mesh { modes: n, topology: "rectangular", unitaries, chips: 60, first: 0 };
        let m = n as f64 - 1.0;
        for (name, source, factor, wrong) in
            [("splitters", "splitter_error", 2.0 * m, 2.0 * m + 2.0), ("phases", "phase_error", m, m + 1.0)]
        {
            let infidelity = setting.mean(mesh, &text(source, 1e-3), |u, realised| 1.0 - fidelity(u, realised))?;
            let law = factor * 1e-6;
            rows.push(
                Check::new(format!("1 − F, {name}, N = {n}, σ = 0.001"), "1")
                    .law(law)
                    .allow(law * wrong * 1e-6)
                    .against("N for N−1", wrong * 1e-6)
                    .near(infidelity.estimate()),
            );
        }
    }
    let mesh = Mesh { modes: 64, topology: "rectangular", unitaries: 20, chips: 20, first: 1000 };
    for (name, source, first) in
        [("splitters", "splitter_error", 2.0 * 63.0 * 4e-4_f64), ("phases", "phase_error", 63.0 * 4e-4)]
    {
        let (f, second) = setting.means(mesh, &text(source, 0.02), |u, realised| {
            let f = fidelity(u, realised);
            (f, f - (1.0 - error_squared(u, realised) / 2.0).powi(2))
        })?;
        let (law, next) = ((-first).exp(), 2.0 * first * first / 64.0);
        let check = Check::new(format!("F, {name}, N = 64, σ = 0.02"), "1").law(law).allow(next);
        rows.push(check.against("a factor 2 in E²", (-2.0 * first).exp()).near(f.estimate()));
        if source == "splitter_error" {
            let check = Check::new("F − (1−E²/2)², splitters, N = 64, σ = 0.02", "1").law(0.0);
            rows.push(check.allow(next).near(second.estimate()));
        }
    }
    Ok(rows)
}
