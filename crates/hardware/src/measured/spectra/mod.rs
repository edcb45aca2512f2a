//! A process from measured spectra: splitting angles from interferometers, losses from cut-back measurements.
//!
//! ```text
//! interferometers of two equal couplers, many lengths ─ maxima ─ straight line ─▶ splitter_error.sigma_rad
//! chains of 0, n, 2n … splitters ─────── mean power ─── straight line ─▶ dB per splitter┐
//! waveguides of many lengths ─────────── mean power ─── straight line ─▶ dB/cm          ┴▶ insertion_loss.loss_db
//! ```
//!
//! Each is a straight line through one number per device; `LineFit` of `numerics` fits all three.

mod couplers;
mod cutback;
mod error;
mod process_text;
mod spec;
mod table;
#[cfg(test)]
mod tests;

pub use couplers::{Coupler, Couplers};
pub use cutback::Cutback;
pub use error::SpectraError;
pub use spec::{InterferometerSpec, PowerUnit, SpectraSpec, SweepsSpec};

/// Quantities derived from spectra.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// Settings of the derivation.
    pub spec: SpectraSpec,
    /// Splitting angles, if they were measured.
    pub couplers: Option<Couplers>,
    /// Loss of one splitter (dB per device), if it was measured.
    pub splitter_loss: Option<Cutback>,
    /// Loss of the waveguide (dB/µm), if it was measured.
    pub waveguide_loss: Option<Cutback>,
}

/// Reads the spectra and derives all requested quantities.
///
/// # Errors
///
/// Impossible settings; files that cannot be read, are damaged or lack a column; invalid numbers; too few devices; an
/// interferometer without
/// a maximum in the window; a cut-back that is not linear; a chain with a fraction of a splitter.
pub fn derive(spec: &SpectraSpec) -> Result<Derived, SpectraError> {
    spec.check().map_err(SpectraError::Settings)?;
    let limit = spec.largest_residual_db;
    let cutback = |sweeps: &Option<SweepsSpec>| sweeps.as_ref().map(|s| Cutback::measure(s, limit)).transpose();
    Ok(Derived {
        couplers: spec.couplers.as_ref().map(Couplers::measure).transpose()?,
        splitter_loss: cutback(&spec.splitter_loss)?.map(|cutback| check_counts(spec, cutback)).transpose()?,
        waveguide_loss: cutback(&spec.waveguide_loss)?,
        spec: spec.clone(),
    })
}

/// Checks that every chain has a whole number of splitters.
fn check_counts(spec: &SpectraSpec, cutback: Cutback) -> Result<Cutback, SpectraError> {
    match (&spec.splitter_loss, cutback.lengths.iter().find(|n| n.fract() != 0.0)) {
        (Some(sweeps), Some(n)) => {
            Err(table::refuse(sweeps, format!("a chain of {n} splitters"), "a whole number of splitters in every name"))
        }
        _ => Ok(cutback),
    }
}

impl Derived {
    /// Standard deviation of the angle of one splitter and its standard error (rad), if couplers were measured.
    #[must_use]
    pub fn sigma_rad(&self) -> Option<(f64, f64)> {
        self.couplers.as_ref().map(Couplers::sigma_rad)
    }

    /// Loss of one MZI of the mesh and its standard error (dB of power), if any loss was measured: the sum over its
    /// splitters and its waveguide.
    #[must_use]
    pub fn loss_db(&self) -> Option<(f64, f64)> {
        let interferometer = &self.spec.interferometer;
        let parts = [
            (&self.splitter_loss, f64::from(interferometer.splitters)),
            (&self.waveguide_loss, interferometer.waveguide_um),
        ];
        let parts: Vec<(f64, f64)> = parts
            .into_iter()
            .filter_map(|(cutback, times)| {
                cutback.as_ref().map(|c| (times * c.loss_db(), times * c.standard_error_db()))
            })
            .collect();
        let (loss, variance) = parts.iter().fold((0.0, 0.0), |(sum, var), (l, e)| (sum + l, var + e * e));
        (!parts.is_empty()).then(|| (loss, variance.sqrt()))
    }
}
