//! A stage of a program: a mesh (V† or U) or a column of attenuators (Σ), with its phases.

use crate::layout::Layout;
use crate::layout::phases::Phases;
use std::sync::Arc;

/// The two kinds of stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// Cells that join neighbouring modes, and an output phase on each port.
    Mesh,
    /// One cell on each mode; its lower port is idle at the input and dumped at the output.
    Attenuators,
}

/// The layout and the phases of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    kind: StageKind,
    /// Stages of equal cores may share it.
    layout: Arc<Layout>,
    phases: Phases,
}

impl Stage {
    /// A mesh.
    ///
    /// # Panics
    ///
    /// If the phases do not match the layout: two per cell, one per port and one per boundary shifter.
    #[must_use]
    pub fn mesh(layout: Layout, phases: Phases) -> Self {
        assert!(phases.shape() == Phases::blank(&layout).shape(), "phases and layout");
        Self { kind: StageKind::Mesh, layout: Arc::new(layout), phases }
    }

    /// A column of attenuators, one cell on each mode.
    ///
    /// # Panics
    ///
    /// If there are output or boundary phases.
    #[must_use]
    pub fn attenuators(phases: Phases) -> Self {
        assert_eq!(phases.values().len(), 2 * phases.cells, "two phases per attenuator");
        Self { kind: StageKind::Attenuators, layout: Arc::new(Layout::attenuators(phases.cells)), phases }
    }

    /// Replaces the phases.
    pub(crate) fn set(&mut self, phases: Phases) {
        assert_eq!(phases.shape(), self.phases.shape(), "phases of the stage");
        self.phases = phases;
    }

    /// Shares the memory of the layout with the first of some stages that has an equal one.
    pub(crate) fn share_layout(&mut self, others: &[Self]) {
        if let Some(equal) = others.iter().find(|other| other.layout == self.layout) {
            self.layout = equal.layout.clone();
        }
    }

    /// Mesh or attenuators.
    #[must_use]
    pub fn kind(&self) -> StageKind {
        self.kind
    }

    /// The positions of the cells.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The phases of the program, before any error of the chip.
    #[must_use]
    pub fn phases(&self) -> &Phases {
        &self.phases
    }
}
