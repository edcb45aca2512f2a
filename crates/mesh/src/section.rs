//! A part of a program that light passes as a whole: a mesh, or a column of attenuators.

use crate::schedule::Schedule;
use crate::topology::Layout;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Phases of one section (rad): θ of every cell, φ of every cell, output phases, edge phases; in the order of the layout.
///
/// One vector, because drivers, crosstalk and gradients act on all shifters alike; θ, φ, output and edges are views of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    cells: usize,
    outputs: usize,
    values: Vec<f64>,
}

impl Settings {
    /// All phases zero, of a section without edge phases.
    #[must_use]
    pub fn zero(cells: usize, outputs: usize) -> Self {
        Self { cells, outputs, values: vec![0.0; 2 * cells + outputs] }
    }

    /// All phases of a mesh, zero.
    #[must_use]
    pub fn blank(layout: &Layout) -> Self {
        let mut blank = Self::zero(layout.sites.len(), layout.ports);
        blank.values.resize(blank.values.len() + layout.edges().len(), 0.0);
        blank
    }

    /// As many phases, all zero.
    #[must_use]
    pub fn zeroed(&self) -> Self {
        Self { values: vec![0.0; self.values.len()], ..*self }
    }

    /// All phases (rad), in the order θ, φ, output, edges.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All phases (rad), to change.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Inner phases (rad), one a cell; of symmetric cells and couplers those of the upper arm.
    #[must_use]
    pub fn theta(&self) -> &[f64] {
        &self.values[..self.cells]
    }

    /// Outer phases (rad), one a cell; of symmetric cells and couplers those of the lower arm.
    #[must_use]
    pub fn phi(&self) -> &[f64] {
        &self.values[self.cells..2 * self.cells]
    }

    /// Phases behind a mesh (rad), one a mode; none behind attenuators.
    #[must_use]
    pub fn output(&self) -> &[f64] {
        &self.values[2 * self.cells..][..self.outputs]
    }

    /// Phases at the [edges](Layout::edges) of a mesh (rad).
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.values[2 * self.cells + self.outputs..]
    }

    fn shape(&self) -> [usize; 3] {
        [self.cells, self.outputs, self.values.len()]
    }

    /// Sets both phases of a cell (rad).
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn set_cell(&mut self, cell: usize, theta: f64, phi: f64) {
        assert!(cell < self.cells, "cell {cell} of {}", self.cells);
        self.values[cell] = theta;
        self.values[self.cells + cell] = phi;
    }

    /// Sets one output phase (rad).
    ///
    /// # Panics
    ///
    /// If there is no such mode.
    pub fn set_output(&mut self, mode: usize, phase: f64) {
        assert!(mode < self.outputs, "output {mode} of {}", self.outputs);
        self.values[2 * self.cells + mode] = phase;
    }

    /// Sets one edge phase (rad).
    ///
    /// # Panics
    ///
    /// If there is no such edge.
    pub fn set_edge(&mut self, edge: usize, phase: f64) {
        self.values[2 * self.cells + self.outputs + edge] = phase;
    }
}

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
