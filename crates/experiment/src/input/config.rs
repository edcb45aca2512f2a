//! The experiment file: what is run, on which chips, over which grid.

use crate::error::ExperimentError;
use phaseloom_files::by_key;
use phaseloom_files::toml_file::{InvalidValue, TomlError, between, locate, parse_toml, positive, read_toml};
use phaseloom_hardware::correction::{CORRECTIONS, CorrectionPlan, Instruments, Interrupt, correction};
use phaseloom_hardware::{CoreSpec, HardwareError, Link, MAX_PORTS, Precision, Process, read_process};
use phaseloom_network::data::DataSpec;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Units of a run that fit in memory and are done before the sun goes down: points × trials.
pub(crate) const MAX_UNITS: usize = 1_000_000;

/// One experiment, all defaults filled in and the process inline: what is run and what its identity is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Title of tables and figures.
    pub name: String,
    /// Seed of every random draw.
    #[serde(default = "first")]
    pub seed: u64,
    /// Sampled chips at each point.
    #[serde(default = "twenty")]
    pub trials: u64,
    /// Repetitions of the dynamic noise on each chip.
    #[serde(default = "once")]
    pub shots: u32,
    /// Model file.
    pub model: PathBuf,
    /// Test data.
    pub data: DataSpec,
    /// Size, topology and use of the cores.
    #[serde(default)]
    pub core: CoreSpec,
    /// The fabrication process: in an experiment file a path, `preset:KEY` or a table.
    #[serde(default)]
    pub process: Process,
    /// Key of the method that mends each chip before it computes, or `"none"` (default).
    #[serde(default = "none", skip_serializing_if = "is_none")]
    pub correction: String,
    /// Noise of each quadrature of a reading that the method takes, as a share of the field of a full input.
    #[serde(default = "reading_noise", skip_serializing_if = "is_reading_noise")]
    pub correction_noise: f64,
    /// Factor on the steps of the method.
    #[serde(default = "usual", skip_serializing_if = "is_usual")]
    pub correction_effort: f64,
    /// The optical link.
    #[serde(default)]
    pub link: Link,
    /// `"single"` (default) or `"double"`: fields, noise and readings of the rows with the real link.
    #[serde(default)]
    pub precision: Precision,
    /// Where `phaseloom calibrate` takes its data from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationSource>,
    /// The grid: one axis after the other, the last fastest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<Axis>,
}

/// `[calibration]`: training data, never the test data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationSource {
    /// The data.
    pub data: DataSpec,
    /// Quantile of the magnitudes that becomes full scale, above 0, at most 1; 1 is the largest.
    #[serde(default = "largest")]
    pub quantile: f64,
}

fn largest() -> f64 {
    1.0
}

/// One axis of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Keys of the experiment that take the values together, such as `process.splitter_error.sigma_rad`.
    pub keys: Vec<String>,
    /// The values, one a point.
    pub values: Vec<toml::Value>,
}

impl Config {
    /// How each chip is mended; `None` for `"none"`.
    pub(crate) fn correction_plan(&self) -> Result<Option<CorrectionPlan>, HardwareError> {
        if self.correction == "none" {
            return Ok(None);
        }
        let method = correction(&self.correction)?;
        Ok(Some(CorrectionPlan {
            method,
            noise: self.correction_noise,
            effort: self.correction_effort,
            interrupt: Interrupt::new(),
        }))
    }
}

/// As [`Config`], with the process still as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    #[serde(default = "first")]
    seed: u64,
    #[serde(default = "twenty")]
    trials: u64,
    #[serde(default = "once")]
    shots: u32,
    model: PathBuf,
    data: DataSpec,
    #[serde(default)]
    core: CoreSpec,
    process: Option<toml::Value>,
    #[serde(default = "none")]
    correction: String,
    correction_noise: Option<f64>,
    correction_effort: Option<f64>,
    #[serde(default)]
    link: Link,
    #[serde(default)]
    precision: Precision,
    calibration: Option<CalibrationSource>,
    #[serde(default)]
    sweep: Vec<Axis>,
}

fn none() -> String {
    "none".into()
}

fn is_none(key: &String) -> bool {
    key == "none"
}

fn reading_noise() -> f64 {
    Instruments::default().noise
}

fn is_reading_noise(noise: &f64) -> bool {
    noise.to_bits() == reading_noise().to_bits()
}

fn usual() -> f64 {
    1.0
}

fn is_usual(effort: &f64) -> bool {
    effort.to_bits() == usual().to_bits()
}

fn first() -> u64 {
    1
}

fn twenty() -> u64 {
    20
}

fn once() -> u32 {
    1
}

/// An experiment and where it stands.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The file.
    pub path: PathBuf,
    /// Its text, for the lines in messages.
    pub text: String,
    /// The file of the process with its text, if it is not inline.
    process_file: Option<(PathBuf, String)>,
    /// What it says.
    pub config: Config,
}

impl Experiment {
    /// Reads an experiment and the process that it names; paths are relative to the file.
    ///
    /// # Errors
    ///
    /// Unreadable files, unknown keys (with line and nearest key), impossible values.
    pub fn load(path: &Path) -> Result<Self, ExperimentError> {
        let (file, text): (File, String) = read_toml(path)?;
        let base = path.parent().unwrap_or(Path::new(""));
        let mut process_file = None;
        let process = match file.process {
            None => Process::default(),
            Some(toml::Value::String(name)) => {
                let read = read_process(Path::new(&name), base).map_err(|error| match error {
                    HardwareError::Preset(unknown) => {
                        locate(path, &text, InvalidValue { key: "process".into(), ..unknown }).into()
                    }
                    other => ExperimentError::from(other),
                })?;
                process_file = Some((read.path, read.text));
                read.process
            }
            Some(inline @ toml::Value::Table(_)) => by_key(inline).map_err(|_| inline_error(path, &text))?,
            Some(other) => {
                let found = other.type_str();
                return Err(
                    locate(path, &text, InvalidValue::new("process", found, "a path, a preset or a table")).into()
                );
            }
        };
        let mends =
            file.correction != "none" || file.sweep.iter().flat_map(|axis| &axis.keys).any(|k| k == "correction");
        for (key, given) in [("correction_noise", file.correction_noise), ("correction_effort", file.correction_effort)]
        {
            if let Some(value) = given.filter(|_| !mends) {
                let expected = "`correction` beside it, which names the method, or no such key";
                return Err(locate(path, &text, InvalidValue::new(key, value, expected)).into());
            }
        }
        let config = Config {
            name: file.name.unwrap_or_else(|| "unnamed experiment".into()),
            seed: file.seed,
            trials: file.trials,
            shots: file.shots,
            model: file.model,
            data: file.data,
            core: file.core,
            process,
            correction: file.correction,
            correction_noise: file.correction_noise.unwrap_or_else(reading_noise),
            correction_effort: file.correction_effort.unwrap_or_else(usual),
            link: file.link,
            precision: file.precision,
            calibration: file.calibration,
            sweep: file.sweep,
        };
        let experiment = Self { path: path.to_owned(), text, process_file, config };
        experiment.check(&experiment.config)?;
        Ok(experiment)
    }

    /// The experiment that stands in the folder of a run.
    #[must_use]
    pub(crate) fn as_run(folder: &Path, config: Config) -> Self {
        Self { path: folder.join("experiment.toml"), text: String::new(), process_file: None, config }
    }

    /// Checks the values of one point of the experiment.
    ///
    /// # Errors
    ///
    /// The first impossible value, with file and line.
    pub fn check(&self, config: &Config) -> Result<(), ExperimentError> {
        self.check_values(config).map_err(|invalid| self.located(invalid))
    }

    /// A complaint with its file and line: a value of a process that stands in a file of its own is reported there.
    pub(crate) fn located(&self, invalid: InvalidValue) -> ExperimentError {
        match (&self.process_file, invalid.key.strip_prefix("process.")) {
            (Some((path, text)), Some(key)) => {
                let key = key.to_owned();
                locate(path, text, InvalidValue { key, ..invalid }).into()
            }
            _ => locate(&self.path, &self.text, invalid).into(),
        }
    }

    pub(crate) fn check_values(&self, config: &Config) -> Result<(), InvalidValue> {
        let at_least_one = |key, value: u64| match value {
            0 => Err(InvalidValue::new(key, 0, "at least 1")),
            _ => Ok(()),
        };
        at_least_one("trials", config.trials)?;
        at_least_one("shots", u64::from(config.shots))?;
        for (key, value) in [("trials", config.trials), ("shots", u64::from(config.shots))] {
            if value > MAX_UNITS as u64 {
                return Err(InvalidValue::new(key, value, &format!("at most {MAX_UNITS}")));
            }
        }
        at_least_one("core.ports", config.core.ports as u64)?;
        if config.core.ports > MAX_PORTS {
            return Err(InvalidValue::new("core.ports", config.core.ports, &format!("at most {MAX_PORTS}")));
        }
        let of = |table: &str, error| match error {
            HardwareError::Process(invalid) | HardwareError::Link(invalid) => invalid.in_table(table),
            other => InvalidValue::new(table, other, "possible values"),
        };
        config.process.check().map_err(|e| of("process", e))?;
        config.link.check().map_err(|e| of("link", e))?;
        let found = format!("`{}`", config.core.topology);
        let topology = phaseloom_mesh::topology(&config.core.topology)
            .map_err(|e| InvalidValue::new("core.topology", &found, &e.expected()))?;
        if let Some(rows) = topology.rows().filter(|rows| *rows < config.core.ports) {
            let expected = format!("one that carries as many rows as a core has ports, {}", config.core.ports);
            return Err(InvalidValue::new(
                "core.topology",
                format!("{found}, which carries {rows} {}", if rows == 1 { "row" } else { "rows" }),
                &expected,
            ));
        }
        let cell = config.core.cell.as_deref().unwrap_or("");
        config.core.design().map_err(|e| {
            let expected = if let HardwareError::Mesh(e) = &e { e.expected() } else { e.to_string() };
            InvalidValue::new("core.cell", format!("`{cell}`"), &expected)
        })?;
        config.correction_plan().map_err(|_| {
            let keys: Vec<&str> = CORRECTIONS.iter().map(|method| method.key()).collect();
            let expected = format!("`none` or one of {}", keys.join(", "));
            InvalidValue::new("correction", format!("`{}`", config.correction), &expected)
        })?;
        between("correction_noise", config.correction_noise, 0.0, 1.0)?;
        between("correction_effort", config.correction_effort, 0.0, 1000.0)?;
        if let Some(source) = &config.calibration {
            positive("calibration.quantile", source.quantile)?;
            between("calibration.quantile", source.quantile, 0.0, 1.0)?;
        }
        for (i, axis) in config.sweep.iter().enumerate() {
            if axis.keys.is_empty() {
                return Err(InvalidValue::new(&format!("sweep[{i}].keys"), "empty", "at least one key"));
            }
            if axis.values.is_empty() {
                return Err(InvalidValue::new(&format!("sweep[{i}].values"), "empty", "at least one value"));
            }
        }
        Ok(())
    }

    /// Folder that paths in the experiment are relative to.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The error of an inline process, with its line: the table alone is parsed again as text.
fn inline_error(path: &Path, text: &str) -> TomlError {
    #[derive(Deserialize)]
    struct Inline {
        #[allow(dead_code, reason = "only parsed")]
        process: Process,
    }
    match parse_toml::<Inline>(path, text) {
        Err(error) => error,
        Ok(_) => locate(path, text, InvalidValue::new("process", "unreadable", "a process table")),
    }
}
