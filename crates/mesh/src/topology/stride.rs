//! Columns of cells that join neighbouring modes, or modes 2^s apart, which crossings bring next to each other.
//!
//! Before such a column the modes are shuffled so that the partners i and i + 2^s are neighbours. The next column starts
//! from that order. A shuffle of 2·2^s modes has 2^s(2^s−1)/2 crossings.

use crate::layout::{CellPosition, Layout};

/// A layout on 2^k ≥ `ports` modes, one column per stride (powers of two). The cell whose first mode is i exists if
/// `has_cell(stride, i)`.
pub(super) fn layout(ports: usize, strides: &[usize], has_cell: impl Fn(usize, usize) -> bool) -> Layout {
    let modes = ports.next_power_of_two();
    let mut positions = Vec::new();
    for (column, &stride) in strides.iter().enumerate() {
        let firsts = partners(modes, stride).into_iter().step_by(2).enumerate();
        let cells = firsts.filter(|(_, first)| has_cell(stride, *first));
        positions.extend(cells.map(|(k, _)| CellPosition { column, mode: 2 * k }));
    }
    let mut layout = Layout::new(modes, positions).with_ports(ports);
    // order[p] is the original mode at position p.
    let mut order: Vec<usize> = (0..modes).collect();
    for (column, &stride) in strides.iter().enumerate() {
        layout = cross(layout, column, &mut order, partners(modes, stride));
    }
    cross(layout, strides.len(), &mut order, (0..modes).collect())
}

/// The cells of a column that joins every pair of neighbouring modes from the mode `first` on.
pub(super) fn neighbours(modes: usize, column: usize, first: usize) -> impl Iterator<Item = CellPosition> {
    (first..modes.saturating_sub(1)).step_by(2).map(move |mode| CellPosition { column, mode })
}

/// The modes with partners next to each other: j + 2^s·(2g) and j + 2^s·(2g+1), group by group.
fn partners(modes: usize, stride: usize) -> Vec<usize> {
    let groups = (0..modes).step_by(2 * stride);
    groups.flat_map(|g| (0..stride).flat_map(move |j| [g + j, g + j + stride])).collect()
}

/// Adds the crossing from `order` to `target` before a column.
fn cross(layout: Layout, column: usize, order: &mut Vec<usize>, target: Vec<usize>) -> Layout {
    if *order == target {
        return layout;
    }
    let mut position = vec![0; order.len()];
    order.iter().enumerate().for_each(|(p, &mode)| position[mode] = p);
    let permutation = target.iter().map(|&mode| position[mode]).collect();
    *order = target;
    layout.with_crossing(column, permutation)
}
