//! The chains of a decomposition, fused to one pass over the remaining matrix.

use crate::propagate::chains::{ChainBuilder, ChainElement, Chains};
use crate::propagate::circuit::COLUMNS;

/// The cells of one chain.
pub(crate) struct ChainSpec {
    /// The mode that the chain carries into its first cell.
    pub mode: usize,
    /// Column of the first cell; each following cell is one column further. Cells with a common mode follow each other in
    /// the order of their columns, or of their chains.
    pub column: usize,
    pub elements: Vec<ChainElement>,
}

/// Fuses chains, the earlier ones first. The cells are ordered by blocks of columns, so that a block touches few modes.
pub(crate) fn fuse_chains(modes: usize, rising: bool, chains: &[ChainSpec]) -> Chains {
    let mut builder = ChainBuilder::new(modes, chains.iter().map(|chain| chain.elements.len()).sum());
    let end = chains.iter().map(|chain| chain.column + chain.elements.len()).max().unwrap_or(0);
    for start in (0..end).step_by(COLUMNS) {
        for chain in chains {
            let from = start.saturating_sub(chain.column).min(chain.elements.len());
            let to = (start + COLUMNS).saturating_sub(chain.column).min(chain.elements.len());
            if from < to {
                builder.begin(if rising { chain.mode + from } else { chain.mode - from }, rising, 0);
                for &element in &chain.elements[from..to] {
                    builder.element(element);
                }
                builder.end();
            }
        }
    }
    builder.finish()
}
