//! Errors of measured spectra.

use phaseloom_files::{FileError, InvalidValue};
use std::path::PathBuf;

/// An error of measured spectra or their settings.
#[derive(Debug, thiserror::Error)]
pub enum SpectraError {
    /// The settings were refused, or a file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// An impossible value of settings that were made by a program.
    #[error("settings of the spectra: {0}")]
    Settings(InvalidValue),
    /// An error in a line of a table.
    #[error("{}: line {line}{}: found {found}, expected {expected}", path.display(), column.as_ref().map(|c| format!(", column `{c}`")).unwrap_or_default())]
    Table {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Name of the column, if the error is in one.
        column: Option<String>,
        /// Value in the file.
        found: String,
        /// Expected value.
        expected: String,
    },
    /// Devices that do not determine the requested quantity.
    #[error("{}: devices `{devices}…`: found {found}, expected {expected}", path.display())]
    Devices {
        /// The file.
        path: PathBuf,
        /// Prefix of their names.
        devices: String,
        /// Value found.
        found: String,
        /// Expected value, and what to do.
        expected: String,
    },
}

phaseloom_files::error_codes! {
    SpectraError {
        Table = 451,
            "A line of a table of spectra was refused.",
            "Correct the named line and column, or name the unit of the powers.";
        Devices = 452,
            "The devices of a table do not determine the quantity.",
            "Widen the window, correct the prefix of the devices, or measure more devices.";
        Settings = 453,
            "Settings of spectra that were made by a program have an impossible value.",
            "Choose a value in the range that the message states.";
    } wraps { Self::File(error) => error }
}
