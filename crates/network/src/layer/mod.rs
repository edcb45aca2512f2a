//! Layers of a network. A new layer is one file here, or an entry in the file
//! `activation`, and one line in the list `layers!` in the file `kinds`.
//!
//! A layer maps a batch (features × samples) to another batch. The features of a sample are in row-major order of its shape
//! (channels, height, width), which a layer knows from when it is built. No layer mixes samples, but for the statistics of a
//! batch normalisation in training.

mod activation;
pub(crate) mod chain;
mod conv;
mod field;
mod flatten;
mod kinds;
mod linear;
mod norm;
pub(crate) mod place;
mod pool;
pub(crate) mod repeat;
mod residual;
mod softmax;
mod take;

use std::fmt;

use nalgebra::DMatrix;
use phaseloom_files::InvalidValue;

pub use crate::window::geometry::{Padding, PaddingName, PerAxis};
pub use activation::{
    Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, HardTanh, LeakyRelu, Mish, Modulus, Relu, Relu6, Scale, Selu, Sigmoid,
    Silu, Softplus, Softsign, SquaredModulus, Tanh,
};
pub use chain::{Pass, Products, Recorder, Trace};
pub use conv::ConvSettings;
pub use field::{
    Amplitude, AmplitudeEncoding, ComplexPhotonicSettings, ElectroOptic, Intensity, ModRelu, PhaseEncoding,
    SaturableAbsorber,
};
pub use flatten::FlattenSettings;
pub use kinds::{LAYER_ALIASES, LAYERS, LayerKind, LayerSpec};
pub use linear::{Constraint, Linear, LinearSettings};
pub use norm::{BatchNormSettings, L2Normalise, LayerNormSettings};
pub use pool::{AveragePoolSettings, GlobalAveragePoolSettings, GlobalMaxPoolSettings, MaxPoolSettings};
pub use repeat::RepeatSettings;
pub use residual::ResidualSettings;
pub use softmax::Softmax;
pub use take::Take;

use crate::data::Batch;
use crate::error::Result;
use crate::weights::{Tensor, Tensors};

/// A layer in floating point, for training and as the reference.
pub trait Layer: fmt::Debug + Send + Sync {
    /// Output of the layer: outputs × samples.
    ///
    /// # Panics
    ///
    /// If `input` has not one row per input of the layer.
    fn forward(&self, input: &Batch) -> Batch;

    /// Output of the layer, with its products `W x` from `pass` if they run on meshes.
    ///
    /// # Panics
    ///
    /// As [`Layer::forward`].
    fn pass(&self, input: &Batch, _pass: &mut Pass<'_>) -> Batch {
        self.forward(input)
    }

    /// Output of the layer in training, and all that [`Layer::backward`] needs.
    ///
    /// # Panics
    ///
    /// As [`Layer::forward`].
    fn record(&mut self, input: &Batch) -> Trace {
        Trace::new(self.forward(input))
    }

    /// Gradients of a scalar loss, from its gradient with respect to the output.
    ///
    /// `input` and `trace` are those of [`Layer::record`]. The gradient with respect to the input is computed only if
    /// `needs_input` is set, which the first layer does not need.
    ///
    /// # Panics
    ///
    /// If input, trace and gradient do not have the shapes of the forward pass.
    fn backward(&self, input: &Batch, trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients;

    /// [`Layer::record`] with the photonic products of the recorder.
    ///
    /// # Panics
    ///
    /// As [`Layer::forward`].
    fn record_with(&mut self, input: &Batch, _recorder: &mut Recorder<'_>) -> Trace {
        self.record(input)
    }

    /// [`Layer::backward`] with the photonic products of the record.
    ///
    /// # Panics
    ///
    /// As [`Layer::backward`].
    fn backward_with(
        &self,
        input: &Batch,
        trace: &Trace,
        gradient: &Batch,
        needs_input: bool,
        _products: &mut dyn Products,
    ) -> Gradients {
        self.backward(input, trace, gradient, needs_input)
    }

    /// Gradient with respect to the input of the finished layer, as [`Layer::forward`] computes it, from the gradient with
    /// respect to the output. `weight` replaces the matrix of a linear layer. A layer with [parts](Layer::parts) has none of its
    /// own.
    ///
    /// # Panics
    ///
    /// As [`Layer::backward`], or if `weight` has another shape than the matrix of the layer.
    fn input_gradient(&self, input: &Batch, trace: &Trace, gradient: &Batch, _weight: Option<&DMatrix<f64>>) -> Batch {
        let by_input = self.backward(input, trace, gradient, true).input;
        by_input.unwrap_or_else(|| Batch::zeros(input.nrows(), input.ncols()))
    }

    /// The trainable values, in the same order as [`Gradients::parameters`]. An activation has none.
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }

    /// The tensors of the layer, in the order of its settings and as its file stores them. Those of inner layers are not
    /// among them.
    fn tensors(&self) -> Vec<Tensor> {
        Vec::new()
    }

    /// Numbers that determine the output next to tensors and shapes, for a hash.
    fn numbers(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The value at 0 of an activation, otherwise 0.
    fn at_zero(&self) -> f64 {
        0.0
    }

    /// Weight and bias, if the layer is linear.
    fn linear(&self) -> Option<&Linear> {
        None
    }

    /// Weight and bias for changes, if the layer is linear.
    fn linear_mut(&mut self) -> Option<&mut Linear> {
        None
    }

    /// Weight and bias, if the product of the layer runs on meshes.
    fn photonic(&self) -> Option<&Linear> {
        self.linear().filter(|linear| linear.is_photonic)
    }

    /// Vectors that one sample sends through the product: 1, or the positions of a convolution.
    fn vectors(&self) -> usize {
        1
    }

    /// Multiplications of the product for one sample. The zeros between groups do not count.
    fn macs(&self) -> f64 {
        self.linear().map_or(0.0, |linear| linear.macs())
    }

    /// The chains of layers inside the layer, in the order of their computation. Each has the input of the layer, and the output
    /// of the layer is the sum of theirs.
    fn parts(&self) -> Vec<&[Box<dyn Layer>]> {
        Vec::new()
    }

    /// The same chains for changes.
    fn parts_mut(&mut self) -> Vec<&mut [Box<dyn Layer>]> {
        Vec::new()
    }

    /// Whether the weights of the layer before include this one.
    fn is_folded(&self) -> bool {
        false
    }

    /// Scale and shift of each channel, for the linear layer before. This layer becomes the identity. `None` for a layer that
    /// is no batch normalisation.
    fn take_scale_and_shift(&mut self) -> Option<(Vec<f64>, Vec<f64>)> {
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

    fn backward(&self, input: &Batch, trace: &Trace, gradient: &Batch, needs_input: bool) -> Gradients {
        let by_input = || gradient.zip_zip_map(input, &trace.output, |g, x, y| Activation::backward(self, g, x, y));
        Gradients { input: needs_input.then(by_input), parameters: Vec::new() }
    }

    fn at_zero(&self) -> f64 {
        self.value(0.0)
    }
}

impl<A: Activation> LayerSettings for A {
    fn build(&self, _user: &str, _input: &[usize], _tensors: &Tensors) -> Result<Box<dyn Layer>> {
        Ok(Box::new(self.clone()))
    }

    fn setting(&self) -> Option<(&'static str, f64)> {
        Activation::setting(self)
    }

    fn is_activation(&self) -> bool {
        true
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
    /// Whether the values are those of a core: phases (rad) and logarithms of gains.
    pub is_phase: bool,
}

/// A tensor that a layer needs, as its file stores it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedTensor<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub start: Start,
    /// Whether the tensor is one of [`Layer::parameters`]. Running statistics are not.
    pub is_trained: bool,
}

/// Values at the start of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// Random weights of sums of this number of inputs.
    Random {
        /// Number of inputs of each output.
        inputs: usize,
    },
    /// The real and the imaginary part of a random unitary matrix, of the Haar measure.
    Unitary,
    /// The same value everywhere.
    Constant(f64),
}

impl<'a> NamedTensor<'a> {
    /// A tensor with the same value everywhere.
    fn constant(name: &'a str, shape: Vec<usize>, value: f64) -> Self {
        Self { name, shape, start: Start::Constant(value), is_trained: true }
    }
}

/// The settings of a layer, as written in a model file. An activation is its own settings.
pub(crate) trait LayerSettings {
    /// Builds the layer for the shape of an input that was checked. Messages name it `user`.
    fn build(&self, user: &str, input: &[usize], tensors: &Tensors) -> Result<Box<dyn Layer>>;

    /// Shape of the output, or the key that does not fit the shape of the input.
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, InvalidValue> {
        Ok(input.to_vec())
    }

    /// Name of the weight and shape of its matrix (outputs, inputs), if the layer is linear.
    fn weight(&self, _input: &[usize]) -> Option<(&str, [usize; 2])> {
        None
    }

    /// The tensors of the layer for a shape of its input that was checked. Those of inner layers are not among them.
    fn tensors(&self, _input: &[usize]) -> Vec<NamedTensor<'_>> {
        Vec::new()
    }

    /// Name of the weight, if it is unitary.
    fn unitary_weight(&self) -> Option<&str> {
        None
    }

    /// What training keeps the weight.
    fn constraint(&self) -> Option<Constraint> {
        None
    }

    /// Key and value of the setting that is a number, if it has one.
    fn setting(&self) -> Option<(&'static str, f64)> {
        None
    }

    /// Whether the layer maps each value by itself.
    fn is_activation(&self) -> bool {
        false
    }

    /// The chains of layers inside the layer by their keys, in the order of their computation.
    fn parts(&self) -> Vec<(&'static str, &[LayerSpec])> {
        Vec::new()
    }

    /// The same chains for changes.
    fn parts_mut(&mut self) -> Vec<&mut Vec<LayerSpec>> {
        Vec::new()
    }
}

#[cfg(test)]
pub(crate) mod tests;
