//! The points of an experiment: one configuration for every combination of the swept values.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Axis, Config, Experiment, MAX_UNITS};
use crate::input::processes::PROCESS;
use crate::input::tree::to_value;
use phaseloom_files::{InvalidValue, deserialize_strict, line_of_key, nearest};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys that belong to the whole run and cannot be swept.
const FIXED: [&str; 11] =
    ["name", "base", "seed", "trials", "chip", "sweep", "calibration", "processes", "pass", "tolerance", "sensitivity"];

/// One point of the grid.
#[derive(Clone, Debug)]
pub struct Point {
    /// Index, from 0.
    pub index: usize,
    /// (key, value) of every swept key, in the order of the axes.
    pub levels: Vec<(String, Value)>,
    /// Index of the axis of each swept key.
    pub axes: Vec<usize>,
    /// The configuration of the point, without its sweep.
    pub config: Config,
}

impl Point {
    /// The swept values in brackets, for messages. Empty without a sweep.
    pub(crate) fn values(&self) -> String {
        let values: Vec<String> = self.levels.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) }
    }
}

impl Experiment {
    /// The points of the grid, the last axis fastest. Without a sweep, there is one point.
    ///
    /// # Errors
    ///
    /// A key that does not exist (with the nearest key), a value of the wrong type, an impossible value, a value that
    /// occurs twice.
    pub fn points(&self) -> Result<Vec<Point>, ExperimentError> {
        let mut base = self.config.clone();
        let axes: Vec<Axis> = std::mem::take(&mut base.sweep);
        let processes = std::mem::take(&mut base.processes);
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
                return Err(problem(key, "is on two axes: name it once".into()));
            }
            seen.push(key);
        }
        for (key, value) in axes.iter().flat_map(|axis| axis.values.iter().map(|value| (&axis.keys[0], value))) {
            // Points are read from JSON, which has no NaN, infinity or date. Such a value would become an absent key.
            if !is_plain(value) {
                let expected = "expected a number, a string, a truth value, a list or a table of them";
                return Err(problem(key, format!("cannot take the value {value}: {expected}")));
            }
        }
        for axis in &axes {
            let mut seen_values = HashSet::new();
            if let Some(twice) = axis.values.iter().find(|value| !seen_values.insert(canonical_text(value))) {
                return Err(problem(&axis.keys[0], format!("takes the value {twice} twice: name it once")));
            }
        }
        let trials = usize::try_from(self.config.trials).unwrap_or(usize::MAX);
        let count = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
        let Some(count) = count.filter(|&n| n.checked_mul(trials).is_some_and(|units| units <= MAX_UNITS)) else {
            let reason = format!("makes more than {MAX_UNITS} points × trials: sweep fewer values");
            return Err(problem(seen.first().copied().unwrap_or(""), reason));
        };
        let mut tree = to_value(&base);
        // Files leave out the default cell of a topology. A swept topology must not replace a cell that was given.
        if let Some(cell) = &base.core.cell {
            set(&mut tree, "core.cell", to_value(cell)).map_err(|reason| problem("core.cell", reason))?;
        }
        let mut points: Vec<Point> = Vec::with_capacity(count);
        let mut first_equal = HashMap::new();
        for index in 0..count {
            let mut rest = index;
            let mut choice = vec![0; axes.len()];
            for (c, axis) in choice.iter_mut().zip(&axes).rev() {
                *c = rest % axis.values.len();
                rest /= axis.values.len();
            }
            let mut point_tree = tree.clone();
            let (mut levels, mut level_axes) = (Vec::new(), Vec::new());
            for (i, (axis, &c)) in axes.iter().zip(&choice).enumerate() {
                let value = to_value(&axis.values[c]);
                for key in &axis.keys {
                    levels.push((key.clone(), value.clone()));
                    level_axes.push(i);
                }
            }
            // A process comes before the keys in it.
            let mut in_order: Vec<&(String, Value)> = levels.iter().collect();
            in_order.sort_by_key(|(key, _)| key != PROCESS);
            for (key, value) in in_order {
                let named = value.as_str().filter(|_| key == PROCESS);
                let value = match named.map(|name| processes.get(name).ok_or(name)) {
                    None => value.clone(),
                    Some(Ok(process)) => to_value(process),
                    Some(Err(name)) => {
                        return Err(problem(key, format!("names the process {name}, which was not read")));
                    }
                };
                set(&mut point_tree, key, value).map_err(|reason| problem(key, reason))?;
            }
            let mut config: Config = deserialize_strict(point_tree).map_err(|error| {
                let (key, reason) = first_unreadable(tree.clone(), &levels).unwrap_or(("", error.to_string()));
                problem(key, reason)
            })?;
            // They are in no file, so that the tree does not hold them.
            config.process.fixed_chip.clone_from(&base.process.fixed_chip);
            config.process.own_sources.clone_from(&base.process.own_sources);
            self.check_values(&config).map_err(|invalid| {
                let InvalidValue { key, found, expected } = &invalid;
                match levels.iter().find(|(k, _)| k == key || key.starts_with(&format!("{k}."))) {
                    Some((level, _)) => problem(level, format!("makes `{key}` {found}: expected {expected}")),
                    None => self.with_line(invalid),
                }
            })?;
            config.keep_sources();
            // Names may be aliases, and a key may replace what a key of another axis sets.
            let equal = *first_equal.entry(fingerprint(&config)).or_insert(index);
            // The level of a source that is off means nothing.
            let has_sources = levels.iter().any(|(key, _)| key == "sources");
            if equal != index && !has_sources && points[equal].config == config {
                return Err(equal_points(&points[equal].levels, &levels, problem));
            }
            points.push(Point { index, levels, axes: level_axes, config });
        }
        Ok(points)
    }
}

/// A number that is equal for equal configurations.
fn fingerprint(config: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{config:?}").hash(&mut hasher);
    hasher.finish()
}

/// The error of two points with different values and equal settings.
fn equal_points(
    first: &[(String, Value)],
    second: &[(String, Value)],
    problem: impl Fn(&str, String) -> ExperimentError,
) -> ExperimentError {
    let different = first.iter().zip(second).find(|((_, a), (_, b))| a != b);
    let (key, a, b) = different.map_or(("", &Value::Null, &Value::Null), |((key, a), (_, b))| (key.as_str(), a, b));
    problem(key, format!("takes the values {a} and {b}, which mean the same settings: name one of them"))
}

/// The first swept key whose value makes the configuration unreadable, and the reason.
fn first_unreadable(mut tree: Value, levels: &[(String, Value)]) -> Option<(&str, String)> {
    levels.iter().find_map(|(key, value)| {
        set(&mut tree, key, value.clone()).ok()?;
        let error = deserialize_strict::<Config, _>(tree.clone()).err()?;
        Some((key.as_str(), explain(&error.to_string(), value)))
    })
}

/// Sets a dotted key of a tree and creates the tables on the way to it.
pub(crate) fn set(tree: &mut Value, key: &str, value: Value) -> Result<(), String> {
    let mut at = tree;
    for part in key.split('.') {
        let Value::Object(table) = at else { return Err("leads through a value that is no table".into()) };
        at = table.entry(part).or_insert_with(|| Value::Object(serde_json::Map::new()));
    }
    *at = value;
    Ok(())
}

/// Text that is equal for equal values. The values 1 and 1.0 are equal, and so are 0 and −0.
fn canonical_text(value: &toml::Value) -> String {
    match value {
        toml::Value::Integer(number) => format!("{:?}", *number as f64),
        toml::Value::Float(number) => format!("{:?}", number + 0.0),
        toml::Value::Array(list) => format!("{:?}", list.iter().map(canonical_text).collect::<Vec<_>>()),
        toml::Value::Table(table) => {
            format!("{:?}", table.iter().map(|(key, value)| (key, canonical_text(value))).collect::<Vec<_>>())
        }
        other => other.to_string(),
    }
}

/// Whether JSON can hold a value.
fn is_plain(value: &toml::Value) -> bool {
    match value {
        toml::Value::Float(number) => number.is_finite(),
        toml::Value::Datetime(_) => false,
        toml::Value::Array(list) => list.iter().all(is_plain),
        toml::Value::Table(table) => table.values().all(is_plain),
        toml::Value::String(_) | toml::Value::Integer(_) | toml::Value::Boolean(_) => true,
    }
}

/// The reason to refuse a swept value, with the nearest key if the key does not exist.
fn explain(message: &str, value: &Value) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((found, known)) if message.starts_with("unknown field") => {
            let near = nearest(found, known.iter().copied()).map(|k| format!("; did you mean `{k}`?"));
            format!("does not exist: {message}{}", near.unwrap_or_default())
        }
        _ => format!("cannot take the value {value}: {message}"),
    }
}
