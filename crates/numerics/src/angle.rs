//! Phases wrapped to one turn.

use std::f64::consts::TAU;
use std::hint::select_unpredictable;

/// How far below zero the seam of wrapped phases stands (rad).
pub const SEAM: f64 = 1e-9;
/// What counts as a phase of zero (rad).
pub const MIN_PHASE: f64 = 1e-15;

/// Wraps a phase to [−1e-9, 2π − 1e-9) rad.
///
/// The seam stands a hair below zero, so that the rounding of a phase that is zero by structure never turns a heater
/// that is off into one that burns 2π; what is left of it below 1e-15 rad is zero.
#[must_use]
pub fn wrap(phase: f64) -> f64 {
    let shifted = phase + SEAM;
    let wrapped = if (-TAU..2.0 * TAU).contains(&shifted) {
        // One turn too few or too many: the same number, without a division. Chosen without a branch, for phases lie
        // anywhere.
        let (few, many) = (shifted + TAU - SEAM, shifted - TAU - SEAM);
        let not_few = select_unpredictable(shifted < TAU, phase, many);
        select_unpredictable(shifted < 0.0, few, not_few)
    } else {
        shifted.rem_euclid(TAU) - SEAM
    };
    if wrapped.abs() < MIN_PHASE { 0.0 } else { wrapped }
}
