//! Elastic weight consolidation: what an earlier task needs is held where it is, each value as strongly as the task depends on it.
//!
//! ```text
//! penalty  (λ/2)·Σ_i F_i·d_i²      d_i = ψ_i − ψ*_i, of phases wrapped to (−π, π]
//! Fisher   F_i = E_x E_{y~p(y|x)} (∂ln p(y|x)/∂ψ_i)², per sample, with labels y drawn from the network itself
//! ```
//!
//! Source: Kirkpatrick et al., PNAS 114, 3521 (2017), cited from memory. On a chip the values are phases, or the realised weights:
//! the penalty `(λ/2)·Σ F_W∘(W − W*)²` then reaches the phases by one more backward pass of the unit vectors, with
//! `∂L/∂W = λ·F_W∘(W − W*)` (derived).

use phaseloom_numerics::StreamKey;
use phaseloom_numerics::angle::wrap;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::data::{Batch, DataSpec, Dataset, Truth};
use crate::error::Result;
use crate::train::learner::Learner;
use crate::train::samples::tasks::TaskOutputs;
use std::f64::consts::PI;

/// What an earlier task needs, and how strongly it is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProtectSpec {
    /// Factor λ of the penalty. Range: ≥ 0.
    pub strength: f64,
    /// What is held.
    #[serde(default)]
    pub of: Protected,
    /// How strongly each value is held.
    #[serde(default)]
    pub importance: Importance,
    /// Samples of the earlier task that measure the importance. Range: ≥ 1.
    #[serde(default = "samples")]
    pub samples: usize,
    /// Outputs of the earlier task. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_outputs: Option<TaskOutputs>,
    /// Data of the earlier task.
    pub data: DataSpec,
}

fn samples() -> usize {
    500
}

/// What is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protected {
    /// What is trained: phases on chips, else weights.
    #[default]
    Parameters,
    /// The weights that the chips realise, where phases are trained.
    Weights,
}

/// How strongly each value is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// As the earlier task depends on it: the diagonal of the Fisher information.
    #[default]
    Fisher,
    /// All alike.
    Equal,
}

/// The penalty of a training.
pub(super) struct Protection {
    strength: f64,
    /// F of every parameter, of the model and then of the chips; empty lists are not held.
    fisher: Vec<Vec<f64>>,
    /// ψ*.
    start: Vec<Vec<f64>>,
    /// Whether each list holds phases.
    is_phase: Vec<bool>,
    /// F and W* of every photonic layer, if realised weights are held.
    weights: Option<(Vec<Batch>, Vec<Batch>)>,
}

impl Protection {
    /// The penalty at the present values of a learner.
    pub fn new(spec: &ProtectSpec, learner: &mut Learner, data: &Dataset, seed: u64) -> Result<Self> {
        let (start, is_phase) = (learner.values(), learner.phase_lists());
        let mut fisher: Vec<Vec<f64>> = start.iter().map(|values| vec![1.0; values.len()]).collect();
        let of_weights = spec.of == Protected::Weights;
        let realised = if of_weights { learner.realised_weights()? } else { Vec::new() };
        let mut of_realised: Vec<Batch> =
            realised.iter().map(|weight| Batch::from_element(weight.nrows(), weight.ncols(), 1.0)).collect();
        if spec.importance == Importance::Fisher {
            let drawn = drawn(learner, data, spec.samples, seed)?;
            let share = 1.0 / drawn.samples() as f64;
            fisher.iter_mut().flatten().for_each(|value| *value = 0.0);
            learner.collect_squares(of_weights);
            for row in 0..drawn.samples() {
                let gradients = learner.gradients(&drawn, &[row], 0)?.gradients;
                for (sums, gradient) in fisher.iter_mut().zip(&gradients) {
                    sums.iter_mut().zip(gradient).for_each(|(sum, slope)| *sum += share * slope * slope);
                }
            }
            for (sum, square) in of_realised.iter_mut().zip(learner.collect_squares(false)) {
                *sum = square.map_or_else(|| &*sum * 0.0, |square| square * share);
            }
        }
        if of_weights {
            // The phases themselves are free.
            let lists = fisher.iter_mut().zip(learner.chip_lists());
            lists.filter(|(_, of_chips)| *of_chips).for_each(|(list, _)| list.clear());
        }
        let weights = of_weights.then_some((of_realised, realised));
        Ok(Self { strength: spec.strength, fisher, start, is_phase, weights })
    }

    /// Adds the gradient of the penalty. Empty lists stay as they are.
    pub fn add(&self, learner: &mut Learner, gradients: &mut [Vec<f64>]) -> Result<()> {
        let now = learner.values();
        for (list, gradient) in gradients.iter_mut().enumerate() {
            let (fisher, start, now) = (&self.fisher[list], &self.start[list], &now[list]);
            if gradient.len() != fisher.len() {
                continue;
            }
            for (k, slope) in gradient.iter_mut().enumerate() {
                let moved = now[k] - start[k];
                let moved = if self.is_phase[list] { signed(moved) } else { moved };
                *slope += self.strength * fisher[k] * moved;
            }
        }
        match &self.weights {
            Some((fisher, start)) => learner.add_weight_penalty(self.strength, fisher, start, gradients),
            None => Ok(()),
        }
    }
}

/// A difference of phases in [−π, π).
pub(super) fn signed(difference: f64) -> f64 {
    wrap(difference + PI) - PI
}

/// Some samples with labels that the network draws by its own probabilities.
fn drawn(learner: &mut Learner, data: &Dataset, count: usize, seed: u64) -> Result<Dataset> {
    let mut rows: Vec<usize> = (0..data.samples()).collect();
    let mut stream = StreamKey::new(seed, "train/fisher").stream();
    rows.shuffle(&mut stream);
    rows.truncate(count);
    let mut labels = Vec::with_capacity(rows.len());
    for &row in &rows {
        let logits = learner.logits(data, row)?;
        let task = learner.loss.task_of(data.labels()[row], logits.len());
        let maximum = task.clone().map(|k| logits[k]).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = task.clone().map(|k| (logits[k] - maximum).exp()).collect();
        let mut rest = stream.random::<f64>() * weights.iter().sum::<f64>();
        let class = weights.iter().position(|weight| {
            rest -= weight;
            rest < 0.0
        });
        labels.push(task.start + class.unwrap_or(weights.len() - 1));
    }
    Ok(Dataset { inputs: data.inputs.keep(&rows), truth: Truth::Labels(labels), ..data.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::train::{TrainSpec, Trained, train};
    use std::ops::ControlFlow;
    use std::path::Path;

    const MODEL: &str =
        "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.safetensors'\ninput = { size = 2 }
        layer = [{ kind = 'photonic', outputs = 6, weight = 'a' }, { kind = 'tanh' },
          { kind = 'photonic', outputs = 4, weight = 'b' }]";

    const TRAINING: &str = "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 20\nbatch = 16
        learning_rate = 0.05\nseed = 3\ntask_outputs = { first = 0, count = 2 }\ntrain = { inputs = 'a.csv' }\n";

    /// The same points, asked whether x > 0 (a) and whether y > 0 (b).
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let points: Vec<(f64, f64)> =
            (0..64).map(|i| (f64::from(i % 8) / 4.0 - 0.9, f64::from(i / 8) / 4.0 - 0.9)).collect();
        let rows = |label: &dyn Fn(f64, f64) -> bool| -> String {
            points.iter().map(|(x, y)| format!("{x},{y},{}\n", u8::from(label(*x, *y)))).collect()
        };
        std::fs::write(folder.path().join("a.csv"), rows(&|x, _| x > 0.0)).unwrap();
        std::fs::write(folder.path().join("b.csv"), rows(&|_, y| y > 0.0)).unwrap();
        std::fs::write(folder.path().join("model.toml"), MODEL).unwrap();
        folder
    }

    fn train_in(folder: &Path, toml: &str) -> Trained {
        train(&toml::from_str::<TrainSpec>(toml).unwrap(), folder, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    /// The accuracies on both questions.
    fn accuracies(trained: &Trained, folder: &Path) -> [f64; 2] {
        [("a.csv", 0), ("b.csv", 2)].map(|(file, first)| {
            let data: DataSpec = toml::from_str(&format!("inputs = '{file}'")).unwrap();
            let data = data.load(folder).unwrap();
            let outputs = trained.model.forward_exact(&trained.model.prepare(&data.inputs.to_batch()));
            let own = outputs.rows(first, 2).into_owned();
            let found = crate::network::predictions(&own);
            found.iter().zip(data.labels()).filter(|(a, b)| a == b).count() as f64 / 64.0
        })
    }

    /// Strong protection keeps the first task and the values that it needs; replay keeps it too; without either it is forgotten.
    #[test]
    fn a_protected_task_is_kept() {
        let folder = folder();
        let first = train_in(folder.path(), TRAINING);
        assert!(accuracies(&first, folder.path())[0] > 0.95);
        first.tensors.save(&folder.path().join("first.safetensors")).unwrap();
        let second = TRAINING.replace("first = 0", "first = 2").replace("'a.csv'", "'b.csv'")
            + "initial = 'first.safetensors'\n";
        let [nothing, none] = ["", "protect = { strength = 0, data = { inputs = 'a.csv' } }\n"]
            .map(|keys| train_in(folder.path(), &(second.clone() + keys)));
        assert_eq!(nothing.model.sha256(), none.model.sha256(), "no strength changes nothing");
        let forgotten = accuracies(&nothing, folder.path());
        for keys in [
            "protect = { strength = 300, task_outputs = { first = 0, count = 2 }, data = { inputs = 'a.csv' } }\n",
            "replay = { samples = 20, task_outputs = { first = 0, count = 2 }, data = { inputs = 'a.csv' } }\n",
        ] {
            let kept = accuracies(&train_in(folder.path(), &(second.clone() + keys)), folder.path());
            assert!(kept[0] > 0.95 && kept[1] > 0.9, "{keys}{kept:?}, without {forgotten:?}");
        }
        assert!(forgotten[1] > 0.95, "{forgotten:?}");
    }

    /// Of a softmax of two outputs z = W x with one input x = 1 the Fisher information of each weight is p(1 − p), because the slope
    /// is p − 1 with probability p and p with probability 1 − p. Standard error of 4000 draws below 2 %; tolerance three of them.
    #[test]
    fn the_fisher_information_is_that_of_a_softmax() {
        let folder = tempfile::tempdir().unwrap();
        let model =
            "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.safetensors'\ninput = { size = 1 }
            layer = [{ kind = 'dense', outputs = 2, weight = 'a' }]";
        std::fs::write(folder.path().join("model.toml"), model).unwrap();
        std::fs::write(folder.path().join("a.csv"), "1,0\n".repeat(4000)).unwrap();
        let spec = crate::model::ModelSpec::load(&folder.path().join("model.toml")).unwrap();
        let mut tensors = crate::weights::Tensors::new();
        tensors.insert("a", crate::weights::Tensor::new(vec![2, 1], vec![0.4, -0.5]));
        let model = crate::model::Model::unfolded(spec, folder.path(), &tensors).unwrap();
        let mut learner = Learner {
            model,
            chips: None,
            loss: crate::train::loss::Loss::default(),
            frozen: vec![false],
            constraints: Vec::new(),
            protection: None,
            start: tensors,
            base: folder.path().to_owned(),
        };
        let data = toml::from_str::<DataSpec>("inputs = 'a.csv'").unwrap().load(folder.path()).unwrap();
        let protect: ProtectSpec = toml::from_str("strength = 1\nsamples = 4000\ndata = { inputs = 'a.csv' }").unwrap();
        let found = Protection::new(&protect, &mut learner, &data, 7).unwrap().fisher;
        let p = 1.0 / (1.0 + (-0.9_f64).exp());
        for value in &found[0] {
            assert!((value / (p * (1.0 - p)) - 1.0).abs() < 0.06, "{found:?}, expected {}", p * (1.0 - p));
        }
    }
}
