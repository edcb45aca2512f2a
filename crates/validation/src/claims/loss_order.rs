//! Tolerance to loss: the rectangular mesh has a higher fidelity than the triangular one.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "loss_order",
    sentence: "Under equal loss the rectangular mesh has a higher fidelity than the triangular one for all N ≥ 4",
    source: "Clements et al. 2016, \"significantly more robust to optical losses\"",
    method: "insertion_loss of 0.2 dB → one chip of each mesh for the same Haar unitary → F of one minus F of the other",
    criterion: "the mean difference, paired by unitary, is above 0 by 3 standard errors",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let process = process("[insertion_loss]\nloss_db = 0.2")?;
    let f = |u: &Matrix, key: &str| -> Result<f64, ValidationError> {
        let program = unitary(u, key)?;
        Ok(fidelity(u, &setting.chip(&process, &program, 0)?.matrix(&program)?))
    };
    let mut rows = Vec::new();
    for n in [4, 5, 6, 8, 12, 16, 20, 32, 64] {
        let differences = setting.draws(200, |draw| {
            let u = setting.haar(n, draw);
            Ok(f(&u, "rectangular")? - f(&u, "triangular")?)
        })?;
        let difference = differences.into_iter().collect::<Mean>().estimate();
        rows.push(Check::new(format!("F rectangular − F triangular, N = {n}"), "1").at_least(0.0, difference));
    }
    Ok(rows)
}
