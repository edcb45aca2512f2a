//! A part of a program that light passes as a whole: a mesh, or a column of attenuators.

use crate::layout::Layout;
use crate::layout::execution_order::Schedule;
use crate::layout::phases::Settings;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// What a section does to the light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// Cells that join neighbouring modes, and a phase behind each port.
    Mesh,
    /// One cell on each mode; its lower ports are dark at the input and dumped at the output.
    Attenuators,
}

/// The layout and the phases of one section.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    kind: SectionKind,
    layout: Layout,
    settings: Settings,
    /// Of all columns, where lines cross: made once, for it takes as long as light through a small mesh.
    schedule: Option<Arc<Schedule>>,
}

impl Section {
    /// A mesh.
    ///
    /// # Panics
    ///
    /// If the settings are not those of the layout: two phases a cell, one a port and one an edge.
    #[must_use]
    pub fn mesh(layout: Layout, settings: Settings) -> Self {
        assert!(settings.shape() == Settings::blank(&layout).shape(), "settings and layout");
        let schedule = layout.is_wired().then(|| Arc::new(Schedule::new(&layout, 0..layout.columns)));
        Self { kind: SectionKind::Mesh, layout, settings, schedule }
    }

    /// A column of attenuators, one cell on each mode.
    #[must_use]
    pub fn attenuators(settings: Settings) -> Self {
        let modes = settings.cells;
        Self { kind: SectionKind::Attenuators, layout: Layout::on_each_mode(modes), settings, schedule: None }
    }

    /// The order of the cells of some columns, where lines cross.
    pub(crate) fn schedule(&self, columns: Range<usize>) -> Option<Cow<'_, Schedule>> {
        let all = self.schedule.as_ref()?;
        let whole = columns == (0..self.layout.columns);
        Some(if whole { Cow::Borrowed(all) } else { Cow::Owned(Schedule::new(&self.layout, columns)) })
    }

    /// Replaces the phases.
    pub(crate) fn set(&mut self, settings: Settings) {
        assert_eq!(settings.shape(), self.settings.shape(), "settings of the section");
        self.settings = settings;
    }

    /// Mesh or attenuators.
    #[must_use]
    pub fn kind(&self) -> SectionKind {
        self.kind
    }

    /// Where the cells stand.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The phases that the program asks for.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
