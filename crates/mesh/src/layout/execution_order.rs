//! The order in which the cells of a mesh with waveguide crossings are executed.
//!
//! Crossings do not move data: each cell addresses the slots where its two modes started, and one permutation at the
//! end restores the order. Cells are visited depth-first from the outputs, so that recently written slots are read
//! next: in a fractal mesh half of the modes pass all of their columns before the other half begins.

use crate::layout::Layout;
use std::ops::Range;

/// The cells of some columns in the order of execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecutionOrder {
    /// Cells of the layout, each after the cells that feed it.
    pub cells: Vec<u32>,
    /// The slots of the upper and of the lower mode of each cell.
    pub slots: Vec<[u32; 2]>,
    /// The slot of each mode after the last column.
    pub permutation: Vec<usize>,
}

impl ExecutionOrder {
    /// The order for some columns with the crossings before each of them, and the crossings after the last column of
    /// the mesh if the range ends there. O(cells).
    pub(crate) fn new(layout: &Layout, columns: Range<usize>) -> Self {
        /// Marks a dependency that is already scheduled, or absent.
        const NONE: u32 = u32::MAX;
        let range = if columns.is_empty() {
            0..0
        } else {
            layout.column(columns.start).start..layout.column(columns.end - 1).end
        };
        let mut permutation: Vec<u32> = (0..to_u32(layout.modes)).collect();
        // The slots of each cell, and the cells before it on both of them.
        let (mut pairs, mut feeding) = (Vec::with_capacity(range.len()), Vec::with_capacity(range.len()));
        let mut latest = vec![NONE; layout.modes];
        for column in columns.clone() {
            layout.permute(column, &mut permutation);
            for position in &layout.positions[layout.column(column)] {
                let pair = [permutation[position.mode], permutation[position.mode + 1]];
                feeding.push(pair.map(|slot| std::mem::replace(&mut latest[slot as usize], to_u32(pairs.len()))));
                pairs.push(pair);
            }
        }
        if columns.end == layout.columns {
            layout.permute(layout.columns, &mut permutation);
        }
        let (mut cells, mut slots) = (Vec::with_capacity(range.len()), Vec::with_capacity(range.len()));
        let mut waiting = Vec::new();
        for last in latest.into_iter().filter(|&last| last != NONE) {
            waiting.push(last);
            while let Some(&cell) = waiting.last() {
                match feeding[cell as usize].iter_mut().find(|earlier| **earlier != NONE) {
                    Some(earlier) => waiting.push(std::mem::replace(earlier, NONE)),
                    None => {
                        waiting.pop();
                        let pair = std::mem::replace(&mut pairs[cell as usize], [NONE; 2]);
                        if pair[0] != NONE {
                            cells.push(to_u32(range.start) + cell);
                            slots.push(pair);
                        }
                    }
                }
            }
        }
        let permutation = permutation.into_iter().map(|slot| slot as usize).collect();
        Self { cells, slots, permutation }
    }
}

/// A number of cells or modes in 32 bits: 2³² cells exceed any memory.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2³² cells")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Fractal, Topology};

    #[test]
    fn each_cell_follows_the_cells_that_feed_it() {
        let layout = Fractal.layout(32);
        for columns in [0..layout.columns, 5..9, 30..layout.columns, 3..3] {
            let ExecutionOrder { cells, slots, permutation } = ExecutionOrder::new(&layout, columns.clone());
            let mut sorted = cells.clone();
            sorted.sort_unstable();
            let expected: Vec<usize> = columns.clone().flat_map(|column| layout.column(column)).collect();
            assert!(sorted.into_iter().map(|cell| cell as usize).eq(expected));
            // On each slot the columns rise.
            let mut next_column = vec![0; layout.modes];
            for (&cell, pair) in cells.iter().zip(&slots) {
                for slot in pair.map(|slot| slot as usize) {
                    let column = layout.positions[cell as usize].column;
                    assert!(next_column[slot] <= column);
                    next_column[slot] = column + 1;
                }
            }
            let mut modes: Vec<usize> = (0..layout.modes).collect();
            columns.clone().for_each(|column| layout.permute(column, &mut modes));
            if columns.end == layout.columns {
                layout.permute(layout.columns, &mut modes);
            }
            assert_eq!(permutation, modes);
        }
    }
}
