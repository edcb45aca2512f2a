//! The design of a mesh: a topology and a kind of cell.

use crate::cell::kind::Cell;
use crate::cell::mzi::CellErrors;
use crate::decompose::match_cells::match_cells;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use crate::topology::{Topology, topologies, topology};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_files::InvalidValue;
use std::sync::Arc;

/// A topology and a cell of which it can be built. A topology alone converts to the design with its default cell.
#[derive(Clone, Debug)]
pub struct MeshDesign {
    topology: Arc<dyn Topology>,
    cell: Cell,
}

impl From<Arc<dyn Topology>> for MeshDesign {
    fn from(topology: Arc<dyn Topology>) -> Self {
        let cell = topology.cells()[0];
        Self { topology, cell }
    }
}

impl From<&Arc<dyn Topology>> for MeshDesign {
    fn from(topology: &Arc<dyn Topology>) -> Self {
        topology.clone().into()
    }
}

impl<T: Topology + 'static> From<T> for MeshDesign {
    fn from(topology: T) -> Self {
        Self::from(Arc::new(topology) as Arc<dyn Topology>)
    }
}

impl From<&Self> for MeshDesign {
    fn from(design: &Self) -> Self {
        design.clone()
    }
}

impl PartialEq for MeshDesign {
    fn eq(&self, other: &Self) -> bool {
        let identity = |design: &Self| (design.topology.key(), design.topology.parameters(), design.cell);
        // Meshes of one layer share their topology.
        let is_same = Arc::ptr_eq(&self.topology, &other.topology) && self.cell == other.cell;
        is_same || identity(self) == identity(other)
    }
}

impl std::fmt::Display for MeshDesign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.cell {
            cell if cell == self.topology.cells()[0] => write!(f, "{}", self.topology.key()),
            cell => write!(f, "{} of {} cells", self.topology.key(), cell.key()),
        }
    }
}

impl MeshDesign {
    /// A topology built of a cell.
    ///
    /// # Errors
    ///
    /// [`MeshError::CellOfTopology`] if the topology has no such cells.
    pub fn new(topology: Arc<dyn Topology>, cell: Cell) -> Result<Self, MeshError> {
        if topology.cells().contains(&cell) {
            return Ok(Self { topology, cell });
        }
        let keys: Vec<&str> = topology.cells().iter().map(|cell| cell.key()).collect();
        let expected = format!("one of {}, which a mesh `{}` supports", keys.join(", "), topology.key());
        Err(MeshError::CellOfTopology(InvalidValue::new("cell", format!("`{}`", cell.key()), expected)))
    }

    /// The design of two keys of `phaseloom explain`. Without a key of a cell, it has the topology's default cell.
    ///
    /// ```
    /// use phaseloom_mesh::{Cell, MeshDesign};
    /// assert_eq!(MeshDesign::from_keys("masks", None)?.cell(), Cell::Coupler);
    /// assert!(MeshDesign::from_keys("masks", Some("mzi")).is_err());
    /// # Ok::<(), phaseloom_mesh::MeshError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Unknown keys, and as [`MeshDesign::new`].
    pub fn from_keys(topology_key: &str, cell_key: Option<&str>) -> Result<Self, MeshError> {
        let topology = topology(topology_key)?;
        match cell_key {
            Some(key) => Self::new(topology, Cell::from_key(key)?),
            None => Ok(topology.into()),
        }
    }

    /// The topology.
    #[must_use]
    pub fn topology(&self) -> &dyn Topology {
        &*self.topology
    }

    /// The kind of its cells.
    #[must_use]
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Every topology with each of its cells.
    pub fn all() -> impl Iterator<Item = Self> {
        topologies()
            .into_iter()
            .flat_map(|topology| topology.cells().iter().map(move |&cell| Self { topology: topology.clone(), cell }))
    }

    /// The layout of a mesh with a number of ports, which takes memory for O(ports²) cells.
    #[must_use]
    pub fn layout(&self, ports: usize) -> Layout {
        self.topology.layout(ports).with_cell(self.cell)
    }

    /// A mesh with all phases zero.
    #[must_use]
    pub fn blank(&self, ports: usize) -> Stage {
        let layout = self.layout(ports);
        let phases = Phases::blank(&layout);
        Stage::mesh(layout, phases)
    }

    /// The mesh that realises a unitary. The topology computes the phases of MZIs, and other cells are
    /// [matched](crate::match_cells) to them without loss of precision.
    ///
    /// # Errors
    ///
    /// A target that the topology cannot realise.
    pub fn program(&self, target: &Unitary) -> Result<Stage, MeshError> {
        self.build(target.modes(), |layout| self.topology.program(layout, target))
    }

    /// The mesh that realises a square matrix of norm at most 1, for [`Capability::AnyContraction`](crate::Capability).
    ///
    /// # Errors
    ///
    /// As [`Topology::program_contraction`].
    ///
    /// # Panics
    ///
    /// If the matrix is not square, or its norm is above 1.
    pub fn program_contraction(&self, w: &DMatrix<Complex64>) -> Result<Stage, MeshError> {
        self.build(w.nrows(), |layout| self.topology.program_contraction(layout, w))
    }

    fn build(&self, ports: usize, program: impl Fn(&Layout) -> Result<Phases, MeshError>) -> Result<Stage, MeshError> {
        let plain = self.topology.layout(ports);
        let mut phases = program(&plain)?;
        let layout = plain.with_cell(self.cell);
        if self.cell.is_interferometer() && !self.cell.is_mzi() {
            phases = match_cells(&layout, Cell::Mzi, &phases, &vec![CellErrors::NONE; layout.positions.len()]).0;
        }
        Ok(Stage::mesh(layout, phases))
    }
}
