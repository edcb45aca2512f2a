//! Meshes of Mach–Zehnder interferometers: exact programming of matrices and propagation of light.
//!
//! ```
//! use phaseloom_mesh::{topology, MatrixProgram, Form};
//! use phaseloom_numerics::{haar_unitary, StreamKey};
//!
//! let u = haar_unitary(8, &mut StreamKey::new(1, "example").stream());
//! let program = MatrixProgram::new(&u, Form::Auto, topology("rectangular")?)?;
//! let error = (program.matrix() - &u).norm();
//! assert!(error < 1e-13 * 8.0);
//! # Ok::<(), phaseloom_mesh::MeshError>(())
//! ```
//!
//! Conventions (pinned by tests in [`cell`]): fields carry `e^{+iφ}` behind a phase shifter; light meets φ first;
//! θ = 0 is cross, θ = π is bar; phase shifters of a plain cell stand on the upper, lower-index arm.

pub mod cell;
pub mod convention;
mod decompose;
mod error;
mod gradient;
mod layout;
mod program;
mod propagate;
pub mod reference;
mod topology;

pub use cell::kind::{CELLS, Cell, CellPart};
pub use decompose::fit::{fit, refit};
pub use decompose::match_cells::match_cells;
pub use decompose::unitary::Unitary;
pub use error::MeshError;
pub use gradient::gradient;
pub use layout::phases::Phases;
pub use layout::shifter::{ARM_UM, BoundaryShifter, COLUMN_UM, MODE_UM, Shifter, ShifterKind};
pub use layout::stage::{Stage, StageKind};
pub use layout::{CellPosition, Layout};
pub use program::file_parts;
pub use program::matrix_program::{Form, MatrixProgram};
pub use propagate::circuit::Circuit;
pub use propagate::fields::Fields;
pub use topology::mesh_design::MeshDesign;
pub use topology::{
    Butterfly, Capability, Contraction, Diamond, Fractal, PhaseMasks, Rectangular, Redundant, Topology, Tree,
    Triangular, topologies, topology,
};
