//! The statistics of one row at one point: scores of the chips, differences from the reference, results of the layers.

use crate::score::Quantity;
use crate::store::record::{LayerResult, Record, Row};
use crate::store::shot::{OutputErrors, ShotResult, ValueErrors};
use phaseloom_numerics::statistics::{mean, quantile, variance};

/// Scores of one row at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Kind of row.
    pub row: Row,
    /// Index of the point.
    pub point: usize,
    /// Number of chips, or 1 for the other rows.
    pub chips: usize,
    /// Score of each chip, mean over its shots.
    pub scores: Vec<f64>,
    /// Standard error of the score due to the finite test set. It is common to all chips. NaN if it is unknown.
    ///
    /// Of a share p of n samples, it is √(p(1−p)/n).
    pub test_se: f64,
    /// Mean of the score minus that of the floating-point reference on the same samples.
    pub difference: f64,
    /// Standard error of the difference: between chips, or paired over samples if there is one chip.
    pub difference_se: f64,
    /// The other quantities of the task, means over chips.
    pub others: Vec<(Quantity, f64)>,
    /// Relative rms difference of the outputs from those of the floating-point reference, mean over chips and shots.
    pub output_difference: Option<f64>,
    /// A loss of the score up to this counts as none.
    pub tolerance: f64,
    /// Standard deviation between chips without the part due to shots (two shots or more).
    pub sd_chips: Option<f64>,
    /// Standard deviation between shots of one chip (two shots or more).
    pub sd_shots: Option<f64>,
    /// Results of each layer, means over chips.
    pub layers: Vec<LayerResult>,
}

impl Summary {
    pub(super) fn new(row: Row, point: usize, records: &[&Record]) -> Self {
        let per_shot = |f: &dyn Fn(&ShotResult, u64) -> f64| -> Vec<Vec<f64>> {
            records.iter().map(|r| r.shots.iter().map(|s| f(s, r.samples)).collect()).collect()
        };
        let chip_means = |all: &[Vec<f64>]| -> Vec<f64> { all.iter().map(|shots| mean(shots)).collect() };
        let overall = |f: &dyn Fn(&ShotResult, u64) -> f64| mean(&chip_means(&per_shot(f)));
        let of_shots = per_shot(&|shot, samples| shot.value(samples));
        let scores = chip_means(&of_shots);
        let differences = chip_means(&per_shot(&|shot, samples| shot.difference(samples)));
        let first = records.first().and_then(|record| Some((record.shots.first()?, record.samples)));
        let n = first.map_or(1.0, |(_, samples)| samples as f64);
        let (p, difference) = (mean(&scores), mean(&differences));
        let of_share = |p: f64| (p * (1.0 - p) / n).sqrt();
        // The standard errors over samples: of the score, and of the difference of one chip.
        let (test_se, paired_se) = match first.map(|(shot, _)| shot) {
            None | Some(ShotResult::Classes(_)) => {
                let count = |shot: &ShotResult| shot.class_counts().map_or(0, |counts| counts.gained + counts.lost);
                // The positions of a sample err together, so that the number of samples counts, not that of positions.
                let discordant = overall(&|shot, samples| count(shot) as f64 / shot.judged(samples) as f64);
                (of_share(p), ((discordant - difference * difference) / n).max(0.0).sqrt())
            }
            Some(ShotResult::Values(_)) => {
                let of_values = |f: fn(&ValueErrors) -> f64| {
                    overall(&|shot, _| if let ShotResult::Values(errors) = shot { f(errors) } else { f64::NAN })
                };
                (of_values(|errors| errors.rms_error_se), of_values(|errors| errors.difference_se))
            }
            Some(ShotResult::Outputs(OutputErrors { same: Some(_), .. })) => (of_share(p), of_share(p)),
            Some(ShotResult::Outputs(_)) => (f64::NAN, f64::NAN),
        };
        let shots = of_shots.first().map_or(1, Vec::len);
        let within = mean(&of_shots.iter().map(|c| variance(c)).collect::<Vec<_>>());
        let between = variance(&scores);
        let repeated = shots >= 2;
        let all_shots = records.iter().flat_map(|record| &record.shots);
        let output_differences: Vec<f64> = all_shots.filter_map(ShotResult::output_difference).collect();
        let quantities = first.map_or_else(Vec::new, |(shot, samples)| shot.others(samples));
        let other = |(i, (quantity, _)): (usize, (Quantity, f64))| {
            (quantity, overall(&|shot, samples| shot.others(samples).get(i).map_or(f64::NAN, |(_, value)| *value)))
        };
        Self {
            row,
            point,
            chips: records.len(),
            test_se,
            difference,
            difference_se: match differences.len() {
                1 => paired_se,
                chips => (variance(&differences) / chips as f64).sqrt(),
            },
            output_difference: (!output_differences.is_empty()).then(|| mean(&output_differences)),
            others: quantities.into_iter().enumerate().map(other).collect(),
            tolerance: first.map_or(0.0, |(shot, _)| shot.tolerance()),
            sd_chips: repeated.then(|| (between - within / shots as f64).max(0.0).sqrt()),
            sd_shots: repeated.then(|| within.sqrt()),
            layers: mean_layers(records),
            scores,
        }
    }

    /// Mean score over chips.
    #[must_use]
    pub fn mean(&self) -> f64 {
        mean(&self.scores)
    }

    /// Standard deviation between chips.
    #[must_use]
    pub fn sd(&self) -> f64 {
        variance(&self.scores).sqrt()
    }

    /// Standard error of the mean over chips.
    #[must_use]
    pub fn se(&self) -> f64 {
        self.sd() / (self.chips as f64).sqrt()
    }

    /// Quantile over chips (type 7); see [`quantile`](phaseloom_numerics::statistics::quantile).
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        quantile(&self.scores, p)
    }
}

fn mean_layers(records: &[&Record]) -> Vec<LayerResult> {
    let Some(first) = records.first() else { return Vec::new() };
    first
        .layers
        .iter()
        .enumerate()
        .map(|(i, layer)| {
            let average = |f: fn(&LayerResult) -> f64| {
                mean(&records.iter().filter_map(|r| r.layers.get(i)).map(f).collect::<Vec<_>>())
            };
            LayerResult {
                layer: layer.layer,
                matrix_error: average(|l| l.matrix_error * l.matrix_error).sqrt(),
                measured_error: average(|l| l.measured_error * l.measured_error).sqrt(),
                readout_bits: average(|l| l.readout_bits),
                clipped_inputs: average(|l| l.clipped_inputs),
                clipped_outputs: average(|l| l.clipped_outputs),
                photoelectrons: average(|l| l.photoelectrons),
                design: None,
            }
        })
        .collect()
}
