//! The slow, obvious path that every fast one is tested against: cells applied one by one.

use crate::cell::kind::Cell;
use crate::cell::mzi::{CellErrors, Transfer};
use crate::layout::stage::{Stage, StageKind};
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
    let arms = Matrix2::new(errors.upper_transmission.into(), 0.0.into(), 0.0.into(), errors.lower_transmission.into());
    let t = splitter(FRAC_PI_4 + errors.beta) * phase(theta) * arms * splitter(FRAC_PI_4 + errors.alpha) * phase(phi);
    [[t[(0, 0)], t[(0, 1)]], [t[(1, 0)], t[(1, 1)]]]
}

/// The transfer matrix of a cell as the product of its parts.
#[must_use]
pub fn cell(kind: Cell, theta: f64, phi: f64, errors: CellErrors) -> Transfer {
    if kind == Cell::Symmetric {
        let arms = Matrix2::new(
            Complex64::cis(theta) * errors.upper_transmission,
            0.0.into(),
            0.0.into(),
            Complex64::cis(phi) * errors.lower_transmission,
        );
        let t = splitter(FRAC_PI_4 + errors.beta) * arms * splitter(FRAC_PI_4 + errors.alpha);
        return [[t[(0, 0)], t[(0, 1)]], [t[(1, 0)], t[(1, 1)]]];
    }
    if kind == Cell::Coupler {
        let arms =
            Matrix2::new(errors.upper_transmission.into(), 0.0.into(), 0.0.into(), errors.lower_transmission.into());
        let lower = Matrix2::new(1.0.into(), 0.0.into(), 0.0.into(), Complex64::cis(phi));
        let t = splitter(FRAC_PI_4 + errors.alpha) * arms * phase(theta) * lower;
        return [[t[(0, 0)], t[(0, 1)]], [t[(1, 0)], t[(1, 1)]]];
    }
    let [[a, b], [c, d]] = mzi(theta, phi, errors);
    let t = Matrix2::new(a, b, c, d);
    let t = match kind {
        Cell::Mzi | Cell::Symmetric | Cell::Coupler => t,
        Cell::ThreeSplitters => t * splitter(FRAC_PI_4 + errors.gamma),
        Cell::Crossing => Matrix2::new(c, d, a, b),
    };
    [[t[(0, 0)], t[(0, 1)]], [t[(1, 0)], t[(1, 1)]]]
}

/// The matrix of a mesh section, all lines × all lines, from the product of its cells, one after another: each mixes two
/// rows of what stands before it. O(N³).
///
/// # Panics
///
/// If the section is not a mesh or the slices do not match it.
#[must_use]
pub fn mesh(stage: &Stage, errors: &[CellErrors]) -> DMatrix<Complex64> {
    assert!(stage.kind() == StageKind::Mesh && errors.len() == stage.layout().positions.len());
    let (layout, settings) = (stage.layout(), stage.phases());
    let mut product = DMatrix::<Complex64>::identity(layout.modes, layout.modes);
    for column in 0..=layout.columns {
        if let Some(order) = layout.permutation_before(column) {
            product = product.select_rows(order);
        }
        for (k, position) in layout.positions.iter().enumerate().filter(|(_, position)| position.column == column) {
            for (edge, phase) in
                layout.boundary_shifters().iter().zip(settings.boundary()).filter(|(edge, _)| edge.cell == k)
            {
                let line = position.mode + usize::from(edge.lower);
                product.row_mut(line).iter_mut().for_each(|z| *z *= Complex64::cis(*phase));
            }
            let t = cell(layout.cell, settings.theta()[k], settings.phi()[k], errors[k]);
            let t = Matrix2::new(t[0][0], t[0][1], t[1][0], t[1][1]);
            let mixed = t * product.rows(position.mode, 2);
            product.rows_mut(position.mode, 2).copy_from(&mixed);
        }
    }
    for (mode, &phase) in settings.output().iter().enumerate() {
        product.row_mut(mode).iter_mut().for_each(|z| *z *= Complex64::cis(phase));
    }
    product
}
