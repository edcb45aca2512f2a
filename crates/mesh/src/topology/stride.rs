//! Columns of cells that join lines 2^s apart: neighbours, once lines have crossed.
//!
//! Before such a column the lines are shuffled so that the partners i and i + 2^s stand beside each other; behind it they
//! go back. A shuffle in groups of 2·2^s lines has 2^s(2^s−1)/2 crossings a group.

use crate::layout::{CellPosition, Layout};

/// A layout on 2^k lines, of columns with these strides (powers of two), with a cell wherever `stands(stride, i)`, i the
/// first of its lines.
pub(super) fn layout(ports: usize, strides: &[usize], stands: impl Fn(usize, usize) -> bool) -> Layout {
    let lines = ports.next_power_of_two();
    let mut positions = Vec::new();
    for (column, &stride) in strides.iter().enumerate() {
        let pairs = pairs(lines, stride).into_iter().step_by(2).enumerate();
        positions
            .extend(pairs.filter(|(_, line)| stands(stride, *line)).map(|(k, _)| CellPosition { column, mode: 2 * k }));
    }
    let mut layout = Layout::new(lines, positions).with_ports(ports);
    // Where each line of the mesh stands: position p holds line at[p].
    let mut at: Vec<usize> = (0..lines).collect();
    for (column, &stride) in strides.iter().enumerate() {
        layout = turn(layout, column, &mut at, pairs(lines, stride));
    }
    turn(layout, strides.len(), &mut at, (0..lines).collect())
}

/// The line at each position of a column, partners beside each other: i = j + 2^s·(2g) and i + 2^s, group by group.
fn pairs(lines: usize, stride: usize) -> Vec<usize> {
    let groups = (0..lines).step_by(2 * stride);
    groups.flat_map(|g| (0..stride).flat_map(move |j| [g + j, g + j + stride])).collect()
}

/// Lets the lines cross from `at` to `wanted`.
fn turn(layout: Layout, column: usize, at: &mut Vec<usize>, wanted: Vec<usize>) -> Layout {
    if *at == wanted {
        return layout;
    }
    let mut position = vec![0; at.len()];
    at.iter().enumerate().for_each(|(p, &line)| position[line] = p);
    let order = wanted.iter().map(|&line| position[line]).collect();
    *at = wanted;
    layout.with_crossing(column, order)
}
