//! The law of detection in units of the measured value, for many vectors at once and in either precision.
//!
//! With the field ã, s = Re ã (homodyne) or |ã|² (one detector), z ~ N(0, 1) and ε = σ_ε·z_laser:
//!
//! ```text
//! value = (s + √(v₀ + v₁|ã|²)·z_shot)·(1 + ε) + c·ε + t·z_thermal
//! ```
//!
//! Engine: measure before and after a change.

use super::Receiver;
use phaseloom_numerics::Real;
use phaseloom_numerics::simd::vectorised;

/// The constants of the law.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detector<T> {
    /// Whether s is Re ã rather than |ã|².
    homodyne: bool,
    /// v₀: shot noise of the local oscillator.
    oscillator_variance: T,
    /// v₁: shot noise of the signal for |ã|² = 1.
    signal_variance: T,
    /// σ_ε of the laser.
    laser: T,
    /// c: current of the local oscillator that imperfect balancing leaves.
    unbalanced: T,
    /// t: standard deviation of thermal noise.
    thermal: T,
}

/// Fields at the outputs of a tile, vector after vector, and the normal random numbers of their noise: shot and thermal
/// noise for each field, the laser for each vector.
///
/// The random numbers are single in both precisions, so that the precisions differ by rounding alone.
pub(crate) struct OutputFields<'a, T> {
    pub rows: usize,
    pub re: &'a [T],
    pub im: &'a [T],
    pub shot: &'a [f32],
    pub thermal: &'a [f32],
    pub laser: &'a [f32],
}

impl Receiver {
    /// The law in one precision.
    pub(crate) fn detector<T: Real>(&self) -> Detector<T> {
        let count_a = if self.noise.shot { self.count_a } else { 0.0 };
        let variance = |current_a: f64| T::from_f64(count_a * current_a * self.per_a * self.per_a);
        Detector {
            homodyne: self.homodyne(),
            oscillator_variance: variance(self.lo_a),
            signal_variance: variance(self.port_a),
            laser: T::from_f64(self.intensity_sigma),
            unbalanced: T::from_f64(self.imbalance * self.lo_a * self.per_a),
            thermal: T::from_f64(self.thermal_a * self.per_a),
        }
    }
}

impl<T: Real> Detector<T> {
    /// Writes the measured values of all fields, and adds the |ã|² of each row to `intensity`.
    pub(crate) fn detect(&self, fields: &OutputFields<'_, T>, values: &mut [T], intensity: &mut [T]) {
        if self.homodyne {
            self.detect_as::<true>(fields, values, intensity);
        } else {
            self.detect_as::<false>(fields, values, intensity);
        }
    }

    fn detect_as<const HOMODYNE: bool>(&self, fields: &OutputFields<'_, T>, values: &mut [T], intensity: &mut [T]) {
        let Self { oscillator_variance, signal_variance, laser, unbalanced, thermal, .. } = *self;
        vectorised(
            #[inline(always)]
            move || {
                let rows = fields.rows;
                let intensity = &mut intensity[..rows];
                for (j, draw) in fields.laser.iter().enumerate() {
                    let vector = j * rows..(j + 1) * rows;
                    let (re, im) = (&fields.re[vector.clone()], &fields.im[vector.clone()]);
                    let (shot, heat) = (&fields.shot[vector.clone()], &fields.thermal[vector.clone()]);
                    let values = &mut values[vector];
                    let epsilon = laser * T::from_f32(*draw);
                    let (factor, common) = (T::ONE + epsilon, unbalanced * epsilon);
                    for i in 0..rows {
                        let square = re[i] * re[i] + im[i] * im[i];
                        let signal = if HOMODYNE { re[i] } else { square };
                        let deviation = (oscillator_variance + signal_variance * square).sqrt();
                        let current = signal + deviation * T::from_f32(shot[i]);
                        values[i] = current * factor + common + thermal * T::from_f32(heat[i]);
                        intensity[i] += square;
                    }
                }
            },
        );
    }
}
