//! From the readings of one output to numbers in the units of the weights: converter, square root, sign, gain.

use crate::{Codes, Detection, Link};

/// What one output of a tile does to its readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readout {
    detection: Detection,
    codes: Option<Codes>,
    /// Units of the output per field in units of √P_port: g·s_x.
    scale: f64,
    /// Full scale of the output.
    full_scale: f64,
    /// Full scale of the field.
    top: f64,
    /// Its reciprocal.
    per_top: f64,
    /// The constant field of offset detection.
    offset: f64,
}

impl Readout {
    /// For a gain g·s_x, a full scale in the units of the output, and a constant field in units of √P_port.
    pub(crate) fn new(link: &Link, scale: f64, full_scale: f64, offset: f64) -> Self {
        let codes = link.adc.map(|adc| match link.detection {
            Detection::Homodyne => adc.converter().signed(),
            Detection::Direct | Detection::Offset => adc.converter().unsigned(),
        });
        Self {
            detection: link.detection,
            codes,
            scale,
            full_scale,
            top: full_scale / scale,
            per_top: scale / full_scale,
            offset,
        }
    }

    /// The output for one reading, and whether the converter saturated.
    #[inline]
    pub(crate) fn convert(&self, reading: f64) -> (f64, bool) {
        match (self.detection, &self.codes) {
            (Detection::Homodyne, Some(codes)) => {
                let x = reading * self.per_top;
                (codes.round(x.clamp(-1.0, 1.0)) * self.full_scale, x.abs() > 1.0)
            }
            (Detection::Homodyne, None) => (reading * self.scale, false),
            (Detection::Direct, Some(codes)) => {
                let x = reading * self.per_top * self.per_top;
                (codes.round(x.clamp(0.0, 1.0)).sqrt() * self.full_scale, x > 1.0)
            }
            (Detection::Direct, None) => (reading.max(0.0).sqrt() * self.scale, false),
            (Detection::Offset, Some(codes)) => {
                let whole = self.offset + self.top;
                let x = reading / (whole * whole);
                let field = codes.round(x.clamp(0.0, 1.0)).sqrt() * whole;
                ((field - self.offset) * self.scale, x > 1.0)
            }
            (Detection::Offset, None) => ((reading.max(0.0).sqrt() - self.offset) * self.scale, false),
        }
    }
}
