//! Electrical power that holds a phase, `P = P_π·|φ|/π`; it has no effect on light.
//!
//! In a thermo-optic shifter the phase is proportional to the temperature rise, and that to the power. A shifter that
//! stores charge (MEMS, Pockels effect) holds its phase at almost no power.

use crate::process::Process;
use phaseloom_files::{InvalidValue, between, read_key};
use phaseloom_mesh::Phases;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Table `[phase_shifter]` of a process file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseShifter {
    /// Electrical power that holds a phase of π (W). A program takes the sum of |φ|/π over all its phase shifters times
    /// this. Range: 0…1000.
    pub power_pi_w: f64,
}

impl PhaseShifter {
    /// Checks the value of its key.
    ///
    /// # Errors
    ///
    /// A power that no shifter has.
    pub fn check(&self) -> Result<(), InvalidValue> {
        between("power_pi_w", self.power_pi_w, 0.0, 1000.0)
    }
}

impl Process {
    /// Electrical power (W) that holds `phases` (rad), summed over every shifter of all stages; `None` if the process has
    /// no `[phase_shifter]`.
    ///
    /// Phases are not reduced modulo 2π: 2π costs twice as much as π, and 0 costs nothing.
    ///
    /// ```
    /// use phaseloom_mesh::Phases;
    /// let process: phaseloom_hardware::Process = toml::from_str("phase_shifter.power_pi_w = 0.02").unwrap();
    /// let mut phases = Phases::zero(1, 0);
    /// phases.set_cell(0, std::f64::consts::PI, std::f64::consts::FRAC_PI_2);
    /// assert!((process.heater_power_w(&[phases]).unwrap() - 0.03).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn heater_power_w(&self, phases: &[Phases]) -> Option<f64> {
        let shifter = self.phase_shifter.as_ref()?;
        let half_turns: f64 = phases.iter().flat_map(Phases::values).map(|phase| phase.abs() / PI).sum();
        Some(half_turns * read_key!("process.phase_shifter", shifter.power_pi_w))
    }
}
