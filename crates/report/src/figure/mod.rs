//! The figures: one file and one line in [`FIGURES`] each.

mod accuracy;
mod comparison;
mod forest;
mod matrix_error;
pub(crate) mod scaling;

pub(crate) use accuracy::Accuracy;

use crate::error::ReportError;
use crate::table::Table;
use comparison::Comparison;
use forest::Forest;
use matrix_error::MatrixError;

/// A figure drawn from one table.
pub trait Figure: Sync {
    /// The name of the figure, and the stem of its file.
    fn key(&self) -> &'static str;

    /// One line for a list of figures.
    fn description(&self) -> &'static str;

    /// Draws the figure as SVG.
    ///
    /// # Errors
    /// The table lacks a column that the figure needs, or a cell is not what its column holds.
    fn draw(&self, table: &Table) -> Result<String, ReportError>;
}

/// Every figure.
pub const FIGURES: &[&dyn Figure] = &[&Accuracy];

/// Every figure of a validation, drawn from its `claims.csv`. One whose claims are not in the table has
/// [`ReportError::NoRows`].
pub const VALIDATION_FIGURES: &[&dyn Figure] = &[&Forest, &MatrixError];

/// The figure of a comparison of meshes, drawn from its `table.csv`.
pub const COMPARISON_FIGURE: &dyn Figure = &Comparison;

/// The figure with this key.
///
/// ```
/// assert!(phaseloom_report::figure("accuracy").is_some());
/// ```
pub fn figure(key: &str) -> Option<&'static dyn Figure> {
    FIGURES.iter().copied().find(|figure| figure.key() == key)
}

/// Digits of the identity that a footer shows.
const IDENTITY_DIGITS: usize = 12;

/// The origin of a table for the footer: version, identity and seed, if the table names them.
fn provenance(table: &Table) -> Vec<String> {
    let version = table.metadata("phaseloom").map(|version| format!("phaseloom {version}"));
    let identity = table.metadata("identity").map(|identity| {
        let shown: String = identity.chars().take(IDENTITY_DIGITS).collect();
        format!("identity {shown}{}", if shown.len() < identity.len() { "…" } else { "" })
    });
    let seed = table.metadata("seed").map(|seed| format!("seed {seed}"));
    [version, identity, seed].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_and_every_figure_is_described() {
        for (index, figure) in FIGURES.iter().enumerate() {
            assert!(FIGURES[..index].iter().all(|other| other.key() != figure.key()));
            assert!(!figure.description().is_empty());
        }
        assert!(figure("no such figure").is_none());
    }

    #[test]
    fn the_footer_names_what_the_table_names() {
        let table = Table::parse("# seed: 1\n# phaseloom: 0.1.0\n# identity: 0123456789abcdef\nrow\nexact\n").unwrap();
        assert_eq!(provenance(&table), ["phaseloom 0.1.0", "identity 0123456789ab…", "seed 1"]);
        assert!(provenance(&Table::parse("row\nexact\n").unwrap()).is_empty());
    }
}
