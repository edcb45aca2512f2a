//! The tables of a finished study. Their bytes depend on the study alone.
//!
//! * `table.csv`: one row per network, task and point of a test. * `training.csv`: one row per network and task, and
//!   `training-summary.csv` its statistics.
//! * `summary.csv`: statistics over seeds of each row of tests. * `sequence.csv`: of the tasks of a sequence together.
//! * `criteria.csv`: the stated criteria.

use crate::chips::TEST_COLUMNS;
use crate::result::{NetworkResult, TestResult};
use crate::run::Outcome;
use crate::units::Unit;
use phaseloom_experiment::{Quantity, Score, VERSION};
use phaseloom_files::{ColumnText, ResultTable, ResultValue};
use phaseloom_numerics::statistics::{mean, standard_error, variance};
use serde_json::Value;

/// Columns of `table.csv`; those of the swept keys are before `reference`.
pub const TABLE_COLUMNS: &[ColumnText] = &[
    ("network", "", "Number of the network, and name of its folder in `networks/`."),
    ("variant", "", "Name of the variant."),
    ("seed", "", "Seed of the training."),
    ("task", "", "Training after which the network was tested, from 1."),
    ("test", "", "Experiment that tested it, from 1."),
    ("score", "", "The quantity in the next columns, such as the accuracy (0…1)."),
    ("reference", "", "Score of the network in floating point."),
    ("chips", "", "Score on chips, mean over chips."),
    ("chip_sd", "", "Standard deviation of the score between chips."),
    ("chip_count", "", "Number of chips."),
];

/// Columns of `training.csv`; those of the swept keys are before `epochs`.
pub const TRAINING_COLUMNS: &[ColumnText] = &[
    ("network", "", "Number of the network."),
    ("variant", "", "Name of the variant."),
    ("seed", "", "Seed of the training."),
    ("task", "", "The training, from 1."),
    ("epochs", "", "Number of epochs."),
    ("best_epoch", "", "The epoch whose weights were kept; empty without early stopping."),
    ("loss", "", "Mean loss over the training samples in the kept epoch."),
    ("train_accuracy", "1", "Accuracy on the training samples in the kept epoch."),
    ("validation_accuracy", "1", "Accuracy on the validation samples after the kept epoch; empty without them."),
    (
        "perfect",
        "1",
        "Of training on chips: accuracy on perfect chips with an ideal link, on the validation samples or else on the training samples.",
    ),
    ("trained_chip", "1", "The same on the chip that trained; empty for a population."),
    ("test_chips", "1", "The same on chips that did not train, mean; empty without `test_chips`."),
    (
        "gradient_ratio_start",
        "1",
        "Of `layer_statistics`: norm of the gradient by the outputs of the first photonic layer over that of the last before the output, \
         with the weights at the start.",
    ),
    ("gradient_ratio", "1", "The same with the trained weights."),
    (
        "signal_ratio_start",
        "1",
        "Of `layer_statistics`: rms output of the last photonic layer before the output over that of the first, with the weights at the \
         start.",
    ),
    ("signal_ratio", "1", "The same with the trained weights."),
    ("dropped", "1", "Share of the training samples that `clean` found, and left out or gave less weight."),
    ("dropped_precision", "1", "Share of these whose label `label_noise` had made wrong."),
    ("dropped_recall", "1", "Share of the labels made wrong that it found."),
    (
        "moved_phases",
        "1",
        "Share of the phases that moved from their start by more than half a step of their converter (of 8 bits, if there is none).",
    ),
    ("moved_rad", "rad", "Sum of the distances of all phases from their start."),
    ("passes", "", "How many times light passed a core for gradients; 0 if a model of the chip computes them."),
];

/// Columns of `summary.csv`; those of the swept keys are before `score`. The statistics of the columns of `TEST_COLUMNS` follow.
pub const SUMMARY_COLUMNS: &[ColumnText] = &[
    ("variant", "", "Name of the variant."),
    ("task", "", "Training after which the networks were tested, from 1."),
    ("test", "", "Experiment that tested them, from 1."),
    ("score", "", "The quantity, such as the accuracy (0…1)."),
    ("seeds", "", "Number of networks, one for each seed."),
    ("reference_mean", "", "Score in floating point, mean over seeds."),
    ("reference_sd", "", "Its standard deviation over seeds."),
    ("reference_difference", "", "Its difference from the baseline, mean over seeds."),
    ("reference_difference_se", "", "Standard error of the difference, paired by seed."),
    ("chips_mean", "", "Score on chips, mean over seeds."),
    ("chips_sd", "", "Its standard deviation over seeds."),
    ("chips_difference", "", "Its difference from the baseline, mean over seeds."),
    ("chips_difference_se", "", "Standard error of the difference, paired by seed."),
    ("loss_on_chips_mean", "", "Score in floating point minus score on chips, mean over seeds."),
    ("loss_on_chips_sd", "", "Its standard deviation over seeds."),
    ("loss_on_chips_difference", "", "Its difference from the baseline, mean over seeds."),
    ("loss_on_chips_difference_se", "", "Standard error of the difference, paired by seed."),
];

/// Columns of `sequence.csv` without the statistics of each quantity (`_mean`, `_sd`, `_difference`, `_difference_se` as in
/// `summary.csv`), in floating point (`_reference`) and on chips (`_chips`). R_ij is the score of test j after training i of T.
pub const SEQUENCE_COLUMNS: &[ColumnText] = &[
    ("average", "", "Average score after the last training, mean_j R_Tj."),
    ("backward_transfer", "", "Change of the scores of earlier tasks, mean_{j<T} (R_Tj − R_jj)."),
    ("forgetting", "", "Loss from the best score so far, mean_{j<T} (max_{i<T} R_ij − R_Tj)."),
];

/// The tables of a study.
pub struct StudyTables<'a> {
    outcome: &'a Outcome<'a>,
    /// The rows of `summary.csv`.
    pub(crate) tests: Vec<StatRow>,
    /// The rows of `training-summary.csv`.
    pub(crate) trainings: Vec<StatRow>,
    /// The rows of `sequence.csv`.
    pub(crate) sequences: Vec<StatRow>,
}

/// Quantities of a variant at a point, with a value for each seed.
#[derive(Clone, Debug)]
pub(crate) struct StatRow {
    pub variant: usize,
    /// `task`, `test` and swept keys.
    pub levels: Vec<(String, Value)>,
    /// Name of the score.
    pub score: String,
    pub quantities: Vec<(String, Vec<f64>)>,
}

impl StatRow {
    pub fn quantity(&self, name: &str) -> Option<&[f64]> {
        self.quantities.iter().find(|(own, _)| own == name).map(|(_, values)| values.as_slice())
    }
}

/// Mean of paired differences, with its standard error.
pub(crate) fn paired(values: &[f64], baseline: &[f64]) -> (f64, f64) {
    let differences: Vec<f64> = values.iter().zip(baseline).map(|(a, b)| a - b).collect();
    (mean(&differences), error_of(&differences))
}

/// Standard error of a mean over seeds; NaN for one seed, which has none.
pub(crate) fn error_of(values: &[f64]) -> f64 {
    if values.len() > 1 { standard_error(values) } else { f64::NAN }
}

impl<'a> StudyTables<'a> {
    /// The tables of a study, or `None` if networks are missing.
    #[must_use]
    pub fn new(outcome: &'a Outcome<'a>) -> Option<Self> {
        if outcome.missing > 0 {
            return None;
        }
        let mut tables = Self { outcome, tests: Vec::new(), trainings: Vec::new(), sequences: Vec::new() };
        for (variant, point, networks) in tables.groups() {
            tables.tests.extend(tables.test_rows(variant, point, &networks));
            tables.trainings.extend(tables.training_rows(variant, point, &networks));
            tables.sequences.extend(tables.sequence_rows(variant, point, &networks));
        }
        Some(tables)
    }

    /// The study.
    #[must_use]
    pub fn outcome(&self) -> &'a Outcome<'a> {
        self.outcome
    }

    /// The score of the first test.
    #[must_use]
    pub fn score(&self) -> Quantity {
        let first = self.outcome.results.values().next().and_then(|r| r.trainings.first()?.tests.first());
        first.and_then(|test| Score::from_key(&test.score)).unwrap_or(Score::ACCURACY).quantity
    }

    /// Variant, point, and the networks of all seeds, point by point.
    fn groups(&self) -> Vec<(usize, usize, Vec<&'a NetworkResult>)> {
        let spec = &self.outcome.study.spec;
        let mut groups = Vec::new();
        for point in 0..spec.points() {
            for variant in 0..spec.variant.len() {
                let is_own = |result: &&NetworkResult| result.unit.variant == variant && result.unit.point == point;
                let mut networks: Vec<_> = self.outcome.results.values().filter(is_own).collect();
                networks.sort_by_key(|result| result.unit.seed);
                groups.push((variant, point, networks));
            }
        }
        groups
    }

    fn levels(&self, point: usize) -> Vec<(String, Value)> {
        self.outcome.units.levels(point).into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn test_rows(&self, variant: usize, point: usize, networks: &[&NetworkResult]) -> Vec<StatRow> {
        let mut rows = Vec::new();
        let Some(first) = networks.first() else { return rows };
        for (task, training) in first.trainings.iter().enumerate() {
            for (i, test) in training.tests.iter().enumerate() {
                let of = |f: fn(&TestResult) -> f64| -> Vec<f64> {
                    networks.iter().map(|network| f(&network.trainings[task].tests[i])).collect()
                };
                let chips = |test: &TestResult| mean(&test.chips);
                let mut levels = vec![("task".into(), (task + 1).into()), ("test".into(), (test.test + 1).into())];
                levels.extend(self.levels(point));
                levels.extend(test.levels.iter().cloned());
                let mut quantities = vec![
                    ("reference".into(), of(|test| test.reference)),
                    ("chips".into(), of(chips)),
                    ("loss_on_chips".into(), of(|test| test.reference - mean(&test.chips))),
                ];
                for (name, _, _) in self.test_columns() {
                    let value = |test: &TestResult| test.numbers.get(*name).copied().unwrap_or(f64::NAN);
                    let values = networks.iter().map(|network| value(&network.trainings[task].tests[i]));
                    quantities.push(((*name).to_owned(), values.collect()));
                }
                rows.push(StatRow { variant, levels, score: test.score.clone(), quantities });
            }
        }
        rows
    }

    /// The numbers that any test has.
    fn test_columns(&self) -> impl Iterator<Item = &'static ColumnText> {
        let tests = || self.outcome.results.values().flat_map(|network| &network.trainings).flat_map(|t| &t.tests);
        TEST_COLUMNS.iter().filter(move |(name, _, _)| tests().any(|test| test.numbers.contains_key(*name)))
    }

    /// The numbers that any training has.
    fn training_columns(&self) -> impl Iterator<Item = &'static ColumnText> {
        let trainings = || self.outcome.results.values().flat_map(|network| &network.trainings);
        TRAINING_COLUMNS[4..].iter().filter(move |(name, _, _)| trainings().any(|t| t.numbers.contains_key(*name)))
    }

    /// One row for each task.
    fn training_rows(&self, variant: usize, point: usize, networks: &[&NetworkResult]) -> Vec<StatRow> {
        let tasks = self.outcome.study.spec.training.len();
        let row = |task: usize| {
            let mut levels = vec![("task".into(), (task + 1).into())];
            levels.extend(self.levels(point));
            let quantity = |(name, _, _): &ColumnText| {
                let of = |network: &&NetworkResult| network.trainings[task].numbers.get(*name).copied();
                let values = networks.iter().map(|network| of(network).unwrap_or(f64::NAN)).collect();
                ((*name).to_owned(), values)
            };
            let quantities = self.training_columns().map(quantity).collect();
            StatRow { variant, levels, score: String::new(), quantities }
        };
        (0..tasks).map(row).collect()
    }

    /// One row for each point of the tests, if every task of several has a test of its own with the same points.
    fn sequence_rows(&self, variant: usize, point: usize, networks: &[&NetworkResult]) -> Vec<StatRow> {
        let spec = &self.outcome.study.spec;
        let tasks = spec.training.len();
        if tasks < 2 || spec.experiment.len() != tasks || networks.is_empty() {
            return Vec::new();
        }
        fn scores_of(network: &NetworkResult, i: usize, j: usize) -> Vec<&TestResult> {
            network.trainings[i].tests.iter().filter(|test| test.test == j).collect()
        }
        let points = scores_of(networks[0], 0, 0);
        if (0..tasks).any(|j| scores_of(networks[0], 0, j).len() != points.len()) {
            return Vec::new();
        }
        let row = |level: usize| {
            let mut quantities = Vec::new();
            for (ending, score) in
                [("reference", reference as fn(&TestResult) -> f64), ("chips", chips as fn(&TestResult) -> f64)]
            {
                let scores = |network: &NetworkResult| -> Vec<Vec<f64>> {
                    (0..tasks).map(|i| (0..tasks).map(|j| score(scores_of(network, i, j)[level])).collect()).collect()
                };
                let scores: Vec<Vec<Vec<f64>>> = networks.iter().map(|network| scores(network)).collect();
                for (name, f) in SEQUENCE {
                    quantities.push((format!("{name}_{ending}"), scores.iter().map(|r| f(r)).collect()));
                }
            }
            let mut levels = self.levels(point);
            levels.extend(points[level].levels.iter().cloned());
            StatRow { variant, levels, score: points[level].score.clone(), quantities }
        };
        (0..points.len()).map(row).collect()
    }

    /// `table.csv`.
    #[must_use]
    pub fn table(&self) -> ResultTable {
        let keys = keys(self.tests.iter().map(|row| &row.levels[2..]));
        let mut rows = Vec::new();
        for (index, network) in &self.outcome.results {
            for (task, training) in network.trainings.iter().enumerate() {
                for test in &training.tests {
                    let mut row = self.leading(*index, network.unit, task);
                    row.push(("test".to_owned(), (test.test + 1).into()));
                    let mut levels = self.levels(network.unit.point);
                    levels.extend(test.levels.iter().cloned());
                    row.extend(cells(&keys, &levels));
                    row.push(("score".into(), test.score.as_str().into()));
                    for (name, value) in [
                        ("reference", test.reference),
                        ("chips", mean(&test.chips)),
                        ("chip_sd", variance(&test.chips).sqrt()),
                    ] {
                        row.push((name.into(), value.into()));
                    }
                    row.push(("chip_count".into(), test.chips.len().into()));
                    for (name, _, _) in self.test_columns() {
                        row.push(((*name).to_owned(), test.numbers.get(*name).copied().into()));
                    }
                    rows.push(row);
                }
            }
        }
        ResultTable::from_rows("table", rows)
    }

    /// `training.csv`.
    #[must_use]
    pub fn training(&self) -> ResultTable {
        let mut rows = Vec::new();
        for (index, network) in &self.outcome.results {
            for (task, training) in network.trainings.iter().enumerate() {
                let mut row = self.leading(*index, network.unit, task);
                let levels = self.levels(network.unit.point);
                row.extend(cells(&keys([levels.as_slice()].into_iter()), &levels));
                for (name, _, _) in self.training_columns() {
                    row.push(((*name).to_owned(), training.numbers.get(*name).copied().into()));
                }
                rows.push(row);
            }
        }
        ResultTable::from_rows("training", rows)
    }

    fn leading(&self, index: usize, unit: Unit, task: usize) -> Vec<(String, ResultValue)> {
        let spec = &self.outcome.study.spec;
        vec![
            ("network".into(), index.into()),
            ("variant".into(), spec.variant[unit.variant].name.as_str().into()),
            ("seed".into(), spec.seeds[unit.seed].into()),
            ("task".into(), (task + 1).into()),
        ]
    }

    /// `summary.csv`.
    #[must_use]
    pub fn summary(&self) -> ResultTable {
        self.statistics("summary", &self.tests)
    }

    /// `training-summary.csv`.
    #[must_use]
    pub fn training_summary(&self) -> ResultTable {
        self.statistics("training-summary", &self.trainings)
    }

    /// `sequence.csv`, if the study has a sequence of tasks.
    #[must_use]
    pub fn sequence(&self) -> Option<ResultTable> {
        (!self.sequences.is_empty()).then(|| self.statistics("sequence", &self.sequences))
    }

    fn statistics(&self, key: &str, rows: &[StatRow]) -> ResultTable {
        let spec = &self.outcome.study.spec;
        let keys = keys(rows.iter().map(|row| row.levels.as_slice()));
        let row = |own: &StatRow| {
            let baseline = self.baseline(rows, own);
            let mut row: Vec<(String, ResultValue)> =
                vec![("variant".into(), spec.variant[own.variant].name.as_str().into())];
            row.extend(cells(&keys, &own.levels));
            row.push(("score".into(), own.score.as_str().into()));
            row.push(("seeds".into(), spec.seeds.len().into()));
            for (name, values) in &own.quantities {
                let difference = baseline.and_then(|b| b.quantity(name)).map(|b| paired(values, b));
                let difference = difference.filter(|_| own.variant != spec.baseline());
                for (ending, value) in [
                    ("mean", Some(mean(values))),
                    ("sd", Some(variance(values).sqrt())),
                    ("difference", difference.map(|(difference, _)| difference)),
                    ("difference_se", difference.map(|(_, se)| se)),
                ] {
                    row.push((format!("{name}_{ending}"), value.into()));
                }
            }
            row
        };
        ResultTable::from_rows(key, rows.iter().map(row).collect())
    }

    /// The row of the baseline at the same levels. Levels that a variant sets for itself may differ from those of the baseline.
    pub(crate) fn baseline<'r>(&self, rows: &'r [StatRow], own: &StatRow) -> Option<&'r StatRow> {
        same_levels(rows, own, self.outcome.study.spec.baseline())
    }

    /// What the tables were computed from, as the pairs of `run.json`.
    #[must_use]
    pub fn metadata(&self) -> Vec<(&'static str, Value)> {
        let spec = &self.outcome.study.spec;
        vec![
            ("phaseloom", VERSION.into()),
            ("name", spec.name.as_str().into()),
            ("identity", self.outcome.store.identity().into()),
            ("seeds", spec.seeds.clone().into()),
        ]
    }
}

/// The row of another variant at the levels of a row.
pub(crate) fn same_levels<'r>(rows: &'r [StatRow], own: &StatRow, variant: usize) -> Option<&'r StatRow> {
    rows.iter().find(|row| row.variant == variant && row.levels == own.levels)
}

/// All keys of some levels, in the order in which they come first.
fn keys<'l>(all: impl Iterator<Item = &'l [(String, Value)]>) -> Vec<&'l str> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in all.flatten() {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys
}

/// The cells of some keys; tests with other axes leave theirs empty.
fn cells(keys: &[&str], levels: &[(String, Value)]) -> Vec<(String, ResultValue)> {
    let value = |key: &str| levels.iter().find(|(own, _)| own == key).map(|(_, value)| ResultValue::from_json(value));
    keys.iter().map(|key| ((*key).to_owned(), value(key).unwrap_or(ResultValue::Missing))).collect()
}

fn reference(test: &TestResult) -> f64 {
    test.reference
}

fn chips(test: &TestResult) -> f64 {
    mean(&test.chips)
}

/// A quantity of the scores R_ij.
type OfScores = fn(&[Vec<f64>]) -> f64;

/// Quantities of the scores R_ij of a sequence of tasks (Lopez-Paz and Ranzato, arXiv:1706.08840, for the transfer).
const SEQUENCE: [(&str, OfScores); 3] =
    [("average", average), ("backward_transfer", backward_transfer), ("forgetting", forgetting)];

fn average(scores: &[Vec<f64>]) -> f64 {
    scores.last().map_or(f64::NAN, |last| mean(last))
}

fn backward_transfer(scores: &[Vec<f64>]) -> f64 {
    let Some((last, before)) = scores.split_last() else { return f64::NAN };
    mean(&before.iter().enumerate().map(|(j, row)| last[j] - row[j]).collect::<Vec<_>>())
}

fn forgetting(scores: &[Vec<f64>]) -> f64 {
    let Some((last, before)) = scores.split_last() else { return f64::NAN };
    let best = |j: usize| before.iter().map(|row| row[j]).fold(f64::NEG_INFINITY, f64::max);
    mean(&(0..before.len()).map(|j| best(j) - last[j]).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_of_a_sequence_follow_their_definitions() {
        // After task 1, 2, 3 (rows) on tests 1, 2, 3 (columns).
        let scores = vec![vec![0.9, 0.3, 0.1], vec![0.95, 0.8, 0.2], vec![0.5, 0.7, 0.85]];
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(average(&scores), (0.5 + 0.7 + 0.85) / 3.0);
        close(backward_transfer(&scores), ((0.5 - 0.9) + (0.7 - 0.8)) / 2.0);
        close(forgetting(&scores), ((0.95 - 0.5) + (0.8 - 0.7)) / 2.0);
    }
}
