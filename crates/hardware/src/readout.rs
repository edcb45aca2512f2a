//! From the readings of a tile to numbers in the units of the weights: converter, square root, sign, gain.

use crate::{Codes, Detection, Link};

/// What the outputs of a tile do to their readings.
#[derive(Clone, Debug)]
pub(crate) struct Readout {
    detection: Detection,
    codes: Option<Codes>,
    /// Units of each output per field in units of √P_port: g·s_x.
    scales: Vec<f64>,
    /// Full scale, in the units of the outputs.
    full_scale: f64,
    /// The constant field of offset detection, in units of √P_port.
    offset: f64,
}

impl Readout {
    /// For gains g·s_x, a full scale in the units of the outputs, and a constant field in units of √P_port.
    pub(crate) fn new(link: &Link, scales: Vec<f64>, full_scale: f64, offset: f64) -> Self {
        let codes = link.adc.map(|adc| match link.detection {
            Detection::Homodyne => adc.converter().signed(),
            Detection::Direct | Detection::Offset => adc.converter().unsigned(),
        });
        Self { detection: link.detection, codes, scales, full_scale, offset }
    }

    /// Adds the outputs of one vector to `sums`; returns how many readings saturated the converter.
    pub(crate) fn add(&self, readings: &[f64], sums: &mut [f64]) -> u64 {
        let each = readings.iter().zip(&self.scales).zip(sums);
        let mut clipped = 0;
        match (self.detection, &self.codes) {
            (Detection::Homodyne, Some(codes)) => {
                let per_full_scale = 1.0 / self.full_scale;
                for ((&reading, scale), sum) in each {
                    let x = reading * scale * per_full_scale;
                    clipped += u64::from(x.abs() > 1.0);
                    *sum += codes.round(x.clamp(-1.0, 1.0)) * self.full_scale;
                }
            }
            (Detection::Homodyne, None) => each.for_each(|((reading, scale), sum)| *sum += reading * scale),
            (Detection::Direct, Some(codes)) => {
                for ((&reading, scale), sum) in each {
                    let top = self.full_scale / scale;
                    let x = reading / (top * top);
                    clipped += u64::from(x > 1.0);
                    *sum += codes.round(x.clamp(0.0, 1.0)).sqrt() * self.full_scale;
                }
            }
            (Detection::Direct, None) => {
                each.for_each(|((reading, scale), sum)| *sum += reading.max(0.0).sqrt() * scale);
            }
            (Detection::Offset, Some(codes)) => {
                for ((&reading, scale), sum) in each {
                    let whole = self.offset + self.full_scale / scale;
                    let x = reading / (whole * whole);
                    clipped += u64::from(x > 1.0);
                    *sum += (codes.round(x.clamp(0.0, 1.0)).sqrt() * whole - self.offset) * scale;
                }
            }
            (Detection::Offset, None) => {
                each.for_each(|((reading, scale), sum)| *sum += (reading.max(0.0).sqrt() - self.offset) * scale);
            }
        }
        clipped
    }
}
