//! A mesh as it is designed: how cells are joined, and what they are.

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
use std::sync::Arc;

/// A topology and a cell that it can be built of. A topology alone stands for its usual cells, mostly plain interferometers.
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
        identity(self) == identity(other)
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
    /// [`MeshError::CellOfTopology`] where it cannot be built of it.
    pub fn new(topology: Arc<dyn Topology>, cell: Cell) -> Result<Self, MeshError> {
        if topology.cells().contains(&cell) {
            return Ok(Self { topology, cell });
        }
        let keys: Vec<&str> = topology.cells().iter().map(|cell| cell.key()).collect();
        Err(MeshError::CellOfTopology { topology: topology.key(), found: cell.key(), known: keys.join(", ") })
    }

    /// The mesh of two keys of `phaseloom list`; without that of a cell, of the topology's usual ones.
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

    /// How cells are joined.
    #[must_use]
    pub fn topology(&self) -> &dyn Topology {
        &*self.topology
    }

    /// What they are.
    #[must_use]
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Every topology with every cell that it can be built of.
    pub fn all() -> impl Iterator<Item = Self> {
        topologies()
            .into_iter()
            .flat_map(|topology| topology.cells().iter().map(move |&cell| Self { topology: topology.clone(), cell }))
    }

    /// Where the cells of a mesh of so many ports stand.
    #[must_use]
    pub fn layout(&self, ports: usize) -> Layout {
        self.topology.layout(ports).with_cell(self.cell)
    }

    /// A mesh of so many ports, all phases zero.
    #[must_use]
    pub fn blank(&self, ports: usize) -> Stage {
        let layout = self.layout(ports);
        let settings = Phases::blank(&layout);
        Stage::mesh(layout, settings)
    }

    /// The mesh that does a unitary: its topology finds the phases of plain interferometers, and other cells follow them,
    /// one after another, without loss of precision.
    ///
    /// # Errors
    ///
    /// Where the topology cannot realise the target.
    pub fn program(&self, target: &Unitary) -> Result<Stage, MeshError> {
        self.built(target.modes(), |layout| self.topology.program(layout, target))
    }

    /// The mesh that does a square matrix of norm at most one, where the topology is direct.
    ///
    /// # Errors
    ///
    /// As [`Topology::program_contraction`].
    pub fn program_contraction(&self, w: &DMatrix<Complex64>) -> Result<Stage, MeshError> {
        self.built(w.nrows(), |layout| self.topology.program_contraction(layout, w))
    }

    fn built(&self, ports: usize, program: impl Fn(&Layout) -> Result<Phases, MeshError>) -> Result<Stage, MeshError> {
        let plain = self.topology.layout(ports);
        let mut settings = program(&plain)?;
        let layout = plain.with_cell(self.cell);
        if self.cell.is_interferometer() && !self.cell.is_mzi() {
            settings = match_cells(&layout, Cell::Mzi, &settings, &vec![CellErrors::NONE; layout.positions.len()]).0;
        }
        Ok(Stage::mesh(layout, settings))
    }
}
