//! Errors of experiments. Every message says what was found, what was expected, where, and what to do.

use crate::input::criterion::Criterion;
use crate::metric::Metric;
use phaseloom_cost::CostError;
use phaseloom_files::FileError;
use phaseloom_hardware::HardwareError;
use phaseloom_mesh::MeshError;
use phaseloom_network::NetworkError;
use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// An error of a mesh.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// A file that cannot be read or written, or work that does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),
    /// An error of the hardware.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// An error of model, weights or data.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// An error of the cost model.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// A part of the units that does not exist.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// A setting that does not fit the model or the data.
    #[error("{}: {}{problem}", path.display(), line.map(|l| format!("line {l}: ")).unwrap_or_default())]
    Setting {
        /// The experiment.
        path: PathBuf,
        /// Line, from 1, if it is known.
        line: Option<usize>,
        /// The problem and its remedy.
        problem: Problem,
    },
    /// A folder or file that is not, or no longer, that of a run.
    #[error("{}: {problem}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What was found and what to do.
        problem: &'static str,
    },
    /// A file that is no experiment.
    #[error("{}: found {found}; expected an experiment (TOML); {remedy}", path.display())]
    NoExperiment {
        /// The file.
        path: PathBuf,
        /// Its kind.
        found: String,
        /// What to do with such a file.
        remedy: &'static str,
    },
    /// The folder of a run whose inputs are no longer where its experiment looks for them.
    #[error(
        "{source}; {} looks for the inputs of this run in {}: if the folder of the run or the inputs were moved, set the key \
         `base` there to the folder of the inputs",
        path.display(), base.display()
    )]
    Moved {
        /// The experiment in the folder of the run.
        path: PathBuf,
        /// The folder that its paths are relative to.
        base: PathBuf,
        /// The error of the missing file.
        source: Box<ExperimentError>,
    },
    /// Units that were computed without keeping their outputs.
    #[error(
        "{} holds {count} units whose outputs were not saved ({first} is missing): found --save-outputs, expected a folder in \
         which every unit saves its outputs; name a new folder with -o", path.display()
    )]
    OutputsNotSaved {
        /// The folder of the run.
        path: PathBuf,
        /// Number of units.
        count: usize,
        /// The first missing file.
        first: String,
    },
    /// A folder that belongs to another experiment.
    #[error(
        "{} holds a run of another experiment (different: {}); choose another folder with -o",
        path.display(), keys.join(", ")
    )]
    OtherIdentity {
        /// The folder.
        path: PathBuf,
        /// The keys, files or versions that differ.
        keys: Vec<String>,
    },
    /// Fewer trials requested than the folder holds.
    #[error("{} holds {found} trials, {requested} were requested: request at least {found}, or choose another folder with -o", path.display())]
    FewerTrials {
        /// The folder.
        path: PathBuf,
        /// Trials in the folder.
        found: u64,
        /// Requested trials.
        requested: u64,
    },
    /// A damaged file of a run.
    #[error("{}: line {line}: {source}; the file is damaged: restore it, or start in a new folder", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Error of the parser.
        source: serde_json::Error,
    },
    /// A unit or a point whose hardware cannot be realised.
    #[error("{}: {unit}: {source}", path.display())]
    Unit {
        /// The experiment.
        path: PathBuf,
        /// The unit with the values of the point.
        unit: String,
        /// Error of the hardware.
        source: Box<HardwareError>,
    },
    /// A result that is not a number.
    #[error(
        "{unit}: {what} is {value}: found settings beyond the range of floating-point numbers, expected finite \
         numbers; bring process, link, weights and inputs closer to what can be built"
    )]
    NotFinite {
        /// The unit.
        unit: String,
        /// The result.
        what: String,
        /// Its value.
        value: f64,
    },
    /// Different results for one unit.
    #[error(
        "{} holds another result for {unit} than an earlier line or folder: they were not made by the same program; \
         start in a new folder", path.display()
    )]
    Conflict {
        /// The list of units with the later result.
        path: PathBuf,
        /// The unit.
        unit: String,
    },
    /// Units that are in none of the folders.
    #[error("{count} of {total} units are missing: {list}; run the missing shards, then merge again")]
    Missing {
        /// Number of missing units.
        count: usize,
        /// Number of units of the run.
        total: usize,
        /// The first missing units.
        list: String,
    },
    /// Threads that the system does not give.
    #[error(
        "a pool of {} cannot be started ({reason}): ask for fewer threads, or raise the limits of processes and memory",
        if *threads == 0 { "one thread per processor core".to_owned() } else { format!("{threads} threads") }
    )]
    Threads {
        /// Requested number, or 0 for one per processor core.
        threads: usize,
        /// Why not.
        reason: String,
    },
    /// No folder to merge.
    #[error("no folder to merge: expected at least one folder of a run")]
    NothingToMerge,
}

/// Settings that are possible, but not with this model or these data.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Direct detection, which loses the sign, of a layer whose sign matters.
    #[error(
        "link.detection is `direct`, which reads |a|² and loses the sign, but photonic layer {layer} {reason}; \
         expected a modulus or squared-modulus layer right after it, no bias, and one tile across each row; \
         or use `homodyne` or `offset`"
    )]
    Direct {
        /// Index of the layer in the model.
        layer: usize,
        /// Why the sign matters.
        reason: String,
    },
    /// A link that needs scales for a model without a calibration.
    #[error(
        "the link has converters, modulators or a laser, which need scales, but {what}: add these two lines, with the name \
         of your training data, to the experiment\n[calibration]\ndata = {data}"
    )]
    NoCalibration {
        /// The missing file.
        what: String,
        /// A choice of training data, as TOML.
        data: String,
    },
    /// A constant field that may be smaller than some outputs.
    #[error(
        "link.detection is `offset`, whose constant field must exceed every output, but the calibration takes the \
         quantile {quantile} of them: calibrate with `quantile = 1`"
    )]
    OffsetQuantile {
        /// The quantile of the calibration.
        quantile: f64,
    },
    /// A model without photonic layers.
    #[error("the model has no photonic layer: found only electronic ones, expected at least one of kind `photonic`")]
    NothingPhotonic,
    /// Outputs of an experiment without a network.
    #[error("found a request to save outputs, but only a `model` has them: run without --save-outputs")]
    NoOutputs,
    /// A key that cannot be swept.
    #[error("sweep key `{key}` {reason}")]
    Sweep {
        /// The key.
        key: String,
        /// Why it cannot be swept.
        reason: String,
    },
    /// A layer whose outputs are to be kept and that the model lacks.
    #[error("the outputs of layer {layer} cannot be saved: found no such layer, expected one of {layers}")]
    NoLayer {
        /// Its index.
        layer: usize,
        /// The layers of the model.
        layers: String,
    },
    /// A floating-point reference that is not what the experiment expects.
    #[error(
        "the network in floating point has {}, expected an accuracy of {expected} ± {tolerance}: check the normalisation of the \
         input, the order of its axes and the order of the classes", found.map_or("no accuracy, because the data have no labels".to_owned(), |found| format!("an accuracy of {found}"))
    )]
    Unexpected {
        /// The accuracy, if the data have labels.
        found: Option<f64>,
        /// The accuracy that the experiment states.
        expected: f64,
        /// The maximum difference.
        tolerance: f64,
    },
    /// Outputs of the floating-point reference that are not those of a file.
    #[error(
        "{}: {problem}: check the normalisation of the input, the order of its axes, and that both use the same samples", path.display()
    )]
    UnexpectedOutputs {
        /// The file.
        path: PathBuf,
        /// What was found, and what was expected.
        problem: String,
    },
    /// A metric that needs other data or another network.
    #[error("metric is `{metric}`, which needs {needed}: found {found}; choose another metric, or leave it out")]
    Metric {
        /// The metric.
        metric: Metric,
        /// What it needs.
        needed: &'static str,
        /// What there is.
        found: String,
    },
    /// Outputs without a known axis of classes.
    #[error("the output of a sample has the shape {shape:?}: found {found}, expected {expected}")]
    ClassAxis {
        /// Shape of the output.
        shape: Vec<usize>,
        /// What was found.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A criterion for chips that do not have its quantity.
    #[error(
        "pass: found {criterion}, which chips of this experiment do not have; expected `accuracy`, `rms_error` or `drop` of a \
         network, or `matrix_error` or `fidelity` of a matrix"
    )]
    Criterion {
        /// The criterion.
        criterion: Criterion,
    },
    /// An experiment on levels, given to a command that computes chips.
    #[error(
        "found the table [tolerance], whose levels are no results of a run: give it to `phaseloom tolerance`, or remove the table"
    )]
    Levels,
    /// A threshold for a network of several outputs, or for data without labels.
    #[error(
        "`threshold` divides two classes of a network of one output: found {outputs} outputs, or data without labels; \
         remove the key"
    )]
    Threshold {
        /// Outputs of the model.
        outputs: usize,
    },
}

impl Problem {
    /// The problem with the path of its experiment.
    pub(crate) fn in_file(self, path: &Path) -> ExperimentError {
        ExperimentError::Setting { path: path.to_owned(), line: None, problem: self }
    }
}

/// A text that is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found `{found}`, expected K/N with 1 ≤ K ≤ N, such as 1/4")]
pub struct ShardError {
    /// The text.
    pub found: String,
}

phaseloom_files::error_codes! {
    ExperimentError {
        Folder = 601,
            "A folder or file is not, or no longer, that of a run.",
            "Choose the folder of a run, or a new one with `-o`.";
        OtherIdentity = 602,
            "The folder belongs to another experiment.",
            "Choose another folder, or delete this one if its results are not needed.";
        FewerTrials = 603,
            "The folder holds more trials than were requested.",
            "Request at least as many, or choose another folder.";
        Damaged = 604,
            "A file of a run is damaged.",
            "Restore it, or start in a new folder.";
        NotFinite = 605,
            "A result is not a number: settings exceed the range of floating-point numbers.",
            "Bring process, link, weights and inputs closer to what can be built.";
        Conflict = 606,
            "Two results of one unit differ: they were made by different programs.",
            "Compute both parts with the same program, in a new folder.";
        Missing = 607,
            "Units are in none of the merged folders.",
            "Run the missing shards, then merge again.";
        Threads = 608,
            "The system gives no more threads.",
            "Ask for fewer threads, or raise the limits of processes and memory.";
        NothingToMerge = 609,
            "No folder to merge was given.",
            "Name at least one folder of a run.";
        Shard = 610,
            "A part of the units does not exist.",
            "Name it as K/N with 1 ≤ K ≤ N, such as 1/4.";
        NoExperiment = 611,
            "A file that should be an experiment is of another kind.",
            "Give the file to the command that the message names.";
        OutputsNotSaved = 612,
            "The folder holds units that were computed without keeping their outputs.",
            "Name a new folder with `-o`.";
        Moved = 613,
            "The inputs of a run are no longer where its experiment looks for them.",
            "Set the key `base` of the `experiment.toml` of the run to the folder of the inputs.";
    } wraps {
        Self::Mesh(error) => error,
        Self::File(error) => error,
        Self::Hardware(error) => error,
        Self::Network(error) => error,
        Self::Cost(error) => error,
        Self::Setting { problem, .. } => problem,
        Self::Unit { source, .. } => source,
    }
}

phaseloom_files::error_codes! {
    Problem {
        Direct = 651,
            "Direct detection loses the sign of a layer whose sign matters.",
            "Use homodyne or offset detection, or a modulus layer without bias next.";
        NoCalibration = 652,
            "The link needs scales of its converters, and there is no calibration.",
            "Name training data in `[calibration]`: the run calibrates itself.";
        OffsetQuantile = 653,
            "Offset detection needs a calibration with the maximum of the outputs.",
            "Calibrate with `quantile = 1`.";
        NothingPhotonic = 654,
            "The model has no photonic layer, so chips change nothing.",
            "Set `kind = \"photonic\"` in at least one layer.";
        Sweep = 655,
            "A key cannot be swept, or has no effect here.",
            "Choose another key of `[[sweep]]`, or set what it needs.";
        NoLayer = 656,
            "A layer whose outputs are to be kept is not in the model.",
            "Name layers of the model after `--save-outputs`.";
        Threshold = 657,
            "`threshold` has no effect: the network has several outputs, or the data have no labels.",
            "Remove the key.";
        NoOutputs = 658,
            "An experiment on a matrix has no outputs to save.",
            "Run it without `--save-outputs`.";
        Unexpected = 659,
            "The network in floating point does not have the accuracy that the experiment expects.",
            "Check `scale`, `mean` and `std` of the input, the order of its axes, and the order of the classes.";
        UnexpectedOutputs = 660,
            "The network in floating point does not have the outputs that another program computed.",
            "Check `scale`, `mean` and `std` of the input, the order of its axes, and that both use the same samples.";
        Metric = 661,
            "The metric needs labels, targets or more classes.",
            "Choose another `metric`, or leave it out: the data then decide.";
        ClassAxis = 662,
            "The axis of the classes in the outputs is unknown, or does not fit the labels.",
            "Name it by `class_axis`, give a label for each position, or leave out `labels`.";
        Criterion = 663,
            "Chips do not have the quantity that `pass` limits.",
            "Use `accuracy`, `rms_error` or `drop` for a network, `matrix_error` or `fidelity` for a matrix.";
        Levels = 664,
            "The experiment has a table `[tolerance]`, which only `phaseloom tolerance` computes.",
            "Give it to `phaseloom tolerance`, or remove the table.";
    }
}
