//! The networks of a study: for every variant, point of the sweep and seed the settings of its trainings and its tests.

use crate::error::{Result, StudyError};
use crate::spec::{Study, TABLES};
use phaseloom_files::{InvalidValue, deserialize_strict, locate, read_text};
use phaseloom_network::train::{TrainOn, TrainSpec, TrainedParameters};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Which network of a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Index of the variant.
    pub variant: usize,
    /// Index of the point of the sweep.
    pub point: usize,
    /// Index of the seed.
    pub seed: usize,
}

/// The settings of a network.
#[derive(Clone, Debug)]
pub struct Settings {
    /// One for each training file.
    pub trainings: Vec<TrainSettings>,
    /// One for each experiment file.
    pub tests: Vec<TestSettings>,
}

/// The settings of one test.
#[derive(Clone, Debug)]
pub struct TestSettings {
    /// The experiment as a tree; `model` and `base` are set when it runs.
    pub experiment: Value,
    /// The model that its file names, as a tree: other layers for the trained weights.
    pub model: Option<Value>,
}

/// The settings of one training.
#[derive(Clone, Debug)]
pub struct TrainSettings {
    /// The training, whose `model`, `initial` and `initial_programs` are set when it runs.
    pub spec: TrainSpec,
    /// The model as a tree.
    pub model: Value,
}

/// A file that units change.
struct Source {
    path: PathBuf,
    text: String,
    tree: Value,
}

/// The files of a study, and how they are changed for each unit.
pub struct Units<'a> {
    study: &'a Study,
    trainings: Vec<Source>,
    models: Vec<Source>,
    experiments: Vec<Source>,
    experiment_models: Vec<Option<Source>>,
}

impl<'a> Units<'a> {
    /// Reads the files that a study names, and checks the settings of every network.
    ///
    /// # Errors
    ///
    /// Unreadable files; settings that are impossible at a point.
    pub fn read(study: &'a Study) -> Result<Self> {
        let base = study.base();
        let source = |path: PathBuf| -> Result<Source> {
            let text = read_text(&path)?;
            let table: toml::Table = phaseloom_files::parse_toml(&path, &text)?;
            Ok(Source { path, tree: to_value(&table), text })
        };
        let trainings: Vec<Source> =
            study.spec.training.iter().map(|path| source(base.join(path))).collect::<Result<_>>()?;
        let models = trainings
            .iter()
            .map(|training| {
                let model = training.tree.get("model").and_then(Value::as_str).ok_or_else(|| {
                    let missing = InvalidValue::new("model", "no such key", "the path of a model file");
                    StudyError::from(locate(&training.path, &training.text, missing))
                })?;
                source(training.path.parent().unwrap_or(Path::new("")).join(model))
            })
            .collect::<Result<_>>()?;
        let experiments: Vec<Source> =
            study.spec.experiment.iter().map(|path| source(base.join(path))).collect::<Result<_>>()?;
        let experiment_models = experiments
            .iter()
            .map(|experiment| {
                let text = |key: &str| experiment.tree.get(key).and_then(Value::as_str);
                let folder = experiment.path.parent().unwrap_or(Path::new("")).join(text("base").unwrap_or(""));
                text("model").map(|model| source(folder.join(model))).transpose()
            })
            .collect::<Result<_>>()?;
        let units = Self { study, trainings, models, experiments, experiment_models };
        for unit in units.all().filter(|unit| unit.seed == 0) {
            units.settings(unit)?;
        }
        Ok(units)
    }

    /// All units, seed by seed, so that an interrupted study has whole comparisons; the variants of a point follow each other.
    pub fn all(&self) -> impl Iterator<Item = Unit> + use<> {
        let (points, seeds, variants) =
            (self.study.spec.points(), self.study.spec.seeds.len(), self.study.spec.variant.len());
        (0..seeds * points * variants).map(move |index| Unit {
            seed: index / (points * variants),
            point: index / variants % points,
            variant: index % variants,
        })
    }

    /// The folder that the paths of a training are relative to.
    pub(crate) fn training_base(&self, task: usize) -> &Path {
        self.trainings[task].path.parent().unwrap_or(Path::new(""))
    }

    /// Path of an experiment file.
    pub(crate) fn experiment_path(&self, test: usize) -> &Path {
        &self.experiments[test].path
    }

    /// The text of all files.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let all = [&self.trainings, &self.models, &self.experiments].into_iter().flatten();
        all.chain(self.experiment_models.iter().flatten()).map(|source| source.text.as_str())
    }

    /// (key, value) of every swept key at a point, in the order of the axes.
    pub fn levels(&self, point: usize) -> Vec<(&'a str, Value)> {
        let mut rest = point;
        let mut levels = Vec::new();
        for axis in self.study.spec.sweep.iter().rev() {
            let value = to_value(&axis.values[rest % axis.values.len()]);
            rest /= axis.values.len();
            levels.extend(axis.keys.iter().rev().map(|key| (key.as_str(), value.clone())));
        }
        levels.reverse();
        levels
    }

    /// The settings of a network.
    ///
    /// # Errors
    ///
    /// A key that does not exist, or an impossible value.
    pub fn settings(&self, unit: Unit) -> Result<Settings> {
        let variant = &self.study.spec.variant[unit.variant];
        let mut tables = [&variant.training, &variant.model, &variant.experiment].map(to_value);
        for (key, value) in self.levels(unit.point) {
            for (table, name) in tables.iter_mut().zip(TABLES) {
                if let Some(key) = key.strip_prefix(name).and_then(|key| key.strip_prefix('.')) {
                    set(table, key, value.clone());
                }
            }
        }
        let [training, model, experiment] = tables;
        let place = self.place(unit);
        let (mut trainings, mut before) = (Vec::new(), None);
        for (task, (source, model_source)) in self.trainings.iter().zip(&self.models).enumerate() {
            let mut tree = source.tree.clone();
            merge(&mut tree, &training);
            merge(&mut tree, &variant.task.get(task).map_or(Value::Null, to_value));
            set(&mut tree, "seed", self.study.spec.seeds[unit.seed].into());
            if let Some(before) = &before {
                remember(&mut tree, before);
            }
            before = Some(tree.clone());
            let spec: TrainSpec = deserialize_strict(tree).map_err(|error| StudyError::Setting {
                path: source.path.clone(),
                place: place.clone(),
                reason: error.to_string(),
            })?;
            spec.check(&source.path)?;
            let mut tree = model_source.tree.clone();
            merge(&mut tree, &model);
            let trains_phases = spec.on != TrainOn::Exact && spec.trained_parameters() == TrainedParameters::Phases;
            for (key, file, given) in [
                ("weights", "weights.safetensors", true),
                ("programs", "programs.safetensors", trains_phases),
                ("calibration", "calibration.json", spec.calibration.is_some()),
            ] {
                match &mut tree {
                    Value::Object(table) if given => table.insert(key.into(), file.into()),
                    Value::Object(table) => table.remove(key),
                    _ => None,
                };
            }
            trainings.push(TrainSettings { spec, model: tree });
        }
        let tests = self.experiments.iter().zip(&self.experiment_models).map(|(source, model)| {
            let mut tree = source.tree.clone();
            merge(&mut tree, &experiment);
            TestSettings { experiment: tree, model: model.as_ref().map(|model| model.tree.clone()) }
        });
        Ok(Settings { tests: tests.collect(), trainings })
    }

    /// The seed of a unit.
    #[must_use]
    pub fn seed(&self, unit: Unit) -> u64 {
        self.study.spec.seeds[unit.seed]
    }

    /// A unit in words, for messages.
    pub fn place(&self, unit: Unit) -> String {
        let levels = self.levels(unit.point).into_iter().map(|(key, value)| format!("{key} = {value}"));
        let seed = format!("seed {}", self.study.spec.seeds[unit.seed]);
        let parts: Vec<String> = levels.chain([seed]).collect();
        format!("variant `{}`, {}", self.study.spec.variant[unit.variant].name, parts.join(", "))
    }
}

/// Fills in the data and outputs of the training before, where `[protect]` and `[replay]` of a training name none.
fn remember(tree: &mut Value, before: &Value) {
    for table in ["protect", "replay"] {
        if let Some(Value::Object(table)) = tree.get_mut(table)
            && !table.contains_key("data")
        {
            for (own, earlier) in [("data", "train"), ("task_outputs", "task_outputs")] {
                table.extend(before.get(earlier).map(|value| (own.to_owned(), value.clone())));
            }
        }
    }
}

/// Settings as a tree. Numbers, texts, lists and tables always convert.
pub(crate) fn to_value(setting: &impl Serialize) -> Value {
    serde_json::to_value(setting).unwrap_or(Value::Null)
}

/// Merges tables key by key, and lists by indices if the change is a table of them; anything else replaces what is there.
fn merge(tree: &mut Value, changes: &Value) {
    match (tree, changes) {
        (Value::Object(table), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(table.entry(key).or_insert(Value::Null), change);
            }
        }
        (Value::Array(list), Value::Object(changes)) if is_indexed(list, changes) => {
            for (index, change) in changes {
                if let Some(part) = index.parse().ok().and_then(|index: usize| list.get_mut(index)) {
                    merge(part, change);
                }
            }
        }
        (_, Value::Null) => {}
        (tree, change) => *tree = change.clone(),
    }
}

/// Whether all keys are indices of a list.
fn is_indexed(list: &[Value], changes: &Map<String, Value>) -> bool {
    changes.keys().all(|key| key.parse().is_ok_and(|index: usize| index < list.len()))
}

/// Sets a dotted key. What is on its way and no table is replaced by one.
fn set(tree: &mut Value, key: &str, value: Value) {
    let changes = key.rsplit('.').fold(value, |value, part| Value::Object(Map::from_iter([(part.to_owned(), value)])));
    merge(tree, &changes);
}
