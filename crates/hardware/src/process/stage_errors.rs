//! The frozen errors of one stage of a chip.

use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Cell, Section, Settings};

/// The frozen physical state of one section of a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Fabricated {
    /// What its cells are.
    pub kind: Cell,
    /// Waveguides that the light of each cell crosses, its own crossing among them; empty where nothing crosses.
    pub crossings: Vec<f64>,
    /// Splitters and arms of each cell, in the order of the layout.
    pub cells: Vec<CellErrors>,
    /// Static offsets of the phases (rad), added behind drive and crosstalk.
    pub offsets: Settings,
}

impl Fabricated {
    pub(crate) fn perfect(section: &Section) -> Self {
        let layout = section.layout();
        let offsets = section.settings().zeroed();
        let own = layout.cell.crossings();
        let crossings = if own + layout.wire_crossings() > 0 {
            layout.crossings_of_cells().into_iter().map(|count| count + own as f64).collect()
        } else {
            Vec::new()
        };
        Self { kind: layout.cell, crossings, cells: vec![CellErrors::NONE; layout.sites.len()], offsets }
    }
}
