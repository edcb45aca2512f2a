//! A stage of a program: a mesh (V† or U) or a column of attenuators (Σ), with its phases.

use crate::layout::Layout;
use crate::layout::execution_order::ExecutionOrder;
use crate::layout::phases::Phases;
use std::borrow::Cow;
use std::ops::Range;
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
    layout: Layout,
    phases: Phases,
    /// The order of all cells of a mesh with crossings. It is computed once, because it takes as long as propagation
    /// through a small mesh.
    execution_order: Option<Arc<ExecutionOrder>>,
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
        let whole_mesh = || Arc::new(ExecutionOrder::new(&layout, 0..layout.columns));
        let execution_order = layout.has_crossings().then(whole_mesh);
        Self { kind: StageKind::Mesh, layout, phases, execution_order }
    }

    /// A column of attenuators, one cell on each mode.
    #[must_use]
    pub fn attenuators(phases: Phases) -> Self {
        let layout = Layout::attenuators(phases.cells);
        Self { kind: StageKind::Attenuators, layout, phases, execution_order: None }
    }

    /// The order of the cells of some columns; `None` for a mesh without crossings.
    pub(crate) fn execution_order(&self, columns: Range<usize>) -> Option<Cow<'_, ExecutionOrder>> {
        let whole_mesh = self.execution_order.as_ref()?;
        Some(if columns == (0..self.layout.columns) {
            Cow::Borrowed(whole_mesh)
        } else {
            Cow::Owned(ExecutionOrder::new(&self.layout, columns))
        })
    }

    /// Replaces the phases.
    pub(crate) fn set(&mut self, phases: Phases) {
        assert_eq!(phases.shape(), self.phases.shape(), "phases of the stage");
        self.phases = phases;
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
