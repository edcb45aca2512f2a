//! How the energy of a converter depends on its bits, and the bits that the converters of a core alone leave.

use super::devices::{ConverterDevice, Devices};
use serde::{Deserialize, Serialize};

/// Energy of a sample as a function of the nominal bits b, up to a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConverterLaw {
    /// An array of capacitors, 2^b/(b + 1).
    Capacitor,
    /// 2^b/b, as another group's program has it (Lightening-Transformer).
    Lightening,
    /// Successive approximation, b.
    Sar,
    /// One comparator a code, 2^b − 1.
    Flash,
    /// A constant energy a step, 2^b.
    Walden,
}

impl ConverterLaw {
    fn relative(self, bits: f64) -> f64 {
        match self {
            Self::Capacitor => bits.exp2() / (bits + 1.0),
            Self::Lightening => bits.exp2() / bits,
            Self::Sar => bits,
            Self::Flash => bits.exp2() - 1.0,
            Self::Walden => bits.exp2(),
        }
    }
}

/// `[laws]` of the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Laws {
    /// Of the input converters; default `capacitor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dac: Option<ConverterLaw>,
    /// Of the converters of measured values; default `sar`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adc: Option<ConverterLaw>,
}

impl ConverterDevice<f64> {
    /// Energy of a sample (J) at `bits` nominal bits: `power/rate · law(bits)/law(bits of that power)`.
    fn sample_j(&self, law: ConverterLaw, bits: f64) -> f64 {
        self.power_w / self.rate_hz * law.relative(bits) / law.relative(self.bits)
    }
}

impl Devices<f64> {
    /// Energy of one converted input (J).
    #[must_use]
    pub fn dac_j(&self, bits: f64) -> f64 {
        self.dac.sample_j(self.laws.dac.unwrap_or(ConverterLaw::Capacitor), bits)
    }

    /// Energy of one converted measured value (J).
    #[must_use]
    pub fn adc_j(&self, bits: f64) -> f64 {
        self.adc.sample_j(self.laws.adc.unwrap_or(ConverterLaw::Sar), bits)
    }

    /// Energy of a product of `a` by `b` bits (J), `ν·E₈·(a/8)(b/8)` with the factor ν of the technology.
    #[must_use]
    pub fn multiply_j(&self, a: f64, b: f64) -> f64 {
        self.logic.energy_factor * self.logic.multiply8_j * (a / 8.0) * (b / 8.0)
    }

    /// Energy of a sum of `bits` bits (J), `ν·E₃₂·b/32`.
    #[must_use]
    pub fn add_j(&self, bits: f64) -> f64 {
        self.logic.energy_factor * self.logic.add32_j * bits / 32.0
    }

    /// Area (m²) of `units` multipliers of `a` by `b` bits, each with an adder of `sum_bits`.
    #[must_use]
    pub fn logic_m2(&self, units: f64, a: f64, b: f64, sum_bits: f64) -> f64 {
        let unit = self.logic.multiply8_m2 * (a / 8.0) * (b / 8.0) + self.logic.add32_m2 * sum_bits / 32.0;
        units * self.logic.area_factor * unit
    }

    /// Readout bits of the converters alone, `−½·log₂ Σ (crest·2^(1−ENOB))²/12` over input and output converter.
    ///
    /// A converter of ENOB bits over ±crest root mean squares has steps of crest·2^(1−ENOB), and its rounding error has
    /// the power step²/12.
    #[must_use]
    pub fn converter_bits(&self) -> f64 {
        -0.5 * (self.rounding_power(self.adc.enob) + self.rounding_power(self.dac.enob)).log2()
    }

    /// Power of the rounding error of a converter of `enob` effective bits, relative to what it converts.
    #[must_use]
    pub fn rounding_power(&self, enob: f64) -> f64 {
        (self.converters.crest * (1.0 - enob).exp2()).powi(2) / 12.0
    }
}
