//! Haar-distributed unitary and orthogonal matrices.

use crate::linalg;
use crate::random::stream::standard_normal;
use nalgebra::DMatrix;
use num_complex::Complex64;
use rand::rngs::ChaCha8Rng;

/// A unitary drawn from the Haar measure of U(n): QR of a Ginibre matrix, R's diagonal made real and positive
/// (Mezzadri 2007, recalled). Without that last step the result is unitary, but not Haar.
///
/// # Panics
///
/// If `n` is zero.
#[must_use]
pub fn haar_unitary(n: usize, stream: &mut ChaCha8Rng) -> DMatrix<Complex64> {
    assert!(n > 0, "a unitary needs at least one row");
    let ginibre = DMatrix::from_fn(n, n, |_, _| Complex64::new(standard_normal(stream), standard_normal(stream)));
    fix_phases(linalg::qr(&ginibre))
}

/// An orthogonal matrix from the Haar measure of O(n), as complex numbers with zero imaginary part.
///
/// # Panics
///
/// If `n` is zero.
#[must_use]
pub fn haar_orthogonal(n: usize, stream: &mut ChaCha8Rng) -> DMatrix<Complex64> {
    assert!(n > 0, "an orthogonal matrix needs at least one row");
    let ginibre = DMatrix::from_fn(n, n, |_, _| Complex64::new(standard_normal(stream), 0.0));
    fix_phases(linalg::qr(&ginibre)).map(|z| Complex64::new(z.re, 0.0))
}

fn fix_phases((mut q, r): (DMatrix<Complex64>, DMatrix<Complex64>)) -> DMatrix<Complex64> {
    for (mut column, d) in q.column_iter_mut().zip(r.diagonal().iter()) {
        column *= d / d.norm();
    }
    q
}
