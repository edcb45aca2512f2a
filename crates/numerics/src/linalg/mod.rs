//! Products, QR, singular values and eigenvectors: the only folder that names faer.
//!
//! Everything runs on the calling thread, because faer is built without threads. nalgebra is the exchange type. Its own
//! SVD is not used, because it silently returns wrong factors for some rank-deficient matrices. faer's SVD is checked by
//! its residual.

pub mod canonical_svd;
mod cosine_sine;
pub mod fidelity;

pub use cosine_sine::cosine_sine;

use crate::error::NumericsError;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::solvers::SolveCore;
use faer::{Accum, Conj, MatMut, MatRef, Par, Side};
use nalgebra::{ComplexField, DMatrix, DVector};
use num_complex::Complex64;
use std::ops::Range;

/// Thin singular value decomposition `A = U·diag(σ)·V†`, σ descending.
#[derive(Clone, Debug)]
pub struct Svd {
    /// Left singular vectors, M×min(M,N).
    pub u: DMatrix<Complex64>,
    /// Singular values, min(M,N), descending, ≥ 0.
    pub sigma: Vec<f64>,
    /// Right singular vectors, N×min(M,N).
    pub v: DMatrix<Complex64>,
}

impl Svd {
    /// The decomposition of A†.
    fn adjoint(self) -> Self {
        Self { u: self.v, sigma: self.sigma, v: self.u }
    }
}

fn view<T>(matrix: &DMatrix<T>) -> MatRef<'_, T> {
    MatRef::from_column_major_slice(matrix.as_slice(), matrix.nrows(), matrix.ncols())
}

fn view_mut<T>(matrix: &mut DMatrix<T>) -> MatMut<'_, T> {
    let (rows, columns) = matrix.shape();
    MatMut::from_column_major_slice_mut(matrix.as_mut_slice(), rows, columns)
}

/// Entries of matrices that faer computes with: `f32`, `f64` and `Complex64`.
pub trait Scalar: faer::traits::ComplexField + nalgebra::Scalar + Copy {}

impl Scalar for f32 {}
impl Scalar for f64 {}
impl Scalar for Complex64 {}

/// `A·B`.
///
/// # Panics
///
/// If `a` has another number of columns than `b` has rows.
#[must_use]
pub fn multiply<T: Scalar>(a: &DMatrix<T>, b: &DMatrix<T>) -> DMatrix<T> {
    let mut product = DMatrix::from_element(a.nrows(), b.ncols(), T::zero_impl());
    matmul(view_mut(&mut product), Accum::Replace, view(a), view(b), T::one_impl(), Par::Seq);
    product
}

/// Replaces `product` by the part of `A·B` that some columns of A, and the rows of B of the same index, contribute.
///
/// # Panics
///
/// If the columns or rows do not exist, or `product` has another shape than `A·B`.
pub fn multiply_part<T: Scalar>(a: &DMatrix<T>, b: &DMatrix<T>, part: Range<usize>, product: &mut DMatrix<T>) {
    let (first, count) = (part.start, part.len());
    let (a, b) = (view(a).subcols(first, count), view(b).subrows(first, count));
    matmul(view_mut(product), Accum::Replace, a, b, T::one_impl(), Par::Seq);
}

/// The lower triangle of `A†A`, whose upper triangle is its conjugate; zeros above the diagonal.
#[must_use]
pub fn gram(a: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let n = a.ncols();
    let mut gram = DMatrix::from_element(n, n, Complex64::new(0.0, 0.0));
    let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    let one = Complex64::new(1.0, 0.0);
    triangular::matmul(
        view_mut(&mut gram),
        lower,
        Accum::Replace,
        view(a).adjoint(),
        full,
        view(a),
        full,
        one,
        Par::Seq,
    );
    gram
}

/// From this number of columns, faer sums every column in the same order. For fewer, it chooses other kernels.
const MIN_COLUMNS: usize = 8;

/// `W·X` for a batch of real vectors, one per column; the bits of a column do not depend on the other columns.
///
/// Small batches are padded with columns of zeros. faer does not promise equal bits, but a test checks them.
///
/// # Panics
///
/// If `weight` has another number of columns than `batch` has rows.
#[must_use]
pub fn multiply_batch<T: Scalar>(weight: &DMatrix<T>, batch: &DMatrix<T>) -> DMatrix<T> {
    assert_eq!(weight.ncols(), batch.nrows(), "columns of the matrix, rows of the batch");
    let samples = batch.ncols();
    if samples >= MIN_COLUMNS {
        return multiply(weight, batch);
    }
    let padded = batch.clone().resize_horizontally(MIN_COLUMNS, T::zero_impl());
    multiply_batch(weight, &padded).columns(0, samples).into_owned()
}

/// Householder QR: square Q, and R whose diagonal has any phase. Entries that are not finite make factors that are not.
#[must_use]
pub fn qr(a: &DMatrix<Complex64>) -> (DMatrix<Complex64>, DMatrix<Complex64>) {
    let factors = view(a).qr();
    let (q, r) = (factors.compute_Q(), factors.R());
    (
        DMatrix::from_fn(q.nrows(), q.ncols(), |i, j| q[(i, j)]),
        DMatrix::from_fn(r.nrows(), r.ncols(), |i, j| if i <= j { r[(i, j)] } else { Complex64::new(0.0, 0.0) }),
    )
}

/// Eigenvectors of a Hermitian matrix, one per column, in ascending order of eigenvalues; not checked.
fn hermitian_eigenvectors(a: &DMatrix<Complex64>) -> Option<DMatrix<Complex64>> {
    let decomposition = view(a).self_adjoint_eigen(Side::Lower).ok()?;
    let vectors = decomposition.U();
    Some(DMatrix::from_fn(a.nrows(), a.ncols(), |r, c| vectors[(r, c)]))
}

/// `A⁻¹·b` for a symmetric positive definite matrix, whose lower triangle is read; `None` if the matrix is not
/// positive definite, or the result is not finite.
///
/// # Panics
///
/// If `a` is not square, or `b` has another length.
#[must_use]
pub fn solve_positive(a: &DMatrix<f64>, b: &DVector<f64>) -> Option<DVector<f64>> {
    assert_eq!((a.ncols(), b.nrows()), (a.nrows(), a.nrows()), "a square matrix and the length of the right-hand side");
    let factor = view(a).llt(Side::Lower).ok()?;
    let mut solution = b.clone();
    let column = MatMut::from_column_major_slice_mut(solution.as_mut_slice(), a.nrows(), 1);
    factor.solve_in_place_with_conj(Conj::No, column);
    solution.iter().all(|x| x.is_finite()).then_some(solution)
}

/// Thin singular value decomposition of a finite matrix, checked by `‖A − UΣV†‖_F ≤ 1e-14·max(M,N)·‖A‖_F`.
///
/// A matrix without imaginary part gets real singular vectors. faer's algorithm may fail where many singular values
/// nearly agree, as for a corner of a Fourier matrix. Then the adjoint is decomposed, and at last the slow but safe
/// Jacobi method is used.
///
/// # Errors
///
/// [`NumericsError::NotFinite`] for a NaN or an infinity, [`NumericsError::Svd`] if every attempt fails the check.
pub fn svd(a: &DMatrix<Complex64>) -> Result<Svd, NumericsError> {
    let (rows, columns) = a.shape();
    if let Some(at) = a.iter().position(|z| !(z.re.is_finite() && z.im.is_finite())) {
        return Err(NumericsError::NotFinite { row: at % rows, column: at / rows });
    }
    // Scaled to entries of order one, so that squares neither underflow nor overflow.
    let largest = a.iter().map(|z| z.re.abs().max(z.im.abs())).fold(0.0, f64::max);
    let scale = if largest > 0.0 { exponent_of(largest) } else { 1.0 };
    let scaled = a.map(|z| Complex64::new(z.re / scale, z.im / scale));
    let tolerance = 1e-14 * rows.max(columns) as f64;
    let mut best = f64::INFINITY;
    let is_real = scaled.iter().all(|z| z.im == 0.0);
    for attempt in 0..3 {
        let decomposition = match attempt {
            0 => decompose(&scaled, is_real),
            1 => decompose(&scaled.adjoint(), is_real).map(Svd::adjoint),
            _ => Some(jacobi(&scaled)),
        };
        let Some(mut svd) = decomposition else { continue };
        let residual = residual(&scaled, &svd, is_real);
        if residual <= tolerance {
            svd.sigma.iter_mut().for_each(|s| *s *= scale);
            return Ok(svd);
        }
        best = best.min(residual);
    }
    Err(NumericsError::Svd { rows, columns, residual: best, tolerance })
}

/// The largest power of two that is not above a positive number, limited to those with a finite reciprocal.
fn exponent_of(x: f64) -> f64 {
    x.log2().floor().clamp(-1020.0, 1020.0).exp2()
}

fn decompose(a: &DMatrix<Complex64>, is_real: bool) -> Option<Svd> {
    if is_real { thin_svd(&a.map(|z| z.re), Complex64::from) } else { thin_svd(a, |z| z) }
}

fn thin_svd<T: Scalar>(a: &DMatrix<T>, to_complex: impl Fn(T) -> Complex64) -> Option<Svd> {
    let s = view(a).thin_svd().ok()?;
    let (u, v, sigma) = (s.U(), s.V(), s.S().column_vector());
    Some(Svd {
        u: DMatrix::from_fn(u.nrows(), u.ncols(), |i, j| to_complex(u[(i, j)])),
        sigma: (0..sigma.nrows()).map(|i| to_complex(sigma[i]).re).collect(),
        v: DMatrix::from_fn(v.nrows(), v.ncols(), |i, j| to_complex(v[(i, j)])),
    })
}

/// One-sided Jacobi method: pairs of columns are rotated until all are orthogonal (Golub and Van Loan, Matrix
/// Computations). O(N³) per sweep.
fn jacobi(a: &DMatrix<Complex64>) -> Svd {
    if a.nrows() < a.ncols() {
        return jacobi(&a.adjoint()).adjoint();
    }
    const SWEEPS: usize = 40;
    let n = a.ncols();
    let (mut rotated, mut v) = (a.clone(), DMatrix::<Complex64>::identity(n, n));
    for _ in 0..SWEEPS {
        let mut converged = true;
        for p in 0..n {
            for q in p + 1..n {
                let (x, y) = (rotated.column(p).norm_squared(), rotated.column(q).norm_squared());
                let overlap = rotated.column(p).dotc(&rotated.column(q));
                let size = overlap.norm();
                if size <= n as f64 * f64::EPSILON * (x * y).sqrt() {
                    continue;
                }
                converged = false;
                // tan 2φ = 2|γ|/(y − x), the smaller angle.
                let zeta = (y - x) / (2.0 * size);
                let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let (sine, phase) = (cosine * tangent, overlap / size);
                for m in [&mut rotated, &mut v] {
                    for row in 0..m.nrows() {
                        let (x, y) = (m[(row, p)], m[(row, q)] * phase.conj());
                        (m[(row, p)], m[(row, q)]) = (x * cosine - y * sine, x * sine + y * cosine);
                    }
                }
            }
        }
        if converged {
            break;
        }
    }
    // Columns in descending order of length; QR replaces those of zero length.
    let mut order: Vec<usize> = (0..n).collect();
    let lengths: Vec<f64> = rotated.column_iter().map(|c| c.norm()).collect();
    order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));
    let (rotated, v) = (rotated.select_columns(&order), v.select_columns(&order));
    let (square, triangle) = qr(&rotated);
    let mut u = square.columns(0, n).into_owned();
    for (k, mut column) in u.column_iter_mut().enumerate() {
        let d = triangle[(k, k)];
        if d.norm() > 0.0 {
            column *= d / d.norm();
        }
    }
    Svd { u, sigma: order.iter().map(|&k| lengths[k]).collect(), v }
}

/// ‖A − UΣV†‖_F/‖A‖_F, infinite if it is not finite. If A is real, so are U and V, and so is the product.
fn residual(a: &DMatrix<Complex64>, svd: &Svd, is_real: bool) -> f64 {
    if is_real {
        let real = |matrix: &DMatrix<Complex64>| matrix.map(|z| z.re);
        return residual_of(&real(a), real(&svd.u), &svd.sigma, &real(&svd.v));
    }
    residual_of(a, svd.u.clone(), &svd.sigma, &svd.v)
}

fn residual_of<T: Scalar + ComplexField<RealField = f64>>(
    a: &DMatrix<T>,
    mut u: DMatrix<T>,
    sigma: &[f64],
    v: &DMatrix<T>,
) -> f64 {
    for (mut column, &s) in u.column_iter_mut().zip(sigma) {
        column.scale_mut(s);
    }
    let mut difference = a.clone();
    let minus_one = -T::one();
    matmul(view_mut(&mut difference), Accum::Add, view(&u), view(v).adjoint(), minus_one, Par::Seq);
    let (norm, difference) = (a.norm(), difference.norm());
    // NaN factors make a NaN difference, which must count as failed.
    let relative = if norm > 0.0 { difference / norm } else { difference };
    if relative.is_finite() { relative } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Half of the singular values are near one, half near zero, few in between: the first attempt may fail.
    #[test]
    fn corners_of_fourier_matrices_have_singular_values() {
        for n in [254, 255, 256, 257, 258] {
            let half = n / 2;
            let entry = |r: usize, c: usize| Complex64::cis(TAU * ((r * c) % n) as f64 / n as f64) / (n as f64).sqrt();
            let decomposition = svd(&DMatrix::from_fn(half, half, entry)).expect("singular values");
            assert!(decomposition.sigma.iter().all(|s| (0.0..1.0 + 1e-12).contains(s)));
        }
    }

    /// Against the complete products, up to the rounding of sums of 70 terms of order one.
    #[test]
    fn parts_of_products_agree() {
        let entry =
            |r: usize, c: usize| Complex64::new((r as f64 * 1.3 + c as f64).sin(), (r as f64 - 0.7 * c as f64).cos());
        for n in [1, 5, 16, 70] {
            let a = DMatrix::from_fn(n, n, entry);
            let lower = (a.adjoint() * &a).lower_triangle();
            assert!((gram(&a) - lower).norm() < 1e-11, "{n}");
            let b = DMatrix::from_fn(n, 9, |r, c| entry(c, r));
            let part = n / 2..n;
            let expected = a.columns(part.start, part.len()) * b.rows(part.start, part.len());
            let mut product = DMatrix::from_element(n, 9, Complex64::new(f64::NAN, 0.0));
            multiply_part(&a, &b, part, &mut product);
            assert!((product - expected).norm() < 1e-11, "{n}");
        }
    }

    /// The residual of a real matrix, computed with real numbers, is the one computed with complex numbers.
    #[test]
    fn real_residuals_agree() {
        let a = DMatrix::from_fn(20, 13, |r, c| Complex64::from((r as f64 * 1.3 + (c * c) as f64).sin()));
        let mut factors = decompose(&a, true).unwrap();
        factors.sigma[0] *= 1.01;
        let (real, complex) = (residual(&a, &factors, true), residual(&a, &factors, false));
        assert!(real > 1e-4 && (real / complex - 1.0).abs() < 1e-12, "{real} and {complex}");
    }

    #[test]
    fn jacobi_agrees_with_faer() {
        let wave = |k: usize, step: f64| (k as f64 * step).sin();
        for (rows, columns) in [(1, 1), (5, 5), (9, 4), (3, 8), (16, 16)] {
            let entry = |r: usize, c: usize| Complex64::new(wave(r + 7 * c, 1.3), wave(3 * r * c, 0.7));
            let full = DMatrix::from_fn(rows, columns, entry);
            // Full rank, one repeated column, all zeros.
            let mut repeated = full.clone();
            repeated.set_column(columns - 1, &full.column(0));
            for a in [full, repeated, DMatrix::zeros(rows, columns)] {
                let (slow, fast) = (jacobi(&a), decompose(&a, false).unwrap());
                assert!(residual(&a, &slow, false) < 1e-14);
                assert!(slow.sigma.iter().zip(&fast.sigma).all(|(x, y)| (x - y).abs() < 1e-13));
                for side in [&slow.u, &slow.v] {
                    let unit = DMatrix::identity(side.ncols(), side.ncols());
                    assert!((side.adjoint() * side - unit).norm() < 1e-13, "{rows}×{columns}");
                }
            }
        }
    }
}
