//! Forward-only descent: simultaneous perturbation stochastic approximation (SPSA; Spall 1992, with its usual exponents).
//!
//! ```text
//! φ ← φ − a_k·(L(φ + c_kΔ) − L(φ − c_kΔ))/(2c_k)·Δ,   a_k = a/(k + 1 + A)^0.602,   c_k = c/(k + 1)^0.101
//! ```
//!
//! The signs Δ are random. A step takes two measurements of the matrix for any number of shifters. The method is slow,
//! because each step sees the gradient along one direction of P.

use super::lab::{amplitude, distance, transmission};
use super::outcome::moved;
use super::{Correction, CorrectionResult, Knowledge, Lab};
use crate::error::HardwareError;

/// Number of steps.
const STEPS: u64 = 3000;
/// Perturbation of the first step, c (rad).
const PERTURBATION: f64 = 0.02;
/// A relative to the number of steps: the rate falls slowly before and as a power after.
const STABLE: f64 = 0.1;
/// Change of each phase in the first step (rad).
const FIRST: f64 = 0.002;

/// Simultaneous perturbation.
pub(super) const METHOD: Correction = Correction {
    key: "spsa",
    description: "forward only: all phases perturbed at once, two measurements a step",
    knows: Knowledge::Nothing,
    solve,
};

fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    let target = lab.target();
    let mut phases = lab.search_start();
    let first = lab.measure_matrix(&phases);
    let factor = transmission(&target, &first)?;
    let mut draws = lab.draws("correction/spsa");
    let steps = lab.steps(STEPS);
    let stable = STABLE * steps as f64;
    let count: usize = phases.iter().map(|s| s.values().len()).sum();
    let mut gain = None;
    // The best phases that were measured; the start counts.
    let mut best = (distance(&target, &first, factor), phases.clone());
    for step in 0..steps {
        lab.check_interrupt()?;
        let size = PERTURBATION / (step as f64 + 1.0).powf(0.101);
        let perturbation: Vec<f64> = (0..count).map(|_| draws.draw().signum() * size).collect();
        let at = |by: f64| moved(&phases, perturbation.iter().map(|change| by * change));
        let error = |lab: &mut Lab<'_>, by: f64| distance(&target, &lab.measure_matrix(&at(by)), factor);
        let (above, below) = (error(lab, 1.0), error(lab, -1.0));
        if above.min(below) < best.0 {
            best = (above.min(below), at(if above < below { 1.0 } else { -1.0 }));
        }
        // The slope along Δ, in units of the perturbation.
        let slope = (above - below) / (2.0 * size * size);
        // The first slope sets the gain, so that the size of the errors need not be known.
        let gain = *gain.get_or_insert_with(|| {
            let change = (slope * size).abs();
            if change > 0.0 { FIRST * (1.0 + stable).powf(0.602) / change } else { 0.0 }
        });
        let rate = gain / (step as f64 + 1.0 + stable).powf(0.602);
        phases = at((-rate * slope).clamp(-1.0, 1.0));
    }
    let mut measured = lab.measure_matrix(&phases);
    if distance(&target, &measured, factor) > best.0 {
        phases = best.1;
        measured = lab.measure_matrix(&phases);
    }
    Ok(CorrectionResult { steps, amplitude: amplitude(&target, &measured), ..phases.into() })
}
