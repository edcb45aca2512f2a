//! Vector instructions: numbers side by side, elementary functions, a complex matrix product.

pub mod aligned;
pub mod complex_product;
pub mod exponential;
pub mod lanes;
pub mod real;
pub mod splitter_products;
pub mod trigonometry;
