//! Pre-compensation of thermal crosstalk: the heater phases h that make the wanted ones, `K·h = φ (mod 2π)`.
//!
//! K is known from the design. `h ← h − (K·h − φ)` converges as the powers of the crosstalk; a heater that would have to
//! cool gets one turn more, one beyond a turn gets one less, which their neighbours feel in turn.

use super::{Correction, Found, Knowledge, Lab};
use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_mesh::cell::wrap;
use phaseloom_mesh::{MatrixProgram, Phases};
use std::f64::consts::TAU;

/// Iterations in which heaters may change by whole turns: one at the seam can go up and down for ever with its
/// neighbours. What still stands beyond the seam then is wrapped at last, which its neighbours feel by crosstalk of a turn.
const TURNING: u64 = 100;
/// Iterations after which crosstalk counts as too strong.
const MOST: u64 = 500;
/// Largest phase (rad) that may be left.
const EXACT: f64 = 1e-12;

/// Pre-compensation of crosstalk from the crosstalk matrix.
pub(super) struct CrosstalkCompensation;

impl Correction for CrosstalkCompensation {
    fn key(&self) -> &'static str {
        "crosstalk"
    }

    fn description(&self) -> &'static str {
        "heater phases that make the wanted ones through known thermal crosstalk"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Design
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        match lab.process() {
            Some(process) => before_crosstalk(process, lab.program(), lab.start()),
            None => Ok(Found { settings: lab.start(), ..Found::default() }),
        }
    }
}

/// Phases to ask for, 0…2π, so that crosstalk makes `wanted` of them up to whole turns; how many iterations it took, and how
/// many heaters took another turn.
pub(super) fn before_crosstalk(
    process: &Process,
    program: &MatrixProgram,
    mut wanted: Vec<Phases>,
) -> Result<Found, HardwareError> {
    wanted.iter_mut().flat_map(|s| s.values_mut()).for_each(|phase| *phase = wrap(*phase));
    let Some(crosstalk) = &process.thermal_crosstalk else {
        return Ok(Found { settings: wanted, ..Found::default() });
    };
    let asked = wanted.clone();
    let mut heaters = wanted.clone();
    let mut largest = f64::INFINITY;
    for step in 1..=MOST {
        let mut made = heaters.clone();
        crate::process::Imperfection::drive(crosstalk, program.stages(), &mut made);
        largest = 0.0;
        for ((heaters, wanted), made) in heaters.iter_mut().zip(&mut wanted).zip(&made) {
            let values = heaters.values_mut().iter_mut().zip(wanted.values_mut()).zip(made.values());
            for ((heater, wanted), made) in values {
                let error = made - *wanted;
                largest = f64::max(largest, error.abs());
                *heater -= error;
                let whole = wrap(*heater) - *heater;
                if whole.abs() > 1.0 && step <= TURNING {
                    *heater += whole;
                    *wanted += whole;
                    largest = TAU;
                }
            }
        }
        if largest < EXACT || !largest.is_finite() {
            return if largest.is_finite() {
                let turned = asked.iter().zip(&wanted).flat_map(|(a, w)| a.values().iter().zip(w.values()));
                let turned = turned.filter(|(asked, wanted)| (*wanted - *asked).abs() > 1.0).count();
                Ok(Found { settings: heaters, steps: step, turned: Some(turned), ..Found::default() })
            } else {
                Err(HardwareError::Crosstalk { steps: step, largest })
            };
        }
    }
    Err(HardwareError::Crosstalk { steps: MOST, largest })
}
