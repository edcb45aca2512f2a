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
        let slope = if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            0.0
        };
        gradient * slope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_sign() {
        for (x, y) in [(-1.5, 1.5), (0.0, 0.0), (2.0, 2.0)] {
            assert!((Modulus {}.value(x) - y).abs() < 1e-15, "{x}");
        }
    }
}
