//! Cosines of gradients measured in situ and of gradients on chips of the fitted levels.
//!
//! The source does not document the key of a gradient, its points, weights and phases, or its scale, so no component can
//! be recomputed. The software (`phox/apps/onn.py`) takes the phases of field and adjoint between the layers from the
//! model, not from the chip. The size of the cosine can be compared: between the gradient of the perfect network and
//! that of chips of the fitted levels, with exact field and adjoint on each chip and no measurement noise. It covers all
//! 36 phases of the three layers, in batches of successive training points.

use super::data::{Data, MODES, Slope};
use super::network::Network;
use super::{Uncertain, mean};
use crate::error::ValidationError;
use nalgebra::DMatrix;
use phaseloom_hardware::{Chip, ChipId, Process};

/// Σab/√(Σa²Σb²).
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Cosine of computed and measured gradient for each key, in the order of the file.
pub(super) fn measured(slopes: &[Slope]) -> Vec<f64> {
    let mut keys: Vec<u32> = slopes.iter().map(|slope| slope.key).collect();
    keys.dedup();
    let of_key =
        |key| slopes.iter().filter(move |slope| slope.key == key).map(|slope| (slope.expected, slope.measured));
    keys.into_iter()
        .map(|key| {
            let (expected, measured): (Vec<f64>, Vec<f64>) = of_key(key).unzip();
            cosine(&expected, &measured)
        })
        .collect()
}

/// Gradients of all training points in batches, concatenated.
fn concatenated(network: &Network, chip: &Chip, data: &Data, batch: usize) -> Result<Vec<f64>, ValidationError> {
    let train: Vec<_> = data.points.iter().filter(|point| point.train).collect();
    let mut all = Vec::new();
    for points in train.chunks(batch) {
        let inputs = DMatrix::from_fn(MODES, points.len(), |r, c| points[c].input[r]);
        let labels: Vec<usize> = points.iter().map(|point| point.label).collect();
        all.extend(network.slopes(chip, &inputs, &labels)?);
    }
    Ok(all)
}

/// Mean cosine of perfect and imperfect gradients on `chips` chips of a process, for each size of batch.
///
/// # Errors
///
/// An impossible process.
pub(super) fn model(
    network: &Network,
    data: &Data,
    process: &Process,
    chips: u64,
    batches: &[usize],
) -> Result<Vec<Uncertain>, ValidationError> {
    let perfect = Chip::nominal(&Process::default(), network.program())?;
    batches
        .iter()
        .map(|&batch| {
            let exact = concatenated(network, &perfect, data, batch)?;
            let mut cosines = Vec::new();
            for trial in 0..chips {
                let chip = Chip::fabricate(process, network.program(), ChipId { seed: 1, trial, core: 0 })?;
                cosines.push(cosine(&exact, &concatenated(network, &chip, data, batch)?));
            }
            // The order of the sum is part of the published digits.
            cosines.sort_by(f64::total_cmp);
            Ok(mean(&cosines))
        })
        .collect()
}
