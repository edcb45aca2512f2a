//! Layers of a network. A new layer is one file here, or an entry in the file
//! `activation`, and one line in the list `layers!` below.
//!
//! A layer maps a batch (features × samples) to another batch, column by column. No layer mixes samples.

mod activation;
mod linear;
mod softmax;

use std::fmt;

use phaseloom_files::{Alias, KindNames, canonical};
use serde::{Deserialize, Serialize};

pub use activation::{
    Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, LeakyRelu, Mish, Modulus, Relu, Relu6, Selu, Sigmoid, Silu,
    Softplus, Softsign, SquaredModulus, Tanh,
};
pub(crate) use linear::exact_product;
pub use linear::{Linear, LinearSettings};
pub use softmax::Softmax;

use crate::data::Batch;
use crate::error::Result;
use crate::weights::Tensors;

/// A layer in floating point, for training and as the reference.
pub trait Layer: fmt::Debug + Send + Sync {
    /// Output of the layer: outputs × samples.
    ///
    /// # Panics
    ///
    /// If `input` has not one row per input of the layer.
    fn forward(&self, input: &Batch) -> Batch;

    /// Output of the layer, with `multiply` for its product `W x` if that runs on meshes.
    ///
    /// # Panics
    ///
    /// As [`Layer::forward`].
    fn pass(&self, input: &Batch, _multiply: &mut dyn FnMut(&Batch) -> Batch) -> Batch {
        self.forward(input)
    }

    /// Gradients of a scalar loss, from its gradient with respect to the output.
    ///
    /// `input` and `output` are those of the forward pass. The gradient with respect to the input is computed only if
    /// `needs_input` is set, which the first layer does not need.
    ///
    /// # Panics
    ///
    /// If input, output and gradient do not have the shapes of the forward pass.
    fn backward(&self, input: &Batch, output: &Batch, gradient: &Batch, needs_input: bool) -> Gradients;

    /// The trainable values, in the same order as [`Gradients::parameters`]. An activation has none.
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }

    /// Key and value of the setting of an activation, if it has one.
    fn setting(&self) -> Option<(&'static str, f64)> {
        None
    }

    /// Weight and bias, if the layer is linear.
    fn linear(&self) -> Option<&Linear> {
        None
    }

    /// Weight and bias, if the product of the layer runs on meshes.
    fn photonic(&self) -> Option<&Linear> {
        self.linear().filter(|linear| linear.is_photonic)
    }

    /// Weight and bias for changes, if the layer is linear.
    fn linear_mut(&mut self) -> Option<&mut Linear> {
        None
    }
}

/// An activation `y = f(x)`, applied to each value separately.
pub trait Activation: Clone + fmt::Debug + Send + Sync + 'static {
    /// The output y = f(x).
    fn value(&self, x: f64) -> f64;

    /// Gradient of the loss with respect to x, from its gradient with respect to y = f(x).
    fn backward(&self, gradient: f64, x: f64, y: f64) -> f64;

    /// Key and value of its setting, if it has one.
    fn setting(&self) -> Option<(&'static str, f64)> {
        None
    }
}

impl<A: Activation> Layer for A {
    fn forward(&self, input: &Batch) -> Batch {
        input.map(|x| self.value(x))
    }

    fn backward(&self, input: &Batch, output: &Batch, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || gradient.zip_zip_map(input, output, |g, x, y| Activation::backward(self, g, x, y));
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Activation::setting(self)
    }
}

/// Gradients of the loss for one layer.
#[derive(Debug)]
pub struct Gradients {
    /// With respect to the input (inputs × samples), or `None` if it was not requested.
    pub input: Option<Batch>,
    /// With respect to each of [`Layer::parameters`], summed over the samples.
    pub parameters: Vec<Vec<f64>>,
}

/// Trainable values of a layer.
#[derive(Debug)]
pub struct Parameter<'a> {
    /// The values.
    pub values: &'a mut [f64],
    /// Whether weight decay acts on the values. It acts on weights, not on biases.
    pub decays: bool,
}

/// The settings of a layer, as written in a model file. An activation is its own settings.
pub(crate) trait LayerSettings {
    /// Builds the layer for a number of inputs. Messages name it `user`.
    fn build(&self, user: &str, inputs: usize, tensors: &Tensors) -> Result<Box<dyn Layer>>;

    /// Number of outputs.
    fn outputs(&self, inputs: usize) -> usize {
        inputs
    }

    /// Settings of the linear map, if the layer is linear.
    fn linear(&self) -> Option<&LinearSettings> {
        None
    }

    /// Key and value of the setting of an activation, if it has one.
    fn setting(&self) -> Option<(&'static str, f64)> {
        None
    }
}

impl<L: Layer + Clone + 'static> LayerSettings for L {
    fn build(&self, _user: &str, _inputs: usize, _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Layer::setting(self)
    }
}

macro_rules! layers {
    ($($variant:ident, $settings:path, $key:literal, $about:literal;)*) => {
        /// A layer as written in a model file: `kind` and its settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "kind")]
        pub enum LayerSpec {
            $(#[doc = $about] #[serde(rename = $key)] $variant($settings),)*
        }

        /// The kind of a layer.
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
            /// The kind of the layer.
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
    Photonic, LinearSettings, "photonic", "matrix product on a photonic mesh; the bias is added electronically";
    Dense, LinearSettings, "dense", "matrix product and bias, all electronic";
    Relu, Relu, "relu", "max(x, 0)";
    Relu6, Relu6, "relu6", "min(max(x, 0), 6)";
    LeakyRelu, LeakyRelu, "leaky_relu", "x above 0, slope·x below";
    Elu, Elu, "elu", "x above 0, alpha·(exp(x) − 1) below";
    Selu, Selu, "selu", "1.0507·x above 0, 1.0507·1.6733·(exp(x) − 1) below";
    Gelu, Gelu, "gelu", "x·Φ(x) = x·(1 + erf(x/√2))/2";
    GeluTanh, GeluTanh, "gelu_tanh", "x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, the approximation of gelu";
    Silu, Silu, "silu", "x / (1 + exp(-x))";
    Mish, Mish, "mish", "x·tanh(ln(1 + exp(x)))";
    Softplus, Softplus, "softplus", "ln(1 + exp(x))";
    Softsign, Softsign, "softsign", "x / (1 + |x|)";
    Tanh, Tanh, "tanh", "(exp(x) − exp(-x)) / (exp(x) + exp(-x))";
    Sigmoid, Sigmoid, "sigmoid", "1 / (1 + exp(-x))";
    HardTanh, HardTanh, "hard_tanh", "min(max(x, -1), 1)";
    HardSigmoid, HardSigmoid, "hard_sigmoid", "min(max(x/6 + 1/2, 0), 1)";
    HardSwish, HardSwish, "hard_swish", "x·min(max(x/6 + 1/2, 0), 1)";
    Softmax, Softmax, "softmax", "exp(x_i) / Σ_j exp(x_j) over the features of a sample";
    Modulus, Modulus, "modulus", "|x|, what the square root of a direct detector gives";
    SquaredModulus, SquaredModulus, "squared_modulus", "x², what a direct detector gives";
}

/// Other names of layers.
pub const LAYER_ALIASES: &[Alias] = &[
    ("linear", "dense"),
    ("swish", "silu"),
    ("hard_silu", "hard_swish"),
    ("logistic", "sigmoid"),
    ("gelu_new", "gelu_tanh"),
    ("gelu_approximate", "gelu_tanh"),
    ("abs", "modulus"),
    ("square", "squared_modulus"),
];

impl KindNames for LayerSpec {
    fn kind(name: &str) -> String {
        canonical(LAYERS.iter().map(|(key, _)| *key), LAYER_ALIASES, name).unwrap_or(name).to_owned()
    }
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

    /// Key and value of the setting of an activation, if it has one.
    #[must_use]
    pub fn setting(&self) -> Option<(&'static str, f64)> {
        self.settings().setting()
    }

    pub(crate) fn build(&self, index: usize, inputs: usize, tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let mut layer = self.settings().build(&format!("layer {index} ({})", self.kind()), inputs, tensors)?;
        if let Some(linear) = layer.linear_mut() {
            linear.is_photonic = self.kind() == LayerKind::Photonic;
        }
        Ok(layer)
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// A layer with given tensors, for the tests of the layers.
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
    spec.build(0, inputs, &map)
}

/// Checks `backward` of a layer against central differences of the loss Σ c·y for fixed c, with step 1e-6.
///
/// The relative error of the differences is about 1e-10. The tolerance is 1e-7 of the largest gradient (at least 1e-7).
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
            let mut shifted = input.clone();
            shifted[at] += step;
            loss(&layer.forward(&shifted))
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
    fn activations_are_those_of_their_formulas() {
        for (kind, input, expected) in [
            ("relu", [-1.5, 0.0, 2.0], [0.0, 0.0, 2.0]),
            ("sigmoid", [-1e4, 0.0, 1e4], [0.0, 0.5, 1.0]),
            ("softmax", [1e4, 1e4, -1e4], [0.5, 0.5, 0.0]),
            ("modulus", [-1.5, 0.0, 2.0], [1.5, 0.0, 2.0]),
            ("squared_modulus", [-1.5, 0.0, 2.0], [2.25, 0.0, 4.0]),
        ] {
            let layer = layer_for_test(&format!("kind = '{kind}'"), 3, &[]).unwrap();
            let difference =
                layer.forward(&Batch::from_column_slice(3, 1, &input)) - Batch::from_column_slice(3, 1, &expected);
            assert!(difference.amax() < 1e-15, "{kind}: {difference}");
        }
    }

    /// The definitions of PyTorch 2, computed with forty decimals by mpmath.
    #[test]
    fn activations_are_those_of_pytorch() {
        let inputs = [-3.5, -0.75, 0.25, 8.0];
        for (kind, expected) in [
            ("tanh", [-0.9981778976111987, -0.6351489523872873, 0.2449186624037091, 0.9999997749296758]),
            ("gelu", [-0.0008142017766243, -0.1699705142826511, 0.1496765814207309, 7.999999999999995]),
            ("gelu_tanh", [-0.0006161976553736, -0.1700394448343797, 0.149675350701685, 8.0]),
            ("silu", [-0.1025928076297471, -0.2406159756184552, 0.1405441252214495, 7.997317198956268]),
            ("mish", [-0.1040957544863712, -0.2764947145054651, 0.1695724096638175, 7.999998200644843]),
            ("softplus", [0.0297504182726205, 0.3868710061148999, 0.8259394198788435, 8.000335406372896]),
            ("softsign", [-0.7777777777777777, -0.4285714285714285, 0.2, 0.8888888888888888]),
            ("relu6", [0.0, 0.0, 0.25, 6.0]),
            ("leaky_relu", [-0.035, -0.0075, 0.25, 8.0]),
            ("elu", [-0.9698026165776815, -0.5276334472589852, 0.25, 8.0]),
            ("selu", [-1.7050093409572833, -0.9276320158350512, 0.2626752468388701, 8.405607898843844]),
            ("hard_tanh", [-1.0, -0.75, 0.25, 1.0]),
            ("hard_sigmoid", [0.0, 0.375, 0.5416666666666666, 1.0]),
            ("hard_swish", [0.0, -0.28125, 0.1354166666666666, 8.0]),
        ] {
            let layer = layer_for_test(&format!("kind = '{kind}'"), 4, &[]).unwrap();
            let output = layer.forward(&Batch::from_column_slice(4, 1, &inputs));
            let difference = (&output - Batch::from_column_slice(4, 1, &expected)).amax();
            assert!(difference < 4e-15, "{kind}: {output}");
        }
        for (toml, expected) in
            [("kind = 'leaky_relu'\nslope = 0.2", -0.7), ("kind = 'elu'\nalpha = 2.0", -1.939605233155363)]
        {
            let output = layer_for_test(toml, 1, &[]).unwrap().forward(&Batch::from_element(1, 1, -3.5));
            assert!((output[0] - expected).abs() < 4e-15, "{toml}: {output}");
        }
    }

    #[test]
    fn activations_and_their_slopes_do_not_overflow() {
        let bounded = |value: f64| value.is_finite() && value.abs() <= 2e200;
        for &(key, _) in LAYERS.iter().filter(|(key, _)| *key != "squared_modulus") {
            let Ok(spec) = toml::from_str::<LayerSpec>(&format!("kind = '{key}'")) else { continue };
            let layer = spec.build(0, 4, &Tensors::new()).unwrap();
            let input = Batch::from_column_slice(4, 1, &[-1e200, -1e4, 1e4, 1e200]);
            let output = layer.forward(&input);
            let slope = layer.backward(&input, &output, &Batch::from_element(4, 1, 1.0), true).input.unwrap();
            assert!(output.iter().all(|&y| bounded(y)), "{key}: {output}");
            assert!(slope.iter().all(|&y| y.is_finite() && y.abs() < 2.0), "{key}: {slope}");
        }
    }

    #[test]
    fn gradients_of_activations_are_those_of_finite_differences() {
        let mut activations = 0;
        for &(key, _) in LAYERS {
            let Ok(spec) = toml::from_str::<LayerSpec>(&format!("kind = '{key}'")) else { continue };
            let mut layer = spec.build(0, 4, &Tensors::new()).unwrap();
            // On both sides of every kink (0, ±1, ±3 and 6), and at none.
            for factor in [1.0, 3.0] {
                let input = Batch::from_fn(4, 3, |r, c| factor * (0.7 * r as f64 - 0.9 * c as f64 + 0.15));
                check_gradients(layer.as_mut(), &input);
            }
            activations += 1;
        }
        assert_eq!(activations, LAYERS.len() - 2, "all but the linear layers");
    }

    #[test]
    fn unknown_kinds_and_keys_are_refused() {
        for toml in
            ["kind = 'tahn'", "kind = 'relu'\nslope = 0.1", "kind = 'dense'\noutputs = 2\nweight = 'w'\nbais = 'b'"]
        {
            assert!(toml::from_str::<LayerSpec>(toml).is_err(), "{toml}");
        }
    }
}
