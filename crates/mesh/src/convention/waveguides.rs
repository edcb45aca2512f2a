//! A mesh without a convention: `B(θ) = S·P(θ)·S` at every position, and a phase on every waveguide between them.

use super::ConvertedMesh;
use crate::layout::CellPosition;
use crate::layout::stage::Stage;

/// A cell as `diag(e^{i·after})·B(θ)·diag(e^{i·before})`, phases in rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellFactors {
    /// Internal phase θ of the upper arm.
    pub theta: f64,
    /// Phases of the upper and the lower input.
    pub before: [f64; 2],
    /// Phases of the upper and the lower output.
    pub after: [f64; 2],
}

/// `B(θ)` of every cell, and the phase (rad) of every waveguide, indexed by the end of the waveguide.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveguides {
    /// Number of ports on each side.
    pub modes: usize,
    /// Number of columns.
    pub columns: usize,
    /// The cells in order of propagation.
    pub positions: Vec<CellPosition>,
    /// θ of each cell.
    pub theta: Vec<f64>,
    /// Phases of the waveguides that end at the upper and at the lower input of each cell.
    pub inputs: Vec<[f64; 2]>,
    /// Phases of the waveguides that end at the outputs of the mesh.
    pub outputs: Vec<f64>,
}

/// The modes that a cell joins, the upper one first.
pub(super) fn modes(position: CellPosition) -> [usize; 2] {
    [position.mode, position.mode + 1]
}

impl Waveguides {
    /// The waveguides of a mesh in the convention of Phaseloom: φ before each cell, output phases after the mesh.
    #[must_use]
    pub fn from_stage(stage: &Stage) -> Self {
        let (layout, phases) = (stage.layout(), stage.phases());
        Self {
            modes: layout.modes,
            columns: layout.columns,
            positions: layout.positions.clone(),
            theta: phases.theta().to_vec(),
            inputs: phases.phi().iter().map(|&phi| [phi, 0.0]).collect(),
            outputs: phases.output().to_vec(),
        }
    }

    /// Checks that every list has the length of its use, and that the cells are on the modes.
    pub(super) fn assert_complete(&self) {
        let cells = self.positions.len();
        assert_eq!([self.theta.len(), self.inputs.len()], [cells; 2], "phases of {cells} cells");
        assert_eq!(self.outputs.len(), self.modes, "one output phase per mode");
        assert!(self.positions.iter().all(|cell| cell.mode < self.modes.saturating_sub(1)), "cells on the modes");
    }

    /// The waveguides of a converted mesh.
    ///
    /// # Panics
    ///
    /// If a cell or a phase of the screen is outside of the modes.
    #[must_use]
    pub fn from_converted(mesh: &ConvertedMesh) -> Self {
        // The sum of the phases on each mode since its last cell.
        let mut gathered = vec![0.0; mesh.modes];
        let (mut theta, mut inputs) = (Vec::new(), Vec::new());
        let mut screen = mesh.screen.iter().peekable();
        for cell in &mesh.cells {
            while let Some(phase) = screen.next_if(|p| p.column <= cell.position.column) {
                gathered[phase.mode] += phase.phase;
            }
            let factors = mesh.convention.factors(cell.position, mesh.modes, cell.phases);
            let [upper, lower] = modes(cell.position);
            theta.push(factors.theta);
            inputs.push([gathered[upper] + factors.before[0], gathered[lower] + factors.before[1]]);
            [gathered[upper], gathered[lower]] = factors.after;
        }
        for phase in screen {
            gathered[phase.mode] += phase.phase;
        }
        Self {
            modes: mesh.modes,
            columns: mesh.columns(),
            positions: mesh.cells.iter().map(|cell| cell.position).collect(),
            theta,
            inputs,
            outputs: gathered,
        }
    }
}
