//! What can go wrong between a table and its figure.

/// The error of this crate. Lines are those of the file, counted from 1, comments included.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The text holds no header.
    #[error("the table is empty: it has no header")]
    Empty,
    /// There is a header and nothing below it.
    #[error("the table has a header but no rows")]
    NoRows,
    /// A column that the figure needs is not in the header.
    #[error("the table has no column `{column}`")]
    MissingColumn {
        /// The header that was looked for.
        column: String,
    },
    /// A header appears twice.
    #[error("the table has two columns `{column}`")]
    RepeatedColumn {
        /// The repeated header.
        column: String,
    },
    /// A row has more or fewer cells than the header.
    #[error("line {line}: {found} cells, but the header has {expected}")]
    RaggedRow {
        /// Line in the file.
        line: u64,
        /// Cells in the header.
        expected: usize,
        /// Cells in the row.
        found: usize,
    },
    /// A cell that should be a finite number is something else (empty, text, NaN, infinite).
    #[error("line {line}: column `{column}` holds `{value}`, not a finite number")]
    NotANumber {
        /// Line in the file.
        line: u64,
        /// Header of the cell.
        column: String,
        /// What stands there.
        value: String,
    },
    /// An accuracy is outside 0…1.
    #[error("line {line}: column `{column}` holds {value}, outside 0…1")]
    NotAFraction {
        /// Line in the file.
        line: u64,
        /// Header of the cell.
        column: String,
        /// The number.
        value: f64,
    },
    /// The first cell of a row names no known kind of row.
    #[error("line {line}: unknown kind of row `{value}`; known are exact, perfect_ideal, perfect_real, digital, chips")]
    UnknownRow {
        /// Line in the file.
        line: u64,
        /// What stands there.
        value: String,
    },
    /// A row of chips does not say at which level of a swept key it was taken.
    #[error("line {line}: a row of chips without a value of the swept key `{column}`")]
    MissingLevel {
        /// Line in the file.
        line: u64,
        /// The swept key.
        column: String,
    },
    /// The text is not CSV.
    #[error("the table is not CSV")]
    Csv(#[from] csv::Error),
    /// The drawing library refused.
    #[error("the figure could not be drawn")]
    Draw(#[from] plotters::drawing::DrawingAreaErrorKind<std::io::Error>),
    /// The text given to [`png`](crate::png()) is not SVG.
    #[error("not a readable SVG")]
    Svg(#[from] resvg::usvg::Error),
    /// No image of this width can be made.
    #[error("a PNG cannot be {width_px} pixels wide: the width is 1 to {limit_px}")]
    Width {
        /// The width asked for.
        width_px: u32,
        /// The widest image.
        limit_px: u32,
    },
    /// The image could not be compressed.
    #[error("the PNG could not be encoded")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}
