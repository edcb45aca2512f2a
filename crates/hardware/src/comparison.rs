//! Comparison of meshes: the errors of one mesh on one process.

use crate::chip::{Chip, ChipId};
use crate::correction::{Instruments, correct, correction};
use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign};
use phaseloom_numerics::{StreamKey, fidelity, haar_unitary, relative_error};

/// Errors of one chip that realises a Haar unitary, or its first rows if the mesh has few.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// 1 − F of the programmed mesh without errors; 0 for universal meshes.
    pub ideal: f64,
    /// 1 − F of the chip.
    pub before: f64,
    /// 1 − F of the chip after local correction.
    pub after: f64,
    /// ‖Ŵ‖²/‖W‖² of the uncorrected chip (power, 0…1).
    pub transmission: f64,
    /// ‖Ŵ − W‖/‖W‖ of the chip, with the gain of the nominal chip.
    pub error: f64,
}

/// Trial number `trial` of a seed: a Haar unitary, equal for all designs, and a chip for it.
///
/// ```
/// use phaseloom_hardware::{Process, comparison};
/// let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.02")?;
/// let design = phaseloom_mesh::Rectangular.into();
/// let trial = comparison::trial(&design, 8, &process, 1, 0)?;
/// assert!(trial.ideal < 1e-12 && trial.after < trial.before && (trial.transmission - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// No ports, too little memory for the meshes, an impossible process, or a matrix that cannot be decomposed.
pub fn trial(
    design: &MeshDesign,
    ports: usize,
    process: &Process,
    seed: u64,
    trial: u64,
) -> Result<Trial, HardwareError> {
    if ports == 0 {
        return Err(HardwareError::NoPorts);
    }
    // As for the meshes of one comparison on the command line.
    phaseloom_files::require_memory(2000.0 * (ports as f64).powi(2), &format!("meshes of {ports} ports"))?;
    let unitary = haar_unitary(ports, &mut StreamKey::new(seed, "compare/haar").trial(trial).stream());
    let rows = design.topology().capability().max_rows().unwrap_or(ports).min(ports);
    let target = unitary.rows(0, rows).into_owned();
    let program = MatrixProgram::new(&target, if rows == ports { Form::Unitary } else { Form::Svd }, design)?;
    let optics_target = &target / num_complex::Complex64::from(program.gain());
    let chip = Chip::fabricate(process, &program, ChipId { seed, trial, core: 0 })?;
    let realised = chip.matrix(&program)?;
    let corrected = correct(&chip, &program, correction("local")?, &Instruments::default())?;
    let corrected_matrix = chip.matrix(&corrected.program)?;
    // Without transmission the fidelity is undefined and counts as 0.
    let infidelity = |matrix| match fidelity(&optics_target, matrix) {
        fidelity if fidelity.is_finite() => (1.0 - fidelity).max(0.0),
        _ => 1.0,
    };
    let loss = Chip::nominal(process, &program)?.matrix(&program)?.norm() / optics_target.norm();
    Ok(Trial {
        ideal: infidelity(&program.clone().with_electronic_gain(1.0).matrix()),
        before: infidelity(&realised),
        after: infidelity(&corrected_matrix),
        transmission: (realised.norm() / optics_target.norm()).powi(2),
        error: relative_error(&optics_target, &(&realised / num_complex::Complex64::from(loss.max(f64::MIN_POSITIVE)))),
    })
}
