//! The rectangular mesh: N columns of cells, all paths equally long (Clements et al., Optica 3, 1460, 2016).
//!
//! ```text
//!  ──╳─────╳─────     modes 0…3, columns 0…3: even columns join (0,1), (2,3), odd columns (1,2)
//!  ──╳──╳──╳──╳──
//!  ──╳──╳──╳──╳──
//!  ──╳─────╳─────
//! ```

use super::Topology;
use super::stride::neighbours;
use crate::decompose::clements;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;

/// N(N−1)/2 cells in N columns; all paths are equally long and pass N−1 cells on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangular;

impl Topology for Rectangular {
    fn key(&self) -> &'static str {
        "rectangular"
    }

    fn description(&self) -> &'static str {
        "N(N−1)/2 cells in N columns, balanced paths (Clements 2016)"
    }

    fn layout(&self, modes: usize) -> Layout {
        Layout::new(modes, (0..modes).flat_map(|column| neighbours(modes, column, column % 2)).collect())
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        Ok(clements::decompose(layout, target.matrix()))
    }
}
