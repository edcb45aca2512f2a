//! The results of a run, with its table for terminals of 80 columns.

use crate::input::grid::Point;
use crate::output::conclusion::{Conclusion, PointScore};
use crate::output::summary::Summary;
use crate::output::table::{ROWS, Tables};
use crate::store::record::Row;
use phaseloom_files::{Column, ResultValue, Results, TextTable, WIDTH};
use phaseloom_hardware::CoreSharing;

/// Characters that the values of all axes may take on the terminal. Longer ones are cut.
const MAX_VALUES: usize = 48;

/// What the text of the results of a run shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Every statistic, in tables wider than most terminals.
    pub wide: bool,
    /// Also the sizes, predictions and measured errors of the layers, which are part of a wide view.
    pub layers: bool,
    /// Also the accuracy of each class.
    pub classes: bool,
}

/// Standard errors below it are rounding, such as that of a regression without residuals.
const ROUNDING: f64 = 1e-9;

impl Tables<'_> {
    /// The results of the run: its tables, with a text for the terminal, and the conclusion.
    #[must_use]
    pub fn results(&self, view: View) -> Results {
        let mut results = Results::default();
        for (key, value) in self.metadata() {
            results.value(key, ResultValue::from_json(&value));
        }
        // One row per unit may be a million rows: they are in the folder of the run.
        self.all().into_iter().filter(|table| table.key != "table").for_each(|table| results.table(table));
        let mut text = String::new();
        if let Some(matrix) = self.matrix() {
            text = matrix.text();
        } else if view.wide {
            self.layers(&mut text);
            self.wide_scores(&mut text);
        } else {
            results.line(self.title());
            self.long_keys().iter().for_each(|line| results.line(line));
            text = format!("\n{}", self.score_table());
            if view.layers {
                text.push('\n');
                self.layers(&mut text);
            }
        }
        if view.classes && self.matrix().is_none() {
            text += &format!("\n{}", self.class_text());
        }
        results.show(text);
        results.show("\n");
        results.sentence(self.matrix().map_or_else(|| self.conclusion().to_string(), |matrix| matrix.conclusion()));
        let exact = self.summary(Row::Exact, 0);
        let has_error = exact.test_se.is_finite() && exact.test_se > ROUNDING;
        if !view.wide && !self.is_matrix() && has_error && self.score().has_reference {
            let quantity = self.score().quantity;
            let text = quantity.text(exact.test_se);
            let means = if self.summary(Row::Chips, 0).chips > 1 { "; rows of chips are means" } else { "" };
            results.sentence(format!("The finite test set gives the first row a standard error of {text}{means}."));
        }
        let without_effect = if self.is_matrix() { Vec::new() } else { self.axes_without_effect() };
        for keys in without_effect {
            results.sentence(format!("{keys} has no effect here: all results are equal along this axis."));
        }
        results
    }

    /// The text of the results in 80 columns.
    #[must_use]
    pub fn text(&self) -> String {
        self.results(View::default()).written(phaseloom_files::ResultFormat::Table)
    }

    /// Name, cores and samples.
    fn title(&self) -> String {
        let ports = self.points()[0].config.core.ports;
        let is_swept = self.axes().iter().any(|(_, key)| key.starts_with("core"));
        let designs = self.design(0).iter().filter_map(|layer| layer.design.as_ref());
        let cores: usize = match self.points()[0].config.core.cores {
            CoreSharing::Shared => 1,
            _ => designs.map(|design| design.cores).sum(),
        };
        let cores = match cores {
            _ if is_swept => String::new(),
            1 => format!(" · one core of {ports}×{ports}"),
            many => format!(" · {many} cores of {ports}×{ports}"),
        };
        let name = self.name().replace(char::is_control, " ");
        format!("{name}{cores} · {} samples", self.samples())
    }

    /// The scores of all rows: references have rows of their own, chips one for each point.
    ///
    /// Columns that do not fit are left out; `--wide` and the files have all of them.
    fn score_table(&self) -> String {
        let others = self.summary(Row::Exact, 0).others.len();
        let table = |(others, spread)| self.score_table_with(others, spread).to_string();
        let fits = |text: &String| text.lines().all(|line| line.chars().count() <= WIDTH);
        let many = self.summary(Row::Chips, 0).chips > 1;
        let selections = (0..=others).rev().map(|others| (others, many)).chain([(0, false)]);
        selections.map(table).find(fits).unwrap_or_else(|| table((0, false)))
    }

    /// The table with some of the further quantities, with or without the spread over chips.
    fn score_table_with(&self, others: usize, spread: bool) -> TextTable {
        let quantity = self.score().quantity;
        let first = self.summary(Row::Exact, 0);
        let first_column = self.first_column();
        let mut columns = vec![Column::left(); 1];
        columns.extend([Column::right(); 3]);
        columns.extend(vec![Column::right(); others]);
        let mut table = TextTable::new(0, columns);
        let of_chips = if spread { "10–90 % of chips" } else { "" };
        let headings = [first_column.heading.clone(), quantity.heading.into(), of_chips.into(), "vs reference".into()];
        let further = first.others.iter().take(others).map(|(other, _)| short_heading(other.heading).to_owned());
        table.row(headings.into_iter().chain(further));
        let mut previous: Vec<Summary> = Vec::new();
        for point in self.points() {
            let summaries = ROWS.map(|row| self.summary(row, point.index));
            for (i, s) in summaries.iter().enumerate() {
                let is_reference = s.row != Row::Chips;
                // A reference equal to that of the point above, and an ideal link without any effect, say nothing new.
                let is_known = previous.get(i).is_some_and(|p| p.scores == s.scores);
                let is_exact = s.row == Row::PerfectIdeal && s.scores == summaries[0].scores;
                if is_reference && (is_known || is_exact) {
                    continue;
                }
                let label =
                    if is_reference { reference(s.row).to_owned() } else { first_column.chips(self, point, s.chips) };
                let quantiles = match is_reference || !spread {
                    true => String::new(),
                    false => {
                        let [low, high] = [0.1, 0.9].map(|p| quantity.text(s.quantile(p)));
                        format!("{} … {high}", low.trim_end_matches(" %"))
                    }
                };
                let difference = match s.row {
                    Row::Exact => String::new(),
                    _ => quantity.difference_text(s.difference, s.difference_se),
                };
                let further = s.others.iter().take(others).map(|(other, value)| other.text(*value));
                table.row([label, quantity.text(s.mean()), quantiles, difference].into_iter().chain(further));
            }
            previous = summaries.to_vec();
        }
        table
    }

    /// The first column: the values of the axes and the number of chips, or the name of a reference.
    fn first_column(&self) -> FirstColumn {
        let names = self.axis_names();
        let cells = self.points().iter().map(|point| shown_values(&self.axis_values(point)));
        let mut widths: Vec<usize> = names.iter().map(|name| name.chars().count()).collect();
        for cells in cells {
            for (width, cell) in widths.iter_mut().zip(&cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut column = FirstColumn { widths, width: 0, heading: String::new() };
        let chips = self.points().iter().map(|p| self.summary(Row::Chips, p.index).chips.to_string().len());
        let natural = column.values(&names).chars().count() + 2 + chips.max().unwrap_or(0).max("chips".len());
        let labels = ROWS.iter().filter(|row| **row != Row::Chips).map(|row| reference(*row).chars().count());
        column.width = natural.max(labels.max().unwrap_or(0));
        column.heading = column.with_count(&names, "chips");
        column
    }

    /// Where the score is kept, and where it is not.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        let chips = self.summary(Row::Chips, 0).chips;
        let is_one_axis = self.axes().len() == 1;
        let score = |point: &Point| {
            let (keys, values) = match is_one_axis {
                true => (format!("{} = ", self.axis_names()[0]), self.axis_values(point).join("")),
                false => (String::new(), self.axis_names_and_values(point)),
            };
            let chips = self.summary(Row::Chips, point.index);
            PointScore {
                keys,
                values,
                number: point.levels.first().and_then(|(_, value)| value.as_f64()).filter(|_| is_one_axis),
                exact: self.summary(Row::Exact, point.index).mean(),
                quantiles: [0.1, 0.5, 0.9].map(|p| chips.quantile(p)),
                tolerance: chips.tolerance,
            }
        };
        Conclusion::new(self.points().iter().map(score).collect(), chips, self.score())
    }
}

/// Widths of the first column and of the values in it.
struct FirstColumn {
    widths: Vec<usize>,
    width: usize,
    heading: String,
}

impl FirstColumn {
    /// Values flush right, two spaces between them.
    fn values(&self, cells: &[String]) -> String {
        let padded = self.widths.iter().zip(cells).map(|(&width, cell)| {
            // Formats of Rust end at a width of 65535.
            " ".repeat(width.saturating_sub(cell.chars().count())) + cell
        });
        padded.collect::<Vec<_>>().join("  ")
    }

    /// Values on the left, a number on the right.
    fn with_count(&self, cells: &[String], count: &str) -> String {
        let values = self.values(cells);
        let gap = self.width.saturating_sub(values.chars().count() + count.chars().count());
        values + &" ".repeat(gap) + count
    }

    /// The cell of the chips at a point.
    fn chips(&self, tables: &Tables<'_>, point: &Point, chips: usize) -> String {
        self.with_count(&shown_values(&tables.axis_values(point)), &chips.to_string())
    }
}

/// Values without control characters, long ones cut.
fn shown_values(values: &[String]) -> Vec<String> {
    let max = (MAX_VALUES / values.len().max(1)).clamp(10, 24);
    let shown = |value: &String| {
        let plain = value.replace(char::is_control, " ");
        match plain.chars().count() > max {
            true => plain.chars().take(max - 1).chain(['…']).collect(),
            false => plain,
        }
    };
    values.iter().map(shown).collect()
}

/// The short name of a reference.
fn reference(row: Row) -> &'static str {
    match row {
        Row::Exact => "floating point",
        Row::PerfectIdeal => "ideal link",
        Row::PerfectReal => "perfect mesh",
        Row::Digital => "digital, same bits",
        other => other.title(),
    }
}

/// The heading of a further quantity, in a few letters.
fn short_heading(heading: &'static str) -> &'static str {
    if heading == "same decisions" { "agree" } else { heading }
}
