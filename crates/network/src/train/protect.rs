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
use crate::train::tasks::TaskOutputs;
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
        let start = learner.values();
        let is_phase = learner.phase_lists();
        let mut fisher: Vec<Vec<f64>> = start.iter().map(|values| vec![0.0; values.len()]).collect();
        let of_weights = spec.of == Protected::Weights;
        let drawn = drawn(learner, data, spec.samples, seed)?;
        let weights = if of_weights { learner.realised_weights()? } else { Vec::new() };
        if of_weights {
            learner.collect_squares(true);
        }
        if spec.importance == Importance::Fisher {
            let share = 1.0 / drawn.samples() as f64;
            for row in 0..drawn.samples() {
                let gradients = learner.gradients(&drawn, &[row], 0)?.gradients;
                for (sums, gradient) in fisher.iter_mut().zip(&gradients) {
                    sums.iter_mut().zip(gradient).for_each(|(sum, slope)| *sum += share * slope * slope);
                }
            }
        } else {
            fisher.iter_mut().flatten().for_each(|value| *value = 1.0);
        }
        let squares = learner.collect_squares(false);
        let weights = of_weights.then(|| {
            let equal = |weight: &Batch| Batch::from_element(weight.nrows(), weight.ncols(), 1.0);
            let share = 1.0 / drawn.samples() as f64;
            let of_layer = |(square, weight): (Option<Batch>, &Batch)| match spec.importance {
                Importance::Fisher => square.map_or_else(|| equal(weight) * 0.0, |square| square * share),
                Importance::Equal => equal(weight),
            };
            (squares.into_iter().zip(&weights).map(of_layer).collect(), weights)
        });
        if of_weights {
            // The phases themselves are free.
            let lists = fisher.iter_mut().zip(learner.chip_lists());
            lists.filter(|(_, of_chips)| *of_chips).for_each(|(list, _)| list.clear());
        }
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
        let largest = task.clone().map(|k| logits[k]).fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = task.clone().map(|k| (logits[k] - largest).exp()).collect();
        let mut rest = stream.random::<f64>() * weights.iter().sum::<f64>();
        let class = weights.iter().position(|weight| {
            rest -= weight;
            rest < 0.0
        });
        labels.push(task.start + class.unwrap_or(weights.len() - 1));
    }
    Ok(Dataset { inputs: data.inputs.keep(&rows), truth: Truth::Labels(labels), ..data.clone() })
}
