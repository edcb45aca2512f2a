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
//! * By a measured matrix K: `φ′ = K·φ`, with K_ii the response of a heater itself, 1 where phases are calibrated.
//!
//! Stages follow one another on the chip; crosstalk by distance acts across their borders
//! (docs/physics.md, Thermal crosstalk).

use super::Imperfection;
use phaseloom_files::{InvalidValue, at_least, between, read_key};
use phaseloom_mesh::{CellPosition, Phases, Shifter, ShifterKind, Stage, StageKind};
use serde::{Deserialize, Serialize};

/// Heaters up to this distance (µm) are summed; γ is below 1e-6 beyond it.
const REACH_UM: f64 = 100.0;

/// Table `[thermal_crosstalk]` of a process file: exactly one of the three keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ThermalCrosstalk {
    /// Share of the phase of each neighbour that a phase shifter gains (dimensionless). Exactly one of this,
    /// `distance_factor` and `matrix` is given. Range: 0…1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficient: Option<f64>,
    /// Factor on the function γ(d) of SCATTER, from heater to arm (dimensionless). All heaters within 100 µm count.
    /// Range: 0…1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_factor: Option<f64>,
    /// Rows of a measured matrix K (dimensionless): a phase shifter gets Σ K_ij·φ_j. In the order of the program: of each stage θ of
    /// all cells, then φ of all cells; either of cells alone, or then also output and boundary phases.
    /// Range: −1000…1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Vec<Vec<f64>>>,
}

/// Largest magnitude of an entry of a measured matrix.
const MAX_ENTRY: f64 = 1e3;

/// Number of phases of the cells of all stages, and of all phases.
fn counts(stages: &[Stage]) -> [usize; 2] {
    let cells = stages.iter().map(|stage| 2 * stage.layout().positions.len()).sum();
    [cells, stages.iter().map(|stage| stage.phases().values().len()).sum()]
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
        if let Some(matrix) = &self.matrix {
            let size = matrix.len();
            for (i, row) in matrix.iter().enumerate() {
                let key = format!("matrix[{i}]");
                if row.len() != size {
                    return Err(InvalidValue::new(key, format!("a row of {} numbers", row.len()), format!("{size}")));
                }
                row.iter().try_for_each(|entry| between(&key, *entry, -MAX_ENTRY, MAX_ENTRY))?;
            }
        }
        let given = [
            ("coefficient", self.coefficient.is_some()),
            ("distance_factor", self.distance_factor.is_some()),
            ("matrix", self.matrix.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter_map(|(key, given)| given.then_some(key)).collect();
        match given[..] {
            [_] => Ok(()),
            [first, second, ..] => {
                Err(InvalidValue::new(first, format!("given together with `{second}`"), "only one of them"))
            }
            [] => Err(InvalidValue::new("coefficient", "absent", "a number, or `distance_factor`, or `matrix`")),
        }
    }

    fn check_stages(&self, stages: &[Stage]) -> Result<(), InvalidValue> {
        let (Some(matrix), [cells, all]) = (&self.matrix, counts(stages)) else { return Ok(()) };
        if [cells, all].contains(&matrix.len()) {
            return Ok(());
        }
        let size = matrix.len();
        let expected = format!("{cells}×{cells} for the phases of the cells, or {all}×{all} for all phases");
        Err(InvalidValue::new("matrix", format!("{size}×{size}"), expected))
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
        if let Some(matrix) = &read_key!("process.thermal_crosstalk", self.matrix) {
            by_matrix(matrix, stages, phases, false);
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
        if let Some(matrix) = &self.matrix {
            by_matrix(matrix, stages, slopes, true);
        }
    }
}

/// Multiplies the phases by a measured matrix, or by its transpose. A matrix of another size, which
/// [`Imperfection::check_stages`] refuses, leaves them alone.
fn by_matrix(matrix: &[Vec<f64>], stages: &[Stage], phases: &mut [Phases], transposed: bool) {
    let [cells, all] = counts(stages);
    let size = matrix.len();
    if size != cells && size != all {
        return;
    }
    let len = |phases: &Phases| if size == all { phases.values().len() } else { 2 * phases.theta().len() };
    let given: Vec<f64> = phases.iter().flat_map(|phases| &phases.values()[..len(phases)]).copied().collect();
    let entry = |i: usize, j: usize| if transposed { matrix[j][i] } else { matrix[i][j] };
    let mut driven = (0..size).map(|i| given.iter().enumerate().map(|(j, phase)| entry(i, j) * phase).sum());
    for phases in phases {
        let length = len(phases);
        phases.values_mut()[..length].iter_mut().for_each(|phase| *phase = driven.next().unwrap_or(*phase));
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
    use phaseloom_mesh::{MatrixProgram, MeshDesign};

    /// The matrix of the coefficients, made of its columns, does what the coefficients do; its adjoint is the transpose.
    #[test]
    fn a_measured_matrix_multiplies_the_phases() {
        let program = MatrixProgram::blank(4, 5, MeshDesign::from_keys("rectangular", None).unwrap());
        let stages = program.stages();
        let coefficient = ThermalCrosstalk { coefficient: Some(0.05), ..Default::default() };
        let zero = || stages.iter().map(|stage| stage.phases().zeroed()).collect::<Vec<_>>();
        let set = |values: &[f64]| {
            let (mut phases, mut values) = (zero(), values.iter());
            phases.iter_mut().flat_map(Phases::values_mut).for_each(|phase| *phase = *values.next().unwrap());
            phases
        };
        let flat = |phases: &[Phases]| phases.iter().flat_map(|p| p.values().to_vec()).collect::<Vec<f64>>();
        let [cells, all] = counts(stages);
        let columns: Vec<Vec<f64>> = (0..all)
            .map(|j| {
                let mut unit = set(&(0..all).map(|i| f64::from(u8::from(i == j))).collect::<Vec<_>>());
                coefficient.drive(stages, &mut unit);
                flat(&unit)
            })
            .collect();
        let rows = |size: usize| (0..size).map(|i| (0..size).map(|j| columns[j][i]).collect()).collect();
        let matrix = ThermalCrosstalk { matrix: Some(rows(all)), ..Default::default() };
        matrix.check().unwrap();
        matrix.check_stages(stages).unwrap();
        let values: Vec<f64> = (0..all).map(|i| (i as f64).sin() + 1.0).collect();
        let (mut by_coefficient, mut by_matrix) = (set(&values), set(&values));
        coefficient.drive(stages, &mut by_coefficient);
        matrix.drive(stages, &mut by_matrix);
        let difference =
            |a: &[Phases], b: &[Phases]| flat(a).iter().zip(flat(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(difference(&by_coefficient, &by_matrix) < 1e-14);
        let (mut slopes, mut expected) = (set(&values), set(&values));
        coefficient.drive_adjoint(stages, &mut expected);
        matrix.drive_adjoint(stages, &mut slopes);
        assert!(difference(&slopes, &expected) < 1e-14);
        let other = ThermalCrosstalk { matrix: Some(rows(cells - 1)), ..Default::default() };
        assert!(other.check_stages(stages).unwrap_err().to_string().contains(&format!("{all}×{all}")));
    }

    #[test]
    fn gamma_is_one_at_the_heater_and_continuous_to_a_percent() {
        assert!((gamma(0.0) - 1.0).abs() < 1e-15);
        assert!((gamma(22.999) - gamma(23.001)).abs() < 0.01);
        assert!(gamma(REACH_UM) < 1e-6);
    }
}
