//! The key `pass`: what a chip must reach.

use crate::score::{Better, Score};
use crate::store::record::{Record, ShotResult};
use phaseloom_files::{InvalidValue, between};
use phaseloom_numerics::statistics::mean;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Scores are quotients of counts, and losses are differences of such quotients: less than this is rounding.
const ROUNDING: f64 = 1e-12;

/// What a chip must reach to pass. It is judged by the mean over its shots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "Limits"))]
#[serde(try_from = "Limits", into = "Limits")]
pub enum Criterion {
    /// Lower limit of the score of a network.
    Accuracy(f64),
    /// Upper limit of the score of a network.
    RmsError(f64),
    /// Upper limit of the loss of the score.
    Drop(f64),
    /// Upper limit of the relative rms difference of the outputs of a network.
    OutputDifference(f64),
    /// Upper limit of the matrix error.
    MatrixError(f64),
    /// Lower limit of the fidelity.
    Fidelity(f64),
}

/// The table `[pass]`: exactly one of these limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
struct Limits {
    /// The score of a network is at least this: accuracy, top-5 accuracy, or agreement with the floating-point reference.
    /// Range: 0…1.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// The score of a network is at most this: rms error, or difference of outputs from the floating-point reference.
    /// Range: ≥ 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    rms_error: Option<f64>,
    /// The score loses at most this against the floating-point reference on the same samples: of an accuracy, 0.01 is one
    /// percentage point. Range: ≥ 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<f64>,
    /// The difference of the outputs from those of the floating-point reference, rms over samples and outputs and relative to
    /// their rms, is at most this. It changes before the first class does. Range: ≥ 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_difference: Option<f64>,
    /// The matrix error ‖Ŵ − W‖/‖W‖ of an experiment without a network is at most this. Range: ≥ 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    matrix_error: Option<f64>,
    /// The fidelity |tr(W†Ŵ)|²/(‖W‖²‖Ŵ‖²) of an experiment without a network is at least this. Range: 0…1.
    #[serde(skip_serializing_if = "Option::is_none")]
    fidelity: Option<f64>,
}

impl TryFrom<Limits> for Criterion {
    type Error = String;

    fn try_from(limits: Limits) -> Result<Self, String> {
        let given = [
            limits.accuracy.map(Self::Accuracy),
            limits.rms_error.map(Self::RmsError),
            limits.drop.map(Self::Drop),
            limits.output_difference.map(Self::OutputDifference),
            limits.matrix_error.map(Self::MatrixError),
            limits.fidelity.map(Self::Fidelity),
        ];
        match given.iter().flatten().collect::<Vec<_>>().as_slice() {
            [one] => Ok(**one),
            all => Err(format!(
                "found {} limits in `pass`, expected exactly one of accuracy, rms_error, drop, output_difference, \
                 matrix_error, fidelity",
                all.len()
            )),
        }
    }
}

impl From<Criterion> for Limits {
    fn from(criterion: Criterion) -> Self {
        let none = Self::default();
        match criterion {
            Criterion::Accuracy(limit) => Self { accuracy: Some(limit), ..none },
            Criterion::RmsError(limit) => Self { rms_error: Some(limit), ..none },
            Criterion::Drop(limit) => Self { drop: Some(limit), ..none },
            Criterion::OutputDifference(limit) => Self { output_difference: Some(limit), ..none },
            Criterion::MatrixError(limit) => Self { matrix_error: Some(limit), ..none },
            Criterion::Fidelity(limit) => Self { fidelity: Some(limit), ..none },
        }
    }
}

impl Criterion {
    /// The criterion of an experiment that names none: a loss of at most one point, of a network alone.
    #[must_use]
    pub fn default_for(is_matrix: bool) -> Option<Self> {
        (!is_matrix).then_some(Self::Drop(0.01))
    }

    /// Checks its value.
    pub(crate) fn check(self) -> Result<(), InvalidValue> {
        let (key, value) = self.key_and_limit();
        let most = if matches!(self, Self::Accuracy(_) | Self::Fidelity(_)) { 1.0 } else { f64::MAX };
        between(&format!("pass.{key}"), value, 0.0, most)
    }

    /// The key and the limit.
    #[must_use]
    pub fn key_and_limit(self) -> (&'static str, f64) {
        match self {
            Self::Accuracy(limit) => ("accuracy", limit),
            Self::RmsError(limit) => ("rms_error", limit),
            Self::Drop(limit) => ("drop", limit),
            Self::OutputDifference(limit) => ("output_difference", limit),
            Self::MatrixError(limit) => ("matrix_error", limit),
            Self::Fidelity(limit) => ("fidelity", limit),
        }
    }

    /// Whether large values of the compared quantity are the good ones.
    #[must_use]
    pub fn better(self) -> Better {
        match self {
            Self::Accuracy(_) | Self::Fidelity(_) => Better::Higher,
            Self::RmsError(_) | Self::Drop(_) | Self::OutputDifference(_) | Self::MatrixError(_) => Better::Lower,
        }
    }

    /// Whether a matrix without a network has the compared quantity, or a network.
    #[must_use]
    pub fn is_of_matrix(self) -> bool {
        matches!(self, Self::MatrixError(_) | Self::Fidelity(_))
    }

    /// Whether a network with this score has the compared quantity.
    pub(crate) fn suits(self, score: Score) -> bool {
        match self {
            Self::Accuracy(_) => score.better == Better::Higher,
            Self::RmsError(_) => score.better == Better::Lower,
            Self::Drop(_) | Self::OutputDifference(_) => true,
            Self::MatrixError(_) | Self::Fidelity(_) => false,
        }
    }

    /// The compared quantity of a chip, or `None` if chips of this run do not have it.
    #[must_use]
    pub fn value(self, chip: &Record) -> Option<f64> {
        if let Some(quality) = chip.matrix.as_ref().and_then(|result| result.chip.as_ref()) {
            return match self {
                Self::MatrixError(_) => Some(quality.error),
                Self::Fidelity(_) => Some(1.0 - quality.infidelity),
                _ => None,
            };
        }
        let score: Score = chip.shots.first()?.score();
        let over_shots = |value: &dyn Fn(&ShotResult) -> f64| mean(&chip.shots.iter().map(value).collect::<Vec<_>>());
        match self {
            _ if !self.suits(score) => None,
            Self::Drop(_) => {
                let difference = over_shots(&|shot| shot.difference(chip.samples));
                Some(if score.better == Better::Higher { -difference } else { difference })
            }
            Self::OutputDifference(_) => {
                // Shots of early runs lack it.
                let shots: Option<Vec<f64>> = chip.shots.iter().map(ShotResult::output_difference).collect();
                shots.map(|shots| mean(&shots))
            }
            _ => Some(over_shots(&|shot| shot.value(chip.samples))),
        }
    }

    /// Whether a value passes.
    #[must_use]
    pub fn passes(self, value: f64) -> bool {
        let (_, limit) = self.key_and_limit();
        match self.better() {
            Better::Higher => value >= limit - ROUNDING,
            Better::Lower => value <= limit + ROUNDING,
        }
    }

    /// The quantity in words, in sentences and on axes.
    #[must_use]
    pub fn quantity(self) -> &'static str {
        match self {
            Self::Accuracy(_) => "accuracy",
            Self::RmsError(_) => "rms error",
            Self::Drop(_) => "loss of the score",
            Self::OutputDifference(_) => "output difference",
            Self::MatrixError(_) => "matrix error",
            Self::Fidelity(_) => "fidelity",
        }
    }
}

/// What a chip must reach, such as `accuracy ≥ 0.95`.
impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.better() == Better::Higher { "≥" } else { "≤" };
        write!(f, "{} {sign} {}", self.quantity(), self.key_and_limit().1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassCounts, MatrixQuality, MatrixResult, Row, Unit, ValueErrors};

    fn chip(shots: Vec<ShotResult>) -> Record {
        let unit = Unit { row: Row::Chips, point: 0, trial: 0 };
        Record { shots, ..Record::new(unit, 100) }
    }

    #[test]
    fn a_drop_of_one_point_passes_in_spite_of_rounding() {
        let counts = |lost| ClassCounts {
            correct: 97 - lost,
            lost,
            gained: 0,
            same: 100 - lost,
            among: 1,
            judged: None,
            output_difference: (lost == 1).then_some(0.2),
        };
        let one = chip(vec![ShotResult::Classes(counts(1))]);
        let criterion = Criterion::Drop(0.01);
        assert!(criterion.passes(criterion.value(&one).unwrap()));
        let two = chip(vec![ShotResult::Classes(counts(1)), ShotResult::Classes(counts(3))]);
        assert!(!criterion.passes(criterion.value(&two).unwrap()));
        assert!(Criterion::Accuracy(0.95).passes(Criterion::Accuracy(0.95).value(&two).unwrap()));
        assert_eq!(Criterion::RmsError(1.0).value(&two), None);
        assert_eq!(Criterion::MatrixError(1.0).value(&two), None);
        assert_eq!(Criterion::OutputDifference(0.2).value(&one), Some(0.2));
        // One of the shots is that of an early run.
        assert_eq!(Criterion::OutputDifference(0.2).value(&two), None);
    }

    #[test]
    fn errors_pass_below_their_limit() {
        let errors = ValueErrors {
            rms_error: 0.5,
            rms_error_se: 0.0,
            difference: 0.2,
            difference_se: 0.0,
            target_sd: 1.0,
            output_difference: 0.1,
        };
        let record = chip(vec![ShotResult::Values(errors)]);
        for (criterion, passes) in [
            (Criterion::RmsError(0.5), true),
            (Criterion::RmsError(0.4), false),
            (Criterion::Drop(0.2), true),
            (Criterion::Drop(0.1), false),
            (Criterion::OutputDifference(0.1), true),
            (Criterion::OutputDifference(0.09), false),
        ] {
            assert_eq!(criterion.passes(criterion.value(&record).unwrap()), passes, "{criterion}");
        }
        assert_eq!(Criterion::Accuracy(0.5).value(&record), None);
        let quality = MatrixQuality {
            infidelity: 0.02,
            error: 0.2,
            scaled_error: 0.2,
            transmission_db: 0.0,
            heater_power_w: None,
        };
        let matrix = Record { matrix: Some(MatrixResult { design: None, chip: Some(quality) }), ..chip(Vec::new()) };
        assert!(Criterion::Fidelity(0.98).passes(Criterion::Fidelity(0.98).value(&matrix).unwrap()));
        assert!(!Criterion::MatrixError(0.19).passes(Criterion::MatrixError(0.19).value(&matrix).unwrap()));
        assert_eq!(Criterion::Drop(0.1).value(&matrix), None);
        assert_eq!(Criterion::Fidelity(0.98).to_string(), "fidelity ≥ 0.98");
    }

    #[test]
    fn the_key_is_a_table_of_one_limit() {
        #[derive(Deserialize, Serialize)]
        struct File {
            pass: Criterion,
        }
        let file: File = toml::from_str("pass = { matrix_error = 0.1 }").unwrap();
        assert_eq!(file.pass, Criterion::MatrixError(0.1));
        assert_eq!(toml::to_string(&file).unwrap().trim(), "[pass]\nmatrix_error = 0.1");
        assert!(toml::from_str::<File>("pass = { accuracy = 0.1, drop = 0.1 }").is_err());
        assert!(Criterion::Accuracy(1.1).check().is_err() && Criterion::RmsError(f64::NAN).check().is_err());
    }
}
