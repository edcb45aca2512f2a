//! One number of the device library: value, unit, source, status and range.

use phaseloom_files::{InvalidValue, within};
use serde::{Deserialize, Serialize};

/// How well a number is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Read in the source that the entry names.
    Found,
    /// Written from memory; the source was not at hand.
    FromMemory,
    /// No source.
    #[default]
    Assumption,
}

/// One number of the device library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The value that tables use.
    pub value: f64,
    /// Its unit; another one than that of the shipped library is an error.
    pub unit: String,
    /// Where the value comes from.
    pub source: String,
    /// How well it is known.
    pub status: Status,
    /// Lower limit of the range that intervals sample; absent together with `high` for a value that stays fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper limit of that range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

impl Entry {
    /// The range, or the value twice.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.low.unwrap_or(self.value), self.high.unwrap_or(self.value))
    }

    /// The quantile `p` (0…1) of the range.
    ///
    /// The range is sampled uniformly on a logarithmic scale. It is sampled uniformly where its lower limit is not
    /// above zero, and for effective bits, which are logarithms already.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        let (low, high) = self.range();
        if low >= high {
            self.value
        } else if low <= 0.0 || self.unit == "bit" {
            low + p * (high - low)
        } else {
            (low.ln() + p * (high.ln() - low.ln())).exp()
        }
    }

    /// The value with its physical quantity 1 % larger, for first-order sensitivities. A noise in dB/Hz is 1 % more
    /// power.
    pub(super) fn increased(&self) -> f64 {
        if self.unit == "dB/Hz" { self.value + 10.0 * 1.01f64.log10() } else { self.value * 1.01 }
    }

    /// Checks the entry `key`, whose unit is `unit`.
    pub(super) fn check(&self, key: &str, unit: &str) -> Result<(), InvalidValue> {
        let invalid = |part: &str, found: &str, expected: String| {
            Err(InvalidValue::new(format!("{key}.{part}"), found, expected))
        };
        if self.unit != unit {
            return invalid("unit", &format!("`{}`", self.unit), format!("`{unit}`, in which `value` must be given"));
        }
        if self.source.trim().is_empty() {
            return invalid("source", "empty", "where the value comes from, or why it is assumed".into());
        }
        let range = limits(key, unit);
        for (part, number) in [("value", Some(self.value)), ("low", self.low), ("high", self.high)] {
            number.map_or(Ok(()), |number| within(&format!("{key}.{part}"), number, range, unit))?;
        }
        match (self.low, self.high) {
            (None, None) => Ok(()),
            (Some(low), Some(high)) if low <= self.value && self.value <= high => Ok(()),
            (Some(low), Some(high)) => {
                let expected = format!("between `low` = {low} and `high` = {high}");
                invalid("value", &self.value.to_string(), expected)
            }
            (None, Some(_)) => invalid("low", "absent", "a number next to `high`, or neither of them".into()),
            (Some(_), None) => invalid("high", "absent", "a number next to `low`, or neither of them".into()),
        }
    }
}

/// Minimum and maximum of an entry. They lie beyond all that is built or planned, and near enough that every number of a cost
/// is finite. Rates, bits and efficiencies are divisors, so they exceed zero.
fn limits(key: &str, unit: &str) -> [f64; 2] {
    let (min, max) = match (key, unit) {
        // A full scale below the root mean square clips most of what it converts.
        ("converters.crest", _) => (1.0, 100.0),
        ("converters.idle", _) => (0.0, 1.0),
        // From vacuum to slow light.
        ("cell.group_index", _) => (1.0, 100.0),
        // Technologies from the first microprocessors on, over 45 nm.
        (_, "1") => (1e-6, 1e6),
        // From a millionth to all of the power of a plug.
        (_, "W/W") => (1e-6, 1.0),
        // From less than the noise of a photon to more than the power of a device.
        (_, "W") => (0.0, 1e3),
        // From seconds to the frequency of light.
        (_, "Hz") => (1.0, 1e15),
        // Beyond 24 bits, the thermal noise of a room exceeds a step of a volt's converter at any rate of interest.
        (_, "bit") => (0.5, 24.0),
        (_, "m2") => (0.0, 1.0),
        // From ultraviolet to far infrared.
        ("laser.wavelength_m", _) => (1e-7, 1e-4),
        (_, "m") => (0.0, 1.0),
        (_, "s") => (0.0, 10.0),
        (_, "J") => (0.0, 1e-3),
        (_, "J/bit") => (0.0, 1e-6),
        (_, "m2/bit") => (0.0, 1e-6),
        // A factor of 10^20.
        (_, "dB") => (0.0, 200.0),
        // From far below the shot noise of a watt on.
        (_, "dB/Hz") => (-300.0, -1.0),
        (_, "dBm") => (-150.0, 60.0),
        // At most one electron a photon, 8 A/W at 10 µm; the library checks that of its wavelength.
        (_, "A/W") => (1e-6, 10.0),
        (_, "A/sqrt(Hz)") => (0.0, 1e-3),
        _ => (0.0, f64::MAX),
    };
    [min, max]
}
