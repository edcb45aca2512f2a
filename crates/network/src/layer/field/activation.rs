//! Activations of complex fields, `f(z) = h(s)·z` with s = |z|²: they depend on the power alone and keep the phase up to that of h.
//!
//! With the adjoint λ_f after the activation (derived by Wirtinger calculus; h′ = dh/ds),
//!
//! ```text
//! λ_z = conj(h + h′·s)·λ_f + h′·z²·conj(λ_f)
//! ```
//!
//! | kind | h(s) |
//! |---|---|
//! | electro-optic | `i·√(1−α)·(1 + e^{−iχ})/2`, χ = g·s + φ_b, so that `\|h\|² = (1−α)·cos²(χ/2)` |
//! | modReLU | `1 − b/\|z\|` above the threshold b, 0 below |
//! | saturable absorber | `exp(−(d/2)/(1 + s/s_sat))` |
//!
//! Sources: Williamson et al., IEEE J. Sel. Top. Quantum Electron. 26, 7700412 (2020); Arjovsky, Shah, Bengio, ICML (2016); the
//! saturable absorber of a two-level medium as in Guo, Barrett, Wang, Lvovsky, Photonics Res. 9, B71 (2021), cited from memory.
//! Field units are √(power): a study states the power of s = 1.

use std::fmt;

use num_complex::Complex64;
use phaseloom_files::InvalidValue;
use serde::{Deserialize, Serialize};

use crate::data::Batch;
use crate::error::Result;
use crate::layer::{Gradients, Layer, LayerSettings, Parameter, Trace};
use crate::weights::{Tensor, Tensors};

/// An activation of fields `f(z) = h(s)·z`.
pub(super) trait FieldActivation: Clone + fmt::Debug + Send + Sync + 'static {
    /// h and its derivative by s, at s = |z|² ≥ 0. The derivative is finite times s.
    fn factors(&self, s: f64) -> [Complex64; 2];

    /// Key, value, and whether the value is possible.
    fn settings(&self) -> Vec<(&'static str, f64, bool)>;

    /// Derivatives of h by the trained values, at s.
    fn by_parameters(&self, _s: f64) -> Vec<Complex64> {
        Vec::new()
    }

    /// The trained values.
    fn parameters(&mut self) -> Vec<&mut f64> {
        Vec::new()
    }
}

/// An activation of fields as a layer.
#[derive(Clone, Debug)]
pub(super) struct OnFields<A>(pub A);

impl<A: FieldActivation> Layer for OnFields<A> {
    fn forward(&self, input: &Batch) -> Batch {
        super::zip(input, input, |z, _| self.0.factors(z.norm_sqr())[0] * z)
    }

    fn backward(&self, input: &Batch, _trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || {
            super::zip(input, gradient, |z, adjoint| {
                let s = z.norm_sqr();
                let [h, slope] = self.0.factors(s);
                (h + slope * s).conj() * adjoint + slope * z * z * adjoint.conj()
            })
        };
        let mut parameters = vec![vec![0.0]; self.0.by_parameters(0.0).len()];
        if !parameters.is_empty() {
            // dL = Re Σ λ_f*·(∂h/∂p)·z dp.
            super::visit(input, gradient, |z, adjoint| {
                for (sum, slope) in parameters.iter_mut().zip(self.0.by_parameters(z.norm_sqr())) {
                    sum[0] += (adjoint.conj() * slope * z).re;
                }
            });
        }
        Gradients { input: needs_input.then(by_input), parameters }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let value = |value| Parameter { values: std::slice::from_mut(value), decays: false, is_phase: false };
        self.0.parameters().into_iter().map(value).collect()
    }

    fn tensors(&self) -> Vec<Tensor> {
        let mut activation = self.0.clone();
        activation.parameters().into_iter().map(|value| Tensor::new(vec![1], vec![*value])).collect()
    }

    fn numbers(&self) -> Vec<f64> {
        self.0.settings().into_iter().map(|(_, value, _)| value).collect()
    }
}

/// Refuses the first impossible value.
pub(super) fn check(settings: Vec<(&'static str, f64, bool)>) -> Result<(), InvalidValue> {
    match settings.into_iter().find(|(_, value, possible)| !(value.is_finite() && *possible)) {
        Some((key, value, _)) => Err(InvalidValue::new(key, value, "a number in its range")),
        None => Ok(()),
    }
}

macro_rules! field_activations {
    ($($name:ident),*) => {
        $(impl LayerSettings for $name {
            fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
                Ok(Box::new(OnFields(self.clone())))
            }

            fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
                check(self.settings())?;
                super::fields(input).map(|_| input.to_vec())
            }
        })*
    };
}

field_activations!(ModRelu, SaturableAbsorber);

/// Rectifier of the amplitude: `f(z) = (|z| − b)·z/|z|` above the threshold, 0 below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModRelu {
    /// Amplitude b below which no light passes. Range: ≥ 0.
    pub threshold: f64,
}

impl FieldActivation for ModRelu {
    fn factors(&self, s: f64) -> [Complex64; 2] {
        let r = s.sqrt();
        if r <= self.threshold {
            return [Complex64::ZERO; 2];
        }
        [(1.0 - self.threshold / r).into(), (self.threshold / (2.0 * s * r)).into()]
    }

    fn settings(&self) -> Vec<(&'static str, f64, bool)> {
        vec![("threshold", self.threshold, self.threshold >= 0.0)]
    }
}

/// Saturable absorber: weak light is absorbed, strong light passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SaturableAbsorber {
    /// Optical depth d for weak light: it passes a share `exp(−d)` of its power. Range: ≥ 0.
    pub optical_depth: f64,
    /// Power s_sat at which the depth is half. Range: > 0.
    #[serde(default = "one")]
    pub saturation: f64,
}

fn one() -> f64 {
    1.0
}

impl FieldActivation for SaturableAbsorber {
    fn factors(&self, s: f64) -> [Complex64; 2] {
        let bleached = 1.0 + s / self.saturation;
        let h = (-0.5 * self.optical_depth / bleached).exp();
        let slope = h * 0.5 * self.optical_depth / (self.saturation * bleached * bleached);
        [h.into(), slope.into()]
    }

    fn settings(&self) -> Vec<(&'static str, f64, bool)> {
        let (depth, saturation) = (self.optical_depth, self.saturation);
        vec![("optical_depth", depth, depth >= 0.0), ("saturation", saturation, saturation > 0.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::tests::{check_gradients, layer_for_test, varied};

    /// Outputs at z = 0.8 − 0.3i and −1.5 + 2i, by NumPy from the formulas of the table.
    #[test]
    fn outputs_are_those_of_an_independent_computation() {
        for (toml, expected) in [
            ("kind = 'electro_optic'", EXPECTED[0]),
            ("kind = 'electro_optic'\nalpha = 0.2\ngain_rad = 0.7\nbias_rad = 0.4", EXPECTED[1]),
            ("kind = 'mod_relu'\nthreshold = 0.5", EXPECTED[2]),
            ("kind = 'saturable_absorber'\noptical_depth = 3\nsaturation = 2", EXPECTED[3]),
        ] {
            let layer = layer_for_test(toml, &[2, 2], &[]).unwrap();
            let output = layer.forward(&Batch::from_column_slice(4, 1, &[0.8, -1.5, -0.3, 2.0]));
            let difference = (&output - Batch::from_column_slice(4, 1, &expected)).amax();
            assert!(difference < 1e-14, "{toml}: {output}");
        }
    }

    const EXPECTED: [[f64; 4]; 4] = [
        [-0.04248367357490433, 0.16997790343018535, 0.01877389863364781, -1.1050186568460494],
        [0.4990816314173127, -0.28088564007257977, 0.47106332840938453, -1.605468329793788],
        [0.33183541121547777, -1.2000000000000002, -0.12443827920580414, 1.6],
        [0.266589661724979, -1.0427158925983182, -0.09997112314686712, 1.3902878567977575],
    ];

    /// |h|² = (1 − α)·cos²(χ/2), with the digits of the independent computation of the paper's form.
    #[test]
    fn the_electro_optic_transmission_opens_with_power() {
        let layer = layer_for_test("kind = 'electro_optic'", &[2, 1], &[]).unwrap();
        for (z, expected, digit) in [(0.5, 3.5e-4, 5e-6), (1.0, 5.5e-3, 5e-5), (1.5, 0.028, 5e-4), (2.0, 0.086, 5e-4)] {
            let output = layer.forward(&Batch::from_column_slice(2, 1, &[0.6 * z, -0.8 * z]));
            let transmission = output.norm_squared() / (z * z);
            assert!((transmission - expected).abs() < digit, "{z}: {transmission}");
        }
        assert!(layer.forward(&Batch::from_column_slice(2, 1, &[1e-9, 0.0])).amax() < 1e-25);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for toml in [
            "kind = 'electro_optic'",
            "kind = 'electro_optic'\nalpha = 0.2\ngain_rad = 0.7\nbias_rad = 0.4",
            "kind = 'mod_relu'\nthreshold = 0.5",
            "kind = 'mod_relu'\nthreshold = 0",
            "kind = 'saturable_absorber'\noptical_depth = 3\nsaturation = 2",
        ] {
            let mut layer = layer_for_test(toml, &[2, 3], &[]).unwrap();
            check_gradients(layer.as_mut(), &Batch::from_vec(6, 5, varied(30, 2)));
        }
        // No light has no slope where the medium is closed.
        let layer = layer_for_test("kind = 'mod_relu'\nthreshold = 0.5", &[2, 1], &[]).unwrap();
        assert!(layer.forward(&Batch::zeros(2, 1)).amax() < 1e-300);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        for (toml, key) in [
            ("kind = 'electro_optic'\nalpha = 1.5", "alpha"),
            ("kind = 'electro_optic'\nbias_rad = inf", "bias_rad"),
            ("kind = 'mod_relu'\nthreshold = -1", "threshold"),
            ("kind = 'saturable_absorber'\noptical_depth = -1", "optical_depth"),
            ("kind = 'saturable_absorber'\noptical_depth = 1\nsaturation = 0", "saturation"),
        ] {
            let error = layer_for_test(toml, &[2, 1], &[]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        let error = layer_for_test("kind = 'electro_optic'", &[3], &[]).unwrap_err().to_string();
        assert!(error.contains("[2, n]"), "{error}");
    }
}
