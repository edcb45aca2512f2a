//! The sine–cosine fractal: N/2 cells in each of N−1 columns, whose strides are those of a ruler, 1 2 1 4 1 2 1 …
//! (Basani, Vadlamani, Bandyopadhyay, Englund, Hamerly, Nanophotonics 12, 975, 2023, recalled; the strides as in the
//! public code `meshes`).
//!
//! A unitary of N = 2n lines has the cosine–sine decomposition
//!
//! ```text
//!  U = [L₁  0 ]·[C −S]·[R₁  0 ]
//!      [0   L₂] [S  C] [0   R₂]
//! ```
//!
//! with unitaries L, R of n lines and diagonal C² + S² = 1: one column of cells that join i and i+n, between two meshes
//! that are two of half the size each, and so on. Splittings are then spread evenly, not crowded near cross as in a
//! rectangular mesh. Other N take the lines of the next power of two.

use super::{Layout, Topology, stride};
use crate::cell::{CellErrors, ideal, wrap};
use crate::cell_inverse::match_ratio;
use crate::follow::left_over;
use crate::linalg::{multiply, qr, svd};
use crate::section::Settings;
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::f64::consts::FRAC_1_SQRT_2;

/// N(N−1)/2 cells in N−1 columns, any two lines joined directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fractal;

impl Topology for Fractal {
    fn key(&self) -> &'static str {
        "fractal"
    }

    fn description(&self) -> &'static str {
        "sine–cosine fractal, N(N−1)/2 cells in N−1 columns with crossings between (Basani 2023)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let columns = modes.next_power_of_two() - 1;
        let strides: Vec<usize> = (1..=columns).map(|i| 1 << i.trailing_zeros()).collect();
        stride::layout(modes, &strides, |_, _| true)
    }

    /// By cosine–sine decompositions, from the whole to pairs. O(N³).
    fn program(&self, target: &Unitary) -> Result<Settings, MeshError> {
        let (n, ports) = (target.modes().next_power_of_two(), target.modes());
        let mut u = DMatrix::identity(n, n);
        u.view_mut((0, 0), (ports, ports)).copy_from(target.matrix());
        let mut settings = Settings::zero(n / 2 * (n - 1), ports);
        let mut turn = vec![Complex64::new(1.0, 0.0); n];
        Halves { lines: n, settings: &mut settings }.program(&u, 0, 0, &mut turn)?;
        for (mode, turn) in turn.into_iter().take(ports).enumerate() {
            settings.set_output(mode, wrap(turn.arg()));
        }
        Ok(settings)
    }
}

struct Halves<'a> {
    lines: usize,
    settings: &'a mut Settings,
}

impl Halves<'_> {
    /// Sets the cells of `u` on the lines from `line` on, in the columns from `column` on. `turn` are phases that stand on
    /// these lines before it, and then those behind it.
    fn program(
        &mut self,
        u: &DMatrix<Complex64>,
        line: usize,
        column: usize,
        turn: &mut [Complex64],
    ) -> Result<(), MeshError> {
        let n = u.nrows();
        if n == 1 {
            turn[0] *= u[(0, 0)];
            return Ok(());
        }
        let half = n / 2;
        let parts = cosine_sine(u)?;
        let (upper, lower) = turn.split_at_mut(half);
        self.program(&parts.right[0], line, column, upper)?;
        self.program(&parts.right[1], line + half, column, lower)?;
        let middle = column + half - 1;
        for k in 0..half {
            let (s, c) = parts.angles[k].sin_cos();
            let wanted = [[upper[k] * c, lower[k] * -s], [upper[k] * s, lower[k] * c]];
            let found = match_ratio(&wanted, CellErrors::NONE);
            // Partners stand beside each other, group by group; this is the only group on its lines.
            let cell = middle * (self.lines / 2) + line / 2 + k;
            self.settings.set_cell(cell, found.theta, wrap(found.phi));
            let made = ideal(found.theta, found.phi);
            (upper[k], lower[k]) = (left_over(&made, &wanted, 0), left_over(&made, &wanted, 1));
        }
        self.program(&parts.left[0], line, middle + 1, upper)?;
        self.program(&parts.left[1], line + half, middle + 1, lower)
    }
}

/// `U = diag(L₁, L₂)·[[C, −S], [S, C]]·diag(R₁, R₂)`.
struct CosineSine {
    left: [DMatrix<Complex64>; 2],
    right: [DMatrix<Complex64>; 2],
    angles: Vec<f64>,
}

/// `U₁₁ = L₁·C·R₁` by singular values, sines falling; `U₂₁·R₁† = L₂·S` by QR, which tells columns of large sines apart.
/// Cosines near one do not: where the sine is the smaller one, the triangle of the QR is decomposed in turn and turns L₁
/// and R₁ with it (Van Loan, Numer. Math. 46, 479, 1985, recalled). R₂ from the two blocks that are left.
fn cosine_sine(u: &DMatrix<Complex64>) -> Result<CosineSine, MeshError> {
    let half = u.nrows() / 2;
    let block = |r: usize, c: usize| u.view((r * half, c * half), (half, half)).into_owned();
    let found = svd(&block(0, 0))?;
    let reversed = |m: &DMatrix<Complex64>| DMatrix::from_fn(half, half, |r, c| m[(r, half - 1 - c)]);
    let (mut left, mut right) = (reversed(&found.u), reversed(&found.v));
    let mut cosines: Vec<f64> = (0..half).map(|k| found.sigma[half - 1 - k]).collect();
    let large = cosines.iter().filter(|c| **c <= FRAC_1_SQRT_2).count();
    let small = half - large;
    let (mut lower, triangle) = qr(&multiply(&block(1, 0), &right));
    let mut sines: Vec<f64> = (0..large).map(|k| unphased(&mut lower, k, triangle[(k, k)])).collect();
    if small > 0 {
        let turn = |m: &mut DMatrix<Complex64>, by: &DMatrix<Complex64>| {
            let turned = multiply(&m.columns(large, small).into_owned(), by);
            m.columns_mut(large, small).copy_from(&turned);
        };
        let rest = svd(&triangle.view((large, large), (small, small)).into_owned())?;
        turn(&mut lower, &rest.u);
        turn(&mut right, &rest.v);
        let mut scaled = rest.v;
        scaled.row_iter_mut().zip(&cosines[large..]).for_each(|(mut row, c)| row.iter_mut().for_each(|z| *z *= *c));
        let (q, triangle) = qr(&scaled);
        turn(&mut left, &q);
        for k in 0..small {
            cosines[large + k] = unphased(&mut left, large + k, triangle[(k, k)]);
            sines.push(rest.sigma[k]);
        }
    }
    let angles: Vec<f64> = sines.into_iter().zip(cosines).map(|(s, c)| s.atan2(c)).collect();
    let (from_upper, from_lower) = (multiply(&left.adjoint(), &block(0, 1)), multiply(&lower.adjoint(), &block(1, 1)));
    let second = DMatrix::from_fn(half, half, |k, c| {
        let (s, cos) = angles[k].sin_cos();
        from_lower[(k, c)] * cos - from_upper[(k, c)] * s
    });
    Ok(CosineSine { left: [left, lower], right: [right.adjoint(), second], angles })
}

/// Takes the phase that QR leaves on the diagonal into the column; what is left is real.
fn unphased(q: &mut DMatrix<Complex64>, column: usize, diagonal: Complex64) -> f64 {
    let size = diagonal.norm();
    if size > 0.0 {
        q.column_mut(column).iter_mut().for_each(|z| *z *= diagonal / size);
    }
    size
}
