//! A loaded data set: inputs, labels and a hash.

use std::path::PathBuf;

use super::{Batch, check_labels};
use crate::error::{NetworkError, Result};

/// Inputs as stored in the files, with their labels and a hash that identifies them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Inputs, not yet normalised: features × samples.
    pub inputs: Batch,
    /// Class of each sample, from 0.
    pub labels: Vec<usize>,
    /// SHA-256, in hexadecimal, over the contents of all files and over the selection (columns, rows, classes, number).
    ///
    /// Paths do not enter, so that a copy of the data has the same hash.
    pub sha256: String,
    /// Names of the classes in the order of the alphabet, if the labels are names and `classes` does not order them.
    pub class_names: Option<Vec<String>>,
    /// File of the inputs, for messages.
    pub inputs_path: PathBuf,
    /// File of the labels, for messages. It is the file of the inputs if the labels are a column there.
    pub labels_path: PathBuf,
}

impl Dataset {
    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.inputs.ncols()
    }

    /// Number of features per sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.inputs.nrows()
    }

    /// Checks that the data fit a model with `features` inputs and `classes` outputs.
    ///
    /// # Errors
    ///
    /// If the number of features differs, a label is not one of 0…classes−1, or the names of the file are not as many as
    /// the classes, so that their order would be a guess.
    pub fn check(&self, features: usize, classes: usize) -> Result<()> {
        if self.features() != features {
            let (path, found) = (self.inputs_path.clone(), self.features());
            return Err(NetworkError::FeatureCount { path, found, expected: features });
        }
        if let Some(names) = self.class_names.as_ref().filter(|names| names.len() != classes) {
            let first: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
            let found = format!("{} names of classes ({})", names.len(), first.join(", "));
            let expected =
                format!("{classes}, the outputs of the model; list them in their order: `classes = [\"…\"]`");
            return Err(NetworkError::choice(&self.labels_path, "classes", found, expected));
        }
        check_labels(&self.labels_path, &self.labels, classes)
    }
}
