//! The cell that nulls one entry of a unitary, and the angles of many.

use crate::cell::mzi::{Transfer, ZERO, wrap};
use crate::propagate::chains::ChainElement;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::argument;
use pulp::{Arch, Simd, WithSimd};

/// A cell as the entry that it nulls tells it: `sin(θ/2) : cos(θ/2)` and `e^{iφ}` up to positive factors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Null {
    half: (f64, f64),
    turn: Complex64,
}

/// θ = φ = π: the identity, where there is nothing to null.
const NOTHING: Null = Null { half: (1.0, 0.0), turn: Complex64::new(-1.0, 0.0) };

impl Null {
    /// The cell whose `T†`, applied from the right to the columns (m, m+1), nulls `a` in a row `[a, b]`:
    /// `tan(θ/2) = |b|/|a|`, `φ = arg a − arg b + π`; as [`crate::cell::mzi::null_from_right`].
    #[inline]
    pub(crate) fn from_right(a: Complex64, b: Complex64) -> Self {
        let (size, other) = (a.norm_sqr(), b.norm_sqr());
        if size < ZERO * ZERO {
            return NOTHING;
        }
        if other < ZERO * ZERO {
            return Self { half: (0.0, size.sqrt()), turn: -a };
        }
        Self { half: (other.sqrt(), size.sqrt()), turn: -a * b.conj() }
    }

    /// The cell whose `T`, applied from the left to the rows (m, m+1), nulls `b` in a column `[a, b]ᵀ`:
    /// `tan(θ/2) = |a|/|b|`, `φ = arg b − arg a`; as [`crate::cell::mzi::null_from_left`].
    #[inline]
    pub(crate) fn from_left(a: Complex64, b: Complex64) -> Self {
        let (other, size) = (a.norm_sqr(), b.norm_sqr());
        if size < ZERO * ZERO {
            return NOTHING;
        }
        if other < ZERO * ZERO {
            return Self { half: (0.0, size.sqrt()), turn: b };
        }
        Self { half: (other.sqrt(), size.sqrt()), turn: b * a.conj() }
    }

    /// The cell whose first row is in the ratio of `[a, b]`: `tan(θ/2) = |a|/|b|`, `φ = arg a − arg b`; where one of them
    /// counts as zero, φ = 0. Behind it each row lacks a phase.
    #[inline]
    pub(crate) fn of_row([a, b]: [Complex64; 2]) -> Self {
        let [size, other] = [a, b].map(|z| if z.norm_sqr() < ZERO * ZERO { 0.0 } else { z.norm() });
        let turn = if size.min(other) > 0.0 { a * b.conj() } else { Complex64::ONE };
        Self { half: (size, other), turn }
    }

    /// Whether one of the entries counts as zero.
    #[inline]
    pub(crate) fn is_trivial(&self) -> bool {
        self.half.1 <= 0.0 || self.half.0 < ZERO
    }

    /// `T = i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]`.
    #[inline]
    pub(crate) fn transfer(&self) -> Transfer {
        let (s, c) = self.half;
        let scale = 1.0 / (s * s + c * c).sqrt();
        let (s, c) = (s * scale, c * scale);
        let turn = self.turn / self.turn.norm_sqr().sqrt();
        let common = Complex64::new(-s, c);
        [[common * turn * s, common * c], [common * turn * c, common * -s]]
    }
}

/// (θ, φ) of each cell (rad), φ wrapped as [`wrap`] does.
pub(crate) fn angles(nulls: &[Null]) -> Vec<(f64, f64)> {
    const LANES: usize = 8;
    struct All<'a>(&'a [Null]);
    impl WithSimd for All<'_> {
        type Output = Vec<(f64, f64)>;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut all = Vec::with_capacity(self.0.len());
            for nulls in self.0.chunks(LANES) {
                let mut parts = [[0.0; LANES]; 4];
                for (k, null) in nulls.iter().enumerate() {
                    let values = [null.half.0, null.half.1, null.turn.im, null.turn.re];
                    for (part, value) in parts.iter_mut().zip(values) {
                        part[k] = value;
                    }
                }
                let mut made = [[0.0; LANES]; 2];
                for (angle, part) in made.iter_mut().zip(parts.as_chunks::<2>().0) {
                    let (angle, _) = S::as_mut_simd_f64s(angle);
                    let ((y, _), (x, _)) = (S::as_simd_f64s(&part[0]), S::as_simd_f64s(&part[1]));
                    for k in 0..LANES / S::F64_LANES {
                        angle[k] = argument(simd, y[k], x[k]);
                    }
                }
                all.extend((0..nulls.len()).map(|k| (2.0 * made[0][k], wrap(made[1][k]))));
            }
            all
        }
    }
    Arch::new().dispatch(All(nulls))
}

/// `U ← U·T†` on two columns, in the order of a chain that carries the second to the first.
#[inline]
pub(crate) fn on_columns(t: &Transfer) -> ChainElement {
    // u₁′ = T11* u₁ + T12* u₂, u₂′ = T21* u₁ + T22* u₂
    ChainElement {
        carried_carried: t[0][1].conj(),
        carried_met: t[0][0].conj(),
        left_carried: t[1][1].conj(),
        left_met: t[1][0].conj(),
    }
}

/// `U ← T·U` on two rows, in the order of a chain that carries the first to the second.
#[inline]
pub(crate) fn on_rows(t: &Transfer) -> ChainElement {
    let [[t11, t12], [t21, t22]] = *t;
    ChainElement { carried_carried: t21, carried_met: t22, left_carried: t11, left_met: t12 }
}

/// `(a, b) ← (t11 a + t12 b, t21 a + t22 b)` for two lines of whole registers, (real parts, imaginary parts).
#[inline(always)]
pub(crate) fn rotate<S: Simd>(simd: S, a: (&mut [f64], &mut [f64]), b: (&mut [f64], &mut [f64]), t: &Transfer) {
    let splat = |z: Complex64| (simd.splat_f64s(z.re), simd.splat_f64s(z.im));
    let (p, q, r, s) = (splat(t[0][0]), splat(t[0][1]), splat(t[1][0]), splat(t[1][1]));
    let (xr, xi) = (S::as_mut_simd_f64s(a.0).0, S::as_mut_simd_f64s(a.1).0);
    let (yr, yi) = (S::as_mut_simd_f64s(b.0).0, S::as_mut_simd_f64s(b.1).0);
    for (((xr, xi), yr), yi) in xr.iter_mut().zip(xi).zip(yr).zip(yi) {
        let (x, y) = ((*xr, *xi), (*yr, *yi));
        let row = |p: (S::f64s, S::f64s), q: (S::f64s, S::f64s)| {
            let re = simd.negate_mul_add_e_f64s(q.1, y.1, simd.mul_f64s(q.0, y.0));
            let im = simd.mul_add_e_f64s(q.1, y.0, simd.mul_f64s(q.0, y.1));
            let re = simd.negate_mul_add_e_f64s(p.1, x.1, simd.mul_add_e_f64s(p.0, x.0, re));
            let im = simd.mul_add_e_f64s(p.1, x.0, simd.mul_add_e_f64s(p.0, x.1, im));
            (re, im)
        };
        (*xr, *xi) = row(p, q);
        (*yr, *yi) = row(r, s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::mzi::{ideal, null_from_left, null_from_right};

    #[test]
    fn agrees_with_the_rules_of_the_cell() {
        let value = |k: u32| Complex64::from_polar(10f64.powf(-f64::from(k % 40) / 2.1), f64::from(k) * 0.77);
        let mut pairs: Vec<(Complex64, Complex64)> = (0..2000).map(|k| (value(k), value(3 * k + 1))).collect();
        pairs.extend([(value(0), 0.0.into()), (0.0.into(), value(1)), (0.0.into(), 0.0.into())]);
        for (make, rule) in [
            (Null::from_right as fn(Complex64, Complex64) -> Null, null_from_right as fn(_, _) -> (f64, f64)),
            (Null::from_left, null_from_left),
        ] {
            let nulls: Vec<Null> = pairs.iter().map(|&(a, b)| make(a, b)).collect();
            for ((null, (theta, phi)), &(a, b)) in nulls.iter().zip(angles(&nulls)).zip(&pairs) {
                let (t, p) = rule(a, b);
                assert!((theta - t).abs() < 2e-15 && (phi - p).abs() < 3e-15, "{a} {b}: {theta} {phi}, {t} {p}");
                for (x, y) in null.transfer().iter().flatten().zip(ideal(t, p).iter().flatten()) {
                    assert!((x - y).norm() < 2e-15, "{a} {b}: {x} and {y}");
                }
            }
        }
    }
}
