//! Cells of several sweeps of a decomposition, joined to one sweep that the rest of the matrix passes at once.

use crate::propagate::chains::{ChainBuilder, ChainElement, Chains};
use crate::propagate::circuit::COLUMNS;
use num_complex::Complex64;

/// The cells of one sweep of a decomposition, as elements or as their coefficients (α, β).
pub(crate) struct Chain<E = ChainElement> {
    /// The line that is carried into the first cell.
    pub line: usize,
    /// Where the first cell stands in the order of all chains; the next ones stand one further each. Cells that share a
    /// line follow each other in this order, or as their chains do.
    pub column: usize,
    /// The cells.
    pub elements: Vec<E>,
}

/// Joins sweeps, the earlier ones first, to one that keeps to few lines at a time: block by block of columns.
pub(crate) fn join(lines: usize, rising: bool, chains: &[Chain]) -> Chains {
    let mut builder = ChainBuilder::new(lines, chains.iter().map(|chain| chain.elements.len()).sum());
    by_blocks(chains, rising, |line, elements| {
        builder.begin(line, rising, 0);
        for &element in elements {
            builder.element(element);
        }
        builder.end();
    });
    builder.finish()
}

/// Joins sweeps of which the coefficients are known, and what each line is to be multiplied by behind them.
pub(crate) fn join_known(rising: bool, chains: &[Chain<[f64; 4]>], factors: &[Complex64]) -> Chains {
    let mut builder = ChainBuilder::new(factors.len(), chains.iter().map(|chain| chain.elements.len()).sum());
    by_blocks(chains, rising, |line, elements| builder.chain(line, rising, elements));
    for (line, &factor) in factors.iter().enumerate() {
        builder.scale(line, factor);
    }
    builder.finish()
}

/// The parts of chains in each block of columns, and the lines that they carry.
fn by_blocks<E>(chains: &[Chain<E>], rising: bool, mut part: impl FnMut(usize, &[E])) {
    let end = chains.iter().map(|chain| chain.column + chain.elements.len()).max().unwrap_or(0);
    for start in (0..end).step_by(COLUMNS) {
        for chain in chains {
            let from = start.saturating_sub(chain.column).min(chain.elements.len());
            let to = (start + COLUMNS).saturating_sub(chain.column).min(chain.elements.len());
            if from < to {
                part(if rising { chain.line + from } else { chain.line - from }, &chain.elements[from..to]);
            }
        }
    }
}
