//! The phase-mask mesh: phase masks (one phase shifter per mode) between fixed layers of splitters. Layers join neighbouring
//! modes, alternately from an even and from an odd mode. Only phases are programmed.
//!
//! ```text
//!  ──φ──╳──────φ──╳─────    3N layers for N modes: about 3N(N−1)/2 splitters, and three times the phases of a unitary.
//!  ──φ──╳──φ──╳φ──╳──φ──    A mode without a splitter in a layer has no phase shifter in it.
//!  ──φ──╳──φ──╳φ──╳──φ──    No decomposition is known, so the phases are fitted. In 3N layers the search converges for Haar
//!  ──φ──╳──────φ──╳─────    unitaries up to N = 16; at N = 64 it stops at 6e-4 to 2e-3, and in 2N layers most starts end in a local minimum.
//! ```
//!
//! Phase masks between fixed layers: Saygin et al., Phys. Rev. Lett. 124, 010501, 2020. Layers of splitters, through which N
//! layers join any two modes, are our choice.

use super::stride::neighbours;
use super::{Capability, Topology};
use crate::cell::kind::Cell;
use crate::decompose::fit::fit;
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;

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
        let layers = (0..3 * modes).flat_map(|column| neighbours(modes, column, column % 2));
        Layout::new(modes, layers.collect()).with_cell(Cell::Coupler)
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
