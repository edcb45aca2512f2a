//! The rectangular mesh with additional columns, which give corrections of an imperfect chip more phases (Burgwal et al.,
//! Opt. Express 25, 28236, 2017).

use super::{Rectangular, Topology};
use crate::decompose::unitary::Unitary;
use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::{CellPosition, Layout};
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
        let shift = self.extra % 2;
        let positions = (0..columns).flat_map(|column| {
            ((column + shift) % 2..modes.saturating_sub(1)).step_by(2).map(move |mode| CellPosition { column, mode })
        });
        Layout::new(modes, positions.collect())
    }

    /// The phases of the rectangular mesh; the cells before it realise the identity, θ = φ = π.
    fn program(&self, layout: &Layout, target: &Unitary) -> Result<Phases, MeshError> {
        assert_eq!(layout.ports, target.modes(), "a layout for the ports of the target");
        let rectangular = Rectangular.program(&Rectangular.layout(target.modes()), target)?;
        let cells = layout.positions.len();
        let idle = cells - rectangular.theta().len();
        let mut phases = Phases::zero(cells, target.modes());
        for k in 0..cells {
            let (theta, phi) = match k.checked_sub(idle) {
                Some(k) => (rectangular.theta()[k], rectangular.phi()[k]),
                None => (PI, PI),
            };
            phases.set_cell(k, theta, phi);
        }
        for (mode, &phase) in rectangular.output().iter().enumerate() {
            phases.set_output(mode, phase);
        }
        Ok(phases)
    }
}
