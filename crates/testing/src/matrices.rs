//! Random matrices with fixed seeds, and the unitaries on which decompositions fail first.

use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use phaseloom_numerics::{StreamKey, haar_orthogonal, haar_unitary, standard_normal};
use std::f64::consts::TAU;

/// The exchange type of all crates.
pub type Matrix = DMatrix<Complex64>;

/// A real number as a complex one.
#[must_use]
pub fn re(x: f64) -> Complex64 {
    Complex64::new(x, 0.0)
}

/// A Haar-random unitary.
#[must_use]
pub fn haar(n: usize, seed: u64) -> Matrix {
    haar_unitary(n, &mut StreamKey::new(seed, "test").stream())
}

/// A Haar-random real orthogonal matrix.
#[must_use]
pub fn orthogonal(n: usize, seed: u64) -> Matrix {
    haar_orthogonal(n, &mut StreamKey::new(seed, "test").stream())
}

/// A matrix of independent complex normal entries of variance 2.
#[must_use]
pub fn gaussian(rows: usize, columns: usize, seed: u64) -> Matrix {
    let key = StreamKey::new(2, "laws/gaussian").trial(seed).block((rows * 1000 + columns) as u64);
    let mut stream = key.stream();
    Matrix::from_fn(rows, columns, |_, _| Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream)))
}

/// The unitary Fourier transform e^{2πi jk/n}/√n.
#[must_use]
pub fn dft(n: usize) -> Matrix {
    Matrix::from_fn(n, n, |j, k| Complex64::cis(TAU * ((j * k) % n) as f64 / n as f64) / (n as f64).sqrt())
}

/// A permutation that is one cycle for most n; with unequal phases if `phases` is set.
#[must_use]
pub fn permutation(n: usize, phases: bool) -> Matrix {
    let coprime = |s: usize| (2..=s).all(|d| !(n.is_multiple_of(d) && s.is_multiple_of(d)));
    let stride = (2..).find(|&s| coprime(s)).unwrap_or(1);
    Matrix::from_fn(n, n, |r, c| match r == (c * stride + 1) % n {
        true if phases => Complex64::cis(0.7 * c as f64 - 2.0),
        true => re(1.0),
        false => re(0.0),
    })
}

/// The permutation that reverses the order of the modes.
#[must_use]
pub fn reversal(n: usize) -> Matrix {
    Matrix::from_fn(n, n, |r, c| re(if r + c + 1 == n { 1.0 } else { 0.0 }))
}

/// A Haar-random block of half the size, then ones on the diagonal.
#[must_use]
pub fn block_diagonal(n: usize) -> Matrix {
    let mut matrix = Matrix::identity(n, n);
    let half = n / 2;
    if half > 0 {
        matrix.view_mut((0, 0), (half, half)).copy_from(&haar(half, 5));
    }
    matrix
}

/// The Hadamard matrix, which exists here for powers of two.
#[must_use]
pub fn hadamard(n: usize) -> Option<Matrix> {
    let sign = |r: usize, c: usize| if (r & c).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
    n.is_power_of_two().then(|| Matrix::from_fn(n, n, |r, c| re(sign(r, c) / (n as f64).sqrt())))
}

/// A Householder reflection 1 − 2vv†/|v|²: dense, and its own inverse.
fn householder(n: usize) -> Matrix {
    let v = DVector::from_fn(n, |i, _| Complex64::new((i as f64 * 1.7).sin(), (i as f64 * 0.3).cos()));
    let norm = v.norm_squared();
    Matrix::identity(n, n) - &v * v.adjoint() * re(2.0 / norm)
}

/// The identity with rotations by a tiny angle between neighbouring modes.
fn nearly_identity(n: usize, angle: f64) -> Matrix {
    let mut matrix = Matrix::identity(n, n);
    for k in (0..n.saturating_sub(1)).step_by(2) {
        matrix[(k, k + 1)] = re(-angle);
        matrix[(k + 1, k)] = re(angle);
    }
    matrix
}

/// A dense unitary near `matrix`: (1 + K)(1 − K)⁻¹·matrix, K antihermitian with entries of about `size`.
///
/// # Panics
///
/// 1 − K is singular, which a small `size` excludes.
fn perturbed(matrix: &Matrix, size: f64) -> Matrix {
    let n = matrix.nrows();
    let g = haar(n, 7) * re(size * (n as f64).sqrt());
    let k = (&g - g.adjoint()) * re(0.5);
    let inverse = (Matrix::identity(n, n) - &k).try_inverse().expect("near the identity");
    (Matrix::identity(n, n) + k) * inverse * matrix
}

/// Unitaries with structure: zeros, equal entries, entries near the limit below which they count as zero.
#[must_use]
pub fn hard_unitaries(n: usize) -> Vec<(&'static str, Matrix)> {
    let diagonal = Matrix::from_diagonal(&DVector::from_fn(n, |i, _| Complex64::cis(2.1 * i as f64)));
    let mut cases = vec![
        ("Haar", haar(n, n as u64)),
        ("DFT", dft(n)),
        ("identity", Matrix::identity(n, n)),
        ("permutation", permutation(n, false)),
        ("permutation with phases", permutation(n, true)),
        ("reversal", reversal(n)),
        ("diagonal", diagonal),
        ("block-diagonal", block_diagonal(n)),
        ("real orthogonal", orthogonal(n, 3)),
        ("Householder", householder(n)),
        ("entries of 1e-9", nearly_identity(n, 1e-9)),
        ("entries of 1e-160", nearly_identity(n, 1e-160)),
    ];
    cases.extend(hadamard(n).map(|matrix| ("Hadamard", matrix)));
    // Off-diagonal entries just below the limit at which an entry counts as zero.
    let small = |r: usize, c: usize| if r < c { 0.99 * 4e-14 } else { -0.99 * 4e-14 };
    let near_zero = Matrix::from_fn(n, n, |r, c| if r == c { re(1.0) } else { re(small(r, c)) });
    let reversed = Matrix::from_fn(n, n, |r, c| near_zero[(n - 1 - r, c)]);
    cases.extend([("entries near the limit", near_zero), ("entries near the limit, reversed", reversed)]);
    // Almost all power of a row in one entry, and no entry that counts as zero. Large ones take too long to build.
    for size in [1e-3, 1e-9, 1e-12].into_iter().filter(|_| n < 130) {
        cases.push(("identity, dense", perturbed(&Matrix::identity(n, n), size)));
        cases.push(("permutation, dense", perturbed(&permutation(n, true), size)));
    }
    cases
}
