//! Distances between matrices: fidelity and relative errors.

use nalgebra::DMatrix;
use num_complex::Complex64;

/// `‖U − Û‖_F/√N` of two matrices of N columns: the usual error of a mesh. A global phase counts as an error. NaN for
/// empty matrices.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn matrix_error(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    (target - realised).norm() / (target.ncols() as f64).sqrt()
}

/// `‖W − Ŵ‖_F/‖W‖_F`; for a unitary the same as [`matrix_error`]. NaN or infinite if W is zero.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn relative_error(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    (target - realised).norm() / target.norm()
}

/// `|tr(U†Û)|²/(tr(U†U)·tr(Û†Û))`, 0…1.
///
/// A global phase and a loss common to all modes do not change it, so report the transmission as well. NaN if a matrix
/// is zero.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn fidelity(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    // The quotient is squared last, because fourth powers of the entries may leave the range of a double.
    (target.dotc(realised) / (target.norm() * realised.norm())).norm_sqr()
}
