//! The two sweeps of a decomposition: cells applied to a unitary from the right and from the left.

use crate::cell;
use nalgebra::DMatrix;
use num_complex::Complex64;

/// `U ← U·T†` on the columns (m, m+1), for the rows 0…`row`; the rows below are zero in both columns already. The
/// nulled entry (`row`, m) becomes an exact zero.
pub(crate) fn apply_from_right(u: &mut DMatrix<Complex64>, m: usize, row: usize, theta: f64, phi: f64) {
    let t = cell::ideal(theta, phi);
    let adjoint = [[t[0][0].conj(), t[1][0].conj()], [t[0][1].conj(), t[1][1].conj()]];
    let n = u.nrows();
    let (first, second) = u.as_mut_slice()[m * n..(m + 2) * n].split_at_mut(n);
    for (a, b) in first[..=row].iter_mut().zip(&mut second[..=row]) {
        (*a, *b) = (*a * adjoint[0][0] + *b * adjoint[1][0], *a * adjoint[0][1] + *b * adjoint[1][1]);
    }
    first[row] = Complex64::new(0.0, 0.0);
}

/// One sweep from the left: for j = 0…`last`, `U ← T_j·U` on the rows (m, m+1), m = `top` + j, with the cell that
/// `null` finds for the entry (m+1, j). Returns (θ, φ) of each.
///
/// The cells are applied column by column of U, so that memory is read in order: cell j acts on the columns j, j+1, …
/// (both of its rows are zero before them), and is known once the cells before it have passed column j.
pub(crate) fn apply_from_left(
    u: &mut DMatrix<Complex64>,
    top: usize,
    last: usize,
    null: fn(Complex64, Complex64) -> (f64, f64),
) -> Vec<(f64, f64)> {
    let mut angles = Vec::with_capacity(last + 1);
    let mut cells = Vec::with_capacity(last + 1);
    for (c, mut column) in u.column_iter_mut().enumerate() {
        for (j, t) in cells.iter().enumerate() {
            rotate(&mut column, top + j, t);
        }
        if c <= last {
            let m = top + c;
            let (theta, phi) = null(column[m], column[m + 1]);
            let t = cell::ideal(theta, phi);
            rotate(&mut column, m, &t);
            column[m + 1] = Complex64::new(0.0, 0.0);
            angles.push((theta, phi));
            cells.push(t);
        }
    }
    angles
}

fn rotate(column: &mut nalgebra::DVectorViewMut<'_, Complex64>, m: usize, t: &cell::Transfer) {
    let (a, b) = (column[m], column[m + 1]);
    column[m] = t[0][0] * a + t[0][1] * b;
    column[m + 1] = t[1][0] * a + t[1][1] * b;
}
