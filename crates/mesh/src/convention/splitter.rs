//! Splitter errors as amplitudes (Fang et al., Opt. Express 27, 14009, 2019; their code uses the names r and t).

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_4};

/// Deviation δ of the bar amplitude `r = 1/√2 + δ` of a splitter with the angle error `alpha` (rad): `cos(π/4+α) − 1/√2 ≈
/// −α/√2`.
///
/// The inverse is [`crate::cell::splitter_error_from_amplitude`]. Both are exact for α in [−π/4, π/4], where r and
/// t = √(1 − r²) are amplitudes from 0 to 1.
///
/// ```
/// use phaseloom_mesh::{cell::splitter_error_from_amplitude, convention::amplitude_from_splitter_error};
///
/// let delta = amplitude_from_splitter_error(0.02);
/// assert!((delta + 0.02 / 2f64.sqrt()).abs() < 2e-4);
/// assert!((splitter_error_from_amplitude(delta) - 0.02).abs() < 1e-15);
/// ```
#[must_use]
pub fn amplitude_from_splitter_error(alpha: f64) -> f64 {
    (FRAC_PI_4 + alpha).cos() - FRAC_1_SQRT_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::mzi::splitter_error_from_amplitude;

    #[test]
    fn there_and_back_is_exact() {
        for k in -70..=70 {
            let alpha = f64::from(k) / 100.0;
            let back = splitter_error_from_amplitude(amplitude_from_splitter_error(alpha));
            // The arc cosine loses digits near r = 1, as 1/sin(π/4+α).
            assert!((back - alpha).abs() < 1e-15 / (FRAC_PI_4 + alpha).sin(), "{alpha}: {back}");
        }
    }
}
