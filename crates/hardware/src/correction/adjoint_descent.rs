//! Gradient descent in situ: the chip itself sends light forward and the adjoint of the error backward, and monitors at
//! the shifters read the gradient of all phases at once (Hughes et al. 2018; Pai et al. 2023, recalled). Adam, with a
//! rate that falls to zero as a half cosine.

use super::lab::{amplitude, distance, transmission};
use super::{Correction, Found, Knowledge, Lab};
use crate::error::HardwareError;
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_mesh::Phases;

/// Steps.
const STEPS: u64 = 1500;
/// Rate of the first step (rad).
const RATE: f64 = 0.05;
/// Memory of Adam for slopes and for their squares.
const MEMORY: (f64, f64) = (0.9, 0.99);

/// Gradient descent with the adjoint, measured on the chip.
pub(super) struct AdjointDescent;

impl Correction for AdjointDescent {
    fn key(&self) -> &'static str {
        "adjoint"
    }

    fn description(&self) -> &'static str {
        "gradient descent on the chip: light sent forward and backward, monitors at all shifters"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Nothing
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        let target = lab.target();
        let mut settings = lab.search_start();
        let steps = lab.steps(STEPS);
        let shape = |s: &Phases| (vec![0.0; s.values().len()], vec![0.0; s.values().len()]);
        let mut memory: Vec<(Vec<f64>, Vec<f64>)> = settings.iter().map(shape).collect();
        let mut best = (f64::INFINITY, settings.clone(), None);
        let first = lab.read_matrix(&settings);
        let factor = transmission(&target, &first)?;
        // The best settings that were read, those of the start among them.
        let keep = |made: &DMatrix<Complex64>, settings: &Vec<Phases>, best: &mut Best| {
            let error = distance(&target, made, factor);
            if error < best.0 {
                *best = (error, settings.clone(), amplitude(&target, made));
            }
        };
        for step in 0..steps {
            lab.go_on()?;
            let (made, slopes) = lab.read_gradient(&settings, |made| {
                // ½‖M − gT‖² has the adjoint M − gT.
                made - &target * Complex64::new(factor, 0.0)
            })?;
            keep(&made, &settings, &mut best);
            let done = step as f64 / steps as f64;
            let rate = RATE * 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
            let trust = (1.0 - MEMORY.0.powf(step as f64 + 1.0), 1.0 - MEMORY.1.powf(step as f64 + 1.0));
            for ((settings, slopes), (first, second)) in settings.iter_mut().zip(&slopes).zip(&mut memory) {
                let moments = first.iter_mut().zip(second);
                for ((phase, slope), (first, second)) in
                    settings.values_mut().iter_mut().zip(slopes.values()).zip(moments)
                {
                    *first = MEMORY.0 * *first + (1.0 - MEMORY.0) * slope;
                    *second = MEMORY.1 * *second + (1.0 - MEMORY.1) * slope * slope;
                    let size = (*second / trust.1).sqrt();
                    if size > 0.0 {
                        let moved = *phase - rate * (*first / trust.0) / size;
                        *phase = phaseloom_mesh::cell::wrap(moved);
                    }
                }
            }
        }
        let made = lab.read_matrix(&settings);
        keep(&made, &settings, &mut best);
        let (_, settings, amplitude) = best;
        Ok(Found { settings, steps, amplitude, ..Found::default() })
    }
}

/// Squared relative error, settings, amplitude.
type Best = (f64, Vec<Phases>, Option<f64>);
