//! A matrix that has been checked to be unitary.

use crate::error::MeshError;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_numerics::linalg;
use phaseloom_numerics::simd::gram::small_gram;

/// A square matrix with `U†U = I` within a tolerance, which is checked on construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Unitary(DMatrix<Complex64>);

/// Modes up to which one loop over all pairs of columns is faster than blocks of them.
const SMALL: usize = 128;
/// Below this ratio of singular values rounding decides the nearest unitary.
const SINGULAR: f64 = 1e-12;

impl Unitary {
    /// Maximum entry of |U†U − I| that is accepted in double precision.
    pub const TOLERANCE: f64 = 1e-9;

    /// Checks a matrix: finite, square, `max |U†U − I| ≤ tolerance`.
    ///
    /// # Errors
    ///
    /// [`MeshError::Empty`], [`MeshError::NotFinite`], [`MeshError::NotSquare`] or [`MeshError::NotUnitary`].
    pub fn new(matrix: DMatrix<Complex64>, tolerance: f64) -> Result<Self, MeshError> {
        check_square(&matrix)?;
        let deviation = Self::deviation(&matrix);
        if deviation <= tolerance { Ok(Self(matrix)) } else { Err(MeshError::NotUnitary { deviation, tolerance }) }
    }

    /// A matrix that is unitary by construction.
    pub(crate) fn trusted(matrix: DMatrix<Complex64>) -> Self {
        Self(matrix)
    }

    /// `max |U†U − I|` over all entries of a square matrix; infinity where a product overflows.
    #[must_use]
    pub fn deviation(matrix: &DMatrix<Complex64>) -> f64 {
        let mut gram = if matrix.ncols() > SMALL { linalg::gram(matrix) } else { small_gram(matrix) };
        for i in 0..gram.nrows() {
            gram[(i, i)] -= 1.0;
        }
        // Squares find the worst entry at a tenth of the cost of moduli. Where a square leaves the range of a double, moduli do.
        let worst = gram
            .iter()
            .map(|z| z.norm_sqr())
            .fold(0.0, |worst: f64, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) });
        if worst.is_normal() {
            return worst.sqrt();
        }
        gram.iter().map(|z| z.norm()).fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { d.max(worst) })
    }

    /// The unitary nearest to a matrix (polar factor `UV†` of its singular value decomposition).
    ///
    /// # Errors
    ///
    /// [`MeshError::Empty`], [`MeshError::NotFinite`], [`MeshError::NotSquare`], [`MeshError::Singular`], or
    /// [`MeshError::Numerics`] if the decomposition fails.
    pub fn nearest(matrix: &DMatrix<Complex64>) -> Result<Self, MeshError> {
        check_square(matrix)?;
        let svd = linalg::svd(matrix)?;
        let (largest, smallest) = (svd.sigma[0], svd.sigma[svd.sigma.len() - 1]);
        if smallest <= SINGULAR * largest {
            return Err(MeshError::Singular { smallest, largest });
        }
        Ok(Self(linalg::multiply(&svd.u, &svd.v.adjoint())))
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &DMatrix<Complex64> {
        &self.0
    }

    /// Number of rows and of columns.
    #[must_use]
    pub fn modes(&self) -> usize {
        self.0.nrows()
    }
}

fn check_square(matrix: &DMatrix<Complex64>) -> Result<(), MeshError> {
    check_finite(matrix)?;
    if matrix.is_square() {
        return Ok(());
    }
    Err(MeshError::NotSquare { rows: matrix.nrows(), columns: matrix.ncols() })
}

/// Checks that a matrix has entries, and that all are finite.
pub(crate) fn check_finite(matrix: &DMatrix<Complex64>) -> Result<(), MeshError> {
    if matrix.is_empty() {
        return Err(MeshError::Empty { rows: matrix.nrows(), columns: matrix.ncols() });
    }
    if matrix.iter().all(|z| z.re.is_finite() && z.im.is_finite()) {
        return Ok(());
    }
    // Row by row: the error names the first such entry in reading order.
    for row in 0..matrix.nrows() {
        for column in 0..matrix.ncols() {
            let z = matrix[(row, column)];
            if !(z.re.is_finite() && z.im.is_finite()) {
                let value = if z.im == 0.0 { format!("{}", z.re) } else { format!("{z}") };
                return Err(MeshError::NotFinite { row, column, value });
            }
        }
    }
    Ok(())
}
