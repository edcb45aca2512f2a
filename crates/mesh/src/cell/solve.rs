//! The settings of a cell with errors that do what an ideal one does.
//!
//! With the splitters at π/4+α and π/4+β and arms of amplitude g_u, g_l, the first row of a cell is
//!
//! ```text
//! T11 = (A e^{iθ} − B)·e^{iφ},   A = g_u cos(π/4+β) cos(π/4+α),   B = g_l sin(π/4+β) sin(π/4+α),
//! T12 = i·(C e^{iθ} + D),        C = g_u cos(π/4+β) sin(π/4+α),   D = g_l sin(π/4+β) cos(π/4+α).
//! ```
//!
//! |T12|²/|T11|² = q/p gives cos θ, then `1 ∓ cos θ ∝ p(C±D)² − q(A∓B)²` (lower signs with the other sign), without
//! cancellation near θ = 0 and π. Derived; for equal arms it is the local correction of Bandyopadhyay, Hamerly, Englund
//! (Optica 8, 1247, 2021, recalled). Splitters of any error reach every ratio between those at θ = 0 and θ = π; what
//! lies outside is clipped there.
//!
//! φ is what brings both rows nearest to the target but for one phase each. Equal arms make the two agree; where the arms
//! differ by a factor 1±ε, they ask for φ + ε(cot θ/2 ± tan θ/2), and the overlaps of the rows,
//! `|a + b| ≈ |a| + |b| − ½·|a||b|/(|a|+|b|)·δ²`, weigh them.

use crate::cell::mzi::{CellErrors, Transfer, ideal, transfer};
use num_complex::Complex64;
use std::f64::consts::FRAC_PI_4;

/// Power below which an entry of a target counts as dark.
const DARK: f64 = 1e-18;

/// Phases of a cell, and whether it can do exactly what was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellSolution {
    /// Inner phase (rad), 0…π.
    pub theta: f64,
    /// Outer phase (rad), not wrapped.
    pub phi: f64,
    /// Whether the ratio, or the amplitude, lies within what the cell reaches.
    pub reached: bool,
}

/// A, B, C, D of the first row.
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

/// θ from its half: `tan²(θ/2) = (1 − cos θ)/(1 + cos θ)`, clipped.
fn clipped(cross: f64, bar: f64) -> (f64, bool) {
    // Powers; what rounding takes from none is not out of reach.
    const ROUNDING: f64 = -1e-28;
    (2.0 * cross.max(0.0).sqrt().atan2(bar.max(0.0).sqrt()), cross >= ROUNDING && bar >= ROUNDING)
}

/// Phases with which a cell has a first row in the ratio of that of `target`, as nearly as it can.
///
/// What is left between the two is one phase a row, if the arms are equal.
#[must_use]
pub fn match_ratio(target: &Transfer, errors: CellErrors) -> CellSolution {
    let [a, b, c, d] = row(errors);
    let (p, q) = (target[0][0].norm_sqr(), target[0][1].norm_sqr());
    let (theta, reached) =
        clipped(p * (c + d).powi(2) - q * (a - b).powi(2), q * (a + b).powi(2) - p * (c - d).powi(2));
    // Light that should not be there at all gets the phase of no error: turned to one direction in every cell, as the best
    // of each alone, leaks of many bar cells in a row would add up (in a padded matrix most cells are bar).
    let made = if p.min(q) < DARK { ideal(theta, 0.0) } else { transfer(theta, 0.0, errors) };
    let turn: Complex64 = (0..2)
        .map(|row| {
            let first = made[row][0].conj() * target[row][0];
            let second = made[row][1].conj() * target[row][1];
            let sizes = first.norm() + second.norm();
            // Weight |a||b|/(|a|+|b|), direction arg a − arg b.
            if sizes > 0.0 { first * second.conj() / sizes } else { Complex64::new(0.0, 0.0) }
        })
        .sum();
    let phi = argument(turn);
    CellSolution { theta, phi, reached }
}

/// Phases with which a cell lets `target` pass from its upper input to its upper output.
#[must_use]
pub fn match_transmission(target: Complex64, errors: CellErrors) -> CellSolution {
    let [a, b, ..] = row(errors);
    let square = target.norm_sqr();
    let (theta, reached) = clipped(square - (a - b).powi(2), (a + b).powi(2) - square);
    let phi = argument(target) - argument(Complex64::cis(theta) * a - b);
    CellSolution { theta, phi, reached }
}

/// Zero has no argument; any does.
fn argument(z: Complex64) -> f64 {
    if z.re == 0.0 && z.im == 0.0 { 0.0 } else { z.arg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_within_reach_has_the_ratio_and_the_transmission() {
        for k in 0..2000u32 {
            let draw = |j: u32| f64::from((k * 7919 + j * 104_729) % 9973) / 9973.0;
            let arm = 0.6 + 0.4 * draw(4);
            let errors = CellErrors {
                alpha: 0.2 * draw(0) - 0.1,
                beta: 0.2 * draw(1) - 0.1,
                gamma: 0.0,
                upper_transmission: arm,
                lower_transmission: arm,
            };
            let target = ideal(0.9 + 1.3 * draw(2), 6.0 * draw(3));
            let found = match_ratio(&target, errors);
            assert!(found.reached, "{errors:?}");
            let made = transfer(found.theta, found.phi, errors);
            let cross = made[0][0] * target[0][1] - made[0][1] * target[0][0];
            assert!(cross.norm() < 1e-14, "{k}: {cross}");

            let asked = Complex64::from_polar(0.3 + 0.2 * draw(6), 6.0 * draw(7));
            let found = match_transmission(asked, errors);
            assert!(found.reached && (transfer(found.theta, found.phi, errors)[0][0] - asked).norm() < 1e-14);
        }
    }

    #[test]
    fn unequal_arms_leave_the_best_that_two_phases_can_do() {
        let errors = CellErrors { alpha: 0.02, beta: -0.01, upper_transmission: 0.95, ..CellErrors::NONE };
        for theta in [0.3, 0.9, 1.5, 2.2] {
            let target = ideal(theta, 0.7);
            let overlap = |theta: f64, phi: f64| -> f64 {
                let made = transfer(theta, phi, errors);
                (0..2).map(|r| (0..2).map(|c| made[r][c].conj() * target[r][c]).sum::<Complex64>().norm()).sum()
            };
            let found = match_ratio(&target, errors);
            let best = overlap(found.theta, found.phi);
            for turn in [-0.05, -0.02, 0.02, 0.05] {
                assert!(overlap(found.theta, found.phi + turn) < best, "{theta} {turn}");
            }
        }
    }

    #[test]
    fn cross_and_bar_out_of_reach_are_clipped() {
        // α + β = .03 forbids a perfect cross, α − β = .05 a perfect bar (identity I8).
        let errors = CellErrors { alpha: 0.04, beta: -0.01, ..CellErrors::NONE };
        for (theta, reached) in [(0.0, false), (0.059, false), (0.061, true), (3.03, true), (3.05, false)] {
            assert_eq!(match_ratio(&ideal(theta, 1.0), errors).reached, reached, "{theta}");
        }
        let cross = transfer(match_ratio(&ideal(0.0, 0.0), errors).theta, 0.0, errors);
        assert!((cross[0][0].norm() - 0.03f64.sin()).abs() < 1e-15);
    }
}
