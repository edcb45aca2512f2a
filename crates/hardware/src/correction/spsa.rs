//! Forward-only training of the phases: all of them are shaken at once, and follow the difference of two errors.
//!
//! `φ ← φ − a_k·(L(φ + c_kΔ) − L(φ − c_kΔ))/(2c_k)·Δ`, Δ of random signs, `a_k = a/(k + 1 + A)^.602`, `c_k = c/(k + 1)^.101` (simultaneous
//! perturbation; Spall 1992 and its usual exponents, recalled). Two readings of the matrix a step whatever the number of
//! shifters, but slow: of a gradient in P dimensions each step sees one.

use super::lab::{amplitude, distance, transmission};
use super::{Correction, Found, Knowledge, Lab};
use crate::error::HardwareError;
use phaseloom_mesh::Phases;

/// Steps.
const STEPS: u64 = 3000;
/// Size of a shake (rad).
const SHAKE: f64 = 0.02;
/// Share of the steps after which the rate begins to fall.
const STABLE: f64 = 0.1;
/// What the first step moves each phase (rad).
const FIRST: f64 = 0.002;

/// Simultaneous perturbation.
pub(super) struct Spsa;

impl Correction for Spsa {
    fn key(&self) -> &'static str {
        "spsa"
    }

    fn description(&self) -> &'static str {
        "forward only: all phases shaken at once, two readings a step"
    }

    fn knows(&self) -> Knowledge {
        Knowledge::Nothing
    }

    fn settings(&self, lab: &mut Lab<'_>) -> Result<Found, HardwareError> {
        let target = lab.target();
        let mut settings = lab.search_start();
        let first = lab.read_matrix(&settings);
        let factor = transmission(&target, &first)?;
        let mut draws = lab.draws("correction/spsa");
        let steps = lab.steps(STEPS);
        let stable = STABLE * steps as f64;
        let mut gain = None;
        // Where the search ends nowhere better, it began at the best.
        let mut best = (distance(&target, &first, factor), settings.clone());
        for step in 0..steps {
            lab.go_on()?;
            let shake = SHAKE / (step as f64 + 1.0).powf(0.101);
            let signs: Vec<Vec<f64>> =
                settings.iter().map(|s| s.values().iter().map(|_| draws.draw().signum() * shake).collect()).collect();
            let error =
                |lab: &mut Lab<'_>, by: f64| distance(&target, &lab.read_matrix(&moved(&settings, &signs, by)), factor);
            let (ahead, behind) = (error(lab, 1.0), error(lab, -1.0));
            if ahead.min(behind) < best.0 {
                best = (ahead.min(behind), moved(&settings, &signs, if ahead < behind { 1.0 } else { -1.0 }));
            }
            // The slope along Δ, in units of a shake.
            let slope = (ahead - behind) / (2.0 * shake * shake);
            // The gain is set by the first slope, so that no error of unknown size has to be guessed.
            let gain = *gain.get_or_insert_with(|| {
                let size = (slope * shake).abs();
                if size > 0.0 { FIRST * (1.0 + stable).powf(0.602) / size } else { 0.0 }
            });
            let rate = gain / (step as f64 + 1.0 + stable).powf(0.602);
            let by = (-rate * slope).clamp(-1.0, 1.0);
            settings = moved(&settings, &signs, by);
        }
        let made = lab.read_matrix(&settings);
        if distance(&target, &made, factor) <= best.0 {
            let amplitude = amplitude(&target, &made);
            return Ok(Found { settings, steps, amplitude, ..Found::default() });
        }
        let amplitude = amplitude(&target, &lab.read_matrix(&best.1));
        Ok(Found { settings: best.1, steps, amplitude, ..Found::default() })
    }
}

fn moved(settings: &[Phases], signs: &[Vec<f64>], by: f64) -> Vec<Phases> {
    let mut moved = settings.to_vec();
    for (settings, signs) in moved.iter_mut().zip(signs) {
        for (phase, sign) in settings.values_mut().iter_mut().zip(signs) {
            *phase = phaseloom_mesh::cell::wrap(*phase + by * sign);
        }
    }
    moved
}
