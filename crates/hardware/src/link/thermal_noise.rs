//! Noise current of the transimpedance amplifier: `var i = i_n²·B`, with `i_n² = 4kT/R_f` for the feedback resistor alone.

use super::BOLTZMANN;
use phaseloom_files::{InvalidValue, at_least, positive, read_key};
use serde::{Deserialize, Serialize};

/// `[link.thermal_noise]`: either the resistor or the input-referred noise of the amplifier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThermalNoise {
    /// Feedback resistance of the amplifier (Ω). Exactly one of this and `noise_a_per_sqrt_hz` is given. Range: > 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_ohm: Option<f64>,
    /// Temperature of that resistor (K). Range: ≥ 0.
    #[serde(default = "room")]
    pub temperature_k: f64,
    /// Input-referred current noise of the amplifier (A/√Hz). Range: ≥ 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_a_per_sqrt_hz: Option<f64>,
}

fn room() -> f64 {
    300.0
}

impl ThermalNoise {
    /// Variance of the current (A²) in a bandwidth (Hz).
    pub(crate) fn variance_a2(&self, bandwidth_hz: f64) -> f64 {
        let density = match (
            read_key!("link.thermal_noise", self.noise_a_per_sqrt_hz),
            read_key!("link.thermal_noise", self.feedback_ohm),
        ) {
            (Some(noise), _) => noise * noise,
            (None, Some(ohm)) => 4.0 * BOLTZMANN * read_key!("link.thermal_noise", self.temperature_k) / ohm,
            (None, None) => 0.0,
        };
        density * bandwidth_hz
    }

    pub(super) fn check(&self) -> Result<(), InvalidValue> {
        at_least("temperature_k", self.temperature_k, 0.0)?;
        match (self.feedback_ohm, self.noise_a_per_sqrt_hz) {
            (Some(ohm), None) => positive("feedback_ohm", ohm),
            (None, Some(noise)) => at_least("noise_a_per_sqrt_hz", noise, 0.0),
            (None, None) => Err(InvalidValue::new("feedback_ohm", "absent", "a resistance, or `noise_a_per_sqrt_hz`")),
            (Some(_), Some(_)) => {
                Err(InvalidValue::new("feedback_ohm", "given together with `noise_a_per_sqrt_hz`", "only one of them"))
            }
        }
    }
}
