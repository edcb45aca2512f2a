//! The JSON form of a chip, version 1: the process that it came from and every frozen parameter, in plain units.

use crate::chip::shape::ProgramShape;
use crate::chip::{Chip, ChipId};
use crate::error::HardwareError;
use crate::process::Process;
use crate::process::stage_errors::StageErrors;
use phaseloom_files::{json_by_key, read_text, write_atomically};
use phaseloom_mesh::cell::CellErrors;
use phaseloom_mesh::{Capability, Cell as Kind, MeshDesign, MeshError, Phases, Stage, topology};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "phaseloom-chip";
const VERSION: u32 = 1;
/// Largest angle (rad) of a file: a process of the largest spread, 1e6 rad, draws up to 8.5 times that, and its mean.
const LARGEST: f64 = 1e7;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    seed: u64,
    trial: u64,
    core: u64,
    process: Process,
    form: String,
    topology: String,
    #[serde(default = "plain")]
    cell: String,
    rows: usize,
    columns: usize,
    left: Option<Part>,
    attenuators: Option<Part>,
    right: Part,
}

#[derive(Serialize, Deserialize)]
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
    alpha_rad: f64,
    beta_rad: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    gamma_rad: f64,
    upper_amplitude: f64,
    lower_amplitude: f64,
    theta_offset_rad: f64,
    phi_offset_rad: f64,
}

/// Files of chips are older than other cells.
fn plain() -> String {
    Kind::Mzi.key().to_owned()
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
        let sample = self.sample.unwrap_or(ChipId { seed: 0, trial: 0, core: 0 });
        let mut parts = self.stages.iter().map(write_part);
        let right = parts.next().unwrap_or(Part {
            cells: Vec::new(),
            output_offset_rad: Vec::new(),
            edge_offset_rad: Vec::new(),
        });
        let (attenuators, left) = (parts.next(), parts.next());
        let file = File {
            format: FORMAT.into(),
            version: VERSION,
            seed: sample.seed,
            trial: sample.trial,
            core: sample.core,
            process: self.process.clone(),
            form: self.shape.form().into(),
            topology: self.shape.design.topology().key().into(),
            cell: self.shape.design.cell().key().into(),
            rows: self.shape.rows,
            columns: self.shape.columns,
            left,
            attenuators,
            right,
        };
        let text = serde_json::to_string_pretty(&file)
            .map_err(|source| HardwareError::ChipSyntax { path: path.to_owned(), source })?;
        Ok(write_atomically(path, (text + "\n").as_bytes())?)
    }

    /// Reads and checks a JSON file.
    ///
    /// # Errors
    ///
    /// An unreadable path, bad syntax, or contents that contradict each other or physics.
    pub fn load(path: &Path) -> Result<Self, HardwareError> {
        let text = read_text(path)?;
        let file: File =
            json_by_key(&text).map_err(|source| HardwareError::ChipSyntax { path: path.to_owned(), source })?;
        let unknown = |key: &str, found: &str, known: MeshError| HardwareError::ChipContent {
            path: path.to_owned(),
            key: key.into(),
            found: format!("`{found}`"),
            expected: known.expected(),
        };
        let topology = topology(&file.topology).map_err(|known| unknown("topology", &file.topology, known))?;
        let cell = Kind::from_key(&file.cell).map_err(|known| unknown("cell", &file.cell, known))?;
        let design = MeshDesign::new(topology, cell).map_err(|known| unknown("cell", &file.cell, known))?;
        let wrong =
            |(key, found, expected): Wrong| HardwareError::ChipContent { path: path.to_owned(), key, found, expected };
        file.process.check()?;
        let contraction = design.topology().capability() == Capability::AnyContraction;
        let svd = match (file.form.as_str(), &file.left, &file.attenuators) {
            ("svd", Some(_), Some(_)) if !contraction => true,
            ("contraction" | "direct", None, None) if contraction => false,
            ("unitary", None, None) if !contraction => false,
            (form, ..) => {
                let expected =
                    "`unitary` (`contraction` if the topology is) with `right` alone, or `svd` with all three";
                return Err(wrong(("form".into(), form.into(), expected.into())));
            }
        };
        for (key, found, expected) in [
            ("format", file.format.clone(), FORMAT.to_owned()),
            ("version", file.version.to_string(), VERSION.to_string()),
        ] {
            if found != expected {
                return Err(wrong((key.into(), found, expected)));
            }
        }
        let shape = ProgramShape { svd, design: design.clone(), rows: file.rows, columns: file.columns };
        // The file itself bounds the number of ports: no layout is built before that agrees.
        let mesh = |name: &str, part: &Part, ports: usize| {
            if part.cells.len() + 1 < ports {
                counts(name, "cells", part.cells.len(), ports - 1)?;
            }
            counts(name, "output_offset_rad", part.output_offset_rad.len(), ports)?;
            read_part(name, part, &design.blank(ports))
        };
        phaseloom_files::require_memory(
            if design.topology().capability() == Capability::Fitted { 192.0 } else { 64.0 }
                * (file.rows.max(file.columns).min(text.len()) as f64).powi(2),
            "reading the chip",
        )?;
        let mut stages = vec![
            mesh("right", &file.right, if contraction { file.rows.max(file.columns) } else { file.columns })
                .map_err(wrong)?,
        ];
        if let (Some(left), Some(attenuators)) = (&file.left, &file.attenuators) {
            let lines = file.rows.min(file.columns);
            stages.push(
                counts("attenuators", "cells", attenuators.cells.len(), lines)
                    .and_then(|()| read_part("attenuators", attenuators, &Stage::attenuators(Phases::zero(lines, 0))))
                    .map_err(wrong)?,
            );
            stages.push(mesh("left", left, file.rows).map_err(wrong)?);
        }
        let sample = Some(ChipId { seed: file.seed, trial: file.trial, core: file.core });
        Ok(Self { process: file.process, sample, shape, stages })
    }
}

type Wrong = (String, String, String);

fn write_part(stage: &StageErrors) -> Part {
    let offsets = &stage.offsets;
    let cells = stage.cells.iter().enumerate().map(|(k, cell)| Cell {
        alpha_rad: cell.alpha,
        beta_rad: cell.beta,
        gamma_rad: cell.gamma,
        upper_amplitude: cell.upper,
        lower_amplitude: cell.lower,
        theta_offset_rad: offsets.theta()[k],
        phi_offset_rad: offsets.phi()[k],
    });
    Part {
        cells: cells.collect(),
        output_offset_rad: offsets.output().to_vec(),
        edge_offset_rad: offsets.boundary().to_vec(),
    }
}

fn possible(key: impl FnOnce() -> String, angle: f64) -> Result<(), Wrong> {
    if angle.abs() <= LARGEST {
        Ok(())
    } else {
        Err((key(), format!("{angle:e}"), "an angle from -1e7 to 1e7 rad".into()))
    }
}

fn counts(name: &str, key: &str, found: usize, expected: usize) -> Result<(), Wrong> {
    if found == expected {
        Ok(())
    } else {
        Err((format!("{name}.{key} (number of)"), found.to_string(), expected.to_string()))
    }
}

fn read_part(name: &str, part: &Part, stage: &Stage) -> Result<StageErrors, Wrong> {
    let (cells, outputs) = (stage.layout().positions.len(), stage.phases().output().len());
    counts(name, "edge_offset_rad", part.edge_offset_rad.len(), stage.phases().boundary().len())?;
    counts(name, "cells", part.cells.len(), cells)?;
    counts(name, "output_offset_rad", part.output_offset_rad.len(), outputs)?;
    let mut offsets = stage.phases().zeroed();
    let mut states = Vec::with_capacity(cells);
    for (k, cell) in part.cells.iter().enumerate() {
        for (key, value) in [("upper_amplitude", cell.upper_amplitude), ("lower_amplitude", cell.lower_amplitude)] {
            if !(0.0..=1.0).contains(&value) {
                return Err((format!("{name}.cells[{k}].{key}"), value.to_string(), "0…1: passive light".into()));
            }
        }
        for (key, angle) in [
            ("alpha_rad", cell.alpha_rad),
            ("beta_rad", cell.beta_rad),
            ("gamma_rad", cell.gamma_rad),
            ("theta_offset_rad", cell.theta_offset_rad),
            ("phi_offset_rad", cell.phi_offset_rad),
        ] {
            possible(|| format!("{name}.cells[{k}].{key}"), angle)?;
        }
        let splitters = stage.layout().cell.splitters();
        for (which, key, angle) in [(2, "beta_rad", cell.beta_rad), (3, "gamma_rad", cell.gamma_rad)] {
            if splitters < which && !is_zero(&angle) {
                let expected = format!("none: number of splitters in a cell {splitters}");
                return Err((format!("{name}.cells[{k}].{key}"), angle.to_string(), expected));
            }
        }
        offsets.set_cell(k, cell.theta_offset_rad, cell.phi_offset_rad);
        states.push(CellErrors {
            alpha: cell.alpha_rad,
            beta: cell.beta_rad,
            gamma: cell.gamma_rad,
            upper: cell.upper_amplitude,
            lower: cell.lower_amplitude,
        });
    }
    for (mode, &offset) in part.output_offset_rad.iter().enumerate() {
        possible(|| format!("{name}.output_offset_rad[{mode}]"), offset)?;
        offsets.set_output(mode, offset);
    }
    for (k, &offset) in part.edge_offset_rad.iter().enumerate() {
        possible(|| format!("{name}.edge_offset_rad[{k}]"), offset)?;
        offsets.set_boundary(k, offset);
    }
    Ok(StageErrors { cells: states, offsets, ..StageErrors::perfect(stage) })
}
