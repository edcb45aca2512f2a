//! Phase jitter: every phase shifter deviates by N(0, σ²) in rad, sampled again every ⌈τ·f⌉ vectors.
//!
//! One shot has the error `E = σ√N`, like a static phase error. The mean over K shots has `σ√(N/K)`, down to the damping
//! of the mean, `N σ²/2` (docs/physics.md, Phase noise).

use super::Imperfection;
use super::phase_error::add_normal;
use phaseloom_files::{InvalidValue, at_least, read_key, spread_rad};
use phaseloom_mesh::Phases;
use phaseloom_numerics::NormalStream;
use serde::{Deserialize, Serialize};

/// Table `[phase_jitter]` of a process file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseJitter {
    /// Standard deviation of every phase from moment to moment (rad). Range: 0…10⁶.
    pub sigma_rad: f64,
    /// Correlation time (s): phases hold for ⌈`correlation_s`·`symbol_rate_hz`⌉ vectors, at least one. Range: ≥ 0.
    #[serde(default)]
    pub correlation_s: f64,
}

impl Imperfection for PhaseJitter {
    fn check(&self) -> Result<(), InvalidValue> {
        spread_rad("sigma_rad", self.sigma_rad)?;
        at_least("correlation_s", self.correlation_s, 0.0)
    }

    fn fluctuates(&self) -> bool {
        true
    }

    fn fluctuate(&self, deviates: &mut NormalStream<f64>, phases: &mut Phases) {
        add_normal(deviates, read_key!("process.phase_jitter", self.sigma_rad), phases);
    }
}
