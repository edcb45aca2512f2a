//! Complex photonic layers: `y = W·x` of complex fields on meshes, without detection.
//!
//! ```text
//! fields ──▶ [ W on meshes ] ──▶ fields
//! ```
//!
//! The layer is a [`Linear`] of complex weights: its matrix is the real part of W above the imaginary part.

use nalgebra::DMatrix;
use phaseloom_files::InvalidValue;
use phaseloom_hardware::WeightKind;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::layer::{Layer, LayerSettings, Linear, NamedTensor, Start};
use crate::weights::Tensors;

/// Size and weight of a complex photonic layer, as written in a model file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ComplexPhotonicSettings {
    /// Number of output fields. Range: ≥ 1.
    pub outputs: usize,
    /// Name of the tensor of the weight, `[2, out, in]`: the real part, then the imaginary part.
    pub weight: String,
    /// Whether the weight is unitary: one mesh of as many ports as fields, without attenuators. Training on chips keeps it
    /// unitary.
    #[serde(default)]
    pub unitary: bool,
}

impl ComplexPhotonicSettings {
    fn kind(&self) -> WeightKind {
        if self.unitary { WeightKind::Unitary } else { WeightKind::Complex }
    }

    fn shape(&self, input: &[usize]) -> [usize; 3] {
        [2, self.outputs, input.iter().product::<usize>() / 2]
    }
}

impl LayerSettings for ComplexPhotonicSettings {
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let shape = self.shape(input);
        let values = tensors.expect(user, &self.weight, &shape)?;
        Ok(Box::new(Linear {
            weight: DMatrix::from_row_slice(2 * self.outputs, shape[2], values),
            bias: None,
            kind: self.kind(),
            is_photonic: true,
            is_transposed: false,
        }))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        let inputs = super::fields(input)?;
        if self.unitary && self.outputs != inputs {
            return Err(InvalidValue::new("outputs", self.outputs, format!("{inputs}, the inputs of a unitary layer")));
        }
        Ok(vec![2, self.outputs])
    }

    /// Both parts of the matrix.
    fn weight(&self, input: &[usize]) -> Option<(&str, [usize; 2])> {
        Some((&self.weight, [self.outputs.saturating_mul(2), self.shape(input)[2]]))
    }

    fn tensors(&self, input: &[usize]) -> Vec<NamedTensor<'_>> {
        let shape = self.shape(input);
        // Each part has half of the variance.
        let start = if self.unitary { Start::Unitary } else { Start::Random { inputs: 2 * shape[2] } };
        vec![NamedTensor { name: &self.weight, shape: shape.to_vec(), start, is_trained: true }]
    }

    fn unitary_weight(&self) -> Option<&str> {
        self.unitary.then_some(&*self.weight)
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Batch;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    /// (1 + 2i, −1; 0.5i, 3 − i)·(2 − i, 1 + 3i) = (3, 6.5 + 9i), by hand.
    #[test]
    fn fields_are_multiplied_by_the_complex_matrix() {
        let weight = [1.0, -1.0, 0.0, 3.0, 2.0, 0.0, 0.5, -1.0];
        let toml = "kind = 'complex_photonic'\noutputs = 2\nweight = 'w'";
        let mut layer = layer_for_test(toml, &[2, 2], &[("w", &[2, 2, 2], &weight)]).unwrap();
        let output = layer.forward(&Batch::from_column_slice(4, 1, &[2.0, 1.0, -1.0, 3.0]));
        // First: (1 + 2i)(2 − i) − (1 + 3i) = 4 + 3i − 1 − 3i. Second: 0.5i(2 − i) + (3 − i)(1 + 3i) = 0.5 + i + 6 + 8i.
        assert_eq!(output.as_slice(), [3.0, 6.5, 0.0, 9.0]);
        check_gradients(layer.as_mut(), &Batch::from_vec(4, 5, varied(20, 5)));
        assert_eq!(layer.tensors()[0].values(), weight);
        assert_eq!(layer.tensors()[0].shape(), [2, 2, 2]);
        assert!((layer.macs() - 16.0).abs() < 1e-12);
    }

    #[test]
    fn a_real_input_and_another_size_are_refused() {
        let w: (&str, &[usize], &[f64]) = ("w", &[2, 2, 2], &[0.0; 8]);
        let toml = "kind = 'complex_photonic'\noutputs = 2\nweight = 'w'";
        let error = layer_for_test(toml, &[2], &[w]).unwrap_err().to_string();
        assert!(error.contains("phase_encoding"), "{error}");
        let error = layer_for_test(&format!("{toml}\nunitary = true"), &[2, 3], &[w]).unwrap_err().to_string();
        assert!(error.contains("unitary"), "{error}");
    }
}
