//! Thermal crosstalk: heaters warm their neighbours, `φ′ = φ + C·φ`, with the heater phases φ in [0, 2π).
//!
//! * By coefficient: a shifter gains `coefficient·φ` from the same shifter of the four diagonal neighbours, the cells one
//!   mode above or below in the column before or after (the model of the code L2ight). Attenuators form one column, each
//!   with two neighbours. If waveguides cross between columns, the neighbours are the next cells of the row and of the
//!   column. A shifter on the other arm of the same cell counts too, and in a phase mask the shifter of the next mode.
//! * By distance d (µm) of heater and victim: `γ(d) = Σ p_k d^k` below 23 µm, `0.2167267·e^{−0.12747211 d}` above (fit to a
//!   heat simulation in the code SCATTER). If only one arm has a shifter, its phase is the difference of both arms, and
//!   it gains `γ(d_upper) − γ(d_lower)`; otherwise γ(d). Heaters beyond 100 µm (γ < 1e-6) are ignored.
//!
//! Stages follow one another on the chip; crosstalk by distance acts across their borders
//! (docs/physics.md, Thermal crosstalk).

use super::Imperfection;
use phaseloom_files::{InvalidValue, at_least, read_key};
use phaseloom_mesh::{CellPosition, Phases, Shifter, ShifterKind, Stage, StageKind};
use serde::{Deserialize, Serialize};

/// Heaters up to this distance (µm) are summed; γ is below 1e-6 beyond it.
const REACH_UM: f64 = 100.0;

/// Table `[thermal_crosstalk]` of a process file: exactly one of the two keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThermalCrosstalk {
    /// Share of the phase of each neighbour that a phase shifter gains (dimensionless). Exactly one of this and
    /// `distance_factor` is given. Range: 0…1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficient: Option<f64>,
    /// Factor on the function γ(d) of SCATTER, from heater to arm (dimensionless). All heaters within 100 µm count.
    /// Range: 0…1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_factor: Option<f64>,
}

/// SCATTER's γ(d), d in µm.
#[must_use]
fn gamma(d: f64) -> f64 {
    const P: [f64; 6] = [1.0, -0.176_013_871, 9.896_167_61e-3, -8.296_316_81e-6, -1.557_892_01e-5, 3.551_175_28e-7];
    if d < 23.0 { P.iter().rev().fold(0.0, |sum, p| sum * d + p) } else { 0.216_726_7 * (-0.127_472_11 * d).exp() }
}

impl Imperfection for ThermalCrosstalk {
    fn check(&self) -> Result<(), InvalidValue> {
        for (key, value) in [("coefficient", self.coefficient), ("distance_factor", self.distance_factor)] {
            if let Some(value) = value {
                at_least(key, value, 0.0)?;
                if value > 1.0 {
                    return Err(InvalidValue::new(
                        key,
                        value,
                        "at most 1: no heater warms its neighbour more than itself",
                    ));
                }
            }
        }
        match (self.coefficient, self.distance_factor) {
            (Some(_), Some(_)) => {
                Err(InvalidValue::new("coefficient", "given together with `distance_factor`", "only one of them"))
            }
            (None, None) => Err(InvalidValue::new("coefficient", "absent", "a number, or `distance_factor`")),
            _ => Ok(()),
        }
    }

    fn drive(&self, stages: &[Stage], phases: &mut [Phases]) {
        assert_eq!(stages.len(), phases.len(), "phases of each stage");
        if let Some(coefficient) = read_key!("process.thermal_crosstalk", self.coefficient) {
            for (stage, phases) in stages.iter().zip(phases.iter_mut()) {
                by_coefficient(coefficient, stage, phases);
            }
        }
        if let Some(factor) = read_key!("process.thermal_crosstalk", self.distance_factor) {
            by_distance(factor, stages, phases, false);
        }
    }

    fn drive_adjoint(&self, stages: &[Stage], slopes: &mut [Phases]) {
        assert_eq!(stages.len(), slopes.len(), "phases of each stage");
        // The matrix of the coefficients is symmetric: each neighbour of a shifter has it as a neighbour.
        if let Some(coefficient) = self.coefficient {
            stages.iter().zip(slopes.iter_mut()).for_each(|(stage, slopes)| by_coefficient(coefficient, stage, slopes));
        }
        if let Some(factor) = self.distance_factor {
            by_distance(factor, stages, slopes, true);
        }
    }
}

fn by_coefficient(coefficient: f64, stage: &Stage, phases: &mut Phases) {
    let heaters = phases.clone();
    let layout = stage.layout();
    // Columns and modes to the neighbours: cells alternate between columns, or form rows if waveguides cross.
    let neighbours: &[(isize, isize)] = match stage.kind() {
        StageKind::Attenuators => &[(0, -1), (0, 1)],
        StageKind::Mesh if layout.crossing_count() == 0 => &[(-1, -1), (-1, 1), (1, -1), (1, 1)],
        StageKind::Mesh => &[(-1, 0), (0, -2), (0, 2), (1, 0)],
    };
    let side_by_side = layout.cell.has_shifters_side_by_side();
    for (k, position) in layout.positions.iter().enumerate() {
        let (mut theta, mut phi) = (heaters.theta()[k], heaters.phi()[k]);
        if side_by_side {
            (theta, phi) = (theta + coefficient * phi, phi + coefficient * theta);
        }
        for &(columns, modes) in neighbours {
            let place = position.column.checked_add_signed(columns).zip(position.mode.checked_add_signed(modes));
            if let Some(j) = place.and_then(|(column, mode)| layout.index_of(CellPosition { column, mode })) {
                theta += coefficient * heaters.theta()[j];
                phi += coefficient * heaters.phi()[j];
            }
        }
        if layout.cell.has_shifters_on_both_modes() {
            let cell = |mode: Option<usize>| layout.index_of(CellPosition { mode: mode?, ..*position });
            theta += cell(position.mode.checked_sub(2)).map_or(0.0, |above| coefficient * heaters.phi()[above]);
            phi += cell(position.mode.checked_add(2)).map_or(0.0, |below| coefficient * heaters.theta()[below]);
        }
        phases.set_cell(k, theta, phi);
    }
}

/// Adds to each phase its share of the powers of the heaters around it or, transposed, to each heater its share of the slopes of
/// the shifters that it warms.
fn by_distance(factor: f64, stages: &[Stage], phases: &mut [Phases], transposed: bool) {
    // All heaters on one plane, in the order of the phases: (stage, index, shifter).
    let mut heaters: Vec<(usize, usize, Shifter)> = Vec::new();
    let mut start_um = 0.0;
    for (s, stage) in stages.iter().enumerate() {
        let layout = stage.layout();
        let cells = layout.positions.len();
        let along = |mut shifter: Shifter| {
            shifter.x_um += start_um;
            shifter
        };
        heaters.extend((0..cells).map(|k| (s, k, along(layout.cell_shifter(k, ShifterKind::Theta)))));
        heaters.extend((0..cells).map(|k| (s, cells + k, along(layout.cell_shifter(k, ShifterKind::Phi)))));
        let mut columns = layout.columns;
        if stage.kind() == StageKind::Mesh {
            heaters.extend((0..layout.ports).map(|m| (s, 2 * cells + m, along(layout.output_shifter(m)))));
            let edges = layout.boundary_shifters().len();
            let first = 2 * cells + layout.ports;
            heaters.extend((0..edges).map(|k| (s, first + k, along(layout.boundary_shifter(k)))));
            columns += 1;
        }
        start_um += columns as f64 * layout.column_um();
    }
    heaters.sort_by(|a, b| a.2.x_um.total_cmp(&b.2.x_um).then(a.2.y_um.total_cmp(&b.2.y_um)));
    // A heater has a positive power, a slope has a sign.
    let given = |value: f64| if transposed { value } else { value.abs() };
    let given: Vec<f64> = heaters.iter().map(|&(s, k, _)| given(phases[s].values()[k])).collect();
    let mut first = 0;
    for (k, &(stage, index, own)) in heaters.iter().enumerate() {
        while heaters[first].2.x_um < own.x_um - REACH_UM {
            first += 1;
        }
        let mut gained = 0.0;
        for (j, (_, _, other)) in heaters.iter().enumerate().skip(first) {
            if other.x_um - own.x_um > REACH_UM {
                break;
            }
            if j == k || (other.y_um - own.y_um).abs() > REACH_UM {
                continue;
            }
            let (heater, victim) = if transposed { (&own, other) } else { (other, &own) };
            let (dx, dy) = (heater.x_um - victim.x_um, heater.y_um - victim.y_um);
            let lower = victim.partner_um.map_or(0.0, |partner| gamma(dx.hypot(heater.y_um - partner)));
            gained += factor * (gamma(dx.hypot(dy)) - lower) * given[j];
        }
        phases[stage].values_mut()[index] += gained;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_is_one_at_the_heater_and_continuous_to_a_percent() {
        assert!((gamma(0.0) - 1.0).abs() < 1e-15);
        assert!((gamma(22.999) - gamma(23.001)).abs() < 0.01);
        assert!(gamma(REACH_UM) < 1e-6);
    }
}
