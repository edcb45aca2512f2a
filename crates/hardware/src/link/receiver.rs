//! The receiver: photocurrents of an output field, their noise, and two figures of merit.
//!
//! Fields are in units of √P_port: the field at output i is `ã = (Ŵ x̃)_i`. With responsivity R, local oscillator P_LO and
//! bandwidth B:
//!
//! ```text
//! homodyne       I = 2R√(P_LO P_port)·Re ã     shot noise 2qB·R(P_LO + P_port|ã|²)
//! one detector   I = R P_port|ã|²              shot noise 2qB·I
//! ```
//!
//! Thermal noise adds i_n²B. Intensity noise multiplies I by 1 + ε, and adds ε·R·P_LO·10^(−CMRR/20) in homodyne. Below
//! 1 000 counts per window 1/(2B) shot noise is a Poisson number of photons; above, it is normal.

use super::{CHARGE, Detection, Link};
use crate::error::HardwareError;
use num_complex::Complex64;
use phaseloom_files::{read_key, usage};
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};

/// Mean count below which shot noise is a Poisson number. Above it, the normal law replaces it: its skewness is at most
/// 0.03 there.
const POISSON_BELOW: f64 = 1000.0;

/// Noise sources of a receiver that are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoiseSources {
    pub shot: bool,
    pub thermal: bool,
    /// Relative intensity noise of the laser.
    pub laser: bool,
}

/// The receivers of one core, with all constants computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    detection: Detection,
    /// Power in one port before the chip, at full drive (W); 1 without a laser, since nothing then depends on it.
    port_w: f64,
    /// Local oscillator power at one receiver (W).
    lo_w: f64,
    /// Current per measured value (A): for Re ã = 1, or |ã|² = 1.
    unit_a: f64,
    /// Its reciprocal (1/A).
    pub(super) per_a: f64,
    /// Current of the local oscillator at one receiver, both detectors (A); 0 for one detector.
    pub(super) lo_a: f64,
    /// Current for |ã|² = 1, both detectors (A).
    pub(super) port_a: f64,
    /// 2qB (A): current of one count per window.
    pub(super) count_a: f64,
    pub(crate) noise: NoiseSources,
    has_laser: bool,
    /// Standard deviation of the thermal noise current (A).
    pub(super) thermal_a: f64,
    /// σ_ε of the laser.
    pub(super) intensity_sigma: f64,
    /// Current of the local oscillator that imperfect balancing leaves, relative to the whole.
    pub(super) imbalance: f64,
    photon_j: f64,
    symbol_rate_hz: f64,
    efficiency: f64,
}

/// Signal and noise of one measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalQuality {
    /// Signal-to-noise ratio at full scale (dB).
    pub snr_full_scale_db: f64,
    /// Effective number of bits, (SNR − 1.76)/6.02.
    pub enob: f64,
}

impl SignalQuality {
    /// Figures of merit of a signal-to-noise ratio (dB).
    pub(crate) fn new(snr_full_scale_db: f64) -> Self {
        Self { snr_full_scale_db, enob: (snr_full_scale_db - 1.76) / 6.02 }
    }
}

impl Link {
    /// The receivers of a core of `ports` ports.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Link`] for impossible values, [`HardwareError::NoPorts`].
    pub fn receiver(&self, ports: usize) -> Result<Receiver, HardwareError> {
        self.check()?;
        if ports == 0 {
            return Err(HardwareError::NoPorts);
        }
        let detection = read_key!("link", self.detection);
        let homodyne = detection == Detection::Homodyne;
        let shot = read_key!("link", self.shot_noise);
        let noisy = shot || self.thermal_noise.is_some() || self.intensity_noise.is_some();
        // Without noise, powers enter the numbers of photons alone.
        let light = || Light::new(self, homodyne, ports);
        let Light { port_w, lo_w, responsivity } = if noisy { light() } else { usage::reported(light) };
        let port_a = responsivity * port_w;
        let unit_a = if homodyne { 2.0 * responsivity * (lo_w * port_w).sqrt() } else { port_a };
        let bandwidth = if noisy { self.bandwidth_hz() } else { 0.0 };
        let thermal_a = self.thermal_noise.map_or(0.0, |n| n.variance_a2(bandwidth).sqrt());
        let intensity_sigma = self.intensity_noise.map_or(0.0, |n| n.sigma(bandwidth));
        // One detector has no local oscillator to balance.
        let imbalance = self.intensity_noise.filter(|_| homodyne).map_or(0.0, |n| n.imbalance());
        let photon = || (self.photon_energy_j(), read_key!("link", self.symbol_rate_hz), self.quantum_efficiency());
        let (photon_j, symbol_rate_hz, efficiency) = match self.laser_power_w {
            Some(_) => usage::reported(photon),
            None => (1.0, 1.0, 1.0),
        };
        Ok(Receiver {
            detection,
            port_w,
            lo_w,
            unit_a,
            per_a: 1.0 / unit_a,
            lo_a: if homodyne { responsivity * lo_w } else { 0.0 },
            port_a,
            count_a: 2.0 * CHARGE * bandwidth,
            noise: NoiseSources { shot, thermal: thermal_a > 0.0, laser: intensity_sigma > 0.0 },
            has_laser: self.laser_power_w.is_some(),
            thermal_a,
            intensity_sigma,
            imbalance,
            photon_j,
            symbol_rate_hz,
            efficiency,
        })
    }
}

/// Powers at the ports and receivers of a core, and the current that they make.
struct Light {
    /// Power in one port before the chip, at full drive (W).
    port_w: f64,
    /// Local oscillator power at one receiver (W).
    lo_w: f64,
    /// Responsivity (A/W).
    responsivity: f64,
}

impl Light {
    /// The light of a core of `ports` ports. Without a laser every power is 1, since nothing then depends on it.
    fn new(link: &Link, homodyne: bool, ports: usize) -> Self {
        let Some(power) = read_key!("link", link.laser_power_w) else {
            return Self { port_w: 1.0, lo_w: 1.0, responsivity: 1.0 };
        };
        let coupled = power * 10f64.powf(-read_key!("link", link.coupling_loss_db) / 10.0);
        let lo = if homodyne { read_key!("link", link.lo_fraction) } else { 0.0 };
        let modulator_db = link.modulator.map_or(0.0, |m| read_key!("link.modulator", m.loss_db));
        let share = 1.0 / ports as f64;
        Self {
            port_w: coupled * (1.0 - lo) * share * 10f64.powf(-modulator_db / 10.0),
            lo_w: coupled * lo * share,
            responsivity: read_key!("link", link.responsivity_a_per_w),
        }
    }
}

impl Receiver {
    /// Photons per symbol in one port at full drive, before the chip.
    #[must_use]
    pub fn photons_per_port(&self) -> f64 {
        self.port_w / (self.photon_j * self.symbol_rate_hz)
    }

    /// Photons per symbol of the local oscillator at one receiver.
    #[must_use]
    pub fn local_oscillator_photons(&self) -> f64 {
        self.lo_w / (self.photon_j * self.symbol_rate_hz)
    }

    /// Whether a local oscillator is present, so that Re ã is measured.
    pub(super) fn homodyne(&self) -> bool {
        self.detection == Detection::Homodyne
    }

    /// Photoelectrons per symbol of the signal for a given |ã|².
    pub(crate) fn photoelectrons(&self, intensity: f64) -> f64 {
        self.efficiency * self.photons_per_port() * intensity
    }

    /// Whether detection depends on the imaginary part of the field.
    pub(crate) fn needs_imaginary_part(&self) -> bool {
        self.has_laser || self.detection != Detection::Homodyne
    }

    /// Whether a measured value may have few enough photons for Poisson statistics.
    pub(crate) fn may_need_poisson(&self) -> bool {
        self.noise.shot && (self.detection != Detection::Homodyne || self.lo_a < POISSON_BELOW * self.count_a)
    }

    /// Mean signal current and total current of the detectors (A) for a field ã.
    fn currents(&self, re: f64, im: f64) -> (f64, f64) {
        let intensity = re * re + im * im;
        let signal = if self.detection == Detection::Homodyne { re } else { intensity };
        (self.unit_a * signal, self.lo_a + self.port_a * intensity)
    }

    /// A measured value with Poisson shot noise in the window 1/(2B), or `None` if the photons are too many to need it.
    /// `thermal` and `laser` are normal random numbers.
    pub(crate) fn count_photons(
        &self,
        field: Complex64,
        thermal: f64,
        laser: f64,
        stream: &mut ChaCha8Rng,
    ) -> Option<f64> {
        let (signal_a, total_a) = self.currents(field.re, field.im);
        if total_a >= POISSON_BELOW * self.count_a {
            return None;
        }
        let mut count = |mean_a: f64| {
            // `Poisson` rejects a mean of zero or below rounding: no photons.
            Poisson::new(mean_a / self.count_a).map_or(0.0, |law| law.sample(stream)) * self.count_a
        };
        let current = match self.detection {
            // Each of the two detectors gets half of the difference.
            Detection::Homodyne => count(0.5 * (total_a + signal_a)) - count(0.5 * (total_a - signal_a)),
            Detection::Direct | Detection::Offset => count(total_a),
        };
        let epsilon = self.intensity_sigma * laser;
        let current = current * (1.0 + epsilon) + epsilon * self.imbalance * self.lo_a;
        Some((current + self.thermal_a * thermal) * self.per_a)
    }

    /// Variance of a measured value for the field ã, in units of the value squared (first order).
    #[must_use]
    pub fn variance(&self, re: f64, im: f64) -> f64 {
        let (signal_a, total_a) = self.currents(re, im);
        let shot = if self.noise.shot { self.count_a * total_a } else { 0.0 };
        let laser = (self.intensity_sigma * (signal_a + self.imbalance * self.lo_a)).powi(2);
        (shot + self.thermal_a * self.thermal_a + laser) / (self.unit_a * self.unit_a)
    }

    /// Derivatives of `½ ln` of the variance of a measured value: by the real and the imaginary part of the field (homodyne), or by
    /// |ã|² and nothing else (one detector). `None` without noise, and where photons are counted.
    pub(crate) fn noise_slopes(&self, re: f64, im: f64) -> Option<[f64; 2]> {
        let variance = self.variance(re, im);
        let (_, total_a) = self.currents(re, im);
        if variance <= 0.0 || (self.noise.shot && total_a < POISSON_BELOW * self.count_a) {
            return None;
        }
        // The variance is quadratic in its arguments, so that central differences are exact at every step.
        let half = |plus: f64, minus: f64, step: f64| (plus - minus) / (4.0 * step * variance);
        Some(if self.homodyne() {
            let by_re = half(self.variance(re + 1.0, im), self.variance(re - 1.0, im), 1.0);
            [by_re, half(self.variance(re, im + 1.0), self.variance(re, im - 1.0), 1.0)]
        } else {
            let intensity = re * re + im * im;
            let at = |intensity: f64| self.variance(intensity.sqrt(), 0.0);
            let step = 0.5 * intensity;
            if step > 0.0 { [half(at(intensity + step), at(intensity - step), step), 0.0] } else { [0.0; 2] }
        })
    }

    /// Figures of merit at the field `full_scale` (real, in units of √P_port), before the converter.
    ///
    /// With offset detection the constant field equals the full scale, and the signal is the value above it.
    #[must_use]
    pub fn quality(&self, full_scale: f64) -> SignalQuality {
        let (signal, variance) = match self.detection {
            Detection::Homodyne => (full_scale, self.variance(full_scale, 0.0)),
            Detection::Direct => (full_scale * full_scale, self.variance(full_scale, 0.0)),
            // √I − r at the field 2r: d√I = dI/(2·2r).
            Detection::Offset => (full_scale, self.variance(2.0 * full_scale, 0.0) / (4.0 * full_scale).powi(2)),
        };
        SignalQuality::new(10.0 * (signal * signal / variance).log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One direct detector, B = 5 GHz, R = 1 A/W, R_f = 5 kΩ, RIN −145 dB/Hz.
    #[test]
    fn one_detector_has_the_bits_of_the_example() {
        for (power_w, snr_db, bits) in [(1e-6, 17.4, 2.60), (1e-5, 34.7, 5.47), (1e-4, 44.8, 7.14), (1e-3, 47.6, 7.61)]
        {
            let text = format!(
                "detection = 'direct'\nsymbol_rate_hz = 1e10\nlaser_power_w = {power_w:?}\nshot_noise = true\n\
                 thermal_noise.feedback_ohm = 5e3\nintensity_noise.rin_db_per_hz = -145.0"
            );
            let link: Link = toml::from_str(&text).unwrap();
            let quality = link.receiver(1).unwrap().quality(1.0);
            assert!((quality.snr_full_scale_db - snr_db).abs() < 0.051, "{power_w} W: {quality:?}");
            assert!((quality.enob - bits).abs() < 0.011, "{power_w} W: {quality:?}");
        }
    }
}
