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

use phaseloom_files::{InputFiles, InvalidValue, list_of_tables, locate};
use serde::{Deserialize, Serialize};

use crate::error::{NetworkError, Result};
use crate::layer::LayerSpec;

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
    /// Size and normalisation of the input.
    pub input: InputSpec,
    /// The layers, in the order of the data.
    #[serde(deserialize_with = "list_of_tables")]
    pub layer: Vec<LayerSpec>,
}

/// Size and normalisation of the input: `x = (raw·scale − mean) / std`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Number of features. Range: ≥ 1.
    pub size: usize,
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

/// Maximum number of inputs, and of weights in one layer. More would need over 16 GiB.
const MAX_ENTRIES: usize = 1 << 31;

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

    /// Number of outputs of the last layer.
    #[must_use]
    pub fn output_size(&self) -> usize {
        self.layer.iter().fold(self.input.size, |inputs, layer| layer.outputs(inputs))
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
        if self.input.size == 0 {
            return invalid("input.size", "0".into(), "at least 1");
        }
        if self.input.size > MAX_ENTRIES {
            return invalid("input.size", self.input.size.to_string(), &format!("at most {MAX_ENTRIES}"));
        }
        let mut inputs = self.input.size;
        for (index, layer) in self.layer.iter().enumerate() {
            let outputs = layer.outputs(inputs);
            let fits = outputs > 0 && outputs.checked_mul(inputs).is_some_and(|entries| entries <= MAX_ENTRIES);
            if layer.linear().is_some() && !fits {
                let expected = format!("at least 1, and at most {MAX_ENTRIES} weights in a layer");
                return invalid(&format!("layer[{index}].outputs"), format!("{outputs} ({inputs} inputs)"), &expected);
            }
            if layer.kind().key() == "softmax" && inputs == 1 {
                let found = "softmax of one output, which is 1 for every input".to_owned();
                let expected =
                    "`sigmoid`, the probability of the second of two classes; or two outputs before the softmax";
                return invalid(&format!("layer[{index}].kind"), found, expected);
            }
            if let Some((key, value)) = layer.setting()
                && !value.is_finite()
            {
                return invalid(&format!("layer[{index}].{key}"), value.to_string(), "a finite number");
            }
            inputs = outputs;
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
        if self.input.fold && first.linear().is_none() {
            let found = format!("true before a layer of kind `{}`", first.kind());
            return invalid("input.fold", found, "a linear first layer (photonic or dense), or `fold = false`");
        }
        Ok(())
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
