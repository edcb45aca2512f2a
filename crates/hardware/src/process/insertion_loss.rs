//! Loss of every interferometer, in dB of power, and unequal loss of its two inner arms.
//!
//! ```text
//!  ╲  ╱── θ ── loss + imbalance ──╲  ╱
//!   ╳                              ╳      a negative imbalance burdens the lower arm instead
//!  ╱  ╲─────── loss ──────────────╱  ╲
//! ```
//!
//! Where waveguides cross, every crossing takes its part. Equal loss in a rectangular mesh is nearly one factor (every path
//! meets N−1 cells on the average); in a triangular mesh it is not. Unequal arms make a cell non-unitary and its extinction
//! finite. `loss_db` is that of two splitters and two shifters in a row; cells of more or fewer lose by their
//! [`Cell::length`](phaseloom_mesh::Cell::length). Idle waveguides, and shifters outside of cells, lose nothing.

use super::{Imperfection, MeshSize};
use crate::process::stage_errors::StageErrors;
use phaseloom_files::toml_file::{InvalidValue, at_least};
use phaseloom_numerics::{Normals, exponentials};
use serde::{Deserialize, Serialize};

/// `[insertion_loss]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsertionLoss {
    /// Power loss of every plain interferometer, common to both arms (dB), ≥ 0.
    #[serde(default)]
    pub loss_db: f64,
    /// Mean of the further loss of the upper arm, where θ stands (dB); negative: of the lower arm.
    #[serde(default)]
    pub imbalance_db: f64,
    /// Standard deviation of that further loss between interferometers (dB).
    #[serde(default)]
    pub imbalance_sigma_db: f64,
    /// Power loss of every crossing of two waveguides (dB), ≥ 0. What light loses on its way to a cell counts as the mean of
    /// both its inputs, common to both arms.
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

/// Amplitudes of the upper and the lower arm of a cell, both `common` but for the arm that the imbalance (dB) burdens.
pub(crate) fn arms(common: f64, imbalance_db: f64) -> (f64, f64) {
    burden(common, imbalance_db, amplitude(imbalance_db.abs()))
}

/// The same where the amplitude of the imbalance is known.
fn burden(common: f64, imbalance_db: f64, amplitude: f64) -> (f64, f64) {
    let burdened = common * amplitude;
    if imbalance_db > 0.0 { (burdened, common) } else { (common, burdened) }
}

/// Amplitude transmissions of power losses in dB, in their place.
fn amplitudes(losses_db: &mut [f64]) {
    losses_db.iter_mut().for_each(|loss| *loss *= -std::f64::consts::LN_10 / 20.0);
    exponentials(losses_db);
}

impl InsertionLoss {
    /// Sets both arms of every cell; `z` are the draws of its imbalance.
    fn apply(&self, stage: &mut StageErrors, z: &[f64]) {
        let imbalance_db = |z: &f64| self.imbalance_db + self.imbalance_sigma_db * z;
        let mut burdened: Vec<f64> = z.iter().map(|z| imbalance_db(z).abs()).collect();
        amplitudes(&mut burdened);
        let usual = amplitude(stage.cell.length() * self.loss_db);
        for (cell, (z, amplitude)) in stage.cell_errors.iter_mut().zip(z.iter().zip(burdened)) {
            (cell.upper_transmission, cell.lower_transmission) = burden(usual, imbalance_db(z), amplitude);
        }
        if self.crossing_db > 0.0 {
            let mut crossed: Vec<f64> = stage.crossings.iter().map(|count| self.crossing_db * count).collect();
            amplitudes(&mut crossed);
            for (cell, amplitude) in stage.cell_errors.iter_mut().zip(crossed) {
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

    fn fabricate(&self, draws: &mut Normals<f64>, stage: &mut StageErrors) {
        let mut z = vec![0.0; stage.cell_errors.len()];
        draws.fill(&mut z);
        self.apply(stage, &z);
    }

    fn fabricate_nominal(&self, stage: &mut StageErrors) {
        let cells = stage.cell_errors.len();
        self.apply(stage, &vec![0.0; cells]);
    }

    /// Random imbalance D ~ N(0, s²), c = ln 10/20: what no common factor undoes, `½(N−1)c²s²(1 − 1/π)`, and the
    /// mean loss of the burdened arms, `(N−1)cs/√(2π)` of amplitude, which the nominal gain does not know (derived).
    fn mesh_error_squared(&self, mesh: &MeshSize) -> f64 {
        let cells = mesh.cells;
        let nepers = std::f64::consts::LN_10 / 20.0 * self.imbalance_sigma_db;
        let spread = 0.5 * cells * nepers * nepers * (1.0 - std::f64::consts::FRAC_1_PI);
        spread + (cells * nepers).powi(2) / std::f64::consts::TAU
    }
}
