//! The rectangular mesh: N columns of cells, all paths equally long (Clements et al., Optica 3, 1460, 2016).
//!
//! ```text
//!  ──╳─────╳─────     modes 0…3, columns 0…3: even columns join (0,1), (2,3), odd columns (1,2)
//!  ──╳──╳──╳──╳──
//!  ──╳──╳──╳──╳──
//!  ──╳─────╳─────
//! ```

use super::Topology;
use crate::decompose::clements;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};

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
        let column = |column: usize| {
            (column % 2..modes.saturating_sub(1)).step_by(2).map(move |mode| CellPosition { column, mode })
        };
        Layout::new(modes, (0..modes).flat_map(column).collect())
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        Ok(clements::decompose(layout, target.matrix()))
    }
}
