//! The quality that a correction reached: exact numbers of the simulator, without the noise of instruments.

use super::CorrectionResult;
use crate::chip::Chip;
use crate::error::HardwareError;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::cell::wrap;
use phaseloom_mesh::{MatrixProgram, Phases};
use phaseloom_numerics::{fidelity, infidelity, relative_error};

/// Agreement of a chip with the matrix W of a program; Ŵ is the realised matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorrectionQuality {
    /// |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²), 0…1: independent of global phase and common loss.
    pub fidelity: f64,
    /// 1 − F of that fidelity F, with a small relative error also where it is tiny.
    pub infidelity: f64,
    /// ‖gŴ − W‖_F/‖W‖_F, where g is the gain of the program.
    pub error: f64,
    /// The same with the real gain that minimises it, max(0, Re⟨W, Ŵ⟩/‖Ŵ‖²).
    pub scaled_error: f64,
    /// ‖Ŵ‖²/‖W‖² of the optics, before the gain, in dB of power.
    pub transmission_db: f64,
    /// Mean phase of the shifters (rad). The power of thermo-optic shifters is proportional to it.
    pub mean_phase_rad: f64,
    /// Electrical power that holds all phases (W), if the process of the chip has a `[phase_shifter]`.
    pub heater_power_w: Option<f64>,
}

impl CorrectionQuality {
    /// Quality of a chip with the phases of `program`, compared with the matrix of `target`.
    ///
    /// # Errors
    ///
    /// A chip of another shape than the target or the program.
    pub fn new(chip: &Chip, target: &MatrixProgram, program: &MatrixProgram) -> Result<Self, HardwareError> {
        chip.check_shape(target)?;
        // Without the gain, whose square may leave the range of a double.
        Self::with_target(chip, &target.clone().with_electronic_gain(1.0).matrix(), target.gain(), program)
    }

    /// Quality of a chip with the phases of `program`, compared with the matrix `target` times `target_gain`.
    ///
    /// # Errors
    ///
    /// A chip of another shape than the program.
    ///
    /// # Panics
    ///
    /// If `target` has another shape than the program.
    pub fn with_target(
        chip: &Chip,
        target: &DMatrix<Complex64>,
        target_gain: f64,
        program: &MatrixProgram,
    ) -> Result<Self, HardwareError> {
        let realised = chip.matrix(program)?;
        let (power, target_power) = (realised.norm_squared(), target.norm_squared());
        let gain = if target_gain > 0.0 { program.gain() / target_gain } else { 1.0 };
        let error = |gain: f64| relative_error(target, &(&realised * Complex64::new(gain, 0.0)));
        let overlap = target.dotc(&realised).re;
        let has_light = power > 0.0 && target_power > 0.0;
        let phases: Vec<Phases> = program.stages().iter().map(|s| s.phases().clone()).collect();
        let values = || phases.iter().flat_map(Phases::values);
        Ok(Self {
            fidelity: if has_light { fidelity(target, &realised) } else { 0.0 },
            infidelity: if has_light { infidelity(target, &realised) } else { 1.0 },
            error: error(gain),
            scaled_error: error(if overlap > 0.0 { overlap / power } else { 0.0 }),
            transmission_db: 10.0 * (power / target_power).log10(),
            mean_phase_rad: values().map(|p| p.abs()).sum::<f64>() / values().count().max(1) as f64,
            heater_power_w: chip.process().heater_power_w(&phases),
        })
    }
}

/// A corrected program, its quality and its cost in measurements.
#[derive(Clone, Debug)]
pub struct Corrected {
    /// The target with other phases, wrapped to 0…2π.
    pub program: MatrixProgram,
    /// The chip with the phases of the target.
    pub before: CorrectionQuality,
    /// The chip with the corrected phases.
    pub after: CorrectionQuality,
    /// Number of vectors sent through the chip and measured.
    pub measurements: u64,
    /// The result of the method.
    pub result: CorrectionResult,
}

/// Phases after a change of each, wrapped to 0…2π.
pub(super) fn moved(phases: &[Phases], changes: impl IntoIterator<Item = f64>) -> Vec<Phases> {
    let mut moved = phases.to_vec();
    let values = moved.iter_mut().flat_map(|phases| phases.values_mut());
    values.zip(changes).for_each(|(phase, change)| *phase = wrap(*phase + change));
    moved
}

/// Phases within the range of a heater, 0…2π.
pub(super) fn wrapped(mut phases: Phases) -> Phases {
    phases.values_mut().iter_mut().for_each(|phase| *phase = wrap(*phase));
    phases
}
