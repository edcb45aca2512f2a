//! The order of corrections, and the gain from extra columns of cells.

use super::prelude::*;
use phaseloom_mesh::{Rectangular, Redundant};

pub(super) const CLAIM: Claim = Claim {
    key: "burgwal_2017",
    sentence: "F of descent in all phases ≥ F of local correction ≥ F without correction; measurements of the chip alone reach the F \
         of its gradient; extra columns help",
    source: "docs/physics.md, Corrections; Burgwal et al. 2017",
    method: "splitter_error of 0.1 rad → chips of Haar unitaries → `local`, `adjoint`, `self_configuration` without \
         noise → F; `adjoint` on meshes of 0, 2 and 4 extra columns, 3000 steps",
    criterion: "mean differences, paired by chip, above 0 by 3 standard errors; measurements and gradient within 1e-3; two \
         and four extra columns, which both bring F to one, within 1e-4",
    rows,
};

fn rows(setting: &Setting<'_>) -> Rows {
    let process = process("[splitter_error]\nsigma_rad = 0.1")?;
    let quiet = Instruments { noise: 0.0, ..Instruments::default() };
    let mut rows = Vec::new();
    for n in [6, 10] {
        let done = setting.draws(setting.pick(100, 400), |draw| {
            let program = unitary(&setting.haar(n, draw), "rectangular")?;
            let chip = setting.chip(&process, &program, draw)?;
            let f = |key: &str| correct(&chip, &program, correction(key)?, &quiet);
            let (local, global, measured) = (f("local")?, f("adjoint")?, f("self_configuration")?);
            Ok([local.before.fidelity, local.after.fidelity, global.after.fidelity, measured.after.fidelity])
        })?;
        let difference = |a: usize, b: usize| done.iter().map(|f| f[a] - f[b]).collect::<Mean>().estimate();
        rows.push(Check::new(format!("F local − F none, N = {n}"), "1").at_least(0.0, difference(1, 0)));
        rows.push(Check::new(format!("F descent − F local, N = {n}"), "1").at_least(0.0, difference(2, 1)));
        let check = Check::new(format!("F from measurements − F descent, N = {n}"), "1").law(0.0).allow(1e-3);
        rows.push(check.near(difference(3, 2)));
    }
    // More cells have more errors of the same size, but also more phases to correct them.
    let (n, designs) = (8, [Rectangular.into(), Redundant { extra: 2 }.into(), Redundant { extra: 4 }.into()]);
    let long = Instruments { effort: 2.0, ..quiet.clone() };
    let done = setting.draws(setting.pick(40, 200), |draw| {
        let u = setting.haar(n, 40_000 + draw);
        let reached = |design: &MeshDesign| -> Result<f64, ValidationError> {
            let program = programmed(&u, design)?;
            let chip = setting.chip(&process, &program, 40_000 + draw)?;
            Ok(correct(&chip, &program, correction("adjoint")?, &long)?.after.fidelity)
        };
        Ok([reached(&designs[0])?, reached(&designs[1])?, reached(&designs[2])?])
    })?;
    for (a, b) in [(1, 0), (2, 1)] {
        let difference: Mean = done.iter().map(|f| f[a] - f[b]).collect();
        let label = format!("F with {} − {} extra columns, N = {n}", 2 * a, 2 * b);
        // Two columns already bring F to one, so four cannot improve it.
        rows.push(match b {
            0 => Check::new(label, "1").at_least(0.0, difference.estimate()),
            _ => Check::new(label, "1").law(0.0).allow(1e-4).near(difference.estimate()),
        });
    }
    Ok(rows)
}
