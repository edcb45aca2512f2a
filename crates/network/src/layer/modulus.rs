//! Modulus: `y = |x|`, the field amplitude at a direct detector. The slope at 0 is 0.

use serde::{Deserialize, Serialize};

use super::Activation;

/// Settings of a modulus: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modulus {}

impl Activation for Modulus {
    fn value(&self, x: f64) -> f64 {
        x.abs()
    }

    fn backward(&self, gradient: f64, x: f64, _y: f64) -> f64 {
        gradient * f64::from(i8::from(x > 0.0) - i8::from(x < 0.0))
    }
}
