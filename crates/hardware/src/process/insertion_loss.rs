//! Insertion loss: loss of every cell in dB of power, and unequal loss of its two inner arms.
//!
//! ```text
//!  ╲  ╱── θ ── loss + imbalance ──╲  ╱
//!   ╳                              ╳      a negative imbalance acts on the lower arm
//!  ╱  ╲─────── loss ──────────────╱  ╲
//! ```
//!
//! A loss of L dB multiplies amplitudes by 10^(−L/20). Equal loss acts on a rectangular mesh nearly as one factor, because
//! every path passes N−1 cells on the average; on a triangular mesh it does not. Unequal arms limit the extinction.
//! `loss_db` is the loss of two splitters and two shifters in series; other cells scale it by their
//! [`Cell::length`](phaseloom_mesh::Cell::length). Waveguides and shifters outside of cells have no loss
//! (docs/physics.md, Loss).

use super::{ComponentErrors, Imperfection, cells_passed};
use crate::process::stage_errors::StageErrors;
use phaseloom_files::{InvalidValue, at_least, read_key};
use phaseloom_mesh::Stage;
use phaseloom_numerics::{NormalStream, exp_in_place};
use serde::{Deserialize, Serialize};

/// Table `[insertion_loss]` of a process file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InsertionLoss {
    /// Loss of each plain interferometer (dB of power): two splitters and two phase shifters in a row, on both arms. Of
    /// a cell `three_splitters` it is 1.25, of `symmetric` 0.75 and of `coupler` 0.5 of this, because every splitter
    /// and phase shifter is assumed to lose the same. Output and boundary phase shifters lose nothing. Range: ≥ 0.
    #[serde(default)]
    pub loss_db: f64,
    /// Mean further loss of the upper inner arm (dB of power); if negative, of the lower arm.
    #[serde(default)]
    pub imbalance_db: f64,
    /// Standard deviation of that further loss between interferometers (dB of power). Range: ≥ 0.
    #[serde(default)]
    pub imbalance_sigma_db: f64,
    /// Loss of each crossing of two waveguides (dB of power), between columns or in a cell. The loss on the way to a
    /// cell counts as the mean of its two inputs. Range: ≥ 0.
    /// Default: `0`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crossing_db: f64,
}

fn is_zero(value: &f64) -> bool {
    *value <= 0.0
}

/// Amplitude transmission of a power loss in dB: 10^(−L/20).
pub(crate) fn amplitude(loss_db: f64) -> f64 {
    (loss_db * (-std::f64::consts::LN_10 / 20.0)).exp()
}

/// Amplitude transmissions of the upper and the lower arm: `common`, with the imbalance (dB) on one of them.
pub(crate) fn arms(common: f64, imbalance_db: f64) -> (f64, f64) {
    unequal_arms(common, imbalance_db, amplitude(imbalance_db.abs()))
}

/// [`arms`] with the amplitude transmission of the imbalance known.
fn unequal_arms(common: f64, imbalance_db: f64, amplitude: f64) -> (f64, f64) {
    let attenuated = common * amplitude;
    if imbalance_db > 0.0 { (attenuated, common) } else { (common, attenuated) }
}

/// Replaces power losses (dB) by amplitude transmissions.
fn amplitudes(losses_db: &mut [f64]) {
    losses_db.iter_mut().for_each(|loss| *loss *= -std::f64::consts::LN_10 / 20.0);
    exp_in_place(losses_db);
}

impl InsertionLoss {
    /// Standard deviation of the imbalance as the logarithm of an amplitude.
    fn imbalance_sigma_nepers(&self) -> f64 {
        std::f64::consts::LN_10 / 20.0 * read_key!("process.insertion_loss", self.imbalance_sigma_db)
    }

    /// Sets both arms of every cell; `z` are the standard normal deviates of the imbalance.
    fn apply(&self, stage: &mut StageErrors, z: &[f64]) {
        let mean_db = read_key!("process.insertion_loss", self.imbalance_db);
        let sigma_db = read_key!("process.insertion_loss", self.imbalance_sigma_db);
        let imbalance_db = |z: &f64| mean_db + sigma_db * z;
        let mut imbalances: Vec<f64> = z.iter().map(|z| imbalance_db(z).abs()).collect();
        amplitudes(&mut imbalances);
        let common = amplitude(stage.cell.length() * read_key!("process.insertion_loss", self.loss_db));
        for (cell, (z, amplitude)) in stage.cell_errors.iter_mut().zip(z.iter().zip(imbalances)) {
            (cell.upper_transmission, cell.lower_transmission) = unequal_arms(common, imbalance_db(z), amplitude);
        }
        // Most meshes have no crossing, and then no loss of it.
        let crossing_db =
            if stage.crossings.is_empty() { 0.0 } else { read_key!("process.insertion_loss", self.crossing_db) };
        if crossing_db > 0.0 {
            let mut crossing_losses: Vec<f64> = stage.crossings.iter().map(|count| crossing_db * count).collect();
            amplitudes(&mut crossing_losses);
            for (cell, amplitude) in stage.cell_errors.iter_mut().zip(crossing_losses) {
                cell.upper_transmission *= amplitude;
                cell.lower_transmission *= amplitude;
            }
        }
    }
}

impl Imperfection for InsertionLoss {
    fn check(&self) -> Result<(), InvalidValue> {
        at_least("loss_db", self.loss_db, 0.0)?;
        at_least("crossing_db", self.crossing_db, 0.0)?;
        at_least("imbalance_sigma_db", self.imbalance_sigma_db, 0.0)?;
        if !self.imbalance_db.is_finite() {
            return Err(InvalidValue::new("imbalance_db", self.imbalance_db, "a finite number"));
        }
        Ok(())
    }

    fn fabricate(&self, deviates: &mut NormalStream<f64>, stage: &mut StageErrors) {
        let mut z = vec![0.0; stage.cell_errors.len()];
        deviates.fill(&mut z);
        self.apply(stage, &z);
    }

    fn fabricate_nominal(&self, stage: &mut StageErrors) {
        let cells = stage.cell_errors.len();
        self.apply(stage, &vec![0.0; cells]);
    }

    /// Random imbalance D ~ N(0, s²), with c = ln 10/20, has two parts. No common factor compensates
    /// `½(N−1)c²s²(1 − 1/π)`. The nominal gain does not include the mean loss of the arms, `(N−1)cs/√(2π)` of amplitude.
    fn mesh_error_squared(&self, mesh: &Stage) -> f64 {
        let (cells, nepers) = (cells_passed(mesh), self.imbalance_sigma_nepers());
        let spread = 0.5 * cells * nepers * nepers * (1.0 - std::f64::consts::FRAC_1_PI);
        spread + (cells * nepers).powi(2) / std::f64::consts::TAU
    }

    /// The loss of an arm is the positive or the negative part of the imbalance `D ~ N(μ, s²)`. With `z = μ/s`, the normal
    /// density n and distribution Φ: `⟨D₊⟩ = μΦ + s·n`, `⟨D₊²⟩ = (μ² + s²)Φ + μs·n`, `⟨D₋⟩ = ⟨D₊⟩ − μ`, `⟨D₊D₋⟩ = 0`.
    fn component_errors(&self) -> ComponentErrors {
        let s = self.imbalance_sigma_nepers();
        if s <= 0.0 {
            return ComponentErrors::default();
        }
        let mu = std::f64::consts::LN_10 / 20.0 * read_key!("process.insertion_loss", self.imbalance_db);
        let z = mu / s;
        let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let distribution = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        let upper = mu * distribution + s * density;
        let upper_squared = (mu * mu + s * s) * distribution + mu * s * density;
        let (lower, lower_squared) = (upper - mu, mu * mu + s * s - upper_squared);
        ComponentErrors {
            arm_mean: [mu.max(0.0) - upper, (-mu).max(0.0) - lower],
            arm_variance: [upper_squared - upper * upper, lower_squared - lower * lower, -upper * lower],
            ..ComponentErrors::default()
        }
    }
}
