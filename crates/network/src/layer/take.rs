//! Some neighbouring values of a sample, such as the ports of a mesh that are read.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use super::{Gradients, Layer, LayerSettings, Trace};
use crate::data::Batch;
use crate::error::Result;
use crate::weights::Tensors;

/// Neighbouring values of a row of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Take {
    /// How many values are kept. Range: 1…the number of inputs.
    pub outputs: usize,
    /// Index of the first that is kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Layer for Take {
    fn forward(&self, input: &Batch) -> Batch {
        input.rows(self.first, self.outputs).into_owned()
    }

    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || {
            let mut slopes = Batch::zeros(input.nrows(), input.ncols());
            slopes.rows_mut(self.first, self.outputs).copy_from(gradient);
            slopes
        };
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }
}

impl LayerSettings for Take {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        match input {
            [inputs] if self.outputs > 0 && self.first.saturating_add(self.outputs) <= *inputs => {
                Ok(vec![self.outputs])
            }
            [inputs] => {
                let found = format!("{} from {} on", self.outputs, self.first);
                Err(InvalidValue::new("outputs", found, format!("1 to {inputs}, the inputs of the layer")))
            }
            _ => {
                let found = format!("`take` on an input of the shape {input:?}");
                let expected = "one on a row of values: put a layer such as `flatten` or `intensity` before it";
                Err(InvalidValue::new("kind", found, expected))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    #[test]
    fn the_first_values_stay() {
        let mut layer = layer_for_test("kind = 'take'\noutputs = 2", &[3], &[]).unwrap();
        let input = Batch::from_vec(3, 4, varied(12, 1));
        assert_eq!(layer.forward(&input), input.rows(0, 2).into_owned());
        check_gradients(layer.as_mut(), &input);
        for (outputs, input) in [("0", &[3][..]), ("4", &[3]), ("2", &[2, 3])] {
            assert!(layer_for_test(&format!("kind = 'take'\noutputs = {outputs}"), input, &[]).is_err());
        }
    }
}
