//! Modulators of finite extinction, ε = 10^(−ER/20), with drive x̃ in −1…1.
//!
//! ```text
//! push–pull Mach–Zehnder    a/√P_port = x̃ + iε√(1−x̃²)           leakage in quadrature: invisible to homodyne
//! absorptive or ring        a/√P_port = sign(x̃)(ε + (1−ε)|x̃|)   leakage in phase; sign(0) = 1
//! ```

use num_complex::Complex64;
use phaseloom_files::{InvalidValue, at_least, read_key};
use phaseloom_numerics::Real;
use serde::{Deserialize, Serialize};

/// Phase of the leakage of a modulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ModulatorKind {
    /// Leakage in quadrature.
    PushPull,
    /// Leakage in phase.
    Absorptive,
}

/// `[link.modulator]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Modulator {
    /// Kind of the modulator, which sets the phase of its leakage.
    pub kind: ModulatorKind,
    /// Extinction ratio (dB of power). Range: ≥ 0.
    pub extinction_db: f64,
    /// Insertion loss at full drive (dB of power). Range: ≥ 0.
    #[serde(default)]
    pub loss_db: f64,
}

impl Modulator {
    /// Amplitude at zero drive, ε.
    pub(crate) fn floor(&self) -> f64 {
        10f64.powf(-read_key!("link.modulator", self.extinction_db) / 20.0)
    }

    /// Whether fields have a part in quadrature.
    pub(crate) fn quadrature(&self) -> bool {
        read_key!("link.modulator", self.kind) == ModulatorKind::PushPull
    }

    /// The field (in phase, in quadrature) as a function of the drive −1…1, in units of the field at full drive.
    pub(crate) fn field<T: Real>(&self) -> impl Fn(T) -> (T, T) + use<T> {
        let (kind, floor) = (read_key!("link.modulator", self.kind), T::from_f64(self.floor()));
        #[inline(always)]
        move |x| match kind {
            ModulatorKind::PushPull => (x, floor * (T::ONE - x * x).clamp(T::ZERO, T::ONE).sqrt()),
            ModulatorKind::Absorptive => {
                let size = floor + (T::ONE - floor) * x.abs();
                (if x < T::ZERO { T::ZERO - size } else { size }, T::ZERO)
            }
        }
    }

    /// The derivative of [`Modulator::field`] by the drive x: 1 − iεx/√(1−x²), or 1 − ε. A push–pull modulator at full drive, whose
    /// leakage there vanishes with a vertical slope, counts without leakage.
    pub(crate) fn slope(&self, x: f64) -> Complex64 {
        let floor = self.floor();
        match self.kind {
            ModulatorKind::PushPull => {
                let root = (1.0 - x * x).max(0.0).sqrt();
                Complex64::new(1.0, if root > 0.0 { -floor * x / root } else { 0.0 })
            }
            ModulatorKind::Absorptive => Complex64::new(1.0 - floor, 0.0),
        }
    }

    pub(super) fn check(&self) -> Result<(), InvalidValue> {
        at_least("extinction_db", self.extinction_db, 0.0)?;
        at_least("loss_db", self.loss_db, 0.0)
    }
}
