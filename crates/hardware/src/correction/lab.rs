//! The bench on which a chip is mended: set phases, send light, read fields; each with its noise, each counted.

use super::Knowledge;
use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{Fields, MatrixProgram, Phases, StageKind};
use phaseloom_numerics::linalg::svd;
use phaseloom_numerics::{Normals, StreamKey};
use std::sync::atomic::{AtomicBool, Ordering};

/// Share of the amplitude of the program that a search with attenuators aims at.
pub const HEADROOM: f64 = 0.9;

/// The instruments beside a chip.
#[derive(Clone, Copy, Debug)]
pub struct Instruments {
    /// Standard deviation of each quadrature of a reading, as a share of the field of a full input (dimensionless, ≥ 0).
    /// Homodyne with a strong oscillator and n photoelectrons of full input reads with ½/√n (physics notes §3.1).
    pub noise: f64,
    /// Seed of that noise, and of what a method draws.
    pub seed: u64,
    /// Trial of a run with that seed.
    pub trial: u64,
    /// Core of that trial.
    pub core: u64,
    /// Factor on the steps, sweeps or measured settings that a method takes by itself (≥ 0).
    pub effort: f64,
    /// Set from outside to stop a method between two of its steps.
    pub stop: Option<&'static AtomicBool>,
}

impl Default for Instruments {
    /// Noise of 1e-3 (250 000 photoelectrons of full input), seed 1.
    fn default() -> Self {
        Self { noise: 1e-3, seed: 1, trial: 0, core: 0, effort: 1.0, stop: None }
    }
}

/// A chip on the bench.
pub struct Lab<'a> {
    chip: &'a Chip,
    program: &'a MatrixProgram,
    knowledge: Knowledge,
    instruments: Instruments,
    noise: Normals<f64>,
    readings: u64,
}

impl<'a> Lab<'a> {
    pub(crate) fn new(
        chip: &'a Chip,
        program: &'a MatrixProgram,
        knowledge: Knowledge,
        instruments: &Instruments,
    ) -> Self {
        let Instruments { seed, trial, core, .. } = *instruments;
        let noise = Normals::new(&StreamKey::new(seed, "correction/read").trial(trial).core(core));
        Self { chip, program, knowledge, instruments: *instruments, noise, readings: 0 }
    }

    /// The program whose matrix is wanted; the phases of its sections are where every search begins.
    #[must_use]
    pub fn program(&self) -> &'a MatrixProgram {
        self.program
    }

    /// Phases of the program (rad), one [`Phases`] a section.
    #[must_use]
    pub fn start(&self) -> Vec<Phases> {
        self.program.stages().iter().map(|s| s.phases().clone()).collect()
    }

    /// The same where a search begins: attenuators are closed to [`HEADROOM`], for of one that is wholly open no slope tells
    /// how to open it further, and one with errors does not open wholly.
    #[must_use]
    pub fn search_start(&self) -> Vec<Phases> {
        let mut settings = self.start();
        for (stage, settings) in self.program.stages().iter().zip(&mut settings) {
            if stage.kind() == StageKind::Attenuators {
                for k in 0..stage.layout().positions.len() {
                    let (theta, phi) = (settings.theta()[k], settings.phi()[k]);
                    // T11 = i·e^{i(θ/2 + φ)}·sin(θ/2) keeps its phase.
                    let closed = 2.0 * (HEADROOM * (theta / 2.0).sin()).asin();
                    settings.set_cell(k, closed, phi + (theta - closed) / 2.0);
                }
            }
        }
        settings.into_iter().map(super::outcome::wrapped).collect()
    }

    /// What the optics should multiply by: the matrix of the program without its gain.
    #[must_use]
    pub fn target(&self) -> DMatrix<Complex64> {
        self.program.clone().with_electronic_gain(1.0).matrix()
    }

    /// The instruments.
    #[must_use]
    pub fn instruments(&self) -> Instruments {
        self.instruments
    }

    /// Draws of the method itself.
    #[must_use]
    pub fn draws(&self, purpose: &str) -> Normals<f64> {
        let Instruments { seed, trial, core, .. } = self.instruments;
        Normals::new(&StreamKey::new(seed, purpose).trial(trial).core(core))
    }

    /// A number of steps as the effort asked for scales it, at least 1.
    #[must_use]
    pub fn steps(&self, usual: u64) -> u64 {
        ((usual as f64 * self.instruments.effort).round() as u64).max(1)
    }

    /// Whether to go on: asked by every method that takes long, at every step.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Interrupted`] once somebody has set [`Instruments::stop`].
    pub fn go_on(&self) -> Result<(), HardwareError> {
        match self.instruments.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(HardwareError::Interrupted),
            _ => Ok(()),
        }
    }

    /// Vectors sent and read so far.
    #[must_use]
    pub fn readings(&self) -> u64 {
        self.readings
    }

    /// Noise of one quadrature of a reading.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.instruments.noise
    }

    /// The process, for a method that knows the design.
    #[must_use]
    pub fn process(&self) -> Option<&'a Process> {
        (self.knowledge >= Knowledge::Design).then_some(self.chip.process())
    }

    /// The frozen errors, for a method that knows them.
    #[must_use]
    pub fn errors(&self) -> Option<&'a [StageErrors]> {
        (self.knowledge == Knowledge::Errors).then(|| self.chip.stages())
    }

    /// Sets phases, sends fields (columns of `inputs`), reads both quadratures at every output: rows × inputs. A
    /// quadrature is the difference of the two powers of a balanced pair of detectors, with the local oscillator in one of two
    /// phases. Phases stand still while it reads: a chip that jitters is read for long enough.
    pub fn read(&mut self, settings: &[Phases], inputs: &DMatrix<Complex64>) -> DMatrix<Complex64> {
        let driven = self.chip.process().drive_phases(self.program, settings.to_vec());
        let fields = self.chip.propagate(self.program, &driven, None, || Fields::from_matrix(inputs));
        self.noisy(fields.to_matrix())
    }

    /// The whole matrix: one reading an input.
    pub fn read_matrix(&mut self, settings: &[Phases]) -> DMatrix<Complex64> {
        let inputs = self.program.shape().1;
        self.read(settings, &DMatrix::identity(inputs, inputs))
    }

    fn noisy(&mut self, mut made: DMatrix<Complex64>) -> DMatrix<Complex64> {
        self.readings += made.ncols() as u64;
        if self.instruments.noise > 0.0 {
            for z in &mut made {
                *z += Complex64::new(self.noise.draw(), self.noise.draw()) * self.instruments.noise;
            }
        }
        made
    }

    /// The whole matrix, and the gradient (1/rad) of a loss of it with respect to all phases as the shifters have them:
    /// forward light, then its adjoint `∂L/∂Re + i ∂L/∂Im` (of the read matrix) backwards, and at every shifter a monitor
    /// that reads both fields (idealised: from powers alone the slopes are exact without loss only, Hughes et al. 2018,
    /// recalled). Two readings an input.
    ///
    /// The monitors read with the noise of the detectors: a slope errs by `noise·‖adjoint‖/√modes`, the adjoint on one
    /// line.
    ///
    /// # Errors
    ///
    /// [`HardwareError::ShapeMismatch`] if the chip is of another shape than the program.
    pub fn read_gradient(
        &mut self,
        settings: &[Phases],
        adjoint: impl FnOnce(&DMatrix<Complex64>) -> DMatrix<Complex64>,
    ) -> Result<(DMatrix<Complex64>, Vec<Phases>), HardwareError> {
        let driven = self.chip.process().drive_phases(self.program, settings.to_vec());
        let inputs = self.program.shape().1;
        let pass = self.chip.forward(self.program, &driven, Fields::identity(inputs))?;
        let measured = self.noisy(pass.output().to_matrix());
        let adjoint = adjoint(&measured);
        let scale = self.instruments.noise * adjoint.norm() / (adjoint.nrows() as f64).sqrt();
        let (mut slopes, _) = self.chip.backward(self.program, pass, Fields::from_matrix(&adjoint));
        if scale > 0.0 {
            // The backward pass reaches the last stage first.
            for slope in slopes.iter_mut().rev().flat_map(|stage| stage.values_mut()) {
                *slope += scale * self.noise.draw();
            }
        }
        self.readings += inputs as u64;
        Ok((measured, slopes))
    }
}

/// ‖M‖₂/‖T‖₂ of a first reading, or the ratio of the Frobenius norms where that is less: the amplitude that the optics let
/// pass, which electronics undo. The largest singular value sees neither the leaks of closed attenuators nor much of the
/// noise. A search keeps to it.
pub(super) fn transmission(target: &DMatrix<Complex64>, made: &DMatrix<Complex64>) -> Result<f64, HardwareError> {
    let size = target.norm();
    if size <= 0.0 {
        return Ok(1.0);
    }
    let largest = |m: &DMatrix<Complex64>| -> Result<f64, HardwareError> { Ok(svd(m)?.sigma[0]) };
    Ok((largest(made)? / largest(target)?).min(made.norm() / size))
}

/// The real factor g that brings the target nearest to what is made: what electronics have to undo behind a search.
pub(super) fn amplitude(target: &DMatrix<Complex64>, made: &DMatrix<Complex64>) -> Option<f64> {
    let size = target.norm_squared();
    (size > 0.0).then(|| target.dotc(made).re / size).filter(|g| *g > 0.0)
}

/// ‖M − g·T‖²_F/‖g·T‖²_F.
pub(super) fn distance(target: &DMatrix<Complex64>, made: &DMatrix<Complex64>, factor: f64) -> f64 {
    let terms = target.iter().zip(made.iter()).map(|(t, m)| (m - t * factor).norm_sqr());
    terms.sum::<f64>() / (factor * factor * target.norm_squared()).max(f64::MIN_POSITIVE)
}
