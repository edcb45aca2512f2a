//! Real values from fields: intensity |z|² and amplitude |z|.

use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::error::Result;
use crate::layer::{Gradients, Layer, LayerSettings, Trace};
use crate::weights::Tensors;

/// Declares a function of |z|² as a layer: its value, and its derivative by |z|².
macro_rules! of_power {
    ($($(#[doc = $about:literal])* $name:ident, |$s:ident| $value:expr, $slope:expr;)*) => {
        $($(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {}

        impl Layer for $name {
            fn forward(&self, input: &Batch) -> Batch {
                powers(input).map(|$s| $value)
            }

            /// `λ_z = 2·z·∂L/∂|z|²`.
            fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
                let by_input = || {
                    let slopes = powers(input).zip_map(gradient, |$s, g| 2.0 * g * $slope);
                    let half = slopes.nrows();
                    Batch::from_fn(2 * half, input.ncols(), |row, sample| {
                        input[(row, sample)] * slopes[(row % half, sample)]
                    })
                };
                Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
            }
        }

        impl LayerSettings for $name {
            fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
                Ok(Box::new(self.clone()))
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
                super::fields(input).map(|fields| vec![fields])
            }
        })*
    };
}

of_power! {
    /// Intensity of each field: `y = |z|²`, the power at a photodiode.
    Intensity, |s| s, { let _ = s; 1.0 };
    /// Amplitude of each field: `y = |z|`. The slope at 0 is 0.
    Amplitude, |s| s.sqrt(), if s > 0.0 { 0.5 / s.sqrt() } else { 0.0 };
}

/// |z|² of every field of a batch (2·n × samples): n × samples.
fn powers(fields: &Batch) -> Batch {
    let half = fields.nrows() / 2;
    fields.rows(0, half).zip_map(&fields.rows(half, half), |re, im| re * re + im * im)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    #[test]
    fn both_parts_count() {
        let input = Batch::from_column_slice(4, 1, &[3.0, 0.0, -4.0, 2.0]);
        for (kind, expected) in [("intensity", [25.0, 4.0]), ("amplitude", [5.0, 2.0])] {
            let mut layer = layer_for_test(&format!("kind = '{kind}'"), &[2, 2], &[]).unwrap();
            assert_eq!(layer.forward(&input).as_slice(), expected);
            check_gradients(layer.as_mut(), &Batch::from_vec(4, 5, varied(20, 4)));
            let error = layer_for_test(&format!("kind = '{kind}'"), &[4], &[]).unwrap_err().to_string();
            assert!(error.contains("[2, n]"), "{error}");
        }
    }
}
