//! The decomposition of a unitary on the rectangular mesh (Clements et al., Optica 3, 1460, 2016).
//!
//! ```text
//!  U = ⎡× × × ×⎤   1. Null the lower triangle along its diagonals, from the lower left corner on: even diagonals by
//!      ⎢6 × × ×⎥      U ← U·T† on neighbouring columns, odd ones by U ← T·U on neighbouring rows.
//!      ⎢2 5 × ×⎥   2. The remainder D is diagonal: U = L₁†·L₂†…·D·…·R₂·R₁.
//!      ⎣1 3 4 ×⎦   3. Move D to the left through each L†: T†(θ,φ)·D = D′·T(θ,φ′). D′ is the output phase screen.
//! ```
//!
//! Rows are counted from the last one, ρ = N−1−row. Diagonal i holds the entries ρ + column = i. Its cells act on the
//! columns (c, c+1) for even i, and on the rows (ρ+1, ρ) for odd i. A cell depends on the cells before it through its two
//! entries. So only the leading block of rows and columns up to i+1 is updated after each diagonal, tile by tile. The rest
//! of the matrix is updated after [`BATCH`] diagonals with all their cells at once. O(N³).

use crate::cell::mzi::wrap;
use crate::decompose::fuse::{ChainSpec, fuse_chains};
use crate::decompose::nulling::{NullingCell, angles, on_columns, on_rows};
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::propagate::chains::{ChainBuilder, Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::wrap_in_place;
use std::f64::consts::PI;

/// Diagonals between two updates of the trailing rows and columns. More diagonals make the leading block larger; fewer make
/// the updates less efficient.
const BATCH: usize = 32;

/// A block of 16 rows and 16 columns: per row the real parts, then the imaginary parts.
type Block = [[f64; TILE_ROW]; TILE_WIDTH];

/// The phases of a rectangular mesh for a unitary.
pub(crate) fn decompose(layout: &Layout, u: &DMatrix<Complex64>) -> Phases {
    let n = u.nrows();
    assert_eq!(layout.ports, n, "a layout for the ports of the target");
    let mut phases = Phases::zero(layout.positions.len(), n);
    // Cells of a column are two modes apart.
    let index = |column: usize, mode: usize| layout.column(column).start + mode / 2;
    let (diagonals, mut d) = null(u);
    for (i, angles) in diagonals.iter().enumerate().step_by(2) {
        for (j, &(theta, phi)) in angles.iter().enumerate() {
            phases.set_cell(index(j, i - j), theta, phi);
        }
    }
    // T†(θ,φ)·diag(e^{ip₁}, e^{ip₂}) = diag(e^{ip₁′}, e^{ip₂′})·T(θ, φ′), φ′ = p₁ − p₂.
    let (mut outer, last_mode) = (Vec::with_capacity(n), n.saturating_sub(1));
    for angles in diagonals.iter().skip(1).step_by(2).rev() {
        outer.clear();
        for (m, &(theta, phi)) in (0..last_mode).rev().zip(angles.iter().rev()) {
            let (p1, p2) = (d[m], d[m + 1]);
            outer.push(p1 - p2);
            d[m] = wrap(p2 - phi - theta + PI);
            d[m + 1] = p2 - theta + PI;
        }
        // The phases of other modes are wrapped by their next cell, or after the next diagonal.
        d[last_mode] = wrap(d[last_mode]);
        wrap_in_place(&mut outer);
        for (k, (&(theta, _), &phi)) in angles.iter().rev().zip(&outer).enumerate() {
            phases.set_cell(index(n - angles.len() + k, last_mode - 1 - k), theta, phi);
        }
    }
    for (mode, phase) in d.into_iter().enumerate() {
        phases.set_output(mode, wrap(phase));
    }
    phases
}

/// (θ, φ) of the cells of each diagonal, and the phases of the diagonal remainder (rad).
fn null(u: &DMatrix<Complex64>) -> (Vec<Vec<(f64, f64)>>, Vec<f64>) {
    let n = u.nrows();
    let mut matrix = TiledMatrix::new(u);
    let count = n.saturating_sub(1);
    let mut diagonals = Vec::with_capacity(count);
    for start in (0..count).step_by(BATCH) {
        let end = count.min(start + BATCH);
        let LeadingBlock { cells, right, left } = matrix.null_diagonals(start..end);
        diagonals.extend(cells.iter().map(|cells| angles(cells)));
        matrix.update_trailing(end + 1, &right, &left);
    }
    (diagonals, (0..n).map(|row| matrix.entry(n - 1 - row, row).arg()).collect())
}

/// The matrix as blocks of 16 rows ρ and 16 columns.
struct TiledMatrix {
    /// Column by column of blocks.
    blocks: Vec<Block>,
    side: usize,
}

/// The cells that null some diagonals.
struct LeadingBlock {
    /// By diagonal.
    cells: Vec<Vec<NullingCell>>,
    /// The cells on columns.
    right: Vec<ChainSpec>,
    /// The cells on rows.
    left: Vec<ChainSpec>,
}

impl TiledMatrix {
    fn new(u: &DMatrix<Complex64>) -> Self {
        let n = u.nrows();
        let side = n.div_ceil(TILE_WIDTH);
        let mut matrix = Self { blocks: vec![[[0.0; TILE_ROW]; TILE_WIDTH]; side * side], side };
        for (c, column) in u.column_iter().enumerate() {
            for (rho, z) in column.iter().rev().enumerate() {
                let row = &mut matrix.blocks[(c / TILE_WIDTH) * side + rho / TILE_WIDTH][rho % TILE_WIDTH];
                (row[c % TILE_WIDTH], row[TILE_WIDTH + c % TILE_WIDTH]) = (z.re, z.im);
            }
        }
        matrix
    }

    fn entry(&self, rho: usize, c: usize) -> Complex64 {
        let row = &self.blocks[(c / TILE_WIDTH) * self.side + rho / TILE_WIDTH][rho % TILE_WIDTH];
        Complex64::new(row[c % TILE_WIDTH], row[TILE_WIDTH + c % TILE_WIDTH])
    }

    /// Nulls diagonals on the rows and columns that their cells act on.
    fn null_diagonals(&mut self, diagonals: std::ops::Range<usize>) -> LeadingBlock {
        let (size, side) = (diagonals.end + 1, self.side);
        let inside = size.div_ceil(TILE_WIDTH);
        // The scale factors of columns and rows stay pending until the end.
        let (mut columns, mut rows) = (ChainBuilder::new(size, size), ChainBuilder::new(size, size));
        let mut leading = LeadingBlock { cells: Vec::new(), right: Vec::new(), left: Vec::new() };
        let mut transposed = vec![[[0.0; TILE_ROW]; TILE_WIDTH]; inside];
        for i in diagonals {
            let (mut cells, mut elements) = (Vec::with_capacity(i + 1), Vec::with_capacity(i + 1));
            let mut push = |cell: NullingCell, element| {
                cells.push(cell);
                elements.push(element);
                (element, !cell.is_trivial())
            };
            let builder = if i % 2 == 0 { &mut columns } else { &mut rows };
            builder.clear();
            builder.begin(i + 1, false, 0);
            for block in 0..inside {
                let first = TILE_WIDTH * block;
                let vectors = 0..(i + 1).saturating_sub(first).min(TILE_WIDTH);
                if i % 2 == 0 {
                    // Columns below i − ρ are zero.
                    let nonzero = (i + 1).saturating_sub(first + TILE_WIDTH) / TILE_WIDTH..(i + 1) / TILE_WIDTH + 1;
                    nonzero.clone().for_each(|q| transpose(&self.blocks[q * side + block], &mut transposed[q]));
                    let tile = transposed.as_flattened_mut();
                    columns.apply(tile);
                    columns.null(tile, vectors, |rho, [carried, met]| {
                        let factor = rows.scale_factor(first + rho);
                        let cell = NullingCell::from_right(met * factor, carried * factor);
                        push(cell, on_columns(&cell.transfer()))
                    });
                    nonzero.for_each(|q| transpose(&transposed[q], &mut self.blocks[q * side + block]));
                } else {
                    let tile = self.blocks[block * side..][..inside].as_flattened_mut();
                    rows.apply(tile);
                    rows.null(tile, vectors, |c, [carried, met]| {
                        let factor = columns.scale_factor(first + c);
                        let cell = NullingCell::from_left(carried * factor, met * factor);
                        push(cell, on_rows(&cell.transfer()))
                    });
                }
            }
            leading.cells.push(cells);
            let chain = ChainSpec { mode: i + 1, column: 0, elements };
            if i % 2 == 0 { leading.right.push(chain) } else { leading.left.push(chain) }
        }
        self.scale(size, &rows, &columns);
        leading
    }

    /// Applies the pending scale factors to the leading rows and columns.
    fn scale(&mut self, size: usize, rows: &ChainBuilder, columns: &ChainBuilder) {
        let inside = size.div_ceil(TILE_WIDTH);
        let factors = |builder: &ChainBuilder| -> Vec<Complex64> {
            let factor = |k| if k < size { builder.scale_factor(k) } else { Complex64::ONE };
            (0..inside * TILE_WIDTH).map(factor).collect()
        };
        let (columns, rows) = (factors(columns), factors(rows));
        for (q, columns) in columns.as_chunks::<TILE_WIDTH>().0.iter().enumerate() {
            let tile = self.blocks[q * self.side..][..inside].as_flattened_mut();
            for (entries, row) in tile.iter_mut().zip(&rows) {
                let (re, im) = entries.split_at_mut(TILE_WIDTH);
                for ((re, im), column) in re.iter_mut().zip(im).zip(columns) {
                    let factor = row * column;
                    (*re, *im) = (*re * factor.re - *im * factor.im, *re * factor.im + *im * factor.re);
                }
            }
        }
    }

    /// Applies the cells on the first `size` columns, and rows, to the blocks outside of the leading ones.
    fn update_trailing(&mut self, size: usize, right: &[ChainSpec], left: &[ChainSpec]) {
        let (inside, side) = (size.div_ceil(TILE_WIDTH), self.side);
        if inside == side {
            return;
        }
        let mut transposed = vec![[[0.0; TILE_ROW]; TILE_WIDTH]; inside];
        let chains = fuse_chains(size, false, right);
        for p in inside..side {
            (0..inside).for_each(|q| transpose(&self.blocks[q * side + p], &mut transposed[q]));
            let tile = transposed.as_flattened_mut().as_flattened_mut();
            chains.apply(&mut tile[..size * TILE_ROW], |_| Support::Full);
            (0..inside).for_each(|q| transpose(&transposed[q], &mut self.blocks[q * side + p]));
        }
        let chains = fuse_chains(size, false, left);
        for q in inside..side {
            let tile = self.blocks[q * side..][..inside].as_flattened_mut().as_flattened_mut();
            chains.apply(&mut tile[..size * TILE_ROW], |_| Support::Full);
        }
    }
}

/// The transpose, without conjugation.
fn transpose(from: &Block, to: &mut Block) {
    // Pieces of 4×4, which fit in registers.
    for part in [0, TILE_WIDTH] {
        for r in (0..TILE_WIDTH).step_by(4) {
            for c in (0..TILE_WIDTH).step_by(4) {
                let piece: [[f64; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| from[r + j][part + c + i]));
                for (i, row) in piece.iter().enumerate() {
                    to[c + i][part + r..part + r + 4].copy_from_slice(row);
                }
            }
        }
    }
}
