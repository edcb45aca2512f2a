//! Mending an imperfect chip: other settings for the same target, one method a file, one line a method in the list.
//!
//! ```text
//! target program, Lab (chip + instruments) ── method ──▶ corrected program, number of readings and steps
//! ```
//!
//! A method sees the chip through a [`Lab`] alone. What the lab tells depends on what the method claims to know: the
//! frozen errors only if it says [`Knowledge::Errors`], the design of the process only if it says so; readings have noise
//! and are counted.

mod adjoint_descent;
mod characterisation;
mod crosstalk;
mod lab;
mod local;
mod loss;
mod outcome;
mod self_configuration;
mod spsa;

pub use characterisation::{Estimate, characterise};
pub use lab::{HEADROOM, Instruments, Lab};
pub use outcome::{Corrected, Quality as CorrectionQuality};

use crate::chip::Chip;
use crate::error::HardwareError;
use phaseloom_mesh::{Form, MatrixProgram, Phases};
use std::sync::atomic::AtomicBool;

/// What a method assumes to know of a chip beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// Nothing: what detectors show is all.
    Nothing,
    /// The process as designed: nominal loss, crosstalk between heaters, codes of the converters.
    Design,
    /// Every frozen error of this chip.
    Errors,
}

impl Knowledge {
    /// For tables.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Design => "the design of the process",
            Self::Errors => "every frozen error of the chip",
        }
    }
}

/// What a method found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Phases to ask for (rad), one [`Phases`] a section.
    pub settings: Vec<Phases>,
    /// Iterations, sweeps or measured settings, as the method counts them.
    pub steps: u64,
    /// Interferometers that cannot do exactly what is asked of them, where the method knows.
    pub out_of_reach: Option<usize>,
    /// The g of `M ≈ g·T` behind a search, as it read it, T the program without its gain. It becomes part of the gain of the
    /// corrected program, where that has one; `None` leaves the gain to the design.
    pub amplitude: Option<f64>,
    /// Root mean square of what a fit to readings leaves of a quadrature, as a share of the field of a full input, where the
    /// method fits. Far above the noise of a reading, the estimate is wrong.
    pub residual: Option<f64>,
    /// Heaters whose phase is asked for a turn or more away because crosstalk would have them cool, or leave one turn; where
    /// crosstalk was undone.
    pub turned: Option<usize>,
}

/// A way to mend a chip.
pub trait Correction: Sync {
    /// Short name in files and on the command line.
    fn key(&self) -> &'static str;

    /// One line for tables and lists.
    fn description(&self) -> &'static str;

    /// What it assumes to know.
    fn knows(&self) -> Knowledge;

    /// Looks for settings that make the chip in the lab multiply by the matrix of the lab's program.
    ///
    /// # Errors
    ///
    /// Where the method cannot work on this chip at all; a method that merely ends far from the target says so by its
    /// quality.
    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError>;
}

/// Every method; a new one is a file and a line.
pub const CORRECTIONS: [&dyn Correction; 7] = [
    &local::Local,
    &crosstalk::CrosstalkCompensation,
    &loss::LossCompensation,
    &self_configuration::SelfConfiguration,
    &adjoint_descent::AdjointDescent,
    &spsa::Spsa,
    &characterisation::Characterised,
];

/// The method of a key.
///
/// # Errors
///
/// [`HardwareError::UnknownCorrection`] with the list.
pub fn correction(key: &str) -> Result<&'static dyn Correction, HardwareError> {
    CORRECTIONS.into_iter().find(|method| method.key() == key).ok_or_else(|| {
        let known: Vec<&str> = CORRECTIONS.iter().map(|method| method.key()).collect();
        let nearest = known.iter().max_by(|a, b| strsim::jaro(key, a).total_cmp(&strsim::jaro(key, b)));
        HardwareError::UnknownCorrection {
            key: key.into(),
            nearest: nearest.copied().unwrap_or_default().into(),
            known: known.join(", "),
        }
    })
}

/// The correction of an experiment.
#[derive(Clone)]
pub struct CorrectionPlan {
    /// The method.
    pub method: &'static dyn Correction,
    /// Noise of its readings, see [`Instruments::noise`].
    pub noise: f64,
    /// Factor on its steps.
    pub effort: f64,
    /// See [`Instruments::stop`].
    pub stop: Option<&'static AtomicBool>,
}

impl std::fmt::Debug for CorrectionPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (noise {}, effort {})", self.method.key(), self.noise, self.effort)
    }
}

/// Mends a chip: other settings for the same target.
///
/// ```
/// use phaseloom_hardware::{Instruments, correct, correction};
/// use phaseloom_hardware::{Chip, Process, ChipId};
/// use phaseloom_mesh::{Form, MatrixProgram, StreamKey, haar_unitary, topology};
///
/// let u = haar_unitary(8, &mut StreamKey::new(1, "example").stream());
/// let target = MatrixProgram::new(&u, Form::Auto, topology("rectangular")?)?;
/// let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.005")?;
/// let chip = Chip::fabricate(&process, &target, ChipId { seed: 1, trial: 0, core: 0 })?;
/// let mended = correct(&chip, &target, correction("local")?, &Instruments::default())?;
/// assert!(mended.after.error < 0.1 * mended.before.error);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// A chip of another shape than the program, a method that cannot work on it.
pub fn correct(
    chip: &Chip,
    target: &MatrixProgram,
    method: &dyn Correction,
    instruments: &Instruments,
) -> Result<Corrected, HardwareError> {
    let (program, found, readings) = mended(chip, target, method, instruments)?;
    Corrected::new(chip, target, (program, &found), readings)
}

/// The corrected program, what the method says of it, and how many vectors were read.
pub(crate) fn mended(
    chip: &Chip,
    target: &MatrixProgram,
    method: &dyn Correction,
    instruments: &Instruments,
) -> Result<(MatrixProgram, Found, u64), HardwareError> {
    chip.check_shape(target)?;
    let mut lab = Lab::new(chip, target, method.knows(), instruments);
    if lab.target().norm() <= 0.0 {
        // Nothing is asked for.
        return Ok((target.clone(), Found::default(), 0));
    }
    let mut found = method.settings(&mut lab)?;
    let settings = std::mem::take(&mut found.settings).into_iter().map(outcome::wrapped).collect();
    let mut program = target.with_phases(settings);
    if let (Form::Svd | Form::Contraction, Some(amplitude)) = (target.form(), found.amplitude) {
        program = program.with_electronic_gain(target.gain() / amplitude);
    }
    Ok((program, found, lab.readings()))
}
