//! Tiles: blocks of a matrix for cores of k ports. Electronics sum over the column blocks.

use nalgebra::{DMatrix, DMatrixView};
use serde::{Deserialize, Serialize};

/// One block of a matrix, programmed in the corner of one k×k core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// First row of the block in the matrix.
    pub row: usize,
    /// Rows of the block, 1…k.
    pub rows: usize,
    /// First column of the block in the matrix.
    pub column: usize,
    /// Columns of the block, 1…k.
    pub columns: usize,
}

impl Tile {
    /// The block of a matrix at this tile.
    ///
    /// # Panics
    ///
    /// If the matrix does not contain the tile.
    #[must_use]
    pub fn block<'a>(&self, matrix: &'a DMatrix<f64>) -> DMatrixView<'a, f64> {
        matrix.view((self.row, self.column), (self.rows, self.columns))
    }
}

/// The tiles of one matrix, row block by row block.
///
/// ```
/// let plan = phaseloom_hardware::TilePlan::new(128, 784, 64, 64);
/// assert_eq!(plan.tiles().len(), 2 * 13);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TilePlan {
    rows: usize,
    columns: usize,
    row_block: usize,
    column_block: usize,
    tiles: Vec<Tile>,
}

impl TilePlan {
    /// Cuts a `rows`×`columns` matrix into blocks of at most `row_block`×`column_block`.
    ///
    /// For a core of k ports both are k. Offset detection reserves one input port, so `column_block` is then k−1.
    ///
    /// # Panics
    ///
    /// If a size is zero, or the tiles do not fit into memory.
    #[must_use]
    pub fn new(rows: usize, columns: usize, row_block: usize, column_block: usize) -> Self {
        assert!(rows > 0 && columns > 0 && row_block > 0 && column_block > 0, "a tile plan needs positive sizes");
        let mut tiles = Vec::with_capacity(rows.div_ceil(row_block).saturating_mul(columns.div_ceil(column_block)));
        for row in (0..rows).step_by(row_block) {
            for column in (0..columns).step_by(column_block) {
                tiles.push(Tile {
                    row,
                    rows: row_block.min(rows - row),
                    column,
                    columns: column_block.min(columns - column),
                });
            }
        }
        Self { rows, columns, row_block, column_block, tiles }
    }

    /// Shape of the matrix: (rows, columns).
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The tiles, row block by row block.
    #[must_use]
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Number of blocks in a row: electronics sum that many readouts for one output.
    #[must_use]
    pub fn column_blocks(&self) -> usize {
        self.columns.div_ceil(self.column_block)
    }

    /// Share of the k×k entries of all tiles (tiles of zeros included) that belong to the matrix, 0…1. The remainder is
    /// padding, or the port of a constant field.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        let [rows, columns, block] = [self.rows, self.columns, self.row_block].map(|size| size as f64);
        rows * columns / (self.tiles.len() as f64 * block * block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_entry_once() {
        for (rows, columns, k) in [(1, 1, 4), (4, 4, 4), (5, 9, 4), (128, 784, 64), (10, 3, 64)] {
            let plan = TilePlan::new(rows, columns, k, k);
            let mut seen = vec![0; rows * columns];
            for t in plan.tiles() {
                assert!(t.rows <= k && t.columns <= k);
                for r in t.row..t.row + t.rows {
                    for c in t.column..t.column + t.columns {
                        seen[r * columns + c] += 1;
                    }
                }
            }
            assert!(seen.iter().all(|&n| n == 1));
        }
    }

    #[test]
    fn utilisation_counts_padding() {
        assert!((TilePlan::new(10, 64, 64, 64).utilisation() - 10.0 / 64.0).abs() < 1e-15);
    }
}
