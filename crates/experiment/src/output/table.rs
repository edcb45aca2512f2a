//! The tables of a finished run, in bytes that depend on the experiment alone.
//!
//! `table.csv`: a row a unit and shot. `summary.csv`: a row a point and kind. `design.csv`: a row a point and layer.

use crate::error::ExperimentError;
use crate::input::grid::{Point, to_value};
use crate::run::Outcome;
use crate::run::plan::Plan;
use crate::store::record::{LayerResult, Record, Row, Unit};
use phaseloom_hardware::GainCalibration;
use phaseloom_numerics::statistics::{mean, quantile, variance};
use serde_json::Value;
use std::path::Path;

/// Rows of a summary, in order.
pub const ROWS: [Row; 5] = [Row::Exact, Row::PerfectIdeal, Row::PerfectReal, Row::Digital, Row::Chips];

/// Accuracies of one row at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Which row.
    pub row: Row,
    /// Which point.
    pub point: usize,
    /// Number of chips (1 for the other rows).
    pub chips: usize,
    /// Accuracy of each chip, mean over its shots, 0…1.
    pub accuracies: Vec<f64>,
    /// Standard error of the test set's own size, √(p(1−p)/n); common to all chips.
    pub test_se: f64,
    /// Mean of accuracy minus that of the exact network, on the same images.
    pub difference: f64,
    /// Its standard error: between chips for several, else paired over images.
    pub difference_se: f64,
    /// Share of images decided as the exact network does.
    pub agreement: f64,
    /// Standard deviation between chips alone, with the spread of shots taken off (two shots or more).
    pub sd_chips: Option<f64>,
    /// Standard deviation between shots of one chip (two shots or more).
    pub sd_shots: Option<f64>,
    /// Each layer: means over chips.
    pub layers: Vec<LayerResult>,
}

impl Summary {
    fn new(row: Row, point: usize, records: &[&Record]) -> Self {
        let per_shot = |f: fn(&crate::store::record::ShotResult) -> f64| -> Vec<Vec<f64>> {
            records.iter().map(|r| r.shots.iter().map(|s| f(s) / r.samples as f64).collect()).collect()
        };
        let correct = per_shot(|s| s.correct as f64);
        let chip_means = |all: &[Vec<f64>]| -> Vec<f64> { all.iter().map(|shots| mean(shots)).collect() };
        let accuracies = chip_means(&correct);
        let differences = chip_means(&per_shot(|s| s.gained as f64 - s.lost as f64));
        let n = records.first().map_or(1.0, |r| r.samples as f64);
        let p = mean(&accuracies);
        let difference = mean(&differences);
        let shots = correct.first().map_or(1, Vec::len);
        let within = mean(&correct.iter().map(|c| variance(c)).collect::<Vec<_>>());
        let between = variance(&accuracies);
        let repeated = shots >= 2;
        let discordant = mean(&chip_means(&per_shot(|s| (s.gained + s.lost) as f64)));
        Self {
            row,
            point,
            chips: records.len(),
            test_se: (p * (1.0 - p) / n).sqrt(),
            difference,
            difference_se: match differences.len() {
                1 => ((discordant - difference * difference) / n).max(0.0).sqrt(),
                chips => (variance(&differences) / chips as f64).sqrt(),
            },
            agreement: mean(&chip_means(&per_shot(|s| s.same as f64))),
            sd_chips: repeated.then(|| (between - within / shots as f64).max(0.0).sqrt()),
            sd_shots: repeated.then(|| within.sqrt()),
            layers: mean_layers(records),
            accuracies,
        }
    }

    /// Mean accuracy over chips, 0…1.
    #[must_use]
    pub fn mean(&self) -> f64 {
        mean(&self.accuracies)
    }

    /// Standard deviation between chips.
    #[must_use]
    pub fn sd(&self) -> f64 {
        variance(&self.accuracies).sqrt()
    }

    /// Standard error of the mean over chips.
    #[must_use]
    pub fn se(&self) -> f64 {
        self.sd() / (self.chips as f64).sqrt()
    }

    /// Quantile over chips (type 7).
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        quantile(&self.accuracies, p)
    }
}

fn mean_layers(records: &[&Record]) -> Vec<LayerResult> {
    let layers = records.first().map_or(0, |r| r.layers.len());
    (0..layers)
        .map(|i| {
            let average =
                |f: fn(&LayerResult) -> f64| mean(&records.iter().map(|r| f(&r.layers[i])).collect::<Vec<_>>());
            LayerResult {
                layer: records[0].layers[i].layer,
                matrix_error: average(|l| l.matrix_error * l.matrix_error).sqrt(),
                read_error: average(|l| l.read_error * l.read_error).sqrt(),
                readout_bits: average(|l| l.readout_bits),
                clipped_inputs: average(|l| l.clipped_inputs),
                clipped_outputs: average(|l| l.clipped_outputs),
                photoelectrons: average(|l| l.photoelectrons),
                design: None,
            }
        })
        .collect()
}

/// A finished run, summarised.
pub struct Tables<'a> {
    outcome: &'a Outcome,
    plan: Plan,
    /// Name of the experiment.
    name: String,
    seed: u64,
    keys: Vec<String>,
}

impl<'a> Tables<'a> {
    /// The tables of a run that misses nothing; `None` for one that does.
    #[must_use]
    pub fn new(outcome: &'a Outcome) -> Option<Self> {
        let first = outcome.points.first()?;
        let plan = Plan::new(&outcome.points);
        (outcome.missing == 0).then(|| Self {
            outcome,
            plan,
            name: first.config.name.clone(),
            seed: first.config.seed,
            keys: first.levels.iter().map(|(key, _)| key.clone()).collect(),
        })
    }

    /// Grid points of the run.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.outcome.points
    }

    /// Name of the experiment.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn identity_record(&self) -> &crate::store::identity::Identity {
        &self.outcome.identity
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

    fn reference(&self, row: Row, point: usize) -> Option<&Record> {
        self.outcome.records.get(&self.plan.reference(row, point))
    }

    fn chips(&self, point: usize) -> Vec<&Record> {
        let from = Unit { row: Row::Chips, point, trial: 0 };
        self.outcome
            .records
            .range(from..)
            .map(|(_, r)| r)
            .take_while(|r| r.unit.point == point && r.unit.row == Row::Chips)
            .collect()
    }

    /// One row at one point.
    #[must_use]
    pub fn summary(&self, row: Row, point: usize) -> Summary {
        let records = match row {
            Row::Chips => self.chips(point),
            _ => self.reference(row, point).into_iter().collect(),
        };
        Summary::new(row, point, &records)
    }

    /// Sizes and predictions of the layers at a point.
    #[must_use]
    pub fn design(&self, point: usize) -> &[LayerResult] {
        self.reference(Row::Design, point).map_or(&[], |r| &r.layers)
    }

    /// The lines that head every table.
    fn header(&self) -> String {
        let sweep = if self.keys.is_empty() { "none".to_owned() } else { self.keys.join(", ") };
        format!(
            "# phaseloom: {}\n# identity: {}\n# seed: {}\n# name: {}\n# sweep: {sweep}\n# settings: {}\n",
            self.outcome.identity.version,
            self.identity(),
            self.seed,
            self.name.replace(['\n', '\r'], " "),
            self.settings(),
        )
    }

    /// The settings that every result names; what is swept says so.
    #[must_use]
    pub fn settings(&self) -> String {
        let config = &self.points()[0].config;
        let named = |key: &str, value: String| match self.keys.iter().any(|k| k.starts_with(key)) {
            true => "swept".to_owned(),
            false => value,
        };
        let plain = |value: Value| level(&value);
        let modulator = config.link.modulator.map_or("none".to_owned(), |m| plain(to_value(&m.kind)));
        let calibration = plain(to_value(&config.core.calibration));
        let measured = match config.core.calibration {
            GainCalibration::None => String::new(),
            _ => format!(" ({} probe vectors a core, noiseless)", config.core.ports),
        };
        let folded = self.design(0).first().and_then(|l| l.design.as_ref()).is_some_and(|d| d.folded);
        [
            ("detection", named("link.detection", plain(to_value(&config.link.detection)))),
            ("modulator", named("link.modulator", modulator)),
            ("cores", named("core.cores", plain(to_value(&config.core.cores)))),
            ("normalise", named("core.normalise", plain(to_value(&config.core.normalise)))),
            ("gain calibration", named("core.calibration", calibration + &measured)),
            ("input normalisation", named("model", if folded { "folded" } else { "not folded" }.to_owned())),
        ]
        .map(|(key, value)| format!("{key} {value}"))
        .join(", ")
    }

    /// A row a unit and shot.
    #[must_use]
    pub fn table_csv(&self) -> String {
        let mut rows = Vec::new();
        for point in self.points() {
            for row in ROWS {
                let records = match row {
                    Row::Chips => self.chips(point.index),
                    _ => self.reference(row, point.index).into_iter().collect(),
                };
                for record in records {
                    for (shot, result) in record.shots.iter().enumerate() {
                        let n = record.samples as f64;
                        let mut cells = self.leading(row, point);
                        cells.extend([record.unit.trial.to_string(), shot.to_string(), record.samples.to_string()]);
                        cells.extend([
                            number(result.correct as f64 / n),
                            number((result.gained as f64 - result.lost as f64) / n),
                            number(result.same as f64 / n),
                        ]);
                        cells.extend(layer_cells(&record.layers, self.design(point.index).len()));
                        rows.push(cells);
                    }
                }
            }
        }
        let own = ["trial", "shot", "samples", "accuracy", "difference", "agreement"];
        self.csv(&own, &LAYER_COLUMNS, rows)
    }

    /// A row a point and kind.
    #[must_use]
    pub fn summary_csv(&self) -> String {
        let mut rows = Vec::new();
        for point in self.points() {
            for row in ROWS {
                let s = self.summary(row, point.index);
                let mut cells = self.leading(row, point);
                cells.push(s.chips.to_string());
                cells.extend([s.mean(), s.sd(), s.se()].map(number));
                cells.extend([0.1, 0.5, 0.9].map(|p| number(s.quantile(p))));
                cells.extend([s.test_se, s.difference, s.difference_se, s.agreement].map(number));
                cells.extend([s.sd_chips, s.sd_shots].map(|v| v.map_or(String::new(), number)));
                cells.extend(layer_cells(&s.layers, self.design(point.index).len()));
                rows.push(cells);
            }
        }
        let own = [
            "chips",
            "accuracy_mean",
            "accuracy_sd",
            "accuracy_se",
            "accuracy_q10",
            "accuracy_q50",
            "accuracy_q90",
            "test_se",
            "difference",
            "difference_se",
            "agreement",
            "sd_between_chips",
            "sd_between_shots",
        ];
        self.csv(&own, &LAYER_COLUMNS, rows)
    }

    /// A row a point and photonic layer: sizes, powers, predicted and measured matrix error.
    #[must_use]
    pub fn design_csv(&self) -> String {
        let mut rows = Vec::new();
        for point in self.points() {
            let chips = self.summary(Row::Chips, point.index);
            for (layer, measured) in self.design(point.index).iter().zip(&chips.layers) {
                let Some(d) = &layer.design else { continue };
                let mut cells = self.leading(Row::Design, point);
                cells.extend(
                    [layer.layer, d.shape.0, d.shape.1, d.tiles, d.zero_tiles, d.cores, d.interferometers, d.depth]
                        .map(|n| n.to_string()),
                );
                cells.extend(
                    [
                        d.utilisation,
                        d.transmission_db,
                        d.photons_per_port,
                        d.local_oscillator_photons,
                        measured.photoelectrons,
                        d.snr_full_scale_db.unwrap_or(f64::INFINITY),
                        d.enob.unwrap_or(f64::INFINITY),
                        d.predicted_error,
                        measured.matrix_error,
                        measured.read_error,
                        measured.readout_bits,
                    ]
                    .map(number),
                );
                rows.push(cells);
            }
        }
        let own = [
            "layer",
            "outputs",
            "inputs",
            "tiles",
            "zero_tiles",
            "cores",
            "interferometers_per_core",
            "depth",
            "utilisation",
            "transmission_db",
            "photons_per_port",
            "local_oscillator_photons",
            "photoelectrons_per_readout",
            "snr_full_scale_db",
            "enob",
            "matrix_error_predicted",
            "matrix_error_measured",
            "matrix_error_read",
            "readout_bits",
        ];
        self.csv(&own, &[], rows)
    }

    fn leading(&self, row: Row, point: &Point) -> Vec<String> {
        let mut cells = vec![row.key().to_owned(), point.index.to_string()];
        cells.extend(point.levels.iter().map(|(_, value)| level(value)));
        cells
    }

    fn csv(&self, own: &[&str], per_layer: &[&str], rows: Vec<Vec<String>>) -> String {
        let mut header = vec!["row".to_owned(), "point".to_owned()];
        header.extend(self.keys.iter().cloned());
        header.extend(own.iter().map(|&c| c.to_owned()));
        for layer in self.design(0) {
            header.extend(per_layer.iter().map(|column| format!("layer{}_{column}", layer.layer)));
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory fails only for rows of unequal length; all are padded to the header.
        let _ = writer.write_record(&header);
        for mut row in rows {
            row.resize(header.len(), String::new());
            let _ = writer.write_record(&row);
        }
        let body = writer.into_inner().unwrap_or_default();
        self.header() + &String::from_utf8_lossy(&body)
    }

    /// Writes `table.csv`, `summary.csv` and `design.csv`.
    ///
    /// # Errors
    ///
    /// An unwritable folder.
    pub fn write(&self, folder: &Path) -> Result<(), ExperimentError> {
        for (name, text) in
            [("table.csv", self.table_csv()), ("summary.csv", self.summary_csv()), ("design.csv", self.design_csv())]
        {
            phaseloom_files::write_atomically(&folder.join(name), text.as_bytes())?;
        }
        Ok(())
    }
}

const LAYER_COLUMNS: [&str; 6] =
    ["matrix_error", "read_error", "readout_bits", "clipped_inputs", "clipped_outputs", "photoelectrons"];

fn layer_cells(layers: &[LayerResult], expected: usize) -> Vec<String> {
    if layers.is_empty() {
        return vec![String::new(); expected * LAYER_COLUMNS.len()];
    }
    layers
        .iter()
        .flat_map(|l| {
            [l.matrix_error, l.read_error, l.readout_bits, l.clipped_inputs, l.clipped_outputs, l.photoelectrons]
                .map(number)
        })
        .collect()
}

/// The shortest text that reads back as the same number.
fn number(x: f64) -> String {
    if x.is_finite() { format!("{x}") } else { String::new() }
}

/// A swept value as text: strings without quotes.
#[must_use]
pub fn level(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
