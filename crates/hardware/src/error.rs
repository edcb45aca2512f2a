use phaseloom_files::{FileError, InvalidValue};
use phaseloom_mesh::MeshError;
use std::path::PathBuf;

/// What can go wrong between a process and an optical product.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// A numerical method failed its own check.
    #[error(transparent)]
    Numerics(#[from] phaseloom_numerics::NumericsError),
    /// A file was not read or written, or the work does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),
    /// The mesh refused.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// An impossible value in a process.
    #[error("process: {0}")]
    Process(InvalidValue),
    /// A preset that is not there.
    #[error(transparent)]
    Preset(InvalidValue),
    /// An impossible value in a link.
    #[error("link: {0}")]
    Link(InvalidValue),
    /// So little light comes through a chip that no gain brings it back.
    #[error(
        "no gain undoes the nominal loss of a tile: found a chip that lets no light through, expected less \
         `insertion_loss`"
    )]
    NoLight,
    /// Loss so unequal that what comes through has nothing to do with the matrix.
    #[error(
        "no gain undoes the nominal loss of a tile: found arms and paths so unequal that the best factor is {factor}, \
         expected one above 0: take less `insertion_loss`, above all a smaller `imbalance_db`"
    )]
    NegativeGain {
        /// `Re tr(W†Ŵ)/‖W‖²`.
        factor: String,
    },
    /// A core needs ports.
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
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A chip file whose contents contradict each other.
    #[error("{}: {key}: found {found}, expected {expected}", path.display())]
    ChipContent {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        key: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// No correction has that key.
    #[error("unknown correction `{key}`, nearest `{nearest}`; there are {known}")]
    UnknownCorrection {
        /// What was asked for.
        key: String,
        /// The key most like it.
        nearest: String,
        /// All keys.
        known: String,
    },
    /// A method that cannot work on a chip.
    #[error("correction `{method}`: {source}")]
    Correction {
        /// Its key.
        method: &'static str,
        /// What it said.
        source: Box<HardwareError>,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Crosstalk that no heater phases undo.
    #[error(
        "thermal crosstalk cannot be undone: after {steps} iterations a phase still errs by {largest:.1e} rad; expected \
         crosstalk whose sum over the neighbours of a heater is well below 1: lower `thermal_crosstalk` of the process"
    )]
    Crosstalk {
        /// Iterations.
        steps: u64,
        /// Largest error left (rad).
        largest: f64,
    },
    /// Readings that do not tell the errors of a chip.
    #[error("{settings} settings do not tell {unknown} errors of the chip apart: read more settings")]
    Characterisation {
        /// Unknown errors.
        unknown: usize,
        /// Settings that were read.
        settings: u64,
    },
    /// Given parts of a chip, or measurements of one, that cannot be those of the program at hand.
    #[error("{key}: found {found}, expected {expected}")]
    Unfit {
        /// Which part.
        key: String,
        /// What was given.
        found: String,
        /// What the program or the fit needs.
        expected: String,
    },
}
