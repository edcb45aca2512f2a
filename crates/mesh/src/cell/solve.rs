//! The phases for which a cell with errors equals an ideal one, as closely as possible.
//!
//! With splitters at π/4+α and π/4+β and arms of amplitude g_u, g_l, the first row of a cell is
//!
//! ```text
//! T11 = (A e^{iθ} − B)·e^{iφ},   A = g_u cos(π/4+β) cos(π/4+α),   B = g_l sin(π/4+β) sin(π/4+α),
//! T12 = i·(C e^{iθ} + D),        C = g_u cos(π/4+β) sin(π/4+α),   D = g_l sin(π/4+β) cos(π/4+α).
//! ```
//!
//! For a target row with powers p = |T11|² and q = |T12|², the ratio q/p gives cos θ, then `1 − cos θ` and `1 + cos θ`
//! are proportional to `p(C+D)² − q(A−B)²` and `q(A+B)² − p(C−D)²`, without cancellation near θ = 0 and π (derived).
//! For equal arms this is the local correction of Bandyopadhyay, Hamerly, Englund (Optica 8, 1247, 2021). A cell with
//! splitter errors reaches the ratios between those at θ = 0 and θ = π; a ratio outside is clipped to the nearer of the
//! two.
//!
//! φ brings both rows closest to the target up to one phase each. With equal arms both rows agree on φ. If the arms
//! differ by a factor 1±ε, the rows require φ ± ε(cot θ/2 + tan θ/2) = φ ± 2ε/sin θ. The weights of the two follow from the overlaps
//! of the rows, `|a + b| ≈ |a| + |b| − ½·|a||b|/(|a|+|b|)·δ²`.

use crate::cell::mzi::{CellErrors, Transfer, ideal, transfer};
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_4;

/// Minimum power of a target entry that has a phase. Below it the entry counts as zero, and its phase is rounding.
const MIN_POWER: f64 = 1e-18;

/// Phases of a cell, and whether it reaches the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellSolution {
    /// Internal phase θ (rad), 0…π.
    pub theta: f64,
    /// External phase φ (rad), not wrapped.
    pub phi: f64,
    /// Whether the cell reaches the ratio, or the amplitude, of the target.
    pub reached: bool,
}

/// The coefficients A, B, C, D of the first row.
fn row(errors: CellErrors) -> [f64; 4] {
    let (sa, ca) = (FRAC_PI_4 + errors.alpha).sin_cos();
    let (sb, cb) = (FRAC_PI_4 + errors.beta).sin_cos();
    [
        errors.upper_transmission * cb * ca,
        errors.lower_transmission * sb * sa,
        errors.upper_transmission * cb * sa,
        errors.lower_transmission * sb * ca,
    ]
}

/// θ from `tan²(θ/2) = (1 − cos θ)/(1 + cos θ)`, clipped to 0…π, and whether it needed no clipping.
fn clipped_theta(cross: f64, bar: f64) -> (f64, bool) {
    // A power above this bound is zero up to rounding, and within reach; one below it is out of reach.
    const ROUNDING: f64 = -1e-28;
    (2.0 * cross.max(0.0).sqrt().atan2(bar.max(0.0).sqrt()), cross >= ROUNDING && bar >= ROUNDING)
}

/// Phases for which the first row of a cell has the ratio of the first row of `target`, as closely as possible.
///
/// If the arms are equal and the ratio is reached, cell and target differ by one phase per row. A target with a NaN is not
/// reached.
#[must_use]
pub fn match_ratio(target: &Transfer, errors: CellErrors) -> CellSolution {
    let [a, b, c, d] = row(errors);
    let (p, q) = (target[0][0].norm_sqr(), target[0][1].norm_sqr());
    let (theta, reached) =
        clipped_theta(p * (c + d).powi(2) - q * (a - b).powi(2), q * (a + b).powi(2) - p * (c - d).powi(2));
    // If a target amplitude is zero, the leakage keeps the phase of the ideal cell. Optimising it for each cell would
    // make the leakage of successive bar cells interfere constructively (in a padded matrix most cells are bar).
    let realised = if p.min(q) < MIN_POWER { ideal(theta, 0.0) } else { transfer(theta, 0.0, errors) };
    let phase_factor: Complex64 = (0..2)
        .map(|row| {
            let first = realised[row][0].conj() * target[row][0];
            let second = realised[row][1].conj() * target[row][1];
            let sizes = first.norm() + second.norm();
            // Weight |a||b|/(|a|+|b|), direction arg a − arg b.
            if sizes > 0.0 { first * second.conj() / sizes } else { Complex64::new(0.0, 0.0) }
        })
        .sum();
    let phi = argument(phase_factor);
    CellSolution { theta, phi, reached }
}

/// Phases for which the amplitude from the upper input to the upper output of a cell is `target`, as closely as
/// possible. A NaN is not reached.
#[must_use]
pub fn match_transmission(target: Complex64, errors: CellErrors) -> CellSolution {
    let [a, b, ..] = row(errors);
    let square = target.norm_sqr();
    let (theta, reached) = clipped_theta(square - (a - b).powi(2), (a + b).powi(2) - square);
    let phi = argument(target) - argument(Complex64::cis(theta) * a - b);
    CellSolution { theta, phi, reached }
}

/// The argument, or 0 for zero.
fn argument(z: Complex64) -> f64 {
    if z.re == 0.0 && z.im == 0.0 { 0.0 } else { z.arg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_within_reach_has_the_ratio_and_the_transmission() {
        for k in 0..2000u32 {
            let uniform = |j: u32| f64::from((k * 7919 + j * 104_729) % 9973) / 9973.0;
            let arm = 0.6 + 0.4 * uniform(4);
            let errors = CellErrors {
                alpha: 0.2 * uniform(0) - 0.1,
                beta: 0.2 * uniform(1) - 0.1,
                gamma: 0.0,
                upper_transmission: arm,
                lower_transmission: arm,
            };
            let target = ideal(0.9 + 1.3 * uniform(2), 6.0 * uniform(3));
            let solution = match_ratio(&target, errors);
            assert!(solution.reached, "{errors:?}");
            let realised = transfer(solution.theta, solution.phi, errors);
            let cross = realised[0][0] * target[0][1] - realised[0][1] * target[0][0];
            assert!(cross.norm() < 1e-14, "{k}: {cross}");

            let requested = Complex64::from_polar(0.3 + 0.2 * uniform(6), 6.0 * uniform(7));
            let solution = match_transmission(requested, errors);
            assert!(
                solution.reached && (transfer(solution.theta, solution.phi, errors)[0][0] - requested).norm() < 1e-14
            );
        }
    }

    #[test]
    fn unequal_arms_leave_the_best_that_two_phases_can_do() {
        let errors = CellErrors { alpha: 0.02, beta: -0.01, upper_transmission: 0.95, ..CellErrors::NONE };
        for theta in [0.3, 0.9, 1.5, 2.2] {
            let target = ideal(theta, 0.7);
            let overlap = |theta: f64, phi: f64| -> f64 {
                let realised = transfer(theta, phi, errors);
                (0..2).map(|r| (0..2).map(|c| realised[r][c].conj() * target[r][c]).sum::<Complex64>().norm()).sum()
            };
            let solution = match_ratio(&target, errors);
            let best = overlap(solution.theta, solution.phi);
            for offset in [-0.05, -0.02, 0.02, 0.05] {
                assert!(overlap(solution.theta, solution.phi + offset) < best, "{theta} {offset}");
            }
        }
    }

    #[test]
    fn cross_and_bar_out_of_reach_are_clipped() {
        // α + β = .03 rules out the exact cross state, α − β = .05 the exact bar state (docs/physics.md, Cells).
        let errors = CellErrors { alpha: 0.04, beta: -0.01, ..CellErrors::NONE };
        for (theta, reached) in [(0.0, false), (0.059, false), (0.061, true), (3.03, true), (3.05, false)] {
            assert_eq!(match_ratio(&ideal(theta, 1.0), errors).reached, reached, "{theta}");
        }
        let cross = transfer(match_ratio(&ideal(0.0, 0.0), errors).theta, 0.0, errors);
        assert!((cross[0][0].norm() - 0.03f64.sin()).abs() < 1e-15);
    }
}
