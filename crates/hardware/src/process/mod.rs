//! What a process does to a chip: one file a source, one line a source in the list below.
//!
//! A source acts at the stages where physics lets it in, and nowhere else: `fabricate` once per chip, `drive` each time
//! phases are set, `fluctuate` while light passes. Everything downstream (noise on light and current) is the
//! [`Link`](crate::link::Link).

mod drive;
mod insertion_loss;
mod phase_error;
mod phase_jitter;
mod phase_quantization;
pub mod phase_shifter;
pub mod presets;
mod splitter_error;
pub mod stage_errors;
mod thermal_crosstalk;

pub use insertion_loss::InsertionLoss;
pub(crate) use insertion_loss::arms;
pub use phase_error::PhaseError;
pub use phase_jitter::PhaseJitter;
pub use phase_quantization::{PhaseQuantization, UniformIn};
pub use splitter_error::SplitterError;
pub use thermal_crosstalk::ThermalCrosstalk;

use crate::process::phase_shifter::PhaseShifter;
use crate::process::stage_errors::StageErrors;
use phaseloom_files::InvalidValue;
use phaseloom_mesh::{Phases, Stage};
use phaseloom_numerics::NormalStream;
use serde::{Deserialize, Serialize};

/// A source of error of the chip. Every stage does nothing unless the source says otherwise.
pub trait Imperfection: Send + Sync + std::fmt::Debug {
    /// Checks the values of its keys.
    ///
    /// # Errors
    ///
    /// The first impossible value.
    fn check(&self) -> Result<(), InvalidValue>;

    /// Freezes its part of one section of a chip. `draws` belong to this source, trial and core alone.
    fn fabricate(&self, _draws: &mut NormalStream<f64>, _section: &mut StageErrors) {}

    /// The same without randomness: what a designer knows beforehand (nominal loss).
    fn fabricate_nominal(&self, _section: &mut StageErrors) {}

    /// What is wrong with every cell alike and so is no draw, but unknown to the design (a common splitter error).
    fn fabricate_systematic(&self, _section: &mut StageErrors) {}

    /// From the phases asked for to those that the heaters make; acts on all sections of a program at once.
    fn drive(&self, _sections: &[Stage], _phases: &mut [Phases]) {}

    /// Adds what changes from moment to moment to the phases of one section.
    fn fluctuate(&self, _draws: &mut NormalStream<f64>, _phases: &mut Phases) {}

    /// First-order relative error of a programmed unitary mesh, squared: its part of E² for random sources.
    fn mesh_error_squared(&self, _mesh: &MeshSize) -> f64 {
        0.0
    }

    /// First-order squared error of an attenuator of amplitude transmission `t`.
    fn attenuator_error_squared(&self, _transmission: f64) -> f64 {
        0.0
    }
}

/// What light meets on its way through a mesh, on the mean over its lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeshSize {
    /// Cells: N−1 in a universal mesh of N ports.
    pub cells: f64,
    /// Splitters of a cell.
    pub splitters: f64,
    /// Phases, two a cell and one a port, shared by the ports: N in a universal mesh.
    pub phases: f64,
}

impl MeshSize {
    pub(crate) fn of(stage: &Stage) -> Self {
        let layout = stage.layout();
        let share = |count: usize| count as f64 / layout.modes.max(1) as f64;
        Self {
            cells: share(2 * layout.positions.len()),
            splitters: layout.cell.splitters() as f64,
            phases: share(stage.phases().values().len()),
        }
    }
}

/// Declares the process and its list of sources, in the fixed order of the drive:
/// quantisation of codes → heater power and crosstalk → static offsets (semantics §4).
macro_rules! sources {
    ($($key:ident: $type:ty, $line:literal;)*) => {
        /// A fabrication process: one optional table a source. What is absent is perfect.
        ///
        /// ```
        /// let process: phaseloom_hardware::Process =
        ///     toml::from_str("[splitter_error]\nsigma_rad = 0.01\n[phase_quantization]\nbits = 8").unwrap();
        /// assert_eq!(process.sources().count(), 2);
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Process {
            $(
                #[doc = $line]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $key: Option<$type>,
            )*
            /// What holding a phase costs; no effect on light, so it is no source.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub phase_shifter: Option<PhaseShifter>,
        }

        impl Process {
            /// The sources that are present, with their keys, in the order of the drive.
            pub fn sources(&self) -> impl Iterator<Item = (&'static str, &dyn Imperfection)> {
                [$((stringify!($key), self.$key.as_ref().map(|s| s as &dyn Imperfection)),)*]
                    .into_iter()
                    .filter_map(|(key, source)| source.map(|s| (key, s)))
            }
        }

        /// (key, one line) of every source, for `phaseloom list`.
        pub const IMPERFECTIONS: &[(&str, &str)] = &[$((stringify!($key), $line),)*];
    };
}

sources! {
    phase_quantization: PhaseQuantization, "phases rounded to the codes of a DAC, uniform in phase or in heater voltage";
    thermal_crosstalk: ThermalCrosstalk, "heaters that warm their neighbours, by coefficient or by distance";
    phase_error: PhaseError, "static random offset of every phase shifter";
    splitter_error: SplitterError, "splitters that are not 50:50, random and common part";
    insertion_loss: InsertionLoss, "loss of every interferometer, and unequal loss of its arms";
    phase_jitter: PhaseJitter, "phases that fluctuate from vector to vector, with a correlation time";
}
