//! The virtual test bench of a chip: sets phases, sends light and measures fields, with noise and a count of measurements.

use super::{Interrupt, Knowledge};
use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::{at_least, usage};
use phaseloom_mesh::{Fields, MatrixProgram, Phases, StageKind};
use phaseloom_numerics::NormalStream;
use phaseloom_numerics::linalg::svd;

/// Target amplitude of a search with attenuators, relative to the program. Closer to 1, attenuators with errors saturate;
/// farther below, light is lost.
pub const HEADROOM: f64 = 0.9;

/// The instruments of a test bench.
#[derive(Clone, Debug)]
pub struct Instruments {
    /// Standard deviation of each measured quadrature, relative to the field of a full input (dimensionless, ≥ 0).
    /// Homodyne detection with a strong local oscillator and n photoelectrons of full input has ½/√n.
    pub noise: f64,
    /// Factor on the steps, sweeps or measured settings of a method (≥ 0).
    pub effort: f64,
    /// Address of the random numbers of the noise and of the method.
    pub draws: ChipId,
    /// Stops a method between two of its steps.
    pub interrupt: Interrupt,
}

impl Default for Instruments {
    /// Noise of 1e-3 (250 000 photoelectrons of full input), seed 1.
    fn default() -> Self {
        let draws = ChipId { seed: 1, trial: 0, core: 0 };
        Self { noise: 1e-3, effort: 1.0, draws, interrupt: Interrupt::new() }
    }
}

/// A chip on the virtual test bench.
pub struct Lab<'a> {
    chip: &'a Chip,
    /// The program that the chip should realise. Every search starts from its phases.
    pub program: &'a MatrixProgram,
    /// The instruments.
    pub instruments: &'a Instruments,
    knowledge: Knowledge,
    noise: NormalStream<f64>,
    measurements: u64,
}

impl<'a> Lab<'a> {
    /// A chip on a test bench, for a program of its shape. Errors and process are revealed as far as `knowledge` allows.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program, [`HardwareError::Unfit`] for a
    /// noise that is not a finite number ≥ 0, or an effort that is not one above 0.
    pub fn new(
        chip: &'a Chip,
        program: &'a MatrixProgram,
        knowledge: Knowledge,
        instruments: &'a Instruments,
    ) -> Result<Self, HardwareError> {
        chip.check_shape(program)?;
        at_least("noise", instruments.noise, 0.0).map_err(HardwareError::Unfit)?;
        at_least("effort", instruments.effort, 0.0).map_err(HardwareError::Unfit)?;
        let noise = NormalStream::new(&instruments.draws.stream("correction/read"));
        Ok(Self { chip, program, knowledge, instruments, noise, measurements: 0 })
    }

    /// Phases of the program (rad), one [`Phases`] per stage.
    #[must_use]
    pub fn start(&self) -> Vec<Phases> {
        self.program.stages().iter().map(|s| s.phases().clone()).collect()
    }

    /// Start of a search: the phases of the program, with attenuators at [`HEADROOM`] of their amplitude.
    ///
    /// At full transmission the gradient vanishes, and with errors full transmission is out of reach.
    #[must_use]
    pub fn search_start(&self) -> Vec<Phases> {
        let mut phases = self.start();
        for (stage, phases) in self.program.stages().iter().zip(&mut phases) {
            if stage.kind() == StageKind::Attenuators {
                for k in 0..stage.layout().positions.len() {
                    let (theta, phi) = (phases.theta()[k], phases.phi()[k]);
                    // T₁₁ = i·e^{i(θ/2 + φ)}·sin(θ/2) keeps its phase.
                    let attenuated = 2.0 * (HEADROOM * (theta / 2.0).sin()).asin();
                    phases.set_cell(k, attenuated, phi + (theta - attenuated) / 2.0);
                }
            }
        }
        phases.into_iter().map(super::outcome::wrapped).collect()
    }

    /// Target of the optics: the matrix of the program without its gain.
    #[must_use]
    pub fn target(&self) -> DMatrix<Complex64> {
        self.program.clone().with_electronic_gain(1.0).matrix()
    }

    /// Normal random numbers for the method itself.
    #[must_use]
    pub fn draws(&self, purpose: &str) -> NormalStream<f64> {
        NormalStream::new(&self.instruments.draws.stream(purpose))
    }

    /// A number of steps scaled by [`Instruments::effort`], at least 1.
    #[must_use]
    pub fn steps(&self, usual: u64) -> u64 {
        usage::mark("correction_effort");
        ((usual as f64 * self.instruments.effort).round() as u64).max(1)
    }

    /// Checks for an interruption. Every long method calls it at every step.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Interrupted`] if [`Instruments::interrupt`] has been requested.
    pub fn check_interrupt(&self) -> Result<(), HardwareError> {
        if self.instruments.interrupt.requested() { Err(HardwareError::Interrupted) } else { Ok(()) }
    }

    /// Number of vectors sent and measured so far.
    #[must_use]
    pub fn measurements(&self) -> u64 {
        self.measurements
    }

    /// The process, for methods that know the design.
    #[must_use]
    pub fn process(&self) -> Option<&'a Process> {
        (self.knowledge >= Knowledge::Design).then_some(self.chip.process())
    }

    /// The frozen errors, for methods that know them.
    #[must_use]
    pub fn errors(&self) -> Option<&'a [StageErrors]> {
        (self.knowledge == Knowledge::Errors).then(|| self.chip.stages())
    }

    /// Sets phases, sends fields (columns of `inputs`) and measures both quadratures at every output: rows × inputs.
    ///
    /// A quadrature is the difference of the powers of a balanced pair of detectors, with the local oscillator at one of
    /// two phases. Jitter averages out, because an instrument integrates for much longer than a symbol.
    ///
    /// # Panics
    ///
    /// If `phases` are not those of every stage, or `inputs` has not one row per column of the matrix.
    pub fn measure(&mut self, phases: &[Phases], inputs: &DMatrix<Complex64>) -> DMatrix<Complex64> {
        assert_eq!(inputs.nrows(), self.program.shape().1, "one field per column of the matrix");
        let driven = self.chip.process().drive_phases(self.program, phases.to_vec());
        let fields = self.chip.propagate(self.program, &driven, None, || Fields::from_matrix(inputs));
        self.with_noise(fields.to_matrix())
    }

    /// Measures the whole matrix, one vector per input.
    ///
    /// # Panics
    ///
    /// If `phases` are not those of every stage.
    pub fn measure_matrix(&mut self, phases: &[Phases]) -> DMatrix<Complex64> {
        let inputs = self.program.shape().1;
        self.measure(phases, &DMatrix::identity(inputs, inputs))
    }

    fn with_noise(&mut self, mut fields: DMatrix<Complex64>) -> DMatrix<Complex64> {
        self.measurements += fields.ncols() as u64;
        usage::mark("correction_noise");
        if self.instruments.noise > 0.0 {
            for z in &mut fields {
                *z += Complex64::new(self.noise.draw(), self.noise.draw()) * self.instruments.noise;
            }
        }
        fields
    }

    /// Measures the whole matrix and the gradient (1/rad) of a loss L with respect to all phases of the shifters. Takes
    /// two vectors per input.
    ///
    /// Light passes forwards, then its adjoint `∂L/∂Re + i ∂L/∂Im` (of the measured matrix) backwards, and a monitor at
    /// every shifter measures both fields. This is idealised: from powers alone the slopes are exact only without loss
    /// (Hughes et al. 2018). The monitors have the noise of the detectors, so a slope has the standard deviation
    /// `noise·‖adjoint‖/√modes`.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program.
    ///
    /// # Panics
    ///
    /// If `phases` are not those of every stage, or the adjoint has another shape than the matrix.
    pub fn measure_gradient(
        &mut self,
        phases: &[Phases],
        adjoint: impl FnOnce(&DMatrix<Complex64>) -> DMatrix<Complex64>,
    ) -> Result<(DMatrix<Complex64>, Vec<Phases>), HardwareError> {
        let driven = self.chip.process().drive_phases(self.program, phases.to_vec());
        let inputs = self.program.shape().1;
        let pass = self.chip.forward(self.program, &driven, Fields::identity(inputs))?;
        let measured = self.with_noise(pass.output().to_matrix());
        let adjoint = adjoint(&measured);
        let scale = self.instruments.noise * adjoint.norm() / (adjoint.nrows() as f64).sqrt();
        let (mut slopes, _) = self.chip.backward(self.program, pass, Fields::from_matrix(&adjoint));
        if scale > 0.0 {
            // The backward pass reaches the last stage first.
            for slope in slopes.iter_mut().rev().flat_map(|stage| stage.values_mut()) {
                *slope += scale * self.noise.draw();
            }
        }
        self.measurements += inputs as u64;
        Ok((measured, slopes))
    }
}

/// Amplitude transmission of the optics, from a first measurement: the smaller of ‖M‖₂/‖T‖₂ and ‖M‖_F/‖T‖_F.
///
/// A search keeps to this amplitude, and the electronic gain restores it. The largest singular value is insensitive to
/// the leakage of closed attenuators and to most of the noise.
pub(super) fn transmission(target: &DMatrix<Complex64>, measured: &DMatrix<Complex64>) -> Result<f64, HardwareError> {
    let size = target.norm();
    if size <= 0.0 {
        return Ok(1.0);
    }
    let spectral_norm = |m: &DMatrix<Complex64>| -> Result<f64, HardwareError> { Ok(svd(m)?.sigma[0]) };
    Ok((spectral_norm(measured)? / spectral_norm(target)?).min(measured.norm() / size))
}

/// Re⟨T, M⟩/‖T‖²: the real factor g that minimises ‖M − g·T‖, which the gain has to undo after a search.
pub(super) fn amplitude(target: &DMatrix<Complex64>, measured: &DMatrix<Complex64>) -> Option<f64> {
    let size = target.norm_squared();
    (size > 0.0).then(|| target.dotc(measured).re / size).filter(|g| *g > 0.0)
}

/// ‖M − g·T‖²_F/‖g·T‖²_F, where g is `factor`.
pub(super) fn distance(target: &DMatrix<Complex64>, measured: &DMatrix<Complex64>, factor: f64) -> f64 {
    let terms = target.iter().zip(measured.iter()).map(|(t, m)| (m - t * factor).norm_sqr());
    terms.sum::<f64>() / (factor * factor * target.norm_squared()).max(f64::MIN_POSITIVE)
}
