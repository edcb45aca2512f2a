//! The slow, obvious path that every fast one is tested against: full matrices, multiplied one by one.

use crate::cell::{CellErrors, Transfer};
use crate::section::{Section, SectionKind};
use nalgebra::{DMatrix, Matrix2};
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_4;

/// `S(η) = [[cos η, i sin η], [i sin η, cos η]]`.
#[must_use]
pub fn splitter(eta: f64) -> Matrix2<Complex64> {
    let (s, c) = eta.sin_cos();
    Matrix2::new(c.into(), Complex64::new(0.0, s), Complex64::new(0.0, s), c.into())
}

/// `P(a) = diag(e^{ia}, 1)`.
#[must_use]
pub fn phase(a: f64) -> Matrix2<Complex64> {
    Matrix2::new(Complex64::cis(a), 0.0.into(), 0.0.into(), 1.0.into())
}

/// The transfer matrix of an interferometer as the product of its parts.
#[must_use]
pub fn mzi(theta: f64, phi: f64, errors: CellErrors) -> Transfer {
    let arms = Matrix2::new(errors.upper.into(), 0.0.into(), 0.0.into(), errors.lower.into());
    let t = splitter(FRAC_PI_4 + errors.beta) * phase(theta) * arms * splitter(FRAC_PI_4 + errors.alpha) * phase(phi);
    [[t[(0, 0)], t[(0, 1)]], [t[(1, 0)], t[(1, 1)]]]
}

/// The matrix of a mesh section as the product of one full N×N matrix a cell, O(N⁵) in all.
///
/// # Panics
///
/// If the section is not a mesh or the slices do not match it.
#[must_use]
pub fn mesh(section: &Section, errors: &[CellErrors]) -> DMatrix<Complex64> {
    assert!(section.kind() == SectionKind::Mesh && errors.len() == section.layout().sites.len());
    let modes = section.layout().modes;
    let settings = section.settings();
    let mut product = DMatrix::<Complex64>::identity(modes, modes);
    for (k, site) in section.layout().sites.iter().enumerate() {
        let t = mzi(settings.theta()[k], settings.phi()[k], errors[k]);
        let mut full = DMatrix::<Complex64>::identity(modes, modes);
        for r in 0..2 {
            for c in 0..2 {
                full[(site.mode + r, site.mode + c)] = t[r][c];
            }
        }
        product = full * product;
    }
    let screen =
        DMatrix::from_diagonal(&nalgebra::DVector::from_fn(modes, |j, _| Complex64::cis(settings.output()[j])));
    screen * product
}
