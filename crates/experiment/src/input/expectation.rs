//! The table `expect`: results that the floating-point reference must have before any chip is sampled. A wrong transpose or
//! a forgotten normalisation is then an error, and not a bad result.

use crate::error::Problem;
use phaseloom_files::{InvalidValue, between, positive};
use phaseloom_hardware::Batch;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Results of the floating-point reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Share of samples with the correct class, as the metric counts it. Range: 0…1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Maximum difference from `accuracy`. Range: 0…1.
    /// Default: `0.0005`, half a unit of a percentage with one decimal.
    #[serde(default = "half_a_tenth")]
    pub tolerance: f64,
    /// File of the outputs that another program computed, such as logits (`.npy`, or `.npz` with one array): samples ×
    /// outputs, for all test samples or the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<PathBuf>,
    /// Maximum difference of an output, relative to the maximum magnitude in the file. Range: above 0.
    /// Default: `1e-4`, some roundings of single precision.
    #[serde(default = "single_precision")]
    pub outputs_tolerance: f64,
}

fn half_a_tenth() -> f64 {
    5e-4
}

fn single_precision() -> f64 {
    1e-4
}

impl Expectation {
    /// The first impossible value.
    pub(crate) fn check_values(&self) -> Result<(), InvalidValue> {
        if self.accuracy.is_none() && self.outputs.is_none() {
            return Err(InvalidValue::new("expect", "neither `accuracy` nor `outputs`", "at least one of them"));
        }
        if let Some(accuracy) = self.accuracy {
            between("expect.accuracy", accuracy, 0.0, 1.0)?;
        }
        between("expect.tolerance", self.tolerance, 0.0, 1.0)?;
        positive("expect.outputs_tolerance", self.outputs_tolerance)
    }

    /// Compares with the accuracy of the reference. `None` is that of data without labels.
    pub(crate) fn check_accuracy(&self, accuracy: Option<f64>) -> Result<(), Problem> {
        let (Some(expected), tolerance) = (self.accuracy, self.tolerance) else { return Ok(()) };
        match accuracy {
            Some(found) if (found - expected).abs() <= tolerance => Ok(()),
            found => Err(Problem::Unexpected { found, expected, tolerance }),
        }
    }

    /// Compares the outputs of the reference (outputs × samples) with those of a file, for its first samples.
    pub(crate) fn check_outputs(&self, path: &Path, expected: &Batch, outputs: &Batch) -> Result<(), Problem> {
        let unexpected = |problem: String| Err(Problem::UnexpectedOutputs { path: path.to_owned(), problem });
        let (rows, samples) = expected.shape();
        if rows != outputs.nrows() || samples > outputs.ncols() {
            return unexpected(format!(
                "found {samples} samples of {rows} outputs in the file, expected at most {} samples of {}, as the network has on \
                 the test data",
                outputs.ncols(),
                outputs.nrows()
            ));
        }
        let difference = |&at: &usize| (outputs[at] - expected[at]).abs();
        // The samples of both are columns, so their indices are equal.
        let worst = (0..expected.len()).max_by(|a, b| difference(a).total_cmp(&difference(b))).unwrap_or(0);
        let limit = self.outputs_tolerance * expected.amax();
        if difference(&worst) <= limit {
            return Ok(());
        }
        unexpected(format!(
            "output {} of sample {} is {:.2e} in floating point and {:.2e} in the file, expected a difference of at most \
             {limit:.1e}, which is {:e} of the maximum magnitude",
            worst % rows,
            worst / rows,
            outputs[worst],
            expected[worst],
            self.outputs_tolerance
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_compared_relative_to_the_largest() {
        let expect: Expectation = toml::from_str("outputs = 'logits.npy'\noutputs_tolerance = 0.01").unwrap();
        let network = Batch::from_column_slice(2, 3, &[1.0, 100.0, 0.5, -2.0, 7.0, 8.0]);
        let file = |values: &[f64]| Batch::from_column_slice(2, values.len() / 2, values);
        let check = |values: &[f64]| expect.check_outputs(Path::new("logits.npy"), &file(values), &network);
        assert!(check(&[1.9, 100.0]).is_ok());
        let error = check(&[1.0, 100.0, 0.5, -0.5]).unwrap_err().to_string();
        assert!(
            error.contains("output 1 of sample 1 is -2.00e0 in floating point and -5.00e-1 in the file"),
            "{error}"
        );
        let error = check(&[1.0; 8]).unwrap_err().to_string();
        assert!(error.contains("found 4 samples of 2 outputs in the file, expected at most 3"), "{error}");
        let nothing: Expectation = toml::from_str("").unwrap();
        assert_eq!(nothing.check_values().unwrap_err().key, "expect");
    }
}
