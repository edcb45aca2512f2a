//! Values of each sample divided by their Euclidean norm: `y = x/‖x‖`, and 0 for a sample of zeros.

use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::error::Result;
use crate::layer::{Gradients, Layer, LayerSettings, Trace};
use crate::weights::Tensors;

/// Settings of the normalisation: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct L2Normalise {}

impl Layer for L2Normalise {
    fn forward(&self, input: &Batch) -> Batch {
        let mut output = input.clone();
        for mut column in output.column_iter_mut() {
            let norm = column.norm();
            if norm > 0.0 {
                column.unscale_mut(norm);
            }
        }
        output
    }

    /// `∂L/∂x = (g − y·(y·g))/‖x‖`.
    fn backward(&self, input: &Batch, trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || {
            let mut by_input = gradient.clone();
            let samples = input.column_iter().zip(trace.output.column_iter());
            for (mut g, (x, y)) in by_input.column_iter_mut().zip(samples) {
                let norm = x.norm();
                let along = g.dot(&y);
                g.axpy(-along, &y, 1.0);
                if norm > 0.0 {
                    g.unscale_mut(norm);
                } else {
                    g.fill(0.0);
                }
            }
            by_input
        };
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }
}

impl LayerSettings for L2Normalise {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    #[test]
    fn samples_have_the_norm_of_one() {
        let mut layer = layer_for_test("kind = 'l2_normalise'", &[3], &[]).unwrap();
        let input = Batch::from_column_slice(3, 2, &[2.0, -3.0, 6.0, 0.0, 0.0, 0.0]);
        let expected = [2.0 / 7.0, -3.0 / 7.0, 6.0 / 7.0, 0.0, 0.0, 0.0];
        let difference = layer.forward(&input) - Batch::from_column_slice(3, 2, &expected);
        assert!(difference.amax() < 1e-15);
        check_gradients(layer.as_mut(), &Batch::from_vec(3, 4, varied(12, 1)));
    }
}
