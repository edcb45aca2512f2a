//! Meshes of Mach–Zehnder interferometers: exact programming of matrices and propagation of light.
//!
//! ```
//! use phaseloom_mesh::{haar_unitary, topology, MatrixProgram, Form, StreamKey};
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

mod adjoint;
mod aligned;
mod by_key;
pub mod cell;
pub mod cell_inverse;
mod cell_kind;
mod circuit;
mod complex_product;
pub mod convention;
mod design;
mod error;
mod exponential;
mod fidelity;
mod fields;
mod files;
mod fit;
mod follow;
mod haar;
mod lanes;
pub mod linalg;
mod matrix_program;
mod memory;
mod normal;
mod null_vectors;
mod nulling;
mod panel;
mod pivots;
mod program_file;
mod projections;
mod random;
mod real;
pub mod reference;
mod schedule;
mod section;
mod settings;
mod segments;
mod singular;
mod sweep;
mod topology;
mod transfers;
mod trigonometry;
mod two_sided;
mod undo;
mod unitary;
mod waveguide_phases;

pub use adjoint::gradient;
pub use by_key::{by_key, json_by_key, list_of_tables};
pub use cell_kind::{CELLS, Cell, cell as cell_of};
pub use circuit::Circuit;
pub use complex_product::{ComplexProduct, Lit, PORTS_PER_WORD};
pub use design::MeshDesign;
pub use error::MeshError;
pub use exponential::exponentials;
pub use fidelity::{fidelity, matrix_error, relative_error};
pub use fields::Fields;
pub use files::{read_text, read_text_up_to, write_atomically};
pub use fit::{fit, refit};
pub use follow::follow;
pub use haar::{haar_orthogonal, haar_unitary};
pub use matrix_program::{Form, MatrixProgram};
pub use memory::require_memory;
pub use normal::Normals;
pub use random::{StreamKey, standard_normal};
pub use real::Real;
pub use section::{Section, SectionKind};
pub use settings::Settings;
pub use singular::{CanonicalSvd, canonical_svd};
pub use topology::{
    ARM_UM, Butterfly, COLUMN_UM, Diamond, Direct, Edge, Fractal, Layout, MODE_UM, Masks, Rectangular, Redundant,
    Shifter, ShifterKind, Site, TOPOLOGIES, Topology, Tree, Triangular, topology,
};
pub use unitary::Unitary;
