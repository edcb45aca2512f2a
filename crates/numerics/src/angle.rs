//! Phases wrapped to one period.

use std::f64::consts::TAU;
use std::hint::select_unpredictable;

/// Lower limit of wrapped phases is `−SEAM` (rad), so that a phase of zero stays at zero under rounding.
///
/// With a limit of exactly 0, a rounding error of −1e-17 would become 2π: a heater that is off would be driven at full
/// power. Phases further below zero than this are wrapped.
pub const SEAM: f64 = 1e-9;
/// Phases of smaller magnitude (rad) are rounding errors and become exactly 0.
pub const MIN_PHASE: f64 = 1e-15;

/// Wraps a phase to [−1e-9, 2π − 1e-9) rad; see [`SEAM`] and [`MIN_PHASE`]. NaN for a phase that is not finite.
#[must_use]
pub fn wrap(phase: f64) -> f64 {
    let shifted = phase + SEAM;
    let wrapped = if (-TAU..2.0 * TAU).contains(&shifted) {
        // Within one period of the result, 2π is added or subtracted without a division. Phases are random, so that a
        // branch would be mispredicted.
        let (raised, lowered) = (shifted + TAU - SEAM, shifted - TAU - SEAM);
        let not_negative = select_unpredictable(shifted < TAU, phase, lowered);
        select_unpredictable(shifted < 0.0, raised, not_negative)
    } else {
        shifted.rem_euclid(TAU) - SEAM
    };
    if wrapped.abs() < MIN_PHASE { 0.0 } else { wrapped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrap_is_the_remainder_modulo_two_pi() {
        let near = [-2.0 * TAU, -TAU, -1e-9, 0.0, 3.0, TAU - 1e-9, TAU, 2.0 * TAU, 50.0, 1e9];
        for phase in near.into_iter().flat_map(|x| [x - 1e-12, x - 1e-15, x, x + 1e-15, x + 0.7]) {
            let remainder = (phase + 1e-9).rem_euclid(TAU) - 1e-9;
            let difference = (wrap(phase) - remainder).abs();
            assert!(difference < 4e-15 || (difference - TAU).abs() < 4e-15, "{phase}: {} and {remainder}", wrap(phase));
            assert!((-1e-9..TAU - 9.9e-10).contains(&wrap(phase)), "{phase}: {}", wrap(phase));
        }
        assert!([f64::NAN, f64::INFINITY].into_iter().all(|phase| wrap(phase).is_nan()));
    }

    #[test]
    fn rounding_errors_are_not_wrapped_to_two_pi() {
        assert!(wrap(-1e-17).abs() < 1e-16 && wrap(TAU).abs() < 1e-15);
        assert!(wrap(-1e-12) < 0.0 && (wrap(-0.5) - (TAU - 0.5)).abs() < 1e-15);
    }
}
