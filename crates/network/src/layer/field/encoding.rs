//! Fields from real values: `exp(i·s·x)`, or x itself.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::error::Result;
use crate::layer::{Gradients, Layer, LayerSettings, Trace};
use crate::weights::Tensors;

/// Phase encoding: the field `exp(i·s·x)` of unit power of each value x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseEncoding {
    /// Phase s of a value of 1 (rad). Range: finite.
    pub scale_rad: f64,
}

impl Layer for PhaseEncoding {
    fn forward(&self, input: &Batch) -> Batch {
        let half = input.nrows();
        Batch::from_fn(2 * half, input.ncols(), |row, sample| {
            let (sin, cos) = (self.scale_rad * input[(row % half, sample)]).sin_cos();
            if row < half { cos } else { sin }
        })
    }

    fn backward(&self, input: &Batch, trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let half = input.nrows();
        let (cos, sin) = (trace.output.rows(0, half), trace.output.rows(half, half));
        let by_input = || {
            let along = cos.component_mul(&gradient.rows(half, half)) - sin.component_mul(&gradient.rows(0, half));
            along * self.scale_rad
        };
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }
}

impl LayerSettings for PhaseEncoding {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        super::row(input).map(|values| vec![2, values])
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Some(("scale_rad", self.scale_rad))
    }
}

/// Amplitude encoding: the field x, whose quadrature is 0, of each value x.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AmplitudeEncoding {}

impl Layer for AmplitudeEncoding {
    fn forward(&self, input: &Batch) -> Batch {
        input.clone().resize_vertically(2 * input.nrows(), 0.0)
    }

    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || gradient.rows(0, input.nrows()).into_owned();
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }
}

impl LayerSettings for AmplitudeEncoding {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        super::row(input).map(|values| vec![2, values])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};
    use std::f64::consts::PI;

    #[test]
    fn values_become_phases_or_amplitudes() {
        let input = Batch::from_column_slice(2, 1, &[0.0, 0.5]);
        for (toml, expected) in [
            (format!("kind = 'phase_encoding'\nscale_rad = {PI:?}"), [1.0, 0.0, 0.0, 1.0]),
            ("kind = 'amplitude_encoding'".into(), [0.0, 0.5, 0.0, 0.0]),
        ] {
            let mut layer = layer_for_test(&toml, &[2], &[]).unwrap();
            assert!((layer.forward(&input) - Batch::from_column_slice(4, 1, &expected)).amax() < 1e-15, "{toml}");
            check_gradients(layer.as_mut(), &Batch::from_vec(2, 5, varied(10, 3)));
            assert!(layer_for_test(&toml, &[2, 2], &[]).is_err());
        }
    }
}
