//! Random streams, normal deviates and Haar-distributed matrices.

pub mod haar;
pub mod normal;
pub mod stream;
