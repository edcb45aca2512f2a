//! Normalisations of the values of a sample or of a batch.

mod batch_norm;
mod l2_normalise;
mod layer_norm;

pub use batch_norm::BatchNormSettings;
pub use l2_normalise::L2Normalise;
pub use layer_norm::LayerNormSettings;
