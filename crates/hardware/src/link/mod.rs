//! The optical link of a chip in physical units: laser, modulators, detectors, converters.
//!
//! ```text
//! laser ─ coupling ─┬─ 1−lo_fraction ─ split over k ─ modulators (DAC) ─ chip ─┬─ detectors ─ TIA ─ ADC ─ × gain
//!                   └─ lo_fraction ───── split over k receivers ───────────────┘
//! ```
//!
//! An absent part is ideal: without a DAC there is no rounding, without a noise source no noise.

mod converter;
mod detector;
mod intensity_noise;
mod modulator;
pub(crate) mod readout;
mod receiver;
mod thermal_noise;
pub(crate) mod transmitter;

pub(crate) use converter::Codes;
pub use converter::{Adc, Converter, FullScale};
pub(crate) use detector::{Detector, OutputFields};
pub use intensity_noise::IntensityNoise;
pub use modulator::{Modulator, ModulatorKind};
pub use receiver::{Receiver, SignalQuality};
pub use thermal_noise::ThermalNoise;

use crate::error::HardwareError;
use crate::process::PhaseJitter;
use phaseloom_files::{InvalidValue, at_least, positive, read_key, usage, within};
use serde::{Deserialize, Serialize};

/// Planck's constant (J·s), exact.
pub const PLANCK: f64 = 6.626_070_15e-34;
/// Speed of light (m/s), exact.
pub const LIGHT: f64 = 299_792_458.0;
/// Elementary charge (C), exact.
pub const CHARGE: f64 = 1.602_176_634e-19;
/// Boltzmann's constant (J/K), exact.
pub const BOLTZMANN: f64 = 1.380_649e-23;

/// Detection of an output field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Detection {
    /// Balanced detectors with a local oscillator measure Re a, linear and signed.
    #[default]
    Homodyne,
    /// One detector measures |a|²; the sign is lost.
    Direct,
    /// One detector measures √I − r, with a constant field r from one more input port.
    Offset,
}

/// (key, one line) of every detection, for `phaseloom explain`.
pub const DETECTIONS: &[(&str, &str)] = &[
    ("homodyne", "balanced detectors and local oscillator: Re a, signed"),
    ("direct", "one detector: |a|², the sign is lost; needs a modulus or squared-modulus layer next"),
    ("offset", "one detector and a constant field: √I − r, signed; takes one input port"),
];

/// (key, one line) of every part of the link, for `phaseloom explain`.
pub const LINK_PARTS: &[(&str, &str)] = &[
    ("dac", "input converter: mid-tread, saturating"),
    ("modulator", "push–pull or absorptive, finite extinction, loss"),
    ("shot_noise", "photon counting: 2qIB, Poisson below 1000 counts"),
    ("thermal_noise", "current noise of the transimpedance amplifier"),
    ("intensity_noise", "relative intensity noise of the laser, common to all its channels"),
    ("adc", "output converter: mid-tread, saturating"),
];

/// `[link]` of an experiment.
///
/// ```
/// let link: phaseloom_hardware::Link = toml::from_str("laser_power_w = 0.1\nshot_noise = true").unwrap();
/// let receiver = link.receiver(64)?;
/// // P_port = 0.1 W · ½ / 64, photons of 1550 nm in 1 ns.
/// assert!((receiver.photons_per_port() / 6.096e6 - 1.0).abs() < 1e-3);
/// # Ok::<(), phaseloom_hardware::HardwareError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Link {
    /// Detection of the output fields.
    pub detection: Detection,
    /// Vectors per second (Hz). Range: 10⁻³…10¹⁵.
    pub symbol_rate_hz: f64,
    /// Noise bandwidth of the receiver (Hz). Half the symbol rate makes 2qIB the variance of Poisson counting. Range:
    /// 10⁻⁴…10¹⁵. Default: half the symbol rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth_hz: Option<f64>,
    /// Wavelength in vacuum (m). It sets the energy of a photon. Range: 10⁻⁸…10⁻³.
    pub wavelength_m: f64,
    /// Power of the laser of one core (W). Every noise needs it. Range: 10⁻³⁰…10⁶.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub laser_power_w: Option<f64>,
    /// Loss between laser and chip (dB of power). Range: ≥ 0.
    pub coupling_loss_db: f64,
    /// Share of the coupled power for the local oscillators (dimensionless), of homodyne detection only. Range: between
    /// 0 and 1.
    pub lo_fraction: f64,
    /// Responsivity of the detectors (A/W), at most one electron per photon. Range: > 0.
    pub responsivity_a_per_w: f64,
    /// Whether photocurrents have shot noise.
    pub shot_noise: bool,
    /// Input converter, mid-tread. It saturates at ±1 of the input scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dac: Option<Converter>,
    /// Modulator of each input. Without one, fields are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modulator: Option<Modulator>,
    /// Noise of the transimpedance amplifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thermal_noise: Option<ThermalNoise>,
    /// Relative intensity noise of the laser, one draw per vector and tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intensity_noise: Option<IntensityNoise>,
    /// Output converter, mid-tread. It saturates at the full scale of the tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adc: Option<Adc>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            detection: Detection::Homodyne,
            symbol_rate_hz: 1e9,
            bandwidth_hz: None,
            wavelength_m: 1.55e-6,
            laser_power_w: None,
            coupling_loss_db: 0.0,
            lo_fraction: 0.5,
            responsivity_a_per_w: 1.0,
            shot_noise: false,
            dac: None,
            modulator: None,
            thermal_noise: None,
            intensity_noise: None,
            adc: None,
        }
    }
}

impl Link {
    /// The link of a detection without any imperfection.
    #[must_use]
    pub fn ideal(detection: Detection) -> Self {
        Self { detection, ..Self::default() }
    }

    /// The same link without the part of a key of [`LINK_PARTS`].
    ///
    /// # Panics
    ///
    /// If there is no such key.
    #[must_use]
    pub fn without(&self, part: &str) -> Self {
        let mut link = self.clone();
        match part {
            "dac" => link.dac = None,
            "modulator" => link.modulator = None,
            "shot_noise" => link.shot_noise = false,
            "thermal_noise" => link.thermal_noise = None,
            "intensity_noise" => link.intensity_noise = None,
            "adc" => link.adc = None,
            _ => panic!("no part `{part}` of a link"),
        }
        link
    }

    /// Whether no part of the link is less than ideal, so that results do not depend on the scales.
    #[must_use]
    pub fn is_ideal(&self) -> bool {
        let ideal = Self {
            symbol_rate_hz: self.symbol_rate_hz,
            bandwidth_hz: self.bandwidth_hz,
            wavelength_m: self.wavelength_m,
            lo_fraction: self.lo_fraction,
            responsivity_a_per_w: self.responsivity_a_per_w,
            coupling_loss_db: self.coupling_loss_db,
            ..Self::ideal(self.detection)
        };
        *self == ideal
    }

    /// Energy of one photon (J).
    #[must_use]
    pub fn photon_energy_j(&self) -> f64 {
        PLANCK * LIGHT / read_key!("link", self.wavelength_m)
    }

    /// Electrons per photon, 0…1.
    #[must_use]
    pub fn quantum_efficiency(&self) -> f64 {
        read_key!("link", self.responsivity_a_per_w) * self.photon_energy_j() / CHARGE
    }

    /// Bandwidth of the receiver (Hz).
    #[must_use]
    pub fn bandwidth_hz(&self) -> f64 {
        read_key!("link", self.bandwidth_hz).unwrap_or_else(|| read_key!("link", self.symbol_rate_hz) / 2.0)
    }

    /// The input converter.
    pub(crate) fn input_converter(&self) -> Option<Converter> {
        self.dac.map(|dac| Converter { bits: read_key!("link.dac", dac.bits) })
    }

    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`HardwareError::Link`] with the key of the first impossible value.
    pub fn check(&self) -> Result<(), HardwareError> {
        // A check reads every key, whether it has an effect or not.
        usage::unrecorded(|| self.check_values()).map_err(HardwareError::Link)
    }

    fn check_values(&self) -> Result<(), InvalidValue> {
        // Far beyond real hardware, and narrow enough that no product of values leaves the range of a double.
        within("symbol_rate_hz", self.symbol_rate_hz, [1e-3, 1e15], "Hz")?;
        within("bandwidth_hz", self.bandwidth_hz(), [1e-4, 1e15], "Hz")?;
        within("wavelength_m", self.wavelength_m, [1e-8, 1e-3], "m")?;
        at_least("coupling_loss_db", self.coupling_loss_db, 0.0)?;
        positive("responsivity_a_per_w", self.responsivity_a_per_w)?;
        if self.quantum_efficiency() > 1.0 + 1e-9 {
            let limit = CHARGE / self.photon_energy_j();
            let expected = format!("at most {limit:.4} A/W at this wavelength: one electron a photon");
            return Err(InvalidValue::new("responsivity_a_per_w", self.responsivity_a_per_w, &expected));
        }
        if self.detection == Detection::Homodyne && !(self.lo_fraction > 0.0 && self.lo_fraction < 1.0) {
            return Err(InvalidValue::new("lo_fraction", self.lo_fraction, "between 0 and 1, both excluded"));
        }
        if let Some(power) = self.laser_power_w {
            positive("laser_power_w", power)?;
            within("laser_power_w", power, [1e-30, 1e6], "W")?;
        }
        let parts = [
            ("dac", self.dac.map(|part| part.check())),
            ("modulator", self.modulator.map(|part| part.check())),
            ("thermal_noise", self.thermal_noise.map(|part| part.check())),
            ("intensity_noise", self.intensity_noise.map(|part| part.check())),
            ("adc", self.adc.map(|part| part.check())),
        ];
        for (table, check) in parts {
            check.unwrap_or(Ok(())).map_err(|e| e.in_table(table))?;
        }
        let noisy = self.shot_noise || self.thermal_noise.is_some() || self.intensity_noise.is_some();
        if noisy && self.laser_power_w.is_none() {
            return Err(InvalidValue::new("laser_power_w", "absent", "a power [W]: noise needs light to compare with"));
        }
        Ok(())
    }
}
impl PhaseJitter {
    /// Number of vectors for which the phases hold, at the symbol rate of a link.
    ///
    /// # Panics
    ///
    /// If the time or the rate is NaN.
    #[must_use]
    pub fn hold(&self, link: &Link) -> u64 {
        match read_key!("process.phase_jitter", self.correlation_s) {
            0.0 => 1,
            // The cast saturates: phases with a huge product are never sampled again.
            time => {
                let symbols = time * read_key!("link", link.symbol_rate_hz);
                assert!(!symbols.is_nan(), "phases that hold for {time} s");
                symbols.ceil().max(1.0) as u64
            }
        }
    }
}
