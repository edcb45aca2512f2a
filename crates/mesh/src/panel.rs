//! Cells of several sweeps of a decomposition, joined to one sweep that the rest of the matrix passes at once.

use crate::circuit::COLUMNS;
use crate::sweep::{Builder, Element, Sweep};

/// The cells of one sweep of a decomposition.
pub(crate) struct Chain {
    /// The line that is carried into the first cell.
    pub line: usize,
    /// Where the first cell stands in the order of all chains; the next ones stand one further each. Cells that share a
    /// line follow each other in this order, or as their chains do.
    pub column: usize,
    /// The cells.
    pub elements: Vec<Element>,
}

/// Joins sweeps, the earlier ones first, to one that keeps to few lines at a time: block by block of columns.
pub(crate) fn join(lines: usize, rising: bool, chains: &[Chain]) -> Sweep {
    let cells = chains.iter().map(|chain| chain.elements.len()).sum();
    let end = chains.iter().map(|chain| chain.column + chain.elements.len()).max().unwrap_or(0);
    let mut builder = Builder::new(lines, cells);
    for start in (0..end).step_by(COLUMNS) {
        for chain in chains {
            let from = start.saturating_sub(chain.column).min(chain.elements.len());
            let to = (start + COLUMNS).saturating_sub(chain.column).min(chain.elements.len());
            if from < to {
                let line = if rising { chain.line + from } else { chain.line - from };
                builder.begin(line, rising, 0);
                for &element in &chain.elements[from..to] {
                    builder.element(element);
                }
                builder.end();
            }
        }
    }
    builder.finish()
}
