//! Phase as hue and power as ink: hues close upon themselves as phases do, and leave dark and wide to the light.
//!
//! Hues run along a circle of OKLCH (Ottosson 2020, recalled), a space in which equal steps look equal. Lightness waves
//! with the phase, darkest at 0 and lightest at π, so that the two are also told apart without colour.

use crate::plot::palette::{Colour, INK};
use std::f64::consts::TAU;

/// Lightness at π/2 and how far it waves; chroma: as much as every hue of the circle has on a screen.
const LIGHTNESS: f64 = 0.72;
const WAVE: f64 = 0.10;
const CHROMA: f64 = 0.11;

/// Hue of phase 0 (turns).
const HUE: f64 = 0.70;

/// Where the scale of power ends (dB).
pub(super) const FLOOR_DB: f64 = -30.0;

/// A guide without light.
const DARK: Colour = (205, 205, 205);

/// Colour of a phase (rad), modulo 2π.
pub(super) fn of_phase(phase: f64) -> Colour {
    let [red, green, blue] = linear(phase).map(encoded);
    (red, green, blue)
}

/// Red, green and blue of a phase in proportion to light, 0…1.
fn linear(phase: f64) -> [f64; 3] {
    let lightness = LIGHTNESS - WAVE * phase.cos();
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

/// How strong a power looks, 0…1: its decibels above the floor.
pub(super) fn strength(power: f64) -> f64 {
    (1.0 - 10.0 * power.log10() / FLOOR_DB).clamp(0.0, 1.0)
}

/// Colour of a guide with light of this strength.
pub(super) fn of_strength(strength: f64) -> Colour {
    let between = |dark: u8, ink: u8| (f64::from(dark) + strength * (f64::from(ink) - f64::from(dark))).round() as u8;
    (between(DARK.0, INK.0), between(DARK.1, INK.1), between(DARK.2, INK.2))
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
        assert_eq!(of_phase(0.0), of_phase(TAU));
    }

    #[test]
    fn equal_steps_of_phase_are_about_equal_steps_of_colour() {
        // Steps along the circle are the chord in hue and the wave in lightness.
        let steps = (0..36).map(|k| {
            let (a, b) = (of_phase(TAU * f64::from(k) / 36.0), of_phase(TAU * f64::from(k + 1) / 36.0));
            let difference = |a: u8, b: u8| (f64::from(a) - f64::from(b)).powi(2);
            (difference(a.0, b.0) + difference(a.1, b.1) + difference(a.2, b.2)).sqrt()
        });
        let steps: Vec<f64> = steps.collect();
        let (least, most) = (steps.iter().copied().fold(f64::MAX, f64::min), steps.iter().copied().fold(0.0, f64::max));
        assert!(least > 5.0 && most < 5.0 * least, "{steps:?}");
    }

    #[test]
    fn power_is_a_scale_of_decibels() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(strength(1.0), 1.0) && close(strength(10_f64.powf(-1.5)), 0.5));
        assert!(close(strength(0.0), 0.0) && close(strength(1e-9), 0.0) && close(strength(2.0), 1.0));
        assert_eq!((of_strength(0.0), of_strength(1.0)), (DARK, INK));
    }
}
