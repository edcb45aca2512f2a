//! A network with its weights: exact, or with hardware in the place of its photonic products.

mod normalisation;
mod prediction;
mod readings;
pub(crate) mod spec;

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use phaseloom_hardware::{MatrixProduct, Shot};
use sha2::{Digest, Sha256};

use crate::data::Batch;
use crate::error::Result;
use crate::layer::{BuildContext, Layer, LayerKind, Linear, exact_product};
use crate::model::normalisation::Normalisation;
pub use crate::model::prediction::{accuracy, predictions};
pub use crate::model::readings::LayerReadings;
pub use crate::model::spec::{InputSpec, ModelSpec, NumberOrTensor};
use crate::weights::Tensors;
use phaseloom_files::hex;

/// A network with its weights.
#[derive(Debug)]
pub struct Model {
    spec: ModelSpec,
    base: PathBuf,
    normalisation: Normalisation,
    layers: Vec<Box<dyn Layer>>,
}

/// What hardware needs to know of one photonic layer.
#[derive(Clone, Copy, Debug)]
pub struct PhotonicView<'a> {
    /// Index of the layer in the model, counted over all layers.
    pub index: usize,
    /// W: outputs × inputs, with the normalisation folded in if the model says so.
    pub weight: &'a DMatrix<f64>,
    /// Whether a bias is added, in electronics, after the product.
    pub has_bias: bool,
    /// The layer that follows; `None` for the last one.
    pub activation_after: Option<LayerKind>,
}

impl Model {
    /// Reads a model file and its weights.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or is damaged, keys are wrong, or a tensor is missing, has the wrong shape or holds a
    /// NaN or an infinity.
    pub fn load(path: &Path) -> Result<Self> {
        let spec = ModelSpec::load(path)?;
        Self::from_spec(spec, path.parent().unwrap_or(Path::new("")))
    }

    /// Makes a model from its settings; the weights file is relative to `base`.
    ///
    /// # Errors
    ///
    /// As [`Model::load`].
    pub fn from_spec(spec: ModelSpec, base: &Path) -> Result<Self> {
        spec.check(base)?;
        let tensors = Tensors::load(&crate::data::resolve(&spec.weights, base)?)?;
        Self::from_tensors(spec, base, &tensors)
    }

    /// Makes a model from its settings and tensors that are in memory; `base` is the folder of its other files.
    ///
    /// # Errors
    ///
    /// If the settings make no sense, or a tensor is missing, has the wrong shape or holds a NaN or an infinity.
    pub fn from_tensors(spec: ModelSpec, base: &Path, tensors: &Tensors) -> Result<Self> {
        spec.check(base)?;
        let normalisation = Normalisation::new(&spec.input, tensors)?;
        let mut layers = Vec::with_capacity(spec.layer.len());
        let mut inputs = spec.input.size;
        for (index, layer) in spec.layer.iter().enumerate() {
            layers.push(layer.build(&BuildContext { index, inputs, tensors })?);
            inputs = layer.outputs(inputs);
        }
        if let Some(linear) = layers.first_mut().and_then(|layer| layer.linear_mut()) {
            normalisation.fold_into(linear);
        }
        Ok(Self { spec, base: base.to_owned(), normalisation, layers })
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

    /// Number of outputs, the classes.
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
        crate::data::resolve(&self.spec.weights, &self.base)
    }

    /// Path of the calibration file, if the model names one.
    ///
    /// # Errors
    ///
    /// If the path starts with `$PHASELOOM_DATA` and the variable is not set.
    pub fn calibration_path(&self) -> Result<Option<PathBuf>> {
        self.spec.calibration.as_ref().map(|path| crate::data::resolve(path, &self.base)).transpose()
    }

    /// The layers, in the order of the data.
    #[must_use]
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    pub(crate) fn layers_mut(&mut self) -> &mut [Box<dyn Layer>] {
        &mut self.layers
    }

    /// SHA-256, in hexadecimal, of what the model computes: normalisation, kinds of layers, weights and biases. Names,
    /// paths and the format of the weights file do not matter.
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
            if let Some(linear) = layer.linear() {
                let (rows, columns) = linear.weight.shape();
                numbers(&mut [rows as f64, columns as f64].into_iter());
                numbers(&mut linear.weight.iter().copied());
                numbers(&mut linear.bias.iter().flatten().copied());
            }
        }
        hex(&digest.finalize())
    }

    /// Inputs of the first layer from raw data (both features × samples): `(raw·scale − mean) / std`; only `raw·scale`
    /// if mean and standard deviation are folded into the first layer.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn prepare(&self, raw: &Batch) -> Batch {
        assert_eq!(raw.nrows(), self.input_size(), "raw inputs need the features of the model");
        self.normalisation.apply(raw)
    }

    /// The layers whose products run on meshes, in the order of the data.
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

    /// Outputs (outputs × samples) of the network without errors, for prepared inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn forward_exact(&self, input: &Batch) -> Batch {
        self.run(input, &mut |_, linear, x| exact_product(&linear.weight, x))
    }

    /// The same, and the product `W x` of the first photonic layer (empty without one), for
    /// [`forward_knowing_first`](Self::forward_knowing_first).
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn forward_exact_keeping_first(&self, input: &Batch) -> (Batch, Batch) {
        let mut first = Batch::zeros(0, 0);
        let output = self.run(input, &mut |i, linear, x| {
            let product = exact_product(&linear.weight, x);
            if i == 0 {
                first.clone_from(&product);
            }
            product
        });
        (output, first)
    }

    /// Outputs (outputs × samples) with `products[i]` in the place of the i-th photonic product, for prepared inputs,
    /// and the readings of each photonic layer. Biases are added after the product, in electronics.
    ///
    /// # Panics
    ///
    /// If there are not as many products as photonic layers, or shapes do not fit.
    #[must_use]
    pub fn forward(&self, input: &Batch, products: &[&dyn MatrixProduct], shot: Shot) -> (Batch, Vec<LayerReadings>) {
        self.forward_with(input, None, products, shot)
    }

    /// As [`forward`](Self::forward), with the exact product of the first photonic layer from
    /// [`forward_exact_keeping_first`](Self::forward_exact_keeping_first): it is the same for every chip, and with large
    /// inputs as much work as the rest.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward); and if `first` is not of the shape of that product.
    #[must_use]
    pub fn forward_knowing_first(
        &self,
        input: &Batch,
        first: &Batch,
        products: &[&dyn MatrixProduct],
        shot: Shot,
    ) -> (Batch, Vec<LayerReadings>) {
        self.forward_with(input, Some(first), products, shot)
    }

    fn forward_with(
        &self,
        input: &Batch,
        first: Option<&Batch>,
        products: &[&dyn MatrixProduct],
        shot: Shot,
    ) -> (Batch, Vec<LayerReadings>) {
        assert_eq!(products.len(), self.photonic().count(), "a network needs one product for each photonic layer");
        let mut all = Vec::with_capacity(products.len());
        let output = self.run(input, &mut |i, linear, x| {
            assert_eq!(products[i].shape(), linear.weight.shape(), "product {i} has another shape than its layer");
            let made;
            let exact = match first.filter(|_| i == 0) {
                Some(first) => first,
                None => {
                    made = exact_product(&linear.weight, x);
                    &made
                }
            };
            let (realised, readings) = products[i].multiply(x, shot);
            assert_eq!(realised.shape(), exact.shape(), "product {i} gave an output of another shape");
            let sign_lost = products[i].loses_sign();
            let (sum_squares_exact, sum_squares_error) = sums_of_squares(&realised, exact, sign_lost);
            let values = exact.len() as u64;
            all.push(LayerReadings { readings, sum_squares_exact, sum_squares_error, values });
            realised
        });
        (output, all)
    }

    /// The forward pass with `product(i, layer, x)` for the i-th photonic product `W x`, before the bias.
    pub(crate) fn run(&self, input: &Batch, product: &mut dyn FnMut(usize, &Linear, &Batch) -> Batch) -> Batch {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        let mut count = 0;
        let mut x = None;
        for (spec, layer) in self.spec.layer.iter().zip(&self.layers) {
            let current = x.as_ref().unwrap_or(input);
            x = Some(match layer.linear() {
                Some(linear) if spec.kind() == LayerKind::Photonic => {
                    let mut output = product(count, linear, current);
                    linear.add_bias(&mut output);
                    count += 1;
                    output
                }
                _ => layer.forward(current),
            });
        }
        x.unwrap_or_else(|| input.clone())
    }
}

/// Σb² and Σ(a − b)²; of moduli, |b| in the place of b.
fn sums_of_squares(a: &Batch, b: &Batch, moduli: bool) -> (f64, f64) {
    // Eight sums side by side: one would wait for itself at each step.
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
