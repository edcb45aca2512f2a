//! A batch of vectors of complex fields, stored in the tiles that [`crate::propagate::chains`] works on.

use crate::cell::mzi::Transfer;
use crate::propagate::chains::{Chains, Support, TILE_ROW, TILE_WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::simd::aligned::Aligned;

/// A batch of fields, modes × batch, in tiles of 16 vectors. In a tile each mode has 16 real parts, then 16 imaginary
/// parts.
#[derive(Clone, Debug)]
pub struct Fields {
    modes: usize,
    batch: usize,
    tiles: Aligned,
    /// Whether vector j is still nonzero on mode j alone, so that the support of each tile is known.
    is_identity: bool,
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        (self.modes, self.batch) == (other.modes, other.batch) && *self.tiles == *other.tiles
    }
}

impl Fields {
    /// Zero fields.
    ///
    /// # Panics
    ///
    /// If the fields exceed the address space.
    #[must_use]
    pub fn zeros(modes: usize, batch: usize) -> Self {
        let rows = batch.div_ceil(TILE_WIDTH).saturating_mul(modes);
        Self { modes, batch, tiles: Aligned::zeros(rows.saturating_mul(TILE_ROW)), is_identity: false }
    }

    /// The columns of a matrix (modes × batch) as fields.
    #[must_use]
    pub fn from_matrix(matrix: &DMatrix<Complex64>) -> Self {
        let (modes, batch) = matrix.shape();
        let mut fields = Self::zeros(modes, batch);
        if modes > 0 {
            let columns = matrix.as_slice().chunks(modes * TILE_WIDTH);
            for (tile, columns) in fields.tiles.chunks_exact_mut(modes * TILE_ROW).zip(columns) {
                for (sample, column) in columns.chunks_exact(modes).enumerate() {
                    for (row, z) in tile.chunks_exact_mut(TILE_ROW).zip(column) {
                        (row[sample], row[TILE_WIDTH + sample]) = (z.re, z.im);
                    }
                }
            }
        }
        fields
    }

    /// Unit field in each of `modes` ports in turn: the output is the matrix of the circuit.
    ///
    /// # Panics
    ///
    /// If the fields exceed the address space.
    #[must_use]
    pub fn identity(modes: usize) -> Self {
        let mut fields = Self { is_identity: true, ..Self::zeros(modes, modes) };
        for mode in 0..modes {
            fields.tiles[((mode / TILE_WIDTH) * modes + mode) * TILE_ROW + mode % TILE_WIDTH] = 1.0;
        }
        fields
    }

    /// The fields as a matrix, modes × batch.
    #[must_use]
    pub fn to_matrix(&self) -> DMatrix<Complex64> {
        let mut matrix = DMatrix::zeros(self.modes, self.batch);
        if self.modes > 0 {
            let columns = matrix.as_mut_slice().chunks_mut(self.modes * TILE_WIDTH);
            for (tile, columns) in self.tiles.chunks_exact(self.modes * TILE_ROW).zip(columns) {
                for (sample, column) in columns.chunks_exact_mut(self.modes).enumerate() {
                    for (row, z) in tile.chunks_exact(TILE_ROW).zip(column) {
                        *z = Complex64::new(row[sample], row[TILE_WIDTH + sample]);
                    }
                }
            }
        }
        matrix
    }

    /// Number of modes.
    #[must_use]
    pub fn modes(&self) -> usize {
        self.modes
    }

    /// Number of vectors.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Keeps the first modes only, or adds zero ones: a rectangular matrix drops or gains modes between its meshes.
    ///
    /// # Panics
    ///
    /// If the fields exceed the address space.
    pub fn resize(&mut self, modes: usize) {
        if modes == self.modes {
            return;
        }
        // Additional modes do not change the support.
        let is_identity = self.is_identity && modes > self.modes;
        let mut resized = Self { is_identity, ..Self::zeros(modes, self.batch) };
        let kept = modes.min(self.modes) * TILE_ROW;
        if kept > 0 {
            let tiles = resized.tiles.chunks_exact_mut(modes * TILE_ROW);
            for (to, from) in tiles.zip(self.tiles.chunks_exact(self.modes * TILE_ROW)) {
                to[..kept].copy_from_slice(&from[..kept]);
            }
        }
        *self = resized;
    }

    /// Multiplies mode k by `factor(k)`.
    pub(crate) fn scale(&mut self, factor: impl Fn(usize) -> Complex64) {
        for (k, row) in self.tiles.chunks_exact_mut(TILE_ROW).enumerate() {
            let factor = factor(k % self.modes);
            let (re, im) = row.split_at_mut(TILE_WIDTH);
            for (re, im) in re.iter_mut().zip(im) {
                (*re, *im) = (*re * factor.re - *im * factor.im, *re * factor.im + *im * factor.re);
            }
        }
    }

    /// Undoes a permutation of modes: mode `order[i]` is then the present mode i.
    pub(crate) fn unpermute(&mut self, order: &[usize]) {
        self.is_identity = false;
        let mut permuted = vec![0.0; self.modes * TILE_ROW];
        for tile in self.tiles.chunks_exact_mut((self.modes * TILE_ROW).max(1)) {
            permuted.copy_from_slice(tile);
            for (row, &from) in permuted.chunks_exact(TILE_ROW).zip(order) {
                tile[from * TILE_ROW..(from + 1) * TILE_ROW].copy_from_slice(row);
            }
        }
    }

    /// Applies a 2×2 matrix to the modes (m, m+1).
    pub(crate) fn mix(&mut self, mode: usize, t: &Transfer) {
        self.is_identity = false;
        for tile in self.tiles.chunks_exact_mut(self.modes * TILE_ROW) {
            let (upper, lower) = tile[mode * TILE_ROW..(mode + 2) * TILE_ROW].split_at_mut(TILE_ROW);
            for k in 0..TILE_WIDTH {
                let x = Complex64::new(upper[k], upper[TILE_WIDTH + k]);
                let y = Complex64::new(lower[k], lower[TILE_WIDTH + k]);
                let (x, y) = (t[0][0] * x + t[0][1] * y, t[1][0] * x + t[1][1] * y);
                (upper[k], upper[TILE_WIDTH + k], lower[k], lower[TILE_WIDTH + k]) = (x.re, x.im, y.re, y.im);
            }
        }
    }

    /// The overlap `Σ a*·b` over the batch, for one mode of each of two fields.
    pub(crate) fn overlap(a: (&Self, usize), b: (&Self, usize)) -> Complex64 {
        let (mut re, mut im) = ([0.0; TILE_WIDTH], [0.0; TILE_WIDTH]);
        for ((ar, ai), (br, bi)) in a.0.rows(a.1).zip(b.0.rows(b.1)) {
            for k in 0..TILE_WIDTH {
                re[k] += ar[k] * br[k] + ai[k] * bi[k];
                im[k] += ar[k] * bi[k] - ai[k] * br[k];
            }
        }
        Complex64::new(re.iter().sum(), im.iter().sum())
    }

    /// One mode of each tile: real and imaginary parts.
    fn rows(&self, mode: usize) -> impl Iterator<Item = (&[f64; TILE_WIDTH], &[f64; TILE_WIDTH])> {
        let rows = self.tiles.as_chunks::<TILE_WIDTH>().0.as_chunks::<2>().0;
        rows.iter().skip(mode).step_by(self.modes.max(1)).map(|[re, im]| (re, im))
    }

    /// The consecutive tiles, for the engine of the gradient.
    pub(crate) fn tiles_mut(&mut self) -> &mut [f64] {
        self.is_identity = false;
        &mut self.tiles
    }

    /// Applies chains over all modes.
    pub(crate) fn apply(&mut self, chains: &Chains) {
        assert_eq!(chains.modes(), self.modes, "modes of the chains");
        let modes = self.modes;
        let is_identity = std::mem::take(&mut self.is_identity);
        chains.apply(&mut self.tiles, |tile| match is_identity {
            true => {
                Support::LightCone { first: tile * TILE_WIDTH, last: (tile * TILE_WIDTH + TILE_WIDTH).min(modes) - 1 }
            }
            false => Support::Full,
        });
    }
}
