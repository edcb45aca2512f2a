//! The cosine–sine decomposition of a unitary of 2n lines.
//!
//! One V makes the columns of both `U₁₁V` and `U₂₁V` orthogonal, for `U₁₁†U₁₁ + U₂₁†U₂₁ = 1`: their lengths are the cosines
//! and the sines, their directions L₁ and L₂, and R₁ = V†. Eigenvectors of `U₁₁†U₁₁ − U₂₁†U₂₁`, whose eigenvalues are
//! `c² − s²`, are such a V to rounding; Jacobi's rotations, which alone serve small matrices, make it one to the relative
//! accuracy that short columns ask for (Van Loan, Numer. Math. 46, 479, 1985, recalled, for the decomposition; this way to
//! it derived). O(n³).

use super::{hermitian_eigenvectors, multiply, qr};
use nalgebra::{DMatrix, DVectorView};
use num_complex::Complex64;

/// `U = diag(L₁, L₂)·[[C, −S], [S, C]]·diag(R₁, R₂)` with C² + S² = 1, cosines falling.
pub struct CosineSine {
    pub left: [DMatrix<Complex64>; 2],
    pub right: [DMatrix<Complex64>; 2],
    /// (cos, sin) of each angle.
    pub parts: Vec<(f64, f64)>,
}

/// Up to this half, rotations alone are faster than eigenvectors.
const SMALL: usize = 4;
/// After so many sweeps over all pairs columns are as orthogonal as they get.
const SWEEPS: usize = 40;

/// Decomposes a unitary of an even number of lines.
pub fn cosine_sine(u: &DMatrix<Complex64>) -> CosineSine {
    let half = u.nrows() / 2;
    let (made, v) = orthogonal_columns(u);
    let sizes: Vec<[f64; 2]> = (0..half).map(|k| lengths(made.column(k).as_view())).collect();
    let mut order: Vec<usize> = (0..half).collect();
    order.sort_by(|&i, &j| (sizes[i][1] - sizes[i][0]).total_cmp(&(sizes[j][1] - sizes[j][0])));
    let parts: Vec<(f64, f64)> = order.iter().map(|&k| unit(sizes[k])).collect();
    // The longest first: what is left of a short one is its own.
    let upper = directions(&DMatrix::from_fn(half, half, |r, c| made[(r, order[c])]));
    let lower = directions(&DMatrix::from_fn(half, half, |r, c| made[(half + r, order[half - 1 - c])]));
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
    if half <= SMALL {
        let (mut made, mut v) = (first, unit);
        for _ in 0..SWEEPS {
            let mut settled = true;
            for q in 1..half {
                for p in 0..q {
                    settled &= !turned(&mut made, &mut v, (p, q));
                }
            }
            if settled {
                break;
            }
        }
        return (made, v);
    }
    let gram = |m: &DMatrix<Complex64>, row: usize| {
        let block = m.rows(row, half).into_owned();
        adjoint_times(&block, &block)
    };
    // Eigenvectors that are none leave all to the rotations.
    let good = |v: &DMatrix<Complex64>| (adjoint_times(v, v) - &unit).camax() < 4.0 * (half + 8) as f64 * f64::EPSILON;
    let found = hermitian_eigenvectors(&(gram(&first, 0) - gram(&first, half))).filter(good);
    let (mut made, mut v) = found.map_or_else(|| (first.clone(), unit.clone()), |v| (multiply(&first, &v), v));
    for _ in 0..SWEEPS {
        let overlaps = [gram(&made, 0), gram(&made, half)];
        let mut settled = true;
        for q in 1..half {
            for p in 0..q {
                let [upper, lower] =
                    overlaps.each_ref().map(|g| Overlap { sizes: [g[(p, p)].re, g[(q, q)].re], of: g[(p, q)] });
                if !decisive(upper, lower).is_small(half) {
                    settled &= !turned(&mut made, &mut v, (p, q));
                }
            }
        }
        if settled {
            break;
        }
    }
    (made, v)
}

/// Two columns, or their halves: squares of their lengths, and their inner product.
#[derive(Clone, Copy)]
struct Overlap {
    sizes: [f64; 2],
    of: Complex64,
}

impl Overlap {
    /// Whether it is rounding beside the longer one: then it moves no direction.
    fn is_small(&self, half: usize) -> bool {
        let tolerance = (half + 8) as f64 * f64::EPSILON;
        self.of.norm_sqr() <= tolerance * tolerance * self.sizes[0].max(self.sizes[1])
    }
}

/// Of both halves the one whose product of lengths is smaller. The inner product of the other is minus the same, and
/// there it is rounding beside the longer one, which is almost as long as a whole column.
fn decisive(upper: Overlap, lower: Overlap) -> Overlap {
    let product = |overlap: Overlap| overlap.sizes[0] * overlap.sizes[1];
    if product(upper) <= product(lower) { upper } else { lower }
}

/// Turns two columns until they are orthogonal (one-sided Jacobi), and those of V with them; whether there was anything
/// to do.
fn turned(made: &mut DMatrix<Complex64>, v: &mut DMatrix<Complex64>, (p, q): (usize, usize)) -> bool {
    let half = v.nrows();
    let overlap = |rows: usize| {
        let (a, b) = (made.view((rows, p), (half, 1)), made.view((rows, q), (half, 1)));
        Overlap { sizes: [a.norm_squared(), b.norm_squared()], of: a.dotc(&b) }
    };
    let found = decisive(overlap(0), overlap(half));
    if found.is_small(half) {
        return false;
    }
    // tan 2φ = 2|γ|/(y − x), the smaller angle.
    let size = found.of.norm_sqr().sqrt();
    let zeta = (found.sizes[1] - found.sizes[0]) / (2.0 * size);
    // Of any ζ up to 1/ε, whose square a double holds.
    let tangent = zeta.signum() / (zeta.abs() + (zeta * zeta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let (sine, phase) = (cosine * tangent, found.of.conj() / size);
    for m in [made, v] {
        let rows = m.nrows();
        let (first, second) = m.as_mut_slice().split_at_mut(q * rows);
        for (x, y) in first[p * rows..][..rows].iter_mut().zip(&mut second[..rows]) {
            let turned = *y * phase;
            (*x, *y) = (*x * cosine - turned * sine, *x * sine + turned * cosine);
        }
    }
    true
}

/// `A†·B`.
fn adjoint_times(a: &DMatrix<Complex64>, b: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    if a.ncols() <= SMALL { a.ad_mul(b) } else { multiply(&a.adjoint(), b) }
}

/// Cosine and sine from the lengths of both halves.
fn unit([upper, lower]: [f64; 2]) -> (f64, f64) {
    let whole = (upper * upper + lower * lower).sqrt();
    (upper / whole, lower / whole)
}

/// Lengths of both halves of a column.
fn lengths(column: DVectorView<'_, Complex64>) -> [f64; 2] {
    let half = column.nrows() / 2;
    [column.rows(0, half).norm(), column.rows(half, half).norm()]
}

/// The unitary whose columns point as those of `a`, almost orthogonal ones of falling length; what has no length points
/// anywhere.
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

/// [`directions`] of two columns of two: the second is what is orthogonal to the first, with the phase that it has.
fn directions_of_two(a: &DMatrix<Complex64>) -> DMatrix<Complex64> {
    let size = a.column(0).norm();
    let first = if size > 0.0 { [a[(0, 0)] / size, a[(1, 0)] / size] } else { [Complex64::ONE, Complex64::ZERO] };
    let second = [-first[1].conj(), first[0].conj()];
    let along = second[0].conj() * a[(0, 1)] + second[1].conj() * a[(1, 1)];
    let turn = if along.norm() > 0.0 { along / along.norm() } else { Complex64::ONE };
    DMatrix::from_column_slice(2, 2, &[first[0], first[1], second[0] * turn, second[1] * turn])
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

    /// Angles apart, clustered at both ends and in the middle, sines that fall below rounding.
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
                    let found = cosine_sine(&u);
                    let tolerance = 1e-14 * (half + 8) as f64;
                    for side in found.left.iter().chain(&found.right) {
                        let off = (side.adjoint() * side - DMatrix::identity(half, half)).camax();
                        assert!(off < tolerance, "family {family}, half {half}: {off:e}");
                    }
                    let [left, right] = [&found.left, &found.right].map(|sides| diagonal([&sides[0], &sides[1]]));
                    let off = (left * middle(&found.parts) * right - u).camax();
                    assert!(off < tolerance, "family {family}, half {half}: {off:e}");
                    assert!(
                        found.parts.is_sorted_by(|a, b| a.0 >= b.0 - 1e-15) && found.parts.iter().all(|p| p.1 >= 0.0)
                    );
                }
            }
        }
    }
}
