//! Photonic and dense layers: the linear map `y = W x + b`.
//!
//! Shapes: W outputs × inputs, x inputs × samples, b one value per output. A file stores W as `[out, in]` (PyTorch) or,
//! with `transpose`, as `[in, out]` (Keras).
//!
//! A dense layer is electronic and exact. The product of a photonic layer runs on meshes:
//!
//! ```text
//! x ──▶ modulators ──▶ [ W on meshes ] ──▶ detectors ──▶ + b (electronic) ──▶ y
//! ```
//!
//! This file computes both in floating point, for training and as the reference. A photonic layer asks the caller of
//! [`Layer::pass`] for `W x`, which may come from hardware.

use nalgebra::DMatrix;
use phaseloom_files::InvalidValue;
use phaseloom_hardware::{WeightKind, field_gradients, multiply_fields};
use phaseloom_numerics::linalg::multiply;
use serde::{Deserialize, Serialize};

use super::{Gradients, Layer, LayerSettings, NamedTensor, Parameter, Pass, Products, Recorder, Start, Trace};
use crate::data::Batch;
use crate::error::Result;
use crate::network::exact_product;
use crate::weights::{Tensor, Tensors};

/// Size and tensor names of a photonic or dense layer, as written in a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinearSettings {
    /// Number of outputs. Range: ≥ 1.
    pub outputs: usize,
    /// Name of the tensor of the weight.
    pub weight: String,
    /// Name of the tensor of the bias. Default: no bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<String>,
    /// Whether the weight is stored as `[in, out]` (Keras), not as `[out, in]` (PyTorch).
    #[serde(default)]
    pub transpose: bool,
    /// What training keeps the weight, so that a chip without gain realises it: `"orthogonal"` (one mesh, no attenuators) or
    /// `"contraction"` (‖W‖₂ ≤ 1). Default: any weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<Constraint>,
}

/// What a passive chip can be: it never gives more power than it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Equal singular values, all 1: no light is lost.
    Orthogonal,
    /// Singular values up to 1.
    Contraction,
}

impl LinearSettings {
    /// Shape of the weight tensor in the file, for this number of inputs.
    #[must_use]
    pub fn weight_shape(&self, inputs: usize) -> Vec<usize> {
        if self.transpose { vec![inputs, self.outputs] } else { vec![self.outputs, inputs] }
    }
}

impl LayerSettings for LinearSettings {
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(Linear::new(self, user, input.iter().product(), tensors)?))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        match input {
            [_] => Ok(vec![self.outputs]),
            _ => {
                let found = format!("a layer on an input of the shape {input:?}");
                Err(InvalidValue::new("kind", found, "one on a row of values: put a layer `flatten` before it"))
            }
        }
    }

    fn weight(&self, input: &[usize]) -> Option<(&str, [usize; 2])> {
        Some((&self.weight, [self.outputs, input.iter().product()]))
    }

    fn constraint(&self) -> Option<Constraint> {
        self.constraint
    }

    fn tensors(&self, input: &[usize]) -> Vec<NamedTensor<'_>> {
        let inputs = input.iter().product();
        let weight = NamedTensor {
            name: &self.weight,
            shape: self.weight_shape(inputs),
            start: Start::Random { inputs },
            is_trained: true,
        };
        let bias = self.bias.as_ref().map(|name| NamedTensor::constant(name, vec![self.outputs], 0.0));
        std::iter::once(weight).chain(bias).collect()
    }
}

/// Weight and bias of a linear map.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// W: outputs × inputs; if complex, the real part above the imaginary part.
    pub weight: DMatrix<f64>,
    /// b: one value per output, or `None` for no bias.
    pub bias: Option<Vec<f64>>,
    /// Whether the weight is complex.
    pub kind: WeightKind,
    /// Whether the product runs on meshes.
    pub is_photonic: bool,
    /// Whether the file stores the weight as `[in, out]`.
    pub is_transposed: bool,
}

impl Linear {
    fn new(settings: &LinearSettings, user: &str, inputs: usize, tensors: &Tensors) -> Result<Self> {
        let values = tensors.expect(user, &settings.weight, &settings.weight_shape(inputs))?;
        let weight = if settings.transpose {
            DMatrix::from_column_slice(settings.outputs, inputs, values)
        } else {
            DMatrix::from_row_slice(settings.outputs, inputs, values)
        };
        let bias = settings.bias.as_ref().map(|name| tensors.expect(user, name, &[settings.outputs]));
        Ok(Self {
            weight,
            bias: bias.transpose()?.map(<[f64]>::to_vec),
            kind: WeightKind::Real,
            is_photonic: false,
            is_transposed: settings.transpose,
        })
    }

    /// W·x, or the fields W·x of fields x.
    fn product(&self, input: &Batch) -> Batch {
        if self.kind.is_complex() { multiply_fields(&self.weight, input) } else { exact_product(&self.weight, input) }
    }

    /// Outputs and inputs.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        let (rows, inputs) = self.weight.shape();
        (if self.kind.is_complex() { rows / 2 } else { rows }, inputs)
    }

    /// Multiplications of one vector: four for each complex entry.
    #[must_use]
    pub fn macs(&self) -> f64 {
        self.weight.len() as f64 * if self.kind.is_complex() { 2.0 } else { 1.0 }
    }

    /// Multiplies each output by a scale and adds a shift, as one linear map.
    ///
    /// # Panics
    ///
    /// If there is not one scale and shift for each output.
    pub(super) fn scale_and_shift(&mut self, scale: &[f64], shift: &[f64]) {
        assert_eq!((scale.len(), shift.len()), (self.weight.nrows(), self.weight.nrows()), "one for each output");
        for mut column in self.weight.column_iter_mut() {
            column.iter_mut().zip(scale).for_each(|(w, s)| *w *= s);
        }
        let bias = self.bias.take().unwrap_or_else(|| vec![0.0; scale.len()]);
        self.bias = Some(bias.iter().zip(scale).zip(shift).map(|((b, scale), shift)| b * scale + shift).collect());
    }

    /// Adds the bias to each column.
    ///
    /// # Panics
    ///
    /// If the output does not have one row per value of the bias.
    pub fn add_bias(&self, output: &mut Batch) {
        if let Some(bias) = &self.bias {
            let rows = output.nrows();
            assert_eq!(bias.len(), rows, "a bias needs one value per row");
            for column in output.as_mut_slice().chunks_exact_mut(rows.max(1)) {
                column.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
    }
}

impl Layer for Linear {
    fn forward(&self, input: &Batch) -> Batch {
        let mut output = self.product(input);
        self.add_bias(&mut output);
        output
    }

    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        if self.kind.is_complex() {
            let (weight, input) = field_gradients(&self.weight, input, gradient, needs_input);
            return Gradients { input, parameters: vec![weight.data.into()] };
        }
        let weight: Vec<f64> = multiply(gradient, &input.transpose()).data.into();
        let mut parameters = vec![weight];
        if self.bias.is_some() {
            parameters.push(gradient.column_sum().data.into());
        }
        Gradients { input: needs_input.then(|| multiply(&self.weight.transpose(), gradient)), parameters }
    }

    fn record_with(&mut self, input: &Batch, recorder: &mut Recorder<'_>) -> Trace {
        let recorded = if self.is_photonic { recorder.multiply(input) } else { None };
        let Some((product, mut output)) = recorded else { return self.record(input) };
        self.add_bias(&mut output);
        Trace { product: Some(product), ..Trace::new(output) }
    }

    fn backward_with(
        &self,
        input: &Batch,
        trace: &Trace,
        gradient: &Batch,
        needs_input: bool,
        products: &mut dyn Products,
    ) -> Gradients {
        let Some(product) = trace.product else { return self.backward(input, trace, gradient, needs_input) };
        let (by_input, by_weight) = products.backward(product, gradient, needs_input);
        let by_bias = self.bias.as_ref().map(|_| gradient.column_sum().data.into());
        Gradients { input: by_input, parameters: std::iter::once(by_weight).chain(by_bias).collect() }
    }

    fn input_gradient(&self, input: &Batch, _trace: &Trace, gradient: &Batch, weight: Option<&DMatrix<f64>>) -> Batch {
        let weight = weight.unwrap_or(&self.weight);
        match self.kind.is_complex() {
            true => field_gradients(weight, input, gradient, true).1.unwrap_or_else(|| Batch::zeros(0, 0)),
            false => multiply(&weight.transpose(), gradient),
        }
    }

    fn pass(&self, input: &Batch, pass: &mut Pass<'_>) -> Batch {
        if !self.is_photonic {
            return self.forward(input);
        }
        let product = pass.next_product();
        let mut output = pass.multiply(product, 0, input);
        self.add_bias(&mut output);
        output
    }

    fn tensors(&self) -> Vec<Tensor> {
        let (outputs, inputs) = self.weight.shape();
        let weight = match self.is_transposed {
            true => Tensor::new(vec![inputs, outputs], self.weight.clone().data.into()),
            false if self.kind.is_complex() => {
                Tensor::new(vec![2, outputs / 2, inputs], self.weight.transpose().data.into())
            }
            false => Tensor::new(vec![outputs, inputs], self.weight.transpose().data.into()),
        };
        let bias = self.bias.as_ref().map(|bias| Tensor::new(vec![bias.len()], bias.clone()));
        std::iter::once(weight).chain(bias).collect()
    }

    fn linear(&self) -> Option<&Linear> {
        Some(self)
    }

    fn linear_mut(&mut self) -> Option<&mut Linear> {
        Some(self)
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let mut parameters = vec![Parameter { values: self.weight.as_mut_slice(), decays: true, is_phase: false }];
        if let Some(bias) = &mut self.bias {
            parameters.push(Parameter { values: bias, decays: false, is_phase: false });
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test};

    const WEIGHT: [f64; 6] = [1.0, -2.0, 0.5, 3.0, 0.0, 1.5];
    const KINDS: [&str; 2] = ["photonic", "dense"];

    #[test]
    fn multiplies_and_adds() {
        for kind in KINDS {
            let toml = format!("kind = '{kind}'\noutputs = 2\nweight = 'w'\nbias = 'b'");
            let tensors: [(&str, &[usize], &[f64]); 2] = [("w", &[2, 3], &WEIGHT), ("b", &[2], &[10.0, 20.0])];
            let mut layer = layer_for_test(&toml, &[3], &tensors).unwrap();
            let input = Batch::from_column_slice(3, 1, &[1.0, 1.0, 2.0]);
            assert_eq!(layer.forward(&input).as_slice(), [10.0, 26.0]);
            check_gradients(layer.as_mut(), &Batch::from_fn(3, 7, |r, c| (r + 2 * c) as f64 / 3.0 - 1.0));
        }
    }

    #[test]
    fn a_tensor_of_another_shape_is_an_error_with_layer_and_shapes() {
        for kind in KINDS {
            let toml = format!("kind = '{kind}'\noutputs = 3\nweight = 'w'");
            let tensors: [(&str, &[usize], &[f64]); 1] = [("w", &[2, 3], &WEIGHT)];
            let error = layer_for_test(&toml, &[2], &tensors).unwrap_err().to_string();
            let expected = format!("layer 0 ({kind}): tensor `w` has shape [2, 3], expected [3, 2]");
            assert!(error.contains(&expected), "{error}");
            assert!(layer_for_test(&format!("{toml}\ntranspose = true"), &[2], &tensors).is_ok());
        }
    }

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
            let all = exact_product(&weight, &input);
            let sizes = (0..=40).chain([63, 64, 65, 100, 128, 255, 256, 299]);
            for (start, count) in sizes.map(|count| (count * 7 % (301 - count), count)) {
                let part = exact_product(&weight, &input.columns(start, count).into_owned());
                let bits = |y: &T| y.to_f64().to_bits();
                let same = part.iter().zip(all.columns(start, count).iter()).all(|(a, b)| bits(a) == bits(b));
                assert!(same, "{outputs}×{inputs}, samples {start}…+{count}");
            }
        }
    }

    #[test]
    fn both_layouts_give_the_same_map_and_go_back() {
        let names =
            |transpose| LinearSettings { outputs: 2, weight: "w".into(), bias: None, transpose, constraint: None };
        let mut tensors = Tensors::new();
        for (transpose, shape, values) in
            [(false, [2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), (true, [3, 2], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0])]
        {
            let tensor = Tensor::new(shape.to_vec(), values.to_vec());
            tensors.insert("w", tensor.clone());
            let linear = Linear::new(&names(transpose), "layer", 3, &tensors).unwrap();
            assert_eq!(linear.weight, DMatrix::from_row_slice(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
            assert_eq!(linear.tensors(), [tensor]);
        }
    }
}
