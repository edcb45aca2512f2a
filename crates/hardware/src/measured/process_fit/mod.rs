//! Fit of the error levels of a process to measurements of one chip: the inverse of [`Chip::fabricate`].
//!
//! The errors of the chip are unknown; the fit estimates their standard deviations. The file `posterior` integrates the
//! errors out, and the levels of maximum evidence are the fit. The bounds of 68.3 % and 95 % are a profile likelihood:
//! with all other levels refitted, 2Δ ln L is 1.000 or 3.841 there (χ² of one degree of freedom). They are asymptotic,
//! and conservative if a level may be zero.
//!
//! ```
//! use nalgebra::DMatrix;
//! use num_complex::Complex64;
//! use phaseloom_hardware::{Chip, HardwareError, Level, Process, ProcessFit, ChipId};
//! use phaseloom_mesh::{Form, MatrixProgram, topology};
//! use phaseloom_numerics::{StreamKey, haar_unitary};
//!
//! let u = haar_unitary(4, &mut StreamKey::new(1, "example").stream());
//! let program = MatrixProgram::new(&u, Form::Unitary, topology("triangular")?)?;
//! let powers = |chip: &Chip| -> Result<Vec<f64>, HardwareError> {
//!     Ok(chip.matrix(&program)?.iter().map(|z| z.norm_sqr()).collect())
//! };
//! let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.02").unwrap();
//! let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 })?;
//! let fit = ProcessFit::new(&program, &[Level::Splitter], &powers(&chip)?, &powers)?.best()?;
//! assert!(fit.levels[0] > 0.005 && fit.levels[0] < 0.06);
//! # Ok::<(), HardwareError>(())
//! ```

mod posterior;
mod simplex;

use crate::chip::Chip;
use crate::error::HardwareError;
use crate::process::stage_errors::StageErrors;
use crate::process::{Process, arms};
use nalgebra::DVector;
use phaseloom_files::at_least;
use phaseloom_mesh::{MatrixProgram, Stage};
use posterior::{Posterior, posterior};
use simplex::minimise;

/// An error level of a process that measurements can determine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `splitter_error.sigma_rad` (rad).
    Splitter,
    /// `phase_error.sigma_rad` (rad).
    Phase,
    /// `insertion_loss.imbalance_sigma_db` (dB).
    Imbalance,
}

impl Level {
    /// Key in a process file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Splitter => "splitter_error.sigma_rad",
            Self::Phase => "phase_error.sigma_rad",
            Self::Imbalance => "insertion_loss.imbalance_sigma_db",
        }
    }

    /// Typical value at which a search starts (rad, rad, dB).
    fn typical(self) -> f64 {
        match self {
            Self::Splitter | Self::Phase => 0.02,
            Self::Imbalance => 0.2,
        }
    }
}

/// The most probable levels, and the most probable chip at these levels.
#[derive(Clone, Debug)]
pub struct Fit {
    /// One value per level, in the requested order (rad or dB).
    pub levels: Vec<f64>,
    /// Standard deviation of the noise, in units of the measurements.
    pub noise: f64,
    /// Constant offset of all measurements from their predictions.
    pub bias: f64,
    /// Standard error of the bias at these levels.
    pub bias_error: f64,
    /// ln of the probability density of the measurements at these levels, with bias and errors integrated out. It includes
    /// every constant that depends on the levels.
    pub log_evidence: f64,
    /// The chip with the most probable errors. Its predictions plus the bias are those of the fit.
    pub chip: Chip,
    state: DVector<f64>,
}

/// Most probable value and bounds of one level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// The most probable value (rad, dB, or the unit of the measurements).
    pub best: f64,
    /// Bounds of 68.3 %; with a lower bound of 0, the level may be zero.
    pub bounds_68: (f64, f64),
    /// Bounds of 95 %.
    pub bounds_95: (f64, f64),
}

/// 2Δ ln L of 68.27 % and 95 % (χ² of one degree of freedom).
const DEVIANCES: [f64; 2] = [1.0, 3.841_458_820_694_124];
/// A level below this counts as zero (rad or dB).
const ZERO: f64 = 1e-6;

/// Measurements of one chip, and a function that predicts them for any chip.
pub struct ProcessFit<'a> {
    program: &'a MatrixProgram,
    levels: Vec<Level>,
    /// The level of each error.
    groups: Vec<usize>,
    measured: &'a [f64],
    respond: &'a (dyn Fn(&Chip) -> Result<Vec<f64>, HardwareError> + Sync),
}

impl<'a> ProcessFit<'a> {
    /// `program` has the shape of the chip; `respond` predicts all measurements of a chip of that shape without noise.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Unfit`] if a measurement is not finite, there are too few measurements or no levels, a level occurs
    /// twice, or the number of predictions differs; errors of `respond`.
    pub fn new(
        program: &'a MatrixProgram,
        levels: &[Level],
        measured: &'a [f64],
        respond: &'a (dyn Fn(&Chip) -> Result<Vec<f64>, HardwareError> + Sync),
    ) -> Result<Self, HardwareError> {
        let unfit = |key: &str, found: String, expected: &str| Err(HardwareError::unfit(key, found, expected));
        if levels.is_empty() || levels.iter().enumerate().any(|(k, level)| levels[..k].contains(level)) {
            return unfit("levels of a fit", format!("{levels:?}"), "at least one, each once");
        }
        if let Some(k) = measured.iter().position(|y| !y.is_finite()) {
            return unfit(&format!("measurement {k}"), measured[k].to_string(), "a finite number");
        }
        if measured.len() < levels.len() + 3 {
            return unfit("measurements (number of)", measured.len().to_string(), "three more than levels, or many");
        }
        let mut groups = Vec::new();
        for (group, level) in levels.iter().enumerate() {
            let errors = |stage: &Stage| match level {
                Level::Splitter => stage.layout().cell.splitters() * stage.layout().positions.len(),
                Level::Phase => stage.phases().values().len(),
                Level::Imbalance => stage.layout().positions.len(),
            };
            groups.extend(std::iter::repeat_n(group, program.stages().iter().map(errors).sum()));
        }
        let fit = Self { program, levels: levels.to_vec(), groups, measured, respond };
        let predicted = fit.predict(&vec![0.0; fit.groups.len()])?.len();
        if predicted != measured.len() {
            return unfit(
                "measurements (number of)",
                measured.len().to_string(),
                &format!("{predicted}, as predicted"),
            );
        }
        Ok(fit)
    }

    /// The chip with these errors. They are ordered by level, then by stage, then by cell or phase.
    fn chip(&self, errors: &[f64]) -> Result<Chip, HardwareError> {
        let mut stages: Vec<StageErrors> = self.program.stages().iter().map(StageErrors::perfect).collect();
        let mut errors = errors.iter().copied();
        let mut next = || errors.next().unwrap_or(0.0);
        for level in &self.levels {
            for stage in &mut stages {
                match level {
                    Level::Splitter => {
                        let splitters = stage.cell.splitters();
                        for cell in &mut stage.cell_errors {
                            let errors = [&mut cell.alpha, &mut cell.beta, &mut cell.gamma];
                            errors.into_iter().take(splitters).for_each(|error| *error = next());
                        }
                    }
                    Level::Phase => stage.offsets.values_mut().iter_mut().for_each(|phase| *phase = next()),
                    Level::Imbalance => {
                        stage
                            .cell_errors
                            .iter_mut()
                            .for_each(|cell| (cell.upper_transmission, cell.lower_transmission) = arms(1.0, next()));
                    }
                }
            }
        }
        Chip::from_stages(&Process::default(), self.program, stages)
    }

    fn predict(&self, errors: &[f64]) -> Result<Vec<f64>, HardwareError> {
        (self.respond)(&self.chip(errors)?)
    }

    /// The posterior at ln(levels), ln(noise).
    fn posterior(&self, logs: &[f64], start: &DVector<f64>) -> Result<Posterior, HardwareError> {
        let value = |log: f64| log.clamp(ZERO.ln(), 3.0).exp();
        let sigma: Vec<f64> = self.groups.iter().map(|&group| value(logs[group])).collect();
        posterior(&|errors| self.predict(errors), self.measured, &sigma, value(logs[self.levels.len()]), start)
    }

    /// The most probable levels and noise, with one of them (by index, the noise last) optionally held.
    fn search(
        &self,
        start: &[f64],
        held: Option<usize>,
        state: &mut DVector<f64>,
    ) -> Result<(Vec<f64>, Posterior), HardwareError> {
        let free: Vec<usize> = (0..start.len()).filter(|k| Some(*k) != held).collect();
        let all = |at: &[f64]| {
            let mut logs = start.to_vec();
            free.iter().zip(at).for_each(|(&k, log)| logs[k] = *log);
            logs
        };
        let from: Vec<f64> = free.iter().map(|&k| start[k]).collect();
        let minimum = minimise(&from, 0.4, 0.01, |at| {
            let posterior = self.posterior(&all(at), state)?;
            state.copy_from(&posterior.state);
            Ok::<_, HardwareError>(posterior.surprise)
        })?;
        let logs = all(&minimum);
        let posterior = self.posterior(&logs, state)?;
        Ok((logs, posterior))
    }

    /// Finds the most probable levels. It costs a few hundred evaluations of all derivatives.
    ///
    /// # Errors
    ///
    /// Errors of the predictions.
    pub fn best(&self) -> Result<Fit, HardwareError> {
        let predicted = self.predict(&vec![0.0; self.groups.len()])?;
        let n = self.measured.len() as f64;
        let residual: Vec<f64> = self.measured.iter().zip(&predicted).map(|(y, f)| y - f).collect();
        let bias = residual.iter().sum::<f64>() / n;
        let spread = (residual.iter().map(|r| (r - bias).powi(2)).sum::<f64>() / n).sqrt().max(1e-5);
        let mut state = DVector::zeros(self.groups.len() + 1);
        state[self.groups.len()] = bias;
        let mut logs: Vec<f64> = self.levels.iter().map(|level| level.typical().ln()).collect();
        logs.push((0.7 * spread).ln());
        // The second search starts from the end of the first, because a simplex may collapse early.
        let (logs, _) = self.search(&logs, None, &mut state)?;
        let (logs, posterior) = self.search(&logs, None, &mut state)?;
        self.fit_at(&logs, posterior)
    }

    fn fit_at(&self, logs: &[f64], posterior: Posterior) -> Result<Fit, HardwareError> {
        let value = |log: f64| if log <= ZERO.ln() { 0.0 } else { log.exp() };
        let levels: Vec<f64> = logs[..self.levels.len()].iter().map(|&log| value(log)).collect();
        let errors: Vec<f64> = self.groups.iter().zip(posterior.state.iter()).map(|(&g, u)| levels[g] * u).collect();
        Ok(Fit {
            levels,
            noise: value(logs[self.levels.len()]),
            bias: posterior.state[self.groups.len()],
            bias_error: posterior.bias_error,
            log_evidence: -posterior.surprise,
            chip: self.chip(&errors)?,
            state: posterior.state,
        })
    }

    /// 2Δ ln L of one level (by index, the noise last) at `value` (rad or dB, ≥ 0), with the others refitted.
    ///
    /// It has the distribution χ² of one degree of freedom if `value` is the truth.
    ///
    /// # Errors
    ///
    /// Errors of the predictions; [`HardwareError::Unfit`] for an index beyond the noise, or a value that is not a finite
    /// number ≥ 0.
    ///
    /// # Panics
    ///
    /// If `fit` has other levels, or errors of another chip.
    pub fn deviance(&self, fit: &Fit, index: usize, value: f64) -> Result<f64, HardwareError> {
        let own = [self.levels.len(), self.groups.len() + 1];
        assert_eq!([fit.levels.len(), fit.state.len()], own, "levels and errors of the fit");
        at_least("value of a level", value, 0.0).map_err(HardwareError::Unfit)?;
        if index > self.levels.len() {
            let expected = format!("at most {}, the noise", self.levels.len());
            return Err(HardwareError::unfit("level (index of)", index, expected));
        }
        let mut logs: Vec<f64> = fit.levels.iter().chain([&fit.noise]).map(|v| v.max(1e-3).ln()).collect();
        logs[self.levels.len()] = fit.noise.max(ZERO).ln();
        logs[index] = value.max(ZERO).ln();
        let mut state = fit.state.clone();
        let (_, posterior) = self.search(&logs, Some(index), &mut state)?;
        Ok(2.0 * (posterior.surprise + fit.log_evidence))
    }

    /// Bounds of one level (by index, the noise last). The search steps outwards by factors of √2 and interpolates the
    /// square root of the deviance linearly in the logarithm of the level.
    ///
    /// # Errors
    ///
    /// As [`ProcessFit::deviance`].
    ///
    /// # Panics
    ///
    /// As [`ProcessFit::deviance`].
    pub fn profile(&self, fit: &Fit, index: usize) -> Result<Profile, HardwareError> {
        let best = fit.levels.get(index).copied().unwrap_or(fit.noise);
        let step = if index == self.levels.len() { 1.1_f64 } else { std::f64::consts::SQRT_2 };
        let bound = |factor: f64| -> Result<[f64; 2], HardwareError> {
            let mut bounds = [None; 2];
            let mut last = (best.max(1e-3), 0.0_f64);
            for _ in 0..40 {
                let value = last.0 * factor;
                // A level this far below measurable values (rad or dB) counts as zero.
                let is_zero = value < 2e-4 && index < self.levels.len();
                let root = self.deviance(fit, index, if is_zero { 0.0 } else { value })?.max(0.0).sqrt();
                for (bound, deviance) in bounds.iter_mut().zip(DEVIANCES) {
                    let limit = deviance.sqrt();
                    if bound.is_none() && root >= limit {
                        let share = ((limit - last.1) / (root - last.1)).clamp(0.0, 1.0);
                        *bound = Some(last.0 * factor.powf(share));
                    }
                }
                if bounds[1].is_some() || is_zero {
                    break;
                }
                last = (value, root);
            }
            let open = if factor < 1.0 { 0.0 } else { f64::INFINITY };
            Ok(bounds.map(|bound| bound.unwrap_or(open)))
        };
        let (below, above) = (bound(1.0 / step)?, bound(step)?);
        Ok(Profile { best, bounds_68: (below[0], above[0]), bounds_95: (below[1], above[1]) })
    }
}

#[cfg(test)]
mod tests;
