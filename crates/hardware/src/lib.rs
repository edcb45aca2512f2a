//! Photonic hardware: what a process does to a chip, what a link does to light, and the optical matrix product.
#![doc = ""]

mod product;
mod tile;

pub use product::{Batch, MatrixProduct, Readings, Shot};
pub use tile::{Tile, TilePlan};
