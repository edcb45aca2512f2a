//! The points of an experiment: its configuration with the swept keys replaced, for every combination of values.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Axis, Config, Experiment, MAX_UNITS};
use phaseloom_files::{InvalidValue, deserialize_strict, line_of_key, nearest};
use serde_json::Value;
use std::collections::HashSet;

/// Keys that belong to the whole run.
const FIXED: [&str; 5] = ["name", "seed", "trials", "sweep", "calibration"];

/// Why settings of a correction that is not asked for are refused.
const NO_CORRECTION: &str = "has no effect without `correction`: name a method, or sweep `correction` too";

/// One point of the grid.
#[derive(Clone, Debug)]
pub struct Point {
    /// Index, from 0.
    pub index: usize,
    /// (key, value) of every swept key, in the order of the axes.
    pub levels: Vec<(String, Value)>,
    /// The axis of each of them.
    pub axes: Vec<usize>,
    /// The configuration of the point, without its sweep.
    pub config: Config,
}

impl Point {
    /// Its values in brackets, for messages; nothing where nothing is swept.
    pub(crate) fn values(&self) -> String {
        let values: Vec<String> = self.levels.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) }
    }
}

/// All swept keys in the order of the axes.
#[must_use]
pub fn swept_keys(config: &Config) -> Vec<String> {
    config.sweep.iter().flat_map(|axis| axis.keys.iter().cloned()).collect()
}

impl Experiment {
    /// The grid, the last axis fastest; one point where nothing is swept.
    ///
    /// # Errors
    ///
    /// A key that does not exist (with the nearest that does), a value of the wrong type, an impossible value, a value
    /// twice.
    pub fn points(&self) -> Result<Vec<Point>, ExperimentError> {
        let mut whole = self.config.clone();
        let axes: Vec<Axis> = std::mem::take(&mut whole.sweep);
        let problem = |key: &str, reason: String| {
            let axis = axes.iter().position(|axis| axis.keys.iter().any(|k| k == key));
            ExperimentError::Setting {
                path: self.path.clone(),
                line: axis.and_then(|i| line_of_key(&self.text, &format!("sweep[{i}].keys"))),
                problem: Problem::Sweep { key: key.to_owned(), reason },
            }
        };
        let mut seen: Vec<&str> = Vec::new();
        for key in axes.iter().flat_map(|axis| &axis.keys) {
            if FIXED.contains(&key.split('.').next().unwrap_or(key)) {
                return Err(problem(key, "belongs to the whole run: sweep another key".into()));
            }
            if seen.contains(&key.as_str()) {
                return Err(problem(key, "stands on two axes: name it once".into()));
            }
            seen.push(key);
        }
        for (key, value) in axes.iter().flat_map(|axis| axis.keys.iter().map(move |key| (key, &axis.values))) {
            if key == "process" && value.iter().any(toml::Value::is_str) {
                let reason = "takes tables alone, found a name: sweep keys of the process, such as \
                              `process.splitter_error.sigma_rad`, or write an experiment for each process";
                return Err(problem(key, reason.into()));
            }
            let mends = self.config.correction != "none" || seen.contains(&"correction");
            if ["correction_noise", "correction_effort"].contains(&key.as_str()) && !mends {
                return Err(problem(key, NO_CORRECTION.into()));
            }
        }
        for (key, value) in axes.iter().flat_map(|axis| axis.values.iter().map(|value| (&axis.keys[0], value))) {
            // JSON, through which a point is read, has no such numbers: they would turn into an absent key.
            if !is_plain(value) {
                let expected = "expected a number, a string, a truth value, a list or a table of them";
                return Err(problem(key, format!("cannot take the value {value}: {expected}")));
            }
        }
        for axis in &axes {
            let mut before = HashSet::new();
            if let Some(twice) = axis.values.iter().find(|value| !before.insert(same_if_equal(value))) {
                return Err(problem(&axis.keys[0], format!("takes the value {twice} twice: name it once")));
            }
        }
        let trials = usize::try_from(self.config.trials).unwrap_or(usize::MAX);
        let count = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
        let Some(count) = count.filter(|&n| n.checked_mul(trials).is_some_and(|units| units <= MAX_UNITS)) else {
            let reason = format!("makes more than {MAX_UNITS} points × trials: sweep fewer values");
            return Err(problem(seen.first().copied().unwrap_or(""), reason));
        };
        let mut tree = to_value(&whole);
        // What stays unsaid in files is said to the points: another topology would take its own usual cells.
        if let Some(cell) = &whole.core.cell {
            set(&mut tree, "core.cell", to_value(cell)).map_err(|reason| problem("core.cell", reason))?;
        }
        let mut points = Vec::with_capacity(count);
        for index in 0..count {
            let mut rest = index;
            let mut choice = vec![0; axes.len()];
            for (c, axis) in choice.iter_mut().zip(&axes).rev() {
                *c = rest % axis.values.len();
                rest /= axis.values.len();
            }
            let mut tree = tree.clone();
            let (mut levels, mut axis_of) = (Vec::new(), Vec::new());
            for (i, (axis, &c)) in axes.iter().zip(&choice).enumerate() {
                let value = to_value(&axis.values[c]);
                for key in &axis.keys {
                    set(&mut tree, key, value.clone()).map_err(|reason| problem(key, reason))?;
                    // Read back at once, so that a complaint names the key that caused it.
                    deserialize_strict::<Config, _>(tree.clone())
                        .map_err(|e| problem(key, complaint(&e.to_string(), &value)))?;
                    levels.push((key.clone(), value.clone()));
                    axis_of.push(i);
                }
            }
            let config: Config = deserialize_strict(tree).map_err(|e| problem("", e.to_string()))?;
            self.check_values(&config).map_err(|invalid| {
                let InvalidValue { key, found, expected } = &invalid;
                match levels.iter().find(|(k, _)| k == key || key.starts_with(&format!("{k}."))) {
                    Some((level, _)) => problem(level, format!("makes `{key}` {found}: expected {expected}")),
                    None => self.located(invalid),
                }
            })?;
            points.push(Point { index, levels, axes: axis_of, config });
        }
        Ok(points)
    }
}

/// A configuration as a tree; numbers, strings, lists and tables always convert.
pub(crate) fn to_value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or(Value::Null)
}

fn set(tree: &mut Value, key: &str, value: Value) -> Result<(), String> {
    let mut at = tree;
    for part in key.split('.') {
        let Value::Object(table) = at else { return Err("leads through something that is no table".into()) };
        at = table.entry(part).or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    *at = value;
    Ok(())
}

/// Text that is the same for equal values; 1 and 1.0 are, and zeros of both signs.
fn same_if_equal(value: &toml::Value) -> String {
    match value {
        toml::Value::Integer(number) => format!("{:?}", *number as f64),
        toml::Value::Float(number) => format!("{:?}", number + 0.0),
        toml::Value::Array(list) => format!("{:?}", list.iter().map(same_if_equal).collect::<Vec<_>>()),
        toml::Value::Table(table) => {
            format!("{:?}", table.iter().map(|(key, value)| (key, same_if_equal(value))).collect::<Vec<_>>())
        }
        other => other.to_string(),
    }
}

fn is_plain(value: &toml::Value) -> bool {
    match value {
        toml::Value::Float(number) => number.is_finite(),
        toml::Value::Datetime(_) => false,
        toml::Value::Array(list) => list.iter().all(is_plain),
        toml::Value::Table(table) => table.values().all(is_plain),
        toml::Value::String(_) | toml::Value::Integer(_) | toml::Value::Boolean(_) => true,
    }
}

fn complaint(message: &str, value: &Value) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((found, known)) if message.starts_with("unknown field") => {
            let near = nearest(found, known.iter().copied()).map(|k| format!("; did you mean `{k}`?"));
            format!("does not exist: {message}{}", near.unwrap_or_default())
        }
        _ => format!("cannot take the value {value}: {message}"),
    }
}
