use phaseloom_files::FileError;
use phaseloom_hardware::HardwareError;
use phaseloom_mesh::MeshError;
use phaseloom_network::NetworkError;
use std::path::PathBuf;

/// What can stop an experiment.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The mesh refused.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// A file was not read or written, or the work does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),
    /// The hardware refused.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// Model, weights or data were refused.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A file of the run cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting that cannot work with the model or the data.
    #[error("{}: {}{problem}", path.display(), line.map(|l| format!("line {l}: ")).unwrap_or_default())]
    Setting {
        /// The experiment.
        path: PathBuf,
        /// Line, from 1, where that is known.
        line: Option<usize>,
        /// What was found, what was expected, what to do.
        problem: Problem,
    },
    /// The folder belongs to something else.
    #[error("{} is not empty and holds no Phaseloom run: choose another folder with -o", path.display())]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The folder belongs to another experiment.
    #[error(
        "{} holds a run of another experiment (different: {}); choose another folder with -o, or remove it",
        path.display(), keys.join(", ")
    )]
    OtherIdentity {
        /// The folder.
        path: PathBuf,
        /// The keys, files or versions that differ.
        keys: Vec<String>,
    },
    /// Fewer trials than are there already.
    #[error("{} holds {found} trials, {asked} were asked for: ask for at least {found}, or choose another folder", path.display())]
    FewerTrials {
        /// The folder.
        path: PathBuf,
        /// Trials that are there.
        found: u64,
        /// Trials asked for.
        asked: u64,
    },
    /// Another process writes there.
    #[error("{}: another phaseloom is writing to this folder", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// An experiment file that no longer is what its identity says.
    #[error(
        "{}: the file, or identity.json beside it, was changed after the run began: restore it, or start in a new folder",
        path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// A folder to merge that holds no run.
    #[error("{} holds no Phaseloom run: expected a folder that `phaseloom run` wrote to", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A damaged file of a run.
    #[error("{}: line {line}: {source}; the file is damaged: restore it, or start in a new folder", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// Another process wrote to the folder between reading and locking it.
    #[error("{}: another phaseloom wrote to this folder just now: start again to go on from there", path.display())]
    Changed {
        /// The folder.
        path: PathBuf,
    },
    /// A unit, or a point, whose hardware cannot be as it is asked for.
    #[error("{}: {unit}: {source}", path.display())]
    Unit {
        /// The experiment.
        path: PathBuf,
        /// Which one, with the values of the point.
        unit: String,
        /// What the hardware said.
        source: Box<HardwareError>,
    },
    /// A result that is not a number.
    #[error(
        "{unit}: {what} is {value}: found settings so extreme that they cannot be computed with, expected finite \
         numbers; bring process, link, weights and inputs closer to what can be built"
    )]
    NotFinite {
        /// The unit.
        unit: String,
        /// Which of its results.
        what: String,
        /// Its value.
        value: f64,
    },
    /// Two runs hold different results for one unit.
    #[error("{} and an earlier folder hold different results for {unit}: they were not made by the same program", path.display())]
    Conflict {
        /// The later folder.
        path: PathBuf,
        /// The unit.
        unit: String,
    },
    /// Units that no folder holds.
    #[error("{count} of {total} units are missing: {list}; run the shards that lack, then merge again")]
    Missing {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
        /// The first of them.
        list: String,
    },
    /// Nothing to merge.
    #[error("no folder to merge: expected at least one folder of a run")]
    NothingToMerge,
}

/// Settings that are each possible, but not with this model or these data.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Direct detection loses the sign.
    #[error(
        "link.detection is `direct`, which reads |a|² and loses the sign, but photonic layer {layer} {reason}; \
         expected a modulus or squared-modulus layer right behind it, no bias, and one tile across each row; \
         or use `homodyne` or `offset`"
    )]
    Direct {
        /// Index of the layer in the model.
        layer: usize,
        /// What stands against it.
        reason: String,
    },
    /// The link needs scales and the model has none.
    #[error("the link has converters, modulators or a laser, which need scales, but {}", what)]
    NoCalibration {
        /// What is missing and what to do.
        what: String,
    },
    /// A constant field that is smaller than some outputs.
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
    /// A key that cannot be swept.
    #[error("sweep key `{key}` {reason}")]
    Sweep {
        /// The key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A model whose outputs are not classes.
    #[error("the model has {outputs} output: expected at least 2, one a class")]
    OneClass {
        /// Outputs of the model.
        outputs: usize,
    },
}
