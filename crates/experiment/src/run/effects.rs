//! Which keys of an experiment have an effect. The code of a run computes a tiny network at each point, and the keys that
//! it reads are recorded.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::files::needs_scales;
use crate::input::grid::Point;
use crate::input::subject::Subject;
use crate::run::matrix;
use crate::run::network_program::NetworkProgram;
use crate::run::prepare::{Chunk, PreparedPoint, TestSet};
use crate::run::task::{Decision, Task};
use crate::store::record::{Record, Row, Unit};
use nalgebra::DMatrix;
use phaseloom_files::usage::{self, KeysRead};
use phaseloom_files::{line_of_key, parse_toml};
use phaseloom_hardware::Process;
use phaseloom_hardware::correction::Interrupt;
use phaseloom_network::{Calibration, LayerScale, Model, ModelSpec, Network, Tensor, Tensors};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Maximum number of points that are tried, about a millisecond each. Beyond it, no key is said to be without effect.
const MAX_TRIED: usize = 1000;
/// Maximum number of ports of a tiny core. Every topology has all of its kinds of parts from here on.
const MAX_TINY_PORTS: usize = 8;
/// Inputs and outputs of the tiny layer. It needs several tiles.
const INPUTS: usize = 9;
const OUTPUTS: usize = 3;

/// Keys that are set or swept without effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Keys of the files that nothing reads, in the order of the files.
    pub unread: Vec<String>,
    /// Swept keys whose values reach reported numbers, such as photons, and no output of the network.
    pub reported: Vec<String>,
}

impl Experiment {
    /// Finds the keys of the experiment without effect. Nothing of the run is computed.
    ///
    /// # Errors
    ///
    /// A swept key that no point reads.
    pub fn effects(&self, points: &[Point]) -> Result<Effects, ExperimentError> {
        let swept: BTreeSet<&str> = points.iter().flat_map(|p| &p.levels).map(|(key, _)| key.as_str()).collect();
        let written = self.written_keys();
        let names =
            |table: &str| swept.iter().copied().chain(written.iter().map(|k| &**k)).any(|k| k.starts_with(table));
        let with_data = names("data.csv");
        let mut keys = KeysRead::default();
        for (tried, point) in points.iter().enumerate() {
            if swept.iter().all(|key| keys.uses(key)) && written.iter().all(|key| keys.reads(key)) {
                break;
            }
            let (computed, more) = usage::record(|| self.compute_tiny(&point.config, with_data));
            if computed.is_err() || tried == MAX_TRIED {
                // The run itself will fail, or is too large to try.
                return Ok(Effects::default());
            }
            keys.extend(more);
        }
        if let Some(key) = swept.iter().find(|key| !keys.reads(key)) {
            let axes = &self.config.sweep;
            let axis = axes.iter().position(|axis| axis.keys.iter().any(|k| k == key));
            let reason = match key.starts_with("cost.") {
                true => "is read by `phaseloom cost` alone: give the experiment to that command",
                false => {
                    "has no effect in this experiment, because nothing reads it at any point: sweep another key, or add the \
                     part of the experiment that it belongs to"
                }
            };
            return Err(ExperimentError::Setting {
                path: self.path.clone(),
                line: axis.and_then(|i| line_of_key(&self.text, &format!("sweep[{i}].keys"))),
                problem: Problem::Sweep { key: (*key).to_owned(), reason: reason.into() },
            });
        }
        Ok(Effects {
            unread: written.into_iter().filter(|key| !keys.reads(key)).collect(),
            reported: swept.into_iter().filter(|key| !keys.uses(key)).map(str::to_owned).collect(),
        })
    }

    /// The dotted keys in the files of the experiment and of its process. A preset is no file of the user.
    fn written_keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        // The file of a run names all keys with their defaults.
        if self.run_folder().is_some() {
            return keys;
        }
        if let Ok(mut table) = self.text.parse::<toml::Table>() {
            // The sweep is checked key by key, and a name of a process was read.
            table.remove("sweep");
            // Other commands read them, and the sources were kept when the points were made.
            ["cost", "pass", "tolerance", "sensitivity", "sources"].into_iter().for_each(|key| drop(table.remove(key)));
            if self.swept_processes().next().is_some() {
                table.remove("processes");
            }
            table.retain(|key, value| key != "process" || value.is_table());
            leaves(&table, "", &mut keys);
        }
        let process = self.process_file().filter(|_| self.preset().is_none());
        if let Some(Ok(table)) = process.map(|(path, text)| parse_toml::<toml::Table>(path, text)) {
            leaves(&table, "process.", &mut keys);
        }
        keys
    }

    /// Computes every row of a tiny network, or of tiny matrices, at one point, as a run does.
    fn compute_tiny(&self, config: &Config, with_data: bool) -> Result<Vec<Record>, ExperimentError> {
        // A tiny network has no place for a chip, a heater or a matrix of another shape.
        let config = &Config { process: config.process.for_any_shape(), ..config.clone() };
        if config.process != self.config.process {
            ["chip", "process.heater_limits.heaters", "process.thermal_crosstalk.matrix"]
                .into_iter()
                .for_each(usage::mark);
        }
        let data = match config.subject().map_err(|invalid| self.with_line(invalid))? {
            Subject::Network { data, .. } => data,
            Subject::Matrix(_) | Subject::Program(_) => return matrix::compute_tiny(self, config),
        };
        // A run needs a title, a model and data, whatever they are. It refuses a threshold without effect.
        const READ: [&str; 12] = [
            "name",
            "model",
            "activation",
            "threshold",
            "base",
            "input",
            "output",
            "photonic",
            "electronic",
            "class_axis",
            "metric",
            "expect",
        ];
        READ.into_iter().for_each(usage::mark);
        usage::mark("sources");
        if with_data {
            data.load(&self.base())?;
            ["inputs", "labels", "targets", "npz", "split", "rows", "every", "classes", "class_names", "samples"]
                .into_iter()
                .for_each(|key| usage::mark(&format!("data.{key}")));
        } else {
            usage::mark("data");
        }
        let mut config = config.clone();
        config.core.ports = config.core.ports.min(MAX_TINY_PORTS);
        config.correction_effort = config.correction_effort.min(0.1);
        config.shots = config.shots.min(2);
        let model = Arc::new(tiny_model()?);
        let programs = tiny_programs(&model, &config)?;
        let perfect = programs.designs(&Process::default(), None)?;
        let designs = programs.designs(&config.process, config.correction_plan(&Interrupt::new())?.as_ref())?;
        let inputs = DMatrix::from_fn(INPUTS, 2, |i, j| ((1 + i + 4 * j) as f64).sin());
        let exact = model.exact_pass(model.prepare(&inputs))?;
        let task = Task::Classification { labels: vec![Some(0), Some(1)], decision: Decision::maximum_of(OUTPUTS) };
        let outputs = exact.output.clone();
        let chunks = vec![Chunk { first_sample: 0, exact }];
        let test_set = Arc::new(TestSet { chunks, task, exact: outputs, class_names: Vec::new() });
        let point = PreparedPoint { config, network: model, test_set, programs: Arc::new(programs), perfect, designs };
        let compute = |row| point.evaluate(Unit { row, point: 0, trial: 0 });
        let design = usage::reported(|| compute(Row::Design));
        let rows = [Row::PerfectIdeal, Row::PerfectReal, Row::Digital, Row::Chips];
        std::iter::once(design).chain(rows.map(compute)).collect()
    }
}

/// A photonic layer and a modulus, which suits every detection.
fn tiny_model() -> Result<Model, ExperimentError> {
    let text = format!(
        "format = 'phaseloom-model'\nversion = 1\nname = 'tiny'\nweights = 'none'\n[input]\nsize = {INPUTS}\n\
         [[layer]]\nkind = 'photonic'\noutputs = {OUTPUTS}\nweight = 'w'\n[[layer]]\nkind = 'modulus'"
    );
    let spec: ModelSpec = parse_toml(Path::new("tiny"), &text)?;
    let mut tensors = Tensors::new();
    let weights = (0..INPUTS * OUTPUTS).map(|i| ((1 + i) as f64).cos()).collect();
    tensors.insert("w", Tensor::new(vec![OUTPUTS, INPUTS], weights));
    Ok(Model::from_tensors(spec, Path::new(""), &tensors)?)
}

/// The programs of the tiny model, with a calibration where the link needs one.
fn tiny_programs(model: &Model, config: &Config) -> Result<NetworkProgram, ExperimentError> {
    let core = &config.core;
    let (ports, column_block) = (core.ports, core.column_block(config.link.detection));
    let tiles = core.plan(OUTPUTS, INPUTS, config.link.detection)?.tiles().len();
    let calibration = Calibration {
        format: String::new(),
        version: 1,
        model_sha256: None,
        data_sha256: String::new(),
        samples: 2,
        quantile: 1.0,
        ports,
        column_block,
        layers: vec![LayerScale { input_scale: 1.0, full_scale: vec![INPUTS as f64; tiles] }],
    };
    let calibration = needs_scales(&config.link).then_some(&calibration);
    NetworkProgram::with_scales_of(model, core, &core.design()?, &config.link, calibration)
}

/// The dotted keys of the values in a table.
fn leaves(table: &toml::Table, prefix: &str, keys: &mut Vec<String>) {
    for (name, value) in table {
        match value {
            toml::Value::Table(table) => leaves(table, &format!("{prefix}{name}."), keys),
            _ => keys.push(format!("{prefix}{name}")),
        }
    }
}

#[cfg(test)]
mod tests;
