//! The sensitivity of a matrix to every phase and every splitter of its chip.
//!
//! ```text
//! s_i = ‖∂Ŵ/∂ψ_i‖/‖W‖      Ŵ: realised matrix with its gain, W: target, ψ_i: the error of component i (rad)
//! ```
//!
//! in the Frobenius norm, as the matrix error is. This is the root sum over unit vectors at the inputs of the squared change of all
//! outputs, both parts of the field. Chips have their frozen errors and driven phases, after the correction if there is one.

use super::MatrixPoint;
use crate::error::ExperimentError;
use crate::run::sensitivity::{StageState, fields_before, on_modes, place, places, record};
use crate::store::record::{Record, Unit};
use nalgebra::DMatrix;
use phaseloom_hardware::{Chip, HardwareError, Process};
use phaseloom_mesh::{MatrixProgram, Stage, visit_norms};

impl MatrixPoint {
    /// Computes the sensitivities of the chip of a unit.
    pub(super) fn sensitivity(&self, unit: Unit) -> Result<Record, ExperimentError> {
        let (chip, program) = self.chip(unit.trial)?;
        record(unit, 0, &self.squared_sensitivities(&chip, &program))
    }

    /// s² of every component of the perfect chip (1/rad²), stage by stage.
    pub(crate) fn perfect_sensitivities(&self) -> Result<Vec<f64>, HardwareError> {
        let program = &self.target.program;
        Ok(self.squared_sensitivities(&Chip::nominal(&Process::default(), program)?, program))
    }

    /// The stages of the program.
    pub(crate) fn stages(&self) -> &[Stage] {
        self.target.program.stages()
    }

    /// s² of every component of a chip with a program (1/rad²), stage by stage.
    fn squared_sensitivities(&self, chip: &Chip, program: &MatrixProgram) -> Vec<f64> {
        let (stages, (rows, columns)) = (program.stages(), program.shape());
        let driven = chip.process().drive(program);
        let states: Vec<StageState<'_>> =
            driven.iter().enumerate().map(|(k, driven)| chip.stage_state(k, driven)).collect();
        let fields = fields_before(stages, &states, &DMatrix::identity(columns, columns));
        // The target is W over its gain, and a correction may change the gain.
        let scale = (program.gain() / self.target.gain).powi(2) / self.target.matrix.norm_squared();
        let mut squares = vec![0.0; stages.iter().map(places).sum()];
        let (mut adjoint, mut end) = (DMatrix::identity(rows, rows), squares.len());
        for (k, (stage, (phases, errors))) in stages.iter().zip(&states).enumerate().rev() {
            let own = &mut squares[end - places(stage)..end];
            let mut visit = |component, square: f64| own[place(stage, component)] = square * scale;
            adjoint = visit_norms(stage, phases, errors, &fields[k], &on_modes(&adjoint, stage), &mut visit);
            end -= places(stage);
        }
        squares
    }
}

#[cfg(test)]
mod tests;
