//! Fidelities of large rectangular meshes, F = exp(−5(N−1)σ²).

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "fang_2019",
    sentence: "A rectangular mesh of N = 256 keeps F = .8802 at σ = .010 and .5991 at .020, which is exp(−5(N−1)σ²)",
    source: "docs/physics.md, Fabrication errors; Fang et al. 2019, raw files of the authors, \
         imprecise_optical_neural_network@2ed452f",
    method: "σ on every phase (rad) and on every splitter (amplitude, so √2·σ of angle) → 20 chips of Haar unitaries → F",
    criterion: "each mean within 3 standard errors of the published one, whose ± is taken as the deviation of 20 trials, \
         and of the law to 1.2e-3",
    rows,
};

const TRIALS: u64 = 20;

fn rows(setting: &Setting<'_>) -> Rows {
    let mut rows = Vec::new();
    for (sigma, published, deviation) in [(0.01_f64, 0.8802, 0.0016), (0.02, 0.5991, 0.0034)] {
        let label = |name: &str| format!("{name}, σ = {sigma}");
        let text = format!("[splitter_error]\nsigma_amplitude = {sigma:?}\n[phase_error]\nsigma_rad = {sigma:?}");
        let first = if sigma < 0.015 { 0 } else { 1000 };
        let mesh = Mesh { modes: 256, topology: "rectangular", unitaries: TRIALS, chips: 1, first };
        let f = setting.mean(mesh, &text, fidelity)?;
        let root = (TRIALS as f64).sqrt();
        // With σ in place of √2·σ of angle, 3(N−1) would replace 5(N−1).
        let wrong = ("σ of angle", (-3.0 * 255.0 * sigma * sigma).exp());
        let check = Check::new(label("F, published"), "1").published(published, deviation / root);
        rows.push(check.against(wrong.0, wrong.1).near(f.estimate()));
        let law = (-5.0 * 255.0 * sigma * sigma).exp();
        let check = Check::new(label("F, law"), "1").law(law).allow(1.2e-3);
        rows.push(check.against(wrong.0, wrong.1).near(f.estimate()));
        let published_error = deviation / (2.0 * (TRIALS as f64 - 1.0)).sqrt();
        let check = Check::new(label("deviation between trials"), "1").published(deviation, published_error);
        rows.push(check.against("a standard error", deviation * root).near(f.deviation()));
    }
    Ok(rows)
}
