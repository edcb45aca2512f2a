//! Gradient descent in situ: the chip measures the gradient with respect to all phases at once.
//!
//! Light passes forwards and the adjoint of the error backwards; monitors at the shifters measure both (Hughes et al.
//! 2018; Pai et al. 2023). The optimiser is Adam, with a learning rate that falls to zero as half a cosine.

use super::lab::{amplitude, distance, transmission};
use super::{Correction, CorrectionResult, Knowledge, Lab};
use crate::error::HardwareError;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Phases;

/// Number of steps.
const STEPS: u64 = 1500;
/// Learning rate of the first step (rad).
const RATE: f64 = 0.05;
/// Decay of Adam's means of slopes and of their squares.
const DECAY: (f64, f64) = (0.9, 0.99);

/// Gradient descent with the adjoint, measured on the chip.
pub(super) const METHOD: Correction = Correction {
    key: "adjoint",
    description: "gradient descent on the chip: light sent forward and backward, monitors at all shifters",
    knows: Knowledge::Nothing,
    solve,
};

fn solve(lab: &mut Lab<'_>) -> Result<CorrectionResult, HardwareError> {
    let target = lab.target();
    let mut phases = lab.search_start();
    let steps = lab.steps(STEPS);
    let mut moments = vec![(0.0, 0.0); phases.iter().map(|s| s.values().len()).sum()];
    let factor = transmission(&target, &lab.measure_matrix(&phases))?;
    // The best phases that were measured, the start included, and their distance.
    let mut best = (f64::INFINITY, CorrectionResult::from(phases.clone()));
    let mut keep_best = |measured: &DMatrix<Complex64>, phases: &[Phases]| {
        let distance = distance(&target, measured, factor);
        if distance < best.0 {
            let amplitude = amplitude(&target, measured);
            best = (distance, CorrectionResult { steps, amplitude, ..phases.to_vec().into() });
        }
    };
    for step in 0..steps {
        lab.check_interrupt()?;
        let (measured, slopes) = lab.measure_gradient(&phases, |measured| {
            // The adjoint of ½‖M − gT‖² is M − gT.
            measured - &target * Complex64::new(factor, 0.0)
        })?;
        keep_best(&measured, &phases);
        let progress = step as f64 / steps as f64;
        let rate = RATE * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
        let bias = (1.0 - DECAY.0.powf(step as f64 + 1.0), 1.0 - DECAY.1.powf(step as f64 + 1.0));
        let values = phases.iter_mut().flat_map(|s| s.values_mut());
        let slopes = slopes.iter().flat_map(|s| s.values());
        for ((phase, slope), (first, second)) in values.zip(slopes).zip(&mut moments) {
            *first = DECAY.0 * *first + (1.0 - DECAY.0) * slope;
            *second = DECAY.1 * *second + (1.0 - DECAY.1) * slope * slope;
            let size = (*second / bias.1).sqrt();
            if size > 0.0 {
                *phase = phaseloom_mesh::cell::wrap(*phase - rate * (*first / bias.0) / size);
            }
        }
    }
    keep_best(&lab.measure_matrix(&phases), &phases);
    Ok(best.1)
}
