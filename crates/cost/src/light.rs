//! Laser power from a precision, or precision from a laser power, by the noise law of the receiver.
//!
//! A reading has the field a = t·level in units of √P_port, with the amplitude transmission t of the program. The
//! variance of a reading, [`Receiver::variance`], is a sum of three parts of the laser power P:
//!
//! ```text
//! variance(P) = c₁/P + c₂/P² + c₃           shot noise, thermal noise, intensity noise
//! P = [c₁ + √(c₁² + 4·c₂·room)]/(2·room)    room = target − c₃; no power suffices if room ≤ 0
//! ```
//!
//! The target is `(σ·t)²`, where σ is the error that chip and converters leave to the light, referred to the output.
//! Intensity noise depends on the sign of a reading. Its part is the mean over both signs, weighted such that readings
//! have their mean.

use crate::design::{Design, LaserRule, Light, Precision};
use crate::error::CostError;
use crate::library::Values;
use phaseloom_hardware::{HardwareError, IntensityNoise, Link, Modulator, ModulatorKind, ThermalNoise};

#[cfg(doc)]
use phaseloom_hardware::Receiver;

/// Limits of the search for the best share of the local oscillator, and its steps.
const MIN_LO: f64 = 1e-4;
const MAX_LO: f64 = 0.95;
/// Less light than this is none.
const MIN_TRANSMISSION: f64 = 1e-100;
/// The position is known to 2e-6 then, and the power, which has its minimum there, to 1e-11.
const STEPS: usize = 32;

/// The laser of one core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaserPower {
    /// Optical power of the laser (W).
    pub optical_w: f64,
    /// Electrical power, optical power over efficiency (W).
    pub wall_w: f64,
    /// Share of the coupled power in the local oscillator.
    pub lo_fraction: f64,
    /// Amplitude transmission of the programs.
    pub transmission: f64,
    /// Readout bits with this power, chip and converters included.
    pub readout_bits: f64,
    /// Photons per symbol in one port, before the chip.
    pub photons_per_port: f64,
    /// Photons per symbol of the local oscillator at one receiver.
    pub lo_photons: f64,
}

/// Maximum optical power of a laser (W), that of a link. No core survives it: it only ends the search.
pub const MAX_LASER_W: f64 = 1e6;

/// No laser power up to [`MAX_LASER_W`] reaches the precision: chip, converters and intensity noise end it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoLaser {
    /// Readout bits of that power.
    pub max_readout_bits: f64,
}

/// The three parts of the variance of a reading, at 1 W of laser power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseLaw {
    /// c₁ (W).
    pub shot: f64,
    /// c₂ (W²).
    pub thermal: f64,
    /// c₃.
    pub intensity: f64,
}

impl NoiseLaw {
    /// The law of the receivers of a core for the field `a` of a reading, whose mean over readings is `mean` (both in
    /// units of √P_port).
    ///
    /// # Errors
    ///
    /// Those of the link.
    pub fn new(link: &Link, ports: usize, a: f64, mean: f64) -> Result<Self, HardwareError> {
        // Each source alone. Probability of a positive reading p₊ with p₊ − p₋ = mean/a.
        let positive = if a > 0.0 { 0.5 * (1.0 + mean / a) } else { 0.5 };
        let alone = |parts: [&str; 2]| -> Result<f64, HardwareError> {
            let link = parts.iter().fold(link.clone(), |link, part| link.without(part));
            let receiver = Link { laser_power_w: Some(1.0), ..link }.receiver(ports)?;
            Ok(positive * receiver.variance(a, 0.0) + (1.0 - positive) * receiver.variance(-a, 0.0))
        };
        Ok(Self {
            shot: alone(["thermal_noise", "intensity_noise"])?,
            thermal: alone(["shot_noise", "intensity_noise"])?,
            intensity: alone(["shot_noise", "thermal_noise"])?,
        })
    }

    /// Variance of a reading at a laser power (W).
    #[must_use]
    pub fn variance(&self, power_w: f64) -> f64 {
        self.shot / power_w + self.thermal / (power_w * power_w) + self.intensity
    }

    /// Laser power (W) at which a reading has a variance; `None` if intensity noise alone exceeds it.
    #[must_use]
    pub fn power_w(&self, variance: f64) -> Option<f64> {
        let room = variance - self.intensity;
        if room.is_nan() || room <= 0.0 {
            return None;
        }
        Some((self.shot + (self.shot * self.shot + 4.0 * self.thermal * room).sqrt()) / (2.0 * room))
    }
}

/// The link of the library for a core of `ports` ports: homodyne detection with all noise sources. The splitters from
/// the laser to the ports are part of its coupling loss.
#[must_use]
pub fn library_link(values: &Values, symbol_rate_hz: f64, ports: usize) -> Link {
    let stages = (ports as f64).log2().ceil();
    Link {
        symbol_rate_hz,
        wavelength_m: values.laser.wavelength_m,
        coupling_loss_db: values.laser.coupling_loss_db + values.splitter.stage_loss_db * stages,
        responsivity_a_per_w: values.detector.responsivity_a_per_w,
        shot_noise: true,
        // Extinction has no part in the noise of the receiver.
        modulator: Some(Modulator {
            kind: ModulatorKind::PushPull,
            extinction_db: 0.0,
            loss_db: values.modulator.loss_db,
        }),
        thermal_noise: Some(ThermalNoise {
            feedback_ohm: None,
            temperature_k: 300.0,
            noise_a_per_sqrt_hz: Some(values.amplifier.noise_a_per_sqrt_hz),
        }),
        intensity_noise: Some(IntensityNoise {
            rin_db_per_hz: values.laser.rin_db_per_hz,
            cmrr_db: Some(values.detector.rejection_db),
        }),
        ..Link::default()
    }
}

/// First-order amplitude transmission of a rectangular core, `10^(−(2k − 1)·L/20)`: light passes 2(k − 1) cells of the
/// meshes on the mean path, and one attenuator.
#[must_use]
pub fn mean_transmission(ports: usize, cell_loss_db: f64) -> f64 {
    10f64.powf(-(2.0 * ports as f64 - 1.0) * cell_loss_db / 20.0)
}

/// The laser of a core of a design for its light in one layer, or the reason why there is none.
///
/// # Errors
///
/// Impossible values of the link.
///
/// # Panics
///
/// If the design has no light for the layer.
pub fn laser(design: &Design, layer: usize, values: &Values) -> Result<Result<LaserPower, NoLaser>, CostError> {
    Reading::new(design, design.light(layer), values).laser(values)
}

/// A reading of one core: its link, its field, and the errors that are not of the light.
struct Reading<'a> {
    light: &'a Light,
    link: Link,
    ports: usize,
    transmission: f64,
    /// Error power of chip and converters relative to that of the outputs.
    others: f64,
}

impl<'a> Reading<'a> {
    fn new(design: &Design, light: &'a Light, values: &Values) -> Self {
        let ports = design.core.ports;
        let loss_db = light.cell_loss_db(design.shifter.device(values));
        let link = light.link.clone().unwrap_or_else(|| library_link(values, design.symbol_rate_hz, ports));
        Self {
            light,
            link: Link { coupling_loss_db: link.coupling_loss_db + light.excess_loss_db, ..link },
            ports,
            // The square of what is left of the light must stay a number.
            transmission: light.transmission.unwrap_or_else(|| mean_transmission(ports, loss_db)).max(MIN_TRANSMISSION),
            others: light.other_error_power(values, loss_db),
        }
    }

    fn law(&self, lo_fraction: f64) -> Result<NoiseLaw, HardwareError> {
        let link = Link { lo_fraction, ..self.link.clone() };
        NoiseLaw::new(&link, self.ports, self.transmission * self.light.level, self.transmission * self.light.mean)
    }

    /// Readout bits of a variance of the readings.
    fn bits(&self, variance: f64) -> f64 {
        -0.5 * (self.others + variance / (self.transmission * self.light.level).powi(2)).log2()
    }

    /// The share of the local oscillator: the given one, or the one with the least `f`.
    fn lo_fraction(&self, f: impl Fn(&NoiseLaw) -> f64) -> Result<f64, HardwareError> {
        let Some(given) = self.light.lo_fraction else {
            let of_log = |x: f64| self.law(x.exp()).map(|law| f(&law));
            return golden_minimum(of_log, MIN_LO.ln(), MAX_LO.ln()).map(f64::exp);
        };
        Ok(given)
    }

    fn laser(&self, values: &Values) -> Result<Result<LaserPower, NoLaser>, CostError> {
        if let (LaserRule::Sensitivity, Precision::ReadoutBits(bits)) = (self.light.rule, self.light.precision) {
            return Ok(Ok(self.by_sensitivity(values, bits)));
        }
        let (power_w, lo_fraction) = match self.light.precision {
            Precision::LaserPower(power_w) => (power_w, self.lo_fraction(|law| law.variance(power_w))?),
            Precision::ReadoutBits(bits) => {
                // What chip and converters leave to the light, referred to the input of the receiver.
                let left = 0.25f64.powf(bits) - self.others;
                let target = left * (self.transmission * self.light.level).powi(2);
                let power = |law: &NoiseLaw| law.power_w(target);
                let lo_fraction = self.lo_fraction(|law| power(law).unwrap_or(f64::INFINITY))?;
                match power(&self.law(lo_fraction)?).filter(|power_w| *power_w <= MAX_LASER_W) {
                    Some(power_w) => (power_w, lo_fraction),
                    None => return Ok(Err(self.limit()?)),
                }
            }
        };
        // Photons are proportional to the power, which may exceed that of any link.
        let link = Link { lo_fraction, laser_power_w: Some(1.0), ..self.link.clone() };
        let receiver = link.receiver(self.ports)?;
        Ok(Ok(LaserPower {
            optical_w: power_w,
            wall_w: power_w / values.laser.efficiency,
            lo_fraction,
            transmission: self.transmission,
            readout_bits: self.bits(self.law(lo_fraction)?.variance(power_w)),
            photons_per_port: power_w * receiver.photons_per_port(),
            lo_photons: power_w * receiver.local_oscillator_photons(),
        }))
    }

    /// The laser by the rule of sensitivity, without a local oscillator.
    fn by_sensitivity(&self, values: &Values, readout_bits: f64) -> LaserPower {
        let modulator_db = self.link.modulator.map_or(0.0, |modulator| modulator.loss_db);
        let loss_db = self.link.coupling_loss_db + modulator_db - 20.0 * self.transmission.log10();
        let wall_w = sensitivity_wall_w(values, loss_db, self.ports as f64, readout_bits);
        let (optical_w, transmission) = (wall_w * values.laser.efficiency, self.transmission);
        let photons = optical_w / (self.ports as f64 * self.link.photon_energy_j() * self.link.symbol_rate_hz);
        LaserPower {
            optical_w,
            wall_w,
            lo_fraction: 0.0,
            transmission,
            readout_bits,
            photons_per_port: photons,
            lo_photons: 0.0,
        }
    }

    /// The readout bits of the maximum power.
    fn limit(&self) -> Result<NoLaser, HardwareError> {
        let law = self.law(self.lo_fraction(|law| law.variance(MAX_LASER_W))?)?;
        Ok(NoLaser { max_readout_bits: self.bits(law.variance(MAX_LASER_W)) })
    }
}

/// Electrical power (W) of a laser by the rule of sensitivity, as other groups' programs have it:
/// `10^((S + loss + 10·log₁₀ fan-out)/10) mW · 2^bits/efficiency`.
///
/// It grows as 2^bits where shot noise needs 4^bits. Never compare it with [`laser`] in one table.
#[must_use]
pub fn sensitivity_wall_w(values: &Values, loss_db: f64, fan_out: f64, bits: f64) -> f64 {
    let level_db = values.amplifier.sensitivity_dbm + loss_db + 10.0 * fan_out.log10();
    1e-3 * 10f64.powf(level_db / 10.0) * bits.exp2() / values.laser.efficiency
}

/// Position of the minimum of a function with one minimum, by golden sections. The function may be infinite at the
/// upper end alone.
fn golden_minimum<E>(f: impl Fn(f64) -> Result<f64, E>, mut low: f64, mut high: f64) -> Result<f64, E> {
    let section = (5f64.sqrt() - 1.0) / 2.0;
    let (mut x, mut y) = (high - section * (high - low), low + section * (high - low));
    let (mut fx, mut fy) = (f(x)?, f(y)?);
    for _ in 0..STEPS {
        if fx <= fy {
            (high, y, fy) = (y, x, fx);
            x = high - section * (high - low);
            fx = f(x)?;
        } else {
            (low, x, fx) = (x, y, fy);
            y = low + section * (high - low);
            fy = f(y)?;
        }
    }
    Ok(0.5 * (low + high))
}
