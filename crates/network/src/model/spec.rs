//! The model file: settings of a network without its weights.
//!
//! ```toml
//! format = "phaseloom-model"
//! version = 1
//! name = "mnist-784-128-10"
//! weights = "weights.safetensors"
//! calibration = "calibration.json"
//!
//! [input]                          # x = (raw·scale − mean) / std
//! size = 784
//! scale = 0.00392156862745098
//!
//! [[layer]]
//! kind = "photonic"
//! outputs = 10
//! weight = "layer1.weight"
//! bias = "layer1.bias"
//! ```

use std::path::{Path, PathBuf};

use phaseloom_files::{InputFiles, InvalidValue, locate};
use serde::{Deserialize, Serialize};

use crate::error::{NetworkError, Result};
use crate::layer::LayerSpec;
use crate::layer::place::{MAX_ENTRIES, PlacedLayer, entries, place_all};
use crate::layer::repeat::layer_list;

/// A model as written in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The text `"phaseloom-model"`.
    pub format: String,
    /// Version of the format. Range: 1.
    pub version: u32,
    /// Name of the model, in tables and figures.
    pub name: String,
    /// Weights: `.safetensors` (f16, bf16, f32, f64), `.npz`, or one `.npy` whose tensor has the name of the file.
    /// `$PHASELOOM_DATA/` is understood.
    pub weights: PathBuf,
    /// File with the scales of the converters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<PathBuf>,
    /// Trained programs of the photonic layers (`.safetensors`), which training on chips writes. They run on cores like those
    /// that trained them, in place of programs of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<PathBuf>,
    /// Size and normalisation of the input.
    pub input: InputSpec,
    /// The layers, in the order of the data.
    #[serde(deserialize_with = "layer_list")]
    pub layer: Vec<LayerSpec>,
}

/// Size and normalisation of the input: `x = (raw·scale − mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Number of features, for a row of values. Range: ≥ 1. Default: the product of `shape`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Lengths of the axes of a sample, channels first: `[channels, height, width]`, in place of `size`. Range of each: ≥ 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// Factor on the raw values, such as 1/255.
    #[serde(default = "one")]
    pub scale: f64,
    /// Mean in units of `raw·scale`: a number, or the name of a tensor with one value per feature.
    #[serde(default = "zero_value")]
    pub mean: NumberOrTensor,
    /// Standard deviation in units of `raw·scale`: a number, or the name of a tensor.
    #[serde(default = "one_value")]
    pub std: NumberOrTensor,
    /// Whether mean and standard deviation are folded into weight and bias of the first layer. A zero pixel then has
    /// zero power on the chip.
    #[serde(default)]
    pub fold: bool,
}

/// A number for all features, or the name of a tensor with one number per feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "found another type, expected a number, or the name of a tensor of the weights file")]
pub enum NumberOrTensor {
    /// One number for all features.
    Number(f64),
    /// Name of a tensor with one value per feature.
    Tensor(String),
}

/// What a standard deviation must be.
pub(super) const DEVIATION: &str = "a finite number above 0; write 1 for a feature that never changes";

/// Whether a number can divide as a standard deviation.
pub(super) fn is_deviation(std: f64) -> bool {
    std.is_normal() && std > 0.0
}

fn one() -> f64 {
    1.0
}

fn zero_value() -> NumberOrTensor {
    NumberOrTensor::Number(0.0)
}

fn one_value() -> NumberOrTensor {
    NumberOrTensor::Number(1.0)
}

impl ModelSpec {
    /// Reads a model file, without its weights.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not TOML, has unknown, missing or impossible keys, or another format or version.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_from(path, &InputFiles::default())
    }

    /// Reads a model file as [`ModelSpec::load`] does, through `files`.
    pub(crate) fn load_from(path: &Path, files: &InputFiles) -> Result<Self> {
        read_checked(path, files, "model", Self::check)
    }

    /// Shape of the output of the last layer.
    ///
    /// # Errors
    ///
    /// The key of the first layer that does not fit its input.
    pub fn output_shape(&self) -> Result<Vec<usize>, InvalidValue> {
        self.place().map(|(_, shape)| shape)
    }

    /// All layers with their places in the order of the file, a layer before those inside it, and the shape of the output.
    pub(crate) fn place(&self) -> Result<(Vec<PlacedLayer<'_>>, Vec<usize>), InvalidValue> {
        let mut layers = Vec::new();
        let shape = place_all(&self.layer, "layer", &self.input.shape(), &mut layers)?;
        Ok((layers, shape))
    }

    /// Checks format, version and sizes.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        let invalid = |key: &str, found: String, expected: &str| Err(NetworkError::setting(path, key, found, expected));
        if self.format != "phaseloom-model" {
            return invalid("format", format!("{:?}", self.format), "\"phaseloom-model\": is this a model file?");
        }
        if self.version != 1 {
            return invalid("version", self.version.to_string(), known_version(self.version));
        }
        if let Some(path) = self.calibration.as_ref().filter(|path| path.extension().is_none_or(|e| e != "json")) {
            let expected = "a name that ends with .json, the file that `calibrate` and `train` write";
            return invalid("calibration", path.display().to_string(), expected);
        }
        if let Err(invalid) = self.input.check_shape().and_then(|()| self.check_layers()) {
            return Err(NetworkError::from_invalid(path, invalid));
        }
        if !self.input.scale.is_normal() {
            return invalid("input.scale", self.input.scale.to_string(), "a finite number other than 0");
        }
        if let NumberOrTensor::Number(mean) = self.input.mean
            && !mean.is_finite()
        {
            return invalid("input.mean", mean.to_string(), "a finite number, or the name of a tensor");
        }
        if let NumberOrTensor::Number(std) = self.input.std
            && !is_deviation(std)
        {
            return invalid("input.std", std.to_string(), DEVIATION);
        }
        let Some(first) = self.layer.first() else {
            return invalid("layer", "no layers".into(), "at least one [[layer]]");
        };
        if self.input.fold && !matches!(first, LayerSpec::Photonic(_) | LayerSpec::Dense(_)) {
            let found = format!("true before a layer of kind `{}`", first.kind());
            return invalid("input.fold", found, "a linear first layer (photonic or dense), or `fold = false`");
        }
        Ok(())
    }
}

impl ModelSpec {
    /// Checks that each layer fits its input, and its setting.
    fn check_layers(&self) -> Result<(), InvalidValue> {
        for layer in self.place()?.0 {
            let invalid = |key: &str, found: String, expected: &str| {
                Err(InvalidValue::new(format!("{}.{key}", layer.key), found, expected))
            };
            if layer.spec.kind().key() == "softmax" && entries(&layer.input) == Some(1) {
                let found = "softmax of one output, which is 1 for every input".to_owned();
                let expected =
                    "`sigmoid`, the probability of the second of two classes; or two outputs before the softmax";
                return invalid("kind", found, expected);
            }
            if let Some((key, value)) = layer.spec.setting()
                && !value.is_finite()
            {
                return invalid(key, value.to_string(), "a finite number");
            }
        }
        Ok(())
    }
}

impl InputSpec {
    /// Lengths of the axes of a sample: `shape`, or the one length `size`.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        self.shape.clone().unwrap_or_else(|| vec![self.size.unwrap_or(0)])
    }

    /// Number of features.
    #[must_use]
    pub fn features(&self) -> usize {
        self.shape().iter().product()
    }

    /// Checks that `size` or `shape` is there and possible.
    fn check_shape(&self) -> Result<(), InvalidValue> {
        let (key, found) = match (self.size, &self.shape) {
            (None, None) => {
                return Err(InvalidValue::new("input.size", "no such key", "the number of features, or `input.shape`"));
            }
            (Some(size), Some(shape)) if entries(shape) != Some(size) => {
                return Err(InvalidValue::new("input.size", size, format!("no such key next to `shape = {shape:?}`")));
            }
            (Some(size), None) => ("input.size", size.to_string()),
            (_, Some(shape)) => ("input.shape", format!("{shape:?}")),
        };
        match entries(&self.shape()) {
            _ if self.shape().is_empty() => Err(InvalidValue::new(key, found, "at least one axis")),
            Some(0) => Err(InvalidValue::new(key, found, "at least 1")),
            None => Err(InvalidValue::new(key, found, format!("at most {MAX_ENTRIES}"))),
            Some(_) => Ok(()),
        }
    }
}

/// Expected instead of a version of a format whose only version is 1.
pub(crate) fn known_version(found: u32) -> &'static str {
    if found > 1 { "1; a newer Phaseloom may read this file" } else { "1" }
}

/// Reads a TOML file into a type and checks it. Errors carry the path and the line of the key.
pub(crate) fn read_checked<T: serde::de::DeserializeOwned>(
    path: &Path,
    files: &InputFiles,
    kind: &str,
    check: impl FnOnce(&T, &Path) -> Result<()>,
) -> Result<T> {
    let (value, text) = files.read_toml(path, kind)?;
    match check(&value, path) {
        Err(NetworkError::Setting { path, key, found, expected }) => {
            Err(locate(&path, &text, InvalidValue { key, found, expected }).into())
        }
        Err(other) => Err(other),
        Ok(()) => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.npz'\n[input]\nsize = 2\n\
        [[layer]]\nkind = 'dense'\noutputs = 1\nweight = 'w'\n";

    fn load(text: &str) -> Result<ModelSpec> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.toml");
        std::fs::write(&path, text).unwrap();
        ModelSpec::load(&path)
    }

    #[test]
    fn defaults_leave_the_input_as_it_is() {
        let input = load(GOOD).unwrap().input;
        assert!((input.scale - 1.0).abs() < 1e-15 && !input.fold);
        assert_eq!((input.mean, input.std), (zero_value(), one_value()));
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        for (from, to, part) in [
            ("phaseloom-model", "phaseloom-modle", "`format`"),
            ("version = 1", "version = 2", "line 2: `version` is 2: expected 1"),
            ("size = 2", "size = 0", "input.size"),
            ("size = 2\n", "", "`input.size` is no such key"),
            ("size = 2", "shape = []", "at least one axis"),
            ("size = 2", "shape = [2, 0]", "input.shape"),
            ("size = 2", "shape = [1, 2]", "flatten"),
            ("size = 2", "size = 3\nshape = [2]", "input.size"),
            ("size = 2", "size = 2\nscale = 0", "input.scale"),
            ("size = 2", "size = 2\nscale = nan", "input.scale"),
            ("size = 2", "size = 2\nscales = 1", "scales"),
            ("size = 2", "size = 2\nmean = true", "a number, or the name"),
            ("kind = 'dense'", "kind = 'danse'", "danse"),
            ("weights =", "weight =", "weight"),
        ] {
            let error = load(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
        let relu =
            GOOD.replace("size = 2", "size = 2\nfold = true").replace("'dense'\noutputs = 1\nweight = 'w'", "'relu'");
        assert!(load(&relu).unwrap_err().to_string().contains("linear first layer"));
        assert!(load("").is_err());
        let steep = GOOD.to_owned() + "[[layer]]\nkind = 'leaky_relu'\nslope = inf\n";
        let error = load(&steep).unwrap_err().to_string();
        assert!(error.contains("layer[1].slope") && error.contains("a finite number"), "{error}");
    }
}
