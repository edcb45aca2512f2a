//! Photonic hardware: what a process does to a chip, what a link does to light, and the optical matrix product.

mod chip;
mod chip_file;
mod error;
mod imperfection;
mod matrix_form;
mod product;
mod tile;
pub mod toml_file;

pub use chip::{Chip, Fabricated, Sample};
pub use error::HardwareError;
pub use imperfection::{
    IMPERFECTIONS, Imperfection, InsertionLoss, PhaseError, PhaseJitter, PhaseQuantization, Process, SplitterError,
    ThermalCrosstalk, UniformIn,
};
pub use matrix_form::MatrixForm;
pub use product::{Batch, MatrixProduct, Readings, Shot};
pub use tile::{Tile, TilePlan};
