//! The JSON file of a chip, version 1: its process and every frozen parameter, in plain units. A measured chip has no seed,
//! and may have no process.

use crate::chip::shape::ProgramShape;
use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use phaseloom_files::{InvalidValue, parse_json, read_text, to_json, write_atomically};
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::file_parts::{
    check_angle, check_cells, check_equal, check_file_memory, check_form, read_design, right_ports,
};
use phaseloom_mesh::{CellPosition, Phases, Stage};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "phaseloom-chip";
const VERSION: u32 = 1;
/// Maximum angle of a file (rad). A process of the largest spread, 1e6 rad, samples up to 8.5 times that, plus its mean.
const MAX_ANGLE: f64 = 1e7;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    /// Absent in a chip that was not sampled, together with `trial` and `core`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trial: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    core: Option<u64>,
    #[serde(default)]
    process: Process,
    form: String,
    topology: String,
    /// Absent in files that were written before other cells existed: the topology's default cell.
    cell: Option<String>,
    rows: usize,
    columns: usize,
    #[serde(default)]
    left: Option<Part>,
    #[serde(default)]
    attenuators: Option<Part>,
    right: Part,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    cells: Vec<Cell>,
    output_offset_rad: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    edge_offset_rad: Vec<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    /// The place, as in the program. Absent in older files, whose cells are in the order of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<usize>,
    alpha_rad: f64,
    beta_rad: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    gamma_rad: f64,
    upper_amplitude: f64,
    lower_amplitude: f64,
    theta_offset_rad: f64,
    phi_offset_rad: f64,
}

fn is_zero(value: &f64) -> bool {
    value.to_bits() == 0
}

impl Chip {
    /// Writes the JSON file, whole or not at all.
    ///
    /// # Errors
    ///
    /// An unwritable path.
    pub fn save(&self, path: &Path) -> Result<(), HardwareError> {
        Ok(write_atomically(path, self.to_json().as_bytes())?)
    }

    /// The chip as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let places = self.shape.blank_stages();
        let mut parts = self.stages.iter().zip(&places).map(|(errors, stage)| write_part(errors, stage));
        let right = parts.next().unwrap_or_default();
        let (attenuators, left) = (parts.next(), parts.next());
        let file = File {
            format: FORMAT.into(),
            version: VERSION,
            seed: self.id.map(|id| id.seed),
            trial: self.id.map(|id| id.trial),
            core: self.id.map(|id| id.core),
            process: self.process.clone(),
            form: self.shape.form().into(),
            topology: self.shape.design.topology().key().into(),
            cell: Some(self.shape.design.cell().key().into()),
            rows: self.shape.rows,
            columns: self.shape.columns,
            left,
            attenuators,
            right,
        };
        to_json(&file)
    }

    /// Reads and checks a JSON file.
    ///
    /// # Errors
    ///
    /// An unreadable path, bad syntax, or contents that contradict each other or physics.
    pub fn load(path: &Path) -> Result<Self, HardwareError> {
        Self::parse(path, &read_text(path)?)
    }

    /// Reads and checks JSON text, as [`Chip::to_json`] writes it.
    ///
    /// # Errors
    ///
    /// As [`Chip::load`].
    pub fn from_json(text: &str) -> Result<Self, HardwareError> {
        Self::parse(Path::new("chip"), text)
    }

    /// The same from the text of the file at `path`.
    fn parse(path: &Path, text: &str) -> Result<Self, HardwareError> {
        let file: File = parse_json(path, text, "chip")?;
        let length = text.len();
        let read = || {
            check_equal("format", file.format.as_str(), FORMAT)?;
            check_equal("version", file.version, VERSION)?;
            let design = read_design(&file.topology, file.cell.as_deref())?;
            let parts = [file.left.is_some(), file.attenuators.is_some()];
            let svd = check_form(&file.form, &design, parts, (file.rows, file.columns))?;
            Ok(ProgramShape { svd, design, rows: file.rows, columns: file.columns })
        };
        let refuse = |invalid: InvalidValue| invalid.in_file(path);
        let shape = read().map_err(refuse)?;
        file.process.check().map_err(|error| match error {
            HardwareError::Process(invalid) => refuse(invalid.in_table("process")).into(),
            other => other,
        })?;
        check_file_memory(&shape.design, file.rows.max(file.columns), length, "loading the chip")?;
        let stages = read_stages(&file, &shape).map_err(refuse)?;
        file.process.check_stages(&shape.blank_stages()).map_err(|invalid| refuse(invalid.in_table("process")))?;
        let id = file.seed.map(|seed| ChipId {
            seed,
            trial: file.trial.unwrap_or_default(),
            core: file.core.unwrap_or_default(),
        });
        Ok(Self { process: file.process, id, shape, stages })
    }
}

fn read_stages(file: &File, shape: &ProgramShape) -> Result<Vec<StageErrors>, InvalidValue> {
    let mesh = |name: &str, part: &Part, ports: usize| {
        // The file bounds the number of ports before a layout is made.
        check_cells(name, &shape.design, ports, part.cells.len())?;
        read_part(name, part, &shape.design.blank(ports))
    };
    let mut stages = vec![mesh("right", &file.right, right_ports(&shape.design, file.rows, file.columns))?];
    if let (Some(left), Some(attenuators)) = (&file.left, &file.attenuators) {
        let count = file.rows.min(file.columns);
        check_count("attenuators", "cells", attenuators.cells.len(), count)?;
        stages.push(read_part("attenuators", attenuators, &Stage::attenuators(Phases::zero(count, 0)))?);
        stages.push(mesh("left", left, file.rows)?);
    }
    Ok(stages)
}

fn write_part(errors: &StageErrors, stage: &Stage) -> Part {
    let offsets = &errors.offsets;
    let cells = errors.cell_errors.iter().zip(&stage.layout().positions).enumerate();
    let cells = cells.map(|(k, (cell, position))| Cell {
        column: Some(position.column),
        mode: Some(position.mode),
        alpha_rad: cell.alpha,
        beta_rad: cell.beta,
        gamma_rad: cell.gamma,
        upper_amplitude: cell.upper_transmission,
        lower_amplitude: cell.lower_transmission,
        theta_offset_rad: offsets.theta()[k],
        phi_offset_rad: offsets.phi()[k],
    });
    Part {
        cells: cells.collect(),
        output_offset_rad: offsets.output().to_vec(),
        edge_offset_rad: offsets.boundary().to_vec(),
    }
}

fn check_count(name: &str, key: &str, found: usize, expected: usize) -> Result<(), InvalidValue> {
    check_equal(&format!("{name}.{key} (number of)"), found, expected)
}

/// The cells in the order of the layout, each with its index in the file: by their places, or without any in that order.
fn by_place<'a>(
    name: &str,
    cells: &'a [Cell],
    positions: &[CellPosition],
) -> Result<Vec<(usize, &'a Cell)>, InvalidValue> {
    check_count(name, "cells", cells.len(), positions.len())?;
    let with_places = cells.iter().any(|cell| cell.column.is_some() || cell.mode.is_some());
    let mut ordered: Vec<Option<(usize, &Cell)>> = vec![None; positions.len()];
    for (k, cell) in cells.iter().enumerate() {
        let refuse = |found, expected: &str| Err(InvalidValue::new(format!("{name}.cells[{k}]"), found, expected));
        let at = match (cell.column, cell.mode) {
            (None, None) if !with_places => k,
            (Some(column), Some(mode)) => {
                let place = format!("column {column}, mode {mode}");
                match positions.binary_search_by_key(&(column, mode), |p| (p.column, p.mode)) {
                    Ok(at) if ordered[at].is_none() => at,
                    Ok(_) => return refuse(format!("{place} for a second time"), "each place of the mesh once"),
                    Err(_) => return refuse(place, "the place of a cell of this mesh, as in its program"),
                }
            }
            _ => return refuse("not both `column` and `mode`".into(), "both in every cell, or neither in any"),
        };
        ordered[at] = Some((k, cell));
    }
    Ok(ordered.into_iter().flatten().collect())
}

fn read_part(name: &str, part: &Part, stage: &Stage) -> Result<StageErrors, InvalidValue> {
    let (cells, outputs) = (stage.layout().positions.len(), stage.phases().output().len());
    check_count(name, "edge_offset_rad", part.edge_offset_rad.len(), stage.phases().boundary().len())?;
    let placed = by_place(name, &part.cells, &stage.layout().positions)?;
    check_count(name, "output_offset_rad", part.output_offset_rad.len(), outputs)?;
    let mut offsets = stage.phases().zeroed();
    let mut states = Vec::with_capacity(cells);
    for (at, (k, cell)) in placed.into_iter().enumerate() {
        for (key, value) in [("upper_amplitude", cell.upper_amplitude), ("lower_amplitude", cell.lower_amplitude)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(InvalidValue::new(format!("{name}.cells[{k}].{key}"), value, "0…1: passive optics"));
            }
        }
        for (key, angle) in [
            ("alpha_rad", cell.alpha_rad),
            ("beta_rad", cell.beta_rad),
            ("gamma_rad", cell.gamma_rad),
            ("theta_offset_rad", cell.theta_offset_rad),
            ("phi_offset_rad", cell.phi_offset_rad),
        ] {
            check_angle(|| format!("{name}.cells[{k}].{key}"), angle, MAX_ANGLE)?;
        }
        let splitters = stage.layout().cell.splitters();
        for (which, key, angle) in [(2, "beta_rad", cell.beta_rad), (3, "gamma_rad", cell.gamma_rad)] {
            if splitters < which && !is_zero(&angle) {
                let expected = format!("none: number of splitters in a cell {splitters}");
                return Err(InvalidValue::new(format!("{name}.cells[{k}].{key}"), angle, expected));
            }
        }
        offsets.set_cell(at, cell.theta_offset_rad, cell.phi_offset_rad);
        states.push(CellErrors {
            alpha: cell.alpha_rad,
            beta: cell.beta_rad,
            gamma: cell.gamma_rad,
            upper_transmission: cell.upper_amplitude,
            lower_transmission: cell.lower_amplitude,
        });
    }
    for (mode, &offset) in part.output_offset_rad.iter().enumerate() {
        offsets.set_output(mode, check_angle(|| format!("{name}.output_offset_rad[{mode}]"), offset, MAX_ANGLE)?);
    }
    for (k, &offset) in part.edge_offset_rad.iter().enumerate() {
        offsets.set_boundary(k, check_angle(|| format!("{name}.edge_offset_rad[{k}]"), offset, MAX_ANGLE)?);
    }
    Ok(StageErrors { cell_errors: states, offsets, ..StageErrors::perfect(stage) })
}
