//! The reference that every fast path is tested against: cells as products of their parts, applied one by one.

use crate::cell::kind::{Cell, CellPart};
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

/// The matrix of one optical part of a cell.
#[must_use]
pub fn part(part: CellPart, theta: f64, phi: f64, errors: CellErrors) -> Matrix2<Complex64> {
    let zero = Complex64::ZERO;
    match part {
        CellPart::InputSplitter => splitter(FRAC_PI_4 + errors.gamma),
        CellPart::FirstSplitter => splitter(FRAC_PI_4 + errors.alpha),
        CellPart::SecondSplitter => splitter(FRAC_PI_4 + errors.beta),
        CellPart::Theta => phase(theta),
        CellPart::Phi => phase(phi),
        CellPart::LowerPhi => Matrix2::new(Complex64::ONE, zero, zero, Complex64::cis(phi)),
        CellPart::Arms => Matrix2::new(errors.upper_transmission.into(), zero, zero, errors.lower_transmission.into()),
        CellPart::Crossing => Matrix2::new(zero, Complex64::ONE, Complex64::ONE, zero),
    }
}

/// The transfer matrix of a cell as the product of its parts.
#[must_use]
pub fn cell(kind: Cell, theta: f64, phi: f64, errors: CellErrors) -> Transfer {
    let product = kind.parts().iter().fold(Matrix2::identity(), |product, &p| part(p, theta, phi, errors) * product);
    [[product[(0, 0)], product[(0, 1)]], [product[(1, 0)], product[(1, 1)]]]
}

/// The transfer matrix of an MZI as the product of its parts.
#[must_use]
pub fn mzi(theta: f64, phi: f64, errors: CellErrors) -> Transfer {
    cell(Cell::Mzi, theta, phi, errors)
}

/// The matrix of a mesh stage, modes × modes, as the product of its cells. Each cell mixes two rows of the product so
/// far. O(N³).
///
/// # Panics
///
/// If the stage is not a mesh or does not have one entry of `errors` per cell.
#[must_use]
pub fn mesh(stage: &Stage, errors: &[CellErrors]) -> DMatrix<Complex64> {
    assert!(stage.kind() == StageKind::Mesh && errors.len() == stage.layout().positions.len());
    let (layout, phases) = (stage.layout(), stage.phases());
    let mut product = DMatrix::<Complex64>::identity(layout.modes, layout.modes);
    for column in 0..=layout.columns {
        if let Some(order) = layout.permutation_before(column) {
            product = product.select_rows(order);
        }
        for (k, position) in layout.positions.iter().enumerate().filter(|(_, position)| position.column == column) {
            for (shifter, phase) in
                layout.boundary_shifters().iter().zip(phases.boundary()).filter(|(shifter, _)| shifter.cell == k)
            {
                let mode = position.mode + usize::from(shifter.lower);
                product.row_mut(mode).iter_mut().for_each(|z| *z *= Complex64::cis(*phase));
            }
            let t = cell(layout.cell, phases.theta()[k], phases.phi()[k], errors[k]);
            let t = Matrix2::new(t[0][0], t[0][1], t[1][0], t[1][1]);
            let mixed = t * product.rows(position.mode, 2);
            product.rows_mut(position.mode, 2).copy_from(&mixed);
        }
    }
    for (mode, &phase) in phases.output().iter().enumerate() {
        product.row_mut(mode).iter_mut().for_each(|z| *z *= Complex64::cis(phase));
    }
    product
}
