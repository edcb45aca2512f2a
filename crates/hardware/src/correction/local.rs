//! Local correction: every cell is set to what the ideal one does, from its known errors alone.
//!
//! Cells follow those of the program one after another ([`phaseloom_mesh::follow`]), attenuators their amplitudes. O(cells).
//! Phase masks, whose cells cannot follow, are fitted anew with their errors ([`phaseloom_mesh::refit`]).

use super::crosstalk::before_crosstalk;
use super::{Correction, Found, Knowledge, Lab};
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use num_complex::Complex64;
use phaseloom_mesh::cell::{ideal, match_transmission};
use phaseloom_mesh::match_cells;
use phaseloom_mesh::{Circuit, MatrixProgram, Phases, Stage, StageKind, refit};

/// Local correction with known errors.
pub(super) struct Local;

impl Correction for Local {
    fn key(&self) -> &'static str {
        "local"
    }

    fn description(&self) -> &'static str {
        "each cell set to what the ideal one does, from its known errors; of masks all phases searched"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Errors
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        match (lab.process(), lab.errors()) {
            (Some(process), Some(errors)) => corrected(process, lab.program(), errors),
            _ => Ok(Found { settings: lab.start(), ..Found::default() }),
        }
    }
}

/// Phases to ask for, if these are the errors.
pub(super) fn corrected(
    process: &Process,
    program: &MatrixProgram,
    errors: &[StageErrors],
) -> Result<Found, HardwareError> {
    let nominal = Chip::nominal(process, program)?;
    let mut out_of_reach = Some(0);
    let mut wanted = Vec::with_capacity(errors.len());
    for ((stage, errors), nominal) in program.stages().iter().zip(errors).zip(nominal.stages()) {
        let (mut phases, clipped) = match stage.kind() {
            StageKind::Mesh if !stage.layout().cell.is_interferometer() => (fitted(stage, errors, nominal), None),
            StageKind::Mesh => {
                let (phases, clipped) =
                    match_cells(stage.layout(), stage.layout().cell, stage.phases(), &errors.cell_errors);
                (phases, Some(clipped))
            }
            StageKind::Attenuators => {
                let (phases, clipped) = attenuators(stage, errors, nominal);
                (phases, Some(clipped))
            }
        };
        for (phase, offset) in phases.values_mut().iter_mut().zip(errors.offsets.values()) {
            *phase -= offset;
        }
        out_of_reach = out_of_reach.zip(clipped).map(|(sum, more)| sum + more);
        wanted.push(phases);
    }
    let found = before_crosstalk(process, program, wanted)?;
    Ok(Found { steps: found.steps.max(1), out_of_reach, ..found })
}

/// Phases of a mesh whose cells cannot follow others: a search from those of the program on, for its matrix with as much
/// light as the nominal mesh lets pass.
fn fitted(stage: &Stage, errors: &StageErrors, nominal: &StageErrors) -> Phases {
    let ideal = Circuit::ideal(stage).matrix();
    let passed = Circuit::compile(stage, stage.phases(), &nominal.cell_errors).matrix().norm() / ideal.norm();
    let ports = stage.layout().ports;
    let wanted = ideal.view((0, 0), (ports, ports)) * Complex64::from(passed);
    refit(stage, &errors.cell_errors, &wanted)
}

/// Phases that attenuators should have, and the number that miss their amplitude. As much light is asked for as the
/// cell of the design lets pass: their common loss is undone by the gain.
fn attenuators(stage: &Stage, errors: &StageErrors, nominal: &StageErrors) -> (Phases, usize) {
    let asked = stage.phases();
    let mut phases = asked.clone();
    let mut clipped = 0;
    for (k, (errors, nominal)) in errors.cell_errors.iter().zip(&nominal.cell_errors).enumerate() {
        let open = (nominal.upper_transmission + nominal.lower_transmission) / 2.0;
        let wanted = ideal(asked.theta()[k], asked.phi()[k])[0][0] * open;
        let found = match_transmission(wanted, *errors);
        clipped += usize::from(!found.reached);
        phases.set_cell(k, found.theta, found.phi);
    }
    (phases, clipped)
}
