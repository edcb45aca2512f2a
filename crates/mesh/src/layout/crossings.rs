//! Waveguide crossings between the columns of a mesh, as permutations of its modes.

use crate::layout::Layout;
use std::ops::Range;

/// Modes that change places before a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Crossing {
    column: usize,
    /// After the crossing, mode i carries the field that mode `order[i]` carried before.
    order: Vec<usize>,
    /// Number of waveguides that each mode crosses, in the order after the crossing.
    crossed: Vec<usize>,
}

impl Layout {
    /// Adds a permutation of the modes before a column, or after the last one: mode i is then the former mode
    /// `order[i]`.
    ///
    /// # Panics
    ///
    /// If the order is no permutation of the modes, if there is no such column, or if the column has an order already.
    #[must_use]
    pub fn with_crossing(mut self, column: usize, order: Vec<usize>) -> Self {
        let mut seen = vec![false; self.modes];
        order.iter().for_each(|&mode| seen[mode] = true);
        assert!(order.len() == self.modes && seen.into_iter().all(|s| s), "a permutation of {} modes", self.modes);
        assert!(column <= self.columns && self.permutation_before(column).is_none(), "column {column}");
        let crossed = crossed_waveguides(&order);
        self.crossings.push(Crossing { column, order, crossed });
        self.crossings.sort_by_key(|crossing| crossing.column);
        self.with_boundary_shifters()
    }

    /// Whether the layout has any permutation of its modes.
    pub(crate) fn has_crossings(&self) -> bool {
        !self.crossings.is_empty()
    }

    /// The order in which modes enter a column, if some of them cross before it.
    #[must_use]
    pub fn permutation_before(&self, column: usize) -> Option<&[usize]> {
        let k = self.crossings.binary_search_by_key(&column, |crossing| crossing.column).ok()?;
        Some(&self.crossings[k].order)
    }

    /// Permutes one value per mode by the crossings before a column.
    ///
    /// # Panics
    ///
    /// If there is not one value per mode.
    pub fn permute<T: Copy>(&self, column: usize, modes: &mut [T]) {
        assert_eq!(modes.len(), self.modes, "one value per mode");
        if let Some(order) = self.permutation_before(column) {
            let before = modes.to_vec();
            modes.iter_mut().zip(order).for_each(|(mode, &from)| *mode = before[from]);
        }
    }

    /// The slots of the two modes of each cell in some columns, and the slot of each mode after these columns. At the end
    /// of the mesh, the last crossings are included.
    ///
    /// Crossings do not move data: each cell addresses the slots where its two modes started, and one permutation at the
    /// end restores the order.
    pub(crate) fn slots(&self, columns: Range<usize>) -> (Vec<[usize; 2]>, Vec<usize>) {
        let mut slots: Vec<usize> = (0..self.modes).collect();
        let mut pairs = Vec::with_capacity(self.cells(&columns).len());
        for column in columns.clone() {
            self.permute(column, &mut slots);
            let cells = &self.positions[self.column(column)];
            pairs.extend(cells.iter().map(|cell| [slots[cell.mode], slots[cell.mode + 1]]));
        }
        if columns.end == self.columns {
            self.permute(self.columns, &mut slots);
        }
        (pairs, slots)
    }

    /// Number of waveguide crossings between columns: pairs of modes that change their order. O(modes log modes).
    #[must_use]
    pub fn crossing_count(&self) -> usize {
        self.crossings.iter().flat_map(|crossing| &crossing.crossed).sum::<usize>() / 2
    }

    /// Number of waveguides crossed on the way to each cell, as the mean of its two inputs.
    ///
    /// Crossings after the last cell of a mode count for that cell.
    #[must_use]
    pub fn crossings_per_cell(&self) -> Vec<f64> {
        let mut counts = vec![0.0; self.positions.len()];
        if self.crossings.is_empty() {
            return counts;
        }
        // Of each mode: the count since its last cell, and that cell.
        let mut modes: Vec<(f64, Option<usize>)> = vec![(0.0, None); self.modes];
        for column in 0..=self.columns {
            if let Some(crossing) = self.crossings.iter().find(|crossing| crossing.column == column) {
                self.permute(column, &mut modes);
                modes.iter_mut().zip(&crossing.crossed).for_each(|(mode, &count)| mode.0 += count as f64 / 2.0);
            }
            for k in if column < self.columns { self.column(column) } else { 0..0 } {
                let mode = self.positions[k].mode;
                counts[k] += modes[mode].0 + modes[mode + 1].0;
                modes[mode..mode + 2].fill((0.0, Some(k)));
            }
        }
        for (count, last) in modes {
            last.into_iter().for_each(|k| counts[k] += count);
        }
        counts
    }
}

/// Number of other modes that each mode crosses, in the order after the crossing: those that change sides.
///
/// A binary indexed tree (Fenwick tree) counts the pairs in O(N log N).
fn crossed_waveguides(order: &[usize]) -> Vec<usize> {
    let n = order.len();
    let mut tree = vec![0; n + 1];
    order
        .iter()
        .enumerate()
        .map(|(to, &from)| {
            let (mut smaller, mut i) = (0, from);
            while i > 0 {
                smaller += tree[i];
                i &= i - 1;
            }
            let mut i = from + 1;
            while i <= n {
                tree[i] += 1;
                i += i & i.wrapping_neg();
            }
            // Modes now above that were below, and modes now below that were above.
            (to - smaller) + (from - smaller)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::CellPosition;

    #[test]
    fn crossings_are_pairs_that_change_their_order() {
        for (order, count) in
            [(vec![], 0), (vec![0, 1, 2], 0), (vec![1, 0], 1), (vec![3, 2, 1, 0], 6), (vec![0, 2, 1, 3], 1)]
        {
            assert_eq!(crossed_waveguides(&order).into_iter().sum::<usize>(), 2 * count, "{order:?}");
        }
        // A perfect shuffle of 2s modes has s(s−1)/2 crossings.
        let shuffle: Vec<usize> = (0..16).map(|i| i / 2 + 8 * (i % 2)).collect();
        assert_eq!(crossed_waveguides(&shuffle).into_iter().sum::<usize>(), 56);
        assert_eq!(crossed_waveguides(&[3, 0, 1, 2]), [3, 1, 1, 1]);
    }

    #[test]
    fn modes_cross_before_their_column() {
        let layout = Layout::new(2, (0..5).map(|column| CellPosition { column, mode: 0 }).collect());
        let crossed = layout.with_crossing(3, vec![1, 0]).with_crossing(0, vec![1, 0]).with_crossing(5, vec![1, 0]);
        let mut modes = [7, 8];
        crossed.permute(1, &mut modes);
        assert_eq!(modes, [7, 8]);
        crossed.permute(3, &mut modes);
        assert_eq!(modes, [8, 7]);
    }
}
