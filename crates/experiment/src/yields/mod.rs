//! How many chips work, how large an error they bear, and what each source of error costs.
//!
//! ```text
//! yield      a run whose trials grow until the interval is narrow        ─▶ share of chips that pass, at each point
//! tolerance  a run whose units are chips at many levels of an error      ─▶ level that a given share of chips bears
//! budget     a run over sets of sources that are on (the key `sources`)  ─▶ cost of each source, alone and among the others
//! ```
//!
//! Equal trials have equal draws whatever the level or the sources, so that points are compared chip by chip.

pub mod budget;
pub mod sensitivity;
pub mod share;
pub mod tolerance;

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::criterion::Criterion;
use crate::store::outcome::Outcome;
use crate::store::record::{Record, Row, Unit};
use phaseloom_files::InvalidValue;
use phaseloom_numerics::statistics::{mean, standard_error};

/// A mean over chips with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error; 0 if all values are equal.
    pub error: f64,
}

impl Mean {
    /// The mean of values of independent chips.
    pub(crate) fn new(values: &[f64]) -> Self {
        Self { value: mean(values), error: standard_error(values) }
    }
}

/// The criterion of an experiment, or the default of a network.
///
/// # Errors
///
/// None given for a matrix, or one on a quantity that the experiment does not have.
pub fn criterion(experiment: &Experiment) -> Result<Criterion, ExperimentError> {
    let config = &experiment.config;
    match config.pass.or(Criterion::default_for(config.is_matrix())) {
        Some(criterion) if criterion.is_of_matrix() == config.is_matrix() => {
            criterion.check().map(|()| criterion).map_err(|invalid| experiment.with_line(invalid))
        }
        Some(criterion) => Err(Problem::Criterion { criterion }.in_file(&experiment.path)),
        None => {
            let expected =
                "what a chip must reach: `matrix_error` or `fidelity` in the table [pass], or the option of that name";
            Err(experiment.with_line(InvalidValue::new("pass", "none", expected)))
        }
    }
}

/// Checks that chips differ from a perfect one: that a source is on at some point.
///
/// # Errors
///
/// An experiment without a source of error.
pub fn expect_source(experiment: &Experiment) -> Result<(), ExperimentError> {
    match experiment.points()?.iter().all(|point| sources(&point.config).is_empty()) {
        true => {
            let expected = "an imperfection in `process`, or a part of the `link` that is less than ideal";
            Err(experiment.with_line(InvalidValue::new("process", "no source of error", expected)))
        }
        false => Ok(()),
    }
}

/// The sources that are on. Those of the link do not act on a matrix.
fn sources(config: &Config) -> Vec<&'static str> {
    let of_process: Vec<&str> = config.process.sources().map(|(key, _)| key).collect();
    let all = config.sources_on().into_iter();
    all.filter(|key| !config.is_matrix() || of_process.contains(key)).collect()
}

/// The records of a row at a point, one per trial.
fn chips(outcome: &Outcome, row: Row, point: usize) -> Vec<&Record> {
    let units = Unit { row, point, trial: 0 }..=Unit { row, point, trial: u64::MAX };
    outcome.records.range(units).map(|(_, record)| record).collect()
}

#[cfg(test)]
mod tests;
