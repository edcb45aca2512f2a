//! The lower triangle of a unitary nulled along its diagonals, by turns from the right and from the left.
//!
//! Rows are counted from the last one, ρ = N−1−row. Sweep i nulls the entries ρ + column = i: an even one for ρ = 0…i by
//! cells on the columns (c, c+1), an odd one for c = 0…i by cells on the rows (ρ+1, ρ). A cell is known only once the
//! ones before it have passed its two entries, so the corner of rows and columns up to i+1 passes each sweep at once:
//! tile by tile, known cells first, then 16 new ones. Everything outside of the corner waits until 32 sweeps are found.

use crate::decompose::fuse::{Chain, join};
use crate::decompose::nulling::{Null, angles, on_columns, on_rows};
use crate::propagate::chains::{ChainBuilder, Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Sweeps after which the rows and columns outside of the corner catch up.
const TOGETHER: usize = 32;

/// A block of 16 rows and 16 columns: per line the real parts, then the imaginary parts.
type Block = [[f64; TILE_ROW]; TILE_WIDTH];

/// Nulls a unitary; `found(i, angles)` gets (θ, φ) of the cells of each sweep (rad). Returns the phases of the diagonal
/// that is left (rad).
pub(crate) fn null(u: &DMatrix<Complex64>, mut found: impl FnMut(usize, &[(f64, f64)])) -> Vec<f64> {
    let n = u.nrows();
    let mut square = Square::new(u);
    let sweeps = n.saturating_sub(1);
    for start in (0..sweeps).step_by(TOGETHER) {
        let end = sweeps.min(start + TOGETHER);
        let corner = Corner { square: &mut square, sweeps: start..end };
        let Cells { nulls, right, left } = Arch::new().dispatch(corner);
        let mut rest = &nulls[..];
        for i in start..end {
            let (chains, later) = rest.split_at(i + 1);
            found(i, &angles(chains));
            rest = later;
        }
        square.catch_up(end + 1, &right, &left);
    }
    (0..n).map(|row| square.entry(n - 1 - row, row).arg()).collect()
}

/// The matrix as tiles of 16 columns, whose lines are the rows ρ.
struct Square {
    /// Blocks of 16 rows one below the other, those of the first 16 columns first.
    blocks: Vec<Block>,
    side: usize,
}

/// What the sweeps of a corner found: the cells in their order, and as chains for the rest of the matrix.
struct Cells {
    nulls: Vec<Null>,
    right: Vec<Chain>,
    left: Vec<Chain>,
}

impl Square {
    fn new(u: &DMatrix<Complex64>) -> Self {
        let n = u.nrows();
        let side = n.div_ceil(TILE_WIDTH);
        let mut square = Self { blocks: vec![[[0.0; TILE_ROW]; TILE_WIDTH]; side * side], side };
        for (c, column) in u.column_iter().enumerate() {
            for (rho, z) in column.iter().rev().enumerate() {
                let line = &mut square.blocks[(c / TILE_WIDTH) * side + rho / TILE_WIDTH][rho % TILE_WIDTH];
                (line[c % TILE_WIDTH], line[TILE_WIDTH + c % TILE_WIDTH]) = (z.re, z.im);
            }
        }
        square
    }

    fn entry(&self, rho: usize, c: usize) -> Complex64 {
        entry(&self.blocks[(c / TILE_WIDTH) * self.side + rho / TILE_WIDTH][rho % TILE_WIDTH], c % TILE_WIDTH)
    }

    /// Lets the rest of the matrix pass the cells that act on the first `lines` columns, and rows.
    fn catch_up(&mut self, lines: usize, right: &[Chain], left: &[Chain]) {
        let inside = lines.div_ceil(TILE_WIDTH);
        if inside == self.side {
            return;
        }
        let side = self.side;
        let mut tile = vec![[[0.0; TILE_ROW]; TILE_WIDTH]; inside];
        let chains = join(lines, false, right);
        for p in inside..side {
            (0..inside).for_each(|q| transpose(&self.blocks[q * side + p], &mut tile[q]));
            chains.apply(&mut tile.as_flattened_mut().as_flattened_mut()[..lines * TILE_ROW], |_| Support::Full);
            (0..inside).for_each(|q| transpose(&tile[q], &mut self.blocks[q * side + p]));
        }
        let chains = join(lines, false, left);
        for q in inside..side {
            let tile = self.blocks[q * side..][..inside].as_flattened_mut().as_flattened_mut();
            chains.apply(&mut tile[..lines * TILE_ROW], |_| Support::Full);
        }
    }
}

fn entry(line: &[f64; TILE_ROW], k: usize) -> Complex64 {
    Complex64::new(line[k], line[TILE_WIDTH + k])
}

/// Rows to columns.
#[inline(always)]
fn transpose(from: &Block, to: &mut Block) {
    // Pieces of 4×4, which fit in registers.
    for part in [0, TILE_WIDTH] {
        for r in (0..TILE_WIDTH).step_by(4) {
            for c in (0..TILE_WIDTH).step_by(4) {
                let piece: [[f64; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| from[r + j][part + c + i]));
                for (i, line) in piece.iter().enumerate() {
                    to[c + i][part + r..part + r + 4].copy_from_slice(line);
                }
            }
        }
    }
}

/// Some sweeps on the rows and columns that they null.
struct Corner<'a> {
    square: &'a mut Square,
    sweeps: std::ops::Range<usize>,
}

impl WithSimd for Corner<'_> {
    type Output = Cells;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Cells {
        let Self { square, sweeps } = self;
        let lines = sweeps.end + 1;
        let inside = lines.div_ceil(TILE_WIDTH);
        // Factors of the columns and of the rows stay out of the entries until the end.
        let (mut columns, mut rows) = (ChainBuilder::new(lines, lines), ChainBuilder::new(lines, lines));
        let mut cells = Cells { nulls: Vec::new(), right: Vec::new(), left: Vec::new() };
        let mut tile = vec![[[0.0; TILE_ROW]; TILE_WIDTH]; inside];
        for i in sweeps {
            let mut elements = Vec::with_capacity(i + 1);
            if i % 2 == 0 {
                columns.clear();
                columns.begin(i + 1, false, 0);
                for p in 0..inside {
                    // Columns below i − ρ are dark.
                    let lit = (i + 1).saturating_sub(TILE_WIDTH * (p + 1)) / TILE_WIDTH..(i + 1) / TILE_WIDTH + 1;
                    lit.clone().for_each(|q| transpose(&square.blocks[q * square.side + p], &mut tile[q]));
                    columns.apply(simd, tile.as_flattened_mut());
                    for rho in TILE_WIDTH * p..(TILE_WIDTH * (p + 1)).min(i + 1) {
                        let c = i - rho;
                        let lit = |c: usize| {
                            entry(&tile[c / TILE_WIDTH][c % TILE_WIDTH], rho % TILE_WIDTH) * columns.scale_factor(c)
                        };
                        let factor = rows.scale_factor(rho);
                        let null = Null::from_right(lit(c) * factor, lit(c + 1) * factor);
                        let element = on_columns(&null.transfer());
                        columns.nulling(simd, tile.as_flattened_mut(), rho % TILE_WIDTH, element, null.is_trivial());
                        cells.nulls.push(null);
                        elements.push(element);
                    }
                    lit.for_each(|q| transpose(&tile[q], &mut square.blocks[q * square.side + p]));
                }
            } else {
                rows.clear();
                rows.begin(i + 1, false, 0);
                for q in 0..inside {
                    let tile = &mut square.blocks[q * square.side..][..inside];
                    rows.apply(simd, tile.as_flattened_mut());
                    for c in TILE_WIDTH * q..(TILE_WIDTH * (q + 1)).min(i + 1) {
                        let rho = i - c;
                        let lit = |rho: usize| {
                            entry(&tile[rho / TILE_WIDTH][rho % TILE_WIDTH], c % TILE_WIDTH) * rows.scale_factor(rho)
                        };
                        let factor = columns.scale_factor(c);
                        let null = Null::from_left(lit(rho + 1) * factor, lit(rho) * factor);
                        let element = on_rows(&null.transfer());
                        rows.nulling(simd, tile.as_flattened_mut(), c % TILE_WIDTH, element, null.is_trivial());
                        cells.nulls.push(null);
                        elements.push(element);
                    }
                }
            }
            let chain = Chain { line: i + 1, column: 0, elements };
            if i % 2 == 0 { cells.right.push(chain) } else { cells.left.push(chain) }
        }
        // The factors that are left.
        let factors = |builder: &ChainBuilder| -> Vec<Complex64> {
            (0..inside * TILE_WIDTH)
                .map(|k| if k < lines { builder.scale_factor(k) } else { Complex64::new(1.0, 0.0) })
                .collect()
        };
        let (columns, rows) = (factors(&columns), factors(&rows));
        for (q, columns) in columns.as_chunks::<TILE_WIDTH>().0.iter().enumerate() {
            let tile = square.blocks[q * square.side..][..inside].as_flattened_mut();
            for (line, row) in tile.iter_mut().zip(&rows) {
                let (re, im) = line.split_at_mut(TILE_WIDTH);
                for ((re, im), column) in re.iter_mut().zip(im).zip(columns) {
                    let factor = row * column;
                    (*re, *im) = (*re * factor.re - *im * factor.im, *re * factor.im + *im * factor.re);
                }
            }
        }
        cells
    }
}
