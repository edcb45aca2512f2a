//! Softmax over the features of each sample: `y_i = exp(x_i − max x) / Σ_j exp(x_j − max x)`.

use serde::{Deserialize, Serialize};

use super::{Gradients, Layer, LayerSettings, Trace};
use crate::data::Batch;
use crate::error::Result;
use crate::weights::Tensors;

/// Settings of a softmax: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Softmax {}

impl Layer for Softmax {
    fn forward(&self, input: &Batch) -> Batch {
        let mut output = input.clone();
        for mut column in output.column_iter_mut() {
            let max = column.max();
            column.apply(|x| *x = (*x - max).exp());
            let sum = column.sum();
            column.apply(|x| *x /= sum);
        }
        output
    }

    fn backward(&self, _input: &Batch, trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let input = needs_input.then(|| {
            let mut by_input = gradient.component_mul(&trace.output);
            for (mut column, y) in by_input.column_iter_mut().zip(trace.output.column_iter()) {
                let mean = column.sum();
                column.axpy(-mean, &y, 1.0);
            }
            by_input
        });
        Gradients { input, parameters: Vec::new() }
    }
}

impl LayerSettings for Softmax {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }
}
