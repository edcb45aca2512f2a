//! The cell that nulls one entry of a matrix, and the phases of many such cells.

use crate::cell::mzi::{Transfer, ZERO, wrap};
use crate::propagate::chains::ChainElement;
use num_complex::Complex64;
use phaseloom_numerics::simd::trigonometry::arguments;

/// An ideal cell `T = i e^{iθ/2} [[e^{iφ} s, c], [e^{iφ} c, −s]]`, s = sin(θ/2), c = cos(θ/2), before any angle is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NullingCell {
    /// (s, c) up to a common positive factor.
    half: (f64, f64),
    /// `e^{iφ}` up to a positive factor.
    phase: Complex64,
}

/// θ = φ = π: the cell of an entry that is zero already.
const IDENTITY: NullingCell = NullingCell { half: (1.0, 0.0), phase: Complex64::new(-1.0, 0.0) };

impl NullingCell {
    /// The cell whose `T†`, applied from the right to the columns (m, m+1), nulls `a` in a row `[a, b]`:
    /// `tan(θ/2) = |b|/|a|`, `φ = arg a − arg b + π`.
    #[inline]
    pub(crate) fn from_right(a: Complex64, b: Complex64) -> Self {
        Self::new(a, b, -1.0)
    }

    /// The cell whose `T`, applied from the left to the rows (m, m+1), nulls `b` in a column `[a, b]ᵀ`:
    /// `tan(θ/2) = |a|/|b|`, `φ = arg b − arg a`.
    #[inline]
    pub(crate) fn from_left(a: Complex64, b: Complex64) -> Self {
        Self::new(b, a, 1.0)
    }

    /// `tan(θ/2) = |other|/|nulled|`, `e^{iφ} = sign·nulled·other*` up to a positive factor.
    #[inline]
    fn new(nulled: Complex64, other: Complex64, sign: f64) -> Self {
        let (nulled_power, other_power) = (nulled.norm_sqr(), other.norm_sqr());
        if nulled_power < ZERO * ZERO {
            return IDENTITY;
        }
        if other_power < ZERO * ZERO {
            return Self { half: (0.0, nulled_power.sqrt()), phase: nulled * sign };
        }
        Self { half: (other_power.sqrt(), nulled_power.sqrt()), phase: nulled * sign * other.conj() }
    }

    /// The cell whose first row is proportional to `[a, b]`: `tan(θ/2) = |a|/|b|`, `φ = arg a − arg b`, or φ = 0 if an entry
    /// counts as zero. Each row of the cell lacks a phase.
    #[inline]
    pub(crate) fn from_row([a, b]: [Complex64; 2]) -> Self {
        let [size_a, size_b] = [a, b].map(|z| if z.norm_sqr() < ZERO * ZERO { 0.0 } else { z.norm() });
        let phase = if size_a.min(size_b) > 0.0 { a * b.conj() } else { Complex64::ONE };
        Self { half: (size_a, size_b), phase }
    }

    /// Whether one of the entries counts as zero.
    #[inline]
    pub(crate) fn is_trivial(&self) -> bool {
        self.half.1 <= 0.0 || self.half.0 < ZERO
    }

    /// The transfer matrix T.
    #[inline]
    pub(crate) fn transfer(&self) -> Transfer {
        let (s, c) = self.half;
        let scale = 1.0 / (s * s + c * c).sqrt();
        let (s, c) = (s * scale, c * scale);
        let phase = self.phase / self.phase.norm_sqr().sqrt();
        let global = Complex64::new(-s, c);
        [[global * phase * s, global * c], [global * phase * c, global * -s]]
    }
}

/// (θ, φ) of each cell (rad), φ wrapped as [`wrap`] does.
pub(crate) fn angles(cells: &[NullingCell]) -> Vec<(f64, f64)> {
    let halves = arguments(cells.iter().map(|cell| Complex64::new(cell.half.1, cell.half.0)));
    let phases = arguments(cells.iter().map(|cell| cell.phase));
    halves.into_iter().zip(phases).map(|(half, phase)| (2.0 * half, wrap(phase))).collect()
}

/// `U ← U·T†` on two columns, as an element that carries the second column to the first.
#[inline]
pub(crate) fn on_columns(t: &Transfer) -> ChainElement {
    // u₁′ = T11* u₁ + T12* u₂, u₂′ = T21* u₁ + T22* u₂
    [[t[0][1].conj(), t[0][0].conj()], [t[1][1].conj(), t[1][0].conj()]]
}

/// `U ← T·U` on two rows, as an element that carries the first row to the second.
#[inline]
pub(crate) fn on_rows(t: &Transfer) -> ChainElement {
    let [[t11, t12], [t21, t22]] = *t;
    [[t21, t22], [t11, t12]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::mzi::ideal;
    use std::f64::consts::PI;

    #[test]
    fn cells_null_the_entry_and_have_the_angles_of_their_matrix() {
        let value = |k: u32| Complex64::from_polar(10f64.powf(-f64::from(k % 40) / 2.1), f64::from(k) * 0.77);
        let mut pairs: Vec<(Complex64, Complex64)> = (0..2000).map(|k| (value(k), value(3 * k + 1))).collect();
        pairs.extend([(value(0), 0.0.into()), (0.0.into(), value(1)), (0.0.into(), 0.0.into())]);
        // Modulus and argument of an entry, those of an entry that counts as zero being zero.
        let polar = |z: Complex64| if z.norm() < ZERO { (0.0, 0.0) } else { z.to_polar() };
        for from_right in [true, false] {
            let make = if from_right { NullingCell::from_right } else { NullingCell::from_left };
            let cells: Vec<NullingCell> = pairs.iter().map(|&(a, b)| make(a, b)).collect();
            for ((cell, (theta, phi)), &(a, b)) in cells.iter().zip(angles(&cells)).zip(&pairs) {
                let t = cell.transfer();
                let (nulled, other, remainder) = if from_right {
                    (polar(a), polar(b), a * t[0][0].conj() + b * t[0][1].conj())
                } else {
                    (polar(b), polar(a), t[1][0] * a + t[1][1] * b)
                };
                let sign = if from_right { PI } else { 0.0 };
                let (slow_theta, slow_phi) = if nulled.0 > 0.0 {
                    (2.0 * other.0.atan2(nulled.0), wrap(nulled.1 - other.1 + sign))
                } else {
                    (PI, PI)
                };
                assert!((theta - slow_theta).abs() < 2e-15, "{a} {b}: θ = {theta} and {slow_theta}");
                assert!((phi - slow_phi).abs() < 3e-15, "{a} {b}: φ = {phi} and {slow_phi}");
                for (x, y) in t.iter().flatten().zip(ideal(slow_theta, slow_phi).iter().flatten()) {
                    assert!((x - y).norm() < 2e-15, "{a} {b}: {x} and {y}");
                }
                // An entry below the bound counts as zero and stays.
                assert!(remainder.norm() < 2.0 * ZERO, "{a} {b}: {remainder}");
            }
        }
    }
}
