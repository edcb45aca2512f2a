use std::path::PathBuf;

/// What can go wrong between a matrix and the settings of a mesh.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// A numerical method failed its own check.
    #[error(transparent)]
    Numerics(#[from] phaseloom_numerics::NumericsError),
    /// A file was not read or written, or the work does not fit in memory.
    #[error(transparent)]
    File(#[from] phaseloom_files::FileError),
    /// A matrix holds NaN or infinity.
    #[error("matrix entry ({row}, {column}) is {value}: every entry must be finite")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// What stands there.
        value: String,
    },
    /// Entries so large that their squares leave the range of a double.
    #[error("largest matrix entry is {largest:e}: expected at most 1e151; scale the matrix")]
    Magnitude {
        /// The largest modulus of real and imaginary parts.
        largest: f64,
    },
    /// A matrix without rows or columns.
    #[error("matrix is {rows}×{columns}: it needs at least one row and one column")]
    Empty {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// A unitary must be square.
    #[error("matrix is {rows}×{columns}: a unitary is square; program any other matrix with the form `svd`")]
    NotSquare {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// U†U is not the identity.
    #[error(
        "matrix is not unitary: max |U†U − I| = {deviation:.1e}, tolerance {tolerance:.0e}; \
         program it with the form `svd`"
    )]
    NotUnitary {
        /// Largest entry of |U†U − I|.
        deviation: f64,
        /// What is accepted.
        tolerance: f64,
    },
    /// No topology of that name.
    #[error("unknown topology `{found}`: expected one of {known}")]
    UnknownTopology {
        /// What was asked for.
        found: String,
        /// The keys that exist.
        known: String,
    },
    /// A mesh cannot be built of such cells.
    #[error("a mesh `{topology}` is built of cells `{known}`, not of `{found}`")]
    CellOfTopology {
        /// Key of the topology.
        topology: &'static str,
        /// Key of the cell.
        found: &'static str,
        /// The keys of its cells.
        known: String,
    },
    /// No convention of that name.
    #[error("unknown convention `{found}`: expected one of {known}")]
    UnknownConvention {
        /// What was asked for.
        found: String,
        /// The keys that exist.
        known: String,
    },
    /// A mesh of which conventions say nothing.
    #[error(
        "a mesh {design} has no settings in other conventions: expected cells `mzi` that join neighbouring lines, each of them with a port (rectangular, triangular, redundant)"
    )]
    Convention {
        /// Topology and cell.
        design: String,
    },
    /// No cell of that name.
    #[error("unknown cell `{found}`: expected one of {known}")]
    UnknownCell {
        /// What was asked for.
        found: String,
        /// The keys that exist.
        known: String,
    },
    /// A mesh that cannot do what a matrix of this shape needs.
    #[error("topology `{topology}` {limit}: found a {rows}×{columns} matrix")]
    Topology {
        /// Key of the topology.
        topology: &'static str,
        /// What it does, and no more.
        limit: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// A program file that is not JSON of the expected form.
    #[error("{}: not a Phaseloom program: {source}", path.display())]
    ProgramSyntax {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A program file whose contents contradict each other.
    #[error("{}: {key}: found {found}, expected {expected}", path.display())]
    ProgramContent {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        key: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
}

impl MeshError {
    /// What was expected, for errors that name the place and what was found there themselves.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::UnknownTopology { known, .. }
            | Self::UnknownCell { known, .. }
            | Self::UnknownConvention { known, .. } => format!("one of {known}"),
            Self::CellOfTopology { topology, known, .. } => {
                format!("one of {known}, of which a mesh `{topology}` is built")
            }
            other => other.to_string(),
        }
    }
}
