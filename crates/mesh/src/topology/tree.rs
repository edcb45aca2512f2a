//! The binary tree: N−1 cells in log₂N columns that combine one normalised vector at the first port.
//!
//! ```text
//!  ──╳──╳──   column s joins the modes i and i + 2^s, i a multiple of 2^{s+1};
//!  ──╳──│──   after it, the upper mode carries the inner product of its subtree
//!  ──╳──╳──
//!  ──╳─────
//! ```
//!
//! A cell whose subtrees hold parts of the vector with the norms a and b splits with `tan(θ/2) = a/b`. So equal parts give a
//! 50:50 cell for any N. The other modes carry the components orthogonal to the vector, which are dumped.

use super::{Capability, Topology, stride};
use crate::cell::mzi::{CellErrors, ideal, wrap};
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
        let columns = modes.next_power_of_two().trailing_zeros();
        let strides: Vec<usize> = (0..columns).map(|s| 1 << s).collect();
        stride::layout(modes, &strides, |stride, mode| mode.is_multiple_of(2 * stride))
    }

    fn capability(&self) -> Capability {
        Capability::FirstRows(1)
    }

    /// Realises the first row of the target at the first port.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        assert_eq!(layout.ports, n, "a layout for the ports of the target");
        let mut row = vec![Complex64::ZERO; layout.modes];
        row.iter_mut().zip(target.matrix().row(0).iter()).for_each(|(entry, z)| *entry = *z);
        let mut phases = Phases::zero(layout.positions.len(), n);
        for column in 0..layout.columns {
            layout.permute(column, &mut row);
            for k in layout.column(column) {
                let CellPosition { mode, .. } = layout.positions[k];
                let (a, b) = (row[mode], row[mode + 1]);
                let norm = a.norm().hypot(b.norm());
                // The target of the first row of the cell; the second row is orthogonal to it.
                let first = if norm > 0.0 { [a / norm, b / norm] } else { [Complex64::ONE, Complex64::ZERO] };
                let cell = match_ratio(&[first, [first[1].conj(), -first[0].conj()]], CellErrors::NONE);
                phases.set_cell(k, cell.theta, wrap(cell.phi));
                let realised = ideal(cell.theta, cell.phi)[0];
                // The row before the cell is this number times the first row of the cell.
                row[mode] = a * realised[0].conj() + b * realised[1].conj();
                row[mode + 1] = Complex64::ZERO;
            }
        }
        layout.permute(layout.columns, &mut row);
        phases.set_output(0, wrap(row[0].arg()));
        Ok(phases)
    }
}
