//! The errors of a validation.

use phaseloom_files::{FileError, InvalidValue};
use phaseloom_hardware::HardwareError;
use phaseloom_mesh::MeshError;

/// An error that ends a validation before its table is complete. A claim that fails is a verdict, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// The mesh refused a matrix.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// A numerical method failed its own check.
    #[error(transparent)]
    Numerics(#[from] phaseloom_numerics::NumericsError),
    /// A file was not read or written, or the work does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),
    /// The hardware refused a process, a link or a program.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// The TOML text of a process or link in a claim is invalid.
    #[error("the process or link of a claim is invalid: {0}")]
    Settings(#[from] toml::de::Error),
    /// No claim has such a key.
    #[error(transparent)]
    UnknownClaim(InvalidValue),
    /// The validation was interrupted.
    #[error("interrupted")]
    Interrupted,
}

phaseloom_files::error_codes! {
    ValidationError {
        Settings = 801,
            "The settings of a claim are invalid.",
            "Please report it.";
        UnknownClaim = 803,
            "No claim has this key.",
            "Choose one of `phaseloom explain claim`.";
        Interrupted = 804,
            "The validation was interrupted.",
            "Start it again.";
    }
    wraps {
        Self::Mesh(error) => error,
        Self::Numerics(error) => error,
        Self::File(error) => error,
        Self::Hardware(error) => error,
    }
}
