//! The law of a reading in units of the reading itself, for many vectors at once, in either precision.
//!
//! With ã the field, s = Re ã (homodyne) or |ã|² (one detector), z draws of N(0, 1) and ε = σ_ε z_laser:
//!
//! ```text
//! reading = (s + √(v₀ + v₁|ã|²)·z_shot)·(1 + ε) + c·ε + t·z_thermal
//! ```

use super::Receiver;
use phaseloom_numerics::Real;
use pulp::{Arch, NullaryFnOnce};

/// The constants of that law.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detector<T> {
    /// Whether Re ã is read, |ã|² if not.
    pub homodyne: bool,
    /// v₀: shot noise of the local oscillator.
    pub dark_variance: T,
    /// v₁: shot noise of the signal, for |ã|² = 1.
    pub signal_variance: T,
    /// σ_ε of the laser.
    pub laser: T,
    /// c: what balancing leaves of the local oscillator's current.
    pub unbalanced: T,
    /// t: standard deviation of thermal noise.
    pub thermal: T,
}

/// Fields at the outputs of a tile, vector after vector, and the draws of their noise: one of shot and thermal noise
/// for each field, one of the laser for each vector. The draws are single in both precisions, which so differ by rounding
/// alone.
pub(crate) struct Light<'a, T> {
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
        let count_a = if self.shot { self.count_a } else { 0.0 };
        let variance = |current_a: f64| T::from_f64(count_a * current_a * self.per_a * self.per_a);
        Detector {
            homodyne: self.homodyne(),
            dark_variance: variance(self.lo_a),
            signal_variance: variance(self.port_a),
            laser: T::from_f64(self.intensity_sigma),
            unbalanced: T::from_f64(self.imbalance * self.lo_a * self.per_a),
            thermal: T::from_f64(self.thermal_a * self.per_a),
        }
    }
}

impl<T: Real> Detector<T> {
    /// Reads all fields into `readings`, and adds the |ã|² of each row to `intensity`.
    pub(crate) fn read(&self, light: &Light<'_, T>, readings: &mut [T], intensity: &mut [T]) {
        let detector = *self;
        if self.homodyne {
            Arch::new().dispatch(Read::<T, true> { detector, light, readings, intensity });
        } else {
            Arch::new().dispatch(Read::<T, false> { detector, light, readings, intensity });
        }
    }
}

struct Read<'a, T, const HOMODYNE: bool> {
    detector: Detector<T>,
    light: &'a Light<'a, T>,
    readings: &'a mut [T],
    intensity: &'a mut [T],
}

impl<T: Real, const HOMODYNE: bool> NullaryFnOnce for Read<'_, T, HOMODYNE> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Detector { dark_variance, signal_variance, laser, unbalanced, thermal, .. } = self.detector;
        let rows = self.light.rows;
        let intensity = &mut self.intensity[..rows];
        for (j, draw) in self.light.laser.iter().enumerate() {
            let here = j * rows..(j + 1) * rows;
            let (re, im) = (&self.light.re[here.clone()], &self.light.im[here.clone()]);
            let (shot, heat) = (&self.light.shot[here.clone()], &self.light.thermal[here.clone()]);
            let readings = &mut self.readings[here];
            let epsilon = laser * T::from_f32(*draw);
            let (factor, common) = (T::ONE + epsilon, unbalanced * epsilon);
            for i in 0..rows {
                let square = re[i] * re[i] + im[i] * im[i];
                let signal = if HOMODYNE { re[i] } else { square };
                let current = signal + (dark_variance + signal_variance * square).sqrt() * T::from_f32(shot[i]);
                readings[i] = current * factor + common + thermal * T::from_f32(heat[i]);
                intensity[i] += square;
            }
        }
    }
}
