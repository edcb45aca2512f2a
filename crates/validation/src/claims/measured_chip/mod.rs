//! A real chip: six interferometers on four modes that run a network of three layers in turn (Pai et al., Science 380,
//! 398, 2023; data from the repository of the authors, see [`SOURCE`](data::SOURCE)).
//!
//! The error levels of our process are fitted to one part of the measured outputs ([`ProcessFit`]); the most probable
//! chip then predicts the other part. Beside it stand the ideal network and the ideal network with a constant bias. One
//! chip is one draw, so the levels have wide intervals, by profile likelihood.
//!
//! What a fit can and cannot tell here:
//! * the same six cells run all three layers, so each error shows in three places; output phases move no power;
//! * a level stands for whatever acts like it: imbalance of arms also for unequal efficiency of the output gratings and
//!   pixels (in a trial outside this crate, four such efficiencies in its place had the same evidence and residual), all
//!   levels in part for the generator of input vectors, which is not modelled;
//! * the bias is nearly what some errors do to all points alike: once they are fitted, it is known to 0.01…0.02 only;
//! * errors of a heater that depend on its setting (a wrong calibration curve, crosstalk) are no static offset and end in
//!   the noise, which therefore is not only noise of the measurement;
//! * points share inputs and settings, so residuals of neighbouring points are correlated, while the noise of the model
//!   is white: intervals are too narrow by an amount that these data cannot tell;
//! * the model with imbalance was chosen after a look at all points; both models are reported.

pub mod data;
pub mod gradients;
pub mod network;
#[cfg(test)]
mod tests;

use data::{Data, MODES, Point, power_fraction, probability};
use gradients::{MeasuredGradient, ModelGradient};
use nalgebra::DMatrix;
use network::Network;
use phaseloom_hardware::{
    Chip, HardwareError, InsertionLoss, Level, PhaseError, Process, ProcessFit, Profile, SplitterError,
};
use phaseloom_mesh::MeshError;
use std::path::{Path, PathBuf};

/// What can go wrong with the data set.
#[derive(Debug, thiserror::Error)]
pub enum MeasuredError {
    /// The data are not there.
    #[error("{}: no moons-unitaries.json there: expected the data set made from {}", folder.display(), data::SOURCE)]
    Absent {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is not JSON of the expected form.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser said, with line and column.
        source: serde_json::Error,
    },
    /// A file that is not what it should be.
    #[error("{}, line {line}: found {found}, expected {expected}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: String,
    },
    /// The mesh or the chip refused.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// The mesh refused a unitary.
    #[error(transparent)]
    Mesh(#[from] MeshError),
}

/// How far predictions are from what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// Root mean square error of the power fraction, and its standard error over points taken as independent.
    pub fraction: (f64, f64),
    /// The same of p0.
    pub p0: (f64, f64),
}

/// One model, fitted to one part of the points.
#[derive(Clone, Debug)]
pub struct ModelResult {
    /// Its levels with their bounds.
    pub levels: Vec<(Level, Profile)>,
    /// Spread of what no error explains (power fraction).
    pub noise: Profile,
    /// Constant bias of the power fraction and its standard error.
    pub bias: (f64, f64),
    /// ln of the evidence; −∞…∞.
    pub log_evidence: f64,
    /// On the points of the fit.
    pub fitted: Residual,
    /// On the other points.
    pub held_out: Residual,
    /// Mean square error of the fraction of the ideal network with bias minus that of the model, both on held-out
    /// points, with its standard error: what the model gains, paired.
    pub gain: (f64, f64),
}

/// One way to divide the points.
#[derive(Clone, Debug)]
pub struct SplitResult {
    /// Which points were fitted and which predicted.
    pub name: &'static str,
    /// Points fitted.
    pub fitted: usize,
    /// Points predicted.
    pub held_out: usize,
    /// The ideal network on held-out points.
    pub ideal: Residual,
    /// The ideal network with the mean residual of the fitted points.
    pub biased: Residual,
    /// That bias: of the power fraction and of p0.
    pub bias: (f64, f64),
    /// The evidence of bias and noise alone, to compare with that of the models.
    pub biased_log_evidence: f64,
    /// Splitters and phases; the same and unequal arms.
    pub models: Vec<ModelResult>,
}

/// All numbers of the comparison.
#[derive(Clone, Debug)]
pub struct MeasuredChip {
    /// Points.
    pub points: usize,
    /// Largest difference between p0 of our ideal network and that of the authors.
    pub p0_recomputed: f64,
    /// Every second point to the others, the reverse, and training to test points.
    pub splits: Vec<SplitResult>,
    /// Cosines that were measured.
    pub measured_gradients: Vec<MeasuredGradient>,
    /// Cosines on chips of the levels of the first split: splitters and phases, then unequal arms too.
    pub model_gradients: Vec<Vec<ModelGradient>>,
}

/// The models, simplest first.
pub const MODELS: [&[Level]; 2] =
    [&[Level::Splitter, Level::Phase], &[Level::Splitter, Level::Phase, Level::Imbalance]];

/// Reads the data set in `folder` and makes the whole comparison; some minutes of one core.
///
/// # Errors
///
/// [`MeasuredError::Absent`] where the data are not there, which is no failure of the simulator; malformed files.
pub fn measured_chip(folder: &Path) -> Result<MeasuredChip, MeasuredError> {
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
    let model_gradients = splits[0]
        .models
        .iter()
        .map(|model| gradients::model(&network, &data, &process(&model.levels), 200, &[1, 2, 4]))
        .collect::<Result<_, _>>()?;
    Ok(MeasuredChip {
        points: data.points.len(),
        p0_recomputed,
        splits,
        measured_gradients: gradients::measured(&data.slopes),
        model_gradients,
    })
}

/// The process of the most probable levels.
fn process(levels: &[(Level, Profile)]) -> Process {
    let mut process = Process::default();
    for (level, Profile { best, .. }) in levels {
        match level {
            Level::Splitter => {
                process.splitter_error = Some(SplitterError { sigma_rad: Some(*best), ..SplitterError::default() });
            }
            Level::Phase => process.phase_error = Some(PhaseError { sigma_rad: *best }),
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

fn ideal_fractions(network: &Network, data: &Data, points: &[usize]) -> Result<Vec<f64>, MeasuredError> {
    let perfect = Chip::nominal(&Process::default(), network.program())?;
    Ok(network.fractions(&perfect, &inputs(data, points))?)
}

fn split(
    name: &'static str,
    network: &Network,
    data: &Data,
    fitted: &[usize],
    held_out: &[usize],
) -> Result<SplitResult, MeasuredError> {
    let of = |points: &[usize]| -> Vec<&Point> { points.iter().map(|&k| &data.points[k]).collect() };
    let (fitted_points, held_out_points) = (of(fitted), of(held_out));
    let measured: Vec<f64> = fitted_points.iter().map(|point| power_fraction(point.chip)).collect();
    let n = measured.len() as f64;
    let ideal_fitted = ideal_fractions(network, data, fitted)?;
    let ideal = ideal_fractions(network, data, held_out)?;
    let residuals: Vec<f64> = measured.iter().zip(&ideal_fitted).map(|(y, f)| y - f).collect();
    let bias = residuals.iter().sum::<f64>() / n;
    let p0_bias =
        ideal_fitted.iter().zip(&fitted_points).map(|(f, point)| point.chip[0] - probability(*f)).sum::<f64>() / n;
    // Bias of flat prior and white noise, in the constants of the fits:
    // −2 ln p = Σr²/s² + n ln 2πs² + ln(n/s²), least at s² = Σr²/(n−1).
    let squares: f64 = residuals.iter().map(|r| (r - bias).powi(2)).sum();
    let s2 = squares / (n - 1.0);
    let biased_log_evidence = -0.5 * (n - 1.0 + n * (std::f64::consts::TAU * s2).ln() + (n / s2).ln());
    let shifted: Vec<f64> = ideal.iter().map(|f| f + bias).collect();
    let ideal_p0: Vec<f64> = ideal.iter().map(|f| probability(*f)).collect();
    let shifted_p0: Vec<f64> = ideal_p0.iter().map(|p| p + p0_bias).collect();
    let models = MODELS
        .iter()
        .map(|levels| {
            let inputs_fitted = inputs(data, fitted);
            let respond = |chip: &Chip| network.fractions(chip, &inputs_fitted);
            let fit = ProcessFit::new(network.program(), levels, &measured, &respond)?;
            let best = fit.best()?;
            let profiles: Vec<Profile> =
                (0..=levels.len()).map(|k| fit.profile(&best, k)).collect::<Result<_, HardwareError>>()?;
            let predict = |points: &[usize]| -> Result<Vec<f64>, HardwareError> {
                Ok(network.fractions(&best.chip, &inputs(data, points))?.iter().map(|f| f + best.bias).collect())
            };
            let (here, there) = (predict(fitted)?, predict(held_out)?);
            let gains: Vec<f64> = (held_out_points.iter().zip(&shifted).zip(&there))
                .map(|((point, b), c)| {
                    let y = power_fraction(point.chip);
                    (y - b).powi(2) - (y - c).powi(2)
                })
                .collect();
            Ok(ModelResult {
                levels: levels.iter().copied().zip(profiles.iter().copied()).collect(),
                noise: profiles[levels.len()],
                bias: (best.bias, best.bias_error),
                log_evidence: best.log_evidence,
                fitted: residual(&fitted_points, &here, &probabilities(&here)),
                held_out: residual(&held_out_points, &there, &probabilities(&there)),
                gain: mean(&gains),
            })
        })
        .collect::<Result<Vec<_>, MeasuredError>>()?;
    Ok(SplitResult {
        name,
        fitted: fitted.len(),
        held_out: held_out.len(),
        ideal: residual(&held_out_points, &ideal, &ideal_p0),
        biased: residual(&held_out_points, &shifted, &shifted_p0),
        bias: (bias, p0_bias),
        biased_log_evidence,
        models,
    })
}

fn probabilities(fractions: &[f64]) -> Vec<f64> {
    fractions.iter().map(|f| probability(*f)).collect()
}

fn residual(points: &[&Point], fractions: &[f64], p0: &[f64]) -> Residual {
    let squares = |measured: &dyn Fn(&Point) -> f64, predicted: &[f64]| -> (f64, f64) {
        let squares: Vec<f64> = points.iter().zip(predicted).map(|(p, f)| (measured(p) - f).powi(2)).collect();
        let (square, error) = mean(&squares);
        (square.sqrt(), error / (2.0 * square.sqrt()))
    };
    Residual { fraction: squares(&|p| power_fraction(p.chip), fractions), p0: squares(&|p| p.chip[0], p0) }
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt())
}
