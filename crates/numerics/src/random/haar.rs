//! Haar-distributed unitary and orthogonal matrices.

use crate::linalg;
use crate::random::stream::standard_normal;
use nalgebra::DMatrix;
use num_complex::Complex64;
use rand::rngs::ChaCha8Rng;

/// A unitary sampled from the Haar measure of U(n) (Mezzadri, Notices AMS 54, 592, 2007).
///
/// It is Q of the QR decomposition of a Ginibre matrix, with R's diagonal made real and positive. Without that last step
/// the result would be unitary, but not Haar-distributed.
///
/// # Panics
///
/// If `n` is zero.
#[must_use]
pub fn haar_unitary(n: usize, stream: &mut ChaCha8Rng) -> DMatrix<Complex64> {
    assert!(n > 0, "a unitary needs at least one row");
    let ginibre = DMatrix::from_fn(n, n, |_, _| Complex64::new(standard_normal(stream), standard_normal(stream)));
    with_positive_diagonal(linalg::qr(&ginibre))
}

/// An orthogonal matrix sampled from the Haar measure of O(n), as complex numbers with zero imaginary part.
///
/// # Panics
///
/// If `n` is zero.
#[must_use]
pub fn haar_orthogonal(n: usize, stream: &mut ChaCha8Rng) -> DMatrix<Complex64> {
    assert!(n > 0, "an orthogonal matrix needs at least one row");
    let ginibre = DMatrix::from_fn(n, n, |_, _| Complex64::new(standard_normal(stream), 0.0));
    with_positive_diagonal(linalg::qr(&ginibre)).map(|z| Complex64::new(z.re, 0.0))
}

/// Moves the phases of R's diagonal into the columns of Q.
fn with_positive_diagonal((mut q, r): (DMatrix<Complex64>, DMatrix<Complex64>)) -> DMatrix<Complex64> {
    for (mut column, d) in q.column_iter_mut().zip(r.diagonal().iter()) {
        column *= d / d.norm();
    }
    q
}
