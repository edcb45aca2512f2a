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
use std::ops::Range;

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

/// Fields at the outputs of some tiles, tile by tile and vector by vector, and the normal random numbers of their noise. All
/// outputs of a vector and tile have the same number for the laser.
///
/// The random numbers are single in both precisions, so that the precisions differ by rounding alone.
pub(crate) struct OutputFields<'a, T> {
    pub re: &'a [T],
    pub im: &'a [T],
    pub shot: &'a [f32],
    pub thermal: &'a [f32],
    pub laser: &'a [f32],
}

impl<T> OutputFields<'_, T> {
    /// Some of the fields.
    pub(crate) fn part(&self, range: Range<usize>) -> OutputFields<'_, T> {
        OutputFields {
            re: &self.re[range.clone()],
            im: &self.im[range.clone()],
            shot: &self.shot[range.clone()],
            thermal: &self.thermal[range.clone()],
            laser: &self.laser[range],
        }
    }
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

/// Fields whose |ã|² are added side by side, so that the additions need not wait for each other.
const LANES: usize = 64;

impl<T: Real> Detector<T> {
    /// Writes the measured values of all fields, and returns the sum of |ã|².
    pub(crate) fn detect(&self, fields: &OutputFields<'_, T>, values: &mut [T]) -> f64 {
        if self.homodyne { self.detect_as::<true>(fields, values) } else { self.detect_as::<false>(fields, values) }
    }

    fn detect_as<const HOMODYNE: bool>(&self, fields: &OutputFields<'_, T>, values: &mut [T]) -> f64 {
        let law = *self;
        let OutputFields { re, im, shot, thermal, laser } = *fields;
        let mut intensity = [T::ZERO; LANES];
        let sums = &mut intensity;
        vectorised(
            #[inline(always)]
            move || {
                let mut values = values.chunks_exact_mut(LANES);
                let mut first = 0;
                for values in &mut values {
                    let here = first..first + LANES;
                    let (re, im, laser) = (&re[here.clone()], &im[here.clone()], &laser[here.clone()]);
                    let (shot, thermal) = (&shot[here.clone()], &thermal[here]);
                    for i in 0..LANES {
                        let square = re[i] * re[i] + im[i] * im[i];
                        let signal = if HOMODYNE { re[i] } else { square };
                        values[i] = law.value(signal, square, shot[i], thermal[i], laser[i]);
                        sums[i] += square;
                    }
                    first += LANES;
                }
                for (k, value) in (first..).zip(values.into_remainder()) {
                    let square = re[k] * re[k] + im[k] * im[k];
                    let signal = if HOMODYNE { re[k] } else { square };
                    *value = law.value(signal, square, shot[k], thermal[k], laser[k]);
                    sums[k - first] += square;
                }
            },
        );
        intensity.iter().map(|square| square.to_f64()).sum()
    }

    /// The law for the signal s, |ã|², and the normal random numbers.
    #[inline(always)]
    fn value(&self, signal: T, square: T, shot: f32, thermal: f32, laser: f32) -> T {
        let epsilon = self.laser * T::from_f32(laser);
        let deviation = (self.oscillator_variance + self.signal_variance * square).sqrt();
        let current = signal + deviation * T::from_f32(shot);
        current * (T::ONE + epsilon) + self.unbalanced * epsilon + self.thermal * T::from_f32(thermal)
    }
}
