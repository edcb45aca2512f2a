//! Static phase error: every phase shifter (θ, φ, output) has an offset ~ N(0, σ²) in rad, frozen at fabrication.
//!
//! An offset δ changes a mesh by `‖·‖_F² = δ²` to first order. The N² phases of a mesh of N ports give `E = σ√N`
//! (docs/physics.md, Fabrication errors).

use super::variation::{Component, Variation, counted_variance};
use super::{ComponentErrors, Imperfection, per_mode};
use crate::process::stage_errors::StageErrors;
use phaseloom_files::{InvalidValue, read_key, spread_rad};
use phaseloom_mesh::{Phases, Stage};
use phaseloom_numerics::NormalStream;
use serde::{Deserialize, Serialize};

/// Table `[phase_error]` of a process file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseError {
    /// Standard deviation of the static offset of every phase (rad): θ, φ, output and boundary phases. Range: 0…10⁶.
    pub sigma_rad: f64,
    /// Parts that add to these independent normal errors: shared by a wafer, by a die or by neighbours, or with the tolerance of
    /// a maker.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variation: Option<Variation>,
}

impl PhaseError {
    /// Independent normal errors of a standard deviation (rad).
    #[must_use]
    pub fn normal(sigma_rad: f64) -> Self {
        Self { sigma_rad, variation: None }
    }

    /// Variance of independent errors (rad²).
    fn independent_variance(&self) -> f64 {
        read_key!("process.phase_error", self.sigma_rad).powi(2)
            + self.variation.as_ref().map_or(0.0, Variation::independent_variance)
    }
}

/// Adds normal deviates of standard deviation `sigma_rad` to all phases.
pub(super) fn add_normal(deviates: &mut NormalStream<f64>, sigma_rad: f64, phases: &mut Phases) {
    let mut z = [0.0; 128];
    for phases in phases.values_mut().chunks_mut(z.len()) {
        let z = &mut z[..phases.len()];
        deviates.fill(z);
        phases.iter_mut().zip(z).for_each(|(phase, z)| *phase += sigma_rad * *z);
    }
}

impl Imperfection for PhaseError {
    fn check(&self) -> Result<(), InvalidValue> {
        spread_rad("sigma_rad", self.sigma_rad)?;
        self.variation.as_ref().map_or(Ok(()), Variation::check)
    }

    fn variation(&self) -> Option<(&Variation, Component)> {
        self.variation.as_ref().map(|variation| (variation, Component::Phase))
    }

    fn fabricate(&self, deviates: &mut NormalStream<f64>, stage: &mut StageErrors) {
        add_normal(deviates, read_key!("process.phase_error", self.sigma_rad), &mut stage.offsets);
    }

    fn mesh_error_squared(&self, mesh: &Stage) -> f64 {
        let sigma = read_key!("process.phase_error", self.sigma_rad);
        (sigma.powi(2) + counted_variance(self.variation.as_ref(), mesh)) * per_mode(mesh, mesh.phases().values().len())
    }

    /// `T11 = i e^{iθ/2} e^{iφ} sin(θ/2)`: |∂/∂φ|² = t², |∂/∂θ|² = 1/4.
    fn attenuator_error_squared(&self, transmission: f64) -> f64 {
        self.independent_variance() * (transmission * transmission + 0.25)
    }

    fn component_errors(&self) -> ComponentErrors {
        ComponentErrors { phase: self.independent_variance(), ..ComponentErrors::default() }
    }
}
