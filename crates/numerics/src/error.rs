//! The errors of this crate.

/// A matrix that cannot be decomposed, or a numerical method whose result failed its check.
#[derive(Debug, thiserror::Error)]
pub enum NumericsError {
    /// A matrix that should be decomposed has an entry that is not finite.
    #[error("row {row}, column {column} of a matrix: found a number that is not finite, expected finite numbers")]
    NotFinite {
        /// Row of the entry, from 0.
        row: usize,
        /// Column of the entry, from 0.
        column: usize,
    },
    /// Every attempt at a singular value decomposition failed.
    #[error(
        "singular value decomposition of a {rows}×{columns} matrix failed: relative residual {residual:.1e}, \
         tolerance {tolerance:.1e}; please report the matrix"
    )]
    Svd {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
        /// Smallest ‖A − UΣV†‖_F/‖A‖_F of all attempts.
        residual: f64,
        /// Maximum accepted residual.
        tolerance: f64,
    },
}

impl NumericsError {
    /// The codes of this enum, each with cause and remedy.
    pub const CODES: &'static [(u16, &'static str, &'static str)] = &[
        (
            201,
            "A matrix to be decomposed has an entry that is not finite.",
            "Remove NaN and infinities from the matrix.",
        ),
        (202, "A singular value decomposition failed its own check.", "Please report the matrix."),
    ];

    /// The code of this error. `phaseloom explain` explains it.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::NotFinite { .. } => Self::CODES[0].0,
            Self::Svd { .. } => Self::CODES[1].0,
        }
    }
}
