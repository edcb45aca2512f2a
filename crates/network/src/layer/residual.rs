//! A residual block: the sum of the outputs of layers and of a shortcut on the same input. Source: He et al. 2016.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use super::place::build_all;
use super::repeat::layer_list;
use super::{Gradients, Layer, LayerSettings, LayerSpec, Parameter, Pass, Products, Recorder, Trace, chain};
use crate::data::Batch;
use crate::error::Result;
use crate::weights::Tensors;

/// The layers of a residual block, as written in a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResidualSettings {
    /// The layers inside: tables `[[layer.layer]]`.
    #[serde(deserialize_with = "layer_list")]
    pub layer: Vec<LayerSpec>,
    /// The layers of the shortcut: tables `[[layer.shortcut]]`. Default: the input itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "layer_list")]
    pub shortcut: Vec<LayerSpec>,
}

/// Shape of the output of layers one after another.
fn output_shape(layers: &[LayerSpec], list: &str, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
    layers.iter().enumerate().try_fold(input.to_vec(), |shape, (index, layer)| {
        layer.output_shape(&shape).map_err(|invalid| invalid.in_table(&format!("{list}[{index}]")))
    })
}

impl LayerSettings for ResidualSettings {
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(Residual {
            layers: build_all(&self.layer, &format!("{user}, "), input, tensors)?,
            shortcut: build_all(&self.shortcut, &format!("{user}, shortcut "), input, tensors)?,
        }))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        if self.layer.is_empty() {
            return Err(InvalidValue::new("layer", "an empty list", "at least one layer"));
        }
        let shape = output_shape(&self.layer, "layer", input)?;
        let shortcut = output_shape(&self.shortcut, "shortcut", input)?;
        if shape == shortcut {
            return Ok(shape);
        }
        let (key, found) = match self.shortcut.is_empty() {
            true => ("layer", format!("the shape {shape:?} after the layers and {input:?} before them")),
            false => ("shortcut", format!("the shape {shortcut:?} and {shape:?} after the layers")),
        };
        Err(InvalidValue::new(key, found, "equal shapes, which can be added: give a `shortcut` that makes them equal"))
    }

    fn parts(&self) -> Vec<(&'static str, &[LayerSpec])> {
        vec![("layer", &self.layer), ("shortcut", &self.shortcut)]
    }

    fn parts_mut(&mut self) -> Vec<&mut Vec<LayerSpec>> {
        vec![&mut self.layer, &mut self.shortcut]
    }
}

/// A residual block.
#[derive(Debug)]
struct Residual {
    layers: Vec<Box<dyn Layer>>,
    shortcut: Vec<Box<dyn Layer>>,
}

impl Residual {
    fn gradients(
        &self,
        input: &Batch,
        trace: &Trace,
        gradient: &Batch,
        needs_input: bool,
        mut products: Option<&mut dyn Products>,
    ) -> Gradients {
        let mut sum: Option<Batch> = None;
        let mut parameters = Vec::new();
        for (layers, traces) in [&self.layers, &self.shortcut].into_iter().zip(&trace.parts) {
            let products = products.as_mut().map(|products| &mut **products as &mut dyn Products);
            let gradients = chain::backward_with(layers, input, traces, gradient.clone(), needs_input, products);
            parameters.extend(gradients.parameters);
            sum = match (sum, gradients.input) {
                (Some(sum), Some(by_input)) => Some(sum + by_input),
                (sum, by_input) => sum.or(by_input),
            };
        }
        Gradients { input: sum, parameters }
    }
}

impl Layer for Residual {
    fn forward(&self, input: &Batch) -> Batch {
        chain::forward(&self.layers, input) + chain::forward(&self.shortcut, input)
    }

    fn pass(&self, input: &Batch, pass: &mut Pass<'_>) -> Batch {
        let output = pass.run(&self.layers, input);
        output + pass.run(&self.shortcut, input)
    }

    fn record(&mut self, input: &Batch) -> Trace {
        self.record_with(input, &mut Recorder::new(None))
    }

    fn record_with(&mut self, input: &Batch, recorder: &mut Recorder<'_>) -> Trace {
        let layers = chain::record_with(&mut self.layers, input, recorder);
        let shortcut = chain::record_with(&mut self.shortcut, input, recorder);
        let output = chain::output(&layers, input) + chain::output(&shortcut, input);
        Trace { parts: vec![layers, shortcut], ..Trace::new(output) }
    }

    fn backward(&self, input: &Batch, trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        self.gradients(input, trace, gradient, needs_input, None)
    }

    fn backward_with(
        &self,
        input: &Batch,
        trace: &Trace,
        gradient: &Batch,
        needs_input: bool,
        products: &mut dyn Products,
    ) -> Gradients {
        self.gradients(input, trace, gradient, needs_input, Some(products))
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        self.layers.iter_mut().chain(&mut self.shortcut).flat_map(|layer| layer.parameters()).collect()
    }

    fn numbers(&self) -> Vec<f64> {
        vec![self.layers.len() as f64, self.shortcut.len() as f64]
    }

    fn parts(&self) -> Vec<&[Box<dyn Layer>]> {
        vec![&self.layers, &self.shortcut]
    }

    fn parts_mut(&mut self) -> Vec<&mut [Box<dyn Layer>]> {
        vec![&mut self.layers, &mut self.shortcut]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    #[test]
    fn the_output_is_the_sum_of_layers_and_shortcut() {
        let toml =
            "kind = 'residual'\n[[layer]]\nkind = 'dense'\noutputs = 2\nweight = 'a'\n[[layer]]\nkind = 'tanh'\n";
        let (a, b) = (varied(6, 1), varied(6, 2));
        let tensors: [(&str, &[usize], &[f64]); 2] = [("a", &[2, 3], &a), ("b", &[2, 3], &b)];
        let x = Batch::from_vec(3, 4, varied(12, 3));
        let with = format!("{toml}[[shortcut]]\nkind = 'linear'\noutputs = 2\nweight = 'b'\n");
        let mut layer = layer_for_test(&with, &[3], &tensors).unwrap();
        let matrix = |values: &[f64]| Batch::from_row_slice(2, 3, values);
        let expected = (matrix(&a) * &x).map(f64::tanh) + matrix(&b) * &x;
        assert!((layer.forward(&x) - expected).amax() < 1e-14);
        check_gradients(layer.as_mut(), &x);
        let square: [(&str, &[usize], &[f64]); 1] = [("a", &[2, 2], &a[..4])];
        let mut layer = layer_for_test(toml, &[2], &square).unwrap();
        let x = x.rows(0, 2).into_owned();
        let expected = (Batch::from_row_slice(2, 2, &a[..4]) * &x).map(f64::tanh) + &x;
        assert!((layer.forward(&x) - expected).amax() < 1e-14);
        check_gradients(layer.as_mut(), &x);
        let error = layer_for_test(toml, &[3], &tensors).unwrap_err().to_string();
        assert!(error.contains("the shape [2] after the layers and [3] before them"), "{error}");
    }
}
