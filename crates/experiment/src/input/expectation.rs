//! The table `expect`: results that the floating-point reference must have before any chip is sampled. A wrong transpose or
//! a forgotten normalisation is then an error, and not a bad result.

use crate::error::Problem;
use serde::{Deserialize, Serialize};

/// Results of the floating-point reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Share of samples with the correct class, 0…1.
    pub accuracy: f64,
    /// Maximum difference from the accuracy. The default is 0.0005, half a unit of a percentage with one decimal.
    #[serde(default = "half_a_tenth")]
    pub tolerance: f64,
}

fn half_a_tenth() -> f64 {
    5e-4
}

impl Expectation {
    /// Compares with the accuracy of the reference. `None` is that of data without labels.
    pub(crate) fn check(&self, accuracy: Option<f64>) -> Result<(), Problem> {
        let Self { accuracy: expected, tolerance } = *self;
        match accuracy {
            Some(found) if (found - expected).abs() <= tolerance => Ok(()),
            found => Err(Problem::Unexpected { found, expected, tolerance }),
        }
    }
}
