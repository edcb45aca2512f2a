//! Pre-compensation of thermal crosstalk: heater phases h with `K·h = φ (mod 2π)` for the requested phases φ.
//!
//! The crosstalk matrix K is part of the design. `h ← h − (K·h − φ)` converges as the powers of the crosstalk. A heater
//! that would have to cool gets 2π more, and one beyond 2π gets 2π less, which changes its neighbours in turn.

use super::{Correction, CorrectionResult, Knowledge, Lab};
use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_mesh::cell::wrap;
use phaseloom_mesh::{MatrixProgram, Phases};
use std::f64::consts::TAU;

/// Iterations in which heaters may change by 2π. A heater near 0 could otherwise alternate for ever with its neighbours;
/// after these iterations it may end outside 0…2π, and the final wrap changes its neighbours by the crosstalk of 2π.
const MAX_WRAPPING_STEPS: u64 = 100;
/// Iterations after which crosstalk counts as too strong.
const MAX_STEPS: u64 = 500;
/// Maximum remaining phase error (rad) of a solution.
const TOLERANCE: f64 = 1e-12;

/// Pre-compensation from the crosstalk matrix.
pub(super) const METHOD: Correction = Correction {
    key: "crosstalk",
    description: "heater phases that give the requested ones through known thermal crosstalk",
    knows: Knowledge::Design,
    solve,
};

fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    match lab.process() {
        Some(process) => precompensate(process, lab.program, lab.start()),
        None => Ok(lab.start().into()),
    }
}

/// Heater phases, 0…2π, that give the requested phases up to multiples of 2π through crosstalk.
pub(super) fn precompensate(
    process: &Process,
    program: &MatrixProgram,
    mut requested: Vec<Phases>,
) -> Result<CorrectionResult, HardwareError> {
    requested.iter_mut().flat_map(|s| s.values_mut()).for_each(|phase| *phase = wrap(*phase));
    let Some(crosstalk) = &process.thermal_crosstalk else { return Ok(requested.into()) };
    let mut shifted = requested.clone();
    let mut heaters = requested.clone();
    let mut largest = f64::INFINITY;
    for steps in 1..=MAX_STEPS {
        let mut realised = heaters.clone();
        crate::process::Imperfection::drive(crosstalk, program.stages(), &mut realised);
        largest = 0.0;
        for ((heaters, shifted), realised) in heaters.iter_mut().zip(&mut shifted).zip(&realised) {
            let values = heaters.values_mut().iter_mut().zip(shifted.values_mut()).zip(realised.values());
            for ((heater, shifted), realised) in values {
                let error = realised - *shifted;
                largest = f64::max(largest, error.abs());
                *heater -= error;
                let period = wrap(*heater) - *heater;
                if period.abs() > 1.0 && steps <= MAX_WRAPPING_STEPS {
                    *heater += period;
                    *shifted += period;
                    largest = TAU;
                }
            }
        }
        if !largest.is_finite() {
            return Err(HardwareError::Crosstalk { steps, largest });
        }
        if largest < TOLERANCE {
            let pairs = requested.iter().zip(&shifted).flat_map(|(r, s)| r.values().iter().zip(s.values()));
            let wrapped = pairs.filter(|(requested, shifted)| (*shifted - *requested).abs() > 1.0).count();
            return Ok(CorrectionResult { steps, wrapped_heaters: Some(wrapped), ..heaters.into() });
        }
    }
    Err(HardwareError::Crosstalk { steps: MAX_STEPS, largest })
}
