//! A mesh as it is designed: how cells are joined, and what they are.

use crate::cell::CellErrors;
use crate::cell_kind::{CELLS, Cell};
use crate::follow::follow;
use crate::section::{Section, Settings};
use crate::topology::{Layout, TOPOLOGIES, Topology};
use crate::{MeshError, Unitary};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// A topology and a cell. A topology alone stands for plain interferometers.
#[derive(Clone, Copy, Debug)]
pub struct MeshDesign {
    /// How cells are joined.
    pub topology: &'static dyn Topology,
    /// What they are.
    pub cell: Cell,
}

impl From<&'static dyn Topology> for MeshDesign {
    fn from(topology: &'static dyn Topology) -> Self {
        Self { topology, cell: Cell::Mzi }
    }
}

impl PartialEq for MeshDesign {
    fn eq(&self, other: &Self) -> bool {
        // Topologies of one key may still have parameters.
        let named = |design: &Self| format!("{:?}", design.topology);
        (self.topology.key(), self.cell) == (other.topology.key(), other.cell) && named(self) == named(other)
    }
}

impl std::fmt::Display for MeshDesign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.cell {
            Cell::Mzi => write!(f, "{}", self.topology.key()),
            cell => write!(f, "{} of {} cells", self.topology.key(), cell.key()),
        }
    }
}

impl MeshDesign {
    /// Every topology with every cell.
    pub fn all() -> impl Iterator<Item = Self> {
        TOPOLOGIES.into_iter().flat_map(|topology| CELLS.map(|cell| Self { topology, cell }))
    }

    /// Where the cells of a mesh of so many ports stand.
    #[must_use]
    pub fn layout(&self, ports: usize) -> Layout {
        self.topology.layout(ports).with_cell(self.cell)
    }

    /// A mesh of so many ports, all phases zero.
    #[must_use]
    pub fn blank(&self, ports: usize) -> Section {
        let layout = self.layout(ports);
        let settings = Settings::blank(&layout);
        Section::mesh(layout, settings)
    }

    /// The mesh that does a unitary: its topology finds the phases of plain interferometers, and other cells follow them,
    /// one after another, without loss of precision.
    ///
    /// # Errors
    ///
    /// Where the topology cannot realise the target.
    pub fn program(&self, target: &Unitary) -> Result<Section, MeshError> {
        self.built(target.modes(), self.topology.program(target)?)
    }

    /// The mesh that does a square matrix of norm at most one, where the topology is direct.
    ///
    /// # Errors
    ///
    /// As [`Topology::program_contraction`].
    pub fn program_contraction(&self, w: &DMatrix<Complex64>) -> Result<Section, MeshError> {
        self.built(w.nrows(), self.topology.program_contraction(w)?)
    }

    fn built(&self, ports: usize, mut settings: Settings) -> Result<Section, MeshError> {
        let layout = self.layout(ports);
        if self.cell != Cell::Mzi {
            settings = follow(&layout, Cell::Mzi, &settings, &vec![CellErrors::NONE; layout.sites.len()]).0;
        }
        Ok(Section::mesh(layout, settings))
    }
}
