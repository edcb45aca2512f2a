//! How cells are joined to a mesh. A new topology is one file here and one line in [`TOPOLOGIES`].

mod layout;
mod rectangular;
mod triangular;

pub use layout::{ARM_UM, COLUMN_UM, Layout, Shifter, ShifterKind, Site};
pub use rectangular::Rectangular;
pub use triangular::Triangular;

use crate::section::Settings;
use crate::{MeshError, Unitary};

/// An arrangement of cells, and the algorithm that programs it.
pub trait Topology: Send + Sync + std::fmt::Debug {
    /// The name in files and on the command line.
    fn key(&self) -> &'static str;

    /// One line for `phaseloom list`.
    fn description(&self) -> &'static str;

    /// Where the cells of a mesh of `modes` ports stand, in order of propagation.
    fn layout(&self, modes: usize) -> Layout;

    /// The settings that make the ideal mesh equal to `target`.
    ///
    /// # Errors
    ///
    /// Where the topology cannot realise the target.
    fn program(&self, target: &Unitary) -> Result<Settings, MeshError>;
}

/// Every topology there is.
pub static TOPOLOGIES: [&dyn Topology; 2] = [&Rectangular, &Triangular];

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
