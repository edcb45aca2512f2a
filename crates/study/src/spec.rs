//! The study file: which networks are trained under which settings, and how each is tested.
//!
//! ```toml
//! format = "phaseloom-study"
//! version = 1
//! training = "train.toml"            # or a list: one after the other, each starts from the weights of the one before
//! experiment = "chips.toml"          # or a list: all test the network after each training
//! seeds = [1, 2, 3, 4, 5]
//!
//! [[variant]]
//! name = "clean"
//!
//! [[variant]]
//! name = "noise-aware"
//! training.on = "population"         # keys of the training file, of its model, and of the experiments
//! training.process.phase_error.sigma_rad = 0.05
//! ```

use crate::error::{Result, StudyError};
use phaseloom_experiment::Axis;
use phaseloom_files::{InvalidValue, locate, read_toml};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The text of the key `format`.
pub const FORMAT: &str = "phaseloom-study";

/// File of the study in the folder of its results.
pub const STUDY: &str = "study.toml";

/// Tables whose keys variants and axes set.
pub const TABLES: [&str; 3] = ["training", "model", "experiment"];

/// Maximum number of trained networks.
const MAX_UNITS: usize = 100_000;

/// A study as written in a TOML file. Paths are relative to that file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StudySpec {
    /// The text `"phaseloom-study"`.
    pub format: String,
    /// Version of the format. Range: 1.
    pub version: u32,
    /// Title of tables and figures. Default: the name of the file without its ending.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Folder that the paths of this file are relative to, itself relative to the file. A study writes it into the folder of its
    /// results. Default: the folder of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<PathBuf>,
    /// Training file, or a list of them: tasks that the network learns one after the other. A later training starts from the
    /// weights of the one before.
    #[serde(deserialize_with = "one_or_more")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<PathBuf>"))]
    pub training: Vec<PathBuf>,
    /// Experiment file, or a list of them, that test the network after each training. Their `model` is the trained one.
    #[serde(deserialize_with = "one_or_more")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<PathBuf>"))]
    pub experiment: Vec<PathBuf>,
    /// Seeds of the trainings. Each trains a network of its own at every point; differences are paired by seed. At least one.
    pub seeds: Vec<u64>,
    /// Settings that are compared. Default: one, without changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant: Vec<Variant>,
    /// The variant from which the others differ in the tables. Default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Axes of settings that change for all variants: keys that start with `training.`, `model.` or `experiment.`, and their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<Axis>,
    /// Statements that the results must fulfil, written down before they are computed. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criterion: Vec<Criterion>,
}

/// Settings that are compared with others. Tables are merged with those of the files key by key; lists are replaced, or changed by
/// index: `model.layer.1.kind = "tanh"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Name in tables and figures.
    pub name: String,
    /// Keys of the training files.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub training: toml::Table,
    /// Keys of the training files one by one, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
    pub task: Vec<toml::Table>,
    /// Keys of the model file.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub model: toml::Table,
    /// Keys of the experiment files.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub experiment: toml::Table,
}

/// A statement about a quantity: of one variant, or of the difference of two, paired by seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Name in the table of criteria.
    pub name: String,
    /// Column of `summary.csv`, `sequence.csv` or `training-summary.csv` without its ending `_mean`, such as `chips`, `forgetting_chips`
    /// or `validation_accuracy`.
    pub quantity: String,
    /// The variant.
    pub variant: String,
    /// The variant that is subtracted, seed by seed. Default: none, the quantity itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minus: Option<String>,
    /// Values of swept keys, and of `task` and `test` (numbers from 1), of the rows that it is about; it must hold in all of them.
    /// Default: all rows.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub at: toml::Table,
    /// Lower bound. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Upper bound. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// Standard errors over seeds by which the mean must be within the bounds. Range: ≥ 0. Default: 0.
    #[serde(default)]
    pub standard_errors: f64,
}

/// A list of paths, or one path.
fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "found another type, expected a path, or a list of paths")]
    enum Paths {
        One(PathBuf),
        More(Vec<PathBuf>),
    }
    Ok(match Paths::deserialize(from)? {
        Paths::One(path) => vec![path],
        Paths::More(paths) => paths,
    })
}

/// A study with the place and text of its file.
#[derive(Clone, Debug)]
pub struct Study {
    /// Path of the file.
    pub path: PathBuf,
    /// Text of the file, for the line numbers in messages.
    pub text: String,
    /// Contents of the file.
    pub spec: StudySpec,
}

impl Study {
    /// Reads a study. `path` is its file, or the folder of its results.
    ///
    /// # Errors
    ///
    /// An unreadable file, unknown keys (with line and nearest key), impossible values.
    pub fn load(path: &Path) -> Result<Self> {
        let path = if path.is_dir() { path.join(STUDY) } else { path.to_owned() };
        let (mut spec, text): (StudySpec, String) = read_toml(&path, "study")?;
        if spec.name.is_empty() {
            spec.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        if spec.variant.is_empty() {
            let (training, model, experiment) = Default::default();
            spec.variant.push(Variant { name: "base".into(), training, task: Vec::new(), model, experiment });
        }
        spec.check().map_err(|invalid| StudyError::from(locate(&path, &text, invalid)))?;
        Ok(Self { path, text, spec })
    }

    /// Whether a file, or a folder of results, is a study rather than an experiment.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let path = if path.is_dir() { path.join(STUDY) } else { path.to_owned() };
        let Ok(text) = phaseloom_files::read_text(&path) else { return false };
        let format = |table: toml::Table| table.get("format").and_then(|f| f.as_str()).is_some_and(|f| f == FORMAT);
        text.parse::<toml::Table>().is_ok_and(format)
    }

    /// The folder that paths of the study are relative to.
    #[must_use]
    pub fn base(&self) -> PathBuf {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        self.spec.base.as_ref().map_or_else(|| folder.to_owned(), |base| folder.join(base))
    }

    /// The folder of results whose file this is, if it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        let folder = self.path.parent()?;
        (self.path.file_name().is_some_and(|name| name == STUDY) && folder.join(crate::store::IDENTITY).is_file())
            .then_some(folder)
    }
}

impl StudySpec {
    /// Number of points of the sweep.
    #[must_use]
    pub fn points(&self) -> usize {
        self.sweep.iter().map(|axis| axis.values.len()).product()
    }

    /// Index of the variant from which the others differ.
    #[must_use]
    pub fn baseline(&self) -> usize {
        let named = self.baseline.as_ref().and_then(|name| self.variant_of(name));
        named.unwrap_or(0)
    }

    /// Index of a variant.
    pub(crate) fn variant_of(&self, name: &str) -> Option<usize> {
        self.variant.iter().position(|variant| variant.name == name)
    }

    fn check(&self) -> Result<(), InvalidValue> {
        if self.format != FORMAT {
            return Err(InvalidValue::new("format", format!("{:?}", self.format), format!("{FORMAT:?}")));
        }
        if self.version != 1 {
            return Err(InvalidValue::new("version", self.version, "1"));
        }
        for (key, count) in
            [("training", self.training.len()), ("experiment", self.experiment.len()), ("seeds", self.seeds.len())]
        {
            if count == 0 {
                return Err(InvalidValue::new(key, "an empty list", "at least one"));
            }
        }
        let mut seeds = HashSet::new();
        if let Some(twice) = self.seeds.iter().find(|seed| !seeds.insert(**seed)) {
            return Err(InvalidValue::new("seeds", format!("{twice} twice"), "each seed once"));
        }
        let mut names = HashSet::new();
        let known = self.variant.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ");
        for (i, variant) in self.variant.iter().enumerate() {
            let key = |key: &str| format!("variant[{i}].{key}");
            if variant.name.is_empty() || !names.insert(&variant.name) {
                return Err(InvalidValue::new(key("name"), format!("`{}`", variant.name), "a name of its own"));
            }
            if variant.task.len() > self.training.len() {
                let expected = format!("at most {}, the number of training files", self.training.len());
                return Err(InvalidValue::new(key("task"), format!("{} tables", variant.task.len()), expected));
            }
            if variant.training.contains_key("seed") {
                return Err(InvalidValue::new(key("training.seed"), "given", "the list `seeds` of the study"));
            }
        }
        let unknown =
            |key: String, name: &String| InvalidValue::new(key, format!("`{name}`"), format!("one of {known}"));
        if let Some(name) = self.baseline.as_ref().filter(|name| self.variant_of(name).is_none()) {
            return Err(unknown("baseline".into(), name));
        }
        for (i, axis) in self.sweep.iter().enumerate() {
            if axis.keys.is_empty() || axis.values.is_empty() {
                return Err(InvalidValue::new(format!("sweep[{i}]"), "no keys or no values", "at least one of each"));
            }
            for key in &axis.keys {
                let table = key.split_once('.').map(|(table, _)| table);
                if table.is_none_or(|table| !TABLES.contains(&table)) {
                    let expected = "a key that starts with `training.`, `model.` or `experiment.`";
                    return Err(InvalidValue::new(format!("sweep[{i}].keys"), format!("`{key}`"), expected));
                }
                if key == "training.seed" {
                    let expected = "another key: the seeds of the trainings are the list `seeds`";
                    return Err(InvalidValue::new(format!("sweep[{i}].keys"), format!("`{key}`"), expected));
                }
            }
        }
        for (i, criterion) in self.criterion.iter().enumerate() {
            let key = |key: &str| format!("criterion[{i}].{key}");
            for (name, value) in [("variant", Some(&criterion.variant)), ("minus", criterion.minus.as_ref())] {
                if let Some(value) = value.filter(|value| self.variant_of(value).is_none()) {
                    return Err(unknown(key(name), value));
                }
            }
            if criterion.above.is_none() && criterion.below.is_none() {
                return Err(InvalidValue::new(key("above"), "absent", "`above` or `below`: a bound"));
            }
            if !(criterion.standard_errors.is_finite() && criterion.standard_errors >= 0.0) {
                return Err(InvalidValue::new(key("standard_errors"), criterion.standard_errors, "a number from 0"));
            }
        }
        let units = [self.points(), self.variant.len(), self.seeds.len()].into_iter().try_fold(1, usize::checked_mul);
        match units {
            Some(units) if units <= MAX_UNITS => Ok(()),
            _ => Err(InvalidValue::new("sweep", "too many values", format!("at most {MAX_UNITS} trained networks"))),
        }
    }
}
