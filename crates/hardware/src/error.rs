//! Errors of processes, chips, links, optical products and corrections.

use phaseloom_files::{FileError, InvalidValue};
use phaseloom_mesh::MeshError;
use std::path::PathBuf;

/// An error of a process, a chip, a link, an optical product or a correction.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// A numerical method failed its own check.
    #[error(transparent)]
    Numerics(#[from] phaseloom_numerics::NumericsError),
    /// A file cannot be read or written, or the work does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),
    /// An error of a mesh.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// An impossible value in a process.
    #[error("process: {0}")]
    Process(InvalidValue),
    /// An unknown preset.
    #[error(transparent)]
    Preset(InvalidValue),
    /// An impossible value in a link.
    #[error("link: {0}")]
    Link(InvalidValue),
    /// A chip without transmission, so that no gain can compensate its loss.
    #[error(
        "no gain compensates the nominal loss of a tile: found a chip without transmission, expected less \
         `insertion_loss`"
    )]
    NoLight,
    /// Loss so unequal that the realised matrix does not resemble the target.
    #[error(
        "no gain compensates the nominal loss of a tile: found arms and paths so unequal that the best factor is {factor}, \
         expected one above 0: use less `insertion_loss`, above all a smaller `imbalance_db`"
    )]
    NegativeGain {
        /// `Re tr(W†Ŵ)/‖W‖²`.
        factor: String,
    },
    /// A core without ports.
    #[error("a core of 0 ports: expected at least 1")]
    NoPorts,
    /// A chip of one shape cannot run a program of another.
    #[error("chip is ({chip}), program is ({program}): fabricate a chip of the shape of the program")]
    ShapeMismatch {
        /// Form, topology and size of the chip.
        chip: String,
        /// Form, topology and size of the program.
        program: String,
    },
    /// A chip file that is not JSON of the expected form.
    #[error("{}: not a Phaseloom chip: {source}", path.display())]
    ChipSyntax {
        /// The file.
        path: PathBuf,
        /// Error of the parser, with line and column.
        source: serde_json::Error,
    },
    /// A chip file whose contents contradict each other.
    #[error("{}: {key}: found {found}, expected {expected}", path.display())]
    ChipContent {
        /// The file.
        path: PathBuf,
        /// Key in the file.
        key: String,
        /// Value in the file.
        found: String,
        /// Expected value.
        expected: String,
    },
    /// An unknown correction.
    #[error("unknown correction `{key}`, nearest `{nearest}`; there are {known}")]
    UnknownCorrection {
        /// Requested key.
        key: String,
        /// Nearest existing key.
        nearest: String,
        /// All keys.
        known: String,
    },
    /// A correction that failed on a chip.
    #[error("correction `{method}`: {source}")]
    Correction {
        /// Key of the correction.
        method: &'static str,
        /// Its error.
        source: Box<HardwareError>,
    },
    /// The user requested to stop.
    #[error("interrupted")]
    Interrupted,
    /// Thermal crosstalk that no heater phases compensate.
    #[error(
        "thermal crosstalk cannot be undone: after {steps} iterations a phase still errs by {largest:.1e} rad; expected \
         crosstalk whose sum over the neighbours of a heater is well below 1: lower `thermal_crosstalk` of the process"
    )]
    Crosstalk {
        /// Iterations.
        steps: u64,
        /// Maximum remaining error (rad).
        largest: f64,
    },
    /// Measurements that do not determine the errors of a chip.
    #[error("{settings} settings do not determine {unknown} errors of the chip: measure more settings")]
    Characterisation {
        /// Unknown errors.
        unknown: usize,
        /// Measured settings.
        settings: u64,
    },
    /// Parts or measurements of a chip that do not match the program.
    #[error("{key}: found {found}, expected {expected}")]
    Unfit {
        /// Part of the chip.
        key: String,
        /// Given value.
        found: String,
        /// Value that the program or the fit needs.
        expected: String,
    },
}
