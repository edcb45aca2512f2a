use phaseloom_files::FileError;
use std::path::PathBuf;

/// Why spectra were refused.
#[derive(Debug, thiserror::Error)]
pub enum SpectraError {
    /// The settings were refused, or a file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line of a table.
    #[error("{}: line {line}{}: found {found}, expected {expected}", path.display(), column.as_ref().map(|c| format!(", column `{c}`")).unwrap_or_default())]
    Table {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Name of the column, if the complaint is about one.
        column: Option<String>,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// Devices from which nothing can be derived.
    #[error("{}: devices `{devices}…`: found {found}, expected {expected}", path.display())]
    Devices {
        /// The file.
        path: PathBuf,
        /// How their names start.
        devices: String,
        /// What was found.
        found: String,
        /// What is needed, and what to do.
        expected: String,
    },
}
