//! A part of a program that light passes as a whole: a mesh, or a column of attenuators.

use crate::layout::Layout;
use crate::layout::execution_order::ExecutionOrder;
use crate::layout::phases::Phases;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What a section does to the light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    /// Cells that join neighbouring modes, and a phase behind each port.
    Mesh,
    /// One cell on each mode; its lower ports are dark at the input and dumped at the output.
    Attenuators,
}

/// The layout and the phases of one section.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    kind: StageKind,
    layout: Layout,
    phases: Phases,
    /// Of all columns, where lines cross: made once, for it takes as long as light through a small mesh.
    schedule: Option<Arc<ExecutionOrder>>,
}

impl Stage {
    /// A mesh.
    ///
    /// # Panics
    ///
    /// If the phases are not those of the layout: two phases a cell, one a port and one an edge.
    #[must_use]
    pub fn mesh(layout: Layout, phases: Phases) -> Self {
        assert!(phases.shape() == Phases::blank(&layout).shape(), "phases and layout");
        let schedule = layout.has_crossings().then(|| Arc::new(ExecutionOrder::new(&layout, 0..layout.columns)));
        Self { kind: StageKind::Mesh, layout, phases, schedule }
    }

    /// A column of attenuators, one cell on each mode.
    #[must_use]
    pub fn attenuators(phases: Phases) -> Self {
        let modes = phases.cells;
        Self { kind: StageKind::Attenuators, layout: Layout::on_each_mode(modes), phases, schedule: None }
    }

    /// The order of the cells of some columns, where lines cross.
    pub(crate) fn schedule(&self, columns: Range<usize>) -> Option<Cow<'_, ExecutionOrder>> {
        let all = self.schedule.as_ref()?;
        let whole = columns == (0..self.layout.columns);
        Some(if whole { Cow::Borrowed(all) } else { Cow::Owned(ExecutionOrder::new(&self.layout, columns)) })
    }

    /// Replaces the phases.
    pub(crate) fn set(&mut self, phases: Phases) {
        assert_eq!(phases.shape(), self.phases.shape(), "phases of the section");
        self.phases = phases;
    }

    /// Mesh or attenuators.
    #[must_use]
    pub fn kind(&self) -> StageKind {
        self.kind
    }

    /// Where the cells stand.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The phases that the program asks for.
    #[must_use]
    pub fn phases(&self) -> &Phases {
        &self.phases
    }
}
