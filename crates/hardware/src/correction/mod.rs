//! Correction of an imperfect chip: other phases for the same target. One file per method, one entry in the list.
//!
//! ```text
//! target program, Lab (chip + instruments) ── method ──▶ corrected program, numbers of measurements and steps
//! ```
//!
//! A method sees the chip through a [`Lab`] alone. The lab reveals the frozen errors only to methods that claim
//! [`Knowledge::Errors`], and the process only to those that claim its design. Measurements are noisy and counted.

mod adjoint_descent;
mod characterisation;
mod crosstalk;
mod interrupt;
mod lab;
mod local;
mod loss;
mod outcome;
mod self_configuration;
mod spsa;

pub use characterisation::{Estimate, characterise};
pub use interrupt::Interrupt;
pub use lab::{HEADROOM, Instruments, Lab};
pub use outcome::{Corrected, CorrectionQuality};

use crate::chip::Chip;
use crate::error::HardwareError;
use phaseloom_files::{Alias, find};
use phaseloom_mesh::{Form, MatrixProgram, Phases};

/// Knowledge of a chip that a method assumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// Nothing but the detected fields.
    Nothing,
    /// The process as designed: nominal loss, crosstalk between heaters, codes of the converters.
    Design,
    /// Every frozen error of this chip.
    Errors,
}

impl Knowledge {
    /// Description for tables.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "nothing about the chip; it measures light",
            Self::Design => "the design, not the errors of the chip",
            Self::Errors => "every frozen error, from a full characterisation",
        }
    }
}

/// Result of a method.
#[derive(Clone, Debug, Default)]
pub struct CorrectionResult {
    /// Requested phases (rad), one [`Phases`] per stage.
    pub phases: Vec<Phases>,
    /// Iterations, sweeps or measured settings, as the method counts them.
    pub steps: u64,
    /// Interferometers that cannot reach the requested transfer matrix, if the method knows.
    pub clipped_cells: Option<usize>,
    /// Measured g of `M ≈ g·T` after a search, where T is the matrix of the program without its gain. It enters the gain
    /// of a corrected program that has one; `None` leaves the gain to the design.
    pub amplitude: Option<f64>,
    /// Root mean square residual per quadrature of a fit, relative to the field of a full input, if the method fits. Far
    /// above the noise of a measurement, the estimate is wrong.
    pub residual: Option<f64>,
    /// Heaters whose phase moved by 2π or more, because crosstalk would require cooling or more than 2π; `None` if no
    /// crosstalk was undone.
    pub wrapped_heaters: Option<usize>,
}

impl From<Vec<Phases>> for CorrectionResult {
    fn from(phases: Vec<Phases>) -> Self {
        Self { phases, ..Self::default() }
    }
}

/// A method that corrects a chip.
#[derive(Debug)]
pub struct Correction {
    /// Short name in files and on the command line.
    pub key: &'static str,
    /// One-line description for tables and lists.
    pub description: &'static str,
    /// Knowledge that it assumes.
    pub knows: Knowledge,
    /// Finds phases with which the chip in the lab realises the matrix of the lab's program.
    ///
    /// It fails if the method cannot work on this chip. A method that merely ends far from the target is no error: the
    /// quality of its result says so.
    pub solve: fn(&mut Lab<'_>) -> Result<CorrectionResult, HardwareError>,
}

/// All methods. A new method is a file and an entry here.
pub const CORRECTIONS: [&Correction; 7] = [
    &local::METHOD,
    &crosstalk::METHOD,
    &loss::METHOD,
    &self_configuration::METHOD,
    &adjoint_descent::METHOD,
    &spsa::METHOD,
    &characterisation::METHOD,
];

/// Other names of methods.
pub const CORRECTION_ALIASES: &[Alias] = &[
    ("hardware_error_correction", "local"),
    ("self_configuring", "self_configuration"),
    ("backpropagation", "adjoint"),
    ("in_situ_backpropagation", "adjoint"),
    ("simultaneous_perturbation", "spsa"),
    ("characterization", "characterisation"),
];

/// The method of a key or alias.
///
/// # Errors
///
/// [`HardwareError::UnknownCorrection`] with the list.
pub fn correction(key: &str) -> Result<&'static Correction, HardwareError> {
    find("correction", CORRECTIONS, |method| method.key, CORRECTION_ALIASES, key)
        .map_err(HardwareError::UnknownCorrection)
}

/// The correction that an experiment applies to each of its chips.
#[derive(Clone, Debug)]
pub struct CorrectionPlan {
    /// The method.
    pub method: &'static Correction,
    /// Noise of its measurements, see [`Instruments::noise`].
    pub noise: f64,
    /// Factor on its number of steps.
    pub effort: f64,
    /// See [`Instruments::interrupt`].
    pub interrupt: Interrupt,
}

/// Corrects a chip: finds other phases for the same target.
///
/// ```
/// use phaseloom_hardware::correction::{Instruments, correct, correction};
/// use phaseloom_hardware::{Chip, ChipId, Process};
/// use phaseloom_mesh::{Form, MatrixProgram, topology};
/// use phaseloom_numerics::{StreamKey, haar_unitary};
///
/// let u = haar_unitary(8, &mut StreamKey::new(1, "example").stream());
/// let target = MatrixProgram::new(&u, Form::Auto, topology("rectangular")?)?;
/// let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.005")?;
/// let chip = Chip::fabricate(&process, &target, ChipId { seed: 1, trial: 0, core: 0 })?;
/// let corrected = correct(&chip, &target, correction("local")?, &Instruments::default())?;
/// assert!(corrected.after.error < 0.1 * corrected.before.error);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// A chip of another shape than the program, impossible instruments, a method that cannot work on the chip, no light at
/// its outputs, an interruption.
///
/// # Panics
///
/// If a method of the caller returns phases that are not those of the program, or a negative amplitude.
pub fn correct(
    chip: &Chip,
    target: &MatrixProgram,
    method: &Correction,
    instruments: &Instruments,
) -> Result<Corrected, HardwareError> {
    let (program, result, measurements) = corrected_program(chip, target, method, instruments)?;
    let before = CorrectionQuality::new(chip, target, target)?;
    let after = CorrectionQuality::new(chip, target, &program)?;
    Ok(Corrected { program, before, after, measurements, result })
}

/// The corrected program, the result of the method and the number of measured vectors.
pub(crate) fn corrected_program(
    chip: &Chip,
    target: &MatrixProgram,
    method: &Correction,
    instruments: &Instruments,
) -> Result<(MatrixProgram, CorrectionResult, u64), HardwareError> {
    let mut lab = Lab::new(chip, target, method.knows, instruments)?;
    if lab.target().norm() <= 0.0 {
        // Every setting realises a matrix of zeros once the gain is zero.
        return Ok((target.clone(), CorrectionResult::default(), 0));
    }
    let mut result = (method.solve)(&mut lab)?;
    result.phases = result.phases.into_iter().map(outcome::wrapped).collect();
    let mut program = target.with_phases(result.phases.clone());
    if let (Form::Svd | Form::Contraction, Some(amplitude)) = (target.form(), result.amplitude) {
        let gain = target.gain() / amplitude;
        if !gain.is_finite() {
            return Err(HardwareError::NoLight);
        }
        program = program.with_electronic_gain(gain);
    }
    Ok((program, result, lab.measurements()))
}
