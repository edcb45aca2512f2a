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
    #[error(
        "chip is ({chip}), program is ({program}): a program runs on chips of its own form, size, topology and cell"
    )]
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
        Process = 401,
            "A process has an impossible value.",
            "Choose a value in the range that the message states; `phaseloom explain process` lists the keys.";
        Preset = 402,
            "No preset has this key.",
            "Choose one of `phaseloom explain preset`.";
        Link = 403,
            "A link has an impossible value.",
            "Choose a value in the range that the message states; `phaseloom explain link` lists the keys.";
        NoLight = 404,
            "The chip transmits no light, so no gain compensates its loss.",
            "Lower `insertion_loss`, or use fewer ports.";
        NegativeGain = 405,
            "Losses are so unequal that the realised matrix does not resemble the target.",
            "Lower `insertion_loss`, above all `imbalance_db`.";
        NoPorts = 406,
            "A core has no port for data.",
            "Give `core.ports` at least 1, with offset detection at least 2.";
        ShapeMismatch = 407,
            "A chip of one shape cannot run a program of another.",
            "Sample a chip for this program: `phaseloom chip PROCESS --program PROGRAM.json`. For a chip that exists, program the \
             matrix for it: `phaseloom program MATRIX --topology KEY --cell KEY`, with `--nearest-unitary` if the chip is one mesh.";
        UnknownCorrection = 408,
            "No correction has this key.",
            "Choose one of `phaseloom explain correction`.";
        Interrupted = 409,
            "The computation was interrupted.",
            "Start it again; `run` resumes where it stopped.";
        Crosstalk = 410,
            "Thermal crosstalk is too strong to be compensated by phases.",
            "Lower `thermal_crosstalk`, or choose another correction.";
        Characterisation = 411,
            "Measurements do not determine the errors of the chip.",
            "Measure more settings: raise `--effort` or `correction_effort`.";
        Unfit = 412,
            "Parts or measurements do not fit the program or the chip.",
            "Use the files that belong together; the message states both.";
    } wraps {
        Self::Numerics(error) => error,
        Self::File(error) => error,
        Self::Mesh(error) => error,
        Self::Correction { source, .. } => source,
    }
}
