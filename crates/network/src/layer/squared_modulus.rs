//! Squared modulus: `y = x²`, the power at a direct detector. The slope is `2 x`.

use serde::{Deserialize, Serialize};

use super::Activation;

/// Settings of a squared modulus: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SquaredModulus {}

impl Activation for SquaredModulus {
    fn value(&self, x: f64) -> f64 {
        x * x
    }

    fn backward(&self, gradient: f64, x: f64, _y: f64) -> f64 {
        2.0 * gradient * x
    }
}
