//! Modulus: `y = |x|`, the field amplitude that a direct detector sees; the slope at 0 is taken as 0.

use serde::{Deserialize, Serialize};

use super::{BuildContext, Gradients, Layer, LayerSettings};
use crate::data::Batch;
use crate::error::Result;

/// Settings of a modulus: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modulus {}

impl LayerSettings for Modulus {
    fn build(&self, _place: &BuildContext<'_>) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }
}

impl Layer for Modulus {
    fn forward(&self, input: &Batch) -> Batch {
        input.abs()
    }

    fn backward(&self, input: &Batch, _output: &Batch, gradient: &Batch, wants_input: bool) -> Gradients {
        let slope = |x: f64| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        };
        let input = wants_input.then(|| gradient.zip_map(input, |g, x| g * slope(x)));
        Gradients { input, parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check_gradients;

    #[test]
    fn drops_the_sign() {
        let output = Modulus {}.forward(&Batch::from_column_slice(3, 1, &[-1.5, 0.0, 2.0]));
        assert_eq!(output.as_slice(), [1.5, 0.0, 2.0]);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        check_gradients(&mut Modulus {}, &Batch::from_fn(4, 3, |r, c| 0.7 * r as f64 - 0.9 * c as f64 + 0.15));
    }
}
