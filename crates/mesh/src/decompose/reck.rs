//! The decomposition of a unitary on the triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58, 1994).
//!
//! ```text
//!  U = ⎡× × × ×⎤   1. Null the rows from the last to the second, each from the left to the diagonal, by U ← U·T† on
//!      ⎢6 × × ×⎥      neighbouring columns.
//!      ⎢4 5 × ×⎥   2. The remainder D is diagonal: U = D·…·T₂·T₁. D is the output phase screen.
//!      ⎣1 2 3 ×⎦
//! ```
//!
//! The cells of 16 rows are computed on those rows alone. Then all of them are applied to the rows above. O(N³).

use crate::cell::mzi::wrap;
use crate::decompose::fuse::{ChainSpec, fuse_chains};
use crate::decompose::nulling::{NullingCell, angles, on_rows};
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::propagate::chains::{ChainBuilder, Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::iter::repeat_n;

/// The phases of a triangular mesh for a unitary.
pub(crate) fn decompose(layout: &Layout, u: &DMatrix<Complex64>) -> Phases {
    let n = u.nrows();
    assert_eq!(layout.ports, n, "a layout for the ports of the target");
    let mut phases = Phases::zero(layout.positions.len(), n);
    // Cells of a column are two modes apart.
    let index = |row: usize, mode: usize| layout.column(mode + 2 * (n - 1 - row)).start + mode / 2;
    let mut panels = panels(u);
    while let Some(mut panel) = panels.pop() {
        let first = panels.len() * TILE_WIDTH;
        let modes = n.min(first + TILE_WIDTH);
        panel.truncate(modes);
        let mut builder = ChainBuilder::new(modes, modes);
        let mut chains = Vec::with_capacity(TILE_WIDTH);
        for row in (first..modes).rev() {
            let (mut cells, mut elements) = (Vec::with_capacity(row), Vec::with_capacity(row));
            builder.clear();
            builder.begin(0, true, 0);
            builder.null(&mut panel, repeat_n(row - first, row), |_, [carried, met]| {
                let cell = NullingCell::from_right(carried.conj(), met.conj());
                let element = on_rows(&cell.transfer());
                cells.push(cell);
                elements.push(element);
                (element, false)
            });
            for (mode, (theta, phi)) in angles(&cells).into_iter().enumerate() {
                phases.set_cell(index(row, mode), theta, phi);
            }
            let diagonal = Complex64::new(panel[row][row - first], panel[row][TILE_WIDTH + row - first]);
            phases.set_output(row, wrap(-(diagonal * builder.scale_factor(row)).arg()));
            // The cells of a row are two columns after those of the row below it.
            chains.push(ChainSpec { mode: 0, column: 2 * chains.len(), elements });
        }
        let chains = fuse_chains(modes, true, &chains);
        for above in &mut panels {
            chains.apply(above[..modes].as_flattened_mut(), |_| Support::Full);
        }
    }
    phases
}

/// The conjugate of the matrix in panels of 16 rows, per column the real parts, then the imaginary parts. On it T acts
/// where T† acts on the matrix from the right.
fn panels(u: &DMatrix<Complex64>) -> Vec<Vec<[f64; TILE_ROW]>> {
    let n = u.nrows();
    let mut panels = vec![vec![[0.0; TILE_ROW]; n]; n.div_ceil(TILE_WIDTH)];
    for (c, column) in u.column_iter().enumerate() {
        for (row, z) in column.iter().enumerate() {
            let entries = &mut panels[row / TILE_WIDTH][c];
            (entries[row % TILE_WIDTH], entries[TILE_WIDTH + row % TILE_WIDTH]) = (z.re, -z.im);
        }
    }
    panels
}
