//! Clements 2016: the rectangular mesh bears loss better.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{Matrix, process, unitary};
use crate::setting::Setting;
use crate::statistics::Mean;
use phaseloom_numerics::fidelity;

pub(super) const CLAIM: Claim = Claim {
    key: "loss_order",
    sentence: "Under equal loss the rectangular mesh has a higher fidelity than the triangular one for all N ≥ 4",
    source: "Clements et al. 2016, \"significantly more robust to optical losses\" (found: abstract)",
    method: "insertion_loss of 0.2 dB → one chip of each mesh for the same Haar unitary → F of one minus F of the other",
    criterion: "the mean difference, paired by unitary, is above 0 by 3 s.e.",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
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
        let found = differences.into_iter().collect::<Mean>().estimate();
        rows.push(Check::new(format!("F rectangular − F triangular, N = {n}"), "1").at_least(0.0, found));
    }
    Ok(rows)
}
