//! The cosine–sine decomposition of a unitary of 2n modes (Van Loan, Numer. Math. 46, 479, 1985).
//!
//! ```text
//!  U = ⎡U₁₁ U₁₂⎤ = ⎡L₁   ⎤·⎡C −S⎤·⎡R₁   ⎤      L, R unitary n×n,  C² + S² = 1
//!      ⎣U₂₁ U₂₂⎦   ⎣   L₂⎦ ⎣S  C⎦ ⎣   R₂⎦
//! ```
//!
//! One V makes the columns of both `U₁₁V` and `U₂₁V` orthogonal, because `U₁₁†U₁₁ + U₂₁†U₂₁ = 1`. The lengths of these
//! columns are the cosines and sines, their directions are L₁ and L₂, and R₁ = V†. The eigenvectors of
//! `U₁₁†U₁₁ − U₂₁†U₂₁`, with eigenvalues c² − s², are such a V to rounding. One-sided Jacobi rotations then refine it to the
//! relative accuracy that short columns need (this method: derived here). Small matrices use Jacobi rotations alone. O(n³).

use super::{hermitian_eigenvectors, multiply, qr};
use nalgebra::{DMatrix, DVectorView};
use num_complex::Complex64;

/// `U = diag(L₁, L₂)·[[C, −S], [S, C]]·diag(R₁, R₂)` with C² + S² = 1, cosines descending.
pub struct CosineSine {
    /// L₁ and L₂, n×n.
    pub left: [DMatrix<Complex64>; 2],
    /// R₁ and R₂, n×n.
    pub right: [DMatrix<Complex64>; 2],
    /// (cos, sin) of each angle.
    pub cosine_sine: Vec<(f64, f64)>,
}

/// Half size up to which Jacobi rotations alone are faster. Above it, eigenvectors come first.
const SMALL: usize = 4;
/// Maximum number of rounds over all pairs of columns. Few are needed: convergence is quadratic.
const MAX_ROUNDS: usize = 40;

/// Decomposes a unitary of an even number of modes, at least two. A matrix that is not unitary has meaningless factors.
///
/// # Panics
///
/// If the matrix is empty, is not square or has an odd number of rows.
pub fn cosine_sine(u: &DMatrix<Complex64>) -> CosineSine {
    let half = u.nrows() / 2;
    assert!(half > 0, "a cosine-sine decomposition needs at least two modes");
    assert_eq!(u.shape(), (2 * half, 2 * half), "a square matrix of an even number of modes");
    let (columns, v) = orthogonal_columns(u);
    let sizes: Vec<[f64; 2]> = (0..half).map(|k| lengths(columns.column(k).as_view())).collect();
    let mut order: Vec<usize> = (0..half).collect();
    order.sort_by(|&i, &j| (sizes[i][1] - sizes[i][0]).total_cmp(&(sizes[j][1] - sizes[j][0])));
    let parts: Vec<(f64, f64)> = order.iter().map(|&k| unit(sizes[k])).collect();
    // The longest column first: orthogonalising a short column against it removes only rounding errors.
    let upper = directions(&DMatrix::from_fn(half, half, |r, c| columns[(r, order[c])]));
    let lower = directions(&DMatrix::from_fn(half, half, |r, c| columns[(half + r, order[half - 1 - c])]));
    let lower = DMatrix::from_fn(half, half, |r, c| lower[(r, half - 1 - c)]);
    let block = |r: usize| u.view((r * half, half), (half, half)).into_owned();
    let (from_upper, from_lower) = (adjoint_times(&upper, &block(0)), adjoint_times(&lower, &block(1)));
    let second = DMatrix::from_fn(half, half, |k, c| {
        let (cosine, sine) = parts[k];
        from_lower[(k, c)] * cosine - from_upper[(k, c)] * sine
    });
    let first = DMatrix::from_fn(half, half, |r, c| v[(c, order[r])].conj());
    CosineSine { left: [upper, lower], right: [first, second], cosine_sine: parts }
}

/// The first half of the columns times V, and V.
fn orthogonal_columns(u: &DMatrix<Complex64>) -> (DMatrix<Complex64>, DMatrix<Complex64>) {
    let half = u.nrows() / 2;
    let first = u.columns(0, half).into_owned();
    let unit = DMatrix::identity(half, half);
    if half <= SMALL {
        let (mut columns, mut v) = (first, unit);
        for _ in 0..MAX_ROUNDS {
            let mut settled = true;
            for q in 1..half {
                for p in 0..q {
                    settled &= !rotate(&mut columns, &mut v, (p, q));
                }
            }
            if settled {
                break;
            }
        }
        return (columns, v);
    }
    let gram = |m: &DMatrix<Complex64>, row: usize| {
        let block = m.rows(row, half).into_owned();
        adjoint_times(&block, &block)
    };
    // If the eigenvectors are not orthonormal, the rotations start from the identity.
    let good = |v: &DMatrix<Complex64>| (adjoint_times(v, v) - &unit).camax() < 4.0 * (half + 8) as f64 * f64::EPSILON;
    let eigenvectors = hermitian_eigenvectors(&(gram(&first, 0) - gram(&first, half))).filter(good);
    let (mut columns, mut v) =
        eigenvectors.map_or_else(|| (first.clone(), unit.clone()), |v| (multiply(&first, &v), v));
    for _ in 0..MAX_ROUNDS {
        let overlaps = [gram(&columns, 0), gram(&columns, half)];
        let mut settled = true;
        for q in 1..half {
            for p in 0..q {
                let [upper, lower] =
                    overlaps.each_ref().map(|g| Overlap { sizes: [g[(p, p)].re, g[(q, q)].re], product: g[(p, q)] });
                if !decisive(upper, lower).is_small(half) {
                    settled &= !rotate(&mut columns, &mut v, (p, q));
                }
            }
        }
        if settled {
            break;
        }
    }
    (columns, v)
}

/// Squared lengths and inner product of two columns, or of their halves.
#[derive(Clone, Copy)]
struct Overlap {
    sizes: [f64; 2],
    product: Complex64,
}

impl Overlap {
    /// Whether the inner product is rounding relative to the longer column, so that a rotation would change no direction.
    fn is_small(&self, half: usize) -> bool {
        let tolerance = (half + 8) as f64 * f64::EPSILON;
        self.product.norm_sqr() <= tolerance * tolerance * self.sizes[0].max(self.sizes[1])
    }
}

/// The overlap of the half with the smaller product of lengths. The other half has the negative inner product, but there
/// it is within rounding of the longer column.
fn decisive(upper: Overlap, lower: Overlap) -> Overlap {
    let product = |overlap: Overlap| overlap.sizes[0] * overlap.sizes[1];
    if product(upper) <= product(lower) { upper } else { lower }
}

/// Rotates two columns until they are orthogonal (one-sided Jacobi), and those of V alike. Returns whether they were not
/// orthogonal before.
fn rotate(columns: &mut DMatrix<Complex64>, v: &mut DMatrix<Complex64>, (p, q): (usize, usize)) -> bool {
    let half = v.nrows();
    let overlap = |rows: usize| {
        let (a, b) = (columns.view((rows, p), (half, 1)), columns.view((rows, q), (half, 1)));
        Overlap { sizes: [a.norm_squared(), b.norm_squared()], product: a.dotc(&b) }
    };
    let overlap = decisive(overlap(0), overlap(half));
    if overlap.is_small(half) {
        return false;
    }
    // tan 2φ = 2|γ|/(y − x), the smaller angle.
    let size = overlap.product.norm_sqr().sqrt();
    let zeta = (overlap.sizes[1] - overlap.sizes[0]) / (2.0 * size);
    // ζ is at most 1/ε, so ζ² is within the range of a double.
    let tangent = zeta.signum() / (zeta.abs() + (zeta * zeta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let (sine, phase) = (cosine * tangent, overlap.product.conj() / size);
    for m in [columns, v] {
        let rows = m.nrows();
        let (first, second) = m.as_mut_slice().split_at_mut(q * rows);
        for (x, y) in first[p * rows..][..rows].iter_mut().zip(&mut second[..rows]) {
            let shifted = *y * phase;
            (*x, *y) = (*x * cosine - shifted * sine, *x * sine + shifted * cosine);
        }
    }
    true
}

/// `A†·B`.
fn adjoint_times(a: &DMatrix<Complex64>, b: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    if a.ncols() <= SMALL { a.ad_mul(b) } else { multiply(&a.adjoint(), b) }
}

/// Cosine and sine of the angle whose adjacent and opposite sides are the lengths of both halves.
fn unit([upper, lower]: [f64; 2]) -> (f64, f64) {
    let length = (upper * upper + lower * lower).sqrt();
    (upper / length, lower / length)
}

/// Lengths of both halves of a column.
fn lengths(column: DVectorView<'_, Complex64>) -> [f64; 2] {
    let half = column.nrows() / 2;
    [column.rows(0, half).norm(), column.rows(half, half).norm()]
}

/// The unitary whose columns have the directions of those of `a`, which are almost orthogonal and of descending length.
/// The direction of a zero column is arbitrary.
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

/// [`directions`] of a 2×2 matrix: the second column is orthogonal to the first and keeps its phase.
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
    use phaseloom_testing::haar;

    fn diagonal(blocks: [&DMatrix<Complex64>; 2]) -> DMatrix<Complex64> {
        let half = blocks[0].nrows();
        let mut whole = DMatrix::zeros(2 * half, 2 * half);
        whole.view_mut((0, 0), (half, half)).copy_from(blocks[0]);
        whole.view_mut((half, half), (half, half)).copy_from(blocks[1]);
        whole
    }

    fn middle(parts: &[(f64, f64)]) -> DMatrix<Complex64> {
        let half = parts.len();
        let mut whole = DMatrix::zeros(2 * half, 2 * half);
        for (k, &(c, s)) in parts.iter().enumerate() {
            for (r, column, value) in [(k, k, c), (k, half + k, -s), (half + k, k, s), (half + k, half + k, c)] {
                whole[(r, column)] = value.into();
            }
        }
        whole
    }

    /// Angles that are distinct, clustered at both ends or in the middle; sines below rounding.
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
                let whole = diagonal([&a, &b]) * middle(&parts) * diagonal([&c, &d]);
                for u in [whole, diagonal([&a, &d]) * middle(&parts)] {
                    let factors = cosine_sine(&u);
                    let tolerance = 1e-14 * (half + 8) as f64;
                    for side in factors.left.iter().chain(&factors.right) {
                        let error = (side.adjoint() * side - DMatrix::identity(half, half)).camax();
                        assert!(error < tolerance, "family {family}, half {half}: {error:e}");
                    }
                    let [left, right] = [&factors.left, &factors.right].map(|sides| diagonal([&sides[0], &sides[1]]));
                    let error = (left * middle(&factors.cosine_sine) * right - u).camax();
                    assert!(error < tolerance, "family {family}, half {half}: {error:e}");
                    assert!(
                        factors.cosine_sine.is_sorted_by(|a, b| a.0 >= b.0 - 1e-15)
                            && factors.cosine_sine.iter().all(|p| p.1 >= 0.0)
                    );
                }
            }
        }
    }
}
