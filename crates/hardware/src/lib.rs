//! Photonic hardware: fabrication processes, chips, optical links, the optical matrix product and corrections of chips.
//!
//! ```text
//! Process ─ seed ─▶ Chip        Program × Chip ─▶ realised matrix        realised matrix + Link ─▶ OpticalProduct
//! ```

mod chip;
mod chip_id;
pub mod comparison;
pub mod correction;
mod error;
mod heaters;
mod link;
mod matrix_law;
mod measured;
mod process;
mod product;
mod tile;

pub use chip::backpropagation::ForwardPass;
pub use chip::shape::ProgramShape;
pub use chip::{Chip, ChipId};
pub use error::HardwareError;
pub use heaters::{Heater, HeaterPlace, ShifterName, StageName, heaters};
pub use link::{
    Adc, BOLTZMANN, CHARGE, Converter, DETECTIONS, Detection, FullScale, IntensityNoise, LIGHT, LINK_PARTS, Link,
    Modulator, ModulatorKind, PLANCK, Receiver, SignalQuality, ThermalNoise,
};
pub use matrix_law::MatrixLaw;
pub use measured::chip_table::ChipTable;
pub use measured::heater_table::{DriveQuantity, HeaterCalibration, HeaterDrive, parse_calibrations, rows_of_heaters};
pub use measured::process_fit::{Fit, Level, ProcessFit, Profile};
pub use measured::spectra;
pub use process::phase_shifter::PhaseShifter;
pub use process::presets::{
    PRESET_PREFIX, PRESET_STATE, PRESETS, Preset, ProcessFile, ProcessSource, preset, read_process,
};
pub use process::stage_errors::StageErrors;
pub use process::{
    Component, ComponentErrors, FixedChip, HeaterLimit, HeaterLimits, IMPERFECTIONS, Imperfection, InsertionLoss,
    OwnSources, PhaseError, PhaseJitter, PhaseQuantization, Process, SplitterError, ThermalCrosstalk, UniformIn,
    Variation,
};
pub use product::address::LayerAddress;
pub use product::backward::ProductTrace;
pub use product::core_spec::{CoreSharing, CoreSpec, CoreUse, GainCalibration, GainScope, MAX_PORTS};
pub use product::digital::DigitalProduct;
pub use product::field::{FieldProduct, check_fields, field_gradients, multiply_fields};
pub use product::layer_design::LayerDesign;
pub use product::layer_program::{LayerProgram, TileProgram, WeightKind};
pub use product::matrix_product::{Batch, MatrixProduct, ProductStatistics, Shot};
pub use product::optical::OpticalProduct;
pub use product::precision::Precision;
pub use product::realised::{RealisedCore, RealisedLayer};
pub use product::scales::{Scales, bound_scales};
pub use product::size::MeshSize;
pub use product::slopes;
pub use product::trainable::{LayerGradients, ParameterKind, TrainableLayer};
pub use tile::{Tile, TilePlan};
