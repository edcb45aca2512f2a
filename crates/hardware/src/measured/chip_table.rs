//! A chip from a table of measurements: a row for each cell, or for each component.
//!
//! A row names its place: `stage` (`right` if the program has one mesh), `column` and `mode`, or `cell`, the number of the cell in the
//! order of the program. It has the values of a whole cell, in columns such as `splitter1_cross` and `theta_offset_rad`; or it names
//! a `component`, whose values are in columns such as `cross` and `offset_rad`. What no row gives is as the process designs it.
//!
//! A splitter of cross power κ has the angle asin √κ. A cell of extinction E (dB), the ratio of the maximum and the minimum power at
//! its bar port, has two equal splitters with the error ½·asin 10^(−E/20): with equal errors α, a cell in the cross state sends
//! sin² 2α to its bar port (derived). The sign is not measured; it is taken as positive, more cross power.

use crate::chip::Chip;
use crate::error::HardwareError;
use crate::heaters::{ShifterName, StageName, find_shifter, find_stage};
use crate::process::stage_errors::StageErrors;
use crate::process::{HeaterLimit, Process};
use phaseloom_files::{CsvTable, FileError, InvalidValue};
use phaseloom_mesh::cell::splitter_error_from_power;
use phaseloom_mesh::{CellPosition, MatrixProgram, Stage};
use std::collections::HashSet;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};
use std::path::Path;

/// Maximum offset (rad), as in chip files.
const MAX_OFFSET: f64 = 1e7;
/// Maximum loss and extinction (dB).
const MAX_DB: f64 = 300.0;
/// Columns of the place of a row.
const PLACES: [&str; 6] = ["stage", "component", "column", "mode", "port", "cell"];

/// A part of a chip that a table measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Component {
    /// Both arms and all splitters of a cell.
    Cell,
    /// A splitter, from 0, in the order in which light meets θ: the two of an interferometer, then the one before φ.
    Splitter(usize),
    /// The upper inner arm (0) or the lower one (1).
    Arm(usize),
    /// A phase shifter.
    Heater(ShifterName),
}

/// The components by the names of a table.
const COMPONENTS: [(&str, Component); 10] = [
    ("cell", Component::Cell),
    ("splitter1", Component::Splitter(0)),
    ("splitter2", Component::Splitter(1)),
    ("splitter3", Component::Splitter(2)),
    ("upper", Component::Arm(0)),
    ("lower", Component::Arm(1)),
    ("theta", Component::Heater(ShifterName::Theta)),
    ("phi", Component::Heater(ShifterName::Phi)),
    ("output", Component::Heater(ShifterName::Output)),
    ("boundary", Component::Heater(ShifterName::Boundary)),
];

/// The quantities of a component.
fn quantities(component: Component) -> &'static [&'static str] {
    match component {
        Component::Cell => &["loss_db", "extinction_db"],
        Component::Splitter(_) => &["cross", "angle_rad", "error_rad"],
        Component::Arm(_) => &["loss_db"],
        Component::Heater(_) => &["offset_rad", "fixed_rad", "max_rad"],
    }
}

/// All names of columns with values: of components in rows of cells, and of rows that name their component.
fn known_columns() -> Vec<String> {
    let mut names: Vec<String> = PLACES.map(str::to_owned).to_vec();
    for (key, component) in COMPONENTS {
        for quantity in quantities(component) {
            let name = if component == Component::Cell { (*quantity).to_owned() } else { format!("{key}_{quantity}") };
            names.extend([name, (*quantity).to_owned()]);
        }
    }
    names.sort_by_key(|name| !PLACES.contains(&name.as_str()));
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Component and quantity of a column such as `splitter1_cross`; no component for one such as `cross`.
fn column_quantity(name: &str) -> Option<(Option<Component>, &'static str)> {
    let of = |component: Component, rest: &str| quantities(component).iter().copied().find(|known| *known == rest);
    let own = COMPONENTS.iter().find_map(|(key, component)| {
        let rest = name.strip_prefix(key)?.strip_prefix('_')?;
        Some((Some(*component), of(*component, rest)?))
    });
    own.or_else(|| COMPONENTS.iter().find_map(|(_, component)| Some((None, of(*component, name)?))))
}

/// The errors that a table sets, on top of those of the design.
struct Measured<'a> {
    stages: &'a [Stage],
    errors: Vec<StageErrors>,
    limits: Vec<HeaterLimit>,
    /// What was set already: stage, index and slot.
    set: HashSet<(usize, usize, &'static str)>,
    cells: HashSet<(usize, usize)>,
}

/// A chip from a table, with the number of cells that the table names.
#[derive(Clone, Debug)]
pub struct ChipTable {
    /// The chip. It has no seed.
    pub chip: Chip,
    /// Cells with at least one row.
    pub cells: usize,
}

impl ChipTable {
    /// Reads a chip for programs of the shape of `program` from the table in the bytes of the file at `path`.
    ///
    /// What the table does not give is as `process` designs it: its nominal loss, no splitter error, no offset. Quantisation,
    /// crosstalk and jitter are those of the process.
    ///
    /// # Errors
    ///
    /// [`FileError::Format`] with line and column for unknown columns, places that the program does not have, impossible values and
    /// values that are given twice; an impossible process.
    pub fn parse(path: &Path, bytes: &[u8], process: &Process, program: &MatrixProgram) -> Result<Self, HardwareError> {
        let table = CsvTable::parse(path, bytes)?;
        let nominal = Chip::nominal(process, program)?;
        let mut measured = Measured {
            stages: program.stages(),
            errors: nominal.stages().to_vec(),
            limits: Vec::new(),
            set: HashSet::new(),
            cells: HashSet::new(),
        };
        let mut columns = Vec::new();
        for (at, name) in table.names().iter().enumerate().filter(|(_, name)| !PLACES.contains(&name.as_str())) {
            let (component, quantity) = column_quantity(name).ok_or_else(|| table.unknown(name, &known_columns()))?;
            columns.push((at, component, quantity));
        }
        if columns.is_empty() {
            return Err(table.header_error("no column of values", &format!("at least one of {}", values())).into());
        }
        for row in 0..table.len() {
            measured.row(&table, row, &columns)?;
        }
        let mut process = process.clone();
        if !measured.limits.is_empty() {
            process.heater_limits.get_or_insert_default().heaters.append(&mut measured.limits);
        }
        let cells = measured.cells.len();
        Ok(Self { chip: Chip::from_stages(&process, program, measured.errors)?, cells })
    }
}

/// The names of the columns of values, for a message.
fn values() -> String {
    known_columns().split_off(PLACES.len()).join(", ")
}

/// The place of a row: its stage, and column and mode.
#[derive(Clone, Copy)]
struct Place {
    stage: usize,
    column: Option<usize>,
    mode: usize,
}

impl Measured<'_> {
    fn row(
        &mut self,
        table: &CsvTable,
        row: usize,
        columns: &[(usize, Option<Component>, &'static str)],
    ) -> Result<(), FileError> {
        let component = match table.column(&["component"]).and_then(|at| Some((at, table.text(row, at)?))) {
            None => Component::Cell,
            Some((at, text)) => {
                let key = text.to_lowercase();
                let found = COMPONENTS.iter().find(|(name, _)| *name == key);
                found.map(|(_, component)| *component).ok_or_else(|| {
                    let names = COMPONENTS.map(|(name, _)| name).join(", ");
                    table.at(row, at, &format!("`{text}`"), &format!("one of {names}"))
                })?
            }
        };
        let place = self.place(table, row, component)?;
        if !matches!(component, Component::Heater(ShifterName::Output | ShifterName::Boundary)) {
            self.cells.insert((place.stage, self.cell(table, row, place)?));
        }
        let mut given = false;
        for &(at, of, quantity) in columns {
            let Some(value) = table.number(row, at)? else { continue };
            given = true;
            let own = of.unwrap_or(component);
            let expected = match (of, component) {
                (Some(other), Component::Cell) if !matches!(other, Component::Heater(ShifterName::Output)) => None,
                (Some(other), _) if other != component => Some("no value here: this row is another component"),
                (None, _) if !quantities(component).contains(&quantity) => {
                    Some("no value here: this component has no such quantity")
                }
                _ => None,
            };
            if let Some(expected) = expected {
                return Err(table.at(row, at, &value.to_string(), expected));
            }
            self.set_value(place, own, quantity, value)
                .map_err(|invalid| table.at(row, at, &invalid.found, &invalid.expected))?;
        }
        if given { Ok(()) } else { Err(table.row_error(row, "no value", "at least one; leave the row out")) }
    }

    /// The place that a row names.
    fn place(&self, table: &CsvTable, row: usize, component: Component) -> Result<Place, FileError> {
        let stage = match table.column(&["stage"]).and_then(|at| Some((at, table.text(row, at)?))) {
            None if self.stages.len() == 1 => StageName::Right,
            None => {
                let expected = "`right`, `attenuators` or `left` in a column `stage`: the program has three stages";
                return Err(table.row_error(row, "no stage", expected));
            }
            Some((at, text)) => {
                let found = StageName::ALL.into_iter().find(|name| name.key() == text.to_lowercase());
                let stage = found.filter(|name| find_stage(self.stages, *name).is_ok());
                let expected =
                    if self.stages.len() == 1 { "`right`, the only mesh" } else { "right, attenuators or left" };
                stage.ok_or_else(|| table.at(row, at, &format!("`{text}`"), expected))?
            }
        };
        let stage = stage as usize;
        let count = |names: &[&str]| table.column(names).map_or(Ok(None), |at| table.count(row, at));
        let (column, mode, cell) = (count(&["column"])?, count(&["mode", "port"])?, count(&["cell"])?);
        let is_output = component == Component::Heater(ShifterName::Output);
        match (cell, column, mode) {
            (Some(cell), None, None) => {
                let positions = &self.stages[stage].layout().positions;
                let CellPosition { column, mode } = positions.get(cell).copied().ok_or_else(|| {
                    let expected = format!("a cell from 0 to {}", positions.len().saturating_sub(1));
                    table.row_error(row, &format!("cell {cell}"), &expected)
                })?;
                Ok(Place { stage, column: Some(column), mode })
            }
            (None, column, Some(mode)) if column.is_some() || is_output => Ok(Place { stage, column, mode }),
            (None, ..) => Err(table.row_error(row, "no place", "`column` and `mode`, or `cell`, the number of a cell")),
            _ => Err(table.row_error(row, "`cell` and also `column` or `mode`", "only one of them")),
        }
    }

    /// Index of the cell at a place.
    fn cell(&self, table: &CsvTable, row: usize, place: Place) -> Result<usize, FileError> {
        let column = place.column.unwrap_or_default();
        let position = CellPosition { column, mode: place.mode };
        self.stages[place.stage].layout().index_of(position).ok_or_else(|| {
            let found = format!("column {column}, mode {}", place.mode);
            table.row_error(row, &found, "the place of a cell of this mesh, as in the program and in its drawing")
        })
    }

    /// Sets one value of a component.
    fn set_value(
        &mut self,
        place: Place,
        component: Component,
        quantity: &'static str,
        value: f64,
    ) -> Result<(), InvalidValue> {
        let position = CellPosition { column: place.column.unwrap_or_default(), mode: place.mode };
        let layout = self.stages[place.stage].layout();
        let cell = layout.index_of(position).unwrap_or_default();
        let splitters = layout.cell.splitters();
        match component {
            Component::Cell if quantity == "loss_db" => {
                let amplitude = amplitude(value)?;
                self.arm(place.stage, cell, 0, amplitude)?;
                self.arm(place.stage, cell, 1, amplitude)
            }
            Component::Cell => {
                if splitters < 2 {
                    return Err(refuse(value, "no extinction: a cell of this mesh has one splitter"));
                }
                if !(0.0..=MAX_DB).contains(&value) {
                    return Err(refuse(value, "an extinction from 0 to 300 dB"));
                }
                let error = 10f64.powf(-value / 20.0).asin() / 2.0;
                (0..2).try_for_each(|splitter| self.splitter(place.stage, cell, splitter, error))
            }
            Component::Arm(arm) => self.arm(place.stage, cell, arm, amplitude(value)?),
            Component::Splitter(splitter) => {
                if splitter >= splitters {
                    let expected = format!("no value: a cell of this mesh has {splitters} splitters");
                    return Err(refuse(value, &expected));
                }
                let (range, expected, error) = match quantity {
                    "cross" => ([0.0, 1.0], "a share of power from 0 to 1", splitter_error_from_power(value - 0.5)),
                    "angle_rad" => ([0.0, FRAC_PI_2], "an angle from 0 to π/2 rad; π/4 is 50:50", value - FRAC_PI_4),
                    _ => ([-FRAC_PI_4, FRAC_PI_4], "an error from −π/4 to π/4 rad", value),
                };
                if !(range[0]..=range[1]).contains(&value) {
                    return Err(refuse(value, expected));
                }
                self.splitter(place.stage, cell, splitter, error)
            }
            Component::Heater(shifter) => {
                let stage = &self.stages[place.stage];
                let index = find_shifter(stage, shifter, place.column, place.mode)?;
                let (range, expected) = match quantity {
                    "offset_rad" => (-MAX_OFFSET..=MAX_OFFSET, "an angle from −1e7 to 1e7 rad"),
                    "fixed_rad" => (-100.0 * TAU..=100.0 * TAU, "a phase from −628 to 628 rad"),
                    _ => (0.0..=TAU, "a phase from 0 to 2π rad"),
                };
                if !range.contains(&value) {
                    return Err(refuse(value, expected));
                }
                if quantity == "offset_rad" {
                    self.once(place.stage, index, "offset")?;
                    self.errors[place.stage].offsets.values_mut()[index] = value;
                    return Ok(());
                }
                self.once(place.stage, index, "limit")?;
                let is_fixed = quantity == "fixed_rad";
                self.limits.push(HeaterLimit {
                    stage: StageName::ALL[place.stage],
                    shifter,
                    column: place.column,
                    mode: place.mode,
                    fixed_rad: is_fixed.then_some(value),
                    max_rad: (!is_fixed).then_some(value),
                });
                Ok(())
            }
        }
    }

    fn once(&mut self, stage: usize, index: usize, slot: &'static str) -> Result<(), InvalidValue> {
        match self.set.insert((stage, index, slot)) {
            true => Ok(()),
            false => Err(InvalidValue::new("value", "a second value for the same quantity", "each once")),
        }
    }

    fn arm(&mut self, stage: usize, cell: usize, arm: usize, amplitude: f64) -> Result<(), InvalidValue> {
        self.once(stage, cell, ["upper", "lower"][arm])?;
        let errors = &mut self.errors[stage].cell_errors[cell];
        *[&mut errors.upper_transmission, &mut errors.lower_transmission][arm] = amplitude;
        Ok(())
    }

    fn splitter(&mut self, stage: usize, cell: usize, splitter: usize, error: f64) -> Result<(), InvalidValue> {
        self.once(stage, cell, ["splitter1", "splitter2", "splitter3"][splitter])?;
        let errors = &mut self.errors[stage].cell_errors[cell];
        *[&mut errors.alpha, &mut errors.beta, &mut errors.gamma][splitter] = error;
        Ok(())
    }
}

fn refuse(value: f64, expected: &str) -> InvalidValue {
    InvalidValue::new("value", value, expected)
}

/// Amplitude transmission of a loss (dB of power).
fn amplitude(loss_db: f64) -> Result<f64, InvalidValue> {
    match (0.0..=MAX_DB).contains(&loss_db) {
        true => Ok(10f64.powf(-loss_db / 20.0)),
        false => Err(refuse(loss_db, "a loss from 0 to 300 dB")),
    }
}

#[cfg(test)]
mod tests;
