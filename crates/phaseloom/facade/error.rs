use num_complex::Complex64;
#[cfg(feature = "experiment")]
use phaseloom_experiment::ExperimentError;
use phaseloom_files::FileError;
use phaseloom_hardware::HardwareError;
use phaseloom_mesh::MeshError;
#[cfg(feature = "network")]
use phaseloom_network::NetworkError;
use phaseloom_numerics::NumericsError;
#[cfg(feature = "report")]
use phaseloom_report::ReportError;
#[cfg(feature = "study")]
use phaseloom_study::StudyError;
#[cfg(feature = "validation")]
use phaseloom_validation::ValidationError;
use std::path::PathBuf;

/// Any error of Phaseloom. Every error of the crates below converts into it with `?`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix that should be real has a complex entry.
    #[error(
        "{}: row {row}, column {column}: found {found}, expected real numbers; read a complex matrix with \
         `read_complex_matrix` and program it with `Core::program_complex`", path.display()
    )]
    ComplexMatrix {
        /// The file.
        path: PathBuf,
        /// Row of the entry, from 0.
        row: usize,
        /// Column of the entry, from 0.
        column: usize,
        /// The entry.
        found: Complex64,
    },
    /// A complex program has no product that detectors could read.
    #[error(
        "a product with a complex {rows}×{columns} matrix: found a program made by `Core::program_complex`, expected real \
         weights programmed by `Core::program`; use `Chip::matrix` for the realised matrix"
    )]
    ComplexProduct {
        /// Outputs of the matrix.
        rows: usize,
        /// Inputs of the matrix.
        columns: usize,
    },
    /// A chip cannot run a program of another shape.
    #[error("the chip has {chip}, the program needs {program}: fabricate a chip for this program")]
    ProgramShape {
        /// Cores of the chip.
        chip: String,
        /// Cores of the program.
        program: String,
    },
    /// The detection of the link is not that of the core.
    #[error(
        "the program was made for `{program}` detection, the link has `{link}`: state the detection with \
         `Core::with_detection`, because offset detection takes one input port"
    )]
    Detection {
        /// Detection that the program was made for.
        program: &'static str,
        /// Detection of the link.
        link: &'static str,
    },
    /// A matrix does not fit on one core.
    #[error("a complex {rows}×{columns} matrix on a core of {ports} ports: expected at most {ports} rows and columns")]
    TooManyPorts {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
        /// Ports of the core.
        ports: usize,
    },
    /// A program file holds the program of one core.
    #[error(
        "{}: found a program of {cores} cores, expected one core: save each program of `Program::core_programs`",
        path.display()
    )]
    SeveralCores {
        /// The file.
        path: PathBuf,
        /// Cores of the program.
        cores: usize,
    },
    /// A numerical method failed its own check.
    #[error(transparent)]
    Numerics(#[from] NumericsError),
    /// A file was rejected, not read or not written, or the work does not fit in memory.
    #[error(transparent)]
    File(#[from] FileError),
    /// A mesh, a decomposition or a program was rejected.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// A process, a chip or a link was rejected.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// A model, its weights or its data were rejected.
    #[cfg(feature = "network")]
    #[error(transparent)]
    Network(Box<NetworkError>),
    /// An experiment was rejected.
    #[cfg(feature = "experiment")]
    #[error(transparent)]
    Experiment(Box<ExperimentError>),
    /// A study was rejected.
    #[cfg(feature = "study")]
    #[error(transparent)]
    Study(Box<StudyError>),
    /// A figure could not be drawn.
    #[cfg(feature = "report")]
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A claim could not be recomputed.
    #[cfg(feature = "validation")]
    #[error(transparent)]
    Validation(Box<ValidationError>),
}

/// Conversions from the errors that are boxed, because they are large.
macro_rules! boxed {
    ($($feature:literal $variant:ident($error:ty)),*) => {
        $(#[cfg(feature = $feature)]
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}

boxed!("network" Network(NetworkError), "experiment" Experiment(ExperimentError), "study" Study(StudyError), "validation" Validation(ValidationError));

phaseloom_files::error_codes! {
    Error {
        ComplexMatrix = 901,
            "A matrix that should be real has a complex entry.",
            "Read it with `read_complex_matrix` and program it with `Core::program_complex`.";
        ComplexProduct = 902,
            "A complex program has no product that detectors could read.",
            "Use `Chip::matrix` for the realised matrix.";
        ProgramShape = 903,
            "A chip cannot run a program of another shape.",
            "Fabricate a chip for this program.";
        Detection = 904,
            "The detection of the link is not that of the core.",
            "State the detection with `Core::with_detection`.";
        TooManyPorts = 905,
            "A complex matrix does not fit on one core.",
            "Use a core with more ports.";
        SeveralCores = 906,
            "A program file holds the program of one core, this program has several.",
            "Save each program of `Program::core_programs`.";
    } wraps {
        Self::Numerics(error) => error,
        Self::File(error) => error,
        Self::Mesh(error) => error,
        Self::Hardware(error) => error,
        #[cfg(feature = "network")]
        Self::Network(error) => error,
        #[cfg(feature = "experiment")]
        Self::Experiment(error) => error,
        #[cfg(feature = "study")]
        Self::Study(error) => error,
        #[cfg(feature = "report")]
        Self::Report(error) => error,
        #[cfg(feature = "validation")]
        Self::Validation(error) => error,
    }
}
