//! How cells are joined to a mesh. A new topology is one file here and one line in [`TOPOLOGIES`].

mod butterfly;
mod contraction;
mod diamond;
mod fractal;
pub(crate) mod mesh_design;
mod phase_masks;
mod rectangular;
mod redundant;
mod stride;
mod tree;
mod triangular;

pub use butterfly::Butterfly;
pub use contraction::Contraction;
pub use diamond::Diamond;
pub use fractal::Fractal;
pub use phase_masks::PhaseMasks;
pub use rectangular::Rectangular;
pub use redundant::Redundant;
pub use tree::Tree;
pub use triangular::Triangular;

use crate::cell::kind::{Cell, INTERFEROMETERS};
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use nalgebra::DMatrix;
use num_complex::Complex64;

/// An arrangement of cells, and the algorithm that programs it.
pub trait Topology: Send + Sync + std::fmt::Debug {
    /// The name in files and on the command line.
    fn key(&self) -> &'static str;

    /// One line for `phaseloom list`.
    fn description(&self) -> &'static str;

    /// Where the cells of a mesh of `modes` ports stand, in order of propagation.
    fn layout(&self, modes: usize) -> Layout;

    /// Of which cells it can be built, the usual one first: any interferometers, where nothing else is said.
    fn cells(&self) -> &'static [Cell] {
        &INTERFEROMETERS
    }

    /// Whether every unitary has a program. Of a mesh that is not universal, [`Topology::program`] gives the nearest
    /// that it found; compare the matrix.
    fn is_universal(&self) -> bool {
        true
    }

    /// Whether one mesh does any matrix of norm at most one, which then needs no singular values.
    fn is_direct(&self) -> bool {
        false
    }

    /// The phases of plain interferometers that make the ideal mesh equal to `w` between its ports: a square matrix whose
    /// largest singular value is at most 1. `layout` is that of its ports. For a mesh that [is direct](Topology::is_direct).
    ///
    /// # Errors
    ///
    /// A mesh that does unitaries alone, and is given another matrix; a decomposition that fails.
    ///
    /// # Panics
    ///
    /// If the layout is that of another number of ports.
    fn program_contraction(&self, layout: &Layout, w: &DMatrix<Complex64>) -> Result<Phases, MeshError> {
        self.program(layout, &Unitary::new(w.clone(), Unitary::TOLERANCE)?)
    }

    /// The number of rows of a unitary that the mesh can realise, if not all.
    fn rows(&self) -> Option<usize> {
        None
    }

    /// Whether its phases are searched for: no decomposition is known, and what is found only comes near.
    fn is_fitted(&self) -> bool {
        !self.is_universal() && self.rows().is_none()
    }

    /// The phases of plain interferometers that make the ideal mesh equal to `target`, on the lines of its ports; of the one
    /// kind of [cells](Topology::cells) that it can be built of, where that is no interferometer. `layout` is
    /// [that](Topology::layout) of as many ports.
    ///
    /// # Errors
    ///
    /// Where the topology cannot realise the target.
    ///
    /// # Panics
    ///
    /// If the layout is that of another number of ports.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError>;
}

/// Every topology there is.
pub static TOPOLOGIES: [&dyn Topology; 9] = [
    &Rectangular,
    &Triangular,
    &Redundant { extra: 2 },
    &Diamond,
    &Contraction,
    &Fractal,
    &Butterfly,
    &PhaseMasks,
    &Tree,
];

/// Finds a topology by its key.
///
/// # Errors
///
/// [`MeshError::UnknownTopology`] with the keys that exist.
pub fn topology(key: &str) -> Result<&'static dyn Topology, MeshError> {
    TOPOLOGIES.into_iter().find(|t| t.key() == key).ok_or_else(|| MeshError::UnknownTopology {
        found: key.to_owned(),
        known: TOPOLOGIES.map(Topology::key).join(", "),
    })
}
