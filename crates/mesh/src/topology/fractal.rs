//! The sine–cosine fractal: N/2 cells in each of N−1 columns, whose strides are those of a ruler, 1 2 1 4 1 2 1 …
//! (Basani, Vadlamani, Bandyopadhyay, Englund, Hamerly, Nanophotonics 12, 975, 2023, recalled; the strides as in the
//! public code `meshes`).
//!
//! A unitary of N = 2n lines has the cosine–sine decomposition
//!
//! ```text
//!  U = [L₁  0 ]·[C −S]·[R₁  0 ]
//!      [0   L₂] [S  C] [0   R₂]
//! ```
//!
//! with unitaries L, R of n lines and diagonal C² + S² = 1: one column of cells that join i and i+n, between two meshes
//! that are two of half the size each, and so on. Splittings are then spread evenly, not crowded near cross as in a
//! rectangular mesh. Other N take the lines of the next power of two.

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

/// N(N−1)/2 cells in N−1 columns, any two lines joined directly.
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

    /// By cosine–sine decompositions, from the whole to pairs. O(N³).
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        let ports = target.modes();
        assert_eq!(layout.ports, ports, "a layout of as many ports");
        if ports == 1 {
            let mut settings = Phases::zero(0, 1);
            settings.set_output(0, wrap(target.matrix()[(0, 0)].arg()));
            return Ok(settings);
        }
        let n = layout.modes;
        let mut u = DMatrix::identity(n, n);
        u.view_mut((0, 0), (ports, ports)).copy_from(target.matrix());
        // One step of Newton and Schulz makes a unitary to rounding of one that is none to the tolerance of its check: the
        // columns that a decomposition turns are orthogonal as nearly as those of U.
        let u = &u * Complex64::from(1.5) - multiply(&u, &multiply(&u.adjoint(), &u)) * Complex64::from(0.5);
        let mut wanted = vec![[[Complex64::ZERO; 2]; 2]; layout.positions.len()];
        halve(&u, 0, 0, n / 2, &mut wanted);
        Ok(match_transfers(layout, &wanted, &vec![0.0; ports]))
    }
}

/// What the cells do that make `u` on the lines from `line` on, in the columns from `column` on, `in_column` cells each.
/// Partners stand beside each other, group by group; this is the only group on its lines.
fn halve(u: &DMatrix<Complex64>, line: usize, column: usize, in_column: usize, cells: &mut [Transfer]) {
    let half = u.nrows() / 2;
    let middle = column + half - 1;
    let made = &mut cells[middle * in_column + line / 2..][..half];
    if half == 1 {
        made[0] = [[u[(0, 0)], u[(0, 1)]], [u[(1, 0)], u[(1, 1)]]];
        return;
    }
    let found = cosine_sine(u);
    for (cell, (c, s)) in made.iter_mut().zip(found.parts) {
        *cell = [[c, -s], [s, c]].map(|row| row.map(Complex64::from));
    }
    for (first, parts) in [(column, found.right), (middle + 1, found.left)] {
        for (part, line) in parts.into_iter().zip([line, line + half]) {
            halve(&part, line, first, in_column, cells);
        }
    }
}
