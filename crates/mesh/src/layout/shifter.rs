//! The phase shifters of a mesh and the positions of their heaters on the chip.

use crate::cell::kind::HeatedWaveguide;
use crate::layout::{CellPosition, Layout};
use std::ops::Range;

/// Length of one column of MZIs along the light (µm) (assumption; SCATTER's default pitch of an interferometer).
pub const COLUMN_UM: f64 = 120.0;
/// Distance between neighbouring modes (µm): half of SCATTER's default pitch of 24 µm for two modes.
pub const MODE_UM: f64 = 12.0;
/// Distance between the two arms of an interferometer (µm) (SCATTER's default).
pub const ARM_UM: f64 = 10.0;

/// A phase shifter on an input of a cell, in meshes whose cells have no outer phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundaryShifter {
    /// The cell that follows, in the order of the layout.
    pub cell: usize,
    /// Whether the shifter is on the lower input of that cell.
    pub lower: bool,
}

/// The phase of a mesh that a shifter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShifterKind {
    /// θ of a cell: between the splitters; in a coupler on its upper mode.
    Theta,
    /// φ of a cell: before the first splitter; in a symmetric cell on its lower arm, in a coupler on its lower mode.
    Phi,
    /// A phase after the mesh, one per mode.
    Output,
    /// A phase on an input of a cell.
    Boundary,
}

/// One phase shifter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shifter {
    /// The phase that the shifter sets.
    pub kind: ShifterKind,
    /// Column of its cell; for the output phases the number of columns.
    pub column: usize,
    /// Upper mode of its cell, or the mode of an output or boundary phase.
    pub mode: usize,
    /// Position of the heater along the light (µm).
    pub x_um: f64,
    /// Position of the heater across the light (µm).
    pub y_um: f64,
    /// Position of the other arm across the light (µm), where that arm has no shifter and the phase is the difference
    /// of the two.
    pub partner_um: Option<f64>,
}

impl Layout {
    /// The layout with the boundary shifters that its cells, ports and crossings need.
    pub(super) fn with_boundary_shifters(mut self) -> Self {
        self.boundary_shifters.clear();
        if !self.cell.has_outer_phase() {
            let inputs = 2 * self.positions.len();
            let kept = self.outer_phases().push_to_boundary().into_iter().filter(|waveguide| *waveguide < inputs);
            self.boundary_shifters =
                kept.map(|waveguide| BoundaryShifter { cell: waveguide / 2, lower: waveguide % 2 == 1 }).collect();
            self.boundary_shifters.sort_by_key(|shifter| (shifter.cell, shifter.lower));
        }
        self
    }

    /// The boundary shifters in the order of their cells. Meshes of cells with outer phases have none.
    #[must_use]
    pub fn boundary_shifters(&self) -> &[BoundaryShifter] {
        &self.boundary_shifters
    }

    /// The boundary shifters on inputs of some cells, with their indices.
    pub(crate) fn boundary_shifters_before(
        &self,
        cells: Range<usize>,
    ) -> impl Iterator<Item = (usize, BoundaryShifter)> {
        let first = self.boundary_shifters.partition_point(|shifter| shifter.cell < cells.start);
        let shifters = self.boundary_shifters[first..].iter().take_while(move |shifter| shifter.cell < cells.end);
        shifters.enumerate().map(move |(k, &shifter)| (first + k, shifter))
    }

    /// Length of one column along the light (µm).
    #[must_use]
    pub fn column_um(&self) -> f64 {
        COLUMN_UM * self.cell.length()
    }

    /// The shifter of θ (or of φ, if `kind` is [`ShifterKind::Phi`]) of a cell.
    ///
    /// In an MZI, φ is a quarter and θ three quarters of a column in, on the upper arm. The shifters of a symmetric
    /// cell are in the middle of the column on both arms; those of a coupler are a quarter in, on both modes.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    #[must_use]
    pub fn cell_shifter(&self, cell: usize, kind: ShifterKind) -> Shifter {
        let CellPosition { column, mode } = self.positions[cell];
        let (along, waveguide) = self.cell.heaters()[usize::from(kind == ShifterKind::Phi)];
        let upper_um = (mode as f64 + 0.5) * MODE_UM - ARM_UM / 2.0;
        let (y_um, partner_um) = match waveguide {
            HeatedWaveguide::UpperArmAlone => (upper_um, Some(upper_um + ARM_UM)),
            HeatedWaveguide::UpperArm => (upper_um, None),
            HeatedWaveguide::LowerArm => (upper_um + ARM_UM, None),
            HeatedWaveguide::UpperMode => (mode as f64 * MODE_UM, None),
            HeatedWaveguide::LowerMode => ((mode + 1) as f64 * MODE_UM, None),
        };
        Shifter { kind, column, mode, x_um: (column as f64 + along) * self.column_um(), y_um, partner_um }
    }

    /// The shifter of an output phase, a quarter of a column after the mesh.
    ///
    /// # Panics
    ///
    /// If there is no such port.
    #[must_use]
    pub fn output_shifter(&self, mode: usize) -> Shifter {
        assert!(mode < self.ports, "output {mode} of {}", self.ports);
        let (x_um, y_um) = ((self.columns as f64 + 0.25) * self.column_um(), mode as f64 * MODE_UM);
        Shifter { kind: ShifterKind::Output, column: self.columns, mode, x_um, y_um, partner_um: None }
    }

    /// The shifter of a boundary phase, where the column of its cell begins.
    ///
    /// # Panics
    ///
    /// If there is no such boundary shifter.
    #[must_use]
    pub fn boundary_shifter(&self, index: usize) -> Shifter {
        let BoundaryShifter { cell, lower } = self.boundary_shifters[index];
        let CellPosition { column, mode } = self.positions[cell];
        let mode = mode + usize::from(lower);
        let (x_um, y_um) = (column as f64 * self.column_um(), mode as f64 * MODE_UM);
        Shifter { kind: ShifterKind::Boundary, column, mode, x_um, y_um, partner_um: None }
    }
}
