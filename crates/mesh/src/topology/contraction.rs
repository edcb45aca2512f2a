//! A mesh for any matrix of norm at most one, without a singular value decomposition: N² cells on 2N modes.
//!
//! ```text
//!  ──────────╳────  modes 0 … N−1: ports           columns 0 … 2N−2; the cell of diagonal j on the modes m, m+1
//!  ───────╳──╳──    modes N … 2N−1: no input,      is in column (m−j) + (N−1−j)
//!  ────╳──╳───────  dumped at the output
//!  ────╳──────────
//! ```
//!
//! Diagonal j nulls column j of the matrix: see [`crate::decompose::contraction`].

use super::{Capability, Topology};
use crate::decompose::contraction;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// N² cells in 2N−1 columns for any contraction; not unitary between its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contraction;

impl Topology for Contraction {
    fn key(&self) -> &'static str {
        "contraction"
    }

    fn description(&self) -> &'static str {
        "any matrix on one mesh of N² cells in 2N−1 columns, excess power is dumped (QR form)"
    }

    fn layout(&self, modes: usize) -> Layout {
        // Diagonal j has cells on the modes m, m+1 for m = j … N+j−1. So a column has cells of these diagonals.
        let positions = (0..(2 * modes).saturating_sub(1)).flat_map(|column| {
            let diagonals = (modes - 1).saturating_sub(column)..modes.min(2 * modes - 1 - column);
            diagonals.map(move |j| CellPosition { column, mode: column + 2 * j + 1 - modes })
        });
        Layout::new(2 * modes, positions.collect()).with_ports(modes)
    }

    fn capability(&self) -> Capability {
        Capability::AnyContraction
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let n = target.modes();
        Ok(contraction::decompose_columns(layout, target.matrix(), &DMatrix::zeros(n, n)))
    }

    fn program_contraction(&self, layout: &Layout, w: &DMatrix<Complex64>) -> Result<Phases, MeshError> {
        contraction::decompose(layout, w)
    }
}
