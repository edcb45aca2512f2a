//! The yield: the share of chips that reach a criterion, with its interval.
//!
//! The interval is that of Wilson, nominally 95 %; stopping when it is narrow costs little coverage (0.93 to 0.97 of the true
//! yields 0.9, 0.5 and 0.99). Where a guarantee is claimed, the limits of Clopper and Pearson stand next to it. Both are about
//! chips: the test set is fixed, and its own standard error is in a column of its own.

use crate::error::{ExperimentError, Problem};
use crate::input::criterion::Criterion;
use crate::output::table::Tables;
use crate::score::Better;
use crate::store::outcome::Outcome;
use crate::store::record::Row;
use crate::yields::{Mean, chips};
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_numerics::binomial::{clopper_pearson, quantile_ranks, wilson};
use phaseloom_numerics::statistics::quantile;
use serde_json::Value;
use std::path::Path;

/// The share of chips whose value the column `reached` is about.
const MOST: f64 = 0.9;

/// Columns of `yield.csv`.
pub const YIELD_COLUMNS: &[ColumnText] = &[
    ("point", "", "Index of the point of the grid, from 0."),
    ("<key>", "", "Value of a swept key."),
    ("criterion", "", "What a chip must reach: `accuracy`, `rms_error`, `drop`, `matrix_error` or `fidelity`."),
    ("limit", "as the quantity", "The limit of the criterion."),
    ("chips", "", "Number of chips."),
    ("passes", "", "Number of chips that reach it."),
    ("yield", "1", "Share of chips that reach it."),
    ("yield_low", "1", "Lower end of the 95 % interval of Wilson."),
    ("yield_high", "1", "Its upper end."),
    ("guaranteed_low", "1", "Lower end of the 95 % interval of Clopper and Pearson, whose coverage is never less."),
    ("guaranteed_high", "1", "Its upper end."),
    ("mean", "as the quantity", "Mean over chips of the quantity that the criterion compares."),
    ("mean_se", "as the quantity", "Standard error of that mean over chips."),
    ("reached", "as the quantity", "The value that 90 % of the chips reach: a quantile of type 7 over chips."),
    (
        "reached_low",
        "as the quantity",
        "Lower end of its 95 % interval from order statistics, whatever the distribution; empty with too few chips.",
    ),
    ("reached_high", "as the quantity", "Upper end of that interval; empty with too few chips."),
    (
        "test_se",
        "as the score",
        "Standard error of the score from the finite test set, common to all chips; no part of the interval of the yield.",
    ),
    ("difference", "1", "Yield minus that of the first point, on the same chips."),
    ("difference_se", "1", "Standard error of that difference, paired by chips."),
];

/// The yield at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct PointYield {
    /// Index of the point.
    pub point: usize,
    /// (key, value) of every swept key.
    pub levels: Vec<(String, Value)>,
    /// The compared quantity of every chip.
    pub values: Vec<f64>,
    /// Number of chips that pass.
    pub passes: u64,
    /// Standard error of the score from the finite test set; NaN without one.
    pub test_se: f64,
    /// Yield minus that of the first point, paired by chips.
    pub difference: Mean,
}

impl PointYield {
    /// Number of chips.
    #[must_use]
    pub fn chips(&self) -> u64 {
        self.values.len() as u64
    }

    /// Share of chips that pass.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.passes as f64 / self.values.len() as f64
    }

    /// Its 95 % interval of Wilson.
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        wilson(self.passes, self.chips())
    }

    /// Half the width of that interval.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        let (low, high) = self.interval();
        0.5 * (high - low)
    }

    /// Mean of the compared quantity over chips.
    #[must_use]
    pub fn mean(&self) -> Mean {
        Mean::new(&self.values)
    }

    /// The value that 90 % of the chips reach, with the ends of its interval from order statistics.
    #[must_use]
    pub fn reached(&self, better: Better) -> (f64, Option<f64>, Option<f64>) {
        let order = if better == Better::Higher { 1.0 - MOST } else { MOST };
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let at =
            |rank: Option<u64>| rank.and_then(|rank| sorted.get(usize::try_from(rank).ok()?.checked_sub(1)?).copied());
        let (low, high) = quantile_ranks(self.chips(), order);
        (quantile(&sorted, order), at(low), at(high))
    }
}

/// The yields of all points of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Yields {
    /// What a chip must reach.
    pub criterion: Criterion,
    /// One yield per point.
    pub points: Vec<PointYield>,
}

impl Yields {
    /// The yields of a run whose units for all its trials are computed. `path` is that of the experiment, for messages.
    ///
    /// # Errors
    ///
    /// A criterion on a quantity that the chips do not have.
    ///
    /// # Panics
    ///
    /// If units are missing.
    pub fn new(outcome: &Outcome, criterion: Criterion, path: &Path) -> Result<Self, ExperimentError> {
        assert!(outcome.missing == 0, "yields of an unfinished run");
        let tables = Tables::new(outcome);
        let mut points: Vec<PointYield> = Vec::new();
        for point in &outcome.points {
            let records = chips(outcome, Row::Chips, point.index);
            let values: Option<Vec<f64>> = records.iter().map(|chip| criterion.value(chip)).collect();
            let values = values.ok_or_else(|| Problem::Criterion { criterion }.in_file(path))?;
            let passes: Vec<f64> = values.iter().map(|value| f64::from(u8::from(criterion.passes(*value)))).collect();
            let test_se = match &tables {
                Some(tables) if !tables.is_matrix() => tables.summary(Row::Chips, point.index).test_se,
                _ => f64::NAN,
            };
            let first = points.first().map(|first| first.values.as_slice()).unwrap_or(&values);
            let paired =
                passes.iter().zip(first).map(|(own, first)| own - f64::from(u8::from(criterion.passes(*first))));
            points.push(PointYield {
                point: point.index,
                levels: point.levels.clone(),
                passes: passes.iter().filter(|pass| **pass > 0.5).count() as u64,
                test_se,
                difference: Mean::new(&paired.collect::<Vec<_>>()),
                values,
            });
        }
        Ok(Self { criterion, points })
    }

    /// Whether every interval is at most this wide on each side.
    #[must_use]
    pub fn is_narrow(&self, half_width: f64) -> bool {
        self.points.iter().all(|point| point.half_width() <= half_width)
    }

    /// `yield.csv`: one row per point.
    #[must_use]
    pub fn table(&self) -> ResultTable {
        let (key, limit) = self.criterion.key_and_limit();
        let row = |point: &PointYield| {
            let (low, high) = point.interval();
            let (guaranteed_low, guaranteed_high) = clopper_pearson(point.passes, point.chips());
            let (reached, reached_low, reached_high) = point.reached(self.criterion.better());
            let mut row: Vec<(String, ResultValue)> = vec![("point".into(), point.point.into())];
            row.extend(point.levels.iter().map(|(key, value)| (key.clone(), ResultValue::from_json(value))));
            row.push(("criterion".into(), key.into()));
            row.push(("limit".into(), limit.into()));
            row.push(("chips".into(), point.chips().into()));
            row.push(("passes".into(), point.passes.into()));
            let numbers = [
                ("yield", Some(point.share())),
                ("yield_low", Some(low)),
                ("yield_high", Some(high)),
                ("guaranteed_low", Some(guaranteed_low)),
                ("guaranteed_high", Some(guaranteed_high)),
                ("mean", Some(point.mean().value)),
                ("mean_se", Some(point.mean().error)),
                ("reached", Some(reached)),
                ("reached_low", reached_low),
                ("reached_high", reached_high),
                ("test_se", Some(point.test_se).filter(|error| error.is_finite())),
                ("difference", Some(point.difference.value)),
                ("difference_se", Some(point.difference.error)),
            ];
            row.extend(numbers.map(|(name, number)| (name.to_owned(), number.into())));
            row
        };
        ResultTable::from_rows("yield", self.points.iter().map(row).collect())
    }
}
