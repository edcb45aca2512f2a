use std::path::PathBuf;

/// Why a file was not read or written, or work was refused for lack of memory.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Work that would not fit in memory.
    #[error("{what} needs {needed_gib:.1} GiB of memory; this machine has {available_gib:.1} GiB")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The memory that it needs, in GiB.
        needed_gib: f64,
        /// The memory that is available, in GiB.
        available_gib: f64,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
}
