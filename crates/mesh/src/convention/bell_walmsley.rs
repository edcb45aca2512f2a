//! The compact cell of Bell and Walmsley (APL Photonics 6, 070804, 2021): phases θ₁ and θ₂ on the two inner arms
//! and none outside.
//!
//! ```text
//!  S·diag(e^{iθ₁}, e^{iθ₂})·S = i·e^{iΣ}·[[sin Δ, cos Δ], [cos Δ, −sin Δ]],   Σ = (θ₁+θ₂)/2,   Δ = (θ₁−θ₂)/2
//! ```
//!
//! Strawberry Fields omits the factor i: its σ is Σ + π/2, its δ is Δ. [`crate::layout::outer_phases`] moves the outer
//! phases to the boundary.

use super::{CellFactors, Convention, ScreenPhase, Waveguides, heater_phase};
use crate::layout::CellPosition;
use crate::layout::outer_phases::OuterPhases;

/// θ₁ on the upper, θ₂ on the lower inner arm; phases at the ports and, for even N, on boundary modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BellWalmsley;

impl Convention for BellWalmsley {
    fn key(&self) -> &'static str {
        "bell_walmsley"
    }

    fn description(&self) -> &'static str {
        "θ₁ and θ₂ on the two inner arms, no outer phase; remaining phases at ports and boundaries; `rectangular_compact`"
    }

    fn names(&self) -> [&'static str; 2] {
        ["theta1", "theta2"]
    }

    fn factors(&self, _: CellPosition, _: usize, [upper, lower]: [f64; 2]) -> CellFactors {
        CellFactors { theta: upper - lower, before: [0.0; 2], after: [lower; 2] }
    }

    fn distribute(&self, w: &Waveguides) -> (Vec<[f64; 2]>, Vec<ScreenPhase>) {
        w.assert_complete();
        let mut waveguides = OuterPhases::new((w.modes, w.modes), &w.positions, w.columns, |_, _| ());
        let phases = w.inputs.as_flattened().iter().chain(&w.outputs);
        phases.enumerate().for_each(|(k, &phase)| waveguides.set_phase(k, phase));
        let kept = waveguides.push_to_boundary();
        let cells = w.theta.iter().zip(&waveguides.global_phases);
        let phases = cells.map(|(theta, global)| [heater_phase(theta + global), heater_phase(*global)]).collect();
        let screen = kept.into_iter().map(|k| {
            // At the port of the mesh where the waveguide begins or ends, or before the cell where it ends.
            let (cell, mode, inner) = waveguides.place(k);
            let column = cell.map_or(w.columns, |cell| if inner { w.positions[cell].column } else { 0 });
            ScreenPhase { column, mode, phase: heater_phase(waveguides.phase(k)) }
        });
        let mut screen: Vec<ScreenPhase> = screen.collect();
        screen.sort_by_key(|p| (p.column, p.mode));
        (phases, screen)
    }
}
