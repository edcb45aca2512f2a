//! Shokraneh 2020 (notes §7.13): the order of meshes under loss and phase error, as far as it is found.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{process, unitary};
use crate::setting::Setting;
use crate::statistics::Mean;
use phaseloom_numerics::fidelity;

pub(super) const CLAIM: Claim = Claim {
    key: "diamond_order",
    sentence: "Under loss and phase error F of rectangular ≥ triangular; a diamond programmed as a triangle with idle mirrored \
               cells comes below both: the published order, diamond first, is not found",
    source: "Shokraneh et al. 2020 (abstract found: more tolerant than Reck); notes §7.13 (recalled, qualitative)",
    method: "insertion_loss of .5 dB a cell and phase_error of .05 rad → chips of the same Haar unitaries → F",
    criterion: "mean differences, paired by unitary, above 0 by 3 s.e.",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let process = process("[insertion_loss]\nloss_db = 0.5\n[phase_error]\nsigma_rad = 0.05")?;
    let mut rows = Vec::new();
    for n in [8, 16] {
        let done = setting.draws(setting.pick(100, 400), |draw| {
            let u = setting.haar(n, 700_000 + draw);
            let of = |key: &str| -> Result<f64, ValidationError> {
                let program = unitary(&u, key)?;
                Ok(fidelity(&u, &setting.chip(&process, &program, 700_000 + draw)?.matrix(&program)?))
            };
            Ok([of("diamond")?, of("triangular")?, of("rectangular")?])
        })?;
        let difference = |a: usize, b: usize| done.iter().map(|f| f[a] - f[b]).collect::<Mean>().estimate();
        let note = "the mirrored cells stand on the way of the ports at the triangle's flat side, which has the most cells \
                    anyway: they add loss and errors there, and none where ways are short";
        rows.push(Check::new(format!("F rectangular − F triangular, N = {n}"), "1").at_least(0.0, difference(2, 1)));
        let check = Check::new(format!("F triangular − F diamond, N = {n}"), "1").note(note);
        rows.push(check.at_least(0.0, difference(1, 0)));
    }
    Ok(rows)
}
