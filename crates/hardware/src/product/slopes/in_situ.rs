//! Three measurements per vector with power monitors at every phase shifter (Hughes, Minkov, Shi, Fan, Optica 5, 864, 2018).
//!
//! ```text
//! 1  x from the inputs            power p₁ = |a|²
//! 2  δ* from the outputs          power p₂ = |δ|², and the field δ_in* at the inputs;  δ = λ/2
//! 3  x − i·δ_in from the inputs   power p₃
//!
//! slope = p₃ − p₁ − p₂ = −2·Im(δ*·a)
//! ```
//!
//! Exact on a chip without loss. With loss the third measurement damps δ twice, and slopes of shifters far from the inputs come out
//! small; the measurement needs no model of the chip.

use super::{CorePass, SlopeMethod};
use num_complex::Complex64;
use phaseloom_mesh::{LightFrom, Phases, shifter_powers};

/// Three measurements with power monitors.
#[derive(Clone, Copy, Debug, Default)]
pub struct InSitu;

impl SlopeMethod for InSitu {
    fn slopes(&self, pass: &CorePass<'_>) -> Vec<Phases> {
        let (forward, _) = through(pass, pass.fields.clone(), LightFrom::Inputs);
        let half = pass.adjoint.map(|adjoint| (adjoint * 0.5).conj());
        let (backward, at_inputs) = through(pass, half, LightFrom::Outputs);
        let sum = pass.fields + at_inputs.map(|field| field.conj() * -Complex64::I);
        let (mut slopes, _) = through(pass, sum, LightFrom::Inputs);
        for ((slopes, forward), backward) in slopes.iter_mut().zip(&forward).zip(&backward) {
            let measured = forward.values().iter().zip(backward.values());
            slopes.values_mut().iter_mut().zip(measured).for_each(|(slope, (one, two))| *slope -= one + two);
        }
        slopes
    }

    fn passes(&self, pass: &CorePass<'_>) -> u64 {
        3 * pass.fields.ncols() as u64
    }
}

/// The power at every shifter of every stage, and the fields at the other end.
fn through(
    pass: &CorePass<'_>,
    mut fields: nalgebra::DMatrix<Complex64>,
    from: LightFrom,
) -> (Vec<Phases>, nalgebra::DMatrix<Complex64>) {
    let mut stages: Vec<_> = pass.program.stages().iter().enumerate().zip(pass.driven).collect();
    if from == LightFrom::Outputs {
        stages.reverse();
    }
    let mut powers = Vec::with_capacity(stages.len());
    for ((k, stage), driven) in stages {
        let (phases, errors) = pass.chip.stage_state(k, driven);
        fields = fields.resize_vertically(stage.layout().modes, Complex64::ZERO);
        let (of_stage, after) = shifter_powers(stage, &phases, errors, &fields, from);
        powers.push(of_stage);
        fields = after;
    }
    let (rows, columns) = pass.program.shape();
    if from == LightFrom::Outputs {
        powers.reverse();
        return (powers, fields.resize_vertically(columns, Complex64::ZERO));
    }
    (powers, fields.resize_vertically(rows, Complex64::ZERO))
}
