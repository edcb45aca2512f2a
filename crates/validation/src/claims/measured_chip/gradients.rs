//! Gradients measured in situ, beside those of chips of the fitted levels.
//!
//! The source does not say what the key of a gradient counts, which points, weights and phases it belongs to, or its
//! scale; so no component can be recomputed. The software (`phox/apps/onn.py`, read) takes the phases of light and
//! adjoint between the layers from the model, not from the chip. What can be compared is the size of the cosine: between
//! the gradient of the perfect network and that of chips of fitted levels, light and adjoint exact on each chip, no
//! noise of a measurement; all 36 phases of the three layers, batches of successive training points, one after another.

use super::MeasuredError;
use super::data::{Data, MODES, Slope};
use super::network::Network;
use nalgebra::DMatrix;
use phaseloom_hardware::{Chip, ChipId, Process};

/// A key of the measured gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredGradient {
    /// Key of the source's dictionary; a label.
    pub key: u32,
    /// Components.
    pub count: usize,
    /// Cosine of expected and measured.
    pub cosine: f64,
    /// ‖measured‖/‖expected‖.
    pub ratio: f64,
}

/// The cosine of perfect and imperfect gradients over chips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelGradient {
    /// Points of a batch.
    pub batch: usize,
    /// Chips drawn.
    pub chips: usize,
    /// Mean over the chips.
    pub mean: f64,
    /// Standard error of the mean.
    pub mean_error: f64,
    /// Quantiles 5, 50 and 95 % over the chips.
    pub quantiles: [f64; 3],
}

/// Σab/√(Σa²Σb²).
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Each key by itself, in the order of the file.
pub(super) fn measured(slopes: &[Slope]) -> Vec<MeasuredGradient> {
    let mut keys: Vec<u32> = slopes.iter().map(|slope| slope.key).collect();
    keys.dedup();
    keys.into_iter()
        .map(|key| {
            let (expected, measured): (Vec<f64>, Vec<f64>) =
                slopes.iter().filter(|slope| slope.key == key).map(|slope| (slope.expected, slope.measured)).unzip();
            let norm = |a: &[f64]| a.iter().map(|x| x * x).sum::<f64>().sqrt();
            let ratio = norm(&measured) / norm(&expected);
            MeasuredGradient { key, count: expected.len(), cosine: cosine(&expected, &measured), ratio }
        })
        .collect()
}

/// Gradients of all training points in batches, joined.
fn joined(network: &Network, chip: &Chip, data: &Data, batch: usize) -> Result<Vec<f64>, MeasuredError> {
    let train: Vec<_> = data.points.iter().filter(|point| point.train).collect();
    let mut all = Vec::new();
    for points in train.chunks(batch) {
        let inputs = DMatrix::from_fn(MODES, points.len(), |r, c| points[c].input[r]);
        let labels: Vec<usize> = points.iter().map(|point| point.label).collect();
        all.extend(network.slopes(chip, &inputs, &labels)?);
    }
    Ok(all)
}

/// The cosine on `chips` chips of a process, for each size of batch.
///
/// # Errors
///
/// An impossible process.
pub(super) fn model(
    network: &Network,
    data: &Data,
    process: &Process,
    chips: usize,
    batches: &[usize],
) -> Result<Vec<ModelGradient>, MeasuredError> {
    let perfect = Chip::nominal(&Process::default(), network.program())?;
    batches
        .iter()
        .map(|&batch| {
            let exact = joined(network, &perfect, data, batch)?;
            let mut cosines = Vec::with_capacity(chips);
            for trial in 0..chips {
                let sample = ChipId { seed: 1, trial: trial as u64, core: 0 };
                let chip = Chip::fabricate(process, network.program(), sample)?;
                cosines.push(cosine(&exact, &joined(network, &chip, data, batch)?));
            }
            cosines.sort_by(f64::total_cmp);
            let n = chips as f64;
            let mean = cosines.iter().sum::<f64>() / n;
            let variance = cosines.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let quantile = |q: f64| {
                let at = q * (n - 1.0);
                let (k, share) = (at.floor() as usize, at.fract());
                cosines[k] + share * (cosines[(k + 1).min(chips - 1)] - cosines[k])
            };
            let quantiles = [quantile(0.05), quantile(0.5), quantile(0.95)];
            Ok(ModelGradient { batch, chips, mean, mean_error: (variance / n).sqrt(), quantiles })
        })
        .collect()
}
