//! The list of all kinds of layers, as written in a model file.

use std::fmt;

use phaseloom_files::{Alias, InvalidValue, KindNames, canonical};
use serde::{Deserialize, Serialize};

use super::{
    Amplitude, AmplitudeEncoding, AveragePoolSettings, BatchNormSettings, ComplexPhotonicSettings, Constraint,
    ConvSettings, ElectroOptic, Elu, FlattenSettings, Gelu, GeluTanh, GlobalAveragePoolSettings, GlobalMaxPoolSettings,
    HardSigmoid, HardSwish, HardTanh, Intensity, L2Normalise, Layer, LayerNormSettings, LayerSettings, LeakyRelu,
    LinearSettings, MaxPoolSettings, Mish, ModRelu, Modulus, NamedTensor, PhaseEncoding, Relu, Relu6, RepeatSettings,
    ResidualSettings, SaturableAbsorber, Scale, Selu, Sigmoid, Silu, Softmax, Softplus, Softsign, SquaredModulus, Take,
    Tanh,
};
use crate::error::Result;
use crate::weights::Tensors;

macro_rules! layers {
    ($($variant:ident, $settings:ty, $key:literal, $about:literal;)*) => {
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

            fn settings_mut(&mut self) -> &mut dyn LayerSettings {
                match self { $(Self::$variant(settings) => settings),* }
            }
        }
    };
}

layers! {
    Photonic, LinearSettings, "photonic", "matrix product on a photonic mesh; the bias is added electronically";
    ComplexPhotonic, ComplexPhotonicSettings, "complex_photonic", "complex matrix product on photonic meshes: fields go in and out";
    Dense, LinearSettings, "dense", "matrix product and bias, all electronic";
    Conv1d, ConvSettings<1>, "conv1d", "convolution along one axis; its products run on photonic meshes";
    Conv2d, ConvSettings<2>, "conv2d", "convolution along two axes; its products run on photonic meshes";
    MaxPool, MaxPoolSettings, "max_pool", "maximum of the values under a kernel";
    AveragePool, AveragePoolSettings, "average_pool", "mean of the values under a kernel";
    GlobalMaxPool, GlobalMaxPoolSettings, "global_max_pool", "maximum of each channel";
    GlobalAveragePool, GlobalAveragePoolSettings, "global_average_pool", "mean of each channel";
    Flatten, FlattenSettings, "flatten", "all values of a sample in a row, channels first";
    BatchNorm, BatchNormSettings, "batch_norm", "weight·(x − mean)/√(variance + epsilon) + bias for each channel";
    LayerNorm, LayerNormSettings, "layer_norm", "weight·(x − mean)/√(variance + epsilon) + bias over the values of a sample";
    L2Normalise, L2Normalise, "l2_normalise", "x / √(Σ_j x_j²) over the features of a sample";
    Take, Take, "take", "the first values of a sample";
    PhaseEncoding, PhaseEncoding, "phase_encoding", "complex fields exp(i·scale_rad·x) of real values";
    AmplitudeEncoding, AmplitudeEncoding, "amplitude_encoding", "complex fields x of real values, without a quadrature";
    ElectroOptic, ElectroOptic, "electro_optic", "i·√(1 − alpha)·(1 + exp(−i·χ))/2·z of fields z, χ = gain_rad·|z|² + bias_rad";
    ModRelu, ModRelu, "mod_relu", "(|z| − threshold)·z/|z| of fields z above the threshold, 0 below";
    SaturableAbsorber, SaturableAbsorber, "saturable_absorber", "exp(−optical_depth/2/(1 + |z|²/saturation))·z of fields z";
    Intensity, Intensity, "intensity", "|z|² of fields z, the power at a photodiode";
    Amplitude, Amplitude, "amplitude", "|z| of fields z";
    Residual, ResidualSettings, "residual", "the sum of the outputs of layers and of a shortcut, on the same input";
    Repeat, RepeatSettings, "repeat", "layers one after another, several times; {n} in their names becomes 1, 2, …";
    Scale, Scale, "scale", "factor·x, an amplifier";
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
    ("amplifier", "scale"),
    ("abs", "modulus"),
    ("square", "squared_modulus"),
    ("avg_pool", "average_pool"),
    ("l2_normalize", "l2_normalise"),
    ("global_avg_pool", "global_average_pool"),
    ("batch_norm1d", "batch_norm"),
    ("batch_norm2d", "batch_norm"),
];

impl KindNames for LayerSpec {
    fn kind(name: &str) -> String {
        canonical(LAYERS.iter().map(|(key, _)| *key), LAYER_ALIASES, name).unwrap_or(name).to_owned()
    }
}

impl LayerSpec {
    /// Shape of the output for a shape of the input.
    ///
    /// # Errors
    ///
    /// The key that does not fit the input.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        self.settings().output_shape(input)
    }

    /// Name of the tensor of the weight, if the layer is linear.
    #[must_use]
    pub fn weight(&self) -> Option<&str> {
        // The name does not depend on the shape.
        self.settings().weight(&[1, 1, 1]).map(|(name, _)| name)
    }

    /// Outputs and inputs of the matrix for a shape of the input that was checked, if the layer is linear.
    pub(crate) fn matrix(&self, input: &[usize]) -> Option<[usize; 2]> {
        self.settings().weight(input).map(|(_, shape)| shape)
    }

    /// The tensors of the layer for a shape of its input that was checked, without those of layers inside.
    pub(crate) fn tensors(&self, input: &[usize]) -> Vec<NamedTensor<'_>> {
        self.settings().tensors(input)
    }

    /// What training keeps the weight.
    pub(crate) fn constraint(&self) -> Option<Constraint> {
        self.settings().constraint()
    }

    /// Name of the tensor of the weight, if the weight is unitary.
    pub(crate) fn unitary_weight(&self) -> Option<&str> {
        self.settings().unitary_weight()
    }

    /// Key and value of the setting that is a number, if it has one.
    #[must_use]
    pub fn setting(&self) -> Option<(&'static str, f64)> {
        self.settings().setting()
    }

    /// Whether the layer maps each value by itself.
    #[must_use]
    pub fn is_activation(&self) -> bool {
        self.settings().is_activation()
    }

    /// The chains of layers inside the layer by their keys, in the order of their computation.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, &[Self])> {
        self.settings().parts()
    }

    /// The same chains for changes.
    #[must_use]
    pub fn parts_mut(&mut self) -> Vec<&mut Vec<Self>> {
        self.settings_mut().parts_mut()
    }

    /// Builds the layer for the shape of an input that was checked. Messages name it `user`.
    pub(crate) fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>> {
        let mut layer = self.settings().build(user, input, tensors)?;
        if let (LayerKind::Photonic, Some(linear)) = (self.kind(), layer.linear_mut()) {
            linear.is_photonic = true;
        }
        Ok(layer)
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
