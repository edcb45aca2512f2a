//! Compensation of unbalanced loss: settings with which the chip of the design, whose arms and paths lose unequally,
//! makes the target but for one factor.
//!
//! Unequal loss multiplies the matrix of a mesh by a Hermitian factor, and phases turn it by unitary ones: of one mesh nothing
//! is to be gained in first order. Two meshes with attenuators make any matrix, this one too (derived). The settings come
//! from the same search as [`self_configuration`](super::self_configuration), with the design in the place of the chip;
//! random errors stay.

use super::crosstalk::before_crosstalk;
use super::self_configuration::SelfConfiguration;
use super::{Correction, Found, Instruments, Knowledge, Lab};
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;

/// Settings for the nominal loss.
pub(super) struct LossCompensation;

impl Correction for LossCompensation {
    fn key(&self) -> &'static str {
        "loss"
    }

    fn description(&self) -> &'static str {
        "settings for the unequal loss of the design; exact for programs with attenuators"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Design
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        let (program, settings) = (lab.program(), lab.start());
        let Some(process) = lab.process() else {
            return Ok(Found { settings, ..Found::default() });
        };
        let lossy = Process { insertion_loss: process.insertion_loss.clone(), ..Process::default() };
        let design = Chip::nominal(&lossy, program)?;
        let exact = Instruments { noise: 0.0, ..lab.instruments() };
        let found = SelfConfiguration.settings(&mut Lab::new(&design, program, Knowledge::Nothing, &exact))?;
        let heated = before_crosstalk(process, program, found.settings)?;
        Ok(Found { steps: found.steps + heated.steps, amplitude: found.amplitude, ..heated })
    }
}
