//! Burgwal 2017: the order of corrections.

use crate::check::Check;
use crate::machine::{process, unitary};
use crate::statistics::Mean;
use crate::{Claim, Row, Setting, ValidationError};
use phaseloom_hardware::correction::{Instruments, correct, correction};

pub(super) const CLAIM: Claim = Claim {
    key: "burgwal_2017",
    sentence: "F of descent in all phases ≥ F of local correction ≥ F of none; readings of the chip alone come as near as its gradient",
    source: "Burgwal et al. 2017, notes §7.12 (found: abstract); the part on redundant columns needs such meshes",
    method: "splitter_error of 0.1 rad → chips of Haar unitaries → `local`, `adjoint`, `self_configuration` without noise → F",
    criterion: "mean differences, paired by chip, above 0 by 3 s.e.; the last two within 1e-3",
    rows,
};

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let process = process("[splitter_error]\nsigma_rad = 0.1")?;
    let quiet = Instruments { noise: 0.0, ..Instruments::default() };
    let mut rows = Vec::new();
    for n in [6, 10] {
        let done = setting.draws(setting.pick(100, 400), |draw| {
            let program = unitary(&setting.haar(n, draw), "rectangular")?;
            let chip = setting.chip(&process, &program, draw)?;
            let f = |key: &str| correct(&chip, &program, correction(key)?, &quiet);
            let (local, global, read) = (f("local")?, f("adjoint")?, f("self_configuration")?);
            Ok([local.before.fidelity, local.after.fidelity, global.after.fidelity, read.after.fidelity])
        })?;
        let difference = |a: usize, b: usize| done.iter().map(|f| f[a] - f[b]).collect::<Mean>().estimate();
        rows.push(Check::new(format!("F local − F none, N = {n}"), "1").at_least(0.0, difference(1, 0)));
        rows.push(Check::new(format!("F descent − F local, N = {n}"), "1").at_least(0.0, difference(2, 1)));
        let check = Check::new(format!("F from readings − F descent, N = {n}"), "1").law(0.0).allow(1e-3);
        rows.push(check.near(difference(3, 2)));
    }
    Ok(rows)
}
