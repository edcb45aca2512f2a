//! Errors of studies.

use phaseloom_experiment::ExperimentError;
use phaseloom_files::FileError;
use phaseloom_network::NetworkError;
use std::path::PathBuf;

/// A result with an error of this crate.
pub type Result<T, E = StudyError> = std::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// An error of an experiment.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// An error of model, weights, data or training.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// An error of one network.
    #[error("{place}: {source}")]
    Unit {
        /// The network.
        place: String,
        /// What went wrong.
        source: Box<StudyError>,
    },
    /// A setting of a variant or of an axis that does not suit the file that it changes.
    #[error("{}: {place}: {reason}; expected keys and values of that file", path.display())]
    Setting {
        /// The changed file.
        path: PathBuf,
        /// The network.
        place: String,
        /// The error of the reader.
        reason: String,
    },
    /// A folder that belongs to another study.
    #[error(
        "{}: holds the results of another study, or of this one before its files changed: choose another folder with -o",
        path.display()
    )]
    OtherStudy {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that another process writes to.
    #[error("{}: another phaseloom is writing to this folder", path.display())]
    Locked {
        /// The locked file.
        path: PathBuf,
    },
    /// A damaged file of results.
    #[error("{}: {reason}; the file is damaged: remove it, and the same command computes it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        reason: String,
    },
    /// A criterion about rows or columns that the results do not have.
    #[error("criterion `{name}`: {problem}")]
    Criterion {
        /// Its name.
        name: String,
        /// What was found and expected.
        problem: String,
    },
    /// Networks that are in none of the merged folders.
    #[error(
        "{}: {count} networks are in none of the folders (the first: {first}): run the missing shards, then merge again",
        path.display()
    )]
    Missing {
        /// The folder of the whole study.
        path: PathBuf,
        /// Number of networks.
        count: usize,
        /// The first of them.
        first: String,
    },
}

phaseloom_files::error_codes! {
    StudyError {
        Setting = 1101,
            "A variant or an axis of a study sets a key that the changed file does not have, or a value that it cannot take.",
            "Name keys as `training.KEY`, `model.KEY` or `experiment.KEY`, as in the files of the study.";
        OtherStudy = 1102,
            "The folder holds the results of another study.",
            "Choose another folder with `-o`, or delete this one if its results are not needed.";
        Damaged = 1103,
            "A file of results of a study is damaged.",
            "Remove it, and the same command computes it again.";
        Criterion = 1104,
            "A criterion names a quantity or rows that the results do not have.",
            "Name columns of `summary.csv`, `sequence.csv` or `training.csv`, and values of swept keys.";
        Locked = 1107,
            "Another phaseloom is writing to the folder of a study.",
            "Wait for it, or choose another folder with `-o`.";
        Missing = 1106,
            "Networks of a study are in none of the merged folders.",
            "Run the missing shards, then merge again.";
    } wraps {
        Self::File(error) => error,
        Self::Experiment(error) => error,
        Self::Network(error) => error,
        Self::Unit { source, .. } => source,
    }
}
