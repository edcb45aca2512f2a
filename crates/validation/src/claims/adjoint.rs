//! The adjoint gradient ∂L/∂phase of all phases of a chip, compared with central differences.

use super::prelude::*;

pub(super) const CLAIM: Claim = Claim {
    key: "adjoint_gradient",
    sentence: "The adjoint gradient of all phases is exact, also with loss and splitter errors",
    source: "docs/physics.md, Gradients; Hughes et al. 2018",
    method: "chips with splitter and phase errors, loss and unequal arms → gradient of a real loss, compared with \
         central differences",
    criterion: "1e-8 of the largest slope: rounding 1e-16·L/h with h = 1e-5 and L of some hundreds of slopes",
    rows,
};

const PROCESS: &str = "[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1\n\
                       [insertion_loss]\nloss_db = 0.3\nimbalance_db = 0.2\nimbalance_sigma_db = 0.1";

fn rows(setting: &Setting<'_>) -> Rows {
    let process = process(PROCESS)?;
    let mut rows = Vec::new();
    for key in TOPOLOGIES {
        for n in [5_usize, 12] {
            let differences = setting.draws(8, |draw| {
                let program = unitary(&setting.haar(n, draw), key)?;
                let chip = setting.chip(&process, &program, draw)?;
                let stage = &program.stages()[0];
                let (phases, cell_errors) = chip.stage_state(0, stage.phases());
                let batch = 4;
                let input = Fields::from_matrix(&setting.gaussian(n, batch, draw));
                let target = setting.gaussian(n, batch, draw + 1000);
                // L = ¼Σ|a|⁴ + Σ Re(v*a) is nonlinear in the power and depends on the phase. Its adjoint is |a|²·a + v.
                let propagate = |phases: &Phases| {
                    let mut fields = input.clone();
                    Circuit::compile(stage, phases, cell_errors).propagate(&mut fields);
                    fields
                };
                let loss = |fields: &Fields| -> f64 {
                    let out = fields.to_matrix();
                    out.iter().zip(target.iter()).map(|(a, v)| 0.25 * a.norm_sqr().powi(2) + (v.conj() * a).re).sum()
                };
                let pass = chip.forward(&program, &process.drive(&program), input.clone())?;
                let out = pass.output().to_matrix();
                let adjoint = out.zip_map(&target, |a: Complex64, v| a * a.norm_sqr() + v);
                let (slopes, _) = chip.backward(&program, pass, Fields::from_matrix(&adjoint));
                let slopes = &slopes[0];
                let scale = slopes.values().iter().fold(0.0_f64, |m, s| m.max(s.abs()));
                let h = 1e-5;
                let mut worst = 0.0_f64;
                for k in 0..phases.values().len() {
                    let at = |step: f64| {
                        let mut moved = phases.clone();
                        moved.values_mut()[k] += step;
                        loss(&propagate(&moved))
                    };
                    let difference = (at(h) - at(-h)) / (2.0 * h);
                    worst = worst.max((slopes.values()[k] - difference).abs() / scale);
                }
                Ok(worst)
            })?;
            let check = Check::new(format!("largest relative difference, {key}, N = {n}"), "1");
            rows.push(check.at_most(1e-8, largest(differences)));
        }
    }
    Ok(rows)
}
