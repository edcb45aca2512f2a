//! Matrix products on photonic cores: tiles, programs of layers, the optical and the digital product.

pub mod digital;
pub mod layer_program;
pub mod matrix_product;
pub mod optical;
pub mod precision;
pub mod tile;
