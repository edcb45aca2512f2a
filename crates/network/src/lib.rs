//! Neural networks on photonic hardware: models, layers, data files, weights, training and calibration.
//!
//! A [`data::Batch`] is a real matrix features × samples: a column is a sample. Networks see hardware only through
//! [`phaseloom_hardware::MatrixProduct`].

pub mod data;
pub mod error;
mod file;
pub mod layer;
pub mod weights;

pub use error::{NetworkError, Result};
