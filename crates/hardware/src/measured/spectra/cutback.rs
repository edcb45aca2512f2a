//! Loss by cut-back: the power (dBm) of chains of equal devices falls linearly with their number. The slope is the loss of
//! one device (dB); the loss of fibres and gratings is in the intercept.

use super::table::{read, refuse, short};
use super::{SpectraError, SweepsSpec};
use phaseloom_files::positive;
use phaseloom_numerics::statistics::LineFit;

/// A straight line through the mean power of chains.
#[derive(Clone, Debug, PartialEq)]
pub struct Cutback {
    /// Length (µm) or count of each chain, ascending.
    pub lengths: Vec<f64>,
    /// Mean power of each chain over the window (dBm, or dB if the unit is relative).
    pub power_db: Vec<f64>,
    /// The fitted line; its slope is −dB per unit.
    pub line: LineFit,
}

impl Cutback {
    /// Reads the spectra and fits the line. It averages powers in dB, because losses in dB add along a chain.
    ///
    /// # Errors
    ///
    /// Impossible settings; unreadable or damaged files; too few devices; a residual beyond `largest_residual_db`; a gain.
    pub fn measure(spec: &SweepsSpec, largest_residual_db: f64) -> Result<Self, SpectraError> {
        spec.check(1).map_err(SpectraError::Settings)?;
        positive("largest_residual_db", largest_residual_db).map_err(SpectraError::Settings)?;
        let sweeps = read(spec)?;
        let lengths: Vec<f64> = sweeps.iter().map(|sweep| sweep.number).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let power_db: Vec<f64> = sweeps.iter().map(|sweep| mean(&sweep.power_db[0])).collect();
        let Some(line) = LineFit::new(&lengths, &power_db) else {
            return Err(refuse(spec, "devices of one length".into(), "at least two lengths"));
        };
        let largest = line.largest_residual();
        if largest > largest_residual_db {
            let at = line
                .residuals
                .iter()
                .position(|r| r.abs() >= largest)
                .map_or_else(String::new, |i| short(&sweeps[i].device));
            let found = format!("`{at}` {largest:.2} dB off the line of {:.3e} dB a unit", -line.slope);
            let expected = format!(
                "at most `largest_residual_db` = {largest_residual_db}: a cut-back that is not linear is no figure of loss"
            );
            return Err(refuse(spec, found, &expected));
        }
        if line.slope > 2.0 * line.slope_error() {
            return Err(refuse(spec, format!("a gain of {:.3e} dB a unit", line.slope), "a loss"));
        }
        Ok(Self { lengths, power_db, line })
    }

    /// Loss of one device, or of one µm (dB of power). A gain within twice its standard error counts as 0.
    #[must_use]
    pub fn loss_db(&self) -> f64 {
        (-self.line.slope).max(0.0)
    }

    /// Standard error of the loss (dB of power).
    #[must_use]
    pub fn standard_error_db(&self) -> f64 {
        self.line.slope_error()
    }
}
