//! Fragility of a butterfly mesh of L columns: F = exp(−(5L+1)σ²).
//!
//! The law follows from the infidelity σ² of each phase and 2σ² of each splitter with an error of amplitude σ.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "butterfly_fragility",
    sentence: "With σ on every phase and, in amplitude, on every splitter, a butterfly mesh of L columns has F = \
         exp(−(5L+1)σ²): as fragile as any mesh of its depth",
    source: "docs/physics.md, Fabrication errors; the published curves follow exp(−(4L+1)σ²), because the authors' code \
         computes noisy phases and does not use them",
    method: "phase_error σ and splitter_error of amplitude σ → chips of butterfly meshes with uniform phases → F",
    criterion: "mean F within 3 standard errors + 1 % of the law, and distinct from the published one",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let design: MeshDesign = topology("butterfly")?.into();
    let mut rows = Vec::new();
    for (n, sigma) in [(64_usize, 0.05_f64), (256, 0.05)] {
        let process =
            process(&format!("[phase_error]\nsigma_rad = {sigma:?}\n[splitter_error]\nsigma_amplitude = {sigma:?}"))?;
        let cells = design.layout(n).positions.len();
        let measured: Mean = setting
            .draws(setting.pick(60, 400), |draw| {
                let mut phases = Phases::zero(cells, n);
                let mut angle = setting.angles("validate/butterfly", draw);
                phases.values_mut().iter_mut().for_each(|phase| *phase = angle());
                let program = MatrixProgram::from_phases(&design, n, phases);
                let chip = setting.chip(&process, &program, draw)?;
                Ok(fidelity(&program.matrix(), &chip.matrix(&program)?))
            })?
            .into_iter()
            .collect();
        let columns = f64::from(n.trailing_zeros());
        let law = |phases: f64| (-((4.0 + phases) * columns + 1.0) * sigma * sigma).exp();
        let check = Check::new(format!("F, N = {n}, σ = {sigma}"), "1").law(law(1.0)).allow(0.01 * law(1.0));
        rows.push(check.against("the published law", law(0.0)).near(measured.estimate()));
    }
    Ok(rows)
}
