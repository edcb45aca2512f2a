//! Self-configuration: least-squares steps from measured slopes of all phases; nothing is known of the chip.
//!
//! The field at every output is `a + b·e^{iδ}` in the phase δ of one shifter, for any errors of the chip except
//! crosstalk and converter codes. Two measurements therefore give its slope exactly, for any h:
//!
//! ```text
//! ∂M/∂δ = (M(δ+h) − M(δ−h))/(2 sin h)
//! ```
//!
//! Half a radian lifts the difference far above the noise and the codes of a converter. A damped Gauss–Newton step
//! `(JᵀJ + λ)·Δφ = −Jᵀ(M − gT)` then moves all shifters, and is kept if the measured error falls. The global phase of
//! the outputs is corrected first. Crosstalk is nearly contained in the slopes, and better so in the next step.
//!
//! The search is local: a chip far from the target may end in another minimum. A step takes 2P + 1 measurements of the
//! matrix for P phases. The equations take O(N²·P²) time, where P ≈ N² for a mesh of N modes.

use super::lab::{amplitude, distance, transmission};
use super::outcome::moved;
use super::{Correction, CorrectionResult, Knowledge, Lab};
use crate::error::HardwareError;
use nalgebra::{DMatrix, DVector};
use num_complex::Complex64;
use phaseloom_files::require_memory;
use phaseloom_mesh::Phases;
use phaseloom_mesh::cell::wrap;
use phaseloom_numerics::least_squares::{DampingScale, GaussNewton, Point};
use phaseloom_numerics::linalg::multiply;
use std::cell::RefCell;

/// Maximum number of steps.
const STEPS: u64 = 30;
/// h (rad).
const SHIFT: f64 = 0.5;

/// The search ends after a step that lowers the squared error by less than a hundredth.
const SEARCH: GaussNewton = GaussNewton {
    scale: DampingScale::MeanDiagonal,
    damping: 1e-3,
    min_damping: 1e-12,
    max_tries: 5,
    max_steps: STEPS,
    min_gain: 0.0,
    min_relative_gain: 0.01,
};

/// Self-configuration from measurements alone.
pub(super) const METHOD: Correction = Correction {
    key: "self_configuration",
    description: "measured slopes of all phases, least-squares steps; nothing known of the chip",
    knows: Knowledge::Nothing,
    solve,
};

pub(super) fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    let target = lab.target();
    let mut phases = lab.search_start();
    let count: usize = phases.iter().map(|s| s.values().len()).sum();
    let numbers = count as f64 * (4.0 * target.len() as f64 + 3.0 * count as f64);
    require_memory(8.0 * numbers, &format!("slopes of {count} phases"))?;
    let mut measured = lab.measure_matrix(&phases);
    if align_global_phase(&target, &measured, &mut phases) {
        measured = lab.measure_matrix(&phases);
    }
    let factor = transmission(&target, &measured)?;
    let scaled_target = &target * Complex64::new(factor, 0.0);
    let cost = distance(&target, &measured, factor);
    let search = GaussNewton { max_steps: lab.steps(STEPS), ..SEARCH };
    let lab = RefCell::new(lab);
    let minimum = search.minimise::<_, HardwareError>(
        Point { state: (phases, measured), cost },
        |(phases, measured)| {
            let slopes = slopes(&mut lab.borrow_mut(), phases, count)?;
            let transposed = slopes.transpose();
            let descent = &transposed * quadratures(&(&scaled_target - measured));
            Ok((multiply(&transposed, &slopes), descent))
        },
        |(phases, _), step| {
            let mut lab = lab.borrow_mut();
            lab.check_interrupt()?;
            let phases = moved(phases, step.iter().copied());
            let measured = lab.measure_matrix(&phases);
            let cost = distance(&target, &measured, factor);
            Ok(Point { state: (phases, measured), cost })
        },
    )?;
    let (phases, measured) = minimum.point.state;
    Ok(CorrectionResult { steps: minimum.steps, amplitude: amplitude(&target, &measured), ..phases.into() })
}

/// Removes the global phase at the output shifters if it is large, and returns whether it was: steps that start from a
/// wrong global phase would lose the light before they correct it.
fn align_global_phase(target: &DMatrix<Complex64>, measured: &DMatrix<Complex64>, phases: &mut [Phases]) -> bool {
    let phase = target.dotc(measured).arg();
    let Some(last) = phases.last_mut().filter(|_| phase.abs() > SHIFT) else { return false };
    (0..last.output().len()).for_each(|mode| last.set_output(mode, wrap(last.output()[mode] - phase)));
    true
}

/// Real and imaginary parts of all entries.
pub(super) fn quadratures(matrix: &DMatrix<Complex64>) -> DVector<f64> {
    DVector::from_iterator(2 * matrix.len(), matrix.iter().flat_map(|z| [z.re, z.im]))
}

/// Slopes of all quadratures, one column per phase.
fn slopes(lab: &mut Lab<'_>, phases: &[Phases], count: usize) -> Result<DMatrix<f64>, HardwareError> {
    let (rows, columns) = lab.program.shape();
    let mut slopes = DMatrix::zeros(2 * rows * columns, count);
    let mut shifted = phases.to_vec();
    let mut column = 0;
    for stage in 0..phases.len() {
        for k in 0..phases[stage].values().len() {
            lab.check_interrupt()?;
            let phase = phases[stage].values()[k];
            let mut at = |phase: f64| {
                shifted[stage].values_mut()[k] = wrap(phase);
                lab.measure_matrix(&shifted)
            };
            let slope = (at(phase + SHIFT) - at(phase - SHIFT)) / Complex64::new(2.0 * SHIFT.sin(), 0.0);
            shifted[stage].values_mut()[k] = phase;
            slopes.set_column(column, &quadratures(&slope));
            column += 1;
        }
    }
    Ok(slopes)
}
