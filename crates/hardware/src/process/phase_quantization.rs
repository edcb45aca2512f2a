//! Phase quantisation: phases are rounded to the codes of the converters that drive the heaters.
//!
//! * uniform in phase: 2^b codes of step Δ = 2π/2^b, cyclic; rms error Δ/√12;
//! * uniform in voltage: φ = π(V/V_π)², 2^b codes from 0 to √2·V_π (2π). The step LSB is √2/(2^b − 1) of V_π, fine near 0
//!   and coarse near 2π. For uniform φ the rms error is 2π·LSB/√12, the largest 2π/(2^b − 1)
//!   (docs/physics.md, Fabrication errors).

use super::Imperfection;
use phaseloom_files::{InvalidValue, read_key};
use phaseloom_mesh::{Phases, Stage};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, SQRT_2, TAU};

/// The quantity in which the codes are equally spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UniformIn {
    /// Equal steps of phase.
    #[default]
    Phase,
    /// Equal steps of heater voltage.
    Voltage,
}

/// Table `[phase_quantization]` of a process file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseQuantization {
    /// Bits of the converter of every phase. Range: 1…24.
    pub bits: u32,
    /// Quantity in which the codes are equally spaced.
    #[serde(default)]
    pub uniform_in: UniformIn,
}

impl PhaseQuantization {
    /// Phase (rad) of the code nearest to `phase` (rad); NaN for a NaN.
    ///
    /// # Panics
    ///
    /// If the bits are not 1…24.
    #[must_use]
    pub fn quantize(&self, phase: f64) -> f64 {
        assert!(self.check().is_ok(), "{} bits of a phase", self.bits);
        self.quantizer()(phase)
    }

    /// [`PhaseQuantization::quantize`] for many phases: the settings are read once.
    fn quantizer(&self) -> impl Fn(f64) -> f64 {
        let codes = 2f64.powi(read_key!("process.phase_quantization", self.bits) as i32);
        let uniform_in = read_key!("process.phase_quantization", self.uniform_in);
        move |phase| match uniform_in {
            UniformIn::Phase => {
                let lsb = TAU / codes;
                (phase / lsb).round().rem_euclid(codes) * lsb
            }
            UniformIn::Voltage => {
                let lsb = SQRT_2 / (codes - 1.0);
                // `clamp` keeps a NaN, `min` and `max` do not.
                let volts = (phase.clamp(0.0, f64::MAX) / PI).sqrt();
                PI * ((volts / lsb).round().clamp(0.0, codes - 1.0) * lsb).powi(2)
            }
        }
    }
}

impl Imperfection for PhaseQuantization {
    fn check(&self) -> Result<(), InvalidValue> {
        if (1..=24).contains(&self.bits) {
            Ok(())
        } else {
            Err(InvalidValue::new("bits", self.bits, "a whole number from 1 to 24"))
        }
    }

    fn drive(&self, _stages: &[Stage], phases: &mut [Phases]) {
        let quantize = self.quantizer();
        for phase in phases.iter_mut().flat_map(|s| s.values_mut()) {
            *phase = quantize(*phase);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code is tried. The one with the nearest phase or voltage is right; a phase may also be off by 2π.
    #[test]
    fn a_phase_takes_the_nearest_code() {
        for bits in [1, 3, 8] {
            let codes = 1 << bits;
            for i in 0..=1000 {
                let phase = TAU * (f64::from(i) + 0.37) / 1001.0;
                let nearest = |of: fn(f64) -> f64, code: &dyn Fn(i32) -> f64| {
                    let off = |k: &i32| (of(code(*k)) - of(phase)).abs();
                    code((0..=codes).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap())
                };
                let phases = nearest(|phase| phase, &|k| TAU * f64::from(k) / f64::from(codes));
                let voltages =
                    nearest(f64::sqrt, &|k| TAU * (f64::from(k.min(codes - 1)) / f64::from(codes - 1)).powi(2));
                for (uniform_in, slow) in [(UniformIn::Phase, phases), (UniformIn::Voltage, voltages)] {
                    let error = (PhaseQuantization { bits, uniform_in }.quantize(phase) - slow).abs();
                    assert!(error.min(TAU - error) < 1e-12, "{bits} bits, uniform in {uniform_in:?}: {phase}, {slow}");
                }
            }
        }
    }

    #[test]
    fn codes_stay_where_they_are() {
        for uniform_in in [UniformIn::Phase, UniformIn::Voltage] {
            let q = PhaseQuantization { bits: 5, uniform_in };
            for i in 0..500 {
                let once = q.quantize(f64::from(i) * TAU / 500.0);
                assert!((q.quantize(once) - once).abs() < 1e-12);
            }
            assert!(q.quantize(-1e-12).abs() < 1e-12, "a phase slightly below zero is off");
        }
    }
}
