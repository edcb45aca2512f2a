//! The experiment file: which model runs on which chips, over which grid of parameters.

use crate::error::ExperimentError;
use crate::input::activation::layer_key;
pub use crate::input::calibration::CalibrationSource;
use crate::input::cost::CostSettings;
use crate::input::criterion::Criterion;
use crate::input::defaults::{
    correction_key, is_measurement_noise, is_none, is_one, measurement_noise, none, one, twenty,
};
use crate::input::expectation::Expectation;
use crate::input::other_file::no_experiment;
use crate::input::place::{base, is_run};
use crate::input::processes::{PROCESS, named_process, process_name, table_or_name};
use crate::input::sensitivity::SensitivitySettings;
use crate::input::subject::MatrixForm;
use crate::input::tolerance::ToleranceSettings;
use crate::input::tree::flatten;
use crate::input::tree::to_value;
use crate::metric::Metric;
use phaseloom_files::{FileBytes, FileError, InvalidValue, between, locate, positive, read_key, read_toml};
use phaseloom_hardware::correction::{CorrectionPlan, Interrupt, correction};
use phaseloom_hardware::{CoreSpec, HardwareError, Link, MAX_PORTS, PRESET_PREFIX, Precision, Process, read_process};
use phaseloom_mesh::Capability;
use phaseloom_network::data::DataSpec;
use phaseloom_network::network::GraphInput;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// File of the experiment as run, in the folder of the run.
pub(crate) const EXPERIMENT: &str = "experiment.toml";

/// File of the experiment with the axes of its cost, in the folder of the run.
pub(crate) const COST: &str = "cost.toml";

/// File of the identity of a run, in its folder.
pub(crate) const IDENTITY: &str = "identity.json";

/// Maximum of points × trials. Beyond it, the list of units no longer fits in memory and the run would take days.
pub(crate) const MAX_UNITS: usize = 1_000_000;

/// An experiment with all defaults filled in and the process inline. The identity of a run is computed from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Title of tables and figures. Default: the name of the file without its ending.
    #[serde(default)]
    pub name: String,
    /// Seed of all random numbers. Range: 0…2⁶⁴−1.
    #[serde(default = "one::<u64>")]
    pub seed: u64,
    /// Number of sampled chips at each point of the grid. Range: 1…10⁶.
    #[serde(default = "twenty")]
    pub trials: u64,
    /// Repetitions of the dynamic noise on each chip. Range: 1…10⁶.
    #[serde(default = "one::<u32>")]
    pub shots: u32,
    /// Folder that the paths of this file are relative to, itself relative to the file. A run writes it. It is no part
    /// of the identity of a run. Default: the folder of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<PathBuf>,
    /// Model file. `$PHASELOOM_DATA/` at its start names the folder of the data. An experiment has exactly one of `model`,
    /// `matrix` and `program`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// Activation in the place of all activations of a model file (TOML) before its last linear layer
    /// (`phaseloom explain layer`), with the defaults of its settings. The weights stay those of the model. Default: the
    /// activations of the model.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "layer_key")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub activation: Option<String>,
    /// Name, shape and normalisation of the input of a `model` that is an ONNX graph. Default: those of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<GraphInput>,
    /// Output of an ONNX graph. Default: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Patterns of the names of the operators of an ONNX graph that go to light. Default: all that can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photonic: Option<Vec<String>>,
    /// Patterns of the names of the operators of an ONNX graph that stay electronic. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub electronic: Vec<String>,
    /// Axis of the classes in the output, counted from 0, or from −1 at the end. Every other index is a position with a class and
    /// a label of its own, such as a token. Default: the only axis longer than 1, or the only one that fits the labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_axis: Option<i64>,
    /// Number by which the rows are judged. Default: `accuracy` for data with labels, `rms_error` for data with targets, else
    /// the agreement with the floating-point reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// Results that the floating-point reference must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expectation>,
    /// Matrix (`.npy` of rank 2, real or complex, not all zeros) that the chips realise, without a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<PathBuf>,
    /// Program (`.json`, also a converted one) that the chips realise, without a network. Its own matrix is the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// How a `matrix` is programmed, as by `phaseloom program`.
    /// Default: `"auto"`.
    #[serde(default, skip_serializing_if = "MatrixForm::is_auto")]
    pub form: MatrixForm,
    /// Test data of a `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSpec>,
    /// Threshold of the one output of a network that decides between two classes: class 1 is above it. Default: the
    /// value of the last activation at 0, ½ after a sigmoid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Size, topology and use of the cores.
    #[serde(default)]
    pub core: CoreSpec,
    /// Fabrication process: a path, `"preset:KEY"`, or a table. Default: a perfect process.
    #[serde(default, deserialize_with = "table_or_name")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::input::processes::ProcessSource"))]
    pub process: Process,
    /// File of a chip that exists (`.json`), as `phaseloom chip --from` writes it: every core is this chip, there is one trial, and
    /// the process is that of the chip. Default: chips sampled from the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip: Option<PathBuf>,
    /// Processes by name, for an axis whose key is `process`. A run writes the contents of the files and presets here that
    /// the axis names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub processes: BTreeMap<String, Process>,
    /// Key of the method that corrects each chip before it computes (`phaseloom explain correction`), or `"none"`.
    /// Reference rows with perfect meshes are not corrected. Methods that search also measure the gain after the chip,
    /// whatever `core.calibration` says.
    /// Default: `"none"`.
    #[serde(default = "none", skip_serializing_if = "is_none", deserialize_with = "correction_key")]
    pub correction: String,
    /// For a correction that measures: standard deviation of each quadrature of a measurement, relative to the field of
    /// a full input. Range: 0…1.
    /// Default: `1e-3`.
    #[serde(default = "measurement_noise", skip_serializing_if = "is_measurement_noise")]
    pub correction_noise: f64,
    /// For a correction with steps: factor on the number of steps. Range: 0…1000.
    /// Default: `1`.
    #[serde(default = "one::<f64>", skip_serializing_if = "is_one")]
    pub correction_effort: f64,
    /// The optical link: laser, modulators, detectors, converters.
    #[serde(default)]
    pub link: Link,
    /// Precision of fields, noise and measured values in the rows with the real link. Both take the same draws. Chips,
    /// gains, scales, bias and activations are double in any case; electronic operators of ONNX graphs are single.
    #[serde(default)]
    pub precision: Precision,
    /// Training data that measure the scales of the converters, never test data. They are used if the link needs scales
    /// and the calibration file of the model is missing or does not suit the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationSource>,
    /// Imperfections of the process and parts of the link that are on (`phaseloom explain imperfection`, `link-part`). All others
    /// are left out, as if their tables were missing. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<String>>,
    /// What a chip must reach, for `phaseloom yield` and `tolerance`, such as `{ drop = 0.01 }`. It changes no result of a run.
    /// Default: of a network, a loss of at most 0.01 against the floating-point reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Criterion>,
    /// The level that `phaseloom tolerance` raises until a chip fails. Its units are levels of chips, not chips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<ToleranceSettings>,
    /// The sensitivity map of `phaseloom budget`: of how many chips, on how many samples. Default: no map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<SensitivitySettings>,
    /// Use and surroundings of the cores, for `phaseloom cost` alone.
    /// Default: its defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostSettings>,
    /// Axes of the parameter sweep. Several make a grid, whose last axis varies fastest; at most 10⁶ points × trials.
    /// Default: one point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweep: Vec<Axis>,
}

/// One axis of the parameter sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Keys of the experiment that take each value together, such as `process.splitter_error.sigma_rad`. At least one,
    /// none twice.
    pub keys: Vec<String>,
    /// The values, one per point. At least one, none twice.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    pub values: Vec<toml::Value>,
}

impl Default for Config {
    /// All keys at their defaults, without a subject.
    fn default() -> Self {
        Self {
            name: String::new(),
            seed: one(),
            trials: twenty(),
            shots: one(),
            base: None,
            model: None,
            activation: None,
            input: None,
            output: None,
            photonic: None,
            electronic: Vec::new(),
            class_axis: None,
            metric: None,
            expect: None,
            matrix: None,
            program: None,
            form: MatrixForm::Auto,
            data: None,
            threshold: None,
            core: CoreSpec::default(),
            process: Process::default(),
            chip: None,
            processes: BTreeMap::new(),
            correction: none(),
            correction_noise: measurement_noise(),
            correction_effort: one(),
            link: Link::default(),
            precision: Precision::default(),
            calibration: None,
            sources: None,
            pass: None,
            tolerance: None,
            sensitivity: None,
            cost: None,
            sweep: Vec::new(),
        }
    }
}

impl Config {
    /// The correction of each chip, or `None` for `"none"`. It stops if `interrupt` is requested.
    pub(crate) fn correction_plan(&self, interrupt: &Interrupt) -> Result<Option<CorrectionPlan>, HardwareError> {
        let key = &read_key!("", self.correction);
        if key == "none" {
            return Ok(None);
        }
        let method = correction(key)?;
        Ok(Some(CorrectionPlan {
            method,
            noise: self.correction_noise,
            effort: self.correction_effort,
            interrupt: interrupt.clone(),
        }))
    }
}

/// An experiment with the text and the path of its file.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Path of the file.
    pub path: PathBuf,
    /// Text of the file, for the line numbers in messages.
    pub text: String,
    /// Path and text of the file of the process, unless the process is inline.
    process_file: Option<(PathBuf, String)>,
    /// Contents of the file.
    pub config: Config,
    /// Input files that were read already.
    pub(crate) known_files: Vec<FileBytes>,
}

impl Experiment {
    /// Reads an experiment and the process that it names. `path` is its file, or the folder of a run.
    ///
    /// # Errors
    ///
    /// Unreadable files, unknown keys (with line and nearest key), impossible values.
    pub fn load(path: &Path) -> Result<Self, ExperimentError> {
        if is_run(path) { Self::load_file(&path.join(EXPERIMENT)) } else { Self::load_file(path) }
    }

    pub(super) fn load_file(path: &Path) -> Result<Self, ExperimentError> {
        let (mut config, text): (Config, String) =
            read_toml(path, "experiment").map_err(|error| no_experiment(path).unwrap_or_else(|| error.into()))?;
        if config.name.is_empty() {
            config.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        let mut process_file = None;
        if let Some(name) = process_name(&text) {
            let file = named_process(&name, &base(path, &config), path, &text, PROCESS)?;
            process_file = Some((file.path, file.text));
            config.process = file.process;
        }
        config.read_chip(path, &text)?;
        let mut experiment = Self { path: path.to_owned(), text, process_file, config, known_files: Vec::new() };
        experiment.read_swept_processes()?;
        experiment.check(&experiment.config)?;
        Ok(experiment)
    }

    /// An experiment that is in no file, on a process by path or as `preset:KEY`. `name` is its path in messages;
    /// paths are relative to the working folder.
    ///
    /// # Errors
    ///
    /// An unreadable or impossible process, impossible values.
    pub fn new(mut config: Config, process: Option<&Path>, name: &Path) -> Result<Self, ExperimentError> {
        let mut process_file = None;
        if let Some(path) = process {
            let file = read_process(path, Path::new(""))?;
            process_file = Some((file.path, file.text));
            config.process = file.process;
        }
        config.read_chip(name, "")?;
        let (text, known_files) = (String::new(), Vec::new());
        let mut experiment = Self { path: name.to_owned(), text, process_file, config, known_files };
        experiment.read_swept_processes()?;
        experiment.check(&experiment.config)?;
        Ok(experiment)
    }

    /// The same experiment with an input file that was read already and is not read again, such as standard input.
    #[must_use]
    pub fn with_file(mut self, file: FileBytes) -> Self {
        self.known_files.push(file);
        self
    }

    /// The error of a file that does not exist, with the key that names it.
    pub(crate) fn named_by(&self, error: FileError, key: &str) -> FileError {
        // A command line has no lines.
        if self.text.is_empty() { error } else { error.named_by(&self.path, &self.text, key) }
    }

    /// Path and text of the file of the process, unless the process is inline.
    pub(crate) fn process_file(&self) -> Option<(&Path, &str)> {
        self.process_file.as_ref().map(|(path, text)| (&**path, &**text))
    }

    /// The preset that the experiment names as its process, as `preset:KEY`.
    #[must_use]
    pub fn preset(&self) -> Option<&Path> {
        let (path, _) = self.process_file()?;
        path.to_str().is_some_and(|name| name.starts_with(PRESET_PREFIX)).then_some(path)
    }

    /// The experiment in the folder of a run.
    #[must_use]
    pub(crate) fn as_run(folder: &Path, config: Config) -> Self {
        let (path, text) = (folder.join(EXPERIMENT), String::new());
        Self { path, text, process_file: None, config, known_files: Vec::new() }
    }

    /// Checks the values of one point of the experiment.
    ///
    /// # Errors
    ///
    /// The first impossible value, with file and line.
    pub fn check(&self, config: &Config) -> Result<(), ExperimentError> {
        self.check_values(config).map_err(|invalid| self.with_line(invalid))
    }

    /// Attaches file and line to an impossible value. A process in a file of its own is reported with that file.
    pub(crate) fn with_line(&self, invalid: InvalidValue) -> ExperimentError {
        match (&self.process_file, invalid.key.strip_prefix("process.")) {
            (Some((path, text)), Some(key)) => {
                let key = key.to_owned();
                locate(path, text, InvalidValue { key, ..invalid }).into()
            }
            _ => locate(&self.path, &self.text, invalid).into(),
        }
    }

    /// The first impossible value of a configuration.
    pub(crate) fn check_values(&self, config: &Config) -> Result<(), InvalidValue> {
        for (key, path) in
            [("base", &config.base), ("matrix", &config.matrix), ("program", &config.program), ("chip", &config.chip)]
        {
            if let Some(path) = path.as_ref().filter(|path| path.to_str().is_none()) {
                let expected =
                    "a path in UTF-8, which the experiment.toml of a run can hold: rename the file or folder";
                return Err(InvalidValue::new(key, path.display(), expected));
            }
        }
        config.subject()?;
        config.check_chip()?;
        config.check_graph()?;
        config.check_activation()?;
        config.check_cost()?;
        config.check_sources()?;
        config.pass.map_or(Ok(()), Criterion::check)?;
        config.tolerance.as_ref().map_or(Ok(()), |tolerance| tolerance.check(config))?;
        config.sensitivity.map_or(Ok(()), |sensitivity| sensitivity.check(config))?;
        for (key, count, max) in [
            ("trials", config.trials, MAX_UNITS),
            ("shots", u64::from(config.shots), MAX_UNITS),
            ("core.ports", config.core.ports as u64, MAX_PORTS),
        ] {
            if count == 0 {
                return Err(InvalidValue::new(key, 0, "at least 1"));
            }
            if count > max as u64 {
                return Err(InvalidValue::new(key, count, format!("at most {max}")));
            }
        }
        let in_table = |table: &str, error| match error {
            HardwareError::Process(invalid) | HardwareError::Link(invalid) => invalid.in_table(table),
            other => InvalidValue::new(table, other, "possible values"),
        };
        config.process.check().map_err(|e| in_table("process", e))?;
        config.link.check().map_err(|e| in_table("link", e))?;
        let found = format!("`{}`", config.core.topology);
        let topology = phaseloom_mesh::topology(&config.core.topology)
            .map_err(|e| InvalidValue::new("core.topology", &found, e.expected()))?;
        // Without a network, the shape of the matrix decides.
        let max_rows = topology.capability().max_rows().filter(|_| !config.is_matrix());
        if let Some(rows) = max_rows.filter(|rows| *rows < config.core.ports) {
            let expected = format!("one that carries as many rows as a core has ports, {}", config.core.ports);
            return Err(InvalidValue::new(
                "core.topology",
                format!("{found}, which carries {rows} {}", if rows == 1 { "row" } else { "rows" }),
                &expected,
            ));
        }
        if config.matrix.is_some()
            && config.form == MatrixForm::Svd
            && topology.capability() == Capability::AnyContraction
        {
            let expected = format!("auto: {found} realises any matrix on one mesh, without singular values");
            return Err(InvalidValue::new("form", "`svd`", expected));
        }
        let cell = config.core.cell.as_deref().unwrap_or("");
        config.core.design().map_err(|e| {
            let expected = if let HardwareError::Mesh(e) = &e { e.expected() } else { e.to_string() };
            InvalidValue::new("core.cell", format!("`{cell}`"), &expected)
        })?;
        if let Err(HardwareError::UnknownCorrection(unknown)) = config.correction_plan(&Interrupt::new()) {
            let expected = format!("`none` or {}", unknown.expected);
            return Err(InvalidValue { expected, ..unknown });
        }
        if let Some(threshold) = config.threshold.filter(|threshold| !threshold.is_finite()) {
            return Err(InvalidValue::new("threshold", threshold, "a finite number"));
        }
        config.expect.as_ref().map_or(Ok(()), Expectation::check_values)?;
        between("correction_noise", config.correction_noise, 0.0, 1.0)?;
        between("correction_effort", config.correction_effort, 0.0, 1000.0)?;
        if let Some(source) = &config.calibration {
            positive("calibration.quantile", source.quantile)?;
            between("calibration.quantile", source.quantile, 0.0, 1.0)?;
        }
        for (i, axis) in config.sweep.iter().enumerate() {
            if axis.keys.is_empty() {
                return Err(InvalidValue::new(format!("sweep[{i}].keys"), "empty", "at least one key"));
            }
            if axis.values.is_empty() {
                return Err(InvalidValue::new(format!("sweep[{i}].values"), "empty", "at least one value"));
            }
        }
        Ok(())
    }

    /// The keys that no file gives, with the values that are used, as `key = value`.
    #[must_use]
    pub fn defaults(&self) -> Vec<String> {
        let tables = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
        let mut given = tables(&self.text);
        if let Some((_, text)) = &self.process_file {
            given.insert("process".into(), tables(text).into());
        }
        let given = flatten(&to_value(&given));
        let used = flatten(&to_value(&self.config));
        // The processes of a sweep are in files and presets.
        let is_given = |key: &str| {
            key.starts_with("processes.") || given.keys().any(|own| own == key || own.starts_with(&format!("{key}.")))
        };
        used.into_iter().filter(|(key, _)| !is_given(key)).map(|(key, value)| format!("{key} = {value}")).collect()
    }
}
