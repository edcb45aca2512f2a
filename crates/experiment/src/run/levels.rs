//! One chip at many levels of an error: bisection for the level at which it fails (`phaseloom tolerance`).
//!
//! The draws of a chip only scale with a level, so that each chip has a critical level. Chip by chip, scores are not monotone
//! near it: every twentieth chip is also measured on a grid, and the share of pairs in the wrong order is reported.

use crate::error::{ExperimentError, Problem};
use crate::input::criterion::Criterion;
use crate::input::tolerance::ToleranceSettings;
use crate::run::matrix::MatrixPoint;
use crate::run::prepare::PreparedPoint;
use crate::store::record::{Record, Row, Unit};

/// Every chip of this number is measured on a grid, too.
const CHECKED: u64 = 20;

/// Intervals of that grid.
const GRID: u32 = 10;

/// The values of the compared quantity of a chip at the levels that were measured, in their order.
fn search(
    settings: &ToleranceSettings,
    criterion: Criterion,
    trial: u64,
    mut value_at: impl FnMut(u32) -> Result<f64, ExperimentError>,
) -> Result<Vec<(u32, f64)>, ExperimentError> {
    let last = settings.last();
    let mut measured: Vec<(u32, f64)> = Vec::new();
    let mut passes = |level: u32| -> Result<bool, ExperimentError> {
        let value = match measured.iter().find(|(known, _)| *known == level) {
            Some((_, value)) => *value,
            None => {
                let value = value_at(level)?;
                measured.push((level, value));
                value
            }
        };
        Ok(criterion.passes(value))
    };
    if settings.grid.is_some() {
        (0..=last).try_for_each(|level| passes(level).map(drop))?;
    } else if passes(0)? && !passes(last)? {
        let (mut good, mut bad) = (0, last);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            *(if passes(middle)? { &mut good } else { &mut bad }) = middle;
        }
    }
    if settings.grid.is_none() && trial.is_multiple_of(CHECKED) {
        (0..=GRID).try_for_each(|step| passes(step * last / GRID).map(drop))?;
    }
    measured.sort_unstable_by_key(|(level, _)| *level);
    Ok(measured)
}

/// The compared quantity of a chip at a level.
fn value(criterion: Criterion, chip: &Record) -> Result<f64, ExperimentError> {
    criterion.value(chip).ok_or_else(|| ExperimentError::Setting {
        path: "pass".into(),
        line: None,
        problem: Problem::Criterion { criterion },
    })
}

impl PreparedPoint {
    /// Computes the levels of the chip of a unit.
    pub(crate) fn levels(&self, unit: Unit) -> Result<Record, ExperimentError> {
        let criterion = self.config.pass.or(Criterion::default_for(false));
        let (Some(settings), Some(criterion)) = (&self.config.tolerance, criterion) else {
            return Ok(Record::new(unit, 0));
        };
        let chip = Unit { row: Row::Chips, ..unit };
        let levels = search(settings, criterion, unit.trial, |level| {
            value(criterion, &self.at_level(settings, level)?.evaluate(chip)?)
        })?;
        Ok(Record { levels, ..Record::new(unit, self.test_set.exact.ncols() as u64) })
    }

    /// The same point at a level. Programs and scales are those of good chips.
    fn at_level(&self, settings: &ToleranceSettings, level: u32) -> Result<Self, ExperimentError> {
        let config = settings.apply(&self.config, level).map_err(impossible)?;
        let designs = match config.process == self.config.process {
            true => self.designs.clone(),
            // The plan of the point stops with its run.
            false => {
                let plan = self.designs.first().and_then(|design| design.correction());
                self.programs.designs(&config.process, plan)?
            }
        };
        Ok(Self { config, designs, ..self.clone() })
    }
}

impl MatrixPoint {
    /// Computes the levels of the chip of a unit.
    pub(super) fn levels(&self, unit: Unit) -> Result<Record, ExperimentError> {
        let config = self.config();
        let (Some(settings), Some(criterion)) = (&config.tolerance, config.pass) else {
            return Ok(Record::new(unit, 0));
        };
        let chip = Unit { row: Row::Chips, ..unit };
        let levels = search(settings, criterion, unit.trial, |level| {
            let config = settings.apply(config, level).map_err(impossible)?;
            value(criterion, &self.with_config(config).evaluate(chip)?)
        })?;
        Ok(Record { levels, ..Record::new(unit, 0) })
    }
}

/// The error of a level between two possible ones that is not possible.
fn impossible(reason: String) -> ExperimentError {
    let invalid = phaseloom_files::InvalidValue::new("tolerance", "a level between `from` and `to`", reason);
    phaseloom_hardware::HardwareError::Process(invalid).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(from: f64, to: f64) -> ToleranceSettings {
        ToleranceSettings { keys: vec!["process.phase_error.sigma_rad".into()], from, to, scale: false, grid: None }
    }

    #[test]
    fn bisection_finds_the_last_level_that_passes() {
        let settings = settings(1e-4, 10.0);
        let criterion = Criterion::MatrixError(0.05);
        for w in [0.001, 0.3, 1.0, 20.0] {
            let found = search(&settings, criterion, 1, |level| Ok(settings.level(level) * w)).unwrap();
            assert!(found.len() <= 14, "{}", found.len());
            let passing = found.iter().filter(|(_, value)| criterion.passes(*value)).map(|(level, _)| *level).max();
            let critical = settings.level(passing.unwrap());
            // One interval is a factor of (10⁵)^(1/4096).
            let ratio = (critical / (0.05_f64 / w).min(10.0)).ln().abs();
            assert!(ratio <= 1e5_f64.ln() / 4096.0 * 1.001, "{w}: {critical}");
        }
        let fails = search(&settings, criterion, 1, |_| Ok(1.0)).unwrap();
        assert_eq!(fails, [(0, 1.0)]);
    }

    #[test]
    fn some_chips_are_measured_on_a_grid_too() {
        let settings = settings(0.1, 1.0);
        let found = search(&settings, Criterion::MatrixError(0.5), 20, |level| Ok(settings.level(level))).unwrap();
        assert!((0..=10).all(|step| found.iter().any(|(level, _)| *level == step * 4096 / 10)));
        assert!(found.is_sorted_by_key(|(level, _)| *level));
        let grid = ToleranceSettings { grid: Some(5), ..settings };
        let found = search(&grid, Criterion::MatrixError(0.5), 20, |level| Ok(grid.level(level))).unwrap();
        assert_eq!(found.iter().map(|(level, _)| *level).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
