//! The order in which light passes the cells of a mesh whose lines cross between columns.
//!
//! Light is not moved where lines cross: a cell joins the places where its two lines began, and all lines cross once, at
//! the end. Cells are taken as late as those behind them need them, so that what was written last is read next: half of the
//! lines of a fractal pass all of its halves before the other half begins.

use crate::layout::Layout;
use std::ops::Range;

/// The cells of some columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecutionOrder {
    /// Cells of the layout, each behind those that its light comes from.
    pub cells: Vec<u32>,
    /// The places that each of them joins, upper and lower line.
    pub places: Vec<[u32; 2]>,
    /// The place of each line behind the last column.
    pub order: Vec<usize>,
}

impl ExecutionOrder {
    /// The crossings before the columns are among them, and behind them those at the end of the mesh. O(cells).
    pub(crate) fn new(layout: &Layout, columns: Range<usize>) -> Self {
        const NONE: u32 = u32::MAX;
        let all = if columns.is_empty() {
            0..0
        } else {
            layout.column(columns.start).start..layout.column(columns.end - 1).end
        };
        let mut order: Vec<u32> = (0..number(layout.modes)).collect();
        // Of each cell the places, and the cells before it on both.
        let (mut joined, mut before) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        let mut latest = vec![NONE; layout.modes];
        for column in columns.clone() {
            layout.permute(column, &mut order);
            for position in &layout.positions[layout.column(column)] {
                let pair = [order[position.mode], order[position.mode + 1]];
                before.push(pair.map(|place| std::mem::replace(&mut latest[place as usize], number(joined.len()))));
                joined.push(pair);
            }
        }
        if columns.end == layout.columns {
            layout.permute(layout.columns, &mut order);
        }
        let (mut cells, mut places) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        let mut waiting = Vec::new();
        for last in latest.into_iter().filter(|&last| last != NONE) {
            waiting.push(last);
            while let Some(&cell) = waiting.last() {
                // What has been taken is marked by what it no longer waits for.
                match before[cell as usize].iter_mut().find(|earlier| **earlier != NONE) {
                    Some(earlier) => waiting.push(std::mem::replace(earlier, NONE)),
                    None => {
                        waiting.pop();
                        let pair = std::mem::replace(&mut joined[cell as usize], [NONE; 2]);
                        if pair[0] != NONE {
                            cells.push(number(all.start) + cell);
                            places.push(pair);
                        }
                    }
                }
            }
        }
        let order = order.into_iter().map(|place| place as usize).collect();
        Self { cells, places, order }
    }
}

/// A number of cells or lines, of which there is not place for so many in any memory.
fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2³² cells")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Fractal, Topology};

    #[test]
    fn each_cell_comes_behind_those_that_its_light_comes_from() {
        let layout = Fractal.layout(32);
        for columns in [0..layout.columns, 5..9, 30..layout.columns, 3..3] {
            let ExecutionOrder { cells, places, order } = ExecutionOrder::new(&layout, columns.clone());
            let mut sorted = cells.clone();
            sorted.sort_unstable();
            let expected: Vec<usize> = columns.clone().flat_map(|column| layout.column(column)).collect();
            assert!(sorted.into_iter().map(|cell| cell as usize).eq(expected));
            // On each place the columns rise.
            let mut reached = vec![0; layout.modes];
            for (&cell, pair) in cells.iter().zip(&places) {
                for place in pair.map(|place| place as usize) {
                    let column = layout.positions[cell as usize].column;
                    assert!(reached[place] <= column);
                    reached[place] = column + 1;
                }
            }
            let mut lines: Vec<usize> = (0..layout.modes).collect();
            columns.clone().for_each(|column| layout.permute(column, &mut lines));
            if columns.end == layout.columns {
                layout.permute(layout.columns, &mut lines);
            }
            assert_eq!(order, lines);
        }
    }
}
