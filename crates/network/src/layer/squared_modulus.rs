//! Squared modulus: `y = x²`, the power that a direct detector reads; slope `2 x`.

use serde::{Deserialize, Serialize};

use super::{BuildContext, Gradients, Layer, LayerSettings};
use crate::data::Batch;
use crate::error::Result;

/// Settings of a squared modulus: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SquaredModulus {}

impl LayerSettings for SquaredModulus {
    fn build(&self, _place: &BuildContext<'_>) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }
}

impl Layer for SquaredModulus {
    fn forward(&self, input: &Batch) -> Batch {
        input.map(|x| x * x)
    }

    fn backward(&self, input: &Batch, _output: &Batch, gradient: &Batch, wants_input: bool) -> Gradients {
        let input = wants_input.then(|| gradient.zip_map(input, |g, x| 2.0 * g * x));
        Gradients { input, parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check_gradients;

    #[test]
    fn squares() {
        let output = SquaredModulus {}.forward(&Batch::from_column_slice(3, 1, &[-1.5, 0.0, 2.0]));
        assert_eq!(output.as_slice(), [2.25, 0.0, 4.0]);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        check_gradients(&mut SquaredModulus {}, &Batch::from_fn(4, 3, |r, c| 0.7 * r as f64 - 0.9 * c as f64 + 0.15));
    }
}
