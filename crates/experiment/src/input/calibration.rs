//! The table `[calibration]`: training data that measure the scales of the converters.

use crate::input::defaults::one;
use phaseloom_network::data::DataSpec;
use serde::{Deserialize, Serialize};

/// The table `[calibration]`: training data, never the test data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CalibrationSource {
    /// The data.
    pub data: DataSpec,
    /// Quantile of the magnitudes that becomes full scale; 1 is the maximum. Range: above 0, at most 1.
    #[serde(default = "one::<f64>")]
    pub quantile: f64,
}
