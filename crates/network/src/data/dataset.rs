//! A loaded data set: inputs, what the outputs are compared with, and a hash.

use std::path::PathBuf;

use super::{Batch, Inputs, check_labels};
use crate::error::{NetworkError, Result};

/// The correct outputs of a network, in the form in which the data give them.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// Nothing is known of the outputs.
    Unknown,
    /// Class of each sample, from 0.
    Labels(Vec<usize>),
    /// Class of each position of each sample.
    PositionLabels(PositionLabels),
    /// Real outputs: targets × samples.
    Targets(Batch),
}

/// Classes of the positions of samples, such as tokens or pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionLabels {
    /// Number of positions of a sample.
    pub per_sample: usize,
    /// Class of each position, from 0, sample by sample; `None` for a position that is not judged, such as padding.
    pub labels: Vec<Option<usize>>,
}

/// Names of all classes, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassNames {
    /// The names.
    pub names: Vec<String>,
    /// The key of a choice of data that gives them, or would put those of the file into another order.
    pub key: &'static str,
}

/// Inputs as stored in the files, with their labels or targets and a hash that identifies them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Inputs, not yet normalised.
    pub inputs: Inputs,
    /// Sizes of the axes of one sample, whose values in row-major order are the features: `[28, 28]` for an image.
    pub sample_shape: Vec<usize>,
    /// Labels of samples or positions, targets, or neither.
    pub truth: Truth,
    /// SHA-256, in hexadecimal, over the contents of all files and over the selection (columns, rows, classes, number).
    ///
    /// Paths do not enter, so that a copy of the data has the same hash.
    pub sha256: String,
    /// Names of all classes: those of `class_names`, or those of the file in the order of the alphabet, if the labels are
    /// names and `classes` does not order them.
    pub class_names: Option<ClassNames>,
    /// File of the inputs, for messages.
    pub inputs_path: PathBuf,
    /// File of the labels or targets, for messages. It is the file of the inputs if they are columns there.
    pub labels_path: PathBuf,
}

impl Dataset {
    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.inputs.samples()
    }

    /// Number of features per sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.inputs.features()
    }

    /// Class of each sample, from 0. Empty if samples have no label.
    #[must_use]
    pub fn labels(&self) -> &[usize] {
        if let Truth::Labels(labels) = &self.truth { labels } else { &[] }
    }

    /// Whether samples have the axes of a shape in its order, if the data have several axes. Axes of length 1 do not count.
    #[must_use]
    pub fn has_axes(&self, shape: &[usize]) -> bool {
        let lengths = |shape: &[usize]| shape.iter().copied().filter(|&length| length != 1).collect::<Vec<_>>();
        let found = lengths(&self.sample_shape);
        found.len() < 2 || found == lengths(shape)
    }

    /// Checks that the data fit a model with `features` inputs and a number of outputs: one for each class, one for two
    /// classes, or one for each target.
    ///
    /// # Errors
    ///
    /// If inputs and labels or targets differ in number, the number of features differs, a label is not one of the classes,
    /// or the names of the file are not as many as the classes, so that their order would be a guess. Also if there are not
    /// as many targets as outputs.
    pub fn check(&self, features: usize, outputs: usize) -> Result<()> {
        let (found, what) = match &self.truth {
            Truth::Unknown => (self.samples(), ""),
            Truth::Labels(labels) => (labels.len(), "labels"),
            Truth::PositionLabels(PositionLabels { per_sample, labels }) => (labels.len() / per_sample, "labels"),
            Truth::Targets(targets) => (targets.ncols(), "targets"),
        };
        if self.samples() != found {
            return Err(NetworkError::CountMismatch {
                inputs_path: self.inputs_path.clone(),
                labels_path: self.labels_path.clone(),
                inputs: self.samples(),
                found,
                what,
            });
        }
        if self.features() != features {
            let (path, found) = (self.inputs_path.clone(), self.features());
            return Err(NetworkError::FeatureCount { path, found, expected: features });
        }
        let classes = outputs.max(2);
        if let Some(ClassNames { names, key }) = self.class_names.as_ref().filter(|all| all.names.len() != classes) {
            let first: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
            let found = format!("{} names of classes ({})", names.len(), first.join(", "));
            let expected = format!(
                "{classes}, the {} of the model; list them in their order: `{key} = [\"…\"]`",
                if outputs == 1 { "classes of the one output" } else { "outputs" }
            );
            return Err(NetworkError::choice(&self.labels_path, *key, found, expected));
        }
        match &self.truth {
            Truth::Unknown => Ok(()),
            Truth::Labels(labels) => check_labels(&self.labels_path, labels.iter().copied().map(Some), 1, classes),
            Truth::PositionLabels(positions) => {
                check_labels(&self.labels_path, positions.labels.iter().copied(), positions.per_sample, classes)
            }
            Truth::Targets(targets) if targets.nrows() == outputs => Ok(()),
            Truth::Targets(targets) => {
                let found = format!("{} a sample", targets.nrows());
                let expected =
                    format!("{outputs}, the outputs of the model; choose columns of a CSV with `csv.targets`");
                Err(NetworkError::choice(&self.labels_path, "targets", found, expected))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::{Calibration, LayerScale};

    #[test]
    fn data_and_calibrations_that_no_file_holds_are_refused() {
        let data = Dataset {
            inputs: Batch::zeros(2, 3).into(),
            sample_shape: vec![2],
            truth: Truth::Labels(vec![0, 1]),
            sha256: String::new(),
            class_names: None,
            inputs_path: "x.npy".into(),
            labels_path: "y.npy".into(),
        };
        assert!(matches!(data.check(2, 2), Err(NetworkError::CountMismatch { inputs: 3, found: 2, .. })));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        let calibration = Calibration {
            format: "phaseloom-calibration".into(),
            version: 1,
            model_sha256: None,
            data_sha256: String::new(),
            samples: 1,
            quantile: 1.0,
            ports: 4,
            column_block: 4,
            layers: vec![LayerScale { input_scale: f64::NAN, full_scale: vec![1.0] }],
        };
        assert!(calibration.save(&path).is_err() && !path.exists());
    }
}
