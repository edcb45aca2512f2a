//! A mesh that belongs to no convention: `B(θ) = S·P(θ)·S` in every place, and a phase on every waveguide between.

use super::ConvertedMesh;
use crate::layout::CellPosition;
use crate::layout::stage::Stage;

/// One cell, taken apart: `diag(e^{i·behind})·B(θ)·diag(e^{i·before})`, rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dressed {
    /// θ of the inner arm, on the upper line.
    pub theta: f64,
    /// Phases of the upper and the lower input.
    pub before: [f64; 2],
    /// Phases of the upper and the lower output.
    pub behind: [f64; 2],
}

/// `B(θ)` of every cell, and the phase (rad) of every waveguide, told by where it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveguides {
    /// Number of ports on each side.
    pub modes: usize,
    /// Number of columns.
    pub columns: usize,
    /// The cells in order of propagation.
    pub positions: Vec<CellPosition>,
    /// θ of each.
    pub theta: Vec<f64>,
    /// Phases of the waveguides that end at the upper and at the lower input of each cell.
    pub inputs: Vec<[f64; 2]>,
    /// Phases of the waveguides that end at the outputs of the mesh.
    pub outputs: Vec<f64>,
}

/// The lines that a cell joins, the upper one first.
pub(super) fn lines(position: CellPosition) -> [usize; 2] {
    [position.mode, position.mode + 1]
}

impl Waveguides {
    /// Those of a mesh of ours: φ before each cell, output phases behind all.
    #[must_use]
    pub fn of_section(stage: &Stage) -> Self {
        let (layout, settings) = (stage.layout(), stage.phases());
        Self {
            modes: layout.modes,
            columns: layout.columns,
            positions: layout.positions.clone(),
            theta: settings.theta().to_vec(),
            inputs: settings.phi().iter().map(|&phi| [phi, 0.0]).collect(),
            outputs: settings.output().to_vec(),
        }
    }

    /// Those of a converted mesh.
    #[must_use]
    pub fn of_converted(mesh: &ConvertedMesh) -> Self {
        // The phase that each line has gathered since its last cell.
        let mut gathered = vec![0.0; mesh.modes];
        let (mut theta, mut inputs) = (Vec::new(), Vec::new());
        let mut screen = mesh.screen.iter().peekable();
        for cell in &mesh.cells {
            while let Some(phase) = screen.next_if(|p| p.column <= cell.position.column) {
                gathered[phase.mode] += phase.phase;
            }
            let dressed = mesh.convention.dress(cell.position, mesh.modes, cell.phases);
            let [upper, lower] = lines(cell.position);
            theta.push(dressed.theta);
            inputs.push([gathered[upper] + dressed.before[0], gathered[lower] + dressed.before[1]]);
            [gathered[upper], gathered[lower]] = dressed.behind;
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
