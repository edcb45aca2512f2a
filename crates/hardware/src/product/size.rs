//! The components and dimensions of one mesh.

use phaseloom_mesh::{MODE_UM, MeshDesign};

/// Components and dimensions of one mesh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeshSize {
    /// Cells.
    pub cells: usize,
    /// Phase shifters: two per cell, one per port and the boundary shifters. With symmetric cells some of the ports'
    /// shifters stay at zero.
    pub shifters: usize,
    /// Columns of cells.
    pub depth: usize,
    /// Crossings of waveguides, between columns and in cells.
    pub crossings: usize,
    /// Length along the propagation (µm): columns of [`Layout::column_um`](phaseloom_mesh::Layout::column_um), without the
    /// space for crossings.
    pub length_um: f64,
    /// Width across the propagation (µm): modes of [`MODE_UM`].
    pub width_um: f64,
}

impl MeshSize {
    /// Size of a mesh alone, without the attenuators that a program of few rows adds.
    #[must_use]
    pub fn new(design: &MeshDesign, ports: usize) -> Self {
        let layout = design.layout(ports);
        let cells = layout.positions.len();
        Self {
            cells,
            shifters: 2 * cells + ports + layout.boundary_shifters().len(),
            depth: layout.columns,
            crossings: layout.crossing_count() + cells * design.cell().crossings(),
            length_um: layout.columns as f64 * layout.column_um(),
            width_um: layout.modes as f64 * MODE_UM,
        }
    }
}
