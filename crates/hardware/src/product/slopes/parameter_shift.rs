//! Two readings per phase shifter: the slope of a field that is linear in `e^{iψ}` is half the difference of its values at
//! ψ ± π/2, and so is that of an intensity (Mitarai, Negoro, Kitagawa, Fujii, Phys. Rev. A 98, 032309, 2018; Schuld et al.,
//! Phys. Rev. A 99, 032331, 2019).
//!
//! Exact with loss and errors, and without a model of the chip; the number of passes grows with the number of shifters.

use super::{CorePass, SlopeMethod};
use phaseloom_mesh::{Fields, Phases};
use std::f64::consts::FRAC_PI_2;

/// Two readings per phase shifter.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParameterShift;

impl SlopeMethod for ParameterShift {
    fn slopes(&self, pass: &CorePass<'_>) -> Vec<Phases> {
        let mut shifted = pass.driven.to_vec();
        let mut slopes: Vec<Phases> = pass.driven.iter().map(Phases::zeroed).collect();
        // Re Σ λ*·a of the outputs: the loss to first order, in which a reading enters by its own slope.
        let weighted = |driven: &[Phases]| {
            let output = pass.chip.propagate(pass.program, driven, None, || Fields::from_matrix(pass.fields));
            pass.adjoint.dotc(&output.to_matrix()).re
        };
        for stage in 0..shifted.len() {
            for index in 0..shifted[stage].values().len() {
                let start = shifted[stage].values()[index];
                let mut at = |phase: f64| {
                    shifted[stage].values_mut()[index] = phase;
                    weighted(&shifted)
                };
                let (plus, minus) = (at(start + FRAC_PI_2), at(start - FRAC_PI_2));
                at(start);
                slopes[stage].values_mut()[index] = 0.5 * (plus - minus);
            }
        }
        slopes
    }

    fn passes(&self, pass: &CorePass<'_>) -> u64 {
        2 * pass.shifters() * pass.fields.ncols() as u64
    }
}
