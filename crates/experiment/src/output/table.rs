//! The tables of a finished run. Their bytes depend on the experiment alone.
//!
//! * `table.csv` has one row per unit and shot.
//! * `summary.csv` has one row per point and kind of row.
//! * `design.csv` has one row per point and photonic layer.
//!
//! Those of the classes are in `classes.rs`.

use crate::error::ExperimentError;
use crate::input::grid::Point;
use crate::input::tree::to_value;
use crate::output::matrix_table::MatrixTables;
use crate::output::summary::Summary;
use crate::score::{Quantity, Score};
use crate::store::outcome::Outcome;
use crate::store::plan::Plan;
use crate::store::record::{LayerResult, Record, Row, Unit};
use crate::store::shot::ShotResult;
use phaseloom_files::{ResultTable, ResultValue};
use phaseloom_hardware::GainCalibration;
use serde_json::Value;

/// Rows of a summary, in order.
pub const ROWS: [Row; 5] = [Row::Exact, Row::PerfectIdeal, Row::PerfectReal, Row::Digital, Row::Chips];

/// The tables of a finished run.
pub struct Tables<'a> {
    outcome: &'a Outcome,
    plan: Plan,
    /// The first point.
    first: &'a Point,
}

impl<'a> Tables<'a> {
    /// The tables of a run, or `None` if units are missing.
    #[must_use]
    pub fn new(outcome: &'a Outcome) -> Option<Self> {
        let first = outcome.points.first()?;
        let plan = Plan::new(&outcome.points);
        (outcome.missing == 0).then_some(Self { outcome, plan, first })
    }

    /// Whether the run has no network: its tables are those of a matrix.
    #[must_use]
    pub fn is_matrix(&self) -> bool {
        self.plan.is_matrix()
    }

    /// The tables of a run without a network.
    pub(super) fn matrix(&self) -> Option<MatrixTables<'_>> {
        self.is_matrix().then_some(MatrixTables(self))
    }

    /// Grid points of the run.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.outcome.points
    }

    /// Name of the experiment.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.first.config.name
    }

    /// Identity of the run.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.outcome.identity.identity
    }

    /// Samples of the first exact row.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.reference(Row::Exact, 0).map_or(0, |r| r.samples)
    }

    /// The score of the run.
    #[must_use]
    pub fn score(&self) -> Score {
        let shot = self.reference(Row::Exact, 0).and_then(|record| record.shots.first());
        shot.map_or(Score::ACCURACY, ShotResult::score)
    }

    pub(super) fn reference(&self, row: Row, point: usize) -> Option<&Record> {
        self.outcome.records.get(&self.plan.reference(row, point))
    }

    /// The records of a row at a point: one per chip, or the one of the reference row.
    pub(super) fn records(&self, row: Row, point: usize) -> Vec<&Record> {
        if row != Row::Chips {
            return self.reference(row, point).into_iter().collect();
        }
        let chips = Unit { row, point, trial: 0 }..=Unit { row, point, trial: u64::MAX };
        self.outcome.records.range(chips).map(|(_, record)| record).collect()
    }

    /// One row at one point.
    ///
    /// # Panics
    ///
    /// If there is no such point.
    #[must_use]
    pub fn summary(&self, row: Row, point: usize) -> Summary {
        assert!(point < self.points().len(), "point {point} of {}", self.points().len());
        Summary::new(row, point, &self.records(row, point))
    }

    /// Sizes and predictions of the layers at a point.
    ///
    /// # Panics
    ///
    /// If there is no such point.
    #[must_use]
    pub fn design(&self, point: usize) -> &[LayerResult] {
        self.reference(Row::Design, point).map_or(&[], |r| &r.layers)
    }

    /// What the tables were computed from, as the pairs of `run.json`: version, identity, seed, name, swept keys, settings.
    #[must_use]
    pub fn metadata(&self) -> Vec<(&'static str, Value)> {
        let keys: Vec<&str> = self.first.levels.iter().map(|(key, _)| key.as_str()).collect();
        let mut metadata = vec![
            ("phaseloom", self.outcome.identity.version.clone().into()),
            ("identity", self.identity().into()),
            ("seed", self.first.config.seed.into()),
            ("name", self.name().into()),
            ("sweep", keys.into()),
            (
                "settings",
                self.settings().into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect::<Value>(),
            ),
        ];
        // Class i is the entry i.
        if !self.class_names().is_empty() {
            metadata.push(("class_names", self.class_names().into()));
        }
        metadata
    }

    /// Names of the classes in their order, if the data name them.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        self.reference(Row::Exact, 0).map_or(&[], |record| &record.class_names)
    }

    /// The settings on which every result depends, with their names. The value of a swept setting is `swept`.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        if let Some(matrix) = self.matrix() {
            return matrix.settings();
        }
        let config = &self.first.config;
        let or_swept = |key: &str, value: String| match self.first.levels.iter().any(|(k, _)| k.starts_with(key)) {
            true => "swept".to_owned(),
            false => value,
        };
        let plain = |value: Value| swept_value(&value);
        let modulator = config.link.modulator.map_or("none".to_owned(), |m| plain(to_value(&m.kind)));
        let calibration = plain(to_value(&config.core.calibration));
        let measured = match config.core.calibration {
            GainCalibration::None => String::new(),
            _ => format!(" ({} probe vectors a core, noiseless)", config.core.ports),
        };
        let folded = self.design(0).first().and_then(|l| l.design.as_ref()).is_some_and(|d| d.folded);
        vec![
            ("detection", or_swept("link.detection", plain(to_value(&config.link.detection)))),
            ("modulator", or_swept("link.modulator", modulator)),
            ("cores", or_swept("core.cores", plain(to_value(&config.core.cores)))),
            ("normalise", or_swept("core.normalise", plain(to_value(&config.core.normalise)))),
            ("gain calibration", or_swept("core.calibration", calibration + &measured)),
            ("input normalisation", or_swept("model", if folded { "folded" } else { "not folded" }.to_owned())),
        ]
    }

    /// The settings in words.
    pub(super) fn settings_text(&self) -> String {
        self.settings().iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
    }

    /// `table`: one row per unit and shot.
    #[must_use]
    pub fn unit_table(&self) -> ResultTable {
        if let Some(matrix) = self.matrix() {
            return matrix.units();
        }
        let mut rows = Vec::new();
        for point in self.points() {
            for row in ROWS {
                for record in self.records(row, point.index) {
                    for (shot, result) in record.shots.iter().enumerate() {
                        let mut columns = leading_columns(row, point);
                        columns.extend(counts([
                            ("trial", record.unit.trial),
                            ("shot", shot as u64),
                            ("samples", record.samples),
                        ]));
                        columns.extend(numbers([
                            (self.score().quantity.key, result.value(record.samples)),
                            ("difference", result.difference(record.samples)),
                        ]));
                        columns.extend(others(&result.others(record.samples)));
                        columns.extend(self.layer_columns(point.index, &record.layers));
                        rows.push(columns);
                    }
                }
            }
        }
        ResultTable::from_rows("table", rows)
    }

    /// `summary`: one row per point and kind of row.
    #[must_use]
    pub fn summary_table(&self) -> ResultTable {
        if let Some(matrix) = self.matrix() {
            return matrix.summary();
        }
        let mut rows = Vec::new();
        let key = self.score().quantity.key;
        for point in self.points() {
            for row in ROWS {
                let s = self.summary(row, point.index);
                let mut columns = leading_columns(row, point);
                columns.push(("chips".into(), s.chips.into()));
                let of_score = [
                    ("mean", s.mean()),
                    ("sd", s.sd()),
                    ("se", s.se()),
                    ("q10", s.quantile(0.1)),
                    ("q50", s.quantile(0.5)),
                    ("q90", s.quantile(0.9)),
                ];
                columns.extend(of_score.map(|(name, value)| (format!("{key}_{name}"), value.into())));
                columns.extend(numbers([
                    ("test_se", s.test_se),
                    ("difference", s.difference),
                    ("difference_se", s.difference_se),
                ]));
                columns.extend(others(&s.others));
                columns.extend(numbers([
                    ("sd_between_chips", s.sd_chips.unwrap_or(f64::NAN)),
                    ("sd_between_shots", s.sd_shots.unwrap_or(f64::NAN)),
                ]));
                columns.extend(self.layer_columns(point.index, &s.layers));
                rows.push(columns);
            }
        }
        ResultTable::from_rows("summary", rows)
    }

    /// `design`: sizes, powers, predicted and measured matrix error of each photonic layer at each point.
    #[must_use]
    pub fn design_table(&self) -> ResultTable {
        let mut rows = Vec::new();
        for point in self.points() {
            let chips = self.summary(Row::Chips, point.index);
            for (layer, measured) in self.design(point.index).iter().zip(&chips.layers) {
                let Some(d) = &layer.design else { continue };
                let mut columns = leading_columns(Row::Design, point);
                let sizes = [
                    ("layer", layer.layer),
                    ("outputs", d.shape.0),
                    ("inputs", d.shape.1),
                    ("tiles", d.tiles),
                    ("zero_tiles", d.zero_tiles),
                    ("cores", d.cores),
                    ("interferometers_per_core", d.interferometers),
                    ("depth", d.depth),
                ];
                columns.extend(counts(sizes.map(|(name, size)| (name, size as u64))));
                columns.extend(numbers([
                    ("utilisation", d.utilisation),
                    ("transmission_db", d.transmission_db),
                    ("photons_per_port", d.photons_per_port),
                    ("local_oscillator_photons", d.local_oscillator_photons),
                    ("photoelectrons_per_readout", measured.photoelectrons),
                    ("snr_full_scale_db", d.snr_full_scale_db.unwrap_or(f64::NAN)),
                    ("enob", d.enob.unwrap_or(f64::NAN)),
                    ("matrix_error_predicted", d.predicted_error),
                    ("matrix_error_measured", measured.matrix_error),
                    ("matrix_error_read", measured.measured_error),
                    ("readout_bits", measured.readout_bits),
                ]));
                rows.push(columns);
            }
        }
        ResultTable::from_rows("design", rows)
    }

    /// The measured columns of each photonic layer. They are empty for a row without photonic products.
    fn layer_columns(&self, point: usize, layers: &[LayerResult]) -> Columns {
        let results: [(&str, Measured); 6] = [
            ("matrix_error", |l| l.matrix_error),
            ("read_error", |l| l.measured_error),
            ("readout_bits", |l| l.readout_bits),
            ("clipped_inputs", |l| l.clipped_inputs),
            ("clipped_outputs", |l| l.clipped_outputs),
            ("photoelectrons", |l| l.photoelectrons),
        ];
        let of_layer = |(i, design): (usize, &LayerResult)| {
            let index = design.layer;
            results.map(|(name, value)| (format!("layer{index}_{name}"), layers.get(i).map(value).into()))
        };
        self.design(point).iter().enumerate().flat_map(of_layer).collect()
    }

    /// All tables, the summary first.
    #[must_use]
    pub fn all(&self) -> Vec<ResultTable> {
        let network = || [self.design_table()].into_iter().chain(self.class_tables().into_iter().flatten());
        let mut tables = vec![self.summary_table(), self.unit_table()];
        tables.extend((!self.is_matrix()).then(network).into_iter().flatten());
        tables
    }

    /// Writes each table as CSV, such as `summary.csv`, to the folder of the run.
    ///
    /// # Errors
    ///
    /// As [`Outcome::write`].
    pub fn write(&self) -> Result<(), ExperimentError> {
        self.all()
            .iter()
            .try_for_each(|table| self.outcome.write(&format!("{}.csv", table.key), table.csv().as_bytes()))
    }
}

/// Names and values of the cells of one row.
pub(super) type Columns = Vec<(String, ResultValue)>;

/// A measured number of a layer.
type Measured = fn(&LayerResult) -> f64;

/// The first columns of each row: kind, point, swept values.
pub(super) fn leading_columns(row: Row, point: &Point) -> Columns {
    let mut columns: Columns = vec![("row".into(), row.key().into()), ("point".into(), point.index.into())];
    columns.extend(point.levels.iter().map(|(key, value)| (key.clone(), ResultValue::from_json(value))));
    columns
}

/// Columns of the quantities next to the score.
fn others(quantities: &[(Quantity, f64)]) -> Columns {
    quantities.iter().map(|(quantity, value)| (quantity.key.to_owned(), (*value).into())).collect()
}

/// Columns of numbers.
pub(super) fn numbers<const N: usize>(columns: [(&str, f64); N]) -> Columns {
    columns.map(|(name, value)| (name.to_owned(), value.into())).to_vec()
}

/// Columns of whole numbers.
fn counts<const N: usize>(columns: [(&str, u64); N]) -> Columns {
    columns.map(|(name, count)| (name.to_owned(), count.into())).to_vec()
}

/// A swept value as text, strings without quotes.
pub(super) fn swept_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
