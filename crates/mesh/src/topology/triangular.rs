//! The triangular mesh (Reck et al., Phys. Rev. Lett. 73, 58, 1994): 2N−3 columns, configurable from outside.
//!
//! ```text
//!  ──╳─────╳─────╳──     row r = N−1 … 1 is nulled by cells at the modes 0 … r−1,
//!  ─────╳─────╳─────     in the columns m + 2(N−1−r)
//!  ────────╳────────
//! ```

use super::Topology;
use crate::decompose::reck;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};

/// N(N−1)/2 cells in 2N−3 columns; paths of unequal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangular;

impl Topology for Triangular {
    fn key(&self) -> &'static str {
        "triangular"
    }

    fn description(&self) -> &'static str {
        "N(N−1)/2 cells in 2N−3 columns, self-configurable from outside (Reck 1994)"
    }

    fn layout(&self, modes: usize) -> Layout {
        let column = |column: usize| {
            // Row r = modes−1−(column−mode)/2 has cells at the modes below r.
            let highest = column.min(2 * modes - 4 - column);
            (column % 2..=highest).step_by(2).map(move |mode| CellPosition { column, mode })
        };
        Layout::new(modes, (0..(2 * modes).saturating_sub(3)).flat_map(column).collect())
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        Ok(reck::decompose(layout, target.matrix()))
    }
}
