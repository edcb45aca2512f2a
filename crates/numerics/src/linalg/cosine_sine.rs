//! The cosine–sine decomposition of a unitary of 2n modes (Van Loan, Numer. Math. 46, 479, 1985).
//!
//! ```text
//! U = diag(L₁, L₂)·[[C, −S], [S, C]]·diag(R₁, R₂)      blocks n×n, C² + S² = 1
//! ```
//!
//! `U₁₁†U₁₁ + U₂₁†U₂₁ = 1`, so one V makes the columns of both `U₁₁V` and `U₂₁V` orthogonal. Their lengths are the cosines
//! and the sines, their directions L₁ and L₂, and R₁ = V†. The eigenvectors of `U₁₁†U₁₁ − U₂₁†U₂₁` are such a V up to
//! rounding; its eigenvalues are `c² − s²`. Jacobi rotations then reach the relative accuracy that short columns need.
//! Small matrices use rotations only. O(n³).

use super::{hermitian_eigenvectors, multiply, qr};
use nalgebra::{DMatrix, DVectorView};
use num_complex::Complex64;

/// The factors of `U = diag(L₁, L₂)·[[C, −S], [S, C]]·diag(R₁, R₂)`, cosines in descending order.
pub struct CosineSine {
    /// L₁ and L₂.
    pub left: [DMatrix<Complex64>; 2],
    /// R₁ and R₂.
    pub right: [DMatrix<Complex64>; 2],
    /// (cos, sin) of each angle.
    pub parts: Vec<(f64, f64)>,
}

/// Up to this n, rotations alone are faster than eigenvectors first.
const MAX_SMALL: usize = 4;
/// Sweeps over all pairs of columns, after which rotations stop even if they have not converged.
const MAX_SWEEPS: usize = 40;

/// Decomposes a unitary of an even number of modes.
pub fn cosine_sine(u: &DMatrix<Complex64>) -> CosineSine {
    let half = u.nrows() / 2;
    let (rotated, v) = orthogonal_columns(u);
    let sizes: Vec<[f64; 2]> = (0..half).map(|k| lengths(rotated.column(k).as_view())).collect();
    let mut order: Vec<usize> = (0..half).collect();
    order.sort_by(|&i, &j| (sizes[i][1] - sizes[i][0]).total_cmp(&(sizes[j][1] - sizes[j][0])));
    let parts: Vec<(f64, f64)> = order.iter().map(|&k| unit(sizes[k])).collect();
    // The longest columns first, because QR orthogonalises a short column to the long ones before it.
    let upper = directions(&DMatrix::from_fn(half, half, |r, c| rotated[(r, order[c])]));
    let lower = directions(&DMatrix::from_fn(half, half, |r, c| rotated[(half + r, order[half - 1 - c])]));
    let lower = DMatrix::from_fn(half, half, |r, c| lower[(r, half - 1 - c)]);
    let block = |r: usize| u.view((r * half, half), (half, half)).into_owned();
    let (from_upper, from_lower) = (adjoint_times(&upper, &block(0)), adjoint_times(&lower, &block(1)));
    let second = DMatrix::from_fn(half, half, |k, c| {
        let (cosine, sine) = parts[k];
        from_lower[(k, c)] * cosine - from_upper[(k, c)] * sine
    });
    let first = DMatrix::from_fn(half, half, |r, c| v[(c, order[r])].conj());
    CosineSine { left: [upper, lower], right: [first, second], parts }
}

/// The first half of the columns times V, and V.
fn orthogonal_columns(u: &DMatrix<Complex64>) -> (DMatrix<Complex64>, DMatrix<Complex64>) {
    let half = u.nrows() / 2;
    let first = u.columns(0, half).into_owned();
    let unit = DMatrix::identity(half, half);
    if half <= MAX_SMALL {
        let (mut rotated, mut v) = (first, unit);
        for _ in 0..MAX_SWEEPS {
            let mut converged = true;
            for q in 1..half {
                for p in 0..q {
                    converged &= !rotate(&mut rotated, &mut v, (p, q));
                }
            }
            if converged {
                break;
            }
        }
        return (rotated, v);
    }
    let gram = |m: &DMatrix<Complex64>, row: usize| {
        let block = m.rows(row, half).into_owned();
        adjoint_times(&block, &block)
    };
    // If the eigenvectors are not orthogonal, the rotations start from the identity.
    let orthogonal =
        |v: &DMatrix<Complex64>| (adjoint_times(v, v) - &unit).camax() < 4.0 * (half + 8) as f64 * f64::EPSILON;
    let eigenvectors = hermitian_eigenvectors(&(gram(&first, 0) - gram(&first, half))).filter(orthogonal);
    let (mut rotated, mut v) =
        eigenvectors.map_or_else(|| (first.clone(), unit.clone()), |v| (multiply(&first, &v), v));
    for _ in 0..MAX_SWEEPS {
        let overlaps = [gram(&rotated, 0), gram(&rotated, half)];
        let mut converged = true;
        for q in 1..half {
            for p in 0..q {
                let [upper, lower] =
                    overlaps.each_ref().map(|g| Overlap { sizes: [g[(p, p)].re, g[(q, q)].re], product: g[(p, q)] });
                if !decisive(upper, lower).is_small(half) {
                    converged &= !rotate(&mut rotated, &mut v, (p, q));
                }
            }
        }
        if converged {
            break;
        }
    }
    (rotated, v)
}

/// Squared lengths and inner product of two columns, or of one half of each.
#[derive(Clone, Copy)]
struct Overlap {
    sizes: [f64; 2],
    product: Complex64,
}

impl Overlap {
    /// Whether the inner product is within rounding of the longer column, and so changes no direction.
    fn is_small(&self, half: usize) -> bool {
        let tolerance = (half + 8) as f64 * f64::EPSILON;
        self.product.norm_sqr() <= tolerance * tolerance * self.sizes[0].max(self.sizes[1])
    }
}

/// The half whose product of lengths is smaller.
///
/// The inner products of the two halves add up to zero. In the other half, the inner product is within rounding of the
/// longer column, which is almost as long as a complete column.
fn decisive(upper: Overlap, lower: Overlap) -> Overlap {
    let product = |overlap: Overlap| overlap.sizes[0] * overlap.sizes[1];
    if product(upper) <= product(lower) { upper } else { lower }
}

/// Rotates two columns until they are orthogonal (one-sided Jacobi), and those of V with them.
///
/// Returns whether a rotation was necessary.
fn rotate(rotated: &mut DMatrix<Complex64>, v: &mut DMatrix<Complex64>, (p, q): (usize, usize)) -> bool {
    let half = v.nrows();
    let overlap = |rows: usize| {
        let (a, b) = (rotated.view((rows, p), (half, 1)), rotated.view((rows, q), (half, 1)));
        Overlap { sizes: [a.norm_squared(), b.norm_squared()], product: a.dotc(&b) }
    };
    let overlap = decisive(overlap(0), overlap(half));
    if overlap.is_small(half) {
        return false;
    }
    // tan 2φ = 2|γ|/(y − x), the smaller angle.
    let size = overlap.product.norm_sqr().sqrt();
    let zeta = (overlap.sizes[1] - overlap.sizes[0]) / (2.0 * size);
    // |ζ| is at most 1/ε, whose square a double holds.
    let tangent = zeta.signum() / (zeta.abs() + (zeta * zeta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let (sine, phase) = (cosine * tangent, overlap.product.conj() / size);
    for m in [rotated, v] {
        let rows = m.nrows();
        let (first, second) = m.as_mut_slice().split_at_mut(q * rows);
        for (x, y) in first[p * rows..][..rows].iter_mut().zip(&mut second[..rows]) {
            let in_phase = *y * phase;
            (*x, *y) = (*x * cosine - in_phase * sine, *x * sine + in_phase * cosine);
        }
    }
    true
}

/// `A†·B`.
fn adjoint_times(a: &DMatrix<Complex64>, b: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    if a.ncols() <= MAX_SMALL { a.ad_mul(b) } else { multiply(&a.adjoint(), b) }
}

/// Cosine and sine from the lengths of both halves.
fn unit([upper, lower]: [f64; 2]) -> (f64, f64) {
    let norm = (upper * upper + lower * lower).sqrt();
    (upper / norm, lower / norm)
}

/// Lengths of both halves of a column.
fn lengths(column: DVectorView<'_, Complex64>) -> [f64; 2] {
    let half = column.nrows() / 2;
    [column.rows(0, half).norm(), column.rows(half, half).norm()]
}

/// The unitary whose columns have the directions of those of `a`.
///
/// The columns of `a` are almost orthogonal, in descending order of length. A column of zero length gets any direction.
fn directions(a: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    if a.ncols() == 2 {
        return directions_of_two(a);
    }
    let (mut q, triangle) = qr(a);
    for (k, mut column) in q.column_iter_mut().enumerate() {
        let diagonal = triangle[(k, k)];
        let size = diagonal.norm();
        if size > 0.0 {
            column *= diagonal / size;
        }
    }
    q
}

/// [`directions`] of a 2×2 matrix: the second column is orthogonal to the first, with the phase of its own.
fn directions_of_two(a: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let size = a.column(0).norm();
    let first = if size > 0.0 { [a[(0, 0)] / size, a[(1, 0)] / size] } else { [Complex64::ONE, Complex64::ZERO] };
    let second = [-first[1].conj(), first[0].conj()];
    let along = second[0].conj() * a[(0, 1)] + second[1].conj() * a[(1, 1)];
    let phase_factor = if along.norm() > 0.0 { along / along.norm() } else { Complex64::ONE };
    DMatrix::from_column_slice(2, 2, &[first[0], first[1], second[0] * phase_factor, second[1] * phase_factor])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::haar::haar_unitary;
    use crate::random::stream::StreamKey;

    fn haar(n: usize, seed: u64) -> DMatrix<Complex64> {
        haar_unitary(n, &mut StreamKey::new(seed, "test").stream())
    }

    fn diagonal(blocks: [&DMatrix<Complex64>; 2]) -> DMatrix<Complex64> {
        let half = blocks[0].nrows();
        let mut matrix = DMatrix::zeros(2 * half, 2 * half);
        matrix.view_mut((0, 0), (half, half)).copy_from(blocks[0]);
        matrix.view_mut((half, half), (half, half)).copy_from(blocks[1]);
        matrix
    }

    fn middle(parts: &[(f64, f64)]) -> DMatrix<Complex64> {
        let half = parts.len();
        let mut matrix = DMatrix::zeros(2 * half, 2 * half);
        for (k, &(c, s)) in parts.iter().enumerate() {
            for (r, column, value) in [(k, k, c), (k, half + k, -s), (half + k, k, s), (half + k, half + k, c)] {
                matrix[(r, column)] = value.into();
            }
        }
        matrix
    }

    /// Separate angles, clusters at both ends and in the middle, sines below rounding.
    #[test]
    fn the_factors_are_unitary_and_multiply_to_the_matrix() {
        let families: [fn(usize, usize) -> f64; 7] = [
            |k, half| (k as f64 + 0.5) / half as f64 * std::f64::consts::FRAC_PI_2,
            |_, _| 0.0,
            |_, _| std::f64::consts::FRAC_PI_2,
            |_, _| std::f64::consts::FRAC_PI_4,
            |k, _| std::f64::consts::FRAC_PI_4 + 1e-9 * k as f64,
            |k, _| 10f64.powi(-2 * i32::try_from(k).unwrap_or(0)),
            |k, _| if k % 2 == 0 { 1e-12 * k as f64 } else { std::f64::consts::FRAC_PI_2 - 1e-10 * k as f64 },
        ];
        for half in [2, 3, 4, 5, 8, 32] {
            for (family, angle) in families.iter().enumerate() {
                let parts: Vec<(f64, f64)> =
                    (0..half).map(|k| angle(k, half)).map(|angle| (angle.cos(), angle.sin())).collect();
                let [a, b, c, d] = [1, 2, 3, 4].map(|seed| haar(half, seed));
                let matrix = diagonal([&a, &b]) * middle(&parts) * diagonal([&c, &d]);
                for u in [matrix, diagonal([&a, &d]) * middle(&parts)] {
                    let factors = cosine_sine(&u);
                    let tolerance = 1e-14 * (half + 8) as f64;
                    for side in factors.left.iter().chain(&factors.right) {
                        let off = (side.adjoint() * side - DMatrix::identity(half, half)).camax();
                        assert!(off < tolerance, "family {family}, half {half}: {off:e}");
                    }
                    let [left, right] = [&factors.left, &factors.right].map(|sides| diagonal([&sides[0], &sides[1]]));
                    let off = (left * middle(&factors.parts) * right - u).camax();
                    assert!(off < tolerance, "family {family}, half {half}: {off:e}");
                    assert!(
                        factors.parts.is_sorted_by(|a, b| a.0 >= b.0 - 1e-15)
                            && factors.parts.iter().all(|p| p.1 >= 0.0)
                    );
                }
            }
        }
    }
}
