//! The order of meshes under loss and phase error, as far as it is reproduced.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "diamond_order",
    sentence: "Under loss and phase error F of rectangular ≥ triangular; a diamond programmed as a triangle with idle \
         mirrored cells is below both: the published order, diamond first, is not reproduced",
    source: "docs/physics.md, Loss; Shokraneh et al. 2020, whose abstract calls it more tolerant than the triangular \
         mesh",
    method: "insertion_loss of .5 dB a cell and phase_error of .05 rad → chips of the same Haar unitaries → F",
    criterion: "mean differences, paired by unitary, above 0 by 3 standard errors",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let process = process("[insertion_loss]\nloss_db = 0.5\n[phase_error]\nsigma_rad = 0.05")?;
    let mut rows = Vec::new();
    for n in [8, 16] {
        let fidelities = setting.draws(setting.pick(100, 400), |draw| {
            let u = setting.haar(n, 700_000 + draw);
            let f = |key: &str| -> Result<f64, ValidationError> {
                let program = unitary(&u, key)?;
                Ok(fidelity(&u, &setting.chip(&process, &program, 700_000 + draw)?.matrix(&program)?))
            };
            Ok([f("diamond")?, f("triangular")?, f("rectangular")?])
        })?;
        let difference = |a: usize, b: usize| fidelities.iter().map(|f| f[a] - f[b]).collect::<Mean>().estimate();
        let note = "the mirrored cells are in the longest paths of the triangle: they add loss and errors there, and none \
                    to the short paths";
        rows.push(Check::new(format!("F rectangular − F triangular, N = {n}"), "1").at_least(0.0, difference(2, 1)));
        let check = Check::new(format!("F triangular − F diamond, N = {n}"), "1").note(note);
        rows.push(check.at_least(0.0, difference(1, 0)));
    }
    Ok(rows)
}
