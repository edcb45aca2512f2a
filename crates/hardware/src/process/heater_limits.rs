//! Limits of heaters: phases that no heater reaches, and heaters that stay at one phase.
//!
//! A heater makes phases from 0 to its largest phase φ_max. A requested phase beyond it, modulo 2π, becomes the nearer of φ_max
//! and 2π ≡ 0. A heater with a fixed phase, such as one whose wire is broken, ignores what is requested. Both act before
//! crosstalk: a heater that stays off warms no neighbour. Phases are those of the heater alone; what a shifter has at zero drive
//! is an offset of the chip.

use super::Imperfection;
use crate::heaters::{ShifterName, StageName, find_shifter, find_stage};
use phaseloom_files::{InvalidValue, between, read_key};
use phaseloom_mesh::cell::wrap;
use phaseloom_mesh::{Phases, Stage};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Largest phase of a heater that stays where it is (rad): a hundred times the 2π that a heater needs.
const MAX_FIXED: f64 = 100.0 * TAU;

/// Table `[heater_limits]` of a process file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaterLimits {
    /// Largest phase of every heater (rad). A phase that is requested beyond it becomes this phase or 0, the nearer one modulo
    /// 2π. Range: 0…2π. Default: 2π.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rad: Option<f64>,
    /// Single heaters, by their places.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heaters: Vec<HeaterLimit>,
}

/// A heater of `heater_limits.heaters`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaterLimit {
    /// The stage of the program. Default: `"right"`, the only mesh of a unitary.
    #[serde(default)]
    pub stage: StageName,
    /// The phase that the heater sets.
    pub shifter: ShifterName,
    /// The column, as in the program file. An output phase needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The mode, as in the program file.
    pub mode: usize,
    /// The phase at which the heater stays (rad); 0 if it is dead. Exactly one of this and `max_rad` is given. Range: −628…628.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_rad: Option<f64>,
    /// Its largest phase (rad), in the place of that of all heaters. Range: 0…2π.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rad: Option<f64>,
}

/// The phase (rad) of a heater that reaches `max` (rad).
fn limited(phase: f64, max: f64) -> f64 {
    let phase = wrap(phase);
    match phase <= max {
        true => phase,
        false if TAU - phase < phase - max => 0.0,
        false => max,
    }
}

impl HeaterLimit {
    /// Stage and index of the heater among the phases of a program.
    fn find(&self, stages: &[Stage]) -> Result<(usize, usize), InvalidValue> {
        let (number, stage) = find_stage(stages, self.stage)?;
        Ok((number, find_shifter(stage, self.shifter, self.column, self.mode)?))
    }
}

impl Imperfection for HeaterLimits {
    fn check(&self) -> Result<(), InvalidValue> {
        self.max_rad.map_or(Ok(()), |max| between("max_rad", max, 0.0, TAU))?;
        for (k, heater) in self.heaters.iter().enumerate() {
            let key = |key: &str| format!("heaters[{k}].{key}");
            match (heater.fixed_rad, heater.max_rad) {
                (Some(fixed), None) => between(&key("fixed_rad"), fixed, -MAX_FIXED, MAX_FIXED)?,
                (None, Some(max)) => between(&key("max_rad"), max, 0.0, TAU)?,
                (Some(_), Some(_)) => {
                    return Err(InvalidValue::new(
                        key("fixed_rad"),
                        "given together with `max_rad`",
                        "only one of them",
                    ));
                }
                (None, None) => return Err(InvalidValue::new(key("fixed_rad"), "absent", "a phase, or `max_rad`")),
            }
        }
        Ok(())
    }

    fn check_stages(&self, stages: &[Stage]) -> Result<(), InvalidValue> {
        for (k, heater) in self.heaters.iter().enumerate() {
            heater.find(stages).map_err(|invalid| invalid.in_table(&format!("heaters[{k}]")))?;
        }
        Ok(())
    }

    /// Places that the program does not have are left out; [`Imperfection::check_stages`] finds them.
    fn drive(&self, stages: &[Stage], phases: &mut [Phases]) {
        assert_eq!(stages.len(), phases.len(), "phases of each stage");
        let single = &read_key!("process.heater_limits", self.heaters);
        let own: Vec<_> = single.iter().filter_map(|heater| Some((heater.find(stages).ok()?, heater))).collect();
        let requested: Vec<f64> = own.iter().map(|((stage, index), _)| phases[*stage].values()[*index]).collect();
        if let Some(max) = read_key!("process.heater_limits", self.max_rad) {
            phases.iter_mut().flat_map(Phases::values_mut).for_each(|phase| *phase = limited(*phase, max));
        }
        for (((stage, index), heater), requested) in own.iter().zip(requested) {
            let limited = heater.max_rad.map_or(requested, |max| limited(requested, max));
            phases[*stage].values_mut()[*index] = heater.fixed_rad.unwrap_or(limited);
        }
    }

    fn drive_adjoint(&self, stages: &[Stage], slopes: &mut [Phases]) {
        for heater in self.heaters.iter().filter(|heater| heater.fixed_rad.is_some()) {
            if let Ok((stage, index)) = heater.find(stages) {
                slopes[stage].values_mut()[index] = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Process;
    use phaseloom_mesh::{MatrixProgram, topology};

    #[test]
    fn phases_beyond_the_largest_become_the_nearer_end() {
        // From 4 rad to 2π the middle is 5.1416 rad.
        for (requested, made) in [(0.0, 0.0), (3.9, 3.9), (4.5, 4.0), (5.1, 4.0), (5.2, 0.0), (6.2, 0.0), (-0.1, 0.0)] {
            assert!((limited(requested, 4.0) - made).abs() < 1e-15, "{requested}");
        }
        assert!((limited(-1.0, TAU) - (TAU - 1.0)).abs() < 1e-15);
    }

    #[test]
    fn a_fixed_heater_ignores_the_program_and_warms_by_its_own_phase() {
        let text = "[heater_limits]\nmax_rad = 4\n[[heater_limits.heaters]]\nshifter = 'theta'\ncolumn = 0\nmode = 0\n\
                    fixed_rad = 0.5\n[[heater_limits.heaters]]\nshifter = 'output'\nmode = 2\nmax_rad = 6\n\
                    [thermal_crosstalk]\ncoefficient = 0.1";
        let process: Process = toml::from_str(text).unwrap();
        let mut phases = MatrixProgram::from_phases(
            topology("rectangular").unwrap(),
            4,
            phaseloom_mesh::Phases::blank(
                &phaseloom_mesh::MeshDesign::from(topology("rectangular").unwrap()).layout(4),
            ),
        );
        let mut values = phases.stages()[0].phases().clone();
        values.values_mut().fill(5.0);
        phases = phases.with_phases(vec![values]);
        let driven = process.drive(&phases);
        // Cells (0,0), (0,2), (1,1), (2,0), (2,2), (3,1): (1,1) has the four neighbours at ±1, of which one stays at 0.5.
        let theta = driven[0].theta();
        assert!((theta[0] - (0.5 + 0.1 * 4.0)).abs() < 1e-12);
        assert!((theta[2] - (4.0 + 0.1 * (0.5 + 3.0 * 4.0))).abs() < 1e-12);
        let outputs = driven[0].output();
        assert!((outputs[1] - 4.0).abs() < 1e-12 && (outputs[2] - 5.0).abs() < 1e-12);
        assert!(process.check_stages(phases.stages()).is_ok());
        let other: Process = toml::from_str(&text.replace("column = 0", "column = 9")).unwrap();
        let refused = other.check_stages(phases.stages()).unwrap_err().to_string();
        assert!(refused.contains("heaters[0].mode") && refused.contains("column 9, mode 0"), "{refused}");
    }
}
