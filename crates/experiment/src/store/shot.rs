//! The result of one shot: all samples through one row, judged by the task of the run.

use crate::score::{AGREEMENT, OUTPUT_DIFFERENCE, Quantity, R_SQUARED, Score};
use serde::{Deserialize, Serialize};

/// A loss of a share, or an increase of a ratio, up to this counts as none.
pub const TOLERATED_LOSS: f64 = 0.01;

/// The result of one shot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ShotResult {
    /// Of a classification.
    Classes(ClassCounts),
    /// Of a regression.
    Values(ValueErrors),
    /// Of inputs without labels or targets.
    Outputs(OutputErrors),
}

/// Numbers of correct and changed classes in one shot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCounts {
    /// Samples, or positions of samples, with the correct class.
    pub correct: u64,
    /// Those that only the floating-point reference classifies correctly.
    pub lost: u64,
    /// Those that only this row classifies correctly.
    pub gained: u64,
    /// Those with the same class in both.
    pub same: u64,
    /// A sample is correct if its class is among this number of top outputs: 1, or 5 with `metric = "top_5"`.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub among: u64,
    /// Number of positions of all samples with a label; absent if each sample has one label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<u64>,
    /// Relative rms difference from the outputs of the floating-point reference. Records of early runs lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_difference: Option<f64>,
}

/// Errors of a regression in one shot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueErrors {
    /// Root mean square, over samples and outputs, of output minus target.
    pub rms_error: f64,
    /// Standard error of `rms_error` due to the finite number of samples, to first order.
    pub rms_error_se: f64,
    /// `rms_error` minus that of the floating-point reference.
    pub difference: f64,
    /// Standard error of `difference` due to the finite number of samples, paired and to first order.
    pub difference_se: f64,
    /// Standard deviation of the targets: root mean square, over samples and outputs, about the mean of each output.
    pub target_sd: f64,
    /// Relative rms difference from the outputs of the floating-point reference.
    pub output_difference: f64,
}

/// Errors of outputs without labels or targets in one shot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputErrors {
    /// Samples with the same class as in the floating-point reference, if the network has two outputs or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same: Option<u64>,
    /// Positions of one sample that have a class each, of which `same` counts those of all samples.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub positions: u64,
    /// Relative rms difference from the outputs of the floating-point reference.
    pub output_difference: f64,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_one(number: &u64) -> bool {
    *number == 1
}

impl ValueErrors {
    /// Coefficient of determination 1 − (rms error / standard deviation of the targets)². NaN for constant targets.
    #[must_use]
    pub fn r_squared(&self) -> f64 {
        if self.target_sd > 0.0 { 1.0 - (self.rms_error / self.target_sd).powi(2) } else { f64::NAN }
    }
}

impl ShotResult {
    /// Numbers of classes, if the task is a classification.
    #[must_use]
    pub fn class_counts(&self) -> Option<&ClassCounts> {
        if let Self::Classes(counts) = self { Some(counts) } else { None }
    }

    /// The score of the task.
    #[must_use]
    pub fn score(&self) -> Score {
        match self {
            Self::Classes(ClassCounts { among: 1, .. }) => Score::ACCURACY,
            Self::Classes(_) => Score::TOP_5,
            Self::Values(_) => Score::RMS_ERROR,
            Self::Outputs(OutputErrors { same: Some(_), .. }) => Score::AGREEMENT,
            Self::Outputs(OutputErrors { same: None, .. }) => Score::OUTPUT_DIFFERENCE,
        }
    }

    /// Number of classes that are judged, among a number of samples: those of the positions of all samples, if they have a
    /// class each.
    #[must_use]
    pub fn judged(&self, samples: u64) -> u64 {
        match self {
            Self::Classes(counts) => counts.judged.unwrap_or(samples),
            Self::Values(_) => samples,
            Self::Outputs(errors) => samples.saturating_mul(errors.positions),
        }
    }

    /// Value of the score for a number of samples.
    #[must_use]
    pub fn value(&self, samples: u64) -> f64 {
        let share = |count: u64| count as f64 / self.judged(samples) as f64;
        match self {
            Self::Classes(counts) => share(counts.correct),
            Self::Values(errors) => errors.rms_error,
            Self::Outputs(OutputErrors { same: Some(same), .. }) => share(*same),
            Self::Outputs(errors) => errors.output_difference,
        }
    }

    /// Value of the score minus that of the floating-point reference on the same samples.
    #[must_use]
    pub fn difference(&self, samples: u64) -> f64 {
        match self {
            Self::Classes(ClassCounts { gained, lost, .. }) => {
                (*gained as f64 - *lost as f64) / self.judged(samples) as f64
            }
            Self::Values(errors) => errors.difference,
            Self::Outputs(OutputErrors { same: Some(_), .. }) => self.value(samples) - 1.0,
            Self::Outputs(errors) => errors.output_difference,
        }
    }

    /// The other quantities of the task with their values.
    #[must_use]
    pub fn others(&self, samples: u64) -> Vec<(Quantity, f64)> {
        match self {
            Self::Classes(counts) => vec![(AGREEMENT, counts.same as f64 / self.judged(samples) as f64)],
            Self::Values(errors) => {
                vec![(R_SQUARED, errors.r_squared()), (OUTPUT_DIFFERENCE, errors.output_difference)]
            }
            Self::Outputs(OutputErrors { same: Some(_), output_difference, .. }) => {
                vec![(OUTPUT_DIFFERENCE, *output_difference)]
            }
            Self::Outputs(_) => Vec::new(),
        }
    }

    /// Relative rms difference of the outputs from those of the floating-point reference, if it is known.
    #[must_use]
    pub fn output_difference(&self) -> Option<f64> {
        match self {
            Self::Classes(counts) => counts.output_difference,
            Self::Values(errors) => Some(errors.output_difference),
            Self::Outputs(errors) => Some(errors.output_difference),
        }
    }

    /// A loss of the score up to this counts as none.
    #[must_use]
    pub fn tolerance(&self) -> f64 {
        match self {
            Self::Values(errors) => TOLERATED_LOSS * errors.target_sd,
            Self::Classes(_) | Self::Outputs(_) => TOLERATED_LOSS,
        }
    }

    /// Whether no shot of a number of samples can have this result.
    pub(crate) fn is_impossible(&self, samples: u64) -> bool {
        match *self {
            Self::Classes(ClassCounts { correct, lost, gained, same, output_difference, .. }) => {
                let most = correct.max(same).max(lost.saturating_add(gained));
                most > self.judged(samples) || gained > correct || output_difference.is_some_and(|x| x < 0.0)
            }
            Self::Values(ValueErrors {
                rms_error, rms_error_se, difference_se, target_sd, output_difference, ..
            }) => [rms_error, rms_error_se, difference_se, target_sd, output_difference].iter().any(|x| *x < 0.0),
            Self::Outputs(OutputErrors { same, positions, output_difference }) => {
                same.is_some_and(|same| same > samples.saturating_mul(positions)) || output_difference < 0.0
            }
        }
    }
}
