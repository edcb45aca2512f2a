//! The criteria of a study, which its file states before it is computed, and whether the results meet them.

use crate::error::{Result, StudyError};
use crate::spec::Criterion;
use crate::tables::{StatRow, StudyTables, error_of, paired, same_levels};
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_numerics::statistics::mean;
use serde_json::Value;

/// Columns of `criteria.csv`.
pub const CRITERIA_COLUMNS: &[ColumnText] = &[
    ("criterion", "", "Name of the criterion."),
    ("quantity", "", "The quantity."),
    ("variant", "", "The variant, and the one that is subtracted."),
    ("at", "", "The row: values of `task`, `test` and swept keys."),
    ("mean", "", "Mean over seeds, of the difference if a variant is subtracted."),
    ("se", "", "Its standard error over seeds; differences are paired by seed."),
    ("required", "", "What the file of the study requires."),
    ("met", "", "Whether it is so."),
];

/// A criterion at one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The criterion.
    pub criterion: Criterion,
    /// The row in words.
    pub at: String,
    /// Mean over seeds.
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// Whether it is met.
    pub met: bool,
}

impl Criterion {
    /// The bounds in words.
    #[must_use]
    pub fn required(&self) -> String {
        let bounds = [("above", self.above), ("below", self.below)];
        let bounds: Vec<String> =
            bounds.into_iter().filter_map(|(word, bound)| Some(format!("{word} {}", bound?))).collect();
        let margin =
            if self.standard_errors > 0.0 { format!(" by {} s.e.", self.standard_errors) } else { String::new() };
        format!("{}{margin}", bounds.join(", "))
    }

    fn is_met(&self, mean: f64, se: f64) -> bool {
        // One seed has no standard error, and shows nothing about a margin.
        let margin = if self.standard_errors > 0.0 { self.standard_errors * se } else { 0.0 };
        mean.is_finite()
            && self.above.is_none_or(|bound| mean - margin > bound)
            && self.below.is_none_or(|bound| mean + margin < bound)
    }

    /// Whether a row is one that the criterion is about.
    fn is_about(&self, row: &StatRow) -> bool {
        let equal = |a: &Value, b: &Value| match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
            _ => a == b,
        };
        self.at.iter().all(|(key, value)| {
            let value = crate::units::to_value(value);
            row.levels.iter().any(|(own, level)| own == key && equal(level, &value))
        })
    }
}

impl StudyTables<'_> {
    /// All criteria at all rows that they are about.
    ///
    /// # Errors
    ///
    /// A criterion that names no quantity or no row of the tables.
    pub fn checks(&self) -> Result<Vec<Check>> {
        let spec = &self.outcome().study.spec;
        let mut checks = Vec::new();
        for criterion in &spec.criterion {
            let problem = |problem: String| StudyError::Criterion { name: criterion.name.clone(), problem };
            let has = |rows: &[StatRow]| rows.iter().any(|row| row.quantity(&criterion.quantity).is_some());
            let Some(rows) = [&self.tests, &self.sequences, &self.trainings].into_iter().find(|rows| has(rows)) else {
                let all = [&self.tests, &self.sequences, &self.trainings].into_iter().filter_map(|rows| rows.first());
                let known: Vec<&str> =
                    all.flat_map(|row| row.quantities.iter().map(|(name, _)| name.as_str())).collect();
                return Err(problem(format!(
                    "found the quantity `{}`, expected one of {}",
                    criterion.quantity,
                    known.join(", ")
                )));
            };
            let variant = spec.variant_of(&criterion.variant);
            let minus = criterion.minus.as_ref().and_then(|name| spec.variant_of(name));
            let before = checks.len();
            for row in rows.iter().filter(|row| Some(row.variant) == variant && criterion.is_about(row)) {
                let Some(values) = row.quantity(&criterion.quantity) else { continue };
                let (mean, se) = match minus {
                    None => (mean(values), error_of(values)),
                    Some(minus) => {
                        let other = same_levels(rows, row, minus).and_then(|other| other.quantity(&criterion.quantity));
                        other.map_or((f64::NAN, f64::NAN), |other| paired(values, other))
                    }
                };
                let at =
                    row.levels.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(", ");
                let met = criterion.is_met(mean, se);
                checks.push(Check { criterion: criterion.clone(), at, mean, se, met });
            }
            if checks.len() == before {
                let keys: Vec<&str> =
                    rows.first().into_iter().flat_map(|row| row.levels.iter().map(|(key, _)| key.as_str())).collect();
                let at: Vec<String> = criterion.at.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                return Err(problem(format!(
                    "found no row at {}, expected values of {}",
                    at.join(", "),
                    keys.join(", ")
                )));
            }
        }
        Ok(checks)
    }
}

/// `criteria.csv`.
#[must_use]
pub fn criteria_table(checks: &[Check]) -> ResultTable {
    let mut table = ResultTable::new("criteria", &CRITERIA_COLUMNS.iter().map(|column| column.0).collect::<Vec<_>>());
    for check in checks {
        let Criterion { name, quantity, variant, minus, .. } = &check.criterion;
        let minus = minus.as_ref().map(|minus| format!(" − {minus}")).unwrap_or_default();
        let cells: [ResultValue; 8] = [
            name.as_str().into(),
            quantity.as_str().into(),
            format!("{variant}{minus}").as_str().into(),
            check.at.as_str().into(),
            check.mean.into(),
            check.se.into(),
            check.criterion.required().as_str().into(),
            check.met.into(),
        ];
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_counted_in_standard_errors() {
        let mut criterion: Criterion =
            toml::from_str("name = 'a'\nquantity = 'chips'\nvariant = 'b'\nabove = 0.1\nstandard_errors = 2").unwrap();
        assert!(criterion.is_met(0.2, 0.04) && !criterion.is_met(0.2, 0.05) && !criterion.is_met(0.2, f64::NAN));
        criterion.standard_errors = 0.0;
        assert!(criterion.is_met(0.2, f64::NAN) && !criterion.is_met(f64::NAN, 0.0));
        assert_eq!(criterion.required(), "above 0.1");
    }
}
