//! A network with its weights, computed in floating point or with hardware in place of its photonic products.

mod normalisation;
pub(crate) mod spec;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use phaseloom_files::{InputFiles, hex};

use crate::data::{Batch, Dataset, resolve};
use crate::error::Result;
use crate::layer::{Layer, LayerKind, LayerSpec, Linear};
use crate::model::normalisation::Normalisation;
pub use crate::model::spec::{InputSpec, ModelSpec, NumberOrTensor};
use crate::network::{Call, Multiply, Network, Observe, Operator, PhotonicLayer, Place};
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

    /// The settings.
    #[must_use]
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Path of the weights file.
    ///
    /// # Errors
    ///
    /// If the path starts with `$PHASELOOM_DATA` and the variable is not set.
    pub fn weights_path(&self) -> Result<PathBuf> {
        resolve(&self.spec.weights, &self.base)
    }

    /// The layers, from input to output.
    #[must_use]
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    pub(crate) fn layers_mut(&mut self) -> &mut [Box<dyn Layer>] {
        &mut self.layers
    }

    /// Outputs (outputs × samples) in floating point, for prepared inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn forward_exact(&self, input: &Batch) -> Batch {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        self.layers.iter().fold(input.clone(), |x, layer| layer.forward(&x))
    }

    /// Why the sign of the product of a layer matters, if it does.
    fn sign_matters(&self, index: usize) -> Option<String> {
        if self.layers[index].photonic().is_some_and(|linear| linear.bias.is_some()) {
            return Some("has a bias, which would come after |·|".to_owned());
        }
        match self.spec.layer.get(index + 1).map(LayerSpec::kind) {
            Some(LayerKind::Modulus | LayerKind::SquaredModulus) => None,
            Some(kind) => Some(format!("is followed by `{kind}`")),
            None => Some("is the last layer".to_owned()),
        }
    }
}

impl Network for Model {
    fn input_shape(&self) -> Vec<usize> {
        vec![self.spec.input.size]
    }

    fn output_shape(&self) -> Vec<usize> {
        vec![self.spec.output_size()]
    }

    fn operators(&self) -> Vec<Operator> {
        let layers = self.spec.layer.iter().zip(&self.layers).enumerate();
        let linear = layers.filter_map(|(index, (spec, layer))| Some((index, spec, layer.linear()?)));
        let operator = |(index, spec, linear): (usize, &LayerSpec, &Linear)| Operator {
            name: spec.linear().map_or_else(|| format!("layer {index}"), |settings| settings.weight.clone()),
            kind: spec.kind().to_string(),
            place: match linear.is_photonic {
                true => Place::Photonic,
                false => Place::Electronic("of kind `dense`".into()),
            },
            shape: Some(linear.weight.shape()),
            vectors: 1,
            macs: linear.weight.len() as f64,
        };
        linear.map(operator).collect()
    }

    fn other_operators(&self) -> Vec<(String, usize)> {
        let mut counts = BTreeMap::new();
        for layer in self.spec.layer.iter().filter(|layer| layer.linear().is_none()) {
            *counts.entry(layer.kind().to_string()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn photonic_layers(&self) -> Vec<PhotonicLayer<'_>> {
        let layers = self.layers.iter().enumerate();
        let photonic = layers.filter_map(|(index, layer)| Some((index, &layer.photonic()?.weight)));
        let of = |(index, weight)| PhotonicLayer {
            index,
            weight,
            vectors: 1,
            steps: 1,
            sign_matters: self.sign_matters(index),
        };
        photonic.map(of).collect()
    }

    fn layer_names(&self) -> Vec<String> {
        self.spec.layer.iter().map(|layer| layer.kind().to_string()).collect()
    }

    fn folds_input(&self) -> bool {
        self.spec.input.fold
    }

    /// The value of the last activation at 0: ½ after a sigmoid, 0 without an activation.
    fn threshold(&self) -> f64 {
        let activation = self.layers.last().filter(|layer| layer.linear().is_none());
        activation.map_or(0.0, |layer| layer.forward(&Batch::zeros(1, 1))[(0, 0)])
    }

    /// `(raw·scale − mean) / std`, or `raw·scale` if mean and standard deviation are folded into the first layer.
    fn prepare(&self, raw: &Batch) -> Batch {
        assert_eq!(raw.nrows(), self.input_size(), "raw inputs need the features of the model");
        self.normalisation.apply(raw)
    }

    fn check_inputs(&self, data: &Dataset) -> Result<()> {
        self.normalisation.check(&data.inputs_path, &data.inputs)
    }

    fn pass(&self, input: &Batch, multiply: &mut Multiply<'_>, observe: &mut Observe<'_>) -> Result<Batch> {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        let mut x = Cow::Borrowed(input);
        let mut product = 0;
        for (index, layer) in self.layers.iter().enumerate() {
            let output = layer.pass(&x, &mut |x| {
                product += 1;
                multiply(Call { product: product - 1, first_vector: 0, step: 0 }, x)
            });
            observe(index, &output);
            x = Cow::Owned(output);
        }
        Ok(x.into_owned())
    }

    /// SHA-256 of normalisation, kinds of layers, weights and biases.
    ///
    /// Names, paths and the format of the weights file do not change the hash.
    fn sha256(&self) -> String {
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

    fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        Ok(vec![("weights".to_owned(), self.weights_path()?)])
    }

    fn calibration_path(&self) -> Result<Option<PathBuf>> {
        self.spec.calibration.as_ref().map(|path| resolve(path, &self.base)).transpose()
    }

    fn note(&self) -> Option<String> {
        let named = crate::error::listed(&self.unused);
        (!self.unused.is_empty()).then(|| {
            let file = self.spec.weights.display();
            format!("{file}: the model does not use {named}; check that no layer is missing in the model file")
        })
    }
}

#[cfg(test)]
mod tests;
