//! From measured values of a tile to numbers in the units of the weights: converter, square root, sign, gain.
//!
//! ```text
//! homodyne       y = g·x                x the measured value, or its code
//! one detector   y = g·(√x − r)         r = 0 (direct) or the constant field (offset)
//! ```
//!
//! The converter is scaled by the design alone. A calibration with the chip changes the gain after the converter.
//!
//! Engine: measure before and after a change.

use crate::link::{Detection, Link};
use phaseloom_numerics::Real;
use phaseloom_numerics::simd::vectorised;

/// Minimum length of the inner loop. A shorter one leaves most of the lanes of a register empty.
const MIN_LOOP: usize = 64;

/// The electronics after the detectors of a tile.
#[derive(Clone, Debug)]
pub(crate) struct Readout<T> {
    detection: Detection,
    codes: Option<Codes<T>>,
    /// The constant field of offset detection, in units of √P_port; else 0.
    offset: T,
    /// Units of the outputs per field in units of √P_port: g·s_x of the design times measured over designed gain. The gains of
    /// the outputs of one vector, repeated for several vectors.
    gains: Vec<T>,
}

/// The codes of the converter.
#[derive(Clone, Copy, Debug)]
struct Codes<T> {
    max_code: T,
    full_scale: T,
    inverse_full_scale: T,
    /// Measured value per code.
    step: T,
}

impl<T: Real> Codes<T> {
    /// The value of the nearest code, from `lowest` (0 or −1) times the full scale on.
    #[inline(always)]
    fn round(&self, value: T, lowest: T) -> T {
        let inside = (value * self.inverse_full_scale).clamp(lowest, T::ONE);
        (inside * self.max_code).round_ties_even() * self.step
    }
}

impl<T: Real> Readout<T> {
    /// `scale` is the designed gain g·s_x; `gain_corrections` are factors on it, one per output. `full_scale` has the
    /// units of the outputs, and the constant field `offset` those of √P_port.
    pub(crate) fn new(link: &Link, scale: f64, gain_corrections: &[f64], full_scale: f64, offset: f64) -> Self {
        let field = full_scale / scale;
        let codes = link.adc.map(|adc| {
            let (codes, full_scale) = match link.detection {
                Detection::Homodyne => (adc.converter().signed(), field),
                Detection::Direct | Detection::Offset => (adc.converter().unsigned(), (offset + field).powi(2)),
            };
            let [max_code, full_scale, inverse_full_scale, step] =
                [codes.max_code, full_scale, 1.0 / full_scale, full_scale / codes.max_code]
                    .map(|value| T::from_f64(value));
            Codes { max_code, full_scale, inverse_full_scale, step }
        });
        let gains = gain_corrections.iter().map(|correction| T::from_f64(scale * correction));
        let repeated = MIN_LOOP.next_multiple_of(gains.len());
        let gains = gains.cycle().take(repeated).collect();
        Self { detection: link.detection, codes, offset: T::from_f64(offset), gains }
    }

    /// The field that the electronics read from a measured value of an output, in the units of the outputs, and the derivative by
    /// the measured value. Rounding counts as the identity, at the rounded value; a saturated value has no slope.
    pub(crate) fn linearised(&self, value: T, output: usize) -> (T, T) {
        let gain = self.gains[output];
        let lowest = if self.detection == Detection::Homodyne { T::ZERO - T::ONE } else { T::ZERO };
        let (read, slope) = match self.codes {
            Some(codes) => {
                let size = if self.detection == Detection::Homodyne { value.abs() } else { value };
                (codes.round(value, lowest), if size > codes.full_scale { T::ZERO } else { T::ONE })
            }
            None => (value, T::ONE),
        };
        match self.detection {
            Detection::Homodyne => (read * gain, slope * gain),
            // The square root has no slope where nothing is read.
            Detection::Direct | Detection::Offset if read > T::ZERO => {
                let root = read.sqrt();
                ((root - self.offset) * gain, slope * gain * T::from_f64(0.5 / root.to_f64()))
            }
            Detection::Direct | Detection::Offset => ((T::ZERO - self.offset) * gain, T::ZERO),
        }
    }

    /// Adds the outputs of some vectors (outputs × vectors) to `sums`, and returns the number of saturated values.
    pub(crate) fn accumulate(&self, values: &[T], sums: &mut [T]) -> u64 {
        let offset = self.offset;
        let minus_one = T::ZERO - T::ONE;
        match (self.detection, self.codes) {
            (Detection::Homodyne, None) => self.add(
                values,
                sums,
                #[inline(always)]
                |value| (value, false),
            ),
            (Detection::Homodyne, Some(codes)) => self.add(
                values,
                sums,
                #[inline(always)]
                move |value| (codes.round(value, minus_one), value.abs() > codes.full_scale),
            ),
            (Detection::Direct | Detection::Offset, None) => self.add(
                values,
                sums,
                #[inline(always)]
                move |value| {
                    // Noise can make the intensity negative.
                    let intensity = if value > T::ZERO { value } else { T::ZERO };
                    (intensity.sqrt() - offset, false)
                },
            ),
            (Detection::Direct | Detection::Offset, Some(codes)) => self.add(
                values,
                sums,
                #[inline(always)]
                move |value| (codes.round(value, T::ZERO).sqrt() - offset, value > codes.full_scale),
            ),
        }
    }

    /// `convert` gives the field of a measured value, and whether the converter saturated.
    fn add(&self, values: &[T], sums: &mut [T], convert: impl Fn(T) -> (T, bool)) -> u64 {
        let gains = &self.gains[..];
        vectorised(
            #[inline(always)]
            move || {
                let mut clipped = 0;
                for (values, sums) in values.chunks(gains.len()).zip(sums.chunks_mut(gains.len())) {
                    let mut saturated_here = 0_u32;
                    for ((value, sum), gain) in values.iter().zip(sums).zip(gains) {
                        let (field, saturated) = convert(*value);
                        *sum += field * *gain;
                        saturated_here += u32::from(saturated);
                    }
                    clipped += u64::from(saturated_here);
                }
                clipped
            },
        )
    }
}
