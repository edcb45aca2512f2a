//! In which precision light and current are computed.

use crate::link::Link;
use serde::{Deserialize, Serialize};

/// Precision of fields, noise and readings. Chips, gains, scales, bias and activations are double in any case.
///
/// ```
/// use phaseloom_hardware::{Link, Precision};
/// assert_eq!(Precision::default().on(&Link::default()), Precision::Double);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// `f32`, rounding 6e-8: far below noise and converters.
    #[default]
    Single,
    /// `f64`, rounding 1e-16.
    Double,
}

impl Precision {
    /// What this choice means on a link: an ideal link, a converter of more than 16 bits (whose step is not far above
    /// the rounding of a float) and a reading whose noise is beyond 10¹² times its signal stay double.
    #[must_use]
    pub fn on(self, link: &Link) -> Self {
        // For one port. With k ports to share the laser, thermal noise grows to k times that, at most 16384 times.
        let fits = |link: &Link| {
            let noise = link.receiver(1).map_or(f64::INFINITY, |receiver| receiver.variance(1.0, 1.0).sqrt());
            let fine = |bits: u32| bits > 16;
            noise < 1e12 && !link.adc.is_some_and(|adc| fine(adc.bits)) && !link.dac.is_some_and(|dac| fine(dac.bits))
        };
        if self == Self::Single && !link.is_ideal() && fits(link) { Self::Single } else { Self::Double }
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
