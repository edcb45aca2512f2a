//! What can go wrong with models, weights, data and training. Every message says what was found, what was expected,
//! where, and what to do.

use std::path::PathBuf;

use phaseloom_files::FileError;

/// Result of this crate.
pub type Result<T, E = NetworkError> = std::result::Result<T, E>;

/// An error of the network crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A file was not read or written, or its contents were refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// The name of a file does not say what kind of file it is.
    #[error("{}: found a name that ends with none of the known endings, expected {expected}; rename or convert the file", path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
        /// The endings that are known here.
        expected: &'static str,
    },

    /// The bytes of a file are not what its format or its use asks for.
    #[error("{}: {format}, {place}: found {found}, expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Name of the file format.
        format: &'static str,
        /// Where in the file: line, byte, key or tensor.
        place: String,
        /// What stands there.
        found: String,
        /// What should stand there, and what to do.
        expected: String,
    },

    /// A number that is computed from data and weights, and that no float holds.
    #[error("{}: {place} overflows: expected products of inputs and weights below 1.8e308; scale the data", path.display())]
    Overflow {
        /// The data.
        path: PathBuf,
        /// Which number.
        place: String,
    },

    /// A NaN or an infinity where a number is needed.
    #[error("{}: {place}: found {found}, expected a finite number; remove or replace this value", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Where: line and column, or tensor and index.
        place: String,
        /// The value.
        found: f64,
    },

    /// A JSON file does not parse, or has unknown, missing or wrong keys.
    #[error("{}: {source}; the file is damaged or of another version: make it again", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected.
        source: serde_json::Error,
    },

    /// A path starts with `$PHASELOOM_DATA/`, and the variable is not set.
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

    /// As many labels as inputs are needed.
    #[error(
        "{} holds {inputs} inputs and {} holds {labels} labels, expected equal numbers; \
         check that both belong to the same split", inputs_path.display(), labels_path.display()
    )]
    CountMismatch {
        /// File of the inputs.
        inputs_path: PathBuf,
        /// File of the labels.
        labels_path: PathBuf,
        /// Number of inputs (samples).
        inputs: usize,
        /// Number of labels.
        labels: usize,
    },

    /// A label is not one of the classes.
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

    /// More samples were asked for than there are.
    #[error("{}: found {available} samples after the row and class filters, expected at least {requested}; lower `samples`", path.display())]
    TooFewSamples {
        /// File of the inputs.
        path: PathBuf,
        /// Samples asked for.
        requested: usize,
        /// Samples that are there.
        available: usize,
    },

    /// A key of a settings file has a value that makes no sense, alone or with the others.
    #[error("{}: key `{key}`: found {found}, expected {expected}", path.display())]
    Setting {
        /// The file (or the file that the settings point at).
        path: PathBuf,
        /// The key, with its table.
        key: String,
        /// The value.
        found: String,
        /// What is allowed, and what to do.
        expected: String,
    },

    /// A tensor that a model names is not in its weights file.
    #[error("{}: {user} needs the tensor `{name}`, found only {}; correct the name in the model file", path.display(), listed(available))]
    MissingTensor {
        /// The weights file.
        path: PathBuf,
        /// Who needs it: a layer with its index, or the input.
        user: String,
        /// The name that was asked for.
        name: String,
        /// The names that exist, sorted.
        available: Vec<String>,
    },

    /// A tensor has not the shape that its place in the model needs.
    #[error("{}: {user}: tensor `{name}` has shape {found:?}, expected {expected:?}; correct `outputs`, the sizes before it or `transpose` in the model file, or the tensor", path.display())]
    TensorShape {
        /// The weights file.
        path: PathBuf,
        /// Who needs it: a layer with its index, or the input.
        user: String,
        /// Name of the tensor.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that is needed.
        expected: Vec<usize>,
    },

    /// The data have another number of features than the model has inputs.
    #[error("{} holds {found} features a sample, expected {expected}, the inputs of the model; choose other columns or another model", path.display())]
    FeatureCount {
        /// File of the inputs.
        path: PathBuf,
        /// Features in the data.
        found: usize,
        /// Inputs of the model.
        expected: usize,
    },

    /// A calibration does not belong to the model.
    #[error(
        "{}: {place}: found {found}, expected {expected}; run `phaseloom calibrate` for this model and these ports",
        path.display()
    )]
    CalibrationMismatch {
        /// The calibration file.
        path: PathBuf,
        /// Which of its values.
        place: String,
        /// Its value.
        found: String,
        /// What the model needs.
        expected: String,
    },

    /// The loss of training is no longer a number.
    #[error(
        "training: found a loss of {loss} in epoch {epoch}, batch {batch}, expected a finite number; lower `learning_rate` (now {learning_rate})"
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

/// Names with commas; the first twenty of many.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    match names.len() {
        0 => "no tensors".to_owned(),
        n if n <= SHOWN => names.join(", "),
        n => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tensor_lists_those_that_exist() {
        let error = NetworkError::MissingTensor {
            path: "w.npz".into(),
            user: "layer 2 (photonic)".into(),
            name: "fc.w".into(),
            available: vec!["fc.weight".into(), "fc.bias".into()],
        };
        let text = error.to_string();
        assert!(text.contains("layer 2") && text.contains("`fc.w`") && text.contains("fc.weight, fc.bias"), "{text}");
    }

    #[test]
    fn many_names_are_cut_short() {
        let names: Vec<String> = (0..50).map(|i| format!("t{i}")).collect();
        assert!(listed(&names).ends_with("and 30 more"));
        assert_eq!(listed(&[]), "no tensors");
    }
}
