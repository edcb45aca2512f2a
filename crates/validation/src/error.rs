use phaseloom_files::FileError;
use phaseloom_hardware::HardwareError;
use phaseloom_mesh::MeshError;

/// What can end a validation before its table is there. A claim that fails is no error but a verdict.
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
    /// The settings of a claim are not TOML.
    #[error("the settings of a claim were refused: {0}")]
    Settings(#[from] toml::de::Error),
    /// Measured data that are there are not what they should be.
    #[error(transparent)]
    Measured(Box<crate::claims::measured_chip::MeasuredError>),
    /// The table could not be written as CSV.
    #[error("claims.csv: {0}")]
    Csv(#[from] csv::Error),
    /// No claim has such a key.
    #[error("--only {found}: no claim has this in its key; known are {known}")]
    UnknownClaim {
        /// What was asked for.
        found: String,
        /// The keys of all claims.
        known: String,
    },
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}
