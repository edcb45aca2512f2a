//! Cells found in a narrow panel of a unitary, applied to the bulk of it: tiles of columns or rows that pass all of
//! them at once.

use crate::sweep::{Builder, Element, LINE, Light, Sweep, WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// Columns of cells that a tile passes while few of its lines are in use.
const COLUMNS: usize = 32;

/// The cells of one sweep of a decomposition.
pub(crate) struct Chain {
    /// The line that is carried into the first cell.
    pub line: usize,
    /// Column of the mesh, up to a constant, in which the first cell stands; the next one stands in the next.
    pub column: usize,
    /// The cells.
    pub elements: Vec<Element>,
}

/// Joins sweeps, the earlier ones first, to one that keeps to few lines at a time: block by block of columns.
pub(crate) fn join(lines: usize, rising: bool, chains: &[Chain]) -> Sweep {
    let cells = chains.iter().map(|chain| chain.elements.len()).sum();
    let end = chains.iter().map(|chain| chain.column + chain.elements.len()).max().unwrap_or(0);
    let mut builder = Builder::new(lines, cells);
    for start in (0..end).step_by(COLUMNS) {
        for chain in chains {
            let from = start.saturating_sub(chain.column).min(chain.elements.len());
            let to = (start + COLUMNS).saturating_sub(chain.column).min(chain.elements.len());
            if from < to {
                let line = if rising { chain.line + from } else { chain.line - from };
                builder.begin(line, rising, 0);
                for &element in &chain.elements[from..to] {
                    builder.element(element);
                }
                builder.end();
            }
        }
    }
    builder.finish()
}

/// `U ← U·(cells)`: line k is column k, for the first `rows` rows. Columns from `kept` on are not written back.
pub(crate) fn apply_to_columns(u: &mut DMatrix<Complex64>, rows: usize, kept: usize, sweep: &Sweep) {
    let n = u.nrows();
    let mut tile = vec![0.0; sweep.lines() * LINE];
    for start in (0..rows).step_by(WIDTH) {
        let end = rows.min(start + WIDTH);
        for (line, column) in tile.chunks_exact_mut(LINE).zip(u.as_slice().chunks_exact(n)) {
            for (k, z) in column[start..end].iter().enumerate() {
                (line[k], line[WIDTH + k]) = (z.re, z.im);
            }
        }
        sweep.apply(&mut tile, |_| Light::Everywhere);
        for (line, column) in tile.chunks_exact(LINE).zip(u.as_mut_slice().chunks_exact_mut(n)).take(kept) {
            for (k, z) in column[start..end].iter_mut().enumerate() {
                *z = Complex64::new(line[k], line[WIDTH + k]);
            }
        }
    }
}
