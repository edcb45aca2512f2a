//! The training file: how a model is trained, and on which data.
//!
//! ```toml
//! format = "phaseloom-training"
//! version = 1
//! model = "model.toml"             # its weights file is what training writes
//! epochs = 20
//! batch = 128
//! learning_rate = 1e-3
//! schedule = "cosine"
//! seed = 1
//!
//! [train]
//! inputs = "$PHASELOOM_DATA/mnist/train-images-idx3-ubyte.gz"
//! labels = "$PHASELOOM_DATA/mnist/train-labels-idx1-ubyte.gz"
//!
//! [calibration]                    # scales of the converters, from training data, for cores of 64 ports
//! ports = 64
//! ```

mod choices;

use std::path::{Path, PathBuf};

use phaseloom_hardware::{CoreSpec, Link, MAX_PORTS, ProcessSource};
use serde::{Deserialize, Serialize};

use crate::data::DataSpec;
use crate::error::{NetworkError, Result};
use crate::model::spec::{known_version, read_checked};
use crate::train::loss::LossKind;
use crate::train::optimizer::Optimizer;
pub use crate::train::optimizer::OptimizerName;
use crate::train::protect::{ProtectSpec, Protected};
use crate::train::samples::augment::AugmentSpec;
use crate::train::samples::clean::CleanSpec;
use crate::train::samples::tasks::{ReplaySpec, TaskOutputs};
use crate::train::spec::choices::is_constant;
pub use crate::train::spec::choices::{
    Balanced, CalibrationSpec, ClassWeights, GradientMethod, NoiseGradient, Schedule, StopSpec, TrainOn,
    TrainedParameters,
};

/// How a model is trained, as written in a TOML file. Paths are relative to that file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TrainSpec {
    /// The text `"phaseloom-training"`.
    pub format: String,
    /// Version of the format. Range: 1.
    pub version: u32,
    /// The model file. Training writes its `weights` (`.safetensors`), and with `[calibration]` its `calibration`.
    pub model: PathBuf,
    /// Passes over the training data. Range: ≥ 1.
    pub epochs: usize,
    /// Samples per step. Range: ≥ 1.
    pub batch: usize,
    /// Learning rate at the start. Range: > 0.
    pub learning_rate: f64,
    /// Learning rate of phases and gains on chips at the start (rad). A step of h on every phase of a mesh of N modes changes its
    /// matrix by h√N. Range: > 0. Default: 0.15/√N, for cores of N ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_learning_rate: Option<f64>,
    /// The optimiser.
    #[serde(default)]
    pub optimizer: OptimizerName,
    /// Momentum of `optimizer = "sgd"`: the share of the last step in the next. Range: from 0, below 1.
    #[serde(default)]
    pub momentum: f64,
    /// Decoupled weight decay of the weights. Biases do not decay. Range: ≥ 0.
    #[serde(default)]
    pub weight_decay: f64,
    /// Loss of the outputs, whose targets are the labels.
    #[serde(default)]
    pub loss: LossKind,
    /// Outputs of the task that is learnt: the labels of `[train]` and `[validation]` are its classes, and the loss compares these
    /// outputs alone. Default: all outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_outputs: Option<TaskOutputs>,
    /// Samples of an earlier task that make half of each batch. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplaySpec>,
    /// Elastic weight consolidation: holds what an earlier task needs near its values at the start. Default: nothing is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<ProtectSpec>,
    /// Share of the training labels that is replaced by other classes at random, to study data with wrong labels. Range: 0…1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_noise: Option<f64>,
    /// Finds samples with wrong labels before training, and leaves them out or gives them less weight. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<CleanSpec>,
    /// Shifted copies of the training images. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentSpec>,
    /// Schedule of the learning rate.
    #[serde(default)]
    pub schedule: Schedule,
    /// Seed of the initial weights and of the order of the samples.
    pub seed: u64,
    /// Whether mean and standard deviation of each input feature over the training data are stored under the tensor
    /// names that the model gives as `input.mean` and `input.std`.
    #[serde(default)]
    pub standardize: bool,
    /// Weights to start from: a file with tensors of the names that the model gives. Tensors that the file lacks start at random.
    /// Default: all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<PathBuf>,
    /// Programs to start from: the file that an earlier training of phases wrote, on cores like those of this one, next to its
    /// weights as `initial`. Default: programs of the initial weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_programs: Option<PathBuf>,
    /// Tensors that stay as they start, by their names; `"layer1"` is short for all whose names start with `layer1.`. Where phases
    /// are trained, also parts of the programs of a weight: `"layer1.weight/first_mesh"`, `/attenuators`, `/second_mesh`, `/gain`, or
    /// `/meshes` for both. Running statistics of a batch normalisation still follow the data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// Weights of the classes in the loss: `"balanced"`, in inverse proportion to their numbers of samples, or a list with a number
    /// above 0 for each class. Default: equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// What computes the photonic products while training.
    #[serde(default)]
    pub on: TrainOn,
    /// What is trained on chips. Default: `"phases"` on one chip, `"weights"` on a population.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<TrainedParameters>,
    /// How the gradient by the phases is obtained, on chips.
    #[serde(default)]
    pub gradient: GradientMethod,
    /// What the gradient makes of noise whose size depends on the light, on chips.
    #[serde(default, skip_serializing_if = "is_constant")]
    pub noise_gradient: NoiseGradient,
    /// Cores of the chips. Chips need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<CoreSpec>,
    /// Fabrication process of the chips: a path, `"preset:KEY"`, or a table. Default: a perfect process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessSource>,
    /// Link of the chips. Default: an ideal one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Chips, never among those that trained, on which a network that was trained on chips is tested at the end. Range: 0…10⁶.
    /// Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_chips: Option<u64>,
    /// Training data.
    pub train: DataSpec,
    /// Data whose accuracy is reported after each epoch. They change the result only with `[stop]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<DataSpec>,
    /// Share of the samples of `[train]` that becomes validation data, chosen at random by the seed. Not with `[validation]`.
    /// Range: above 0, below 1. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_share: Option<f64>,
    /// Early stopping, which also keeps the weights of the best epoch. Default: all epochs, and the weights of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopSpec>,
    /// Number of training samples, from the first on, on which signal and gradient of every layer are measured before and after
    /// training. Range: ≥ 1. Default: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_statistics: Option<usize>,
    /// Scales of the converters, measured at the end on training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationSpec>,
}

impl TrainSpec {
    /// Reads a training file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not TOML, or has unknown, missing or impossible keys.
    pub fn load(path: &Path) -> Result<Self> {
        read_checked(path, &phaseloom_files::InputFiles::default(), "training", Self::check)
    }

    /// What is trained on chips.
    #[must_use]
    pub fn trained_parameters(&self) -> TrainedParameters {
        self.parameters.unwrap_or(match self.on {
            TrainOn::Population => TrainedParameters::Weights,
            TrainOn::Exact | TrainOn::Chip => TrainedParameters::Phases,
        })
    }

    /// Number of test chips after training on chips.
    #[must_use]
    pub fn test_chips(&self) -> u64 {
        self.test_chips.unwrap_or(20)
    }

    /// Learning rate of phases and gains at the start (rad).
    ///
    /// The largest useful rate of Adam is about 0.57/√N for phases of N modes (a test measures it); a quarter of it leaves room
    /// for the noise of batches.
    #[must_use]
    pub fn phase_learning_rate(&self) -> f64 {
        let ports = self.core.as_ref().map_or(1, |core| core.ports.max(1));
        self.phase_learning_rate.unwrap_or(0.15 / (ports as f64).sqrt())
    }

    /// The optimiser before its first step.
    pub(super) fn new_optimizer(&self) -> Optimizer {
        match self.optimizer {
            OptimizerName::Adam => Optimizer::adam(),
            OptimizerName::Sgd => Optimizer::sgd(self.momentum),
        }
    }

    /// Checks format, version and values. Messages name `path`.
    ///
    /// # Errors
    ///
    /// The first key with an impossible value.
    pub fn check(&self, path: &Path) -> Result<()> {
        let invalid = |key: &str, found: String, expected: &str| Err(NetworkError::setting(path, key, found, expected));
        if self.format != "phaseloom-training" {
            return invalid("format", format!("{:?}", self.format), "\"phaseloom-training\": is this a training file?");
        }
        if self.version != 1 {
            return invalid("version", self.version.to_string(), known_version(self.version));
        }
        for (key, count) in [("epochs", self.epochs), ("batch", self.batch)] {
            if count == 0 {
                return invalid(key, "0".into(), "at least 1");
            }
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return invalid("learning_rate", self.learning_rate.to_string(), "a number above 0, e.g. 1e-3");
        }
        if let Some(rate) = self.phase_learning_rate.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
            return invalid("phase_learning_rate", rate.to_string(), "a number above 0 (rad), e.g. 0.02");
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return invalid("weight_decay", self.weight_decay.to_string(), "a number from 0");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return invalid("momentum", self.momentum.to_string(), "a number from 0, below 1, e.g. 0.9");
        }
        if self.momentum > 0.0 && self.optimizer != OptimizerName::Sgd {
            return invalid(
                "momentum",
                self.momentum.to_string(),
                "`optimizer = \"sgd\"`: Adam has moments of its own",
            );
        }
        if let Some(ClassWeights::List(weights)) = &self.class_weights
            && let Some(index) = weights.iter().position(|weight| !(weight.is_finite() && *weight > 0.0))
        {
            return invalid(&format!("class_weights[{index}]"), weights[index].to_string(), "a number above 0");
        }
        if let Some(share) = self.validation_share {
            if !(share > 0.0 && share < 1.0) {
                return invalid("validation_share", share.to_string(), "a number above 0, below 1, e.g. 0.1");
            }
            if self.validation.is_some() {
                let expected = "no such key next to `[validation]`: give one of both";
                return invalid("validation_share", share.to_string(), expected);
            }
        }
        if let Some(share) = self.label_noise.filter(|share| !(0.0..=1.0).contains(share)) {
            return invalid("label_noise", share.to_string(), "a number from 0 to 1");
        }
        if let Some((key, found, expected)) = self.clean.as_ref().and_then(CleanSpec::check) {
            return invalid(key, found, expected);
        }
        if let Some(replay) = &self.replay {
            if replay.samples == Some(0) {
                return invalid("replay.samples", "0".into(), "at least 1");
            }
            if self.batch < 2 {
                return invalid(
                    "batch",
                    self.batch.to_string(),
                    "at least 2 with `[replay]`, which takes half of each",
                );
            }
        }
        if let Some(protect) = &self.protect {
            if !(protect.strength.is_finite() && protect.strength >= 0.0) {
                return invalid("protect.strength", protect.strength.to_string(), "a number from 0");
            }
            if protect.samples == 0 {
                return invalid("protect.samples", "0".into(), "at least 1");
            }
            let trains_phases = self.on != TrainOn::Exact && self.trained_parameters() == TrainedParameters::Phases;
            if protect.of == Protected::Weights && !trains_phases {
                let expected = "\"parameters\": they are the weights, unless phases are trained on chips";
                return invalid("protect.of", "\"weights\"".into(), expected);
            }
        }
        if self.layer_statistics == Some(0) {
            return invalid("layer_statistics", "0".into(), "at least 1");
        }
        if self.stop.is_some_and(|stop| stop.patience == 0) {
            return invalid("stop.patience", "0".into(), "at least 1");
        }
        match (self.on, &self.core) {
            (TrainOn::Exact, None) => {
                let chips = [
                    ("process", self.process.is_some()),
                    ("link", self.link.is_some()),
                    ("parameters", self.parameters.is_some()),
                    ("phase_learning_rate", self.phase_learning_rate.is_some()),
                    ("initial_programs", self.initial_programs.is_some()),
                    ("test_chips", self.test_chips.is_some()),
                    ("noise_gradient", self.noise_gradient != NoiseGradient::Constant),
                    ("gradient", self.gradient != GradientMethod::Adjoint),
                ];
                if let Some((key, _)) = chips.into_iter().find(|(_, given)| *given) {
                    return invalid(key, "given".into(), "`on = \"chip\"` or `\"population\"`: it has no effect else");
                }
            }
            (TrainOn::Exact, Some(_)) => {
                return invalid("core", "given".into(), "`on = \"chip\"` or `\"population\"`: it has no effect else");
            }
            (_, Some(_)) if self.trained_parameters() == TrainedParameters::Weights => {
                let phases = [
                    ("gradient", self.gradient != GradientMethod::Adjoint),
                    ("phase_learning_rate", self.phase_learning_rate.is_some()),
                    ("initial_programs", self.initial_programs.is_some()),
                    ("noise_gradient", self.noise_gradient != NoiseGradient::Constant),
                ];
                if let Some((key, _)) = phases.into_iter().find(|(_, given)| *given) {
                    return invalid(key, "given".into(), "`parameters = \"phases\"`: it has no effect on weights");
                }
            }
            (_, None) => return invalid("core", "absent".into(), "a table: training on chips needs `ports`"),
            (_, Some(_)) => {}
        }
        if let Some(chips) = self.test_chips.filter(|chips| *chips > 1_000_000) {
            return invalid("test_chips", chips.to_string(), "at most 1000000");
        }
        if let Some(calibration) = &self.calibration {
            let CalibrationSpec { ports, column_block, samples, quantile } = *calibration;
            if !(1..=MAX_PORTS).contains(&ports) {
                return invalid("calibration.ports", ports.to_string(), &format!("1 to {MAX_PORTS}"));
            }
            if let Some(block) = column_block.filter(|&block| block == 0 || !(ports - 1..=ports).contains(&block)) {
                let offset = if ports > 1 { format!(", or {} for offset detection", ports - 1) } else { String::new() };
                return invalid("calibration.column_block", block.to_string(), &format!("the ports, {ports}{offset}"));
            }
            if samples == Some(0) {
                return invalid("calibration.samples", "0".into(), "at least 1");
            }
            if !(quantile > 0.0 && quantile <= 1.0) {
                return invalid("calibration.quantile", quantile.to_string(), "a number above 0, at most 1");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "format = 'phaseloom-training'\nversion = 1\nmodel = 'm.toml'\nepochs = 1\nbatch = 2\n\
        learning_rate = 0.1\nseed = 3\n[train]\ninputs = 'a.csv'\n[calibration]\nports = 4\n";

    #[test]
    fn wrong_values_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.toml");
        let load = |text: &str| {
            std::fs::write(&path, text).unwrap();
            TrainSpec::load(&path)
        };
        assert_eq!(load(GOOD).unwrap().schedule, Schedule::Constant);
        for (from, to, part) in [
            ("phaseloom-training", "training", "`format`"),
            ("version = 1", "version = 7", "`version`"),
            ("epochs = 1", "epochs = 0", "`epochs`"),
            ("batch = 2", "batch = 0", "`batch`"),
            ("= 0.1", "= -0.1", "`learning_rate`"),
            ("= 0.1", "= 0.1\nweight_decay = -1", "`weight_decay`"),
            ("= 0.1", "= 0.1\nschedule = 'step'", "step"),
            ("= 0.1", "= 0.1\noptimizer = 'rmsprop'", "rmsprop"),
            ("= 0.1", "= 0.1\nmomentum = 0.9", "Adam has moments of its own"),
            ("= 0.1", "= 0.1\noptimizer = 'sgd'\nmomentum = 1", "`momentum`"),
            ("= 0.1", "= 0.1\nvalidation_share = 1", "`validation_share`"),
            ("= 0.1", "= 0.1\nvalidation_share = 0.1\nvalidation = { inputs = 'a.csv' }", "give one of both"),
            ("= 0.1", "= 0.1\nclass_weights = 'equal'", "a number above 0 for each class"),
            ("= 0.1", "= 0.1\nclass_weights = [1, 0]", "`class_weights[1]`"),
            ("= 0.1", "= 0.1\nstop = { patience = 0 }", "`stop.patience`"),
            ("ports = 4", "ports = 0", "`calibration.ports`"),
            ("ports = 4", "ports = 16385", "`calibration.ports`"),
            ("ports = 4", "ports = 4\ncolumn_block = 99999999999", "`calibration.column_block`"),
            ("ports = 4", "ports = 4\ncolumn_block = 2", "the ports, 4, or 3 for offset detection"),
            ("ports = 4", "ports = 1\ncolumn_block = 0", "expected the ports, 1"),
            ("ports = 4", "ports = 4\nsamples = 0", "`calibration.samples`"),
            ("ports = 4", "ports = 4\nquantile = 2", "calibration.quantile"),
            ("ports = 4", "ports = 4\nquantile = 0", "calibration.quantile"),
            ("seed", "sead", "sead"),
        ] {
            let error = load(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
    }

    #[test]
    fn the_cosine_starts_full_and_ends_at_zero() {
        assert!((Schedule::Cosine.factor(0.0) - 1.0).abs() < 1e-15);
        assert!((Schedule::Cosine.factor(0.5) - 0.5).abs() < 1e-15);
        assert!(Schedule::Cosine.factor(1.0).abs() < 1e-15);
        assert!((Schedule::Constant.factor(0.9) - 1.0).abs() < 1e-15);
    }
}
