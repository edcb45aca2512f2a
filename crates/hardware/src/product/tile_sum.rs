//! The sum of all tiles of a layer as one real matrix, for an ideal link.
//!
//! Homodyne detection without noise and converters is linear: the receivers measure Re Ŵx, and the electronics add up
//! g·Re Ŵx over the tiles of a row. So all tiles of a layer are one real matrix, whatever the size of the cores.
//!
//! Engine: measure before and after a change.

use crate::product::matrix_product::Batch;
use crate::product::tile_engine::RealisedTile;
use crate::tile::Tile;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::{ComplexProduct, MASK_BITS, Quadratures, SparseFields};

/// Vectors that are multiplied together. Their inputs fit in the second-level cache while every row of the matrix uses them.
const VECTORS: usize = 32;

/// The matrix while tiles are added.
pub(super) struct TileSum(DMatrix<Complex64>);

impl TileSum {
    /// A matrix of zeros.
    pub(super) fn new((outputs, inputs): (usize, usize)) -> Self {
        Self(DMatrix::zeros(outputs, inputs))
    }

    /// Writes g·Re Ŵ of a tile at its place, which it shares with no other.
    pub(super) fn add(&mut self, tile: &Tile, realised: &RealisedTile) {
        let mut block = self.0.view_mut((tile.row, tile.column), (tile.rows, tile.columns));
        for (j, column) in realised.corner.column_iter().enumerate() {
            for (i, (z, gain)) in column.iter().zip(&realised.gains).enumerate() {
                block[(i, j)] = Complex64::new(z.re * gain, 0.0);
            }
        }
    }

    /// The matrix, ready to multiply.
    pub(super) fn finish(self) -> SummedTiles {
        let quadratures = Quadratures { sent: false, read: false };
        SummedTiles {
            matrix: ComplexProduct::new(&self.0, Complex64::new(0.0, 0.0), quadratures),
            shape: self.0.shape(),
        }
    }
}

/// All tiles of a layer as one matrix.
pub(super) struct SummedTiles {
    matrix: ComplexProduct<f64>,
    shape: (usize, usize),
}

impl SummedTiles {
    /// The products of all vectors; each is the same in every batch.
    pub(super) fn multiply(&self, input: &Batch, output: &mut Batch) {
        let (outputs, inputs) = self.shape;
        let mut ports = Vec::with_capacity(VECTORS * inputs.div_ceil(MASK_BITS));
        let vectors = input.as_slice().chunks(VECTORS * inputs);
        for (x, re) in vectors.zip(output.as_mut_slice().chunks_mut(VECTORS * outputs)) {
            ports.clear();
            for word in x.chunks_exact(inputs).flat_map(|vector| vector.chunks(MASK_BITS)) {
                ports.push(word.iter().enumerate().fold(0, |bits, (k, &x)| bits | u64::from(x != 0.0) << k));
            }
            self.matrix.multiply(SparseFields { x, q: &[], ports: &ports }, re, &mut []);
        }
    }
}
