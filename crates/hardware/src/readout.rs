//! From the readings of a tile to numbers in the units of the weights: converter, square root, sign, gain.

use crate::{Codes, Detection, Link};

/// What the outputs of a tile do to their readings.
///
/// The converter is scaled by the design alone; what a calibration learns of the chip is a factor behind it.
#[derive(Clone, Debug)]
pub(crate) struct Readout {
    detection: Detection,
    codes: Option<Codes>,
    /// Units of the outputs per field in units of √P_port, from the design: g·s_x.
    scale: f64,
    /// Measured over designed gain, one an output; 1 without calibration.
    trims: Vec<f64>,
    /// Full scale, in the units of the outputs.
    full_scale: f64,
    /// The constant field of offset detection, in units of √P_port.
    offset: f64,
}

impl Readout {
    /// For a designed gain g·s_x, factors behind the converter, a full scale in the units of the outputs, and a
    /// constant field in units of √P_port.
    pub(crate) fn new(link: &Link, scale: f64, trims: Vec<f64>, full_scale: f64, offset: f64) -> Self {
        let codes = link.adc.map(|adc| match link.detection {
            Detection::Homodyne => adc.converter().signed(),
            Detection::Direct | Detection::Offset => adc.converter().unsigned(),
        });
        Self { detection: link.detection, codes, scale, trims, full_scale, offset }
    }

    /// Adds the outputs of one vector to `sums`; returns how many readings saturated the converter.
    pub(crate) fn add(&self, readings: &[f64], sums: &mut [f64]) -> u64 {
        let each = readings.iter().zip(&self.trims).zip(sums);
        let scale = self.scale;
        let top = self.full_scale / scale;
        let mut clipped = 0;
        match (self.detection, &self.codes) {
            (Detection::Homodyne, Some(codes)) => {
                let per_top = 1.0 / top;
                for ((&reading, trim), sum) in each {
                    let x = reading * per_top;
                    clipped += u64::from(x.abs() > 1.0);
                    *sum += codes.round(x.clamp(-1.0, 1.0)) * self.full_scale * trim;
                }
            }
            (Detection::Homodyne, None) => each.for_each(|((reading, trim), sum)| *sum += reading * scale * trim),
            (Detection::Direct, Some(codes)) => {
                for ((&reading, trim), sum) in each {
                    let x = reading / (top * top);
                    clipped += u64::from(x > 1.0);
                    *sum += codes.round(x.clamp(0.0, 1.0)).sqrt() * self.full_scale * trim;
                }
            }
            (Detection::Direct, None) => {
                each.for_each(|((reading, trim), sum)| *sum += reading.max(0.0).sqrt() * scale * trim);
            }
            (Detection::Offset, Some(codes)) => {
                let whole = self.offset + top;
                for ((&reading, trim), sum) in each {
                    let x = reading / (whole * whole);
                    clipped += u64::from(x > 1.0);
                    *sum += (codes.round(x.clamp(0.0, 1.0)).sqrt() * whole - self.offset) * scale * trim;
                }
            }
            (Detection::Offset, None) => {
                each.for_each(|((reading, trim), sum)| {
                    *sum += (reading.max(0.0).sqrt() - self.offset) * scale * trim;
                });
            }
        }
        clipped
    }
}
