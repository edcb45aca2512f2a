//! Splitter error: each splitter has the angle π/4 + α instead of π/4, with α ~ N(mean, σ²) in rad, frozen at fabrication.
//!
//! An error α changes a mesh by `‖·‖_F² = 2α²` to first order. The N(N−1) splitters of a mesh of N ports give
//! `E = σ√(2(N−1))` (docs/physics.md, Fabrication errors; Bandyopadhyay et al. 2021, Hamerly et al. 2022).

use super::variation::{Component, Variation, counted_variance};
use super::{ComponentErrors, Imperfection, cells_passed};
use crate::process::stage_errors::StageErrors;
use phaseloom_files::{InvalidValue, at_least, read_key, spread_rad};
use phaseloom_mesh::{Stage, cell};
use phaseloom_numerics::NormalStream;
use serde::{Deserialize, Serialize};

/// Table `[splitter_error]` of a process file: one of the three spreads, a common part, or both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SplitterError {
    /// Standard deviation of the splitting angle about π/4 (rad). At most one of the three spreads is given. Range:
    /// 0…10⁶.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_rad: Option<f64>,
    /// Standard deviation of the bar amplitude about 1/√2 (dimensionless); σ_rad ≈ √2 times this. It is the convention
    /// of Fang et al. 2019. Range: 0…0.25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_amplitude: Option<f64>,
    /// Standard deviation of the cross power about 1/2 (dimensionless); σ_rad ≈ this. A tolerance of 50 ± 2 % is 0.02.
    /// Range: 0…0.25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma_power: Option<f64>,
    /// Common part of all splitting angles (rad), caused by wavelength or etch depth. Range: −10⁶…10⁶.
    #[serde(default)]
    pub mean_rad: f64,
    /// Parts that add to these independent normal errors: shared by a wafer, by a die or by neighbours, or with the tolerance of
    /// a maker.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variation: Option<Variation>,
}

impl SplitterError {
    /// Error of one splitter (rad) as a function of a standard normal deviate.
    fn angle(&self) -> impl Fn(f64) -> f64 {
        let (spreads, mean_rad) = (self.spreads(), read_key!("process.splitter_error", self.mean_rad));
        move |z| {
            let random = match spreads {
                (Some(s), ..) => s * z,
                (_, Some(s), _) => cell::splitter_error_from_amplitude(s * z),
                (.., Some(s)) => cell::splitter_error_from_power(s * z),
                _ => 0.0,
            };
            mean_rad + random
        }
    }

    /// The three spreads. At most one is given.
    fn spreads(&self) -> (Option<f64>, Option<f64>, Option<f64>) {
        (
            read_key!("process.splitter_error", self.sigma_rad),
            read_key!("process.splitter_error", self.sigma_amplitude),
            read_key!("process.splitter_error", self.sigma_power),
        )
    }

    /// Variance of the angle (rad²) by independent errors, to first order.
    fn independent_variance(&self) -> f64 {
        let (angle, amplitude, power) = self.spreads();
        let sigma = angle.or(amplitude.map(|s| s * std::f64::consts::SQRT_2)).or(power).unwrap_or(0.0);
        sigma * sigma + self.variation.as_ref().map_or(0.0, Variation::independent_variance)
    }
}

impl Imperfection for SplitterError {
    fn check(&self) -> Result<(), InvalidValue> {
        let given = [
            ("sigma_rad", self.sigma_rad),
            ("sigma_amplitude", self.sigma_amplitude),
            ("sigma_power", self.sigma_power),
        ];
        if let Some(value) = self.sigma_rad {
            spread_rad("sigma_rad", value)?;
        }
        for (key, value) in &given[1..] {
            if let Some(value) = *value {
                at_least(key, value, 0.0)?;
                if value > 0.25 {
                    let expected = "at most 0.25: above, most splitters would be unphysical";
                    return Err(InvalidValue::new(*key, value, expected));
                }
            }
        }
        let names: Vec<&str> = given.iter().filter(|(_, v)| v.is_some()).map(|(k, _)| *k).collect();
        if names.len() > 1 {
            let expected = "only one of sigma_rad, sigma_amplitude, sigma_power";
            return Err(InvalidValue::new(names[1], format!("given together with `{}`", names[0]), expected));
        }
        if !self.mean_rad.is_finite() || self.mean_rad.abs() > 1e6 {
            return Err(InvalidValue::new("mean_rad", self.mean_rad, "an angle of at most 1e6 rad"));
        }
        self.variation.as_ref().map_or(Ok(()), Variation::check)
    }

    fn variation(&self) -> Option<(&Variation, Component)> {
        self.variation.as_ref().map(|variation| (variation, Component::Splitter))
    }

    fn fabricate(&self, deviates: &mut NormalStream<f64>, stage: &mut StageErrors) {
        let mut z = vec![[0.0; 2]; stage.cell_errors.len()];
        deviates.fill(z.as_flattened_mut());
        let (angle, second) = (self.angle(), stage.cell.splitters() > 1);
        for (cell, [alpha, beta]) in stage.cell_errors.iter_mut().zip(z) {
            cell.alpha = angle(alpha);
            cell.beta = if second { angle(beta) } else { 0.0 };
        }
        // Third splitters come after all others, so that a mesh without them has the same first and second splitters.
        if stage.cell.splitters() > 2 {
            let mut z = vec![0.0; stage.cell_errors.len()];
            deviates.fill(&mut z);
            stage.cell_errors.iter_mut().zip(z).for_each(|(cell, z)| cell.gamma = angle(z));
        }
    }

    fn fabricate_systematic(&self, stage: &mut StageErrors) {
        let mean_rad = read_key!("process.splitter_error", self.mean_rad);
        for cell in &mut stage.cell_errors {
            let errors = [&mut cell.alpha, &mut cell.beta, &mut cell.gamma];
            errors.into_iter().take(stage.cell.splitters()).for_each(|error| *error = mean_rad);
        }
    }

    fn mesh_error_squared(&self, mesh: &Stage) -> f64 {
        let counted = self.variation.as_ref().map_or(0.0, Variation::independent_variance);
        let variance = self.independent_variance() - counted + counted_variance(self.variation.as_ref(), mesh);
        mesh.layout().cell.splitters() as f64 * variance * cells_passed(mesh)
    }

    /// `T11` changes by `−c·(α+β)` with c² = 1 − t².
    fn attenuator_error_squared(&self, transmission: f64) -> f64 {
        2.0 * self.independent_variance() * (1.0 - transmission * transmission)
    }

    fn component_errors(&self) -> ComponentErrors {
        ComponentErrors { splitter: self.independent_variance(), ..ComponentErrors::default() }
    }
}
