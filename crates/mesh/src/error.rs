use phaseloom_files::InvalidValue;

/// Errors between a matrix and the phases of a mesh.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// A numerical method failed its own check.
    #[error(transparent)]
    Numerics(#[from] phaseloom_numerics::NumericsError),
    /// A file could not be read or written, or the computation does not fit in memory.
    #[error(transparent)]
    File(#[from] phaseloom_files::FileError),
    /// A matrix holds NaN or infinity.
    #[error("matrix entry ({row}, {column}) is {value}: every entry must be finite")]
    NotFinite {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The entry.
        value: String,
    },
    /// An entry whose square leaves the range of a double.
    #[error("largest matrix entry is {largest:e}: expected at most 1e151; scale the matrix")]
    Magnitude {
        /// The largest modulus of real and imaginary parts of all entries.
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
    /// A unitary that is not square.
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
        /// Maximum entry of |U†U − I|.
        deviation: f64,
        /// The largest accepted deviation.
        tolerance: f64,
    },
    /// A matrix whose nearest unitary is not unique.
    #[error("no unitary is nearest to a singular matrix: found singular values from {smallest:.1e} to {largest:.1e}")]
    Singular {
        /// Smallest singular value.
        smallest: f64,
        /// Largest singular value.
        largest: f64,
    },
    /// A key that is not in one of the lists of this crate.
    #[error(transparent)]
    Unknown(InvalidValue),
    /// A cell that the topology does not support.
    #[error(transparent)]
    CellOfTopology(InvalidValue),
    /// A mesh that other conventions cannot express.
    #[error(
        "a mesh {design} has no phases in other conventions: expected cells `mzi` between neighbouring modes, each mode \
         with a port (rectangular, triangular, redundant)"
    )]
    Convention {
        /// Topology and cell.
        design: String,
    },
    /// A topology that cannot realise a matrix of this shape.
    #[error("topology `{topology}` {limit}: found a {rows}×{columns} matrix")]
    Topology {
        /// Key of the topology.
        topology: &'static str,
        /// The limit of the topology, as the predicate of a sentence.
        limit: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
}

impl MeshError {
    /// The expected value, for callers that report the place and the value found.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Unknown(invalid) | Self::CellOfTopology(invalid) => invalid.expected.clone(),
            other => other.to_string(),
        }
    }
}

phaseloom_files::error_codes! {
    MeshError {
        NotFinite = 301,
            "A matrix holds a NaN or an infinity.",
            "Replace the named entry.";
        Magnitude = 302,
            "A matrix has an entry whose square exceeds the range of a double.",
            "Scale the matrix.";
        Empty = 303,
            "A matrix has no rows or no columns.",
            "Give a matrix with at least one entry.";
        NotSquare = 304,
            "A unitary must be square.",
            "Program the matrix with `--form svd`.";
        NotUnitary = 305,
            "The matrix is not unitary within the tolerance.",
            "Program it with `--form svd`, or correct it to its nearest unitary first.";
        Unknown = 306,
            "No topology, cell or convention has this key.",
            "Choose a key or alias of `phaseloom explain topology`, `cell` or `convention`.";
        CellOfTopology = 307,
            "The topology cannot be built of this cell.",
            "Leave out the cell, or choose one that the message lists.";
        Convention = 308,
            "Other conventions cannot express this mesh.",
            "Program the matrix on a rectangular, triangular or redundant mesh of plain cells.";
        Topology = 309,
            "The topology cannot realise a matrix of this shape.",
            "Choose another topology, or a matrix within its limit.";
        Singular = 310,
            "A singular matrix has no nearest unitary: any rotation of its null space is as near.",
            "Program it with `--form svd`.";
    } wraps { Self::Numerics(error) => error, Self::File(error) => error }
}
