//! A linear layer whose product runs on meshes.
//!
//! ```text
//! x ──▶ modulators ──▶ [ W on meshes ] ──▶ detectors ──▶ + b (electronic) ──▶ y
//! ```
//!
//! Here stands its exact form, for training and for the network without errors; with hardware, `Model::forward` puts a
//! `MatrixProduct` in the place of `W x`.

use serde::{Deserialize, Serialize};

use super::linear::{Linear, LinearSettings};
use super::{BuildContext, Layer, LayerSettings};
use crate::error::Result;

/// Size and tensor names of a photonic layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhotonicSettings(pub LinearSettings);

impl LayerSettings for PhotonicSettings {
    fn build(&self, place: &BuildContext<'_>) -> Result<Box<dyn Layer>> {
        Ok(Box::new(Linear::build(&self.0, "photonic", place)?))
    }

    fn outputs(&self, _inputs: usize) -> usize {
        self.0.outputs
    }

    fn linear(&self) -> Option<&LinearSettings> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Batch;
    use crate::layer::{check_gradients, layer_for_test};

    const WEIGHT: [f64; 6] = [1.0, -2.0, 0.5, 3.0, 0.0, 1.5];

    #[test]
    fn multiplies_and_adds() {
        let toml = "kind = 'photonic'\noutputs = 2\nweight = 'w'\nbias = 'b'";
        let tensors: [(&str, &[usize], &[f64]); 2] = [("w", &[2, 3], &WEIGHT), ("b", &[2], &[10.0, 20.0])];
        let mut layer = layer_for_test(toml, 3, &tensors).unwrap();
        let input = Batch::from_column_slice(3, 1, &[1.0, 1.0, 2.0]);
        assert_eq!(layer.forward(&input).as_slice(), [10.0, 26.0]);
        check_gradients(layer.as_mut(), &Batch::from_fn(3, 7, |r, c| (r + 2 * c) as f64 / 3.0 - 1.0));
    }

    #[test]
    fn a_tensor_of_another_shape_is_an_error_with_layer_and_shapes() {
        let toml = "kind = 'photonic'\noutputs = 3\nweight = 'w'";
        let error = layer_for_test(toml, 2, &[("w", &[2, 3], &WEIGHT)]).unwrap_err().to_string();
        assert!(error.contains("layer 0 (photonic): tensor `w` has shape [2, 3], expected [3, 2]"), "{error}");
        let turned = format!("{toml}\ntranspose = true");
        assert!(layer_for_test(&turned, 2, &[("w", &[2, 3], &WEIGHT)]).is_ok());
        assert!(layer_for_test("kind = 'photonic'\noutputs = 0\nweight = 'w'", 2, &[]).is_err());
    }
}
