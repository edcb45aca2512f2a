//! Neural networks on photonic hardware: models, layers, data files, weights, training and calibration.
//!
//! A [`data::Batch`] is a real matrix features × samples, one sample per column. Networks use hardware only through
//! [`phaseloom_hardware::MatrixProduct`].
//!
//! * [`data`]: IDX, NumPy and CSV files, and the choice of rows, columns and classes ([`data::DataSpec`]).
//! * [`weights`]: named tensors from safetensors, `.npz` or `.npy`.
//! * [`import`]: a model file from the names and shapes of a weights file.
//! * [`layer`]: layers in floating point, and their gradients.
//! * [`network`]: a network as calibration and experiments see it: its products, and forward passes that take them.
//! * [`model`]: the model file, a network of layers.
//! * [`calibration`]: scales of the converters.
//! * [`window`]: the values under a kernel at each position.
//! * [`programs`]: trained phases of the tiles of a model.
//! * [`train`]: training, with its loss and optimizer.

pub mod calibration;
pub mod data;
pub mod error;
pub mod import;
pub mod layer;
pub mod model;
pub mod network;
mod npz;
mod photonic_layer;
pub mod programs;
pub mod train;
pub mod weights;
pub mod window;

pub use calibration::{Calibration, CalibrationSettings, LayerScale};
pub use data::{DataSpec, Dataset, Truth};
pub use error::{NetworkError, Result};
pub use model::{Model, ModelSpec};
pub use network::{
    ExactPass, LayerMeasurement, Network, PassAddress, PhotonicLayer, ProductSlopes, accuracy, binary_predictions,
    predictions,
};
pub use npz::npz_array;
pub use programs::Programs;
pub use train::{EpochReport, TrainSpec, Trained, exact_accuracy};
pub use weights::{Tensor, Tensors};
