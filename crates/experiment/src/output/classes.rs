//! The classes of a classification: `classes.csv` has one row per class, `confusion.csv` one per pair of true and predicted
//! classes.

use crate::output::table::{Columns, ROWS, Tables, leading_columns, numbers};
use crate::store::record::{Record, Row};
use phaseloom_files::ResultTable;
use phaseloom_numerics::statistics::{mean, variance};
use std::collections::BTreeMap;

/// Rows of a classification with their records, at one point.
struct Classified<'a> {
    leading: Columns,
    records: Vec<&'a Record>,
    names: &'a [String],
}

impl Classified<'_> {
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
        let mut pairs: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for record in &row.records {
            for (label, predicted, count) in record.confusion.counts() {
                *pairs.entry((label, predicted)).or_default() += count as f64 / record.shots.len() as f64;
            }
        }
        for ((label, predicted), count) in pairs {
            let mut columns = row.leading.clone();
            columns.push(("true".into(), row.name(label).into()));
            columns.push(("predicted".into(), row.name(predicted).into()));
            columns.push(("count".into(), (count / row.records.len() as f64).into()));
            rows.push(columns);
        }
    }
    ResultTable::from_rows("confusion", rows)
}
