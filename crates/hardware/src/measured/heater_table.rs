//! Heaters by their own calibrations: phases to powers, voltages, currents and codes, and back.
//!
//! ```text
//! φ = φ₀ + π·P/P_π,   P = V²/R = I²·R,   V_π = √(P_π·R)
//! ```
//!
//! φ₀ is the phase at zero drive. A heater cannot cool: P is the smallest power that makes φ modulo 2π, from 0 to 2P_π. A code of a
//! converter of b bits and the full scale V_max is V/V_max·(2^b − 1), rounded.

use crate::heaters::{Heater, ShifterName, StageName};
use phaseloom_files::{CsvTable, FileError};
use phaseloom_mesh::cell::wrap;
use std::f64::consts::PI;
use std::path::Path;

/// Columns of the place of a heater in a table.
const PLACES: [&str; 6] = ["heater", "stage", "column", "mode", "port", "shifter"];
/// Columns of a calibration.
const COLUMNS: [&str; 7] = ["p_pi_mw", "p_pi_w", "power_pi_w", "v_pi_v", "v_pi", "r_ohm", "phase_at_0_rad"];
/// Maximum P_π (W), V_π (V) and R (Ω): beyond what heaters have.
const MAX_POSITIVE: f64 = 1e9;
/// A phase this far below that of zero drive (rad) is a rounding error of it.
const ROUNDING: f64 = 1e-9;
/// Maximum phase at zero drive (rad).
const MAX_PHASE: f64 = 1e6;

/// What is known of one heater.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeaterCalibration {
    /// Electrical power for a phase of π (W).
    pub power_pi_w: Option<f64>,
    /// Voltage for a phase of π (V).
    pub volts_pi: Option<f64>,
    /// Resistance (Ω).
    pub resistance_ohm: Option<f64>,
    /// Phase at zero drive (rad).
    pub phase_at_0_rad: f64,
}

/// Power, voltage and current of a heater, as far as its calibration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeaterDrive {
    /// Electrical power (W).
    pub power_w: Option<f64>,
    /// Voltage (V).
    pub volts: Option<f64>,
    /// Current (A).
    pub amperes: Option<f64>,
}

/// The quantity in which a heater is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveQuantity {
    /// Power (W).
    Power,
    /// Voltage (V).
    Voltage,
    /// Current (A).
    Current,
}

impl HeaterCalibration {
    /// The same with what follows: of P_π, V_π and R, two give the third.
    fn completed(mut self) -> Self {
        match (self.power_pi_w, self.volts_pi, self.resistance_ohm) {
            (None, Some(v), Some(r)) => self.power_pi_w = Some(v * v / r),
            (Some(p), None, Some(r)) => self.volts_pi = Some((p * r).sqrt()),
            (Some(p), Some(v), None) => self.resistance_ohm = Some(v * v / p),
            _ => (),
        }
        self
    }

    /// The drive of the smallest power for a phase (rad) modulo 2π.
    #[must_use]
    pub fn drive(&self, phase: f64) -> HeaterDrive {
        let known = self.completed();
        // In units of π; the power is proportional to it. A rounding error below φ₀ needs no turn.
        let above = wrap(phase - self.phase_at_0_rad);
        let half_turns = if 2.0 * PI - above < ROUNDING { 0.0 } else { above / PI };
        let volts = known.volts_pi.map(|v| v * half_turns.sqrt());
        HeaterDrive {
            power_w: known.power_pi_w.map(|p| p * half_turns),
            volts,
            amperes: volts.zip(known.resistance_ohm).map(|(v, r)| v / r),
        }
    }

    /// The phase (rad, 0…2π) of a heater that is set to a value of a quantity in SI units; `None` if the calibration does not
    /// give it.
    #[must_use]
    pub fn phase(&self, quantity: DriveQuantity, value: f64) -> Option<f64> {
        let known = self.completed();
        let half_turns = match quantity {
            DriveQuantity::Power => value / known.power_pi_w?,
            DriveQuantity::Voltage => (value / known.volts_pi?).powi(2),
            DriveQuantity::Current => (value * known.resistance_ohm? / known.volts_pi?).powi(2),
        };
        Some(wrap(self.phase_at_0_rad + PI * half_turns))
    }

    /// Whether it gives a power or a voltage.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.power_pi_w.is_some() || self.volts_pi.is_some()
    }
}

/// Reads the calibrations of the heaters of a program from a table in the bytes of the file at `path`. Heaters without a row have
/// none.
///
/// # Errors
///
/// [`FileError::Format`] with line and column for unknown columns, places that the program does not have, a heater with two rows, and
/// impossible values.
pub fn parse_calibrations(
    path: &Path,
    bytes: &[u8],
    heaters: &[Heater],
) -> Result<Vec<Option<HeaterCalibration>>, FileError> {
    let table = CsvTable::parse(path, bytes)?;
    let known: Vec<String> = PLACES.iter().chain(&COLUMNS).map(|name| (*name).to_owned()).collect();
    if let Some(name) = table.names().iter().find(|name| !known.contains(name)) {
        return Err(table.unknown(name, &known));
    }
    let rows = rows_of_heaters(&table, heaters)?;
    let mut calibrations = vec![None; heaters.len()];
    for (row, heater) in rows.into_iter().enumerate() {
        let value = |names: &[&str], factor: f64| -> Result<Option<f64>, FileError> {
            let Some(at) = table.column(names) else { return Ok(None) };
            match table.number(row, at)? {
                Some(value) if !(value > 0.0 && value <= MAX_POSITIVE) => {
                    Err(table.at(row, at, &value.to_string(), "a number above 0, at most 1e9"))
                }
                value => Ok(value.map(|value| value * factor)),
            }
        };
        let phase = match table.column(&["phase_at_0_rad"]) {
            Some(at) => match table.number(row, at)? {
                Some(phase) if phase.abs() > MAX_PHASE => {
                    return Err(table.at(row, at, &phase.to_string(), "a phase from −1e6 to 1e6 rad"));
                }
                phase => phase.unwrap_or(0.0),
            },
            None => 0.0,
        };
        let milliwatts = value(&["p_pi_mw"], 1e-3)?;
        let calibration = HeaterCalibration {
            power_pi_w: milliwatts.map_or_else(|| value(&["p_pi_w", "power_pi_w"], 1.0), |power| Ok(Some(power)))?,
            volts_pi: value(&["v_pi_v", "v_pi"], 1.0)?,
            resistance_ohm: value(&["r_ohm"], 1.0)?,
            phase_at_0_rad: phase,
        };
        if !calibration.is_known() {
            return Err(table.row_error(row, "neither P_π nor V_π", "`p_pi_mw`, `p_pi_w` or `v_pi_v`"));
        }
        calibrations[heater] = Some(calibration.completed());
    }
    Ok(calibrations)
}

/// The number of the heater of each row of a table, by `heater`, or by `shifter`, `column`, `mode` and, of three stages, `stage`.
///
/// # Errors
///
/// [`FileError::Format`] for a place that the program does not have, or one that has two rows.
pub fn rows_of_heaters(table: &CsvTable, heaters: &[Heater]) -> Result<Vec<usize>, FileError> {
    let column = |names: &[&str]| table.column(names);
    let (number, mode) = (column(&["heater"]), column(&["mode", "port"]));
    let (stage, at_column, shifter) = (column(&["stage"]), column(&["column"]), column(&["shifter"]));
    let several = heaters.iter().any(|heater| heater.stage > 0);
    let mut rows = Vec::with_capacity(table.len());
    for row in 0..table.len() {
        let count = |at: Option<usize>| at.map_or(Ok(None), |at| table.count(row, at));
        let found = match (count(number)?, count(mode)?) {
            // A table that Phaseloom wrote has both.
            (Some(number), _) => heaters.get(number).map(|_| number).ok_or_else(|| {
                let expected = format!("a number from 0 to {}", heaters.len().saturating_sub(1));
                table.row_error(row, &format!("heater {number}"), &expected)
            })?,
            (None, None) => {
                return Err(table.row_error(row, "no place", "`heater`, or `shifter`, `column` and `mode`"));
            }
            (None, Some(mode)) => {
                let text = |at: Option<usize>| at.and_then(|at| table.text(row, at)).map(str::to_lowercase);
                let shifter = match text(shifter) {
                    None => return Err(table.row_error(row, "no shifter", "theta, phi, output or boundary")),
                    Some(key) => ShifterName::ALL.into_iter().find(|name| name.key() == key).ok_or_else(|| {
                        table.row_error(row, &format!("the shifter `{key}`"), "theta, phi, output or boundary")
                    })?,
                };
                let stage = match text(stage) {
                    None if several => {
                        let expected = "`right`, `attenuators` or `left` in a column `stage`";
                        return Err(table.row_error(row, "no stage", expected));
                    }
                    None => StageName::Right,
                    Some(key) => StageName::ALL.into_iter().find(|name| name.key() == key).ok_or_else(|| {
                        table.row_error(row, &format!("the stage `{key}`"), "right, attenuators or left")
                    })?,
                };
                let column = count(at_column)?;
                let is_it = |heater: &Heater| {
                    let place = heater.place;
                    let in_column = match (shifter, column) {
                        (ShifterName::Output, None) => true,
                        (_, column) => column == Some(place.column),
                    };
                    (place.stage, place.shifter, place.mode) == (stage, shifter, mode) && in_column
                };
                heaters.iter().position(is_it).ok_or_else(|| {
                    let column = column.map(|column| format!("column {column}, ")).unwrap_or_default();
                    let found = format!("{}, {column}mode {mode}, {}", stage.key(), shifter.key());
                    table.row_error(row, &found, "the place of a heater of this program")
                })?
            }
        };
        if rows.contains(&found) {
            return Err(table.row_error(row, &format!("heater {found} for a second time"), "each heater once"));
        }
        rows.push(found);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heaters::heaters;
    use phaseloom_mesh::{MatrixProgram, MeshDesign};

    fn all(rows: usize, columns: usize) -> Vec<Heater> {
        let program = MatrixProgram::blank(rows, columns, MeshDesign::from_keys("rectangular", None).unwrap());
        heaters(program.stages())
    }

    #[test]
    fn drives_and_phases_are_inverse() {
        let calibration = HeaterCalibration {
            power_pi_w: Some(0.02),
            resistance_ohm: Some(500.0),
            phase_at_0_rad: -0.3,
            volts_pi: None,
        };
        for phase in [0.0, 1.0, 3.0, 5.9, 6.2] {
            let HeaterDrive { power_w, volts, amperes } = calibration.drive(phase);
            let (power, volts, amperes) = (power_w.unwrap(), volts.unwrap(), amperes.unwrap());
            assert!((0.0..=0.04).contains(&power));
            assert!((power - volts * volts / 500.0).abs() < 1e-12 && (amperes - volts / 500.0).abs() < 1e-15);
            for (quantity, value) in
                [(DriveQuantity::Power, power), (DriveQuantity::Voltage, volts), (DriveQuantity::Current, amperes)]
            {
                assert!((calibration.phase(quantity, value).unwrap() - phase).abs() < 1e-12, "{quantity:?}");
            }
        }
        // φ = φ₀ + π·P/P_π: 1 rad needs 1.3/π of P_π.
        assert!((calibration.drive(1.0).power_w.unwrap() - 0.02 * 1.3 / PI).abs() < 1e-15);
        let by_volts = HeaterCalibration { volts_pi: Some(4.0), ..Default::default() };
        assert_eq!((by_volts.drive(PI).volts, by_volts.drive(PI).power_w), (Some(4.0), None));
        assert_eq!(by_volts.phase(DriveQuantity::Power, 1.0), None);
    }

    #[test]
    fn tables_find_heaters_by_number_and_by_place() {
        let heaters = all(3, 3);
        let read = |text: &str| parse_calibrations(Path::new("h.csv"), text.as_bytes(), &heaters);
        let by_number = read("heater,p_pi_mw\n1,20\n").unwrap();
        let by_place = read("stage;shifter;column;mode;p_pi_w\nright;phi;0;0;0,02\n").unwrap();
        assert_eq!(by_number, by_place);
        assert_eq!(by_number.iter().filter(|c| c.is_some()).count(), 1);
        assert!((by_number[1].unwrap().power_pi_w.unwrap() - 0.02).abs() < 1e-18);
        for (text, expected) in [
            ("heater,p_pi\n1,20\n", "did you mean `p_pi_w`?"),
            ("heater,p_pi_mw\n99,20\n", "line 2: found heater 99"),
            ("heater,p_pi_mw\n1,20\n1,30\n", "line 3: found heater 1 for a second time"),
            ("heater,p_pi_mw\n1,-20\n", "a number above 0"),
            ("heater,p_pi_mw\n1,\n", "neither P_π nor V_π"),
            ("shifter,column,mode,p_pi_mw\ntheta,0,0,20\n", "no stage"),
            ("stage,shifter,column,mode,p_pi_mw\nright,theta,0,1,20\n", "the place of a heater"),
            ("stage,shifter,column,mode,p_pi_mw\nright,theta,,1,20\n", "the place of a heater"),
            ("stage,column,mode,p_pi_mw\nright,0,1,20\n", "no shifter"),
        ] {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}
