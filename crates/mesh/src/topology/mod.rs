//! Topologies: where the cells of a mesh are, and which decomposition programs them.
//!
//! A new topology is one file in this folder and one line in [`topologies`].

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
use phaseloom_files::{Alias, find};
use std::sync::Arc;

/// An arrangement of cells, and the algorithm that programs it.
pub trait Topology: Send + Sync + std::fmt::Debug {
    /// The name in files and on the command line.
    fn key(&self) -> &'static str;

    /// One line for `phaseloom explain`.
    fn description(&self) -> &'static str;

    /// The positions of the cells of a mesh of `modes` ports, in order of propagation.
    fn layout(&self, modes: usize) -> Layout;

    /// The cells of which it can be built, the default one first.
    fn cells(&self) -> &'static [Cell] {
        &INTERFEROMETERS
    }

    /// The set of matrices that the ideal mesh realises between its ports.
    fn capability(&self) -> Capability {
        Capability::AnyUnitary
    }

    /// Numbers that distinguish topologies with the same key.
    fn parameters(&self) -> Vec<usize> {
        Vec::new()
    }

    /// The phases of MZIs with which the ideal mesh realises `w` between its ports, for [`Capability::AnyContraction`].
    ///
    /// `w` is a square matrix whose largest singular value is at most 1. `layout` has as many ports.
    ///
    /// # Errors
    ///
    /// A NaN or an infinity; a matrix that is not unitary, on a topology for unitaries; a decomposition that fails.
    ///
    /// # Panics
    ///
    /// If the layout has another number of ports, or the matrix is not square or its norm above 1.
    fn program_contraction(&self, layout: &Layout, w: &DMatrix<Complex64>) -> Result<Phases, MeshError> {
        self.program(layout, &Unitary::new(w.clone(), Unitary::TOLERANCE)?)
    }

    /// The phases of MZIs with which the ideal mesh realises `target` between its ports.
    ///
    /// If the topology has no interferometers, they are the phases of its only kind of [cells](Topology::cells). `layout` is
    /// the [layout](Topology::layout) for the ports of the target.
    ///
    /// # Errors
    ///
    /// A target that the topology cannot realise.
    ///
    /// # Panics
    ///
    /// If the layout has another number of ports.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError>;
}

/// The set of matrices that an ideal mesh realises between its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Every unitary.
    AnyUnitary,
    /// Every square matrix whose largest singular value is at most 1, without a singular value decomposition.
    AnyContraction,
    /// The first rows of every unitary: at most this number of them.
    FirstRows(usize),
    /// A subset of the unitaries. [`Topology::program`] searches for the nearest one and may end in a local minimum.
    Fitted,
}

impl Capability {
    /// Whether every unitary has an exact program.
    #[must_use]
    pub fn is_universal(self) -> bool {
        matches!(self, Self::AnyUnitary | Self::AnyContraction)
    }

    /// The number of rows that the mesh realises, if it is limited.
    #[must_use]
    pub fn max_rows(self) -> Option<usize> {
        if let Self::FirstRows(rows) = self { Some(rows) } else { None }
    }
}

/// All built-in topologies.
#[must_use]
pub fn topologies() -> [Arc<dyn Topology>; 9] {
    [
        Arc::new(Rectangular),
        Arc::new(Triangular),
        Arc::new(Redundant { extra: 2 }),
        Arc::new(Diamond),
        Arc::new(Contraction),
        Arc::new(Fractal),
        Arc::new(Butterfly),
        Arc::new(PhaseMasks),
        Arc::new(Tree),
    ]
}

/// Other names of topologies: of their authors, of other programs, and `direct`, the key of `contraction` in older files.
pub const TOPOLOGY_ALIASES: &[Alias] = &[
    ("clements", "rectangular"),
    ("rectangle", "rectangular"),
    ("reck", "triangular"),
    ("triangle", "triangular"),
    ("burgwal", "redundant"),
    ("shokraneh", "diamond"),
    ("direct", "contraction"),
    ("basani", "fractal"),
    ("fft", "butterfly"),
    ("mplc", "masks"),
    ("phase_masks", "masks"),
    ("binary_tree", "tree"),
];

/// Finds a built-in topology by its key or alias.
///
/// # Errors
///
/// [`MeshError::Unknown`] with the keys that exist.
pub fn topology(key: &str) -> Result<Arc<dyn Topology>, MeshError> {
    find("topology", topologies(), |topology| topology.key(), TOPOLOGY_ALIASES, key).map_err(MeshError::Unknown)
}
