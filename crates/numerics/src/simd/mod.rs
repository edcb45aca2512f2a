//! Vector instructions: the only folder that names pulp, apart from the two engines of the mesh.
//!
//! [`lanes`] and [`real`] abstract registers and scalars of both precisions. The other files are kernels: elementary
//! functions, normal deviates, and the complex product.

pub mod aligned;
pub(crate) mod box_muller;
pub mod complex_product;
pub mod exponential;
pub mod lanes;
pub mod real;
pub mod splitter_products;
pub mod trigonometry;

pub use box_muller::BoxMuller;
