//! Identities I8 and I9: where local correction is exact, and how often.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{process, unitary};
use crate::setting::Setting;
use crate::statistics::{Estimate, Mean};
use phaseloom_hardware::correction::{Instruments, correct, correction};

pub(super) const CLAIM: Claim = Claim {
    key: "local_correction",
    sentence: "Local correction is exact where every cell reaches its ratio, as a share exp(−N(N²−1)σ²/3) of Haar unitaries does",
    source: "I8, I9 and notes §2.3, derived and checked; Bandyopadhyay et al. 2021, Hamerly et al. 2022 (recalled)",
    method: "splitter_error → chips of Haar unitaries → `local` → E, and the cells that the method says are out of reach",
    criterion: "E ≤ 1e-13·N; share to .02 beside 3 s.e. (cells near bar take .007, the next order gives .003); cells to 2 %",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let local = correction("local")?;
    let mut rows = Vec::new();
    for (n, sigma, count) in [(16, 0.02_f64, setting.pick(1000, 4000)), (32, 0.005, setting.pick(300, 1500))] {
        let process = process(&format!("[splitter_error]\nsigma_rad = {sigma:?}"))?;
        let done = setting.draws(count, |draw| {
            let program = unitary(&setting.haar(n, draw), "rectangular")?;
            let chip = setting.chip(&process, &program, draw)?;
            let done = correct(&chip, &program, local, &Instruments::default())?;
            Ok((done.result.clipped_cells.unwrap_or_default(), done.after.error))
        })?;
        let of = |what: &str| format!("{what}, N = {n}, σ = {sigma}");
        let worst = done.iter().filter(|d| d.0 == 0).map(|d| d.1).fold(f64::NAN, f64::max);
        rows.push(Check::new(of("largest E within reach"), "1").at_most(1e-13 * n as f64, Estimate::exact(worst)));
        let share: Mean = done.iter().map(|d| f64::from(u8::from(d.0 == 0))).collect();
        let size = n as f64;
        let law = (-size * (size * size - 1.0) * sigma * sigma / 3.0).exp();
        rows.push(Check::new(of("share within reach"), "1").law(law).allow(0.02).near(share.estimate()));
        let cells = size * (size - 1.0) / 2.0;
        let missed: Mean = done.iter().map(|d| d.0 as f64 / cells).collect();
        let law = 2.0 * sigma * sigma * (size + 1.0) / 3.0;
        let check = Check::new(of("share of cells out of reach"), "1").law(law);
        // Rank-1 cells miss bar as often as cross: N−1 of Σk = N(N²−1)/6.
        rows.push(check.allow(law * (0.02 + 6.0 / (size * (size + 1.0)))).near(missed.estimate()));
    }
    Ok(rows)
}
