//! One number of the device library: value, unit, source, status and range.

use phaseloom_files::InvalidValue;
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
        let (min, max) = limits(unit);
        for (part, number) in [("value", Some(self.value)), ("low", self.low), ("high", self.high)] {
            let Some(number) = number else { continue };
            // Written so that a NaN is refused.
            if !(number.is_finite() && (min..=max).contains(&number)) {
                return invalid(part, &number.to_string(), expected_number(unit, min, max));
            }
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

/// Minimum and maximum of a unit. Rates, bits and efficiencies are divisors, so they exceed zero.
fn limits(unit: &str) -> (f64, f64) {
    match unit {
        "dB/Hz" | "dBm" => (-1e3, 1e3),
        "W/W" => (f64::MIN_POSITIVE, 1.0),
        "Hz" | "bit" | "m" | "A/W" => (f64::MIN_POSITIVE, f64::MAX),
        _ => (0.0, f64::MAX),
    }
}

fn expected_number(unit: &str, min: f64, max: f64) -> String {
    match unit {
        "W/W" => "a number above 0 and at most 1".into(),
        _ if max < f64::MAX => format!("a number from {min} to {max}"),
        _ if min > 0.0 => "a finite number > 0".into(),
        _ => "a finite number ≥ 0".into(),
    }
}
