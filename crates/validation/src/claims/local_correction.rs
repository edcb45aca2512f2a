//! Local correction: exact if every cell reaches its splitting ratio, and the share of programs for which it is.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "local_correction",
    sentence: "Local correction is exact where every cell reaches its ratio, as a share exp(−N(N²−1)σ²/3) of Haar \
         unitaries does",
    source: "docs/physics.md, Corrections; Bandyopadhyay et al. 2021; Hamerly et al. 2022",
    method: "splitter_error → chips of Haar unitaries → `local` → E, and the number of cells that the method reports as \
         out of reach",
    criterion: "E ≤ 1e-13·N; share to .02 + 3 standard errors (cells near bar take .007, the next order gives .003); cells \
         to 2 %",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let local = correction("local")?;
    let mut rows = Vec::new();
    for (n, sigma, count) in [(16, 0.02_f64, setting.pick(1000, 4000)), (32, 0.005, setting.pick(300, 1500))] {
        let process = process(&format!("[splitter_error]\nsigma_rad = {sigma:?}"))?;
        let results = setting.draws(count, |draw| {
            let program = unitary(&setting.haar(n, draw), "rectangular")?;
            let chip = setting.chip(&process, &program, draw)?;
            let corrected = correct(&chip, &program, local, &Instruments::default())?;
            Ok((corrected.result.clipped_cells.unwrap_or_default(), corrected.after.error))
        })?;
        let label = |name: &str| format!("{name}, N = {n}, σ = {sigma}");
        let worst = results.iter().filter(|d| d.0 == 0).map(|d| d.1).fold(f64::NAN, f64::max);
        rows.push(Check::new(label("largest E within reach"), "1").at_most(1e-13 * n as f64, Estimate::exact(worst)));
        let share: Mean = results.iter().map(|d| f64::from(u8::from(d.0 == 0))).collect();
        let size = n as f64;
        let law = (-size * (size * size - 1.0) * sigma * sigma / 3.0).exp();
        rows.push(Check::new(label("share within reach"), "1").law(law).allow(0.02).near(share.estimate()));
        let cells = size * (size - 1.0) / 2.0;
        let missed: Mean = results.iter().map(|d| d.0 as f64 / cells).collect();
        let law = 2.0 * sigma * sigma * (size + 1.0) / 3.0;
        let check = Check::new(label("share of cells out of reach"), "1").law(law);
        // The N−1 cells of rank 1 miss the bar state as often as the cross state; the ranks add up to N(N²−1)/6.
        rows.push(check.allow(law * (0.02 + 6.0 / (size * (size + 1.0)))).near(missed.estimate()));
    }
    Ok(rows)
}
