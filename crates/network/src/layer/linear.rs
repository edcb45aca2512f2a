//! The linear map `y = W x + b` that photonic and dense layers share.
//!
//! Shapes: W outputs × inputs, x inputs × samples, b one value an output. In a file, W stands as `[out, in]` (PyTorch)
//! or, with `transpose`, as `[in, out]` (Keras).

use nalgebra::DMatrix;
use phaseloom_numerics::linalg::multiply_real;

pub(crate) use phaseloom_numerics::linalg::multiply_batch as exact_product;
use serde::{Deserialize, Serialize};

use super::{BuildContext, Gradients, Layer, Parameter};
use crate::data::Batch;
use crate::error::{NetworkError, Result};
use crate::weights::Tensor;

/// Size and tensor names of a linear map, as written in a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// Number of outputs.
    pub outputs: usize,
    /// Name of the weight tensor.
    pub weight: String,
    /// Name of the bias tensor; no bias without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// Whether the weight is stored as `[in, out]` (Keras) instead of `[out, in]` (PyTorch).
    #[serde(default)]
    pub transpose: bool,
}

impl LinearSettings {
    /// Shape of the weight tensor in the file, for this number of inputs.
    #[must_use]
    pub fn weight_shape(&self, inputs: usize) -> Vec<usize> {
        if self.transpose { vec![inputs, self.outputs] } else { vec![self.outputs, inputs] }
    }
}

/// Weight and bias of a linear map.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// W: outputs × inputs.
    pub weight: DMatrix<f64>,
    /// b: one value an output; `None` for no bias.
    pub bias: Option<Vec<f64>>,
}

impl Linear {
    pub(super) fn build(settings: &LinearSettings, kind: &str, place: &BuildContext<'_>) -> Result<Self> {
        let user = format!("layer {} ({kind})", place.index);
        let shape = settings.weight_shape(place.inputs);
        if settings.outputs == 0 {
            return Err(NetworkError::Setting {
                path: place.tensors.path().to_owned(),
                key: format!("layer[{}].outputs", place.index),
                found: "0".into(),
                expected: "at least 1".into(),
            });
        }
        let values = place.tensors.expect(&user, &settings.weight, &shape)?;
        let weight = if settings.transpose {
            DMatrix::from_column_slice(settings.outputs, place.inputs, values)
        } else {
            DMatrix::from_row_slice(settings.outputs, place.inputs, values)
        };
        let bias = match &settings.bias {
            None => None,
            Some(name) => Some(place.tensors.expect(&user, name, &[settings.outputs])?.to_vec()),
        };
        Ok(Self { weight, bias })
    }

    /// The weight as a tensor in the layout of the settings.
    #[must_use]
    pub fn weight_tensor(&self, settings: &LinearSettings) -> Tensor {
        let inputs = self.weight.ncols();
        let values = if settings.transpose { self.weight.clone() } else { self.weight.transpose() };
        Tensor::new(settings.weight_shape(inputs), values.data.into())
    }

    /// Adds the bias to each column.
    ///
    /// # Panics
    ///
    /// If there is not one value of bias a row.
    pub fn add_bias(&self, output: &mut Batch) {
        if let Some(bias) = &self.bias {
            let rows = output.nrows();
            assert_eq!(bias.len(), rows, "one value of bias a row");
            for column in output.as_mut_slice().chunks_exact_mut(rows.max(1)) {
                column.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
    }
}

impl Layer for Linear {
    fn forward(&self, input: &Batch) -> Batch {
        let mut output = exact_product(&self.weight, input);
        self.add_bias(&mut output);
        output
    }

    fn backward(&self, input: &Batch, _output: &Batch, gradient: &Batch, wants_input: bool) -> Gradients {
        let weight: Vec<f64> = multiply_real(gradient, &input.transpose()).data.into();
        let mut parameters = vec![weight];
        if self.bias.is_some() {
            parameters.push(gradient.column_sum().data.into());
        }
        Gradients { input: wants_input.then(|| multiply_real(&self.weight.transpose(), gradient)), parameters }
    }

    fn linear(&self) -> Option<&Linear> {
        Some(self)
    }

    fn linear_mut(&mut self) -> Option<&mut Linear> {
        Some(self)
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let mut parameters = vec![Parameter { values: self.weight.as_mut_slice(), decays: true }];
        if let Some(bias) = &mut self.bias {
            parameters.push(Parameter { values: bias, decays: false });
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_a_sample_does_not_depend_on_its_batch() {
        check::<f64>();
        check::<f32>();
    }

    fn check<T: phaseloom_numerics::Real>() {
        let value = |r: usize, c: usize| T::from_f64(((r * 31 + c * 17) as f64).sin());
        for (outputs, inputs) in [(1, 1), (1, 9), (2, 2), (3, 7), (4, 4), (10, 128), (16, 16), (17, 300), (130, 784)] {
            let weight = DMatrix::from_fn(outputs, inputs, value);
            let input = DMatrix::from_fn(inputs, 300, value);
            let whole = exact_product(&weight, &input);
            let sizes = (0..=40).chain([63, 64, 65, 100, 128, 255, 256, 299]);
            for (start, count) in sizes.map(|count| (count * 7 % (301 - count), count)) {
                let part = exact_product(&weight, &input.columns(start, count).into_owned());
                let bits = |y: &T| y.to_f64().to_bits();
                let same = part.iter().zip(whole.columns(start, count).iter()).all(|(a, b)| bits(a) == bits(b));
                assert!(same, "{outputs}×{inputs}, samples {start}…+{count}");
            }
        }
    }

    #[test]
    fn both_layouts_give_the_same_map_and_go_back() {
        let names = |transpose| LinearSettings { outputs: 2, weight: "w".into(), bias: None, transpose };
        let mut tensors = crate::weights::Tensors::new();
        for (transpose, shape, values) in
            [(false, [2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), (true, [3, 2], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0])]
        {
            let tensor = Tensor::new(shape.to_vec(), values.to_vec());
            tensors.insert("w", tensor.clone());
            let linear =
                Linear::build(&names(transpose), "dense", &BuildContext { index: 0, inputs: 3, tensors: &tensors })
                    .unwrap();
            assert_eq!(linear.weight, DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
            assert_eq!(linear.weight_tensor(&names(transpose)), tensor);
        }
    }
}
