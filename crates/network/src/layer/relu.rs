//! Rectifier: `y = max(x, 0)`. The slope at 0 is 0.
//!
//! A rectifier needs the sign of x, so homodyne or offset detection.

use serde::{Deserialize, Serialize};

use super::Activation;

/// Settings of a rectifier: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl Activation for Relu {
    fn value(&self, x: f64) -> f64 {
        x.max(0.0)
    }

    fn backward(&self, gradient: f64, x: f64, _y: f64) -> f64 {
        if x > 0.0 { gradient } else { 0.0 }
    }
}
