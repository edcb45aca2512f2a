//! Rectifier: `y = max(x, 0)`; the slope at 0 is taken as 0. Needs the sign of x, so homodyne or offset detection.

use serde::{Deserialize, Serialize};

use super::{BuildContext, Gradients, Layer, LayerSettings};
use crate::data::Batch;
use crate::error::Result;

/// Settings of a rectifier: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl LayerSettings for Relu {
    fn build(&self, _place: &BuildContext<'_>) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }
}

impl Layer for Relu {
    fn forward(&self, input: &Batch) -> Batch {
        input.map(|x| x.max(0.0))
    }

    fn backward(&self, input: &Batch, _output: &Batch, gradient: &Batch, wants_input: bool) -> Gradients {
        let input = wants_input.then(|| gradient.zip_map(input, |g, x| if x > 0.0 { g } else { 0.0 }));
        Gradients { input, parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check_gradients;

    #[test]
    fn cuts_below_zero() {
        let input = Batch::from_column_slice(3, 1, &[-1.5, 0.0, 2.0]);
        assert_eq!(Relu {}.forward(&input).as_slice(), [0.0, 0.0, 2.0]);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        check_gradients(&mut Relu {}, &Batch::from_fn(4, 3, |r, c| 0.7 * r as f64 - 0.9 * c as f64 + 0.15));
    }
}
