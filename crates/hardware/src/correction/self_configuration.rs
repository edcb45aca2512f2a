//! Self-configuration: the detectors tell what every shifter does, and all are turned at once to where the error is least.
//!
//! The field at every output is `a + b·e^{iδ}` in the phase δ of one shifter, whatever is wrong with the chip, but for
//! crosstalk and the codes of a converter. So two readings tell its slope,
//!
//! ```text
//! ∂M/∂δ = (M(δ+h) − M(δ−h))/(2 sin h),
//! ```
//!
//! for any h; half a radian lifts it far above the noise, and above the codes of a converter. A Levenberg–Marquardt step
//! `(JᵀJ + λ)·Δφ = −Jᵀ(M − gT)` then turns all shifters (the outputs have been turned by their common phase before),
//! and is kept if the detectors agree. Nothing is known of the chip. What a shifter does to its neighbours stands in
//! the slopes too, nearly, and better in the next reading. It is a local search: from a chip that does nothing like the
//! target it may end far away. 2P + 1 readings of the matrix a step for P phases; the equations take O(N²·P²), with P ≈
//! N² for a mesh of N modes.

use super::lab::{amplitude, distance, transmission};
use super::outcome::wrapped;
use super::{Correction, Found, Knowledge, Lab};
use crate::error::HardwareError;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use phaseloom_files::require_memory;
use phaseloom_mesh::Phases;
use phaseloom_mesh::cell::wrap;
use phaseloom_numerics::linalg::{multiply_real, solve_positive};

/// Steps, at most.
const STEPS: u64 = 30;
/// h (rad).
const SHIFT: f64 = 0.5;
/// Tries of a step with more and more damping.
const TRIES: u32 = 5;

/// Self-configuration from readings alone.
pub(super) struct SelfConfiguration;

impl Correction for SelfConfiguration {
    fn key(&self) -> &'static str {
        "self_configuration"
    }

    fn description(&self) -> &'static str {
        "slopes of all phases from readings, least-squares steps; nothing known of the chip"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Nothing
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        let target = lab.target();
        let mut settings = lab.search_start();
        let phases: usize = settings.iter().map(|s| s.values().len()).sum();
        let numbers = phases as f64 * (4.0 * target.len() as f64 + 3.0 * phases as f64);
        require_memory(8.0 * numbers, &format!("slopes of {phases} phases"))?;
        let mut made = lab.read_matrix(&settings);
        if agree(&target, &made, &mut settings) {
            made = lab.read_matrix(&settings);
        }
        let factor = transmission(&target, &made)?;
        let mut damping = 1e-3;
        let mut steps = 0;
        while steps < lab.steps(STEPS) {
            steps += 1;
            let error = distance(&target, &made, factor);
            let slopes = slopes(lab, &settings, phases)?;
            let lacking = parts(&(&target * Complex64::new(factor, 0.0) - &made));
            let transposed = slopes.transpose();
            let square = multiply_real(&transposed, &slopes);
            let slope = &transposed * lacking;
            let scale = square.trace() / phases as f64;
            let mut gained = 0.0;
            for _ in 0..TRIES {
                lab.go_on()?;
                let mut damped = square.clone();
                (0..phases).for_each(|k| damped[(k, k)] += damping * scale);
                if let Some(step) = solve_positive(&damped, &slope) {
                    let moved = moved(&settings, &step);
                    let now = lab.read_matrix(&moved);
                    let left = distance(&target, &now, factor);
                    if left < error {
                        gained = 1.0 - left / error;
                        (settings, made) = (moved, now);
                        damping = (damping / 10.0).max(1e-12);
                        break;
                    }
                }
                damping *= 10.0;
            }
            if gained < 0.01 {
                break;
            }
        }
        Ok(Found { settings, steps, amplitude: amplitude(&target, &made), ..Found::default() })
    }
}

/// Turns all outputs by the phase that they have in common, where it is large: steps that find everything turned would
/// dump the light before they turn it. Whether it was.
fn agree(target: &DMatrix<Complex64>, made: &DMatrix<Complex64>, settings: &mut [Phases]) -> bool {
    let turn = target.dotc(made).arg();
    let Some(last) = settings.last_mut().filter(|_| turn.abs() > SHIFT) else { return false };
    (0..last.output().len()).for_each(|mode| last.set_output(mode, wrap(last.output()[mode] - turn)));
    true
}

fn parts(matrix: &DMatrix<Complex64>) -> DVector<f64> {
    DVector::from_iterator(2 * matrix.len(), matrix.iter().flat_map(|z| [z.re, z.im]))
}

/// One column a phase.
fn slopes(lab: &mut Lab<'_>, settings: &[Phases], phases: usize) -> Result<DMatrix<f64>, HardwareError> {
    let (rows, columns) = lab.program().shape();
    let mut slopes = DMatrix::zeros(2 * rows * columns, phases);
    let mut shifted = settings.to_vec();
    let mut column = 0;
    for stage in 0..settings.len() {
        for k in 0..settings[stage].values().len() {
            lab.go_on()?;
            let phase = settings[stage].values()[k];
            let mut at = |phase: f64| {
                shifted[stage].values_mut()[k] = wrap(phase);
                lab.read_matrix(&shifted)
            };
            let slope = (at(phase + SHIFT) - at(phase - SHIFT)) / Complex64::new(2.0 * SHIFT.sin(), 0.0);
            shifted[stage].values_mut()[k] = phase;
            slopes.set_column(column, &parts(&slope));
            column += 1;
        }
    }
    Ok(slopes)
}

fn moved(settings: &[Phases], step: &DVector<f64>) -> Vec<Phases> {
    let mut steps = step.iter();
    let moved = settings.iter().map(|settings| {
        let mut moved = settings.clone();
        moved.values_mut().iter_mut().zip(steps.by_ref()).for_each(|(phase, step)| *phase += step);
        wrapped(moved)
    });
    moved.collect()
}
