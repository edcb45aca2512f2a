//! The rectangular mesh with additional columns, which give corrections of an imperfect chip more phases (Burgwal et al.,
//! Opt. Express 25, 28236, 2017).

use super::stride::neighbours;
use super::{Rectangular, Topology};
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use std::f64::consts::PI;

/// A rectangular mesh after additional columns of cells in the bar state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redundant {
    /// Number of additional columns.
    pub extra: usize,
}

impl Topology for Redundant {
    fn key(&self) -> &'static str {
        "redundant"
    }

    fn description(&self) -> &'static str {
        "rectangular after two extra columns, for corrections that search (Burgwal 2017)"
    }

    fn parameters(&self) -> Vec<usize> {
        vec![self.extra]
    }

    fn layout(&self, modes: usize) -> Layout {
        let columns = if modes > 1 { modes + self.extra } else { 0 };
        let positions = (0..columns).flat_map(|column| neighbours(modes, column, (column + self.extra) % 2));
        Layout::new(modes, positions.collect())
    }

    /// The phases of the rectangular mesh; the cells before it realise the identity, θ = φ = π.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        assert_eq!(layout.ports, target.modes(), "a layout for the ports of the target");
        let rectangular = Rectangular.program(&Rectangular.layout(target.modes()), target)?;
        let cells = layout.positions.len();
        let mut phases = Phases::zero(cells, target.modes());
        let (theta, rest) = phases.values_mut().split_at_mut(cells);
        let (phi, output) = rest.split_at_mut(cells);
        for (all, programmed) in [(theta, rectangular.theta()), (phi, rectangular.phi())] {
            let (idle, mesh) = all.split_at_mut(cells - programmed.len());
            idle.fill(PI);
            mesh.copy_from_slice(programmed);
        }
        output.copy_from_slice(rectangular.output());
        Ok(phases)
    }
}
