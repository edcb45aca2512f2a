//! A matrix product of a network that runs on meshes, and its derivatives.

use nalgebra::DMatrix;
use phaseloom_hardware::{CoreSpec, Detection, HardwareError, LayerProgram, Scales, WeightKind, multiply_fields};
use phaseloom_mesh::MeshDesign;
use phaseloom_numerics::linalg::multiply_batch;

use crate::data::Batch;

/// A matrix product of a network that runs on meshes.
#[derive(Clone, Debug)]
pub struct PhotonicLayer<'a> {
    /// Index of the layer in the network, for tables.
    pub index: usize,
    /// W: outputs × inputs; if complex, the real part above the imaginary part.
    pub weight: &'a DMatrix<f64>,
    /// Whether the weight is complex. A vector then has two values for each field: all in-phase parts, then all quadratures.
    pub kind: WeightKind,
    /// Vectors that one sample sends through the product in one call: 1, or the positions of a convolution.
    pub vectors: usize,
    /// Calls per forward pass: 1, or the steps of a loop.
    pub steps: usize,
    /// What the electronics do with the product so that its sign matters, as the end of the sentence "The layer …". `None`
    /// if they use its modulus alone.
    pub sign_matters: Option<String>,
}

impl PhotonicLayer<'_> {
    /// Outputs and inputs of the matrix on the cores.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        let (rows, inputs) = self.weight.shape();
        (if self.kind.is_complex() { rows / 2 } else { rows }, inputs)
    }

    /// Real values of a vector at the outputs and at the inputs: as many as outputs and inputs, or two for each complex field.
    #[must_use]
    pub fn values(&self) -> (usize, usize) {
        let (rows, inputs) = self.weight.shape();
        (rows, if self.kind.is_complex() { 2 * inputs } else { inputs })
    }

    /// The weight as programs on meshes of a design.
    ///
    /// # Errors
    ///
    /// As [`LayerProgram::with_design`] and [`LayerProgram::complex`].
    pub fn program(
        &self,
        core: &CoreSpec,
        design: &MeshDesign,
        detection: Detection,
        scales: &Scales,
    ) -> Result<LayerProgram, HardwareError> {
        match self.kind {
            WeightKind::Real => LayerProgram::with_design(self.weight, core, design, detection, scales),
            kind => LayerProgram::complex(self.weight, kind, core, design),
        }
    }

    /// W x in floating point.
    #[must_use]
    pub fn exact(&self, x: &Batch) -> Batch {
        if self.kind.is_complex() { multiply_fields(self.weight, x) } else { multiply_batch(self.weight, x) }
    }
}

/// One photonic product in a forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductSlopes {
    /// Vectors of each sample, such as the positions of a convolution.
    pub vectors: usize,
    /// Inputs: columns of the matrix × (samples · vectors), sample by sample.
    pub inputs: Batch,
    /// For each output of the network its derivative with respect to the product: rows of the matrix × (samples · vectors).
    pub slopes: Vec<Batch>,
}
