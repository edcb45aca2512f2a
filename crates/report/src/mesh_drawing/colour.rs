//! Colours: a phase is a hue, because both are periodic, and a power is the strength of a stroke.
//!
//! Hues lie on a circle of OKLCH (Ottosson 2020), a space in which equal steps look equal. Lightness follows the cosine
//! of the phase, lowest at 0 and highest at π, so that 0 and π also differ without colour.

use crate::plot::palette::{Colour, INK};
use std::f64::consts::TAU;

/// Lightness at π/2, its amplitude, and the chroma. With more chroma some hues would lie outside sRGB.
const LIGHTNESS: f64 = 0.72;
const AMPLITUDE: f64 = 0.10;
const CHROMA: f64 = 0.11;

/// Hue of phase 0, relative to the full circle.
const HUE: f64 = 0.70;

/// Lower end of the scale of power (dB).
pub(super) const FLOOR_DB: f64 = -30.0;

/// A waveguide without light.
const NO_LIGHT: Colour = (205, 205, 205);

/// Colour of a phase (rad), modulo 2π.
pub(super) fn phase_colour(phase: f64) -> Colour {
    let [red, green, blue] = linear(phase).map(encoded);
    (red, green, blue)
}

/// Linear red, green and blue of a phase, 0…1.
fn linear(phase: f64) -> [f64; 3] {
    let lightness = LIGHTNESS - AMPLITUDE * phase.cos();
    let (sine, cosine) = (TAU * HUE + phase).sin_cos();
    let (a, b) = (CHROMA * cosine, CHROMA * sine);
    let long = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let middle = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let short = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * middle + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * middle - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * middle + 1.707_614_701_0 * short,
    ]
}

/// sRGB of one channel.
fn encoded(linear: f64) -> u8 {
    let value = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (255.0 * value).round() as u8
}

/// Strength of the stroke of a power, 0…1, linear in decibels above the floor.
pub(super) fn strength(power: f64) -> f64 {
    (1.0 - 10.0 * power.log10() / FLOOR_DB).clamp(0.0, 1.0)
}

/// Colour of a waveguide with light of this strength.
pub(super) fn strength_colour(strength: f64) -> Colour {
    let between = |low: u8, high: u8| (f64::from(low) + strength * (f64::from(high) - f64::from(low))).round() as u8;
    (between(NO_LIGHT.0, INK.0), between(NO_LIGHT.1, INK.1), between(NO_LIGHT.2, INK.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_colour_on_a_screen_and_the_circle_closes() {
        for step in 0..360 {
            let channels = linear(f64::from(step).to_radians());
            assert!(channels.iter().all(|channel| (0.0..=1.0).contains(channel)), "{step}°: {channels:?}");
        }
        assert_eq!(phase_colour(0.0), phase_colour(TAU));
    }

    #[test]
    fn equal_steps_of_phase_are_about_equal_steps_of_colour() {
        // A step is the chord in hue and the change of lightness.
        let steps = (0..36).map(|k| {
            let (a, b) = (phase_colour(TAU * f64::from(k) / 36.0), phase_colour(TAU * f64::from(k + 1) / 36.0));
            let difference = |a: u8, b: u8| (f64::from(a) - f64::from(b)).powi(2);
            (difference(a.0, b.0) + difference(a.1, b.1) + difference(a.2, b.2)).sqrt()
        });
        let steps: Vec<f64> = steps.collect();
        let (min, max) = (steps.iter().copied().fold(f64::MAX, f64::min), steps.iter().copied().fold(0.0, f64::max));
        assert!(min > 5.0 && max < 5.0 * min, "{steps:?}");
    }

    #[test]
    fn power_is_a_scale_of_decibels() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(strength(1.0), 1.0) && close(strength(10_f64.powf(-1.5)), 0.5));
        assert!(close(strength(0.0), 0.0) && close(strength(1e-9), 0.0) && close(strength(2.0), 1.0));
        assert_eq!((strength_colour(0.0), strength_colour(1.0)), (NO_LIGHT, INK));
    }
}
