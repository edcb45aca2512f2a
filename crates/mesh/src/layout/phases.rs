//! The phases of a mesh or of a column of attenuators, in one vector.

use crate::layout::Layout;

/// Phases of one stage (rad): θ of every cell, φ of every cell, output phases, boundary phases.
///
/// One vector holds them all, because drivers, crosstalk and gradients act on all shifters alike. θ, φ, output and
/// boundary phases are views of it, in the order of the layout.
#[derive(Clone, Debug, PartialEq)]
pub struct Phases {
    pub(crate) cells: usize,
    outputs: usize,
    values: Vec<f64>,
}

impl Phases {
    /// Zero phases of a stage without boundary phases.
    ///
    /// # Panics
    ///
    /// If the phases exceed the address space.
    #[must_use]
    pub fn zero(cells: usize, outputs: usize) -> Self {
        Self { cells, outputs, values: vec![0.0; cells.saturating_mul(2).saturating_add(outputs)] }
    }

    /// Zero phases of a mesh.
    #[must_use]
    pub fn blank(layout: &Layout) -> Self {
        let mut blank = Self::zero(layout.positions.len(), layout.ports);
        blank.values.resize(blank.values.len() + layout.boundary_shifters().len(), 0.0);
        blank
    }

    /// Zero phases of the same shape.
    #[must_use]
    pub fn zeroed(&self) -> Self {
        Self { values: vec![0.0; self.values.len()], ..*self }
    }

    /// All phases (rad), in the order θ, φ, output, boundary.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All phases (rad), mutable.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Internal phases (rad), one per cell; in symmetric cells and couplers the phase of the upper waveguide.
    #[must_use]
    pub fn theta(&self) -> &[f64] {
        &self.values[..self.cells]
    }

    /// External phases (rad), one per cell; in symmetric cells and couplers the phase of the lower waveguide.
    #[must_use]
    pub fn phi(&self) -> &[f64] {
        &self.values[self.cells..2 * self.cells]
    }

    /// Output phases of a mesh (rad), one per port; attenuators have none.
    #[must_use]
    pub fn output(&self) -> &[f64] {
        &self.values[2 * self.cells..][..self.outputs]
    }

    /// Phases of the [boundary shifters](Layout::boundary_shifters) of a mesh (rad).
    #[must_use]
    pub fn boundary(&self) -> &[f64] {
        &self.values[2 * self.cells + self.outputs..]
    }

    /// Numbers of cells, of output phases and of all phases.
    pub(crate) fn shape(&self) -> [usize; 3] {
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

    /// Sets one boundary phase (rad).
    ///
    /// # Panics
    ///
    /// If there is no such boundary shifter.
    pub fn set_boundary(&mut self, shifter: usize, phase: f64) {
        self.values[2 * self.cells + self.outputs + shifter] = phase;
    }
}
