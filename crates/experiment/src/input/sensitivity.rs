//! The table `[sensitivity]`: the chips and the samples of a sensitivity map.

use crate::input::config::Config;
use phaseloom_files::InvalidValue;
use phaseloom_hardware::Detection;
use serde::{Deserialize, Serialize};

/// Maximum number of samples: those that pass the network together.
pub const MAX_SAMPLES: usize = 256;

/// The table `[sensitivity]` of an experiment that `phaseloom budget` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SensitivitySettings {
    /// Number of chips, at the first point at which all sources are on; at most `trials`. Range: ≥ 1.
    pub chips: u64,
    /// Number of test samples; at most all. A network needs it, and a matrix has no samples. Range: 1…256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
}

impl SensitivitySettings {
    /// Why an experiment can have no map: what was found, and what has a map. `None` if it can have one.
    #[must_use]
    pub fn refusal(config: &Config) -> Option<[&'static str; 2]> {
        if config.is_matrix() {
            return None;
        }
        if config.is_graph() {
            return Some([
                "an ONNX graph, of whose operators no derivatives are computed",
                "a model file (TOML), which `phaseloom import` writes for dense layers and convolutions, or one of its weight \
                 matrices (.npy) in place of the network",
            ]);
        }
        match config.link.detection {
            Detection::Homodyne => None,
            _ => Some([
                "detection of powers (`direct`, `offset`), which are not linear in the fields",
                "homodyne detection",
            ]),
        }
    }

    /// Whether an experiment can have a map.
    #[must_use]
    pub fn suit(config: &Config) -> bool {
        Self::refusal(config).is_none()
    }

    /// Checks the values, and that `config` has such a map.
    pub(crate) fn check(self, config: &Config) -> Result<(), InvalidValue> {
        if let Some([found, expected]) = Self::refusal(config) {
            return Err(InvalidValue::new("sensitivity", found, format!("{expected}; else remove the table")));
        }
        if self.chips == 0 {
            return Err(InvalidValue::new("sensitivity.chips", 0, "at least 1"));
        }
        match self.samples {
            Some(samples) if config.is_matrix() => {
                Err(InvalidValue::new("sensitivity.samples", samples, "no such key, because a matrix has no samples"))
            }
            None if config.is_matrix() => Ok(()),
            Some(samples) if (1..=MAX_SAMPLES).contains(&samples) => Ok(()),
            Some(samples) => Err(InvalidValue::new("sensitivity.samples", samples, format!("1 to {MAX_SAMPLES}"))),
            None => Err(InvalidValue::new("sensitivity.samples", "absent", format!("1 to {MAX_SAMPLES}"))),
        }
    }
}
