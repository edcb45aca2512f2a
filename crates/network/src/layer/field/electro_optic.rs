//! Electro-optic activation (Williamson et al., IEEE J. Sel. Top. Quantum Electron. 26, 7700412, 2020): a tap of the light drives a
//! modulator of the rest. Its gain and its bias may be trained.
//!
//! ```text
//! h = i·√(1−α)·(1 + e^{−iχ})/2,  χ = g·s + φ_b        ∂h/∂φ_b = √(1−α)·e^{−iχ}/2,  h′ = g·∂h/∂φ_b,  ∂h/∂g = s·∂h/∂φ_b
//! ```

use std::f64::consts::PI;

use num_complex::Complex64;
use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use super::activation::{FieldActivation, OnFields, check};
use crate::error::Result;
use crate::layer::{Layer, LayerSettings, NamedTensor};
use crate::model::NumberOrTensor;
use crate::weights::Tensors;

/// Gain at the start of training (rad per unit of power).
const GAIN: f64 = 0.05 * PI;

/// Settings of an electro-optic activation, as written in a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ElectroOptic {
    /// Share of the power that the tap takes. Range: 0…1.
    pub alpha: f64,
    /// Phase of the modulator per unit of power, `π·α·A·R/V_π` with the responsivity R and the amplifier A (rad); or the name of a
    /// tensor with one value, which is trained from 0.05π on.
    pub gain_rad: NumberOrTensor,
    /// Phase of the modulator without light (rad), at π it is closed; or the name of a tensor with one value, which is trained
    /// from π on.
    pub bias_rad: NumberOrTensor,
}

impl Default for ElectroOptic {
    fn default() -> Self {
        Self { alpha: 0.1, gain_rad: NumberOrTensor::Number(GAIN), bias_rad: NumberOrTensor::Number(PI) }
    }
}

impl LayerSettings for ElectroOptic {
    fn build(&self, user: &str, _input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let value = |setting: &NumberOrTensor| match setting {
            NumberOrTensor::Number(number) => Ok((*number, false)),
            NumberOrTensor::Tensor(name) => tensors.expect(user, name, &[1]).map(|values| (values[0], true)),
        };
        let ((gain, trains_gain), (bias, trains_bias)) = (value(&self.gain_rad)?, value(&self.bias_rad)?);
        Ok(Box::new(OnFields(Modulator { alpha: self.alpha, gain, bias, trains: [trains_gain, trains_bias] })))
    }

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        let number =
            |setting: &NumberOrTensor| if let NumberOrTensor::Number(number) = setting { *number } else { 0.0 };
        let (gain, bias) = (number(&self.gain_rad), number(&self.bias_rad));
        check(Modulator { alpha: self.alpha, gain, bias, trains: [false; 2] }.settings())?;
        super::fields(input).map(|_| input.to_vec())
    }

    fn tensors(&self, _input: &[usize]) -> Vec<NamedTensor<'_>> {
        let both = [(&self.gain_rad, GAIN), (&self.bias_rad, PI)];
        both.into_iter()
            .filter_map(|(setting, start)| match setting {
                NumberOrTensor::Tensor(name) => Some(NamedTensor::constant(name, vec![1], start)),
                NumberOrTensor::Number(_) => None,
            })
            .collect()
    }
}

/// The activation with its values.
#[derive(Clone, Debug)]
struct Modulator {
    alpha: f64,
    gain: f64,
    bias: f64,
    /// Whether gain and bias are trained.
    trains: [bool; 2],
}

impl Modulator {
    /// ∂h/∂φ_b.
    fn by_bias(&self, s: f64) -> Complex64 {
        let (sin, cos) = (self.gain * s + self.bias).sin_cos();
        Complex64::new(cos, -sin) * (0.5 * (1.0 - self.alpha).sqrt())
    }
}

impl FieldActivation for Modulator {
    fn factors(&self, s: f64) -> [Complex64; 2] {
        let (sin, cos) = (self.gain * s + self.bias).sin_cos();
        let half = 0.5 * (1.0 - self.alpha).sqrt();
        // i·(1 + e^{−iχ}) = sin χ + i·(1 + cos χ), and e^{−iχ} = cos χ − i·sin χ.
        [Complex64::new(sin, 1.0 + cos) * half, Complex64::new(cos, -sin) * (half * self.gain)]
    }

    fn settings(&self) -> Vec<(&'static str, f64, bool)> {
        let in_range = (0.0..=1.0).contains(&self.alpha);
        vec![("alpha", self.alpha, in_range), ("gain_rad", self.gain, true), ("bias_rad", self.bias, true)]
    }

    fn by_parameters(&self, s: f64) -> Vec<Complex64> {
        let by_bias = self.by_bias(s);
        let both = [(self.trains[0], by_bias * s), (self.trains[1], by_bias)];
        both.into_iter().filter_map(|(trains, slope)| trains.then_some(slope)).collect()
    }

    fn parameters(&mut self) -> Vec<&mut f64> {
        let both = [(self.trains[0], &mut self.gain), (self.trains[1], &mut self.bias)];
        both.into_iter().filter_map(|(trains, value)| trains.then_some(value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Batch;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    #[test]
    fn gain_and_bias_have_the_gradients_of_finite_differences() {
        let gain: (&str, &[usize], &[f64]) = ("g", &[1], &[0.7]);
        let bias: (&str, &[usize], &[f64]) = ("b", &[1], &[0.4]);
        for (keys, tensors, count) in [
            ("gain_rad = 'g'\nbias_rad = 'b'", vec![gain, bias], 2),
            ("gain_rad = 'g'\nbias_rad = 0.4", vec![gain], 1),
            ("bias_rad = 'b'", vec![bias], 1),
        ] {
            let mut layer = layer_for_test(&format!("kind = 'electro_optic'\n{keys}"), &[2, 3], &tensors).unwrap();
            assert_eq!((layer.parameters().len(), layer.tensors().len()), (count, count));
            check_gradients(layer.as_mut(), &Batch::from_vec(6, 5, varied(30, 2)));
        }
        let error = layer_for_test("kind = 'electro_optic'\ngain_rad = 'g'", &[2, 3], &[]).unwrap_err().to_string();
        assert!(error.contains("`g`"), "{error}");
    }
}
