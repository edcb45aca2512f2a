//! A fabrication process: its sources of error, one file per source and one line per source in the list below.
//!
//! A source acts at three moments: `fabricate` once per chip, `drive` each time phases are set, `fluctuate` while light
//! passes. Noise of light and currents belongs to the [`Link`](crate::link::Link).

mod drive;
mod heater_limits;
mod insertion_loss;
mod own;
mod phase_error;
mod phase_jitter;
mod phase_quantization;
pub mod phase_shifter;
pub mod presets;
mod splitter_error;
pub mod stage_errors;
mod thermal_crosstalk;
mod variation;

pub use heater_limits::{HeaterLimit, HeaterLimits};
pub use insertion_loss::InsertionLoss;
pub(crate) use insertion_loss::arms;
pub use own::{FixedChip, OwnSources};
pub use phase_error::PhaseError;
pub use phase_jitter::PhaseJitter;
pub use phase_quantization::{PhaseQuantization, UniformIn};
pub use splitter_error::SplitterError;
pub use thermal_crosstalk::ThermalCrosstalk;
pub use variation::{Component, Variation};

use crate::process::phase_shifter::PhaseShifter;
use crate::process::stage_errors::StageErrors;
use phaseloom_files::InvalidValue;
use phaseloom_mesh::{Phases, Stage};
use phaseloom_numerics::NormalStream;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A source of error of the chip. Each method does nothing unless the source implements it.
///
/// The head of each source's file holds its equation, its units and its reference.
pub trait Imperfection: Send + Sync + std::fmt::Debug {
    /// Checks the values of its keys.
    ///
    /// # Errors
    ///
    /// The first impossible value.
    fn check(&self) -> Result<(), InvalidValue>;

    /// Checks that its keys suit the stages of a program, such as the places of single heaters.
    ///
    /// # Errors
    ///
    /// The first key that does not.
    fn check_stages(&self, _stages: &[Stage]) -> Result<(), InvalidValue> {
        Ok(())
    }

    /// Samples the errors of one stage of a chip. `deviates` belong to this source, trial and core alone.
    fn fabricate(&self, _deviates: &mut NormalStream<f64>, _stage: &mut StageErrors) {}

    /// Parts of its errors that are shared by components or not normal, and the components that have them.
    fn variation(&self) -> Option<(&Variation, Component)> {
        None
    }

    /// Sets the errors that the designer knows: those without randomness, such as the nominal loss.
    fn fabricate_nominal(&self, _stage: &mut StageErrors) {}

    /// Sets the errors that all cells share but the designer does not know, such as a common splitter error.
    fn fabricate_systematic(&self, _stage: &mut StageErrors) {}

    /// Converts requested phases (rad) into the phases that the heaters make, for all stages of a program at once.
    ///
    /// # Panics
    ///
    /// If `phases` are not those of every stage.
    fn drive(&self, _stages: &[Stage], _phases: &mut [Phases]) {}

    /// The transpose of the derivative of [`Imperfection::drive`]: turns slopes of a loss by the phases that the heaters make
    /// (1/rad) into slopes by the requested phases. Rounding counts as the identity ("straight through"), so that the slopes are
    /// those of heaters with continuous settings, at the rounded ones.
    ///
    /// # Panics
    ///
    /// If `slopes` are not those of every stage.
    fn drive_adjoint(&self, _stages: &[Stage], _slopes: &mut [Phases]) {}

    /// Adds the fluctuation of one moment to the phases (rad) of one stage.
    fn fluctuate(&self, _deviates: &mut NormalStream<f64>, _phases: &mut Phases) {}

    /// Whether [`Imperfection::fluctuate`] does anything: the matrix then changes from moment to moment.
    fn fluctuates(&self) -> bool {
        false
    }

    /// First-order contribution of a random source to E² of a programmed unitary mesh (dimensionless).
    fn mesh_error_squared(&self, _mesh: &Stage) -> f64 {
        0.0
    }

    /// First-order squared error of an attenuator with this amplitude transmission (dimensionless).
    fn attenuator_error_squared(&self, _transmission: f64) -> f64 {
        0.0
    }

    /// Mean and variances of the random errors of each component.
    fn component_errors(&self) -> ComponentErrors {
        ComponentErrors::default()
    }
}

/// First and second moments of the random errors of single components, frozen at fabrication and independent of one another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ComponentErrors {
    /// Variance of the angle of a splitter (rad²).
    pub splitter: f64,
    /// Variance of a phase (rad²).
    pub phase: f64,
    /// Mean of the logarithm of the amplitude transmission of the upper and the lower arm, next to the nominal one.
    pub arm_mean: [f64; 2],
    /// Variances of these logarithms, and their covariance.
    pub arm_variance: [f64; 3],
}

/// A number of components of a mesh per mode.
fn per_mode(mesh: &Stage, count: usize) -> f64 {
    count as f64 / mesh.layout().modes.max(1) as f64
}

/// Number of cells that light passes, as the mean over the modes; N−1 in a universal mesh of N ports.
fn cells_passed(mesh: &Stage) -> f64 {
    per_mode(mesh, 2 * mesh.layout().positions.len())
}

/// Declares the process and the list of its sources in the order in which they act on phases: quantisation, limits of
/// heaters, crosstalk, static offsets, whatever the order of keys in a file.
macro_rules! sources {
    ($($key:ident: $type:ty, $line:literal;)*) => {
        /// A fabrication process: one optional table per source. An absent source has no error.
        ///
        /// ```
        /// let process: phaseloom_hardware::Process =
        ///     toml::from_str("[splitter_error]\nsigma_rad = 0.01\n[phase_quantization]\nbits = 8").unwrap();
        /// assert_eq!(process.sources().count(), 2);
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct Process {
            $(
                #[doc = $line]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $key: Option<$type>,
            )*
            /// Electrical power that holds a phase; it has no effect on light.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub phase_shifter: Option<PhaseShifter>,
            /// Imperfections of the caller, see [`Process::with_source`]. No file holds them.
            #[serde(skip)]
            #[cfg_attr(feature = "schema", schemars(skip))]
            pub own_sources: OwnSources,
            /// The chip that every fabricated chip is, see [`Process::from_chip`]. The file of a process does not hold it.
            #[serde(skip)]
            #[cfg_attr(feature = "schema", schemars(skip))]
            pub fixed_chip: Option<Arc<FixedChip>>,
        }

        impl Process {
            /// The sources that are present with their keys, in the order in which they act.
            pub fn sources(&self) -> impl Iterator<Item = (&'static str, &dyn Imperfection)> {
                [$((stringify!($key), self.$key.as_ref().map(|s| s as &dyn Imperfection)),)*]
                    .into_iter()
                    .filter_map(|(key, source)| source.map(|s| (key, s)))
                    .chain(self.own_sources.0.iter().map(|(key, source)| (*key, &**source)))
            }

            /// Whether components share errors, differ in their spread by column, or are those of one chip: the laws of
            /// independent equal errors then do not hold.
            #[must_use]
            pub fn has_structured_errors(&self) -> bool {
                self.fixed_chip.is_some()
                    || self.sources().filter_map(|(_, source)| source.variation()).any(|(variation, _)| variation.has_structure())
            }

            /// Whether phases fluctuate while light passes.
            pub(crate) fn fluctuates(&self) -> bool {
                self.sources().any(|(_, source)| source.fluctuates())
            }

            /// Parts of the errors beyond independent normal ones, in words: `phase_error: die 0.01`. Empty without one.
            #[must_use]
            pub fn variation_text(&self) -> String {
                let texts = self.sources().filter_map(|(key, source)| Some((key, source.variation()?.0.text())));
                texts.filter(|(_, text)| !text.is_empty()).map(|(key, text)| format!("{key}: {text}")).collect::<Vec<_>>().join("; ")
            }

            /// The same process without the source of a key.
            ///
            /// # Panics
            ///
            /// If there is no such key.
            #[must_use]
            pub fn without(&self, key: &str) -> Self {
                let is_known = [$(stringify!($key)),*].contains(&key) || self.own_sources.0.iter().any(|(own, _)| *own == key);
                assert!(is_known, "no source `{key}`");
                let mut process = self.clone();
                process.own_sources.0.retain(|(own, _)| *own != key);
                $(if key == stringify!($key) {
                    process.$key = None;
                })*
                process
            }
        }

        /// Key and one-line description of every source, for `phaseloom explain`.
        pub const IMPERFECTIONS: &[(&str, &str)] = &[$((stringify!($key), $line),)*];
    };
}

sources! {
    phase_quantization: PhaseQuantization, "phases rounded to the codes of a DAC, uniform in phase or in heater voltage";
    heater_limits: HeaterLimits, "heaters that do not reach 2π, or stay at one phase";
    thermal_crosstalk: ThermalCrosstalk, "heaters that warm their neighbours, by coefficient, by distance or as measured";
    phase_error: PhaseError, "static random offset of every phase shifter";
    splitter_error: SplitterError, "splitters that are not 50:50, random and common part";
    insertion_loss: InsertionLoss, "loss of every interferometer, and unequal loss of its arms";
    phase_jitter: PhaseJitter, "phases that fluctuate from vector to vector, with a correlation time";
}
