//! From measured values of a tile to numbers in the units of the weights: converter, square root, sign, gain.
//!
//! ```text
//! homodyne       y = g·x                x the measured value, or its code
//! one detector   y = g·(√x − r)         r = 0 (direct) or the constant field (offset)
//! ```
//!
//! The converter is scaled by the design alone. A calibration with the chip changes the gain after the converter.

use crate::link::{Detection, Link};
use phaseloom_numerics::Real;
use phaseloom_numerics::simd::vectorised;
use std::ops::Range;

/// The electronics after the detectors of a tile.
#[derive(Clone, Debug)]
pub(crate) struct Readout<T> {
    detection: Detection,
    codes: Option<Codes<T>>,
    /// The constant field of offset detection, in units of √P_port; else 0.
    offset: T,
    /// Units of the outputs per field in units of √P_port, one per output: g·s_x of the design times measured over
    /// designed gain.
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
            let max_code = codes.max_code();
            let [max_code, full_scale, inverse_full_scale, step] =
                [max_code, full_scale, 1.0 / full_scale, full_scale / max_code].map(|value| T::from_f64(value));
            Codes { max_code, full_scale, inverse_full_scale, step }
        });
        let gains = gain_corrections.iter().map(|correction| T::from_f64(scale * correction)).collect();
        Self { detection: link.detection, codes, offset: T::from_f64(offset), gains }
    }

    /// Adds the outputs of some vectors to the rows of a tile in `sums`, and counts saturated values row by row.
    pub(crate) fn accumulate(&self, values: &[T], to: Accumulate<'_, T>) {
        match (self.detection, self.codes) {
            (Detection::Homodyne, Some(codes)) => self.add(values, to, Signed(codes)),
            (Detection::Homodyne, None) => self.add(values, to, NoConverter),
            (Detection::Direct | Detection::Offset, Some(codes)) => self.add(values, to, Unsigned(codes, self.offset)),
            (Detection::Direct | Detection::Offset, None) => self.add(values, to, SquareRoot(self.offset)),
        }
    }

    fn add(&self, values: &[T], to: Accumulate<'_, T>, converter: impl Convert<T>) {
        let Accumulate { sums, outputs, rows, clipped } = to;
        let gains = &self.gains[..];
        vectorised(
            #[inline(always)]
            move || {
                let count = gains.len();
                let clipped = &mut clipped[..count];
                for (values, sums) in values.chunks_exact(count).zip(sums.chunks_exact_mut(outputs)) {
                    let sums = &mut sums[rows.clone()][..count];
                    for i in 0..count {
                        let (field, saturated) = converter.convert(values[i]);
                        sums[i] += field * gains[i];
                        clipped[i] += u32::from(saturated);
                    }
                }
            },
        );
    }
}

/// Where outputs accumulate.
pub(crate) struct Accumulate<'a, T> {
    /// Outputs of the layer, vector after vector.
    pub sums: &'a mut [T],
    /// Number of outputs of the layer.
    pub outputs: usize,
    /// Outputs to which the tile contributes.
    pub rows: Range<usize>,
    /// Number of saturated values of each row of the tile.
    pub clipped: &'a mut [u32],
}

/// Conversion of one measured value: the field, and whether the converter saturated.
trait Convert<T>: Copy {
    fn convert(self, value: T) -> (T, bool);
}

/// Homodyne without a converter.
#[derive(Clone, Copy)]
struct NoConverter;

/// Homodyne with a converter.
#[derive(Clone, Copy)]
struct Signed<T>(Codes<T>);

/// One detector without a converter; holds the constant field.
#[derive(Clone, Copy)]
struct SquareRoot<T>(T);

/// One detector with a converter; holds the constant field.
#[derive(Clone, Copy)]
struct Unsigned<T>(Codes<T>, T);

impl<T: Real> Convert<T> for NoConverter {
    #[inline(always)]
    fn convert(self, value: T) -> (T, bool) {
        (value, false)
    }
}

impl<T: Real> Convert<T> for Signed<T> {
    #[inline(always)]
    fn convert(self, value: T) -> (T, bool) {
        let inside = (value * self.0.inverse_full_scale).clamp(T::ZERO - T::ONE, T::ONE);
        ((inside * self.0.max_code).round_ties_even() * self.0.step, value.abs() > self.0.full_scale)
    }
}

impl<T: Real> Convert<T> for SquareRoot<T> {
    #[inline(always)]
    fn convert(self, value: T) -> (T, bool) {
        // Noise can make the intensity negative.
        let intensity = if value > T::ZERO { value } else { T::ZERO };
        (intensity.sqrt() - self.0, false)
    }
}

impl<T: Real> Convert<T> for Unsigned<T> {
    #[inline(always)]
    fn convert(self, value: T) -> (T, bool) {
        let inside = (value * self.0.inverse_full_scale).clamp(T::ZERO, T::ONE);
        let intensity = (inside * self.0.max_code).round_ties_even() * self.0.step;
        (intensity.sqrt() - self.1, value > self.0.full_scale)
    }
}
