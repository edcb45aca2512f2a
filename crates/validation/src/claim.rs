use crate::check::Row;
use crate::error::ValidationError;
use crate::setting::Setting;

/// One claim of a paper or of a derivation, and how it is recomputed.
#[derive(Debug)]
pub struct Claim {
    /// Short name, in lower case with `_`, for `--only` and for tables.
    pub key: &'static str,
    /// The claim in one sentence.
    pub sentence: &'static str,
    /// Where it comes from, and how sure that is: found, derived, checked or recalled.
    pub source: &'static str,
    /// How it is recomputed: which way through the machine.
    pub method: &'static str,
    /// When a row passes, beyond three standard errors; with the reason for each further term.
    pub criterion: &'static str,
    /// Computes the rows.
    pub rows: fn(&Setting<'_>) -> Result<Vec<Row>, ValidationError>,
}
