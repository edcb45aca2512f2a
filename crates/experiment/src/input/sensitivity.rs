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
    /// Number of test samples; at most all. Range: 1…256.
    pub samples: usize,
}

impl SensitivitySettings {
    /// Whether the outputs of a network have derivatives that a map can show.
    #[must_use]
    pub fn suit(config: &Config) -> bool {
        !config.is_matrix() && !config.is_graph() && config.link.detection == Detection::Homodyne
    }

    /// Checks the values, and that `config` has such a map.
    pub(crate) fn check(self, config: &Config) -> Result<(), InvalidValue> {
        if self.chips == 0 {
            return Err(InvalidValue::new("sensitivity.chips", 0, "at least 1"));
        }
        if !(1..=MAX_SAMPLES).contains(&self.samples) {
            return Err(InvalidValue::new("sensitivity.samples", self.samples, format!("1 to {MAX_SAMPLES}")));
        }
        match Self::suit(config) {
            true => Ok(()),
            false => {
                let found = "a matrix, an ONNX graph, or another detection than homodyne";
                let expected = "a model file (TOML) with homodyne detection; remove the table";
                Err(InvalidValue::new("sensitivity", found, expected))
            }
        }
    }
}
