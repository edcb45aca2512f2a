//! The interface between networks and cores: a matrix that multiplies batches, with noise.

use nalgebra::DMatrix;

/// A batch of real vectors: features × samples, one column per sample.
pub type Batch = DMatrix<f64>;

/// Address of the dynamic noise of a product.
///
/// Column `j` of a batch uses the random numbers of vector `first_vector + j`. They belong to vectors, so that the output for
/// a vector does not depend on its batch. A layer that sends `p` vectors per sample starts at `p` times its first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Trial of the Monte Carlo run: one fabricated chip.
    pub trial: u64,
    /// Repetition of all samples on the same chip, from 0.
    pub index: u64,
    /// Index of the first column of the batch among all vectors of the product, over the whole data set.
    pub first_vector: u64,
}

/// Statistics of a product: how often the converters saturated, and how much light the detectors received.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProductStatistics {
    /// Values at the input converters.
    pub inputs: u64,
    /// Values outside ±1 before clipping.
    pub inputs_clipped: u64,
    /// Values at the output converters.
    pub outputs: u64,
    /// Values outside the full scale.
    pub outputs_clipped: u64,
    /// Photoelectrons of the signal, summed over all readouts.
    pub signal_photoelectrons: f64,
}

impl ProductStatistics {
    /// Adds the statistics of another product.
    pub fn add(&mut self, other: &ProductStatistics) {
        self.inputs += other.inputs;
        self.inputs_clipped += other.inputs_clipped;
        self.outputs += other.outputs;
        self.outputs_clipped += other.outputs_clipped;
        self.signal_photoelectrons += other.signal_photoelectrons;
    }
}

/// A matrix product as hardware performs it.
pub trait MatrixProduct: Send + Sync {
    /// Shape of the matrix: (outputs, inputs).
    fn shape(&self) -> (usize, usize);

    /// Whether outputs are moduli, so that they compare with the modulus of an exact product.
    fn loses_sign(&self) -> bool {
        false
    }

    /// `ŷ ≈ W x` for each column of `input` (inputs × samples), with all errors and noise of the hardware.
    ///
    /// # Panics
    ///
    /// If `input` has another number of rows than the matrix has inputs.
    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, ProductStatistics);
}
