//! Local correction: every cell is set to the transfer matrix of its ideal counterpart, given its known errors.
//!
//! Mesh cells match those of the program one by one in the order of propagation ([`match_cells`], Bandyopadhyay et al.
//! 2021); attenuators match their amplitudes. O(cells). Phase-mask meshes, whose cells cannot match others, are fitted
//! again with their errors ([`phaseloom_mesh::refit`]).

use super::crosstalk::precompensate;
use super::{Correction, CorrectionResult, Knowledge, Lab};
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use num_complex::Complex64;
use phaseloom_mesh::cell::{ideal, match_transmission};
use phaseloom_mesh::{Circuit, MatrixProgram, Phases, Stage, StageKind, match_cells, refit};

/// Local correction with known errors.
pub(super) const METHOD: Correction = Correction {
    key: "local",
    description: "each cell set to its ideal transfer matrix, from its known errors; phase masks are fitted as a whole",
    knows: Knowledge::Errors,
    solve,
};

fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    match (lab.process(), lab.errors()) {
        (Some(process), Some(errors)) => local_correction(process, lab.program, errors),
        _ => Ok(lab.start().into()),
    }
}

/// Phases to request on a chip with these errors.
pub(super) fn local_correction(
    process: &Process,
    program: &MatrixProgram,
    errors: &[StageErrors],
) -> Result<CorrectionResult, HardwareError> {
    let nominal = Chip::nominal(process, program)?;
    let mut clipped_cells = Some(0);
    let mut requested = Vec::with_capacity(errors.len());
    for ((stage, errors), nominal) in program.stages().iter().zip(errors).zip(nominal.stages()) {
        let (mut phases, clipped) = match stage.kind() {
            StageKind::Mesh if !stage.layout().cell.is_interferometer() => (fit_again(stage, errors, nominal), None),
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
        clipped_cells = clipped_cells.zip(clipped).map(|(sum, more)| sum + more);
        requested.push(phases);
    }
    let result = precompensate(process, program, requested)?;
    Ok(CorrectionResult { steps: result.steps.max(1), clipped_cells, ..result })
}

/// Fits a phase-mask mesh with its errors, starting from its programmed phases. The target is the matrix of the program,
/// scaled to the transmission of the nominal mesh.
fn fit_again(stage: &Stage, errors: &StageErrors, nominal: &StageErrors) -> Phases {
    let ideal = Circuit::ideal(stage).matrix();
    let transmission = Circuit::compile(stage, stage.phases(), &nominal.cell_errors).matrix().norm() / ideal.norm();
    let ports = stage.layout().ports;
    let target = ideal.view((0, 0), (ports, ports)) * Complex64::from(transmission);
    refit(stage, &errors.cell_errors, &target)
}

/// Phases of the attenuators, and the number that cannot reach their amplitude. The target amplitudes include the
/// transmission of a nominal cell, because the gain undoes that common loss.
fn attenuators(stage: &Stage, errors: &StageErrors, nominal: &StageErrors) -> (Phases, usize) {
    let programmed = stage.phases();
    let mut phases = programmed.clone();
    let mut clipped = 0;
    for (k, (errors, nominal)) in errors.cell_errors.iter().zip(&nominal.cell_errors).enumerate() {
        let transmission = (nominal.upper_transmission + nominal.lower_transmission) / 2.0;
        let target = ideal(programmed.theta()[k], programmed.phi()[k])[0][0] * transmission;
        let setting = match_transmission(target, *errors);
        clipped += usize::from(!setting.reached);
        phases.set_cell(k, setting.theta, setting.phi);
    }
    (phases, clipped)
}
