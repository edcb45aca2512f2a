//! The JSON form of a program, version 1. Floating-point numbers are read back exactly as they were written.

use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::layout::shifter::Shifter;
use crate::layout::stage::{Stage, StageKind};
use crate::program::file_parts::{
    IDENTITY, MAX_PHASE, ProgramFile, ScreenPhase, check_angle, check_equal, check_written, place_cells,
};
use crate::program::matrix_program::MatrixProgram;
use crate::topology::mesh_design::MeshDesign;
use phaseloom_files::{InvalidValue, read_text, write_atomically};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: (&str, u32) = ("phaseloom-program", 1);
const CONVENTION: &str = "S(pi/4+beta) P(theta) S(pi/4+alpha) P(phi), P on the upper arm, rad";

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mesh {
    modes: usize,
    /// Number of modes, if it exceeds the number of ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<usize>,
    /// Crossings, in order of propagation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wiring: Vec<Crossing>,
    cells: Vec<Cell>,
    output: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    /// The phases of the waveguides that end at a mode of a column.
    edges: Vec<ScreenPhase>,
}

/// A permutation before a column, or after the last one: mode i was mode `order[i]`.
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Crossing {
    column: usize,
    order: Vec<usize>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    column: usize,
    mode: usize,
    theta: f64,
    phi: f64,
}

impl MatrixProgram {
    /// The program as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let meshes = self.stages().iter().filter(|stage| stage.kind() == StageKind::Mesh).map(write_mesh);
        ProgramFile::new(self, FORMAT, CONVENTION, Some(self.design().cell().key()), meshes).to_json()
    }

    /// Writes the JSON file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`], also for a gain or a phase that [`MatrixProgram::load`] would refuse.
    pub fn save(&self, path: &Path) -> Result<(), MeshError> {
        check_written(self).map_err(|invalid| invalid.in_file(path))?;
        Ok(write_atomically(path, self.to_json().as_bytes())?)
    }

    /// Reads and checks a JSON file.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`].
    pub fn load(path: &Path) -> Result<Self, MeshError> {
        Self::parse(path, &read_text(path)?)
    }

    /// Reads and checks JSON text, as [`MatrixProgram::to_json`] writes it.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`].
    pub fn from_json(text: &str) -> Result<Self, MeshError> {
        Self::parse(Path::new("program"), text)
    }

    /// The same from the text of the file at `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, MeshError> {
        let (file, design) = ProgramFile::<Mesh>::parse(path, text, FORMAT)?;
        let read = || {
            check_equal("convention", file.convention.as_str(), CONVENTION)?;
            file.into_program(design.clone(), |name, mesh, ports| {
                check_equal(&format!("{name}.modes"), mesh.modes, ports)?;
                read_mesh(name, &mesh, &design)
            })
        };
        read().map_err(|invalid: InvalidValue| invalid.in_file(path).into())
    }
}

fn write_mesh(stage: &Stage) -> Mesh {
    let (layout, phases) = (stage.layout(), stage.phases());
    let cells = layout.positions.iter().zip(phases.theta().iter().zip(phases.phi()));
    let boundary = phases.boundary().iter().enumerate().map(|(k, &phase)| {
        let Shifter { column, mode, .. } = layout.boundary_shifter(k);
        ScreenPhase { column, mode, phase }
    });
    Mesh {
        modes: layout.ports,
        lines: extra_modes(layout),
        wiring: crossings(layout),
        cells: cells.map(|(p, (&theta, &phi))| Cell { column: p.column, mode: p.mode, theta, phi }).collect(),
        output: phases.output().to_vec(),
        edges: boundary.collect(),
    }
}

/// Number of modes, if it exceeds the number of ports.
fn extra_modes(layout: &Layout) -> Option<usize> {
    (layout.modes > layout.ports).then_some(layout.modes)
}

fn crossings(layout: &Layout) -> Vec<Crossing> {
    let crossing = |column| Some(Crossing { column, order: layout.permutation_before(column)?.to_vec() });
    (0..=layout.columns).filter_map(crossing).collect()
}

fn read_mesh(name: &str, mesh: &Mesh, design: &MeshDesign) -> Result<Stage, InvalidValue> {
    check_equal(&format!("{name}.output (number of)"), mesh.output.len(), mesh.modes)?;
    let places: Vec<[usize; 2]> = mesh.cells.iter().map(|cell| [cell.column, cell.mode]).collect();
    let (layout, indices) = place_cells(name, design, mesh.modes, &places)?;
    let modes = |modes: Option<usize>| modes.map_or("none, as many as ports".to_owned(), |modes| modes.to_string());
    check_equal(&format!("{name}.lines"), modes(mesh.lines), modes(extra_modes(&layout)))?;
    if mesh.wiring != crossings(&layout) {
        let found = format!("{} crossings that differ", mesh.wiring.len());
        return Err(InvalidValue::new(format!("{name}.wiring"), found, format!("those of {design}")));
    }
    check_equal(&format!("{name}.edges (number of)"), mesh.edges.len(), layout.boundary_shifters().len())?;
    let mut phases = Phases::blank(&layout);
    if indices.len() < layout.positions.len() {
        (0..layout.positions.len()).for_each(|cell| phases.set_cell(cell, IDENTITY[0], IDENTITY[1]));
    }
    for (k, (cell, &index)) in mesh.cells.iter().zip(&indices).enumerate() {
        let theta = check_angle(|| format!("{name}.cells[{k}].theta"), cell.theta, MAX_PHASE)?;
        phases.set_cell(index, theta, check_angle(|| format!("{name}.cells[{k}].phi"), cell.phi, MAX_PHASE)?);
    }
    for (mode, &phase) in mesh.output.iter().enumerate() {
        phases.set_output(mode, check_angle(|| format!("{name}.output[{mode}]"), phase, MAX_PHASE)?);
    }
    for (k, shifter) in mesh.edges.iter().enumerate() {
        let Shifter { column, mode, .. } = layout.boundary_shifter(k);
        check_equal(&format!("{name}.edges[{k}].column"), shifter.column, column)?;
        check_equal(&format!("{name}.edges[{k}].mode"), shifter.mode, mode)?;
        phases.set_boundary(k, check_angle(|| format!("{name}.edges[{k}].phase"), shifter.phase, MAX_PHASE)?);
    }
    Ok(Stage::mesh(layout, phases))
}
