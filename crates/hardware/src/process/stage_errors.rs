//! The frozen errors of one stage of a chip.

use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Cell, Phases, Stage};

/// Errors of one stage that are frozen at fabrication.
#[derive(Clone, Debug, PartialEq)]
pub struct StageErrors {
    /// Kind of its cells.
    pub cell: Cell,
    /// Crossings that light passes per cell, including a crossing inside the cell; empty without crossings.
    pub crossings: Vec<f64>,
    /// Splitter errors and arm transmissions of each cell, in the order of the layout.
    pub cell_errors: Vec<CellErrors>,
    /// Static offsets of the phases (rad), added after drive and crosstalk.
    pub offsets: Phases,
}

impl StageErrors {
    /// A stage without errors.
    pub(crate) fn perfect(stage: &Stage) -> Self {
        let layout = stage.layout();
        let offsets = stage.phases().zeroed();
        let own = layout.cell.crossings();
        let crossings = if own + layout.crossing_count() > 0 {
            layout.crossings_per_cell().into_iter().map(|count| count + own as f64).collect()
        } else {
            Vec::new()
        };
        Self { cell: layout.cell, crossings, cell_errors: vec![CellErrors::NONE; layout.positions.len()], offsets }
    }

    /// State of a stage with these errors: the phases that light meets (rad), and the errors of every cell.
    ///
    /// `driven` are the phases after drive and crosstalk. This is the only place where they meet the frozen offsets.
    pub(crate) fn state(&self, driven: &Phases) -> (Phases, &[CellErrors]) {
        assert_eq!(driven.values().len(), self.offsets.values().len(), "phases of the stage");
        let mut phases = driven.clone();
        for (phase, offset) in phases.values_mut().iter_mut().zip(self.offsets.values()) {
            *phase += offset;
        }
        (phases, &self.cell_errors)
    }
}
