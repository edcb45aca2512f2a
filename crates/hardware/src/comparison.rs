//! One mesh on one process, in numbers that meshes can be compared by.

use crate::chip::{Chip, ChipId};
use crate::correction::{Instruments, correct, correction};
use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign};
use phaseloom_numerics::{StreamKey, fidelity, haar_unitary, relative_error};

/// How one chip of a mesh does what a Haar unitary asks for (of a mesh for few rows, its first rows).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// 1 − F of the programmed mesh without errors: 0 but for meshes that are not universal.
    pub ideal: f64,
    /// 1 − F of the chip.
    pub before: f64,
    /// 1 − F after local correction, which knows the errors.
    pub after: f64,
    /// ‖Ŵ‖²/‖W‖² of the uncorrected chip (power, 0…1).
    pub transmission: f64,
    /// ‖Ŵ − W‖/‖W‖ of the chip, behind the gain of the nominal chip.
    pub error: f64,
}

/// Trial number `trial` of a seed: a Haar unitary, the same for every design, and a chip for it.
///
/// ```
/// use phaseloom_hardware::{Process, comparison};
/// let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.02")?;
/// let design = phaseloom_mesh::topology("rectangular")?.into();
/// let trial = comparison::trial(design, 8, &process, 1, 0)?;
/// assert!(trial.ideal < 1e-12 && trial.after < trial.before && (trial.transmission - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// An impossible process, a matrix that cannot be decomposed.
pub fn trial(
    design: MeshDesign,
    ports: usize,
    process: &Process,
    seed: u64,
    trial: u64,
) -> Result<Trial, HardwareError> {
    let unitary = haar_unitary(ports, &mut StreamKey::new(seed, "compare/haar").trial(trial).stream());
    let rows = design.topology().rows().unwrap_or(ports).min(ports);
    let wanted = unitary.rows(0, rows).into_owned();
    let program = MatrixProgram::new(&wanted, if rows == ports { Form::Unitary } else { Form::Svd }, design)?;
    let wanted_optics = &wanted / num_complex::Complex64::from(program.gain());
    let chip = Chip::fabricate(process, &program, ChipId { seed, trial, core: 0 })?;
    let made = chip.matrix(&program)?;
    let corrected = correct(&chip, &program, correction("local")?, &Instruments::default())?;
    let mended = chip.matrix(&corrected.program)?;
    // Where no light passes there is no fidelity: all is lost.
    let lost = |made| match fidelity(&wanted_optics, made) {
        fidelity if fidelity.is_finite() => (1.0 - fidelity).max(0.0),
        _ => 1.0,
    };
    let loss = Chip::nominal(process, &program)?.matrix(&program)?.norm() / wanted_optics.norm();
    Ok(Trial {
        ideal: lost(&program.clone().with_electronic_gain(1.0).matrix()),
        before: lost(&made),
        after: lost(&mended),
        transmission: (made.norm() / wanted_optics.norm()).powi(2),
        error: relative_error(&wanted_optics, &(&made / num_complex::Complex64::from(loss.max(f64::MIN_POSITIVE)))),
    })
}
