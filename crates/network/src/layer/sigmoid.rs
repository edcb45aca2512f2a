//! Logistic function: `y = 1 / (1 + exp(−x))`, slope `y (1 − y)`.

use serde::{Deserialize, Serialize};

use super::{BuildContext, Gradients, Layer, LayerSettings};
use crate::data::Batch;
use crate::error::Result;

/// Settings of a logistic function: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

impl LayerSettings for Sigmoid {
    fn build(&self, _place: &BuildContext<'_>) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }
}

impl Layer for Sigmoid {
    fn forward(&self, input: &Batch) -> Batch {
        input.map(|x| if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) })
    }

    fn backward(&self, _input: &Batch, output: &Batch, gradient: &Batch, wants_input: bool) -> Gradients {
        let input = wants_input.then(|| gradient.zip_map(output, |g, y| g * y * (1.0 - y)));
        Gradients { input, parameters: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::check_gradients;

    #[test]
    fn stays_finite_far_out() {
        let output = Sigmoid {}.forward(&Batch::from_column_slice(3, 1, &[-1e4, 0.0, 1e4]));
        assert_eq!(output.as_slice(), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        check_gradients(&mut Sigmoid {}, &Batch::from_fn(4, 3, |r, c| 0.7 * r as f64 - 0.9 * c as f64 + 0.15));
    }
}
