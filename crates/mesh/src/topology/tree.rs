//! The binary tree: N−1 cells in log₂N columns that bring one normalised vector together at the first port.
//!
//! ```text
//!  ──╳──╳──   column s joins the lines i and i + 2^s, i a multiple of 2^{s+1};
//!  ──╳──│──   behind it the upper one check_supported the product of its subtree
//!  ──╳──╳──
//!  ──╳─────
//! ```
//!
//! A cell whose subtrees hold the norms a and b of the vector splits with `tan(θ/2) = a/b`; equal parts give a balanced
//! cell, whatever N is (physics notes §1.4). Other lines carry what is orthogonal to the vector and end in the dark.

use super::{Capability, Topology, stride};
use crate::cell::mzi::{CellErrors, wrap};
use crate::cell::solve::match_ratio;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use num_complex::Complex64;

/// N−1 cells for one row of a unitary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree;

impl Topology for Tree {
    fn key(&self) -> &'static str {
        "tree"
    }

    fn description(&self) -> &'static str {
        "binary tree of N−1 cells in log₂N columns, crossings between; N a power of two, else the next; for one row"
    }

    fn layout(&self, modes: usize) -> Layout {
        let lines = modes.next_power_of_two();
        let strides: Vec<usize> = (0..lines.trailing_zeros()).map(|s| 1 << s).collect();
        stride::layout(modes, &strides, |stride, line| line.is_multiple_of(2 * stride))
    }

    fn capability(&self) -> Capability {
        Capability::FirstRows(1)
    }

    /// Puts the first row of the target on the first port.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout of as many ports");
        let mut row = vec![Complex64::new(0.0, 0.0); layout.modes];
        row.iter_mut().zip(target.matrix().row(0).iter()).for_each(|(to, z)| *to = *z);
        let mut settings = Phases::zero(layout.positions.len(), n);
        for column in 0..layout.columns {
            layout.permute(column, &mut row);
            for k in layout.column(column) {
                let CellPosition { mode, .. } = layout.positions[k];
                let (a, b) = (row[mode], row[mode + 1]);
                let norm = a.norm().hypot(b.norm());
                let one = Complex64::new(1.0, 0.0);
                // What the cell's first row should be, and a second one orthogonal to it.
                let first = if norm > 0.0 { [a / norm, b / norm] } else { [one, one * 0.0] };
                let found = match_ratio(&[first, [first[1].conj(), -first[0].conj()]], CellErrors::NONE);
                settings.set_cell(k, found.theta, wrap(found.phi));
                let made = crate::cell::mzi::ideal(found.theta, found.phi)[0];
                // The row before the cell is this number times the cell's first row.
                let overlap = a * made[0].conj() + b * made[1].conj();
                (row[mode], row[mode + 1]) = (overlap, one * 0.0);
            }
        }
        layout.permute(layout.columns, &mut row);
        settings.set_output(0, wrap(row[0].arg()));
        Ok(settings)
    }
}
