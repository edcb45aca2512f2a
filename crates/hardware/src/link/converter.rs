//! Converters: symmetric, saturating, mid-tread (zero is a code).
//!
//! ```text
//! signed     2^b − 1 codes, −(2^{b−1}−1) … +(2^{b−1}−1)     Δ = full scale/(2^{b−1}−1)
//! unsigned   2^b codes from 0, for a single detector          Δ = full scale/(2^b−1)
//! ```

use phaseloom_files::{InvalidValue, read_key};
use phaseloom_numerics::Real;
use serde::{Deserialize, Serialize};

/// A converter of b bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Converter {
    /// Bits. Range: 2…24.
    pub bits: u32,
}

/// The codes of a converter: value = code·step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Codes {
    /// The largest code.
    pub max_code: f64,
    /// Step for a full scale of 1.
    pub step: f64,
}

impl Codes {
    /// The value of the nearest code of a value within the full scale of 1. Halves go to the even code.
    #[inline(always)]
    pub(crate) fn round(&self, x: f64) -> f64 {
        Real::round_ties_even(x * self.max_code) * self.step
    }
}

impl Converter {
    /// Codes of a signed value, full scale ±1.
    pub(crate) fn signed(&self) -> Codes {
        let max_code = 2f64.powi(self.bits as i32 - 1) - 1.0;
        Codes { max_code, step: 1.0 / max_code }
    }

    /// Codes of a value 0…1.
    pub(crate) fn unsigned(&self) -> Codes {
        let max_code = 2f64.powi(self.bits as i32) - 1.0;
        Codes { max_code, step: 1.0 / max_code }
    }

    pub(super) fn check(self) -> Result<(), InvalidValue> {
        if (2..=24).contains(&self.bits) {
            Ok(())
        } else {
            Err(InvalidValue::new("bits", self.bits, "a whole number from 2 to 24"))
        }
    }
}

/// Full scale of the output converter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FullScale {
    /// The largest value in the calibration data, tile by tile.
    #[default]
    Calibration,
    /// √k times the gain, an upper bound for all data.
    Bound,
}

/// `[link.adc]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Adc {
    /// Bits. Range: 2…24.
    pub bits: u32,
    /// Source of the full scale.
    #[serde(default)]
    pub full_scale: FullScale,
}

impl Adc {
    /// Its converter.
    pub(crate) fn converter(&self) -> Converter {
        Converter { bits: read_key!("link.adc", self.bits) }
    }

    pub(super) fn check(self) -> Result<(), InvalidValue> {
        Converter { bits: self.bits }.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_full_scale_are_codes() {
        for bits in 2..=24 {
            let converter = Converter { bits };
            for x in [-1.0, 0.0, 1.0] {
                assert!((converter.signed().round(x) - x).abs() < 1e-15);
            }
            assert!((converter.unsigned().round(1.0) - 1.0).abs() < 1e-15);
        }
        let signed = Converter { bits: 3 }.signed();
        let mut codes: Vec<i64> =
            (-1000..=1000).map(|i| (signed.round(f64::from(i) / 1000.0) * 3.0).round() as i64).collect();
        codes.dedup();
        assert_eq!(codes, [-3, -2, -1, 0, 1, 2, 3]);
    }
}
