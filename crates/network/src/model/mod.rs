//! A network with its weights, computed in floating point or with hardware in place of its photonic products.

mod normalisation;
pub(crate) mod slopes;
pub(crate) mod spec;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use sha2::{Digest, Sha256};

use phaseloom_files::{InputFiles, hex};

use crate::data::{Batch, Dataset, resolve};
use crate::error::{NetworkError, Result};
use crate::layer::place::{PlacedLayer, build_all};
use crate::layer::{Layer, LayerKind, LayerSpec, Linear, Pass, chain};
use crate::model::normalisation::Normalisation;
pub use crate::model::spec::{InputSpec, ModelSpec, NumberOrTensor};
use crate::network::{Multiply, Network, Observe, Operator, PhotonicLayer, Place};
use crate::photonic_layer::ProductSlopes;
use crate::programs::Programs;
use crate::weights::Tensors;

/// A network with its weights.
#[derive(Debug)]
pub struct Model {
    spec: ModelSpec,
    base: PathBuf,
    normalisation: Normalisation,
    layers: Vec<Box<dyn Layer>>,
    output_shape: Vec<usize>,
    /// Trained programs of the photonic layers.
    programs: Option<Programs>,
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
        let programs = spec.programs.as_ref().map(|path| Programs::load_from(&resolve(path, base)?, files)).transpose();
        let programs = programs.map_err(|error| error.in_settings("programs", path, &text))?;
        let mut model = Self::build(spec, base, &tensors)?;
        model.programs = programs;
        Ok(model)
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

    /// Builds a model from settings that were checked, with the normalisation of the input and batch normalisations folded
    /// into linear layers.
    pub(crate) fn build(spec: ModelSpec, base: &Path, tensors: &Tensors) -> Result<Self> {
        let mut model = Self::unfolded(spec, base, tensors)?;
        chain::fold(&mut model.layers);
        if let Some(linear) = model.layers.first_mut().and_then(|layer| layer.linear_mut()) {
            model.normalisation.fold_into(linear);
        }
        Ok(model)
    }

    /// Builds a model from settings that were checked, with every layer as written, for training.
    pub(crate) fn unfolded(spec: ModelSpec, base: &Path, tensors: &Tensors) -> Result<Self> {
        let normalisation = Normalisation::new(&spec.input, tensors)?;
        let layers = build_all(&spec.layer, "", &spec.input.shape(), tensors)?;
        let output_shape =
            spec.output_shape().map_err(|invalid| NetworkError::from_invalid(tensors.path(), invalid))?;
        // PyTorch counts the batches of a batch normalisation.
        let unused = tensors.unused().into_iter().filter(|name| !name.ends_with("num_batches_tracked")).collect();
        Ok(Self { spec, base: base.to_owned(), normalisation, layers, output_shape, programs: None, unused })
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

    /// Path of the file of trained programs, if the model names one.
    ///
    /// # Errors
    ///
    /// As [`Model::weights_path`].
    pub fn programs_path(&self) -> Result<Option<PathBuf>> {
        self.spec.programs.as_ref().map(|path| resolve(path, &self.base)).transpose()
    }

    /// Trained programs of the photonic layers, if there are any.
    #[must_use]
    pub fn trained_programs(&self) -> Option<&Programs> {
        self.programs.as_ref()
    }

    pub(crate) fn set_programs(&mut self, programs: Option<Programs>) {
        self.programs = programs;
    }

    /// The layers, from input to output.
    #[must_use]
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.layers
    }

    pub(crate) fn layers_mut(&mut self) -> &mut [Box<dyn Layer>] {
        &mut self.layers
    }

    /// Weight and bias of every photonic layer, in the order of the products.
    pub(crate) fn photonic_mut(&mut self) -> Vec<&mut Linear> {
        fn add<'a>(layers: &'a mut [Box<dyn Layer>], found: &mut Vec<&'a mut Linear>) {
            for layer in layers {
                if layer.photonic().is_some() {
                    found.extend(layer.linear_mut());
                } else {
                    layer.parts_mut().into_iter().for_each(|part| add(part, found));
                }
            }
        }
        let mut found = Vec::new();
        add(&mut self.layers, &mut found);
        found
    }

    /// Outputs (outputs × samples) in floating point, for prepared inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size.
    #[must_use]
    pub fn forward_exact(&self, input: &Batch) -> Batch {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        chain::forward(&self.layers, input)
    }

    /// All layers with their places, in the order of the file. Their index in this list is their number in tables.
    pub(crate) fn placed(&self) -> Vec<(PlacedLayer<'_>, &dyn Layer)> {
        // The settings were checked when the model was built.
        let specs = self.spec.place().map_or_else(|_| Vec::new(), |(layers, _)| layers);
        specs.into_iter().zip(chain::all(&self.layers)).collect()
    }
}

/// Why the sign of the product of a linear layer matters, if it does.
fn sign_matters(placed: &PlacedLayer<'_>, linear: &Linear) -> Option<String> {
    if linear.kind.is_complex() {
        return Some("gives complex fields".to_owned());
    }
    if linear.bias.is_some() {
        return Some("has a bias, which would come after |·|".to_owned());
    }
    match placed.next.map(LayerSpec::kind) {
        Some(LayerKind::Modulus | LayerKind::SquaredModulus) => None,
        Some(kind) => Some(format!("is followed by `{kind}`")),
        None if placed.is_inner => Some("is followed by the sum of a `residual`".to_owned()),
        None => Some("is the last layer".to_owned()),
    }
}

impl Network for Model {
    fn input_shape(&self) -> Vec<usize> {
        self.spec.input.shape()
    }

    fn output_shape(&self) -> Vec<usize> {
        self.output_shape.clone()
    }

    fn operators(&self) -> Vec<Operator> {
        let operator = |(placed, layer): (PlacedLayer<'_>, &dyn Layer)| {
            let linear = layer.linear()?;
            Some(Operator {
                name: placed.spec.weight().unwrap_or_default().to_owned(),
                kind: placed.spec.kind().to_string(),
                place: match (linear.is_photonic, placed.spec.kind()) {
                    (true, _) => Place::Photonic,
                    (false, LayerKind::Dense) => Place::Electronic("of kind `dense`".into()),
                    (false, _) => Place::Electronic("of `photonic = false`".into()),
                },
                shape: Some(linear.shape()),
                vectors: layer.vectors(),
                macs: layer.macs(),
            })
        };
        self.placed().into_iter().filter_map(operator).collect()
    }

    fn other_operators(&self) -> Vec<(String, usize)> {
        let mut counts = BTreeMap::new();
        for (placed, _) in self.placed().iter().filter(|(_, layer)| layer.linear().is_none() && !layer.is_folded()) {
            *counts.entry(placed.spec.kind().to_string()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    fn photonic_layers(&self) -> Vec<PhotonicLayer<'_>> {
        let mut photonic = Vec::new();
        for (index, (placed, layer)) in self.placed().into_iter().enumerate() {
            if let Some(linear) = layer.photonic() {
                photonic.push(PhotonicLayer {
                    index,
                    weight: &linear.weight,
                    kind: linear.kind,
                    vectors: layer.vectors(),
                    steps: 1,
                    sign_matters: sign_matters(&placed, linear),
                });
            }
        }
        photonic
    }

    fn layer_names(&self) -> Vec<String> {
        self.placed().iter().map(|(placed, _)| placed.spec.kind().to_string()).collect()
    }

    fn folds_input(&self) -> bool {
        self.spec.input.fold
    }

    /// The value of the last activation at 0: ½ after a sigmoid, 0 without an activation.
    fn threshold(&self) -> f64 {
        self.layers.last().map_or(0.0, |layer| layer.at_zero())
    }

    /// `(raw·scale − mean) / std`, or `raw·scale` if mean and standard deviation are folded into the first layer.
    fn prepare(&self, raw: &Batch) -> Batch {
        assert_eq!(raw.nrows(), self.input_size(), "raw inputs need the features of the model");
        self.normalisation.apply(raw)
    }

    fn check_inputs(&self, data: &Dataset) -> Result<()> {
        let shape = self.spec.input.shape();
        if shape.len() > 1 && !data.has_axes(&shape) {
            let found = format!("samples of the shape {:?}", data.sample_shape);
            let expected =
                format!("{shape:?}, the `input.shape` of the model: bring the axes into this order, channels first");
            return Err(NetworkError::choice(&data.inputs_path, "inputs", found, expected));
        }
        self.normalisation.check(&data.inputs_path, &data.inputs)
    }

    fn programs(&self) -> Option<&Programs> {
        self.programs.as_ref()
    }

    fn product_slopes(&self, input: &Batch, weights: Option<&[DMatrix<f64>]>) -> Option<(Batch, Vec<ProductSlopes>)> {
        self.slopes(input, weights)
    }

    fn pass(&self, input: &Batch, multiply: &mut Multiply<'_>, observe: &mut Observe<'_>) -> Result<Batch> {
        assert_eq!(input.nrows(), self.input_size(), "inputs need the features of the model");
        Ok(Pass::new(multiply, observe).run(&self.layers, input))
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
        for (placed, layer) in self.placed() {
            numbers(&mut placed.spec.kind().key().bytes().map(f64::from));
            if let Some((_, value)) = placed.spec.setting() {
                numbers(&mut std::iter::once(value));
            }
            let settings = layer.numbers();
            if !settings.is_empty() {
                numbers(&mut settings.into_iter());
            }
            match layer.linear() {
                Some(linear) => {
                    let (rows, columns) = linear.weight.shape();
                    numbers(&mut [rows as f64, columns as f64].into_iter());
                    numbers(&mut linear.weight.iter().copied());
                    numbers(&mut linear.bias.iter().flatten().copied());
                }
                None => layer.tensors().iter().for_each(|tensor| numbers(&mut tensor.values().iter().copied())),
            }
        }
        if let Some(programs) = &self.programs {
            programs.tensors().for_each(|tensor| numbers(&mut tensor.values().iter().copied()));
        }
        if self.spec.input.shape().len() > 1 {
            numbers(&mut self.spec.input.shape().iter().map(|&length| length as f64));
        }
        hex(&digest.finalize())
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut files = vec![("weights".to_owned(), self.weights_path()?)];
        files.extend(self.programs_path()?.map(|path| ("programs".to_owned(), path)));
        Ok(files)
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
