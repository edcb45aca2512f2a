//! The command `heaters`: the phases of a program as powers, voltages and codes of heaters, and back.

use super::Exit;
use super::terminal::{output, streams, whole};
use clap::Args;
use phaseloom::files::{Column, ColumnText, CsvTable, ResultTable, ResultValue, Results, TextTable, write_atomically};
use phaseloom::hardware::{
    Chip, DriveQuantity, Heater, HeaterCalibration, HeaterDrive, heaters, parse_calibrations, rows_of_heaters,
};
use phaseloom::mesh::cell::wrap;
use phaseloom::mesh::{MatrixProgram, Phases, convention};
use std::path::PathBuf;

/// Turn the phases of a program into powers, voltages and codes of its heaters, or read them back
///
/// A calibration has a row for each heater, with P_π or V_π, the resistance and the phase at zero drive. Without one, every heater has
/// the `phase_shifter.power_pi_w` of the process of the chip. The offsets of the chip are not subtracted: a corrected program has
/// them in its phases. Heaters are counted as in the table, whose order -o keeps, or that of the wiring.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom heaters program.json -o phases.csv\n  \
    phaseloom heaters program.json --calibration heaters.csv --bits 12 --max-volts 5 -o drive.csv\n  \
    phaseloom heaters program.json --calibration heaters.csv --wiring wiring.csv -o drive.csv\n  \
    phaseloom heaters program.json --read drive.csv --calibration heaters.csv -o back.json")]
pub struct Heaters {
    /// The program (JSON)
    program: PathBuf,
    /// The chip: its heaters that stay at one phase are named, and its process has the power of a phase of π
    #[arg(long, value_name = "CHIP.json")]
    chip: Option<PathBuf>,
    /// P_π (p_pi_mw, p_pi_w) or V_π (v_pi_v), resistance (r_ohm) and phase at zero drive (phase_at_0_rad) of each heater (CSV)
    #[arg(long, value_name = "HEATERS.csv")]
    calibration: Option<PathBuf>,
    /// Order of the rows: a table (CSV) with the places of heaters and, if it has one, their `channel`
    #[arg(long, value_name = "WIRING.csv")]
    wiring: Option<PathBuf>,
    /// Bits of the converters, for codes
    #[arg(long, value_name = "N", requires = "max_volts", value_parser = whole(1_u32, 24))]
    bits: Option<u32>,
    /// Voltage of the largest code (V)
    #[arg(long, value_name = "V", requires = "bits", value_parser = volts)]
    max_volts: Option<f64>,
    /// Read this table back: -o then gets the program with its phases
    #[arg(long, value_name = "TABLE.csv", conflicts_with = "wiring")]
    read: Option<PathBuf>,
    /// The quantity of the table that is read [default: the first that it has of code, voltage, current, power, phase]
    #[arg(long, value_name = "QUANTITY", requires = "read", value_parser = ["code", "voltage", "current", "power", "phase"])]
    by: Option<String>,
    /// Where to write the table (CSV), of --read the program (JSON); `-` for standard output [default: only printed]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    format: output::Format,
}

/// Columns of the table.
pub const COLUMNS: [ColumnText; 11] = [
    (
        "heater",
        "",
        "Number of the heater: stages in the order of light, of each θ and φ of the cells, output and boundary phases.",
    ),
    ("stage", "", "`right` (the only mesh, or that of V†), `attenuators` or `left` (the mesh of U)."),
    ("column", "", "Column of the cell; for an output phase the number of columns."),
    ("mode", "", "Upper mode of the cell, or the mode of an output or boundary phase."),
    ("shifter", "", "`theta`, `phi`, `output` or `boundary`."),
    ("phase_rad", "rad", "Phase of the program modulo 2π."),
    ("power_mw", "mW", "Smallest electrical power that makes the phase."),
    ("voltage_v", "V", "Voltage at that power."),
    ("current_ma", "mA", "Current at that power."),
    ("code", "", "Code of the converter; empty beyond its largest voltage."),
    ("channel", "", "Channel of the wiring file; empty without one."),
];

/// The quantities by which a table is read back, with their columns, in the order of preference.
const QUANTITIES: [(&str, &str); 5] = [
    ("code", "code"),
    ("voltage", "voltage_v"),
    ("current", "current_ma"),
    ("power", "power_mw"),
    ("phase", "phase_rad"),
];

/// Rows that are printed; a file has all.
const MAX_PRINTED: usize = 64;

impl Heaters {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            let read = [
                ("the program", Some(self.program.as_path())),
                ("the chip", self.chip.as_deref()),
                ("the calibration", self.calibration.as_deref()),
                ("the wiring", self.wiring.as_deref()),
                ("the table", self.read.as_deref()),
            ];
            match &self.read {
                Some(_) => output::check_json_path(path, &["phaseloom-program"], &read)?,
                None => output::check_output_path(path, &["csv"], &read)?,
            }
        }
        let program = convention::load(&streams::input(&self.program)?)?;
        let heaters = heaters(program.stages());
        let chip = match &self.chip {
            Some(path) => Some(Chip::load(&streams::input(path)?)?),
            None => None,
        };
        if let Some(chip) = &chip {
            chip.matrix(&program)?; // refuses another shape
        }
        let calibrations = self.calibrations(&heaters, chip.as_ref())?;
        match &self.read {
            Some(_) => self.read_back(&program, &heaters, &calibrations),
            None => self.write(&program, &heaters, &calibrations, chip.as_ref()),
        }
    }

    fn calibrations(&self, heaters: &[Heater], chip: Option<&Chip>) -> anyhow::Result<Vec<Option<HeaterCalibration>>> {
        if let Some(path) = &self.calibration {
            return Ok(parse_calibrations(path, &streams::read(path)?.bytes, heaters)?);
        }
        let shifter = chip.and_then(|chip| chip.process().phase_shifter.as_ref());
        let power = shifter.map(|shifter| shifter.power_pi_w).filter(|power| *power > 0.0);
        let same = power.map(|power| HeaterCalibration { power_pi_w: Some(power), ..Default::default() });
        Ok(vec![same; heaters.len()])
    }

    fn write(
        &self,
        program: &MatrixProgram,
        heaters: &[Heater],
        calibrations: &[Option<HeaterCalibration>],
        chip: Option<&Chip>,
    ) -> anyhow::Result<Exit> {
        let (order, channels) = self.order(heaters)?;
        let phase = |heater: &Heater| wrap(program.stages()[heater.stage].phases().values()[heater.index]);
        let mut table = ResultTable::new("heaters", &COLUMNS.map(|(name, ..)| name));
        let columns = [6, 5, 6, 4, 7, 9, 8, 7, 6, 5].map(|width| Column::right().min_width(width).gap(1));
        let mut text = TextTable::new(0, columns.to_vec());
        text.row("heater|stage|column|mode|shifter|phase/rad|power/mW|volts/V|mA|code".split('|'));
        let (mut power, mut unknown, mut beyond) = (0.0, 0, 0);
        for (row, &number) in order.iter().enumerate() {
            let heater = &heaters[number];
            let drive = calibrations[number].map_or(HeaterDrive::default(), |known| known.drive(phase(heater)));
            let code = drive.volts.zip(self.codes()).map(|(volts, (largest, max))| (volts / max * largest).round());
            let is_beyond = code.zip(self.codes()).is_some_and(|(code, (largest, _))| code > largest);
            let code = code.filter(|_| !is_beyond);
            beyond += usize::from(is_beyond);
            unknown += usize::from(drive == HeaterDrive::default());
            power += drive.power_w.unwrap_or(0.0);
            let milli = |value: Option<f64>| value.map(|value| 1e3 * value);
            let place = heater.place;
            table.row([
                number.into(),
                place.stage.key().into(),
                place.column.into(),
                place.mode.into(),
                place.shifter.key().into(),
                phase(heater).into(),
                milli(drive.power_w).into(),
                drive.volts.into(),
                milli(drive.amperes).into(),
                code.map_or(ResultValue::from(None::<f64>), |code| (code as usize).into()),
                channels.get(row).cloned().unwrap_or_default().into(),
            ]);
            if row < MAX_PRINTED {
                let digits = |value: Option<f64>, digits: usize| {
                    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
                };
                text.row([
                    number.to_string(),
                    place.stage.key().to_owned(),
                    place.column.to_string(),
                    place.mode.to_string(),
                    place.shifter.key().to_owned(),
                    format!("{:.4}", phase(heater)),
                    digits(milli(drive.power_w), 4),
                    digits(drive.volts, 4),
                    digits(milli(drive.amperes), 4),
                    digits(code, 0),
                ]);
            }
        }
        if let Some(path) = &self.output {
            let csv = table.csv();
            streams::save(path, |path| write_atomically(path, csv.as_bytes()))?;
        }
        let mut results = Results::default();
        results.value("heaters", order.len());
        results.value("uncalibrated", unknown);
        results.value("power_mw", 1e3 * power);
        results.table(table);
        results.show(text);
        if order.len() > MAX_PRINTED {
            results.line(format!("… and {} more heaters; -o writes all", order.len() - MAX_PRINTED));
        }
        if unknown < order.len() {
            results.line(format!("power of all calibrated heaters: {:.3} mW", 1e3 * power));
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        let note = |text: String| output::status(&format!("note: {text}"));
        if unknown > 0 && self.calibration.is_some() {
            note(format!("{unknown} of {} heaters have no calibration: their powers are empty", order.len()));
        }
        if unknown == order.len() && self.calibration.is_none() {
            note(
                "no power is known: give --calibration, or a chip whose process has `phase_shifter.power_pi_w`".into(),
            );
        }
        if beyond > 0 {
            let max = self.max_volts.unwrap_or_default();
            note(format!("{beyond} heaters need more than {max} V: their codes are empty"));
        }
        if order.len() < heaters.len() {
            note(format!("{} of {} heaters are not in the wiring file", heaters.len() - order.len(), heaters.len()));
        }
        for heater in chip.into_iter().flat_map(|chip| &chip.process().heater_limits).flat_map(|limits| &limits.heaters)
        {
            if let Some(fixed) = heater.fixed_rad {
                let column = heater.column.map(|column| format!("column {column}, ")).unwrap_or_default();
                let (stage, shifter, mode) = (heater.stage.key(), heater.shifter.key(), heater.mode);
                note(format!(
                    "{stage}, {shifter}, {column}mode {mode} of the chip stays at {fixed} rad, whatever is set"
                ));
            }
        }
        Ok(Exit::Done)
    }

    /// The largest code, and its voltage.
    fn codes(&self) -> Option<(f64, f64)> {
        self.bits.zip(self.max_volts).map(|(bits, max)| (f64::from((1_u32 << bits) - 1), max))
    }

    /// The numbers of the heaters in the order of the table, and their channels.
    fn order(&self, heaters: &[Heater]) -> anyhow::Result<(Vec<usize>, Vec<String>)> {
        let Some(path) = &self.wiring else { return Ok(((0..heaters.len()).collect(), Vec::new())) };
        let table = CsvTable::parse(path, &streams::read(path)?.bytes)?;
        let rows = rows_of_heaters(&table, heaters)?;
        let channel = table.column(&["channel"]);
        let text = |row: usize| channel.and_then(|at| table.text(row, at)).unwrap_or_default().to_owned();
        let channels = (0..rows.len()).map(text).collect();
        Ok((rows, channels))
    }

    /// The program with the phases of a table.
    fn read_back(
        &self,
        program: &MatrixProgram,
        heaters: &[Heater],
        calibrations: &[Option<HeaterCalibration>],
    ) -> anyhow::Result<Exit> {
        let path = self.read.as_ref().unwrap_or(&self.program);
        let table = CsvTable::parse(path, &streams::read(path)?.bytes)?;
        let rows = rows_of_heaters(&table, heaters)?;
        let has = |column: &str| {
            table.column(&[column]).is_some_and(|at| (0..rows.len()).any(|row| table.text(row, at).is_some()))
        };
        let chosen = match &self.by {
            Some(by) => QUANTITIES.into_iter().find(|(name, _)| name == by).filter(|(_, column)| has(column)),
            None => QUANTITIES.into_iter().find(|(_, column)| has(column)),
        };
        let names = QUANTITIES.map(|(_, column)| column).join(", ");
        let Some((quantity, column)) = chosen else {
            let found = self.by.as_ref().map_or("no quantity".to_owned(), |by| format!("no {by}"));
            return Err(table.header_error(&found, &format!("values in one of the columns {names}")).into());
        };
        anyhow::ensure!(
            quantity != "code" || self.codes().is_some(),
            "{}: found codes, expected --bits and --max-volts with them, or --by another quantity",
            path.display()
        );
        let (at, phases_at) = (table.column(&[column]), table.column(&["phase_rad"]));
        let mut phases: Vec<Phases> = program.stages().iter().map(|stage| stage.phases().clone()).collect();
        let (mut read, mut by_phase) = (0, 0);
        for (row, &number) in rows.iter().enumerate() {
            let number_in = |at: Option<usize>| at.map_or(Ok(None), |at| table.number(row, at));
            let phase = match number_in(at)? {
                Some(value) if quantity != "phase" && value < 0.0 => {
                    return Err(table
                        .row_error(row, &format!("{value}"), "a number from 0: a heater cannot cool")
                        .into());
                }
                Some(value) => self.phase(quantity, value, calibrations[number]).ok_or_else(|| {
                    let found = format!("{value} of heater {number}, which has no calibration of that");
                    table.row_error(
                        row,
                        &found,
                        "a row of --calibration with P_π or V_π, and the resistance for currents",
                    )
                })?,
                None => {
                    let Some(phase) = number_in(phases_at)? else { continue };
                    by_phase += 1;
                    phase
                }
            };
            read += 1;
            let heater = heaters[number];
            phases[heater.stage].values_mut()[heater.index] = phase;
        }
        let program = program.with_phases(phases);
        if let Some(path) = &self.output {
            streams::save(path, |path| program.save(path))?;
        }
        let mut results = Results::default();
        results.value("heaters", heaters.len());
        results.value("read", read);
        results.value("by", quantity);
        results.line(format!("{read} of {} phases read by {quantity}", heaters.len()));
        if by_phase > 0 && quantity != "phase" {
            results.line(format!("{by_phase} of them by phase_rad, because they have no {column}"));
        }
        if read < heaters.len() {
            results.line(format!("{} phases are those of {}", heaters.len() - read, self.program.display()));
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        output::hint_output(self.output.as_deref(), "PROGRAM.json");
        Ok(Exit::Done)
    }

    /// The phase (rad) of a heater that is set to a value in the unit of its column.
    fn phase(&self, quantity: &str, value: f64, known: Option<HeaterCalibration>) -> Option<f64> {
        match quantity {
            "phase" => Some(wrap(value)),
            "power" => known?.phase(DriveQuantity::Power, 1e-3 * value),
            "current" => known?.phase(DriveQuantity::Current, 1e-3 * value),
            "voltage" => known?.phase(DriveQuantity::Voltage, value),
            _ => {
                let (largest, max) = self.codes()?;
                known?.phase(DriveQuantity::Voltage, value / largest * max)
            }
        }
    }
}

/// A voltage above 0.
fn volts(text: &str) -> Result<f64, String> {
    let volts = text.parse::<f64>().ok().filter(|volts| *volts > 0.0 && *volts <= 1e6);
    volts.ok_or_else(|| format!("found {text}, expected a voltage above 0 V, at most 1e6 V"))
}
