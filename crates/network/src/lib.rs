//! Neural networks on photonic hardware: models, layers, data files, weights, training and calibration.
//!
//! A [`data::Batch`] is a real matrix features × samples: a column is a sample. Networks see hardware only through
//! [`phaseloom_hardware::MatrixProduct`].
//!
//! * [`data`]: IDX, NumPy and CSV files; which rows, columns and classes ([`data::DataSpec`]).
//! * [`weights`]: named tensors from safetensors, `.npz` or `.npy`.
//! * [`layer`]: what a layer computes, and its gradients.
//! * [`model`]: the model file; exact and optical forward passes.
//! * [`calibration`]: the scales of the converters.
//! * [`train`]: training, with its loss and optimizer.

pub mod calibration;
pub mod data;
pub mod error;
pub mod layer;
pub mod model;
pub mod train;
pub mod weights;

pub use calibration::{Calibration, CalibrationSettings, LayerScale};
pub use data::{DataSpec, Dataset};
pub use error::{NetworkError, Result};
pub use model::{LayerReadings, Model, ModelSpec, PhotonicView, accuracy, predictions};
pub use train::{EpochReport, TrainSpec, Trained, exact_accuracy};
pub use weights::{Tensor, Tensors};
