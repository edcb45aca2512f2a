//! Layers. A new layer is one file here and one line in the list below.
//!
//! A layer maps a batch features × samples to another one, column by column: no layer mixes samples.

mod dense;
mod linear;
mod modulus;
mod photonic;
mod relu;
mod sigmoid;
mod softmax;
mod squared_modulus;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use dense::DenseSettings;
pub(crate) use linear::exact_product;
pub use linear::{Linear, LinearSettings};
pub use modulus::Modulus;
pub use photonic::PhotonicSettings;
pub use relu::Relu;
pub use sigmoid::Sigmoid;
pub use softmax::Softmax;
pub use squared_modulus::SquaredModulus;

use crate::data::Batch;
use crate::error::Result;
use crate::weights::Tensors;

/// What a layer computes in training and in exact inference.
pub trait Layer: fmt::Debug + Send + Sync {
    /// Output of the layer: outputs × samples.
    fn forward(&self, input: &Batch) -> Batch;

    /// Gradients of a scalar loss, from its gradient by the output.
    ///
    /// `input` and `output` are those of the forward pass. The gradient by the input is computed only if
    /// `wants_input`; the first layer does not need it.
    fn backward(&self, input: &Batch, output: &Batch, gradient: &Batch, wants_input: bool) -> Gradients;

    /// The trainable values, in the same order as [`Gradients::parameters`]; none for an activation.
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }

    /// Weight and bias, if the layer is linear.
    fn linear(&self) -> Option<&Linear> {
        None
    }

    /// As [`Layer::linear`], to change them.
    fn linear_mut(&mut self) -> Option<&mut Linear> {
        None
    }
}

/// Gradients that a layer hands back.
#[derive(Debug)]
pub struct Gradients {
    /// By the input: inputs × samples; `None` if it was not wanted.
    pub input: Option<Batch>,
    /// By each of [`Layer::parameters`], summed over the samples.
    pub parameters: Vec<Vec<f64>>,
}

/// Trainable values of a layer.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// The values.
    pub values: &'a mut [f64],
    /// Whether weight decay acts on them (on weights, not on biases).
    pub decays: bool,
}

/// What a layer is made from.
pub(crate) struct BuildContext<'a> {
    /// Index of the layer in the model.
    pub index: usize,
    /// Its number of inputs.
    pub inputs: usize,
    /// The weights of the model.
    pub tensors: &'a Tensors,
}

/// The settings of a layer, as they stand in a model file.
pub(crate) trait LayerSettings {
    /// Makes the layer.
    fn build(&self, place: &BuildContext<'_>) -> Result<Box<dyn Layer>>;

    /// Number of outputs.
    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    /// Settings of the linear map, if it is one.
    fn linear(&self) -> Option<&LinearSettings> {
        None
    }
}

macro_rules! layers {
    ($($variant:ident, $settings:path, $key:literal, $about:literal;)*) => {
        /// A layer as written in a model file: `kind` and its settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum LayerSpec {
            $(#[doc = $about] #[serde(rename = $key)] $variant($settings),)*
        }

        /// Which layer it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LayerKind {
            $(#[doc = $about] $variant,)*
        }

        /// Key and one-line description of every layer.
        pub const LAYERS: &[(&str, &str)] = &[$(($key, $about)),*];

        impl LayerKind {
            /// The key in a model file.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }
        }

        impl LayerSpec {
            /// Which layer it is.
            #[must_use]
            pub fn kind(&self) -> LayerKind {
                match self { $(Self::$variant(_) => LayerKind::$variant),* }
            }

            fn settings(&self) -> &dyn LayerSettings {
                match self { $(Self::$variant(settings) => settings),* }
            }
        }
    };
}

layers! {
    Photonic, photonic::PhotonicSettings, "photonic", "matrix product on a photonic mesh; the bias is added electronically";
    Dense, dense::DenseSettings, "dense", "matrix product and bias, all electronic";
    Relu, relu::Relu, "relu", "max(x, 0)";
    Sigmoid, sigmoid::Sigmoid, "sigmoid", "1 / (1 + exp(-x))";
    Softmax, softmax::Softmax, "softmax", "exp(x_i) / Σ_j exp(x_j) over the features of a sample";
    Modulus, modulus::Modulus, "modulus", "|x|, what the square root of a direct detector gives";
    SquaredModulus, squared_modulus::SquaredModulus, "squared_modulus", "x², what a direct detector gives";
}

impl LayerSpec {
    /// Number of outputs for this number of inputs.
    #[must_use]
    pub fn outputs(&self, inputs: usize) -> usize {
        self.settings().outputs(inputs)
    }

    /// Names and sizes of weight and bias, if the layer is linear.
    #[must_use]
    pub fn linear(&self) -> Option<&LinearSettings> {
        self.settings().linear()
    }

    pub(crate) fn build(&self, place: &BuildContext<'_>) -> Result<Box<dyn Layer>> {
        self.settings().build(place)
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A layer of a spec with given tensors, for the tests of the layers.
#[cfg(test)]
pub(crate) fn layer_for_test(
    toml: &str,
    inputs: usize,
    tensors: &[(&str, &[usize], &[f64])],
) -> Result<Box<dyn Layer>> {
    let spec: LayerSpec = toml::from_str(toml).unwrap();
    let mut map = Tensors::new();
    for (name, shape, values) in tensors {
        map.insert(*name, crate::weights::Tensor::new(shape.to_vec(), values.to_vec()));
    }
    spec.build(&BuildContext { index: 0, inputs, tensors: &map })
}

/// Checks `backward` of a layer against central differences with step 1e-6 of the loss Σ c·y for fixed c. The error of
/// the differences is about 1e-10 relative; the tolerance is 1e-7 of the largest gradient (at least 1e-7).
#[cfg(test)]
pub(crate) fn check_gradients(layer: &mut dyn Layer, input: &Batch) {
    const STEP: f64 = 1e-6;
    let output = layer.forward(input);
    let weights = Batch::from_fn(output.nrows(), output.ncols(), |r, c| ((3 * r + 5 * c) % 7) as f64 - 2.5);
    let loss = |output: &Batch| output.dot(&weights);
    let gradients = layer.backward(input, &output, &weights, true);
    let by_input = gradients.input.unwrap();
    let tolerance = 1e-7 * by_input.amax().max(1.0);
    for at in 0..input.len() {
        let at_offset = |step: f64| {
            let mut moved = input.clone();
            moved[at] += step;
            loss(&layer.forward(&moved))
        };
        let numeric = (at_offset(STEP) - at_offset(-STEP)) / (2.0 * STEP);
        assert!((numeric - by_input[at]).abs() < tolerance, "input {at}: {numeric} {}", by_input[at]);
    }
    for (p, gradient) in gradients.parameters.iter().enumerate() {
        let tolerance = 1e-7 * gradient.iter().fold(1.0_f64, |m, g| m.max(g.abs()));
        assert_eq!(layer.parameters()[p].values.len(), gradient.len());
        for (at, &analytic) in gradient.iter().enumerate() {
            let mut at_offset = |step: f64| {
                let old = layer.parameters()[p].values[at];
                layer.parameters()[p].values[at] = old + step;
                let value = loss(&layer.forward(input));
                layer.parameters()[p].values[at] = old;
                value
            };
            let numeric = (at_offset(STEP) - at_offset(-STEP)) / (2.0 * STEP);
            assert!((numeric - analytic).abs() < tolerance, "parameter {p}, {at}: {numeric} {analytic}");
        }
    }
    assert!(layer.backward(input, &output, &weights, false).input.is_none() || layer.parameters().is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_and_the_enum_agree() {
        for &(key, about) in LAYERS {
            assert!(!about.is_empty());
            let linear = "outputs = 2\nweight = 'w'\n";
            let spec = toml::from_str::<LayerSpec>(&format!("kind = '{key}'"))
                .or_else(|_| toml::from_str(&format!("kind = '{key}'\n{linear}")))
                .unwrap_or_else(|e| panic!("{key}: {e}"));
            assert_eq!(spec.kind().key(), key);
            assert_eq!(spec.kind().to_string(), key);
        }
    }

    #[test]
    fn unknown_kinds_and_keys_are_refused() {
        for toml in
            ["kind = 'tanh'", "kind = 'relu'\nslope = 0.1", "kind = 'dense'\noutputs = 2\nweight = 'w'\nbais = 'b'"]
        {
            assert!(toml::from_str::<LayerSpec>(toml).is_err(), "{toml}");
        }
    }
}
