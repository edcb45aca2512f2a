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

/// `1 − F` of the [`fidelity`], 0…1, with an error of about 1e-15·√(1 − F), and digits down to 1e-30.
///
/// The difference of 1 and F loses what is below 1e-16. Here it is the square of the part of Û that is orthogonal to U.
///
/// # Panics
///
/// If the shapes differ.
#[must_use]
pub fn infidelity(target: &DMatrix<Complex64>, realised: &DMatrix<Complex64>) -> f64 {
    let target = target.unscale(target.norm());
    let realised = realised.unscale(realised.norm());
    let overlap = target.dotc(&realised);
    (realised - target * overlap).norm_squared()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_infidelity_keeps_its_digits() {
        let (c, zero) = (Complex64::new, Complex64::new(0.0, 0.0));
        let identity = DMatrix::<Complex64>::identity(2, 2);
        for angle in [1e-12_f64, 1e-6, 0.3] {
            // A rotation by an angle ε has |tr(R)|²/4 = cos²ε; a factor changes nothing.
            let rotated = DMatrix::from_row_slice(
                2,
                2,
                &[c(angle.cos(), 0.0), c(-angle.sin(), 0.0), c(angle.sin(), 0.0), c(angle.cos(), 0.0)],
            ) * c(0.0, 3e-100);
            let expected = angle.sin().powi(2);
            let found = infidelity(&identity, &rotated);
            assert!((found - expected).abs() < 2e-15 * expected.sqrt(), "{angle}: {found}");
        }
        let shifted = DMatrix::from_row_slice(2, 2, &[zero, c(1.0, 0.0), c(1.0, 0.0), zero]);
        assert!((infidelity(&identity, &shifted) - 1.0).abs() < 1e-15);
    }
}
