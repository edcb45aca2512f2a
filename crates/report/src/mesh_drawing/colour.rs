//! Colours: a phase is a place on a closed curve of colours, because both are periodic, and a power is the strength of a
//! stroke.
//!
//! The curve is an ellipse in OKLab (Ottosson 2020), a space in which equal steps look equal. Its axes are lightness and
//! the difference of yellow and blue, which every reader with two kinds of cones sees; red and green carry nothing.
//!
//! ```text
//! 0 pale ── π/2 ochre ── π dark ── 3π/2 blue ── 2π pale
//! ```

use crate::plot::palette::{BLACK, Colour, INK, WHITE};

/// Lightness at π/2, and its amplitude.
const LIGHTNESS: f64 = 0.69;
const AMPLITUDE: f64 = 0.23;
/// Amplitude of yellow against blue. With more, some colours would lie outside sRGB.
const YELLOW: f64 = 0.108;
/// Amplitude of red against green, which makes the yellow an ochre.
const RED: f64 = 0.03;

/// Lower end of the scale of power (dB).
pub(super) const FLOOR_DB: f64 = -30.0;

/// A waveguide without light.
const NO_LIGHT: Colour = (205, 205, 205);

/// Yellow of every phase, so that none is a grey, which a dark scheme would replace.
const TINT: f64 = 0.006;

/// Colour of a phase (rad), modulo 2π.
pub(super) fn phase_colour(phase: f64) -> Colour {
    let [red, green, blue] = linear(phase).map(encoded);
    (red, green, blue)
}

/// The colour of a text on the colour of a phase: the one of higher contrast.
pub(super) fn text_colour(phase: f64) -> Colour {
    let [red, green, blue] = linear(phase);
    let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    // Contrasts (L + 0.05)/0.05 with black and 1.05/(L + 0.05) with white are equal at L = 0.179.
    if luminance > 0.179 { BLACK } else { WHITE }
}

/// Linear red, green and blue of a phase, 0…1.
fn linear(phase: f64) -> [f64; 3] {
    let lightness = LIGHTNESS + AMPLITUDE * phase.cos();
    let (a, b) = (RED * phase.sin(), YELLOW * phase.sin() + TINT);
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

/// Steps of the strength of a stroke. More steps would only add rules to the style sheet.
const STEPS: f64 = 20.0;

/// Strength of the stroke of a power, 0…1, linear in decibels above the floor, in steps.
pub(super) fn strength(power: f64) -> f64 {
    (STEPS * (1.0 - 10.0 * power.log10() / FLOOR_DB)).clamp(0.0, STEPS).round() / STEPS
}

/// Colour of a waveguide with light of this strength.
pub(super) fn strength_colour(strength: f64) -> Colour {
    let between = |low: u8, high: u8| (f64::from(low) + strength * (f64::from(high) - f64::from(low))).round() as u8;
    (between(NO_LIGHT.0, INK.0), between(NO_LIGHT.1, INK.1), between(NO_LIGHT.2, INK.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::scheme::dark;
    use std::f64::consts::TAU;

    #[test]
    fn every_phase_has_a_colour_on_a_screen_and_the_circle_closes() {
        for step in 0..360 {
            let channels = linear(f64::from(step).to_radians());
            assert!(channels.iter().all(|channel| (0.0..=1.0).contains(channel)), "{step}°: {channels:?}");
        }
        assert_eq!(phase_colour(0.0), phase_colour(TAU));
        assert!(
            (0..720).all(|step| dark(phase_colour(TAU * f64::from(step) / 720.0)).is_none()),
            "all stay in the dark"
        );
    }

    /// Matrices on linear red, green and blue of Machado, Oliveira and Fernandes (2009) at severity 1.
    const PROTANOPIA: [[f64; 3]; 3] =
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
    const DEUTERANOPIA: [[f64; 3]; 3] =
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
    const NORMAL: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    fn product(matrix: &[[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(m, v)| m * v).sum())
    }

    /// CIELAB (D65) of a phase as a reader sees it.
    fn seen(phase: f64, reader: &[[f64; 3]; 3]) -> [f64; 3] {
        const XYZ: [[f64; 3]; 3] = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
        let (red, green, blue) = phase_colour(phase);
        let decoded = [red, green, blue].map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let xyz = product(&XYZ, product(reader, decoded).map(|channel| channel.clamp(0.0, 1.0)));
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let [x, y, z] = [f(xyz[0] / 0.9505), f(xyz[1]), f(xyz[2] / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// A difference of 2.3 is just visible. Phases an eighth of a turn apart, or farther, differ by five times as much.
    #[test]
    fn phases_an_eighth_of_a_turn_apart_differ_for_every_reader() {
        for reader in [NORMAL, PROTANOPIA, DEUTERANOPIA] {
            for first in 0..72_u32 {
                for second in first + 9..=first + 36 {
                    let [a, b] = [first, second].map(|k| seen(TAU * f64::from(k) / 72.0, &reader));
                    let difference = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    assert!(difference >= 12.0, "{}° and {}°: {difference}", 5 * first, 5 * second);
                }
            }
        }
    }

    #[test]
    fn power_is_a_scale_of_decibels() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(strength(1.0), 1.0) && close(strength(10_f64.powf(-1.5)), 0.5));
        assert!(close(strength(0.0), 0.0) && close(strength(1e-9), 0.0) && close(strength(2.0), 1.0));
        assert_eq!((strength_colour(0.0), strength_colour(1.0)), (NO_LIGHT, INK));
    }
}
