//! What a study keeps of one network.

use crate::units::Unit;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The result of one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkResult {
    /// Identity of the study.
    pub study: String,
    /// Which network.
    pub unit: Unit,
    /// Its seed.
    pub seed: u64,
    /// One for each training.
    pub trainings: Vec<TrainingResult>,
}

/// The result of one training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingResult {
    /// Numbers of the training by their columns in `training.csv`.
    pub numbers: BTreeMap<String, f64>,
    /// One for each point of each test.
    pub tests: Vec<TestResult>,
}

/// A finished training, in the folder of its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinishedTraining {
    /// Identity of the study.
    pub study: String,
    /// Its numbers by their columns in `training.csv`.
    pub numbers: BTreeMap<String, f64>,
}

/// The result of one test at one point of its sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestResult {
    /// Index of the experiment.
    pub test: usize,
    /// Swept keys of the experiment and their values.
    pub levels: Vec<(String, Value)>,
    /// Name of the score, such as `accuracy`.
    pub score: String,
    /// Score of the floating-point reference.
    pub reference: f64,
    /// Score of each chip, mean over its shots.
    pub chips: Vec<f64>,
    /// Further quantities by their columns in `table.csv`.
    pub numbers: BTreeMap<String, f64>,
}
