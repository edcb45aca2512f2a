//! A mesh with the phases of another convention.

use super::outer_phase::MACH_ZEHNDER;
use super::{Convention, Waveguides, waveguides::modes};
use crate::cell::mzi as cell;
use crate::layout::phases::Phases;
use crate::layout::stage::Stage;
use crate::layout::{CellPosition, Layout};
use crate::program::file_parts::{IDENTITY, ScreenPhase};
use nalgebra::DMatrix;
use num_complex::Complex64;

/// One cell and its two phases, as its convention defines them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvertedCell {
    /// Position of the cell.
    pub position: CellPosition,
    /// The phases (rad), in the order of [`Convention::names`].
    pub phases: [f64; 2],
}

/// A mesh in the convention of another program.
///
/// Conversion returns phases in [0, 2π) rad. Other sources may use any finite number; a NaN makes matrix and phases NaN.
/// Cells and screen must be in their order.
#[derive(Clone, Debug)]
pub struct ConvertedMesh {
    /// The convention of the phases.
    pub convention: &'static dyn Convention,
    /// Number of ports on each side.
    pub modes: usize,
    /// The cells in order of propagation: by column, then mode.
    pub cells: Vec<ConvertedCell>,
    /// The phases outside of the cells, by column, then mode.
    pub screen: Vec<ScreenPhase>,
}

impl ConvertedMesh {
    /// Converts a mesh to another convention; the matrix stays the same to rounding. O(cells).
    ///
    /// # Panics
    ///
    /// If the mesh has other cells than MZIs, crossings, or modes without ports: [`super::ConvertedProgram::new`] refuses
    /// them.
    #[must_use]
    pub fn new(stage: &Stage, convention: &'static dyn Convention) -> Self {
        let layout = stage.layout();
        let plain = layout.cell.is_mzi() && layout.modes == layout.ports && layout.crossing_count() == 0;
        assert!(plain, "MZIs between neighbouring ports");
        Self::from_waveguides(&Waveguides::from_stage(stage), convention)
    }

    fn from_waveguides(waveguides: &Waveguides, convention: &'static dyn Convention) -> Self {
        let (phases, screen) = convention.distribute(waveguides);
        let cells = waveguides
            .positions
            .iter()
            .zip(phases)
            .map(|(&position, phases)| ConvertedCell { position, phases })
            .collect();
        Self { convention, modes: waveguides.modes, cells, screen }
    }

    /// The same mesh in another convention, converted directly.
    ///
    /// # Panics
    ///
    /// If a cell or a phase of the screen is outside of the modes.
    #[must_use]
    pub fn to(&self, convention: &'static dyn Convention) -> Self {
        Self::from_waveguides(&Waveguides::from_converted(self), convention)
    }

    /// The equivalent phases in the convention of Phaseloom, for a layout with these cells in this order.
    ///
    /// # Panics
    ///
    /// As [`ConvertedMesh::to`].
    #[must_use]
    pub fn phases(&self) -> Phases {
        let ours = self.to(&MACH_ZEHNDER);
        let mut phases = Phases::zero(ours.cells.len(), ours.modes);
        for (k, ConvertedCell { phases: [theta, phi], .. }) in ours.cells.iter().enumerate() {
            phases.set_cell(k, cell::wrap(*theta), cell::wrap(*phi));
        }
        for output in &ours.screen {
            phases.set_output(output.mode, cell::wrap(output.phase));
        }
        phases
    }

    /// [`ConvertedMesh::phases`] for a layout that has further cells, which leave their modes alone.
    ///
    /// # Panics
    ///
    /// As [`ConvertedMesh::to`], and if a cell is not in the layout.
    #[must_use]
    pub fn phases_in(&self, layout: &Layout) -> Phases {
        let own = self.phases();
        if self.cells.len() == layout.positions.len() {
            return own;
        }
        let mut phases = Phases::blank(layout);
        (0..layout.positions.len()).for_each(|cell| phases.set_cell(cell, IDENTITY[0], IDENTITY[1]));
        for (k, cell) in self.cells.iter().enumerate() {
            let at = layout.index_of(cell.position);
            assert!(at.is_some(), "a cell of the layout");
            phases.set_cell(at.unwrap_or_default(), own.theta()[k], own.phi()[k]);
        }
        own.output().iter().enumerate().for_each(|(mode, phase)| phases.set_output(mode, *phase));
        phases
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.cells.last().map_or(0, |cell| cell.position.column + 1)
    }

    /// The matrix, modes × modes: the product of the cells, each B(θ) with the phases that its
    /// convention puts around it, and of the phase screen.
    ///
    /// # Panics
    ///
    /// As [`ConvertedMesh::to`].
    #[must_use]
    pub fn matrix(&self) -> DMatrix<Complex64> {
        let waveguides = Waveguides::from_converted(self);
        let mut u = DMatrix::identity(self.modes, self.modes);
        for ((&position, &theta), phases) in waveguides.positions.iter().zip(&waveguides.theta).zip(&waveguides.inputs)
        {
            let t = cell::ideal(theta, 0.0);
            let [upper, lower] = modes(position);
            for mut column in u.column_iter_mut() {
                let (a, b) = (column[upper] * Complex64::cis(phases[0]), column[lower] * Complex64::cis(phases[1]));
                column[upper] = t[0][0] * a + t[0][1] * b;
                column[lower] = t[1][0] * a + t[1][1] * b;
            }
        }
        for (mut row, &phase) in u.row_iter_mut().zip(&waveguides.outputs) {
            row *= Complex64::cis(phase);
        }
        u
    }
}
