//! The linear operators of a network as users see them: which go to light, and why the others do not.

/// Where an operator computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On meshes.
    Photonic,
    /// In electronics, for a reason.
    Electronic(String),
}

/// A linear operator of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Name in its file, or the index of the layer.
    pub name: String,
    /// What it is: `MatMul`, `Conv`, …
    pub kind: String,
    /// Where it computes.
    pub place: Place,
    /// Shape of its matrix (outputs, inputs), if it has one.
    pub shape: Option<(usize, usize)>,
    /// Vectors that one sample sends through the matrix, over all steps of a loop.
    pub vectors: usize,
    /// Multiplications for one sample.
    pub macs: f64,
}
