//! From the readings of a tile to numbers in the units of the weights: converter, square root, sign, gain.

use crate::link::{Detection, Link};
use phaseloom_numerics::Real;
use pulp::{Arch, NullaryFnOnce};

/// What the outputs of a tile do to their readings.
///
/// ```text
/// homodyne       y = g·x                x the reading, or its code
/// one detector   y = g·(√x − r)         r = 0 (direct) or the constant field (offset)
/// ```
///
/// The converter is scaled by the design alone; what a calibration learns of the chip is a factor behind it.
#[derive(Clone, Debug)]
pub(crate) struct Readout<T> {
    detection: Detection,
    codes: Option<Codes<T>>,
    /// The constant field of offset detection, in units of √P_port; else 0.
    offset: T,
    /// Units of the outputs per field in units of √P_port, one an output: g·s_x of the design, times measured over
    /// designed gain.
    gains: Vec<T>,
}

/// The codes of the converter, for readings.
#[derive(Clone, Copy, Debug)]
struct Codes<T> {
    /// Codes per full scale.
    last: T,
    /// Full scale, and its reciprocal.
    top: T,
    per_top: T,
    /// One code.
    step: T,
}

impl<T: Real> Readout<T> {
    /// For a designed gain g·s_x, factors behind the converter, a full scale in the units of the outputs, and a
    /// constant field in units of √P_port.
    pub(crate) fn new(link: &Link, scale: f64, trims: &[f64], full_scale: f64, offset: f64) -> Self {
        let field = full_scale / scale;
        let codes = link.adc.map(|adc| {
            let (codes, top) = match link.detection {
                Detection::Homodyne => (adc.converter().signed(), field),
                Detection::Direct | Detection::Offset => (adc.converter().unsigned(), (offset + field).powi(2)),
            };
            let [last, top, per_top, step] =
                [codes.last(), top, 1.0 / top, top / codes.last()].map(|value| T::from_f64(value));
            Codes { last, top, per_top, step }
        });
        let gains = trims.iter().map(|trim| T::from_f64(scale * trim)).collect();
        Self { detection: link.detection, codes, offset: T::from_f64(offset), gains }
    }

    /// Adds the outputs of some vectors to rows of `sums`, `place` = (first row, all rows); counts in `clipped`, row by
    /// row, the readings that saturate the converter.
    pub(crate) fn add(&self, readings: &[T], sums: &mut [T], place: (usize, usize), clipped: &mut [u32]) {
        let into = Into { readings, gains: &self.gains, sums, place, clipped };
        match (self.detection, self.codes) {
            (Detection::Homodyne, Some(codes)) => into.add(Signed(codes)),
            (Detection::Homodyne, None) => into.add(Exact),
            (Detection::Direct | Detection::Offset, Some(codes)) => into.add(Unsigned(codes, self.offset)),
            (Detection::Direct | Detection::Offset, None) => into.add(Root(self.offset)),
        }
    }
}

/// What happens to one reading: its field, and whether the converter saturated.
trait Convert<T>: Copy {
    fn convert(self, reading: T) -> (T, bool);
}

#[derive(Clone, Copy)]
struct Exact;

#[derive(Clone, Copy)]
struct Signed<T>(Codes<T>);

#[derive(Clone, Copy)]
struct Root<T>(T);

#[derive(Clone, Copy)]
struct Unsigned<T>(Codes<T>, T);

impl<T: Real> Convert<T> for Exact {
    #[inline(always)]
    fn convert(self, reading: T) -> (T, bool) {
        (reading, false)
    }
}

impl<T: Real> Convert<T> for Signed<T> {
    #[inline(always)]
    fn convert(self, reading: T) -> (T, bool) {
        let x = reading * self.0.per_top;
        let inside = x.clamp(T::ZERO - T::ONE, T::ONE);
        ((inside * self.0.last).round_ties_even() * self.0.step, reading.abs() > self.0.top)
    }
}

impl<T: Real> Convert<T> for Root<T> {
    #[inline(always)]
    fn convert(self, reading: T) -> (T, bool) {
        let lit = if reading > T::ZERO { reading } else { T::ZERO };
        (lit.sqrt() - self.0, false)
    }
}

impl<T: Real> Convert<T> for Unsigned<T> {
    #[inline(always)]
    fn convert(self, reading: T) -> (T, bool) {
        let inside = (reading * self.0.per_top).clamp(T::ZERO, T::ONE);
        let code = (inside * self.0.last).round_ties_even() * self.0.step;
        (code.sqrt() - self.1, reading > self.0.top)
    }
}

struct Into<'a, T> {
    readings: &'a [T],
    gains: &'a [T],
    sums: &'a mut [T],
    place: (usize, usize),
    clipped: &'a mut [u32],
}

impl<T: Real> Into<'_, T> {
    fn add<C: Convert<T>>(self, converter: C) {
        Arch::new().dispatch(Add { into: self, converter });
    }
}

struct Add<'a, T, C> {
    into: Into<'a, T>,
    converter: C,
}

impl<T: Real, C: Convert<T>> NullaryFnOnce for Add<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Into { readings, gains, sums, place: (first, all), clipped } = self.into;
        let rows = gains.len();
        let clipped = &mut clipped[..rows];
        for (readings, sums) in readings.chunks_exact(rows).zip(sums.chunks_exact_mut(all)) {
            let sums = &mut sums[first..first + rows];
            for i in 0..rows {
                let (field, saturated) = self.converter.convert(readings[i]);
                sums[i] += field * gains[i];
                clipped[i] += u32::from(saturated);
            }
        }
    }
}
