//! The tables of a run without a network: the quality of one matrix on many chips.
//!
//! * `table.csv` has one row per chip, and one per perfect chip.
//! * `summary.csv` has one row per point and kind of row, with the law next to the mean.

use crate::output::table::{Columns, Tables, leading_columns};
use crate::store::record::{MatrixDesign, MatrixQuality, Row};
use phaseloom_files::ResultTable;
use phaseloom_numerics::statistics::{mean, quantile, standard_error, variance};

/// Kinds of rows, in order.
const ROWS: [Row; 2] = [Row::Perfect, Row::Chips];

/// The tables of a finished run without a network.
pub(super) struct MatrixTables<'a>(pub(super) &'a Tables<'a>);

/// A quantity of a chip, with its name in tables.
type Quantity = (&'static str, fn(&MatrixQuality) -> f64);

/// The quantities of a chip. An unknown one is NaN.
const QUANTITIES: [Quantity; 5] = [
    ("infidelity", |quality| quality.infidelity),
    ("error", |quality| quality.error),
    ("error_scaled", |quality| quality.scaled_error),
    ("transmission_db", |quality| quality.transmission_db),
    ("heater_power_w", |quality| quality.heater_power_w.unwrap_or(f64::NAN)),
];

impl MatrixTables<'_> {
    /// Quality of every chip of a row at a point.
    pub fn qualities(&self, row: Row, point: usize) -> Vec<MatrixQuality> {
        self.0.records(row, point).iter().filter_map(|record| record.matrix.as_ref()?.chip).collect()
    }

    /// Size and law of the program at a point.
    pub fn design(&self, point: usize) -> Option<&MatrixDesign> {
        self.0.reference(Row::Design, point)?.matrix.as_ref()?.design.as_ref()
    }

    /// The settings on which every result depends.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let config = &self.0.points()[0].config;
        let is_swept = self.0.points()[0].levels.iter().any(|(key, _)| key == "correction");
        vec![("correction", if is_swept { "swept".to_owned() } else { config.correction.clone() })]
    }

    /// `table`: one row per chip.
    pub fn units(&self) -> ResultTable {
        let mut rows = Vec::new();
        for point in self.0.points() {
            for row in ROWS {
                for (trial, quality) in self.qualities(row, point.index).iter().enumerate() {
                    let mut columns = leading_columns(row, point);
                    columns.push(("trial".into(), trial.into()));
                    columns.extend(QUANTITIES.map(|(name, value)| (name.to_owned(), value(quality).into())));
                    rows.push(columns);
                }
            }
        }
        ResultTable::from_rows("table", rows)
    }

    /// `summary`: statistics over the chips of each row and point, with the law of the row `chips`.
    pub fn summary(&self) -> ResultTable {
        let mut rows = Vec::new();
        for point in self.0.points() {
            for row in ROWS {
                let qualities = self.qualities(row, point.index);
                let law = self.design(point.index).filter(|_| row == Row::Chips);
                let laws = law.map_or([None; 2], |design| [design.infidelity, design.error]);
                let mut columns = leading_columns(row, point);
                columns.push(("chips".into(), qualities.len().into()));
                for (i, (name, value)) in QUANTITIES.into_iter().enumerate() {
                    columns.extend(statistics(name, &qualities.iter().map(value).collect::<Vec<_>>()));
                    if let Some(law) = laws.get(i) {
                        columns.push((format!("{name}_law"), (*law).into()));
                    }
                }
                rows.push(columns);
            }
        }
        ResultTable::from_rows("summary", rows)
    }
}

/// Mean, standard deviation, standard error and quantiles of a quantity.
fn statistics(name: &str, values: &[f64]) -> Columns {
    let [low, median, high] = [0.1, 0.5, 0.9].map(|p| quantile(values, p));
    let statistics = [
        ("mean", mean(values)),
        ("sd", variance(values).sqrt()),
        ("se", standard_error(values)),
        ("q10", low),
        ("q50", median),
        ("q90", high),
    ];
    statistics.map(|(statistic, value)| (format!("{name}_{statistic}"), value.into())).to_vec()
}
