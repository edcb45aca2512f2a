//! The key `metric`: the number by which a run judges the outputs of a network.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a run compares the outputs of a network with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of samples whose label is the class of the maximum output.
    Accuracy,
    /// Share of samples whose label is among the classes of the top five outputs.
    #[serde(rename = "top_5", alias = "top5", alias = "top-5")]
    Top5,
    /// Root mean square of output minus target.
    RmsError,
    /// None: only the outputs of the network in floating point are compared, whatever the data hold.
    None,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accuracy => "accuracy",
            Self::Top5 => "top_5",
            Self::RmsError => "rms_error",
            Self::None => "none",
        })
    }
}
