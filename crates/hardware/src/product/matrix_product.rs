//! The one face of an optical core that networks see: a matrix that multiplies batches, with noise.

use nalgebra::DMatrix;

/// A batch of real vectors: features × samples, one column a sample.
pub type Batch = DMatrix<f64>;

/// Says which draws of the dynamic noise a product takes.
///
/// Sample `j` of a batch draws from the stream of sample `first_sample + j`, so that the output for one vector does
/// not depend on the batch that it stands in (semantics: draws belong to samples, never to batches).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Trial of the Monte Carlo: one sampled chip.
    pub trial: u64,
    /// Repetition of all samples on the same chip, from 0.
    pub index: u32,
    /// Index, in the data set, of the first column of the batch.
    pub first_sample: u64,
}

/// What a product returns beside the numbers: how often the converters saturated and how much light was read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Readings {
    /// Values sent to the input converters, and how many of them lay outside ±1 before clipping.
    pub inputs: u64,
    /// Number of clipped inputs.
    pub inputs_clipped: u64,
    /// Values read by the output converters, and how many of them lay outside the full scale.
    pub outputs: u64,
    /// Number of clipped outputs.
    pub outputs_clipped: u64,
    /// Sum over all readouts of the photoelectrons that the signal made.
    pub signal_photoelectrons: f64,
}

impl Readings {
    /// Adds the counts of another product.
    pub fn add(&mut self, other: &Readings) {
        self.inputs += other.inputs;
        self.inputs_clipped += other.inputs_clipped;
        self.outputs += other.outputs;
        self.outputs_clipped += other.outputs_clipped;
        self.signal_photoelectrons += other.signal_photoelectrons;
    }
}

/// A matrix product as hardware performs it.
pub trait MatrixProduct: Send + Sync {
    /// (outputs, inputs) of the matrix.
    fn shape(&self) -> (usize, usize);

    /// Whether it returns moduli: an exact product would then read as its modulus.
    fn loses_sign(&self) -> bool {
        false
    }

    /// `ŷ = W x` for each column of `input` (inputs × samples), with everything that the hardware does to it.
    ///
    /// # Panics
    ///
    /// If the rows of `input` are not the inputs of the matrix.
    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, Readings);
}
