//! A complex matrix times complex vectors, in real products.
//!
//! With W = A + iB and fields x + iq, after Gauss (recalled), three products in the place of four:
//!
//! ```text
//! Re = A(x + q) − (A + B)q      Im = A(x + q) + (B − A)x
//! ```

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Real;
use phaseloom_mesh::linalg::multiply_into;

/// The matrix, prepared for light that is sent in one quadrature or both, and read in one or both.
pub(crate) enum ComplexProduct<T> {
    /// x alone is sent, Re alone is read: A.
    Real(DMatrix<T>),
    /// x alone is sent: A and B.
    InPhase { a: DMatrix<T>, b: DMatrix<T> },
    /// Both are sent: A, A + B and B − A.
    Both { a: DMatrix<T>, sum: DMatrix<T>, difference: DMatrix<T> },
}

/// Fields of some vectors, one after the other: x, q and x + q; the last two only where light is sent in quadrature.
#[derive(Default)]
pub(crate) struct Sent<T> {
    pub x: Vec<T>,
    pub q: Vec<T>,
    pub both: Vec<T>,
}

impl<T: Real> ComplexProduct<T> {
    pub(crate) fn new(matrix: &DMatrix<Complex64>, quadrature_sent: bool, quadrature_read: bool) -> Self {
        let part = |f: fn(&Complex64) -> f64| matrix.map(|z| T::from_f64(f(&z)));
        let a = part(|z| z.re);
        match (quadrature_sent, quadrature_read) {
            (true, _) => Self::Both { a, sum: part(|z| z.re + z.im), difference: part(|z| z.im - z.re) },
            (false, true) => Self::InPhase { a, b: part(|z| z.im) },
            (false, false) => Self::Real(a),
        }
    }

    /// Real and imaginary part of `W(x + iq)`; the imaginary part is left alone where it is not read.
    pub(crate) fn multiply(&self, sent: &Sent<T>, columns: usize, re: &mut [T], im: &mut [T]) {
        let (Self::Real(a) | Self::InPhase { a, .. } | Self::Both { a, .. }) = self;
        let (rows, inputs) = (a.nrows() * columns, a.ncols() * columns);
        let (re, im, x) = (&mut re[..rows], &mut im[..rows], &sent.x[..inputs]);
        match self {
            Self::Real(a) => multiply_into(re, a, x, None),
            Self::InPhase { a, b } => {
                multiply_into(re, a, x, None);
                multiply_into(im, b, x, None);
            }
            Self::Both { a, sum, difference } => {
                multiply_into(re, a, &sent.both[..inputs], None);
                im.copy_from_slice(re);
                multiply_into(re, sum, &sent.q[..inputs], Some(T::ZERO - T::ONE));
                multiply_into(im, difference, x, Some(T::ONE));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_mesh::{StreamKey, standard_normal};

    /// Against nalgebra's complex product; rounding of sums of 20 terms of order one.
    #[test]
    fn three_products_make_four() {
        fn check<T: Real>(tolerance: f64) {
            let mut stream = StreamKey::new(1, "test").stream();
            let mut draw = |rows, columns| {
                DMatrix::from_fn(rows, columns, |_, _| {
                    Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream))
                })
            };
            let (w, fields) = (draw(7, 10), draw(10, 9));
            for (sent, read) in [(true, true), (false, true), (false, false)] {
                let fields = fields.map(|z| if sent { z } else { z.re.into() });
                let part = |f: fn(&Complex64) -> f64| fields.iter().map(|z| T::from_f64(f(z))).collect();
                let sent_fields = Sent { x: part(|z| z.re), q: part(|z| z.im), both: part(|z| z.re + z.im) };
                let (mut re, mut im) = (vec![T::ZERO; 63], vec![T::ZERO; 63]);
                ComplexProduct::new(&w, sent, read).multiply(&sent_fields, 9, &mut re, &mut im);
                for (z, (re, im)) in (&w * &fields).iter().zip(re.iter().zip(&im)) {
                    assert!((z.re - re.to_f64()).abs() < tolerance);
                    assert!(!read || (z.im - im.to_f64()).abs() < tolerance);
                }
            }
        }
        check::<f64>(1e-13);
        check::<f32>(5e-5);
    }
}
