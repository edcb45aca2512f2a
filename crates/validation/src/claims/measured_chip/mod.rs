//! A real chip of six interferometers on four modes that runs a network of three layers, one after another.
//!
//! Pai et al., Science 380, 398 (2023); data from the repository of the authors, see [`SOURCE`](data::SOURCE). The error
//! levels of a process are fitted to one part of the measured outputs ([`ProcessFit`]). The most probable chip then
//! predicts the other part. The references are the ideal network, and the ideal network with a constant bias. One chip
//! is one draw, so the levels have wide intervals, by profile likelihood.
//!
//! Limits of the fit:
//! * The same six cells run all three layers, so each error acts in three places. Output phases move no power.
//! * A level also absorbs other errors that act like it. Imbalance of the arms includes unequal efficiencies of output
//!   gratings and pixels: in a trial outside this crate, four such efficiencies in place of the imbalance had the same
//!   evidence and residual. All levels include a part of the generator of input vectors, which is not modelled.
//! * Some errors move all points alike and are nearly a bias. Once they are fitted, the bias is known to 0.01…0.02 only.
//! * Errors of a heater that depend on its phase (a wrong calibration curve, crosstalk) are no static offset. They are
//!   counted as noise, which therefore is not only noise of the measurement.
//! * Points share inputs and phases, so residuals of neighbouring points are correlated, while the model has white noise.
//!   The intervals are too narrow by an amount that these data do not determine.
//! * The model with imbalance was chosen after a look at all points. Both models are reported.

pub mod data;
pub mod gradients;
pub mod network;
#[cfg(test)]
mod tests;

use crate::error::ValidationError;
use data::{Data, MODES, power_fraction, probability};
use nalgebra::DMatrix;
use network::Network;
use phaseloom_hardware::{
    Chip, HardwareError, InsertionLoss, Level, PhaseError, Process, ProcessFit, Profile, SplitterError,
};
use std::path::Path;

/// A value and its standard error.
pub type Uncertain = (f64, f64);

/// One model, fitted to one part of the points.
#[derive(Clone, Debug)]
pub struct ModelResult {
    /// Its levels with their bounds.
    pub levels: Vec<(Level, Profile)>,
    /// Constant bias of the power fraction.
    pub bias: Uncertain,
    /// Root mean square error of the power fraction on the other points.
    pub held_out: Uncertain,
    /// Mean square error of the ideal network with bias minus that of the model, paired, on the other points.
    pub gain: Uncertain,
}

/// One way to divide the points, with root mean square errors of the power fraction on those that were not fitted.
#[derive(Clone, Debug)]
pub struct SplitResult {
    /// The fitted and the predicted points.
    pub name: &'static str,
    /// Number of predicted points.
    pub held_out: usize,
    /// The ideal network.
    pub ideal: Uncertain,
    /// The ideal network with the mean residual of the fitted points.
    pub biased: Uncertain,
    /// Splitters and phases; the same with unequal arms.
    pub models: Vec<ModelResult>,
}

/// All numbers of the comparison.
#[derive(Clone, Debug)]
pub struct MeasuredChip {
    /// Maximum difference between p0 of our ideal network and that of the authors.
    pub p0_recomputed: f64,
    /// Even to odd points, odd to even points, and training to test points.
    pub splits: Vec<SplitResult>,
    /// Cosines of measured and computed gradients, one for each key of the data set.
    pub measured_cosines: Vec<f64>,
    /// Mean cosines on chips of the levels of the first split, for each model and size of batch.
    pub model_cosines: Vec<Vec<Uncertain>>,
}

/// The models, simplest first.
const MODELS: [&[Level]; 2] = [&[Level::Splitter, Level::Phase], &[Level::Splitter, Level::Phase, Level::Imbalance]];

/// Reads the data set in `folder` and computes the whole comparison; some minutes of one core.
///
/// # Errors
///
/// [`ValidationError::Absent`] without the data, which is no failure of the simulator; malformed files.
pub fn measured_chip(folder: &Path) -> Result<MeasuredChip, ValidationError> {
    let data = Data::read(folder)?;
    let network = Network::new(&data.unitaries)?;
    let all: Vec<usize> = (0..data.points.len()).collect();
    let ideal = ideal_fractions(&network, &data, &all)?;
    let p0_recomputed =
        ideal.iter().zip(&data.points).map(|(f, point)| (probability(*f) - point.ideal[0]).abs()).fold(0.0, f64::max);
    let (even, odd): (Vec<usize>, Vec<usize>) = all.iter().partition(|k| *k % 2 == 0);
    let (train, test): (Vec<usize>, Vec<usize>) = all.iter().partition(|k| data.points[**k].train);
    let splits = [
        ("even points of train and test to odd points", &even, &odd),
        ("odd points of train and test to even points", &odd, &even),
        ("train to test", &train, &test),
    ];
    let splits = splits
        .into_iter()
        .map(|(name, fitted, held_out)| split(name, &network, &data, fitted, held_out))
        .collect::<Result<Vec<_>, _>>()?;
    let model_cosines = splits[0]
        .models
        .iter()
        .map(|model| gradients::model(&network, &data, &process(&model.levels), 200, &[1, 2, 4]))
        .collect::<Result<_, _>>()?;
    let measured_cosines = gradients::measured(&data.slopes);
    Ok(MeasuredChip { p0_recomputed, splits, measured_cosines, model_cosines })
}

/// The process of the most probable levels.
fn process(levels: &[(Level, Profile)]) -> Process {
    let mut process = Process::default();
    for (level, Profile { best, .. }) in levels {
        match level {
            Level::Splitter => {
                process.splitter_error = Some(SplitterError { sigma_rad: Some(*best), ..SplitterError::default() });
            }
            Level::Phase => process.phase_error = Some(PhaseError::normal(*best)),
            Level::Imbalance => {
                process.insertion_loss = Some(InsertionLoss { imbalance_sigma_db: *best, ..InsertionLoss::default() });
            }
        }
    }
    process
}

fn inputs(data: &Data, points: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(MODES, points.len(), |r, c| data.points[points[c]].input[r])
}

fn ideal_fractions(network: &Network, data: &Data, points: &[usize]) -> Result<Vec<f64>, ValidationError> {
    let perfect = Chip::nominal(&Process::default(), network.program())?;
    Ok(network.fractions(&perfect, &inputs(data, points))?)
}

fn split(
    name: &'static str,
    network: &Network,
    data: &Data,
    fitted: &[usize],
    held_out: &[usize],
) -> Result<SplitResult, ValidationError> {
    let measured =
        |points: &[usize]| -> Vec<f64> { points.iter().map(|&k| power_fraction(data.points[k].chip)).collect() };
    let (measured_fitted, measured_held_out) = (measured(fitted), measured(held_out));
    let ideal_fitted = ideal_fractions(network, data, fitted)?;
    let ideal = ideal_fractions(network, data, held_out)?;
    let residuals = measured_fitted.iter().zip(&ideal_fitted).map(|(y, f)| y - f);
    let bias = residuals.sum::<f64>() / fitted.len() as f64;
    let biased: Vec<f64> = ideal.iter().map(|f| f + bias).collect();
    let models = MODELS
        .iter()
        .map(|levels| {
            let inputs_fitted = inputs(data, fitted);
            let respond = |chip: &Chip| network.fractions(chip, &inputs_fitted);
            let fit = ProcessFit::new(network.program(), levels, &measured_fitted, &respond)?;
            let best = fit.best()?;
            let level = |(k, &level): (usize, &Level)| Ok((level, fit.profile(&best, k)?));
            let fractions = network.fractions(&best.chip, &inputs(data, held_out))?;
            let predicted: Vec<f64> = fractions.iter().map(|f| f + best.bias).collect();
            let gains = measured_held_out.iter().zip(&biased).zip(&predicted);
            let gains: Vec<f64> = gains.map(|((y, b), p)| (y - b).powi(2) - (y - p).powi(2)).collect();
            Ok(ModelResult {
                levels: levels.iter().enumerate().map(level).collect::<Result<_, HardwareError>>()?,
                bias: (best.bias, best.bias_error),
                held_out: root_mean_square(&measured_held_out, &predicted),
                gain: mean(&gains),
            })
        })
        .collect::<Result<Vec<_>, ValidationError>>()?;
    Ok(SplitResult {
        name,
        held_out: held_out.len(),
        ideal: root_mean_square(&measured_held_out, &ideal),
        biased: root_mean_square(&measured_held_out, &biased),
        models,
    })
}

/// Root mean square difference, with its standard error for independent points.
fn root_mean_square(measured: &[f64], predicted: &[f64]) -> Uncertain {
    let squares: Vec<f64> = measured.iter().zip(predicted).map(|(y, f)| (y - f).powi(2)).collect();
    let (square, error) = mean(&squares);
    (square.sqrt(), error / (2.0 * square.sqrt()))
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> Uncertain {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt())
}
