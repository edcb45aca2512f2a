//! The columns of a table that a report shows: words in place of keys, one unit for all numbers of a column.

use crate::error::ReportError;
use crate::plot::label::{Quantity, quantity};
use crate::report::words::{self, significant};
use crate::summary::{Score, Values};
use crate::table::Table;

/// How a column is written.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// The swept keys, from the column after `point` to the next one with words.
    Keys,
    Text,
    Number,
    /// A whole number from 0.
    Count,
    /// A share, in per cent.
    Share,
    /// A value or a difference of the score.
    Score,
    /// A value of the quantity that the criterion of a yield limits.
    Criterion,
    /// A number in the unit of this key, with an SI prefix.
    Unit(&'static str),
}

use Form::{Count, Keys, Number, Share, Text, Unit};

/// A table that a report shows: its key, its title, and its columns with their words. `{}` is the score in columns and words.
pub(super) struct Listing {
    pub key: &'static str,
    pub title: &'static str,
    columns: &'static [(&'static str, &'static str, Form)],
}

/// The tables of a report, in its order.
pub(super) const LISTINGS: &[Listing] = &[
    Listing {
        key: "summary",
        title: "Scores at every setting",
        columns: &[
            ("row", "hardware", Text),
            ("<key>", "", Keys),
            ("{}_q50", "{}, median", Form::Score),
            ("{}_q10", "10 % quantile", Form::Score),
            ("{}_q90", "90 % quantile", Form::Score),
            ("{}_mean", "mean", Form::Score),
            ("chips", "chips", Count),
            ("difference", "difference from the reference", Form::Score),
            ("difference_se", "standard error of the difference", Form::Score),
            ("agreement", "agreement with the reference", Share),
            ("r_squared", "R²", Number),
            ("infidelity_law", "law of the infidelity", Number),
            ("error_mean", "matrix error, mean", Number),
            ("error_law", "law of the matrix error", Number),
            ("transmission_db_mean", "transmission, mean (dB)", Number),
            ("heater_power_w_mean", "heater power, mean", Unit("power_w")),
        ],
    },
    Listing {
        key: "yield",
        title: "Share of passing chips at every setting",
        columns: &[
            ("<key>", "", Keys),
            ("yield", "yield", Share),
            ("yield_low", "95 % interval from", Share),
            ("yield_high", "to", Share),
            ("passes", "chips that pass", Count),
            ("chips", "chips", Count),
            ("criterion", "criterion", Text),
            ("limit", "limit of the criterion", Form::Criterion),
            ("mean", "mean over chips", Form::Criterion),
            ("reached", "reached by 90 % of the chips", Form::Criterion),
        ],
    },
    Listing {
        key: "tolerance",
        title: "Tolerance at every setting",
        columns: &[
            ("<key>", "", Keys),
            ("yield", "yield asked for", Share),
            ("chips", "chips", Count),
            ("tolerance", "tolerance", Number),
            ("low", "95 % interval from", Number),
            ("high", "to", Number),
            ("share", "chips that pass there", Share),
            ("next_level", "next level", Number),
            ("next_share", "chips that pass at the next level", Share),
            ("fail_all", "chips that pass nowhere", Share),
            ("pass_all", "chips that pass everywhere", Share),
        ],
    },
    Listing {
        key: "budget",
        title: "Cost of each source of error",
        columns: &[
            ("<key>", "", Keys),
            ("quantity", "quantity", Text),
            ("source", "source", Text),
            ("shapley", "average over orders (Shapley)", Form::Score),
            ("shapley_se", "standard error", Form::Score),
            ("alone", "alone", Form::Score),
            ("alone_se", "standard error", Form::Score),
            ("left_out", "all − all but this one", Form::Score),
            ("left_out_se", "standard error", Form::Score),
        ],
    },
    Listing {
        key: "sensitivity",
        title: "Most sensitive components",
        columns: &[
            ("component", "component", Text),
            ("layer", "layer", Count),
            ("tile", "tile", Count),
            ("stage", "stage", Count),
            ("column", "column", Count),
            ("mode", "mode", Count),
            ("sensitivity", "sensitivity of perfect chips (1/rad)", Number),
            ("chips_sensitivity", "sensitivity of sampled chips (1/rad)", Number),
            ("share", "share of the variance", Share),
        ],
    },
    Listing {
        key: "tests",
        title: "Tests of the comparison with electronics",
        columns: &[
            ("test", "test", Text),
            ("answer", "answer", Text),
            ("number", "number", Number),
            ("limit", "limit", Number),
            ("meaning", "meaning", Text),
        ],
    },
    Listing {
        key: "cost",
        title: "Energy, time and area at every setting",
        columns: &[
            ("<key>", "", Keys),
            ("score_mean", "{}, mean", Form::Score),
            ("correct_share", "correct chips", Share),
            ("readout_bits", "readout bits", Number),
            ("energy_j", "energy of one inference", Unit("energy_j")),
            ("energy_per_mac_j", "energy of one multiply-accumulate", Unit("energy_j")),
            ("power_w", "power", Unit("power_w")),
            ("latency_s", "latency", Unit("time_s")),
            ("period_s", "time between inferences", Unit("time_s")),
            ("area_m2", "area (m²)", Number),
            ("systolic_ratio", "systolic array over light", Number),
            ("systolic_q05", "5 % quantile", Number),
            ("systolic_q95", "95 % quantile", Number),
            ("tree_ratio", "adder tree over light", Number),
            ("tree_q05", "5 % quantile", Number),
            ("tree_q95", "95 % quantile", Number),
            ("pareto", "on the front", Text),
        ],
    },
    Listing {
        key: "energy",
        title: "Energy of one inference by part",
        columns: &[
            ("side", "side", Text),
            ("part", "part", Text),
            ("joule", "energy", Unit("energy_j")),
            ("share", "share of the side", Share),
        ],
    },
    Listing {
        key: "electronics",
        title: "Electronics next to light",
        columns: &[
            ("array", "electronics", Text),
            ("precision", "precision", Text),
            ("bits", "bits", Number),
            ("energy_per_mac_j", "energy of one multiply-accumulate", Unit("energy_j")),
            ("latency_s", "latency", Unit("time_s")),
            ("area_m2", "area (m²)", Number),
            ("ratio", "energy over that of light", Number),
            ("q05", "5 % quantile", Number),
            ("q95", "95 % quantile", Number),
        ],
    },
    Listing {
        key: "turning",
        title: "Values at which the comparison turns",
        columns: &[
            ("array", "electronics", Text),
            ("quantity", "quantity", Text),
            ("unit", "unit", Text),
            ("own", "own value", Number),
            ("turns_at", "turns at", Number),
            ("light_wins", "light takes less", Text),
        ],
    },
    Listing {
        key: "design",
        title: "Layers on their cores",
        columns: &[
            ("<key>", "", Keys),
            ("layer", "layer", Count),
            ("outputs", "outputs", Count),
            ("inputs", "inputs", Count),
            ("tiles", "tiles", Count),
            ("cores", "cores", Count),
            ("interferometers_per_core", "interferometers of a core", Count),
            ("depth", "columns of cells", Count),
            ("transmission_db", "transmission (dB)", Number),
            ("enob", "bits of a full-scale readout", Number),
            ("matrix_error_predicted", "matrix error, predicted", Number),
            ("matrix_error_measured", "matrix error, measured", Number),
            ("readout_bits", "readout bits", Number),
        ],
    },
];

/// A column that is shown.
pub(super) struct Column {
    /// Its index in the table.
    pub index: usize,
    pub title: String,
    pub is_number: bool,
    form: Form,
    quantity: Quantity,
    factor: f64,
    is_percent: bool,
}

impl Listing {
    /// Checks the cells of a table: numbers are finite, counts are whole, shares are in 0…1.
    ///
    /// # Errors
    /// The first cell that is not what its column holds.
    pub(super) fn check(&self, table: &Table) -> Result<(), ReportError> {
        for (index, _, form) in self.found(table, Score::in_table(table)) {
            let name = &table.header()[index];
            for row in table.rows().iter().filter(|row| !row.text(index).is_empty()) {
                match form {
                    Text => Ok(()),
                    Keys => table.level(row, index).map(|_| ()),
                    Number | Unit(_) | Form::Score | Form::Criterion => table.number(row, name).map(|_| ()),
                    Count => table.count(row, name).map(|_| ()),
                    Share => table.share(row, name).map(|_| ()),
                }?;
            }
        }
        Ok(())
    }

    /// The columns that a table has: index, title and form.
    fn found(&self, table: &Table, score: Option<&'static Score>) -> impl Iterator<Item = (usize, &'static str, Form)> {
        let key = score.map_or("score", |score| score.key);
        let position = |column: &str| table.column(&column.replace("{}", key)).ok();
        let mut found = Vec::new();
        for (column, title, form) in self.columns {
            if !matches!(form, Keys) {
                found.extend(position(column).map(|index| (index, *title, *form)));
                continue;
            }
            // The swept keys end where the first column with words begins.
            let from = position("point").map_or(0, |point| point + 1);
            let others = self.columns.iter().filter_map(|(column, ..)| position(column));
            let end = others.filter(|index| *index >= from).min().unwrap_or(from);
            found.extend((from..end).map(|index| (index, "", Keys)));
        }
        found.into_iter()
    }

    /// The columns of a table that hold anything, in the order of the report.
    pub(super) fn columns(&self, table: &Table, score: Option<&'static Score>) -> Vec<Column> {
        let name = score.map_or("score", Score::name);
        let column = |(index, title, form): (usize, &str, Form)| {
            Column::new(table, index, &title.replace("{}", name), form, score)
        };
        let mut columns: Vec<Column> = self.found(table, score).map(column).collect();
        columns.retain(|column| table.rows().iter().any(|row| !row.text(column.index).is_empty()));
        columns
    }
}

impl Column {
    fn new(table: &Table, index: usize, title: &str, form: Form, score: Option<&'static Score>) -> Self {
        let key = table.header()[index].as_str();
        let cells = || table.rows().iter().map(|row| row.text(index)).filter(|text| !text.is_empty());
        let numbers: Option<Vec<f64>> = cells().map(|text| text.parse().ok()).collect();
        let is_number = !matches!(form, Text) && numbers.is_some();
        let quantity = quantity(match form {
            Unit(key) => key,
            _ => key,
        });
        let largest =
            numbers.unwrap_or_default().into_iter().fold(0.0, |largest: f64, number| largest.max(number.abs()));
        let takes_prefix = is_number && matches!(form, Keys | Unit(_)) && quantity.takes_prefix();
        let (factor, unit) = if takes_prefix { quantity.scaled(largest) } else { (1.0, quantity.unit.to_owned()) };
        let is_percent = match form {
            Share => true,
            Form::Score => score.is_none_or(|score| score.values != Values::Numbers),
            Form::Criterion => words::is_share(criterion(table), score),
            _ => false,
        };
        let title = match form {
            Keys if is_number => quantity.title(&unit),
            Keys => quantity.name.clone(),
            Unit(_) => format!("{title} ({unit})"),
            Form::Score if is_percent && (key.starts_with("difference") || score.is_some() && is_cost(key)) => {
                format!("{title} (points)")
            }
            Form::Criterion if is_percent && criterion(table) == "drop" => format!("{title} (points)"),
            _ if is_percent => format!("{title} (%)"),
            _ => title.to_owned(),
        };
        Self { index, title, is_number, form, quantity, factor, is_percent }
    }

    /// A cell in words, or a number in the unit of the column.
    pub(super) fn text(&self, cell: &str) -> String {
        let number = cell.parse::<f64>().ok().filter(|_| self.is_number);
        match (number, self.form) {
            _ if cell.is_empty() => "–".to_owned(),
            (Some(number), _) if self.is_percent => format!("{:.2}", 100.0 * number + 0.0).replace('-', "−"),
            (Some(number), _) => significant(number / self.factor),
            (None, Keys) => self.quantity.value(cell),
            (None, _) => words::cell(cell),
        }
    }
}

/// The criterion of a yield, the same in all rows.
fn criterion(table: &Table) -> &str {
    table.column("criterion").map_or("", |index| table.rows()[0].text(index))
}

/// Whether the values of a column of a budget are costs.
fn is_cost(key: &str) -> bool {
    ["shapley", "alone", "left_out"].iter().any(|name| key.starts_with(name))
}
