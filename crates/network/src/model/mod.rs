//! A network with its weights, computed in floating point or with hardware in place of its photonic products.

mod measurement;
mod normalisation;
mod prediction;
pub(crate) mod spec;

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use phaseloom_hardware::{MatrixProduct, Shot};
use sha2::{Digest, Sha256};

use phaseloom_files::{InputFiles, hex};

use crate::data::{Batch, Dataset, resolve};
use crate::error::Result;
use crate::layer::{Layer, LayerKind, Linear, exact_product};
pub use crate::model::measurement::LayerMeasurement;
use crate::model::normalisation::Normalisation;
pub use crate::model::prediction::{accuracy, binary_predictions, predictions};
pub use crate::model::spec::{InputSpec, ModelSpec, NumberOrTensor};
use crate::weights::Tensors;

/// A network with its weights.
#[derive(Debug)]
pub struct Model {
    spec: ModelSpec,
    base: PathBuf,
    normalisation: Normalisation,
    layers: Vec<Box<dyn Layer>>,
    /// Names in the weights file that the model does not use.
    unused: Vec<String>,
}

/// The properties of one photonic layer that matter for hardware.
#[derive(Clone, Copy, Debug)]
pub struct PhotonicView<'a> {
    /// Index of the layer among all layers of the model.
    pub index: usize,
    /// W: outputs × inputs. It includes the normalisation if the model folds it.
    pub weight: &'a DMatrix<f64>,
    /// Whether a bias is added, in electronics, after the product.
    pub has_bias: bool,
    /// Kind of the next layer, or `None` for the last layer.
    pub activation_after: Option<LayerKind>,
}

/// The floating-point pass of a batch through a network.
#[derive(Clone, Debug)]
pub struct ExactPass {
    /// Prepared inputs: features × samples.
    pub input: Batch,
    /// W x of the first photonic layer, which is the same for every chip. Empty without a photonic layer.
    pub first_product: Batch,
    /// Outputs: outputs × samples.
    pub output: Batch,
}

impl Model {
    /// Reads a model file and its weights.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or is damaged, keys are wrong, or a tensor is missing, has the wrong shape or holds a
    /// NaN or an infinity.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_from(path, &InputFiles::default())
    }

    /// Reads a model file and its weights through `files`.
    ///
    /// # Errors
    ///
    /// As [`Model::load`].
    pub fn load_from(path: &Path, files: &InputFiles) -> Result<Self> {
        let spec = ModelSpec::load_from(path, files)?;
        let base = path.parent().unwrap_or(Path::new(""));
        let weights = resolve(&spec.weights, base)?;
        let text = files.read(path)?.text()?;
        let tensors = Tensors::load_from(&weights, files).map_err(|error| error.in_settings("weights", path, &text))?;
        Self::build(spec, base, &tensors)
    }

    /// Builds a model from its settings and tensors in memory. Other files of the model are relative to `base`.
    ///
    /// # Errors
    ///
    /// If the settings are impossible, or a tensor is missing, has the wrong shape or holds a NaN or an infinity.
    pub fn from_tensors(spec: ModelSpec, base: &Path, tensors: &Tensors) -> Result<Self> {
        spec.check(base)?;
        Self::build(spec, base, tensors)
    }

    /// Builds a model from settings that were checked.
    pub(crate) fn build(spec: ModelSpec, base: &Path, tensors: &Tensors) -> Result<Self> {
        let normalisation = Normalisation::new(&spec.input, tensors)?;
        let mut layers = Vec::with_capacity(spec.layer.len());
        let mut inputs = spec.input.size;
        for (index, layer) in spec.layer.iter().enumerate() {
            layers.push(layer.build(index, inputs, tensors)?);
            inputs = layer.outputs(inputs);
        }
        if let Some(linear) = layers.first_mut().and_then(|layer| layer.linear_mut()) {
            normalisation.fold_into(linear);
        }
        Ok(Self { spec, base: base.to_owned(), normalisation, layers, unused: tensors.unused() })
    }

    /// Names in the weights file that the model does not use, sorted. A layer may be missing in the model.
    #[must_use]
    pub fn unused_tensors(&self) -> &[String] {
        &self.unused
    }

    /// A sentence about the names in the weights file that the model does not use, if there are any.
    #[must_use]
    pub fn note_on_unused_tensors(&self) -> Option<String> {
        let named = crate::error::listed(&self.unused);
        (!self.unused.is_empty()).then(|| {
            let file = self.spec.weights.display();
            format!("{file}: the model does not use {named}; check that no layer is missing in the model file")
        })
    }

    /// Checks that data fit the model: features, labels, and prepared inputs that are not so large that products overflow.
    ///
    /// # Errors
    ///
    /// As [`Dataset::check`], and the first such input, by sample and feature.
    pub fn check_data(&self, data: &Dataset) -> Result<()> {
        data.check(self.input_size(), self.output_size())?;
        self.check_inputs(data)
    }

    /// Checks the prepared inputs of data of the model's number of features.
    pub(crate) fn check_inputs(&self, data: &Dataset) -> Result<()> {
        self.normalisation.check(&data.inputs_path, &data.inputs)
    }

    /// The settings.
    #[must_use]
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Number of input features.
    #[must_use]
    pub fn input_size(&self) -> usize {
        self.spec.input.size
    }

    /// Number of outputs, one per class.
    #[must_use]
    pub fn output_size(&self) -> usize {
        self.spec.output_size()
    }

    /// Path of the weights file.
    ///
    /// # Errors
    ///
    /// If the path starts with `$PHASELOOM_DATA` and the variable is not set.
    pub fn weights_path(&self) -> Result<PathBuf> {
        resolve(&self.spec.weights, &self.base)
    }

    /// Path of the calibration file, if the model names one.
    ///
    /// # Errors
    ///
    /// If the path starts with `$PHASELOOM_DATA` and the variable is not set.
    pub fn calibration_path(&self) -> Result<Option<PathBuf>> {
        self.spec.calibration.as_ref().map(|path| resolve(path, &self.base)).transpose()
    }

    /// The layers, from input to output.
    #[must_use]
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    pub(crate) fn layers_mut(&mut self) -> &mut [Box<dyn Layer>] {
        &mut self.layers
    }

    /// SHA-256, in hexadecimal, of normalisation, kinds of layers, weights and biases.
    ///
    /// Names, paths and the format of the weights file do not change the hash.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(b"phaseloom-model/1");
        let mut numbers = |values: &mut dyn Iterator<Item = f64>| {
            let mut count = 0_u64;
            for value in values {
                digest.update(value.to_le_bytes());
                count += 1;
            }
            digest.update(count.to_le_bytes());
        };
        numbers(&mut self.normalisation.numbers());
        for (spec, layer) in self.spec.layer.iter().zip(&self.layers) {
            numbers(&mut spec.kind().key().bytes().map(f64::from));
            if let Some((_, value)) = spec.setting() {
                numbers(&mut std::iter::once(value));
            }
            if let Some(linear) = layer.linear() {
                let (rows, columns) = linear.weight.shape();
                numbers(&mut [rows as f64, columns as f64].into_iter());
                numbers(&mut linear.weight.iter().copied());
                numbers(&mut linear.bias.iter().flatten().copied());
            }
        }
        hex(&digest.finalize())
    }

    /// Inputs of the first layer from raw data (both features × samples): `(raw·scale − mean) / std`.
    ///
    /// If mean and standard deviation are folded into the first layer, the inputs are `raw·scale`.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn prepare(&self, raw: &Batch) -> Batch {
        assert_eq!(raw.nrows(), self.input_size(), "raw inputs need the features of the model");
        self.normalisation.apply(raw)
    }

    /// The layers whose products run on meshes, from input to output.
    #[must_use]
    pub fn photonic_layers(&self) -> Vec<PhotonicView<'_>> {
        let kind = |index: usize| self.spec.layer.get(index).map(crate::layer::LayerSpec::kind);
        self.photonic()
            .map(|(index, linear)| PhotonicView {
                index,
                weight: &linear.weight,
                has_bias: linear.bias.is_some(),
                activation_after: kind(index + 1),
            })
            .collect()
    }

    /// Index and linear map of each photonic layer.
    fn photonic(&self) -> impl Iterator<Item = (usize, &Linear)> {
        self.spec
            .layer
            .iter()
            .zip(&self.layers)
            .enumerate()
            .filter(|(_, (spec, _))| spec.kind() == LayerKind::Photonic)
            .filter_map(|(index, (_, layer))| Some((index, layer.linear()?)))
    }

    /// Outputs (outputs × samples) of the network in floating point, for prepared inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn forward_exact(&self, input: &Batch) -> Batch {
        self.run(input, &mut |_, linear, x| exact_product(&linear.weight, x))
    }

    /// Calls `observe` with the index and the output (outputs × samples) of each layer in floating point, for prepared
    /// inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    pub fn observe_exact(&self, input: &Batch, observe: &mut dyn FnMut(usize, &Batch)) {
        self.run_observed(input, &mut |_, linear, x| exact_product(&linear.weight, x), observe);
    }

    /// The floating-point pass of prepared inputs, to which [`forward`](Self::forward) compares the hardware.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn exact_pass(&self, input: Batch) -> ExactPass {
        let mut first_product = Batch::zeros(0, 0);
        let output = self.run(&input, &mut |i, linear, x| {
            let product = exact_product(&linear.weight, x);
            if i == 0 {
                first_product.clone_from(&product);
            }
            product
        });
        ExactPass { input, first_product, output }
    }

    /// Inputs (inputs × samples) of each photonic layer in floating point, for prepared inputs of the network.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn photonic_inputs(&self, input: &Batch) -> Vec<Batch> {
        let mut inputs = Vec::new();
        self.run(input, &mut |_, linear, x| {
            inputs.push(x.clone());
            exact_product(&linear.weight, x)
        });
        inputs
    }

    /// Outputs (outputs × samples) with `products[i]` in place of the i-th photonic product, and the measurements of
    /// each photonic layer. Biases are added after the product, in electronics.
    ///
    /// # Panics
    ///
    /// If the number of products is not that of the photonic layers, or shapes do not fit.
    #[must_use]
    pub fn forward(
        &self,
        exact: &ExactPass,
        products: &[&dyn MatrixProduct],
        shot: Shot,
    ) -> (Batch, Vec<LayerMeasurement>) {
        self.forward_observed(exact, products, shot, &mut |_, _| {})
    }

    /// As [`forward`](Self::forward), and calls `observe` with the index and the output (outputs × samples) of each layer.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    #[must_use]
    pub fn forward_observed(
        &self,
        exact: &ExactPass,
        products: &[&dyn MatrixProduct],
        shot: Shot,
        observe: &mut dyn FnMut(usize, &Batch),
    ) -> (Batch, Vec<LayerMeasurement>) {
        assert_eq!(products.len(), self.photonic().count(), "a network needs one product for each photonic layer");
        let mut measurements = Vec::with_capacity(products.len());
        let mut product = |i: usize, linear: &Linear, x: &Batch| {
            assert_eq!(products[i].shape(), linear.weight.shape(), "product {i} has another shape than its layer");
            // The input of the first photonic layer is the same on every chip, unlike the inputs of later layers.
            let later_product = (i > 0).then(|| exact_product(&linear.weight, x));
            let reference = later_product.as_ref().unwrap_or(&exact.first_product);
            let (realised, readouts) = products[i].multiply(x, shot);
            assert_eq!(realised.shape(), reference.shape(), "product {i} gave an output of another shape");
            let loses_sign = products[i].loses_sign();
            let (sum_squares_exact, sum_squares_error) = sums_of_squares(&realised, reference, loses_sign);
            let values = reference.len() as u64;
            measurements.push(LayerMeasurement { readouts, sum_squares_exact, sum_squares_error, values });
            realised
        };
        let output = self.run_observed(&exact.input, &mut product, observe);
        (output, measurements)
    }

    /// The forward pass with `product(i, layer, x)` as the i-th photonic product `W x`, before the bias.
    pub(crate) fn run(&self, input: &Batch, product: &mut dyn FnMut(usize, &Linear, &Batch) -> Batch) -> Batch {
        self.run_observed(input, product, &mut |_, _| {})
    }

    /// As [`run`](Self::run), with a call of `observe(index, output)` after each layer.
    fn run_observed(
        &self,
        input: &Batch,
        product: &mut dyn FnMut(usize, &Linear, &Batch) -> Batch,
        observe: &mut dyn FnMut(usize, &Batch),
    ) -> Batch {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        let mut count = 0;
        let mut x = None;
        for (index, (spec, layer)) in self.spec.layer.iter().zip(&self.layers).enumerate() {
            let current = x.as_ref().unwrap_or(input);
            let output = match layer.linear() {
                Some(linear) if spec.kind() == LayerKind::Photonic => {
                    let mut output = product(count, linear, current);
                    linear.add_bias(&mut output);
                    count += 1;
                    output
                }
                _ => layer.forward(current),
            };
            observe(index, &output);
            x = Some(output);
        }
        x.unwrap_or_else(|| input.clone())
    }
}

/// Σb² and Σ(a − b)². If the products have no sign (`moduli`), |b| replaces b.
fn sums_of_squares(a: &Batch, b: &Batch, moduli: bool) -> (f64, f64) {
    // Eight independent sums, so that an addition does not wait for the previous one.
    let mut sums = [(0.0, 0.0); 8];
    for (a, b) in a.as_slice().chunks(sums.len()).zip(b.as_slice().chunks(sums.len())) {
        for ((a, &b), (exact, error)) in a.iter().zip(b).zip(&mut sums) {
            let b = if moduli { b.abs() } else { b };
            *exact += b * b;
            *error += (a - b) * (a - b);
        }
    }
    sums.iter().fold((0.0, 0.0), |all, sum| (all.0 + sum.0, all.1 + sum.1))
}

#[cfg(test)]
mod tests;
