//! Backpropagation through a model of the chip (Hughes, Minkov, Shi, Fan, Optica 5, 864, 2018): exact for the chip of the model.

use super::{CorePass, SlopeMethod};
use phaseloom_mesh::{Fields, Phases};

/// Backpropagation in a computer that knows all errors of the chip.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adjoint;

impl SlopeMethod for Adjoint {
    fn slopes(&self, pass: &CorePass<'_>) -> Vec<Phases> {
        let CorePass { chip, program, driven, fields, adjoint } = pass;
        let forward = chip.forward(program, driven, Fields::from_matrix(fields));
        let forward = forward.unwrap_or_else(|error| panic!("a pass of another chip: {error}"));
        chip.backward(program, forward, Fields::from_matrix(adjoint)).0
    }

    fn passes(&self, _pass: &CorePass<'_>) -> u64 {
        0
    }

    fn takes_matrix(&self) -> bool {
        true
    }
}
