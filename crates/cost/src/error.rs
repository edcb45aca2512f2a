//! Errors of the cost model.

use phaseloom_files::{FileError, InvalidValue};
use phaseloom_hardware::HardwareError;

/// Why no cost was computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CostError {
    /// A library file was refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The link was refused.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// An impossible value of the network, the cores or the digital array.
    #[error("cost: {0}")]
    Invalid(#[from] InvalidValue),
}

phaseloom_files::error_codes! {
    CostError {
        Invalid = 1001,
            "A value of the network, the cores or the digital array is impossible.",
            "Choose a value in the range that the message states.";
    }
    wraps {
        Self::File(error) => error,
        Self::Hardware(error) => error,
    }
}
