//! Layer normalisation over the last axes of a sample: `y = γ·(x − μ)/√(σ² + ε) + β`, with mean μ and variance σ² of the
//! values that are normalised together. Source: Ba, Kiros & Hinton 2016.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::error::Result;
use crate::layer::{Gradients, Layer, LayerSettings, NamedTensor, Parameter, Trace};
use crate::weights::{Tensor, Tensors};

/// Settings of a layer normalisation, as written in a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayerNormSettings {
    /// Number of last axes whose values are normalised together. Range: ≥ 1. Default: all axes of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axes: Option<usize>,
    /// Name of the tensor of the scale γ of each value, with the lengths of these axes. The scale is 1 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    /// Name of the tensor of the shift β of each value, with the lengths of these axes. The shift is 0 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// Number ε that is added to the variance. Range: > 0.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
}

fn epsilon() -> f64 {
    1e-5
}

impl LayerNormSettings {
    /// The lengths of the axes that are normalised together.
    fn shape<'a>(&self, input: &'a [usize]) -> &'a [usize] {
        &input[input.len() - self.axes.unwrap_or(input.len()).min(input.len())..]
    }
}

impl LayerSettings for LayerNormSettings {
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let shape = self.shape(input);
        let values = |name: &String| tensors.expect(user, name, shape).map(<[f64]>::to_vec);
        Ok(Box::new(LayerNorm {
            weight: self.weight.as_ref().map(values).transpose()?,
            bias: self.bias.as_ref().map(values).transpose()?,
            shape: shape.to_vec(),
            epsilon: self.epsilon,
        }))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return Err(InvalidValue::new("epsilon", self.epsilon, "a finite number above 0"));
        }
        match self.axes {
            Some(axes) if !(1..=input.len()).contains(&axes) => {
                let expected = format!("1 to {}, the axes of an input of the shape {input:?}", input.len());
                Err(InvalidValue::new("axes", axes, expected))
            }
            _ => Ok(input.to_vec()),
        }
    }

    fn tensors(&self, input: &[usize]) -> Vec<NamedTensor<'_>> {
        let tensor = |name, value| NamedTensor::constant(name, self.shape(input).to_vec(), value);
        let weight = self.weight.as_ref().map(|name| tensor(name, 1.0));
        weight.into_iter().chain(self.bias.as_ref().map(|name| tensor(name, 0.0))).collect()
    }
}

/// A layer normalisation of samples of one shape.
#[derive(Clone, Debug)]
struct LayerNorm {
    weight: Option<Vec<f64>>,
    bias: Option<Vec<f64>>,
    /// Lengths of the axes that are normalised together.
    shape: Vec<usize>,
    epsilon: f64,
}

impl LayerNorm {
    /// Number of values that are normalised together.
    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Mean and `1/√(σ² + ε)` of values that are normalised together.
    fn statistics(&self, values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        (mean, 1.0 / (variance + self.epsilon).sqrt())
    }

    fn weight(&self, at: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |weight| weight[at])
    }
}

impl Layer for LayerNorm {
    fn forward(&self, input: &Batch) -> Batch {
        let mut output = input.clone();
        for values in output.as_mut_slice().chunks_exact_mut(self.size()) {
            let (mean, inverse) = self.statistics(values);
            for (at, x) in values.iter_mut().enumerate() {
                let bias = self.bias.as_ref().map_or(0.0, |bias| bias[at]);
                *x = self.weight(at) * (*x - mean) * inverse + bias;
            }
        }
        output
    }

    /// With x̂ = (x − μ)/√(σ² + ε), the gradient g with respect to y, h = γ·g and means over the n values:
    /// `∂x = (h − mean(h) − x̂·mean(h·x̂))/√(σ² + ε)`, `∂γ = Σ g x̂` and `∂β = Σ g` over the samples.
    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let size = self.size();
        let (mut by_weight, mut by_bias) = (vec![0.0; size], vec![0.0; size]);
        let mut by_input = gradient.clone();
        for (x, g) in input.as_slice().chunks_exact(size).zip(by_input.as_mut_slice().chunks_exact_mut(size)) {
            let (mean, inverse) = self.statistics(x);
            let (mut sum, mut product) = (0.0, 0.0);
            for (at, (x, g)) in x.iter().zip(g.iter_mut()).enumerate() {
                let normalised = (x - mean) * inverse;
                by_weight[at] += *g * normalised;
                by_bias[at] += *g;
                *g *= self.weight(at);
                sum += *g;
                product += *g * normalised;
            }
            for (x, g) in x.iter().zip(g) {
                *g = inverse * (*g - (sum + (x - mean) * inverse * product) / size as f64);
            }
        }
        let weight = self.weight.is_some().then_some(by_weight);
        let bias = self.bias.is_some().then_some(by_bias);
        Gradients { input: needs_input.then_some(by_input), parameters: weight.into_iter().chain(bias).collect() }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let all = [&mut self.weight, &mut self.bias].into_iter().flatten();
        all.map(|values| Parameter { values, decays: false, is_phase: false }).collect()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let all = [&self.weight, &self.bias].into_iter().flatten();
        all.map(|values| Tensor::new(self.shape.clone(), values.clone())).collect()
    }

    fn numbers(&self) -> Vec<f64> {
        vec![self.epsilon, self.size() as f64]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    #[test]
    fn values_of_the_last_axes_have_mean_and_variance_of_the_tensors() {
        for (axes, shape) in [("", vec![2, 3, 4]), ("axes = 1\n", vec![4]), ("axes = 2\n", vec![3, 4])] {
            let size: usize = shape.iter().product();
            let (weight, bias) = (varied(size, 1), varied(size, 2));
            let tensors: [(&str, &[usize], &[f64]); 2] = [("w", &shape, &weight), ("b", &shape, &bias)];
            let toml = format!("kind = 'layer_norm'\nweight = 'w'\nbias = 'b'\nepsilon = 0.01\n{axes}");
            let mut layer = layer_for_test(&toml, &[2, 3, 4], &tensors).unwrap();
            let x = Batch::from_vec(24, 2, varied(48, 3));
            let y = layer.forward(&x);
            for (x, y) in x.as_slice().chunks(size).zip(y.as_slice().chunks(size)) {
                let mean = x.iter().sum::<f64>() / size as f64;
                let mean_square = x.iter().map(|x| x * x).sum::<f64>() / size as f64;
                for at in 0..size {
                    let normalised = (x[at] - mean) / (mean_square - mean * mean + 0.01).sqrt();
                    assert!((y[at] - weight[at] * normalised - bias[at]).abs() < 1e-13, "{toml}");
                }
            }
            check_gradients(layer.as_mut(), &x);
        }
        check_gradients(
            layer_for_test("kind = 'layer_norm'", &[6], &[]).unwrap().as_mut(),
            &Batch::from_vec(6, 1, varied(6, 9)),
        );
        let error = layer_for_test("kind = 'layer_norm'\naxes = 3", &[2, 3], &[]).unwrap_err().to_string();
        assert!(error.contains(".axes`") && error.contains("1 to 2"), "{error}");
    }
}
