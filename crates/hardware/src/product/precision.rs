//! Precision of fields and currents.

use crate::link::Link;
use phaseloom_files::usage;
use serde::{Deserialize, Serialize};

/// Precision of fields, noise and measured values. Chips, gains, scales, biases and activations are always double.
///
/// ```
/// use phaseloom_hardware::{Link, Precision};
/// assert_eq!(Precision::default().on(&Link::default()), Precision::Double);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// `f32`, rounding 6e-8: far below noise and converters.
    #[default]
    Single,
    /// `f64`, rounding 1e-16.
    Double,
}

impl Precision {
    /// The precision on a link. It stays double for an ideal link, for converters of more than 16 bits (whose step is close
    /// to the rounding of a float), and if the noise exceeds 10¹² times the signal.
    #[must_use]
    pub fn on(self, link: &Link) -> Self {
        // For one port. If k ports share the laser, thermal noise is k times larger, at most 16384 times.
        let fits = |link: &Link| {
            let noise = link.receiver(1).map_or(f64::INFINITY, |receiver| receiver.variance(1.0, 1.0).sqrt());
            let fine = |bits: u32| bits > 16;
            noise < 1e12 && !link.adc.is_some_and(|adc| fine(adc.bits)) && !link.dac.is_some_and(|dac| fine(dac.bits))
        };
        if link.is_ideal() || !fits(link) {
            return Self::Double;
        }
        usage::mark("precision");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_float_cannot_hold_stays_double() {
        let on = |text: &str| Precision::Single.on(&toml::from_str(text).unwrap());
        assert_eq!(on("laser_power_w = 1e-3\nshot_noise = true\n[adc]\nbits = 16"), Precision::Single);
        assert_eq!(on("[adc]\nbits = 17"), Precision::Double);
        assert_eq!(on("[dac]\nbits = 17"), Precision::Double);
        assert_eq!(on("laser_power_w = 1e-30\nthermal_noise = { noise_a_per_sqrt_hz = 1e9 }"), Precision::Double);
        assert_eq!(on("detection = \"offset\""), Precision::Double);
    }
}
