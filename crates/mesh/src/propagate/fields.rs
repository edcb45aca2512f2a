//! Light in flight: a batch of vectors of complex fields, stored as the sweeps want them.

use crate::cell::mzi::Transfer;
use crate::propagate::chains::{Chains, LINE, Support, WIDTH};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::simd::aligned::Aligned;

/// A batch of fields in flight: modes × batch, in tiles of 16 vectors; in a tile the real parts of a mode stand beside
/// its imaginary parts.
#[derive(Clone, Debug)]
pub struct Fields {
    modes: usize,
    batch: usize,
    tiles: Aligned,
    /// Whether vector j still is light in mode j alone, so that it can only have spread as far as it passed cells.
    unspread: bool,
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        (self.modes, self.batch) == (other.modes, other.batch) && *self.tiles == *other.tiles
    }
}

impl Fields {
    /// No light.
    #[must_use]
    pub fn dark(modes: usize, batch: usize) -> Self {
        Self { modes, batch, tiles: Aligned::zeros(batch.div_ceil(WIDTH) * modes * LINE), unspread: false }
    }

    /// The columns of a matrix (modes × batch) as fields.
    #[must_use]
    pub fn from_matrix(matrix: &DMatrix<Complex64>) -> Self {
        let (modes, batch) = matrix.shape();
        let mut fields = Self::dark(modes, batch);
        if modes > 0 {
            let columns = matrix.as_slice().chunks(modes * WIDTH);
            for (tile, columns) in fields.tiles.chunks_exact_mut(modes * LINE).zip(columns) {
                for (sample, column) in columns.chunks_exact(modes).enumerate() {
                    for (line, z) in tile.chunks_exact_mut(LINE).zip(column) {
                        (line[sample], line[WIDTH + sample]) = (z.re, z.im);
                    }
                }
            }
        }
        fields
    }

    /// Unit light in each of `modes` ports in turn: what comes out is the matrix of the circuit.
    #[must_use]
    pub fn identity(modes: usize) -> Self {
        let mut fields = Self { unspread: true, ..Self::dark(modes, modes) };
        for mode in 0..modes {
            fields.tiles[((mode / WIDTH) * modes + mode) * LINE + mode % WIDTH] = 1.0;
        }
        fields
    }

    /// The fields as a matrix, modes × batch.
    #[must_use]
    pub fn to_matrix(&self) -> DMatrix<Complex64> {
        let mut matrix = DMatrix::zeros(self.modes, self.batch);
        if self.modes > 0 {
            let columns = matrix.as_mut_slice().chunks_mut(self.modes * WIDTH);
            for (tile, columns) in self.tiles.chunks_exact(self.modes * LINE).zip(columns) {
                for (sample, column) in columns.chunks_exact_mut(self.modes).enumerate() {
                    for (line, z) in tile.chunks_exact(LINE).zip(column) {
                        *z = Complex64::new(line[sample], line[WIDTH + sample]);
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

    /// Keeps the first modes only, or adds dark ones: a rectangular matrix drops or gains lines between its meshes.
    pub fn resize(&mut self, modes: usize) {
        if modes == self.modes {
            return;
        }
        // More modes leave light where it is.
        let unspread = self.unspread && modes > self.modes;
        let mut resized = Self { unspread, ..Self::dark(modes, self.batch) };
        let kept = modes.min(self.modes) * LINE;
        if kept > 0 {
            let tiles = resized.tiles.chunks_exact_mut(modes * LINE);
            for (to, from) in tiles.zip(self.tiles.chunks_exact(self.modes * LINE)) {
                to[..kept].copy_from_slice(&from[..kept]);
            }
        }
        *self = resized;
    }

    /// Multiplies each mode by a number of its own.
    pub(crate) fn scale(&mut self, factor: impl Fn(usize) -> Complex64) {
        for (k, line) in self.tiles.chunks_exact_mut(LINE).enumerate() {
            let factor = factor(k % self.modes);
            let (re, im) = line.split_at_mut(WIDTH);
            for (re, im) in re.iter_mut().zip(im) {
                (*re, *im) = (*re * factor.re - *im * factor.im, *re * factor.im + *im * factor.re);
            }
        }
    }

    /// Takes lines back to where they were before they crossed: line `order[i]` is then what is line i.
    pub(crate) fn unpermute(&mut self, order: &[usize]) {
        self.unspread = false;
        let mut behind = vec![0.0; self.modes * LINE];
        for tile in self.tiles.chunks_exact_mut((self.modes * LINE).max(1)) {
            behind.copy_from_slice(tile);
            for (line, &from) in behind.chunks_exact(LINE).zip(order) {
                tile[from * LINE..(from + 1) * LINE].copy_from_slice(line);
            }
        }
    }

    /// Applies a 2×2 matrix to the modes (m, m+1).
    pub(crate) fn mix(&mut self, mode: usize, t: &Transfer) {
        self.unspread = false;
        for tile in self.tiles.chunks_exact_mut(self.modes * LINE) {
            let (upper, lower) = tile[mode * LINE..(mode + 2) * LINE].split_at_mut(LINE);
            for k in 0..WIDTH {
                let x = Complex64::new(upper[k], upper[WIDTH + k]);
                let y = Complex64::new(lower[k], lower[WIDTH + k]);
                let (x, y) = (t[0][0] * x + t[0][1] * y, t[1][0] * x + t[1][1] * y);
                (upper[k], upper[WIDTH + k], lower[k], lower[WIDTH + k]) = (x.re, x.im, y.re, y.im);
            }
        }
    }

    /// `Σ a*·b` over the batch, for two modes of two fields.
    pub(crate) fn inner(a: (&Self, usize), b: (&Self, usize)) -> Complex64 {
        let (mut re, mut im) = ([0.0; WIDTH], [0.0; WIDTH]);
        for ((ar, ai), (br, bi)) in a.0.lines(a.1).zip(b.0.lines(b.1)) {
            for k in 0..WIDTH {
                re[k] += ar[k] * br[k] + ai[k] * bi[k];
                im[k] += ar[k] * bi[k] - ai[k] * br[k];
            }
        }
        Complex64::new(re.iter().sum(), im.iter().sum())
    }

    /// One mode of each tile: real and imaginary parts.
    fn lines(&self, mode: usize) -> impl Iterator<Item = (&[f64; WIDTH], &[f64; WIDTH])> {
        let lines = self.tiles.as_chunks::<WIDTH>().0.as_chunks::<2>().0;
        lines.iter().skip(mode).step_by(self.modes.max(1)).map(|[re, im]| (re, im))
    }

    /// The tiles, one behind another, for sweeps of their own kind.
    pub(crate) fn tiles_mut(&mut self) -> &mut [f64] {
        self.unspread = false;
        &mut self.tiles
    }

    /// Applies a sweep over all modes.
    pub(crate) fn apply(&mut self, chains: &Chains) {
        assert_eq!(chains.lines(), self.modes, "one line a mode");
        let modes = self.modes;
        let unspread = std::mem::take(&mut self.unspread);
        chains.apply(&mut self.tiles, |tile| match unspread {
            true => Support::LightCone { first: tile * WIDTH, last: (tile * WIDTH + WIDTH).min(modes) - 1 },
            false => Support::Full,
        });
    }
}
