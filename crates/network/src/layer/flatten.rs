//! All values of a sample in a row. Their order, channels first, stays the same.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use super::{Gradients, Layer, LayerSettings, Trace};
use crate::data::Batch;
use crate::error::Result;
use crate::weights::Tensors;

/// Settings of a layer that flattens: none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FlattenSettings {}

impl LayerSettings for FlattenSettings {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(Flatten))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        Ok(vec![input.iter().product()])
    }
}

/// The identity on the values of a batch.
#[derive(Clone, Debug)]
struct Flatten;

impl Layer for Flatten {
    fn forward(&self, input: &Batch) -> Batch {
        input.clone()
    }

    fn backward(&self, _input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        Gradients { input: needs_input.then(|| gradient.clone()), parameters: Vec::new() }
    }
}
