//! The figures: one file and one line in [`FIGURES`] each.

mod accuracy;
mod break_even;
mod comparison;
mod critical_levels;
mod energy_split;
mod error_budget;
mod forest;
mod heat_map;
mod infidelity;
mod intervals;
mod matrix_error;
mod pareto;
pub(crate) mod scaling;
mod sensitivity_map;
mod spread;
mod study_scores;
mod training_curves;
mod yield_share;

use crate::error::ReportError;
use crate::style::FigureStyle;
use crate::table::Table;

/// A figure drawn from one table.
pub struct Figure {
    /// The name of the figure, and the stem of its file.
    pub key: &'static str,
    /// One line for a list of figures.
    pub description: &'static str,
    /// Draws the figure as SVG in a style. An error means that the table lacks a column that the figure needs, or that a cell is not
    /// what its column holds.
    pub draw: fn(&Table, &FigureStyle) -> Result<String, ReportError>,
}

/// Every figure of a run with a network, drawn from its `summary.csv`. One that does not suit the sweep has
/// [`ReportError::NoRows`]; the first one suits all.
pub const FIGURES: &[Figure] = &[accuracy::ACCURACY, heat_map::SCORE_MAP];

/// Every figure of a run without a network, drawn from its `summary.csv`, with the same convention.
pub const MATRIX_FIGURES: &[Figure] = &[infidelity::INFIDELITY, heat_map::INFIDELITY_MAP];

/// Every figure of a validation, drawn from its `claims.csv`. One whose claims are not in the table has
/// [`ReportError::NoRows`].
pub const VALIDATION_FIGURES: &[Figure] = &[forest::FOREST, matrix_error::MATRIX_ERROR];

/// The figure of a comparison of meshes, drawn from its `table.csv`.
pub const COMPARISON_FIGURE: Figure = comparison::COMPARISON;

/// The figures of a cost: the energy by part, drawn from its `energy.csv`; the break-even curves, from `break-even.csv`; and
/// score against energy, from `cost.csv`.
pub const COST_FIGURES: [Figure; 3] = [energy_split::ENERGY_SPLIT, break_even::BREAK_EVEN, pareto::PARETO];

/// The figure of yields, drawn from `yield.csv`, with the convention of [`FIGURES`].
pub const YIELD_FIGURE: Figure = yield_share::YIELD;

/// The figure of critical levels, drawn from `critical.csv`, with the same convention.
pub const TOLERANCE_FIGURE: Figure = critical_levels::CRITICAL_LEVELS;

/// The figure of a budget, drawn from `budget.csv`.
pub const BUDGET_FIGURE: Figure = error_budget::ERROR_BUDGET;

/// The figure of sensitivities, drawn from `sensitivity.csv`.
pub const SENSITIVITY_FIGURE: Figure = sensitivity_map::SENSITIVITY_MAP;

/// The figure of a training, drawn from its history, with the convention of [`FIGURES`].
pub const TRAINING_FIGURE: Figure = training_curves::TRAINING;

/// The figure of a study, drawn from its `summary.csv`, with the convention of [`FIGURES`].
pub const STUDY_FIGURE: Figure = study_scores::STUDY;

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
    fn keys_are_unique() {
        let figures = FIGURES
            .iter()
            .chain(MATRIX_FIGURES)
            .chain(VALIDATION_FIGURES)
            .chain([
                &COMPARISON_FIGURE,
                &YIELD_FIGURE,
                &TOLERANCE_FIGURE,
                &BUDGET_FIGURE,
                &SENSITIVITY_FIGURE,
                &TRAINING_FIGURE,
            ])
            .chain(&COST_FIGURES);
        let keys: Vec<&str> = figures.map(|figure| figure.key).collect();
        assert!((1..keys.len()).all(|index| !keys[..index].contains(&keys[index])));
    }

    #[test]
    fn the_footer_names_what_the_table_names() {
        let table = Table::parse("# seed: 1\n# phaseloom: 0.1.0\n# identity: 0123456789abcdef\nrow\nexact\n").unwrap();
        assert_eq!(provenance(&table), ["phaseloom 0.1.0", "identity 0123456789ab…", "seed 1"]);
        assert!(provenance(&Table::parse("row\nexact\n").unwrap()).is_empty());
    }
}
