//! The sine–cosine fractal: N/2 cells in each of N−1 columns, with the strides of a ruler, 1 2 1 4 1 2 1 … (Basani,
//! Vadlamani, Bandyopadhyay, Englund, Hamerly, Nanophotonics 12, 975, 2023; the strides are those of the public code
//! `meshes`).
//!
//! A unitary of N = 2n modes has the cosine–sine decomposition
//!
//! ```text
//!  U = [L₁  0 ]·[C −S]·[R₁  0 ]
//!      [0   L₂] [S  C] [0   R₂]
//! ```
//!
//! with n×n unitaries L, R and diagonal C² + S² = 1. The middle factor is one column of cells that join i and i+n. Each of
//! the other factors is two meshes of half the size, and so on. The splitting ratios are then spread evenly, while those of
//! a rectangular mesh accumulate near the cross state. Other N use the next power of two.

use super::{Topology, stride};
use crate::cell::mzi::{Transfer, wrap};
use crate::decompose::match_cells::match_transfers;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::linalg::{cosine_sine, multiply};

/// N(N−1)/2 cells in N−1 columns; any two modes are joined directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fractal;

impl Topology for Fractal {
    fn key(&self) -> &'static str {
        "fractal"
    }

    fn description(&self) -> &'static str {
        "sine–cosine fractal, N(N−1)/2 cells in N−1 columns, crossings between; N a power of two, else the next (Basani 2023)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let columns = modes.next_power_of_two() - 1;
        let strides: Vec<usize> = (1..=columns).map(|i| 1 << i.trailing_zeros()).collect();
        stride::layout(modes, &strides, |_, _| true)
    }

    /// Cosine–sine decompositions, from the whole unitary down to pairs of modes. O(N³).
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let ports = target.modes();
        assert_eq!(layout.ports, ports, "a layout for the ports of the target");
        if ports == 1 {
            let mut phases = Phases::zero(0, 1);
            phases.set_output(0, wrap(target.matrix()[(0, 0)].arg()));
            return Ok(phases);
        }
        let n = layout.modes;
        let mut u = DMatrix::identity(n, n);
        u.view_mut((0, 0), (ports, ports)).copy_from(target.matrix());
        // One Newton–Schulz step makes U unitary to rounding, rather than to the tolerance of its check. The decomposition
        // needs orthogonal columns.
        let u = &u * Complex64::from(1.5) - multiply(&u, &multiply(&u.adjoint(), &u)) * Complex64::from(0.5);
        let mut cells = vec![[[Complex64::ZERO; 2]; 2]; layout.positions.len()];
        halve(&u, 0, 0, n / 2, &mut cells);
        Ok(match_transfers(layout, &cells, &vec![0.0; ports]))
    }
}

/// Sets the transfer matrices of the cells that realise `u` on the modes from `mode` on, in the columns from `column` on,
/// which have `in_column` cells each. Partners are neighbours, and this is the only group on its modes.
fn halve(u: &DMatrix<Complex64>, mode: usize, column: usize, in_column: usize, cells: &mut [Transfer]) {
    let half = u.nrows() / 2;
    let middle = column + half - 1;
    let middle_cells = &mut cells[middle * in_column + mode / 2..][..half];
    if half == 1 {
        middle_cells[0] = [[u[(0, 0)], u[(0, 1)]], [u[(1, 0)], u[(1, 1)]]];
        return;
    }
    let factors = cosine_sine(u);
    for (cell, (c, s)) in middle_cells.iter_mut().zip(factors.cosine_sine) {
        *cell = [[c, -s], [s, c]].map(|row| row.map(Complex64::from));
    }
    for (first, parts) in [(column, factors.right), (middle + 1, factors.left)] {
        for (part, mode) in parts.into_iter().zip([mode, mode + half]) {
            halve(&part, mode, first, in_column, cells);
        }
    }
}
