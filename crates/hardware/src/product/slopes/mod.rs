//! Ways to obtain the slopes of a loss by the phases of a core: from a model of the chip, or measured on the chip.
//!
//! Each method is one file. They agree where their assumptions hold; a test of each shows its bias where they do not.

mod adjoint;
mod in_situ;
mod parameter_shift;

pub use adjoint::Adjoint;
pub use in_situ::InSitu;
pub use parameter_shift::ParameterShift;

use crate::chip::Chip;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::{MatrixProgram, Phases};

/// A core at the moment of a backward pass.
pub struct CorePass<'a> {
    /// The chip.
    pub chip: &'a Chip,
    /// Its program.
    pub program: &'a MatrixProgram,
    /// The phases that its heaters make (rad), of every stage.
    pub driven: &'a [Phases],
    /// Fields at the inputs: columns of the matrix × vectors.
    pub fields: &'a DMatrix<Complex64>,
    /// Adjoints `λ = ∂L/∂Re a + i·∂L/∂Im a` of the fields at the outputs: rows of the matrix × vectors.
    pub adjoint: &'a DMatrix<Complex64>,
}

impl CorePass<'_> {
    /// Number of phase shifters.
    fn shifters(&self) -> u64 {
        self.driven.iter().map(|phases| phases.values().len() as u64).sum()
    }
}

/// A way to obtain slopes.
pub trait SlopeMethod: Send + Sync {
    /// The slopes of the loss by the phases of every stage as the light meets them (1/rad), summed over the vectors.
    ///
    /// # Panics
    ///
    /// If the parts of the pass do not belong together.
    fn slopes(&self, pass: &CorePass<'_>) -> Vec<Phases>;

    /// How many times light passes the core for these slopes; 0 if a model of the chip computes them.
    fn passes(&self, pass: &CorePass<'_>) -> u64;

    /// Whether the slopes are linear in `λ·a†`, so that a large batch may pass as the gradient by the matrix.
    fn takes_matrix(&self) -> bool {
        false
    }
}
