//! Errors of models, weights, data and training. Every message says what was found, what was expected, where, and what
//! to do.

use std::path::{Path, PathBuf};

use phaseloom_files::{FileError, InvalidValue, locate, short_number};

/// Result of this crate.
pub type Result<T, E = NetworkError> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A file whose name does not end with a known ending.
    #[error("{}: found a name that ends with none of the known endings, expected {expected}; export other files with `safetensors.torch.save_file` or `numpy.savez`; an ONNX graph needs no import: the key `model` of an experiment names it", path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
        /// The known endings.
        expected: &'static str,
    },

    /// A number computed from data and weights that exceeds the range of floating-point numbers.
    #[error("{}: {place} overflows: expected products of inputs and weights below 1.8e308; scale the data", path.display())]
    Overflow {
        /// The data.
        path: PathBuf,
        /// The number.
        place: String,
    },

    /// A file was not read or written, or its contents were refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// Chips that training or trained programs need are impossible, or do not fit.
    #[error(transparent)]
    Hardware(#[from] phaseloom_hardware::HardwareError),

    /// A path that starts with `$PHASELOOM_DATA/` although the variable is not set.
    #[error(
        "{}: the environment variable {variable} is not set; set it to the folder that holds the data, e.g. \
         `export {variable}=/path/to/data`, or write a path without it", path.display()
    )]
    VariableUnset {
        /// Name of the variable.
        variable: &'static str,
        /// The path as written.
        path: PathBuf,
    },

    /// Different numbers of inputs and labels or targets.
    #[error(
        "{} holds {inputs} inputs and {} holds {found} {what}, expected equal numbers; \
         check that both belong to the same split", inputs_path.display(), labels_path.display()
    )]
    CountMismatch {
        /// File of the inputs.
        inputs_path: PathBuf,
        /// File of the labels or targets.
        labels_path: PathBuf,
        /// Number of inputs (samples).
        inputs: usize,
        /// Number of labels or targets.
        found: usize,
        /// `labels` or `targets`.
        what: &'static str,
    },

    /// A label that is not one of the classes.
    #[error(
        "{}: label {found} of sample {index} is outside the {classes} classes 0…{}; \
         check the label column, or choose and renumber classes with `classes = […]`",
        path.display(), classes.saturating_sub(1)
    )]
    LabelOutside {
        /// File of the labels.
        path: PathBuf,
        /// Index of the sample, from 0.
        index: usize,
        /// The label.
        found: usize,
        /// Number of classes.
        classes: usize,
    },

    /// A key of a choice of data that is impossible, or does not fit the file.
    #[error("{}: key `{}`: found {}, expected {}", path.display(), invalid.key, invalid.found, invalid.expected)]
    Choice {
        /// The file that was chosen from.
        path: PathBuf,
        /// The key in the table of the choice, and its value.
        invalid: Box<InvalidValue>,
    },

    /// A key whose value is impossible, alone or together with other keys.
    #[error("{}: key `{key}`: found {found}, expected {expected}", path.display())]
    Setting {
        /// The settings file, or the file that the key names.
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// The value.
        found: String,
        /// The allowed values and the remedy.
        expected: String,
    },

    /// A tensor that the weights file of a model does not hold.
    #[error("{}: {user} needs the tensor `{name}`, found {}; correct the name in the model file", path.display(), found_names(available))]
    MissingTensor {
        /// The weights file.
        path: PathBuf,
        /// The part of the model that needs the tensor: a layer with its index, or the input.
        user: String,
        /// The requested name.
        name: String,
        /// The existing names, sorted.
        available: Vec<String>,
    },

    /// A tensor whose shape does not fit the model.
    #[error("{}: {user}: tensor `{name}` has shape {found:?}, expected {expected:?}; correct `outputs`, the sizes before it or `transpose` in the model file, or the tensor", path.display())]
    TensorShape {
        /// The weights file.
        path: PathBuf,
        /// The part of the model that needs the tensor: a layer with its index, or the input.
        user: String,
        /// Name of the tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the model needs.
        expected: Vec<usize>,
    },

    /// Data whose number of features differs from the number of inputs of the model.
    #[error("{} holds {found} features a sample, expected {expected}, the inputs of the model; choose other columns or another model", path.display())]
    FeatureCount {
        /// File of the inputs.
        path: PathBuf,
        /// Features in the data.
        found: usize,
        /// Inputs of the model.
        expected: usize,
    },

    /// A weights file whose names and shapes determine no chain of layers, or more than one.
    #[error("{}: {problem}; found {found}; {remedy}", path.display())]
    Import {
        /// The weights file.
        path: PathBuf,
        /// Why it is not imported.
        problem: String,
        /// Names and shapes in the file.
        found: String,
        /// What to do.
        remedy: &'static str,
    },

    /// An ONNX file that cannot be used as the experiment asks.
    #[error("{}: {problem}; {remedy}", path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// What was found, and what was expected.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },

    /// A model file of another program.
    #[error(
        "{}: found {what}, expected a model file (.toml) or an ONNX file (.onnx); two lines of Python convert it:\n  {}\n  {}",
        path.display(), convert[0], convert[1]
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// The lines of Python.
        convert: [String; 2],
    },

    /// The checkpoint of a training with other settings, data or model.
    #[error(
        "{}: found the checkpoint of another training (other settings, data, model or version), expected one of this training, \
         which writes the weights of {}; continue with its settings, or discard it with --restart", path.display(), settings.display()
    )]
    OtherCheckpoint {
        /// The checkpoint.
        path: PathBuf,
        /// The model file of the training.
        settings: PathBuf,
    },

    /// Weights or programs that training would replace.
    #[error(
        "{}: found a file that this training has not written, expected none: replace it with --overwrite, or name another file in the \
         model file", path.display()
    )]
    ResultExists {
        /// The file.
        path: PathBuf,
    },

    /// A training loss that is NaN, infinite, or far above that of guessing.
    #[error(
        "training: found a loss of {loss:e} in epoch {epoch}, batch {batch}, expected a finite one of at most a thousand times \
         that of guessing; lower `learning_rate` (now {learning_rate}) or `weight_decay`, or scale the inputs; no weights were written"
    )]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// Batch of the epoch, from 0.
        batch: usize,
        /// The loss.
        loss: f64,
        /// Learning rate at that step.
        learning_rate: f64,
    },
}

impl NetworkError {
    /// An impossible value of a key.
    pub(crate) fn setting(
        path: &Path,
        key: impl Into<String>,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Setting {
            path: path.to_owned(),
            key: key.into(),
            found: short_number(found.to_string()),
            expected: expected.into(),
        }
    }

    /// A key of a choice of data that is impossible, or does not fit the file `path`.
    pub(crate) fn choice(
        path: &Path,
        key: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Choice { path: path.to_owned(), invalid: Box::new(InvalidValue::new(key, found, expected)) }
    }

    /// The same error, with the key of a choice of data inside the table `table`.
    #[must_use]
    pub fn in_table(self, table: &str) -> Self {
        match self {
            Self::Choice { path, invalid } => Self::Choice { path, invalid: Box::new(invalid.in_table(table)) },
            other => other,
        }
    }

    /// The same error, which blames the settings that made a choice of data, or named a file that does not exist, in the
    /// table or key `table`: their file and its text.
    #[must_use]
    pub fn in_settings(self, table: &str, settings: &Path, text: &str) -> Self {
        match self {
            Self::Choice { path, invalid } => {
                let invalid = if table.is_empty() { *invalid } else { invalid.in_table(table) };
                let found = format!("{} (for {})", invalid.found, path.display());
                locate(settings, text, InvalidValue { found, ..invalid }).into()
            }
            Self::File(error) => Self::File(error.named_by(settings, text, table)),
            Self::UnknownKind { path, expected } if !table.is_empty() => {
                let expected = format!(
                    "a name that ends with one of {expected}; export other files with `safetensors.torch.save_file` or \
                     `numpy.savez`"
                );
                locate(settings, text, InvalidValue::new(table, path.display(), expected)).into()
            }
            other => other,
        }
    }

    /// An ONNX file that cannot be used as the experiment asks.
    #[must_use]
    pub fn graph(path: &Path, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self::Graph { path: path.to_owned(), problem: problem.into(), remedy }
    }

    /// Weights in the place of a model file.
    #[must_use]
    pub fn weights_alone(path: &Path, found: &str, remedy: &'static str) -> Self {
        Self::graph(path, format!("found {found}, expected a model file (.toml) or an ONNX file (.onnx)"), remedy)
    }

    /// An input that a network cannot take.
    #[must_use]
    pub fn input(path: &Path, sample: usize, feature: usize, found: f64, expected: &str) -> Self {
        Self::format(path, "data", format!("sample {sample}, feature {feature}"), found, expected)
    }

    /// An impossible value of a key, next to the file that it is about.
    #[must_use]
    pub fn from_invalid(path: &Path, invalid: InvalidValue) -> Self {
        Self::setting(path, invalid.key, invalid.found, invalid.expected)
    }

    /// Bytes that do not follow a file format.
    pub(crate) fn format(
        path: &Path,
        format: &'static str,
        place: impl Into<String>,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        let (place, found, expected) = (place.into(), found.to_string().into(), expected.into().into());
        FileError::Format { path: path.to_owned(), format, place, found, expected }.into()
    }

    /// A NaN or an infinity in a file.
    pub(crate) fn not_finite(path: &Path, place: String, found: f64) -> Self {
        FileError::NotFinite { path: path.to_owned(), place, found }.into()
    }
}

/// The names separated by commas, at most the first twenty.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    match names.len() {
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}

fn found_names(names: &[String]) -> String {
    if names.is_empty() { "no tensors".to_owned() } else { format!("only {}", listed(names)) }
}

phaseloom_files::error_codes! {
    NetworkError {
        UnknownKind = 501,
            "The name of a file ends with none of the known endings.",
            "Rename the file, or convert it to one of the formats in the message.";
        Overflow = 502,
            "Products of inputs and weights exceed the range of a double.",
            "Scale the data: `scale`, `mean` and `std` in `[input]` of the model.";
        VariableUnset = 503,
            "A path starts with `$PHASELOOM_DATA`, but the variable is not set.",
            "`export PHASELOOM_DATA=/path/to/data`, or write another path.";
        CountMismatch = 504,
            "Inputs and labels differ in number.",
            "Name files of the same split in `[data]`.";
        LabelOutside = 505,
            "A label is not one of the classes.",
            "Correct the labels, `classes`, or the outputs of the model.";
        Choice = 506,
            "A choice of rows, columns or classes does not fit the data file.",
            "Correct the named key of the table of the data.";
        Setting = 507,
            "A key has an impossible value, alone or together with other keys.",
            "Choose a value that the message states.";
        MissingTensor = 508,
            "The weights file does not hold a tensor that the model names.",
            "Correct the name in the model file; `phaseloom import` writes one with the right names.";
        TensorShape = 509,
            "A tensor has another shape than the model.",
            "Correct `outputs`, the sizes before it, or `transpose` in the model file.";
        FeatureCount = 510,
            "The data have another number of features than the model has inputs.",
            "Choose other columns, or correct `input.size`.";
        Diverged = 511,
            "The loss of a training is NaN, infinite or far above that of guessing.",
            "Lower `learning_rate`, or normalise the inputs.";
        Import = 512,
            "Names and shapes in a weights file determine no chain of layers, or more than one.",
            "Name the weights in their order with `--layers`, state `--layout`, or write the model file by hand.";
        Graph = 513,
            "An ONNX file is damaged, leaves something open, or holds an operator that cannot run.",
            "Do what the message says: most often state `input` or `output`, or export the model again.";
        Foreign = 514,
            "A model file of another program, such as a PyTorch checkpoint.",
            "Convert it to ONNX with the two lines of Python in the message.";
        OtherCheckpoint = 515,
            "There is a checkpoint of another training next to the weights.",
            "`phaseloom train --restart` discards it; the settings that made it continue it.";
        ResultExists = 516,
            "Training would replace weights or programs that it has not written.",
            "`phaseloom train --overwrite` replaces them; another `weights` in the model file keeps them.";
    } wraps { Self::File(error) => error, Self::Hardware(error) => error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_cut_short() {
        let names: Vec<String> = (0..50).map(|i| format!("t{i}")).collect();
        assert!(listed(&names).ends_with("and 30 more"));
        assert_eq!(found_names(&[]), "no tensors");
    }
}
