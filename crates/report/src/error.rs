//! The errors of this crate: reading tables, drawing figures, encoding images.

use crate::plot::label::decimal;

/// Longer texts of a cell are cut in an error.
const MAX_CELL: usize = 40;

/// A text of a cell for an error.
fn shortened(text: &str) -> String {
    let end = if text.chars().nth(MAX_CELL).is_some() { "…" } else { "" };
    text.chars().take(MAX_CELL).collect::<String>() + end
}

/// The error of this crate. Lines are counted from 1 in the file, comments included.
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
        /// The missing header.
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
    /// A cell with a number is empty, text, NaN or infinite.
    #[error("line {line}: column `{column}` holds `{}`, not a finite number", shortened(value))]
    NotANumber {
        /// Line in the file.
        line: u64,
        /// Header of the cell.
        column: String,
        /// The text of the cell.
        value: String,
    },
    /// An accuracy is outside 0…1.
    #[error("line {line}: column `{column}` holds {}, outside 0…1", decimal(*value))]
    NotAFraction {
        /// Line in the file.
        line: u64,
        /// Header of the cell.
        column: String,
        /// The number.
        value: f64,
    },
    /// A cell with a number of things is no whole number from 0.
    #[error("line {line}: column `{column}` holds `{}`, not a whole number from 0", shortened(value))]
    NotACount {
        /// Line in the file.
        line: u64,
        /// Header of the cell.
        column: String,
        /// The text of the cell.
        value: String,
    },
    /// A file of a folder of results holds this error.
    #[error("{file}: {error}")]
    InFile {
        /// The file.
        file: String,
        /// The error in it.
        error: Box<ReportError>,
    },
    /// The first cell of a row names no known kind of row.
    #[error(
        "line {line}: unknown kind of row `{}`; known are exact, perfect_ideal, perfect_real, digital, chips",
        shortened(value)
    )]
    UnknownRow {
        /// Line in the file.
        line: u64,
        /// The text of the cell.
        value: String,
    },
    /// A row of chips lacks the value of a swept key.
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
    /// A folder of a report holds no table of results.
    #[error(
        "{folder}: found no table of results, expected the folder of a finished run, yield, tolerance, budget or cost"
    )]
    NoStudy {
        /// The folder.
        folder: String,
    },
    /// A template of a report cannot be used.
    #[error("line {line} of the template: {problem}")]
    Template {
        /// Line in the template, 0 if unknown.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The drawing library failed.
    #[error("the figure could not be drawn")]
    Draw(#[from] plotters::drawing::DrawingAreaErrorKind<std::io::Error>),
    /// The text given to [`png`](crate::png()) is not SVG.
    #[error("not a readable SVG")]
    Svg(#[from] resvg::usvg::Error),
    /// The width of an image is out of range.
    #[error("a PNG cannot be {width_px} pixels wide: the width is 1 to {limit_px}")]
    Width {
        /// The requested width.
        width_px: u32,
        /// The largest width.
        limit_px: u32,
    },
    /// The image could not be compressed.
    #[error("the PNG or PDF could not be encoded")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ReportError {
    /// The codes of this enum, each with cause and remedy.
    pub const CODES: &'static [(u16, &'static str, &'static str)] = &[
        (701, "A table has no header.", "Draw from a table that Phaseloom wrote."),
        (702, "A table has no rows.", "Wait for results, or choose another folder."),
        (703, "A table lacks a column that the figure needs.", "Draw from a table that Phaseloom wrote."),
        (704, "A table has two columns of the same name.", "Remove one of them."),
        (705, "A row has more or fewer cells than the header.", "Restore the named line."),
        (706, "A cell holds no finite number.", "Correct the named line and column."),
        (707, "An accuracy is outside 0…1.", "Correct the named line and column."),
        (708, "The first cell of a row names no kind of row.", "Correct the named line."),
        (709, "A row of chips has no value of the swept key.", "Correct the named line."),
        (710, "A table is not CSV.", "Restore the file."),
        (711, "The drawing library failed.", "Please report it with the table."),
        (712, "A text to be turned into an image is not SVG.", "Give an SVG file."),
        (713, "The width of an image is out of range.", "Choose a width that the message states."),
        (714, "An image could not be compressed.", "Please report it."),
        (
            715,
            "A folder of a report holds no table of results.",
            "Give the folder of a finished run, or finish the run with `phaseloom run DIR`.",
        ),
        (
            716,
            "The template of a report is no valid template, or names something that a page does not have.",
            "Correct the named line; the how-to page on reports lists all names.",
        ),
        (717, "A cell holds no whole number from 0.", "Correct the named line and column."),
    ];

    /// The same error, with the file that holds it.
    pub(crate) fn in_file(self, file: &str) -> Self {
        match self {
            Self::InFile { .. } => self,
            error => Self::InFile { file: file.to_owned(), error: Box::new(error) },
        }
    }

    /// The code of this error. `phaseloom explain` explains it.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Empty { .. } => Self::CODES[0].0,
            Self::NoRows { .. } => Self::CODES[1].0,
            Self::MissingColumn { .. } => Self::CODES[2].0,
            Self::RepeatedColumn { .. } => Self::CODES[3].0,
            Self::RaggedRow { .. } => Self::CODES[4].0,
            Self::NotANumber { .. } => Self::CODES[5].0,
            Self::NotAFraction { .. } => Self::CODES[6].0,
            Self::UnknownRow { .. } => Self::CODES[7].0,
            Self::MissingLevel { .. } => Self::CODES[8].0,
            Self::Csv { .. } => Self::CODES[9].0,
            Self::Draw { .. } => Self::CODES[10].0,
            Self::Svg { .. } => Self::CODES[11].0,
            Self::Width { .. } => Self::CODES[12].0,
            Self::Encode { .. } => Self::CODES[13].0,
            Self::NoStudy { .. } => Self::CODES[14].0,
            Self::Template { .. } => Self::CODES[15].0,
            Self::NotACount { .. } => Self::CODES[16].0,
            Self::InFile { error, .. } => error.code(),
        }
    }
}
