//! The phase-mask processor: masks, a shifter on each line, between fixed layers of splitters that join neighbours, by turns
//! those of even and of odd lines. Nothing but phases is set (Saygin et al., Phys. Rev. Lett. 124, 010501, 2020,
//! recalled, for masks between fixed layers; layers of splitters, for any line to reach any other in N of them: ours).
//! A line that a layer leaves out has no shifter in it.
//!
//! ```text
//!  ──φ──╳──────φ──╳─────    3N layers for N lines, about 3N(N−1)/2 splitters: three times as many phases as a unitary has.
//!  ──φ──╳──φ──╳φ──╳──φ──    No decomposition is known. A search for Haar unitaries of N = 4, 8, 16 ended at 1e-8…3e-7 of the
//!  ──φ──╳──φ──╳φ──╳──φ──    norm from each of 9 starts; of 64 at 6e-4 and 2e-3 after 3000 steps. In 2N layers most of 9 ended elsewhere, at 5e-3…1e-1.
//!  ──φ──╳──────φ──╳─────
//! ```

use super::{Capability, Topology};
use crate::cell::kind::Cell;
use crate::decompose::fit::fit;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};

/// Splitters in 3N layers; not known to be universal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseMasks;

impl Topology for PhaseMasks {
    fn key(&self) -> &'static str {
        "masks"
    }

    fn description(&self) -> &'static str {
        "3N phase masks between fixed layers of splitters; not known to be universal: fitted"
    }

    fn layout(&self, modes: usize) -> Layout {
        let layer = |column: usize| {
            (column % 2..modes.saturating_sub(1)).step_by(2).map(move |mode| CellPosition { column, mode })
        };
        Layout::new(modes, (0..3 * modes).flat_map(layer).collect()).with_cell(Cell::Coupler)
    }

    fn cells(&self) -> &'static [Cell] {
        &[Cell::Coupler]
    }

    fn capability(&self) -> Capability {
        Capability::Fitted
    }

    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        Ok(fit(layout, target.matrix()))
    }
}
