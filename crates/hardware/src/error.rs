//! Errors of processes, chips, links, optical products and corrections.

use phaseloom_files::{FileError, InvalidValue};
use phaseloom_mesh::MeshError;
use std::fmt::Display;

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
         `insertion_loss`, or entries of the matrix whose squares do not underflow"
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
    /// An unknown correction.
    #[error(transparent)]
    UnknownCorrection(InvalidValue),
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
    #[error("{}: found {}, expected {}", .0.key, .0.found, .0.expected)]
    Unfit(InvalidValue),
}

impl HardwareError {
    /// A part or a measurement of a chip that does not match the program.
    pub(crate) fn unfit(key: impl Into<String>, found: impl Display, expected: impl Into<String>) -> Self {
        Self::Unfit(InvalidValue::new(key, found, expected))
    }
}

phaseloom_files::error_codes! {
    HardwareError {
        Process = 401, Preset = 402, Link = 403, NoLight = 404, NegativeGain = 405, NoPorts = 406, ShapeMismatch = 407,
        UnknownCorrection = 408, Interrupted = 409, Crosstalk = 410, Characterisation = 411, Unfit = 412,
    } wraps {
        Self::Numerics(error) => error,
        Self::File(error) => error,
        Self::Mesh(error) => error,
        Self::Correction { source, .. } => source,
    }
}
