//! Tasks that are learnt one after the other: the outputs of each, and samples of earlier ones that are trained again.

use std::ops::Range;
use std::path::Path;

use phaseloom_files::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{DataSpec, Dataset, Truth};
use crate::error::{NetworkError, Result};

/// The outputs of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskOutputs {
    /// Index of the output of class 0.
    pub first: usize,
    /// Number of outputs, one for each class. Range: ≥ 2.
    pub count: usize,
}

impl TaskOutputs {
    /// The outputs.
    pub(in crate::train) fn range(self) -> Range<usize> {
        self.first..self.first.saturating_add(self.count)
    }

    /// Checks that a network of some outputs has those of the task. Messages name `key`.
    pub(in crate::train) fn check(self, key: &str, outputs: usize, path: &Path) -> Result<()> {
        if self.count < 2 || self.range().end > outputs {
            let found = format!("{} outputs from {} on", self.count, self.first);
            let expected = format!("at least 2 of the {outputs} outputs of the model");
            return Err(NetworkError::setting(path, key, found, &expected));
        }
        Ok(())
    }
}

/// Samples of an earlier task that make half of each batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplaySpec {
    /// Number of samples that were kept, chosen at random by the seed. Range: ≥ 1. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Outputs of the earlier task. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_outputs: Option<TaskOutputs>,
    /// Data of the earlier task.
    pub data: DataSpec,
}

/// Reads data whose classes are the outputs of a task. Messages name `table`.
pub(in crate::train) fn load(
    table: &str,
    choice: &DataSpec,
    task: Option<TaskOutputs>,
    (base, features, outputs): (&Path, usize, usize),
) -> Result<Dataset> {
    let data = choice.load(base).and_then(|mut data| {
        data.check(features, task.map_or(outputs, |task| task.count))?;
        let first = task.map_or(0, |task| task.first);
        match &mut data.truth {
            Truth::Labels(labels) => labels.iter_mut().for_each(|label| *label += first),
            _ => {
                return Err(NetworkError::choice(
                    &data.inputs_path,
                    "labels",
                    "no labels",
                    "the classes that are learnt",
                ));
            }
        }
        Ok(data)
    });
    data.map_err(|error| error.in_table(table))
}

/// Own samples with those of an earlier task after them.
pub(in crate::train) fn join(own: &Dataset, earlier: &Dataset) -> Dataset {
    let (a, b) = (own.inputs.to_batch(), earlier.inputs.to_batch());
    let mut inputs = crate::data::Batch::zeros(a.nrows(), a.ncols() + b.ncols());
    inputs.columns_mut(0, a.ncols()).copy_from(&a);
    inputs.columns_mut(a.ncols(), b.ncols()).copy_from(&b);
    let labels = own.labels().iter().chain(earlier.labels()).copied().collect();
    let sha256 = hex(&Sha256::digest(format!("{} {}", own.sha256, earlier.sha256)));
    Dataset { inputs: inputs.into(), truth: Truth::Labels(labels), sha256, ..own.clone() }
}
