//! Photonic hardware: what a process does to a chip, what a link does to light, and the optical matrix product.
//!
//! ```text
//! Process ─ seed ─▶ Chip        Program × Chip ─▶ realised matrix        realised matrix + Link ─▶ OpticalProduct
//! ```

mod chip;
mod chip_file;
pub mod comparison;
mod core;
pub mod correction;
mod digital;
mod drive;
mod encoder;
mod engine;
mod error;
mod imperfection;
mod link;
mod matrix_form;
mod phase_shifter;
mod precision;
mod presets;
mod process_fit;
mod product;
mod readout;
pub mod spectra;
mod stage_errors;
mod tile;
pub mod toml_file;

pub use chip::{Chip, Sample};
pub use core::{
    CoreSpec, Cores, Design, GainCalibration, LayerProgram, MOST_PORTS, Normalise, Scales, TileProgram, bound_scales,
};
pub use digital::DigitalProduct;
pub use engine::{OpticalProduct, Place};
pub use error::HardwareError;
pub use imperfection::{
    IMPERFECTIONS, Imperfection, InsertionLoss, PhaseError, PhaseJitter, PhaseQuantization, Process, SplitterError,
    ThermalCrosstalk, UniformIn,
};
pub use link::{
    Adc, BOLTZMANN, CHARGE, Codes, Converter, DETECTIONS, Detection, FullScale, IntensityNoise, LIGHT, LINK_PARTS,
    Link, Modulator, ModulatorKind, PLANCK, Quality, Receiver, ThermalNoise,
};
pub use matrix_form::MatrixForm;
pub use phase_shifter::PhaseShifter;
pub use precision::Precision;
pub use presets::{PRESET_PREFIX, PRESETS, Preset, ProcessFile, preset, read_process};
pub use process_fit::{Fit, Level, ProcessFit, Profile};
pub use product::{Batch, MatrixProduct, Readings, Shot};
pub use stage_errors::Fabricated;
pub use tile::{Tile, TilePlan};
