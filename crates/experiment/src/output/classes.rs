//! The classes of a classification: `classes.csv` has one row per class, `confusion.csv` one per pair of true and predicted
//! classes.

use crate::output::table::{Columns, ROWS, Tables, leading_columns, numbers};
use crate::store::record::{Record, Row};
use phaseloom_files::{Column, ResultTable, TextTable};
use phaseloom_numerics::statistics::{mean, variance};
use std::collections::BTreeMap;

/// Characters of the name of a class on the terminal. Longer names are cut.
const MAX_NAME: usize = 16;

/// Rows of a classification with their records, at one point.
struct Classified<'a> {
    leading: Columns,
    records: Vec<&'a Record>,
    names: &'a [String],
}

impl Classified<'_> {
    /// The pairs of true and predicted classes that occur, with their number of samples, mean over chips and shots.
    fn pairs(&self) -> BTreeMap<(usize, usize), f64> {
        let mut pairs: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for record in &self.records {
            for (label, predicted, count) in record.confusion.counts() {
                *pairs.entry((label, predicted)).or_default() += count as f64 / record.shots.len() as f64;
            }
        }
        pairs.values_mut().for_each(|count| *count /= self.records.len() as f64);
        pairs
    }

    /// The name of a class, or its index.
    fn name(&self, class: usize) -> String {
        self.names.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// Number of samples of each class that occurs.
    fn samples(&self) -> BTreeMap<usize, f64> {
        let mut samples = BTreeMap::new();
        if let Some(first) = self.records.first() {
            let shots = first.shots.len() as f64;
            first
                .confusion
                .counts()
                .for_each(|(label, _, count)| *samples.entry(label).or_default() += count as f64 / shots);
        }
        samples
    }
}

impl Tables<'_> {
    /// The tables `classes` and `confusion`. `None` without classes.
    pub(super) fn class_tables(&self) -> Option<[ResultTable; 2]> {
        let classified = self.classified()?;
        Some([classes(&classified), confusion(&classified)])
    }

    /// The accuracy of each class at each point, in floating point and on chips, and the class that the chips take it for
    /// most often.
    pub(super) fn class_text(&self) -> String {
        let Some(classified) = self.classified() else { return "The data have no classes.\n".into() };
        let mut text = String::new();
        for (point, rows) in self.points().iter().zip(classified.chunks(ROWS.len())) {
            let (Some(exact), Some(chips)) = (rows.first(), rows.last()) else { continue };
            let values = self.axis_names_and_values(point);
            if !values.is_empty() {
                text += &format!("{values}\n");
            }
            text += &format!("{}\n", accuracies(exact, chips));
        }
        text
    }

    /// The rows of a classification. `None` for other tasks, and if a record lacks its counts.
    fn classified(&self) -> Option<Vec<Classified<'_>>> {
        let mut all = Vec::new();
        for point in self.points() {
            let exact = self.records(Row::Exact, point.index).into_iter().next()?;
            for row in ROWS {
                let records = self.records(row, point.index);
                if records.iter().any(|record| record.confusion.is_empty()) {
                    return None;
                }
                all.push(Classified { leading: leading_columns(row, point), records, names: &exact.class_names });
            }
        }
        Some(all)
    }
}

/// Samples and accuracy of each class at a point.
fn accuracies(exact: &Classified<'_>, chips: &Classified<'_>) -> TextTable {
    let mut table =
        TextTable::new(0, [Column::left(), Column::right(), Column::right(), Column::right(), Column::left()].to_vec());
    table.row(["class", "samples", "floating point", "chips", "chips mostly confuse with"].map(str::to_owned));
    let (exact_pairs, chip_pairs) = (exact.pairs(), chips.pairs());
    let shown = |class: usize| match exact.name(class) {
        name if name.chars().count() > MAX_NAME => name.chars().take(MAX_NAME - 1).chain(['…']).collect(),
        name => name,
    };
    for (class, samples) in exact.samples() {
        let percent = |count: f64| format!("{:.2} %", 100.0 * count / samples);
        let correct = |pairs: &BTreeMap<_, f64>| percent(pairs.get(&(class, class)).copied().unwrap_or(0.0));
        let wrong = chip_pairs.iter().filter(|((label, predicted), _)| *label == class && *predicted != class);
        let worst = wrong.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0)));
        table.row([
            shown(class),
            format!("{samples:.0}"),
            correct(&exact_pairs),
            correct(&chip_pairs),
            worst.map_or(String::new(), |((_, predicted), count)| {
                format!("{} ({})", shown(*predicted), percent(*count))
            }),
        ]);
    }
    table
}

/// Samples and accuracy of each class, in each row at each point.
fn classes(classified: &[Classified<'_>]) -> ResultTable {
    let mut rows = Vec::new();
    for row in classified {
        for (class, samples) in row.samples() {
            let accuracy = |record: &&Record| {
                let correct =
                    record.confusion.counts().find(|(label, predicted, _)| [*label, *predicted] == [class; 2]);
                correct.map_or(0.0, |(.., count)| count as f64) / (samples * record.shots.len() as f64)
            };
            let accuracies: Vec<f64> = row.records.iter().map(accuracy).collect();
            let mut columns = row.leading.clone();
            columns.push(("class".into(), row.name(class).into()));
            // Every shot has the same samples of a class.
            columns.push(("samples".into(), (samples.round() as u64).into()));
            columns.extend(numbers([
                ("accuracy_mean", mean(&accuracies)),
                ("accuracy_se", (variance(&accuracies) / accuracies.len() as f64).sqrt()),
            ]));
            rows.push(columns);
        }
    }
    ResultTable::from_rows("classes", rows)
}

/// The pairs of true and predicted classes that occur, with their mean number of samples over chips, in each row at each
/// point.
fn confusion(classified: &[Classified<'_>]) -> ResultTable {
    let mut rows = Vec::new();
    for row in classified {
        for ((label, predicted), count) in row.pairs() {
            let mut columns = row.leading.clone();
            columns.push(("true".into(), row.name(label).into()));
            columns.push(("predicted".into(), row.name(predicted).into()));
            columns.push(("count".into(), count.into()));
            rows.push(columns);
        }
    }
    ResultTable::from_rows("confusion", rows)
}
