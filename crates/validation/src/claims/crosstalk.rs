//! Thermal crosstalk by coefficient.

use crate::check::{Check, Row};
use crate::claim::Claim;
use crate::error::ValidationError;
use crate::machine::{Mesh, process, unitary};
use crate::setting::Setting;
use crate::statistics::Estimate;
use phaseloom_mesh::Phases;
use phaseloom_numerics::{fidelity, matrix_error};

pub(super) const CLAIM: Claim = Claim {
    key: "crosstalk",
    sentence: "A coefficient of .005 on four neighbours makes E = .25, .56, 1.07 and F = .987, .951, .840 for N = 8, 16, 32; heaters set to K⁻¹φ undo it exactly",
    source: "physics notes §2.1, checked with NumPy; coefficient found in L2ight@67f93b6",
    method: "thermal_crosstalk → driven phases → chips of Haar unitaries; for K⁻¹φ the drive of the process is solved by iteration",
    criterion: "one unit of the last digit printed; inverse: 1e-13·N",
    rows,
};

const PROCESS: &str = "[thermal_crosstalk]\ncoefficient = 0.005";

/// F at N = 32 by a second NumPy program, and its standard error.
const SECOND: (f64, f64) = (0.8344, 0.0010);

fn rows(setting: &Setting<'_>) -> Result<Vec<Row>, ValidationError> {
    let mut rows = Vec::new();
    for (n, e_printed, f_printed) in [(8, 0.25, 0.987), (16, 0.56, 0.951), (32, 1.07, 0.840)] {
        let mesh = Mesh { modes: n, topology: "rectangular", unitaries: setting.pick(400, 2000), chips: 1, first: 0 };
        let (e, f) = setting.means(mesh, PROCESS, |u, made| (matrix_error(u, made), fidelity(u, made)))?;
        let check = Check::new(format!("E, N = {n}"), "1").reference(e_printed, 0.0).allow(0.01);
        rows.push(check.near(e.estimate()));
        let check = Check::new(format!("F, N = {n}"), "1");
        rows.push(
            match n {
                32 => check.reference(SECOND.0, SECOND.1).note("the notes print .840; this is a second program"),
                _ => check.reference(f_printed, 0.0).allow(0.001),
            }
            .near(f.estimate()),
        );
    }
    let n = 32;
    let worst = setting.draws(20, |draw| {
        let process = process(PROCESS)?;
        let u = setting.haar(n, draw);
        let program = unitary(&u, "rectangular")?;
        let stages = program.stages();
        let wanted: Vec<Phases> = stages.iter().map(|s| s.phases().clone()).collect();
        let drive = |heaters: &[Phases]| {
            let mut phases = heaters.to_vec();
            process.sources().for_each(|(_, source)| source.drive(stages, &mut phases));
            phases
        };
        // h ← h + (φ − K·h): each round leaves at most 8 neighbours of .005, 4 % of what was wrong.
        let mut heaters = wanted.clone();
        for _ in 0..30 {
            let made = drive(&heaters);
            for ((h, w), m) in heaters.iter_mut().zip(&wanted).zip(&made) {
                let differences = w.values().iter().zip(m.values());
                h.values_mut().iter_mut().zip(differences).for_each(|(h, (w, m))| *h += w - m);
            }
        }
        let made = setting.chip(&process, &program, draw)?.matrix_from_driven(&program, &drive(&heaters))?;
        Ok((made - u).norm() / n as f64)
    })?;
    let value = worst.into_iter().fold(0.0, f64::max);
    let check = Check::new(format!("‖Û−U‖_F/N with heaters at K⁻¹φ, N = {n}"), "1");
    rows.push(check.at_most(1e-13, Estimate { value, error: 0.0, draws: 20 }));
    Ok(rows)
}
