//! A claim: one statement of a paper or of a derivation, and the function that recomputes it.

use crate::check::Row;
use crate::error::ValidationError;
use crate::setting::Setting;

/// The rows of a claim, in the order of its table.
pub type Rows = Result<Vec<Row>, ValidationError>;

/// One claim of a paper or of a derivation, and how it is recomputed.
#[derive(Debug)]
pub struct Claim {
    /// Short name, in lower case with `_`, for `--only` and for tables.
    pub key: &'static str,
    /// The claim in one sentence.
    pub sentence: &'static str,
    /// Its derivation and its published sources.
    pub source: &'static str,
    /// The steps of the simulator that recompute it.
    pub method: &'static str,
    /// The tolerance of its rows beyond three standard errors, with the reason for each term.
    pub criterion: &'static str,
    /// Computes the rows.
    pub rows: fn(&Setting<'_>) -> Rows,
}
