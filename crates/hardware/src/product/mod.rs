//! Matrix products on photonic cores: tiles, programs and designs of layers, the optical and the digital product.

pub mod address;
pub mod backward;
pub mod core_spec;
pub mod digital;
pub mod field;
pub mod layer_design;
pub mod layer_program;
pub mod matrix_product;
pub mod optical;
pub mod precision;
pub mod realised;
pub mod scales;
pub mod size;
pub mod slopes;
mod tile_engine;
mod tile_sum;
pub mod trainable;
