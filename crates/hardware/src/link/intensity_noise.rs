//! Relative intensity noise: one factor 1 + ε per vector on every photocurrent of a laser, `var ε = 10^(RIN/10)·B`.
//!
//! The factor multiplies the homodyne signal too. Balancing removes only the noise of the local oscillator's own current,
//! down to 10^(−CMRR/20).

use phaseloom_files::{InvalidValue, at_least, read_key};
use serde::{Deserialize, Serialize};

/// `[link.intensity_noise]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntensityNoise {
    /// Relative intensity noise (dB/Hz), such as −145. Range: < 0.
    pub rin_db_per_hz: f64,
    /// Common-mode rejection of the balanced receivers (dB). Range: ≥ 0. Default: perfect balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmrr_db: Option<f64>,
}

impl IntensityNoise {
    /// Standard deviation of ε in a bandwidth (Hz).
    pub(crate) fn sigma(&self, bandwidth_hz: f64) -> f64 {
        (10f64.powf(read_key!("link.intensity_noise", self.rin_db_per_hz) / 10.0) * bandwidth_hz).sqrt()
    }

    /// Remainder of the local oscillator's own noise after balancing, as a ratio of currents.
    pub(crate) fn imbalance(&self) -> f64 {
        read_key!("link.intensity_noise", self.cmrr_db).map_or(0.0, |cmrr| 10f64.powf(-cmrr / 20.0))
    }

    pub(super) fn check(&self) -> Result<(), InvalidValue> {
        if !(self.rin_db_per_hz.is_finite() && self.rin_db_per_hz < 0.0) {
            return Err(InvalidValue::new("rin_db_per_hz", self.rin_db_per_hz, "a negative number, such as -145"));
        }
        self.cmrr_db.map_or(Ok(()), |cmrr| at_least("cmrr_db", cmrr, 0.0))
    }
}
