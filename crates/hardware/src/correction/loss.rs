//! Compensation of unequal loss: phases with which the nominal chip realises the target up to one factor, although its
//! arms and paths differ in loss.
//!
//! Unequal loss multiplies the matrix of a mesh by a Hermitian factor; phases multiply it by unitary ones. A single mesh
//! therefore gains nothing to first order. Two meshes with attenuators realise any matrix, so they can undo it exactly.
//! The search is that of [`self_configuration`](super::self_configuration) on the nominal chip; random errors remain.

use super::crosstalk::precompensate;
use super::self_configuration;
use super::{Correction, CorrectionResult, Instruments, Knowledge, Lab};
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_files::usage;

/// Correction of the nominal loss.
pub(super) const METHOD: Correction = Correction {
    key: "loss",
    description: "phases for the unequal loss of the design; exact for programs with attenuators",
    knows: Knowledge::Design,
    solve,
};

fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    let program = lab.program;
    let Some(process) = lab.process() else { return Ok(lab.start().into()) };
    let lossy = Process { insertion_loss: process.insertion_loss.clone(), ..Process::default() };
    let design = Chip::nominal(&lossy, program)?;
    let noiseless = Instruments { noise: 0.0, ..lab.instruments.clone() };
    // The noise of measurements has no effect on this search.
    usage::mark("correction_effort");
    let mut lab = Lab::new(&design, program, Knowledge::Nothing, &noiseless)?;
    let search = usage::unrecorded(|| self_configuration::solve(&mut lab))?;
    let heated = precompensate(process, program, search.phases)?;
    Ok(CorrectionResult { steps: search.steps + heated.steps, amplitude: search.amplitude, ..heated })
}
