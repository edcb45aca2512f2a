//! The products of the columns of a small matrix with each other.
//!
//! Engine: measure before and after a change.

use nalgebra::DMatrix;
use num_complex::Complex64;
use pulp::{Arch, Simd, WithSimd};

/// Columns whose products with one column are computed together.
const WIDTH: usize = 8;
/// Columns whose products stay in registers.
const COLUMNS: usize = 4;

/// The lower triangle of `A†A`; zeros above the diagonal.
///
/// `Σ_k a*_ki·a_kj` for 8 columns i and 4 columns j at once, row after row. For many columns, blocks that stay in the caches
/// are faster: [`linalg::gram`](crate::linalg::gram).
#[must_use]
pub fn small_gram(a: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let (rows, n) = a.shape();
    let width = n.next_multiple_of(WIDTH);
    // Real parts of a row, then its imaginary parts.
    let mut planes = vec![0.0; 2 * rows * width];
    for (i, column) in a.column_iter().enumerate() {
        for (k, z) in column.iter().enumerate() {
            planes[2 * k * width + i] = z.re;
            planes[(2 * k + 1) * width + i] = z.im;
        }
    }
    let mut gram = DMatrix::zeros(n, n);
    if rows > 0 {
        Arch::new().dispatch(Gram { planes: &planes, width, gram: &mut gram });
    }
    gram
}

struct Gram<'a> {
    planes: &'a [f64],
    width: usize,
    gram: &'a mut DMatrix<Complex64>,
}

impl WithSimd for Gram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F64_LANES {
            8 => self.run::<S, 1>(simd),
            4 => self.run::<S, 2>(simd),
            2 => self.run::<S, 4>(simd),
            _ => self.run::<S, 8>(simd),
        }
    }
}

impl Gram<'_> {
    #[inline(always)]
    fn run<S: Simd, const G: usize>(self, simd: S) {
        let n = self.gram.ncols();
        for j in (0..n).step_by(COLUMNS) {
            for i in (j / WIDTH * WIDTH..n).step_by(WIDTH) {
                let sums = self.products::<S, G>(simd, i, j);
                for (c, sums) in sums.iter().enumerate().take(n - j) {
                    let mut values = [[0.0; WIDTH]; 2];
                    for (values, registers) in values.iter_mut().zip(sums) {
                        S::as_mut_simd_f64s(values).0.copy_from_slice(registers);
                    }
                    let [re, im] = values;
                    for l in (j + c).saturating_sub(i)..WIDTH.min(n - i) {
                        self.gram[(i + l, j + c)] = Complex64::new(re[l], im[l]);
                    }
                }
            }
        }
    }

    /// Real and imaginary parts of the products of the columns i, i+1, … with each of the columns j, j+1, ….
    #[inline(always)]
    fn products<S: Simd, const G: usize>(&self, simd: S, i: usize, j: usize) -> [[[S::f64s; G]; 2]; COLUMNS] {
        let mut sums = [[[simd.splat_f64s(0.0); G]; 2]; COLUMNS];
        for row in self.planes.chunks_exact(2 * self.width) {
            let (re, im) = row.split_at(self.width);
            let (x, y) = (S::as_simd_f64s(&re[i..i + WIDTH]).0, S::as_simd_f64s(&im[i..i + WIDTH]).0);
            let (Some(x), Some(y)) = (x.first_chunk::<G>(), y.first_chunk::<G>()) else { continue };
            let (re, im) = (&re[j..j + COLUMNS], &im[j..j + COLUMNS]);
            for (c, [sum_re, sum_im]) in sums.iter_mut().enumerate() {
                let (u, v) = (simd.splat_f64s(re[c]), simd.splat_f64s(im[c]));
                for g in 0..G {
                    sum_re[g] = simd.mul_add_e_f64s(y[g], v, simd.mul_add_e_f64s(x[g], u, sum_re[g]));
                    sum_im[g] = simd.negate_mul_add_e_f64s(y[g], u, simd.mul_add_e_f64s(x[g], v, sum_im[g]));
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the complete product, up to the rounding of sums of 40 terms of order one.
    #[test]
    fn the_triangle_is_that_of_the_product() {
        for (rows, columns) in [(1, 1), (3, 2), (5, 9), (16, 16), (40, 21), (0, 3), (2, 0)] {
            let entry = |r: usize, c: usize| {
                Complex64::new((r as f64 * 1.3 + c as f64).sin(), (r as f64 - 0.7 * c as f64).cos())
            };
            let a = DMatrix::from_fn(rows, columns, entry);
            let expected = (a.adjoint() * &a).lower_triangle();
            assert!((small_gram(&a) - expected).norm() < 1e-12, "{rows}×{columns}");
        }
    }
}
