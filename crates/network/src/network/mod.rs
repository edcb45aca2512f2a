//! A network as calibration, experiments and evaluation see it: the matrix products that may run on meshes, and forward
//! passes that take each product from the caller.
//!
//! A batch at a photonic product has the shape inputs × (samples · vectors): a dense layer sends one vector per sample, a
//! convolution one per position. The vectors of a sample are next to each other, so vector `p` of sample `s` is column
//! `s·vectors + p`. That number is also the address of its noise, and the cut of the samples into batches changes no draw.

mod foreign;
mod graph_settings;
mod measurement;
mod operator;
mod prediction;

use std::fmt;
use std::path::PathBuf;

use nalgebra::DMatrix;
use phaseloom_hardware::{MatrixProduct, Shot};

use crate::data::{Batch, Dataset};
use crate::error::Result;
pub use crate::photonic_layer::{PhotonicLayer, ProductSlopes};
use crate::programs::Programs;
pub use foreign::refuse_foreign;
pub use graph_settings::{ChannelValues, GraphInput, GraphSettings};
pub use measurement::LayerMeasurement;
pub use operator::{Operator, Place};
pub(crate) use phaseloom_numerics::linalg::multiply_batch as exact_product;
pub use prediction::{accuracy, binary_predictions, predictions};

/// One call of a photonic product in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The product, by its place in [`Network::photonic_layers`].
    pub product: usize,
    /// Index of the first vector of the call among those that the batch of the pass sends through the product in a step.
    pub first_vector: usize,
    /// Step of the loop, from 0.
    pub step: usize,
}

/// Computes `W x` (outputs × columns) of a call for x (inputs × columns), see [`PhotonicLayer::values`].
pub type Multiply<'a> = dyn FnMut(Call, &Batch) -> Batch + 'a;

/// Sees the index of each layer, with a function that gives its output (outputs × samples). A network may show a layer
/// several times, each time for the samples that follow.
pub type Observe<'a> = dyn FnMut(usize, &dyn Fn() -> Batch) + 'a;

/// The floating-point pass of a batch through a network.
#[derive(Clone, Debug)]
pub struct ExactPass {
    /// Prepared inputs: features × samples.
    pub input: Batch,
    /// W x of the first photonic layer, which is the same for every chip. `None` without a photonic layer, and where a
    /// sample has many vectors, which would fill the memory.
    pub first_product: Option<Batch>,
    /// Outputs: outputs × samples.
    pub output: Batch,
}

/// A network whose photonic products the caller supplies.
pub trait Network: fmt::Debug + Send + Sync {
    /// Shape of the input of one sample. Its features are in row-major order.
    fn input_shape(&self) -> Vec<usize>;

    /// Shape of the output of one sample.
    fn output_shape(&self) -> Vec<usize>;

    /// Number of input features.
    fn input_size(&self) -> usize {
        self.input_shape().iter().product()
    }

    /// Number of outputs, one per class.
    fn output_size(&self) -> usize {
        self.output_shape().iter().product()
    }

    /// The linear operators, photonic and electronic, in the order of the data.
    fn operators(&self) -> Vec<Operator>;

    /// Kinds and numbers of all other operators.
    fn other_operators(&self) -> Vec<(String, usize)>;

    /// The products that run on meshes, in the order of their first call.
    fn photonic_layers(&self) -> Vec<PhotonicLayer<'_>>;

    /// Names of all layers whose outputs [`Network::pass`] shows, by their index.
    fn layer_names(&self) -> Vec<String>;

    /// Whether the weights of the first layer include the normalisation of the input.
    fn folds_input(&self) -> bool {
        false
    }

    /// Threshold that divides two classes in a network of one output: class 1 is above it.
    fn threshold(&self) -> f64 {
        0.0
    }

    /// Inputs of the first layer from raw data (both features × samples).
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    fn prepare(&self, raw: &Batch) -> Batch;

    /// Checks the prepared inputs of data of the right number of features.
    ///
    /// # Errors
    ///
    /// The first input that the network cannot take, by sample and feature.
    fn check_inputs(&self, data: &Dataset) -> Result<()>;

    /// Outputs (outputs × samples) for prepared inputs, with every photonic product taken from `multiply`.
    ///
    /// # Errors
    ///
    /// If the network cannot compute with these inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    fn pass(&self, input: &Batch, multiply: &mut Multiply<'_>, observe: &mut Observe<'_>) -> Result<Batch>;

    /// The outputs (before a softmax at the end) for prepared inputs in floating point, and the derivative of every output with
    /// respect to each photonic product, in their order. `weights`, such as those that chips realise, replace the matrices of
    /// all products. `None` for networks that do not compute derivatives: graphs, and models with complex layers.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size, or `weights` do not have the shapes of the products.
    fn product_slopes(&self, _input: &Batch, _weights: Option<&[DMatrix<f64>]>) -> Option<(Batch, Vec<ProductSlopes>)> {
        None
    }

    /// Trained programs of the photonic products, in place of programs of their weights.
    fn programs(&self) -> Option<&Programs> {
        None
    }

    /// SHA-256, in hexadecimal, of all that determines the outputs.
    fn sha256(&self) -> String;

    /// Files next to the main one, with their roles.
    ///
    /// # Errors
    ///
    /// If a path starts with `$PHASELOOM_DATA` and the variable is not set.
    fn files(&self) -> Result<Vec<(String, PathBuf)>>;

    /// Path of the calibration file, which may not exist. `None` if the network has no place for one.
    ///
    /// # Errors
    ///
    /// If the path starts with `$PHASELOOM_DATA` and the variable is not set.
    fn calibration_path(&self) -> Result<Option<PathBuf>>;

    /// A sentence about weights that the network does not use, if there are any.
    fn note(&self) -> Option<String> {
        None
    }

    /// Checks that data fit the network: features, labels, and inputs.
    ///
    /// # Errors
    ///
    /// As [`Dataset::check`] and [`Network::check_inputs`].
    fn check_data(&self, data: &Dataset) -> Result<()> {
        data.check(self.input_size(), self.output_size())?;
        self.check_inputs(data)
    }

    /// Outputs (outputs × samples) in floating point, for prepared inputs. `observe` sees each layer.
    ///
    /// # Errors
    ///
    /// As [`Network::pass`].
    fn exact_outputs(&self, input: &Batch, observe: &mut Observe<'_>) -> Result<Batch> {
        let layers = self.photonic_layers();
        self.pass(input, &mut |call, x| layers[call.product].exact(x), observe)
    }

    /// The floating-point pass of prepared inputs, to which [`forward`](Self::forward) compares the hardware.
    ///
    /// # Errors
    ///
    /// As [`Network::pass`].
    fn exact_pass(&self, input: Batch) -> Result<ExactPass> {
        let layers = self.photonic_layers();
        let is_shared = layers.first().is_some_and(|layer| layer.vectors == 1 && layer.steps == 1);
        let mut first_product = None;
        let output = self.pass(
            &input,
            &mut |call, x| {
                let product = layers[call.product].exact(x);
                if call.product == 0 && is_shared && x.ncols() == input.ncols() {
                    first_product = Some(product.clone());
                }
                product
            },
            &mut |_, _| {},
        )?;
        Ok(ExactPass { input, first_product, output })
    }

    /// Inputs (inputs × vectors) of each photonic layer in floating point, for prepared inputs of the network.
    ///
    /// # Errors
    ///
    /// As [`Network::pass`].
    fn photonic_inputs(&self, input: &Batch) -> Result<Vec<Batch>> {
        let layers = self.photonic_layers();
        let mut inputs = vec![Vec::new(); layers.len()];
        let mut multiply = |call: Call, x: &Batch| {
            inputs[call.product].extend_from_slice(x.as_slice());
            layers[call.product].exact(x)
        };
        self.pass(input, &mut multiply, &mut |_, _| {})?;
        let shaped = |(values, layer): (Vec<f64>, &PhotonicLayer<'_>)| {
            let rows = layer.values().1;
            Batch::from_vec(rows, values.len() / rows, values)
        };
        Ok(inputs.into_iter().zip(&layers).map(shaped).collect())
    }

    /// Outputs (outputs × samples) with `products[i]` in place of the i-th photonic product, and the measurements of
    /// each photonic layer. `observe` sees each layer.
    ///
    /// # Errors
    ///
    /// As [`Network::pass`].
    ///
    /// # Panics
    ///
    /// If the number of products is not that of the photonic layers, or shapes do not fit.
    fn forward(
        &self,
        exact: &ExactPass,
        products: &[&dyn MatrixProduct],
        pass: PassAddress,
        observe: &mut Observe<'_>,
    ) -> Result<(Batch, Vec<LayerMeasurement>)> {
        let layers = self.photonic_layers();
        assert_eq!(products.len(), layers.len(), "a network needs one product for each photonic layer");
        let mut measurements = vec![LayerMeasurement::default(); products.len()];
        let mut multiply = |call: Call, x: &Batch| {
            let (product, layer) = (products[call.product], &layers[call.product]);
            assert_eq!(product.shape(), layer.values(), "product {} is not that of its layer", call.product);
            // The input of the first photonic layer is the same on every chip, unlike the inputs of later layers.
            let known = exact.first_product.as_ref().filter(|_| call.product == 0);
            let computed = known.is_none().then(|| layer.exact(x));
            let (realised, readouts) = product.multiply(x, pass.shot(layer, call));
            if let Some(reference) = known.or(computed.as_ref()) {
                measurements[call.product].add(&LayerMeasurement::new(
                    readouts,
                    &realised,
                    reference,
                    product.loses_sign(),
                ));
            }
            realised
        };
        let output = self.pass(&exact.input, &mut multiply, observe)?;
        Ok((output, measurements))
    }
}

/// Address of the noise of a forward pass on hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassAddress {
    /// Trial of the Monte Carlo run: one fabricated chip.
    pub trial: u64,
    /// Repetition of all samples on the same chip, from 0.
    pub repetition: u32,
    /// Index, in the data set, of the first sample of the batch.
    pub first_sample: u64,
}

impl PassAddress {
    /// The address of a call: its vectors count through all samples, and each step of a loop has noise of its own.
    fn shot(self, layer: &PhotonicLayer<'_>, call: Call) -> Shot {
        Shot {
            trial: self.trial,
            index: u64::from(self.repetition) * layer.steps as u64 + call.step as u64,
            first_vector: self.first_sample * layer.vectors as u64 + call.first_vector as u64,
        }
    }
}
