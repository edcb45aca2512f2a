//! Logistic function: `y = 1 / (1 + exp(−x))` with the slope `y (1 − y)`.

use serde::{Deserialize, Serialize};

use super::Activation;

/// Settings of a logistic function: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

impl Activation for Sigmoid {
    fn value(&self, x: f64) -> f64 {
        if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
    }

    fn backward(&self, gradient: f64, _x: f64, y: f64) -> f64 {
        gradient * y * (1.0 - y)
    }
}
