//! The words and tables of a training file.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// Weights of the classes in the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "found another type or word, expected `\"balanced\"`, or a list with a number above 0 for each class"
)]
pub enum ClassWeights {
    /// In inverse proportion to the numbers of samples.
    Balanced(Balanced),
    /// A number for each class.
    List(Vec<f64>),
}

/// The word `"balanced"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Balanced {
    /// In inverse proportion to the numbers of samples.
    Balanced,
}

/// When training stops before its last epoch. The best epoch is the first with the highest validation accuracy or, without
/// validation data, with the lowest training loss; its weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StopSpec {
    /// Epochs without a better one after which training stops. From the number of `epochs` on, training never stops early and
    /// still keeps the best epoch. Range: ≥ 1.
    pub patience: usize,
}

/// What computes the photonic products while training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrainOn {
    /// Floating point; the weights are the parameters.
    #[default]
    Exact,
    /// One chip.
    Chip,
    /// A new chip of the process for every batch, so that the network suits chips that were never measured.
    Population,
}

/// What is trained on chips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrainedParameters {
    /// Phases, attenuators and gains of every tile.
    Phases,
    /// The weights, which are programmed again at every step. The gradient by a realised weight counts as that by the weight.
    Weights,
}

/// What the gradient makes of noise whose size depends on the light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoiseGradient {
    /// Every draw is a constant.
    #[default]
    Constant,
    /// Every draw is a constant in units of its standard deviation. Photons that are counted one by one are constants.
    Reparameterised,
}

pub(super) fn is_constant(noise: &NoiseGradient) -> bool {
    *noise == NoiseGradient::Constant
}

/// How the gradient by the phases is obtained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GradientMethod {
    /// Backpropagation through a model of the chip.
    #[default]
    Adjoint,
    /// Three measurements with power monitors; biased by loss.
    InSitu,
    /// Two readings per phase shifter.
    ParameterShift,
    /// Two evaluations of the loss with all parameters moved at random.
    ForwardOnly,
    /// Attenuators and gains alone; the meshes stay.
    SigmaOnly,
}

/// Schedule of the learning rate over the steps of the training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Constant rate.
    #[default]
    Constant,
    /// Half a cosine, from the full rate to zero.
    Cosine,
}

impl Schedule {
    /// Factor on the learning rate after the share `done` (0…1) of the steps.
    pub(crate) fn factor(self, done: f64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (PI * done).cos()),
        }
    }
}

/// Calibration at the end of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CalibrationSpec {
    /// Ports k of the cores. Range: 1…16384.
    pub ports: usize,
    /// Maximum number of columns of a tile: k, or k−1 for offset detection. Default: k.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_block: Option<usize>,
    /// Number of training samples, from the first on. Range: ≥ 1. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Quantile of the magnitudes that becomes full scale; 1 is the maximum. A quantile of zero is refused for the
    /// inputs of a layer that are not all zero; of a tile, the maximum replaces it. Range: above 0, at most 1.
    #[serde(default = "one")]
    pub quantile: f64,
}

fn one() -> f64 {
    1.0
}
