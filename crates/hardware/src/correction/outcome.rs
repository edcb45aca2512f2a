//! What a correction reached, as nobody but the simulator can see it: without the noise of instruments.

use super::Found;
use crate::chip::Chip;
use crate::error::HardwareError;
use num_complex::Complex64;
use phaseloom_mesh::{MatrixProgram, Phases};
use phaseloom_numerics::{fidelity, relative_error};

/// How near a chip comes to the matrix of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²), 0…1: blind to common phase and loss.
    pub fidelity: f64,
    /// ‖Ŵ − W‖_F/‖W‖_F behind the gain of the program.
    pub error: f64,
    /// The same behind the real gain with which it is least, Re⟨W, Ŵ⟩/‖Ŵ‖², none below zero.
    pub scaled_error: f64,
    /// ‖Ŵ‖²/‖W‖² of the optics, before the gain, in dB of power.
    pub transmission_db: f64,
    /// Mean phase of the shifters (rad): a thermo-optic one takes power in proportion.
    pub mean_phase_rad: f64,
    /// Electrical power that holds all phases (W), where the process of the chip has a `[phase_shifter]`.
    pub heater_power_w: Option<f64>,
}

impl Quality {
    /// Of a chip with the settings of `program`, measured by the matrix of `target`.
    ///
    /// # Errors
    ///
    /// A chip of another shape than the program.
    pub fn of(chip: &Chip, target: &MatrixProgram, program: &MatrixProgram) -> Result<Self, HardwareError> {
        // Without the gain, whose square need not be a number.
        let wanted = target.clone().with_electronic_gain(1.0).matrix();
        let made = chip.matrix(program)?;
        let (real, size) = (made.norm_squared(), wanted.norm_squared());
        let factor = if target.gain() > 0.0 { program.gain() / target.gain() } else { 1.0 };
        let behind = |factor: f64| relative_error(&wanted, &(&made * Complex64::new(factor, 0.0)));
        let overlap = wanted.dotc(&made).re;
        let settings: Vec<Phases> = program.stages().iter().map(|s| s.phases().clone()).collect();
        let values = || settings.iter().flat_map(Phases::values);
        Ok(Self {
            fidelity: if real > 0.0 && size > 0.0 { fidelity(&wanted, &made) } else { 0.0 },
            error: behind(factor),
            scaled_error: behind(if overlap > 0.0 { overlap / real } else { 0.0 }),
            transmission_db: 10.0 * (real / size).log10(),
            mean_phase_rad: values().map(|p| p.abs()).sum::<f64>() / values().count().max(1) as f64,
            heater_power_w: chip.process().heater_power_w(&settings),
        })
    }
}

/// A corrected program and what it took.
#[derive(Clone, Debug)]
pub struct Corrected {
    /// The target with other phases, wrapped to one turn.
    pub program: MatrixProgram,
    /// The chip with the phases of the target.
    pub before: Quality,
    /// The chip with the corrected phases.
    pub after: Quality,
    /// Vectors sent through the chip and read.
    pub readings: u64,
    /// Iterations, sweeps or measured settings, as the method counts them.
    pub steps: u64,
    /// Interferometers that cannot do exactly what is asked of them, where the method knows.
    pub out_of_reach: Option<usize>,
    /// See [`Found::residual`].
    pub residual: Option<f64>,
    /// See [`Found::turned`].
    pub turned: Option<usize>,
}

impl Corrected {
    pub(super) fn new(
        chip: &Chip,
        target: &MatrixProgram,
        (program, found): (MatrixProgram, &Found),
        readings: u64,
    ) -> Result<Self, HardwareError> {
        let (before, after) = (Quality::of(chip, target, target)?, Quality::of(chip, target, &program)?);
        let Found { steps, out_of_reach, residual, turned, .. } = *found;
        Ok(Self { program, before, after, readings, steps, out_of_reach, residual, turned })
    }
}

/// Phases that heaters can make.
pub(super) fn wrapped(mut settings: Phases) -> Phases {
    settings.values_mut().iter_mut().for_each(|phase| *phase = phaseloom_mesh::cell::wrap(*phase));
    settings
}
