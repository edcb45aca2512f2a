//! The JSON form of a program in another convention, version 1. docs/reference/files/converted.md lists its keys.

use super::{Convention, ConvertedCell, ConvertedMesh, ScreenPhase, convention, splitter_table};
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::program::file_parts::{
    MAX_PHASE, ProgramFile, check_angle, check_equal, check_written, place_cells, unknown_name,
};
use crate::program::matrix_program::MatrixProgram;
use crate::topology::mesh_design::MeshDesign;
use phaseloom_files::{InvalidValue, read_text, write_atomically};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: (&str, u32) = ("phaseloom-converted", 1);

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mesh {
    modes: usize,
    cells: Vec<Cell>,
    screen: Vec<ScreenPhase>,
}

/// A cell with the two of these phases that the convention names.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    column: usize,
    mode: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    theta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phi: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    theta1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    theta2: Option<f64>,
}

impl Cell {
    fn named(&mut self) -> [(&'static str, &mut Option<f64>); 4] {
        let Self { theta, phi, theta1, theta2, .. } = self;
        [("theta", theta), ("phi", phi), ("theta1", theta1), ("theta2", theta2)]
    }
}

/// The format of a file of either kind.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
}

/// A program whose meshes are in another convention. Gain and attenuators are those of the original program.
#[derive(Clone, Debug)]
pub struct ConvertedProgram {
    convention: &'static dyn Convention,
    /// Shape, gain, topology and attenuators. The phases of its meshes are not used.
    frame: MatrixProgram,
    /// In the order of propagation.
    meshes: Vec<ConvertedMesh>,
}

impl ConvertedProgram {
    /// Converts the meshes of a program; its matrix stays the same to rounding. O(cells).
    ///
    /// # Errors
    ///
    /// [`MeshError::Convention`] for other cells than MZIs, for crossings, and for modes without ports: no convention
    /// defines them.
    pub fn new(program: &MatrixProgram, convention: &'static dyn Convention) -> Result<Self, MeshError> {
        check_convertible(program.design(), program.shape().0.max(program.shape().1))?;
        let meshes = program.stages().iter().filter(|stage| stage.kind() == StageKind::Mesh);
        let meshes = meshes.map(|stage| ConvertedMesh::new(stage, convention)).collect();
        Ok(Self { convention, frame: program.clone(), meshes })
    }

    /// The convention of the phases.
    #[must_use]
    pub fn convention(&self) -> &'static dyn Convention {
        self.convention
    }

    /// The meshes in the order of propagation: `right`, then `left`.
    #[must_use]
    pub fn meshes(&self) -> &[ConvertedMesh] {
        &self.meshes
    }

    /// The equivalent program in the convention of Phaseloom.
    #[must_use]
    pub fn program(&self) -> MatrixProgram {
        let mut meshes = self.meshes.iter();
        let phases = self.frame.stages().iter().map(|stage| match stage.kind() {
            StageKind::Attenuators => stage.phases().clone(),
            StageKind::Mesh => {
                meshes.next().map_or_else(|| stage.phases().clone(), |mesh| mesh.phases_in(stage.layout()))
            }
        });
        self.frame.with_phases(phases.collect())
    }

    /// The program as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let meshes = self.meshes.iter().map(write_mesh);
        ProgramFile::new(&self.frame, FORMAT, self.convention.key(), None, meshes).to_json()
    }

    /// Writes the JSON file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`], also for a gain or a phase that [`ConvertedProgram::load`] would refuse.
    pub fn save(&self, path: &Path) -> Result<(), MeshError> {
        check_written(&self.frame).map_err(|invalid| invalid.in_file(path))?;
        Ok(write_atomically(path, self.to_json().as_bytes())?)
    }

    /// Reads and checks a JSON file.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`], or [`MeshError::Convention`] for a topology that has no phases in other conventions.
    pub fn load(path: &Path) -> Result<Self, MeshError> {
        Self::parse(path, &read_text(path)?)
    }

    /// The same from the text of the file at `path`.
    fn parse(path: &Path, text: &str) -> Result<Self, MeshError> {
        let (file, design) = ProgramFile::<Mesh>::parse(path, text, FORMAT)?;
        let unknown = |error| unknown_name("convention", &file.convention, &error).in_file(path);
        let convention = convention(&file.convention).map_err(unknown)?;
        if let Some(cell) = &file.cell {
            let expected = "no such key: conventions are defined for cells `mzi` alone";
            return Err(InvalidValue::new("cell", format!("`{cell}`"), expected).in_file(path).into());
        }
        check_convertible(&design, file.ports())?;
        let mut meshes = Vec::new();
        let frame = file.into_program(design.clone(), |name, mesh, ports| {
            check_equal(&format!("{name}.modes"), mesh.modes, ports)?;
            let places: Vec<[usize; 2]> = mesh.cells.iter().map(|cell| [cell.column, cell.mode]).collect();
            let (layout, indices) = place_cells(name, &design, mesh.modes, &places)?;
            meshes.push(read_mesh(name, mesh, (&layout, &indices), convention)?);
            let phases = Phases::blank(&layout);
            Ok(Stage::mesh(layout, phases))
        });
        let frame = frame.map_err(|invalid| invalid.in_file(path))?;
        Ok(Self { convention, frame, meshes })
    }
}

/// Reads a program from a program file, or from a converted one into the convention of Phaseloom.
///
/// # Errors
///
/// As [`MatrixProgram::load`] and [`ConvertedProgram::load`].
pub fn load(path: &Path) -> Result<MatrixProgram, MeshError> {
    parse(path, &read_text(path)?)
}

/// [`load`] from the text of the file at `path`, which is for messages alone.
///
/// # Errors
///
/// As [`load`].
pub fn parse(path: &Path, text: &str) -> Result<MatrixProgram, MeshError> {
    match serde_json::from_str(text) {
        Ok(Head { format: Some(format) }) if format == FORMAT.0 => Ok(ConvertedProgram::parse(path, text)?.program()),
        Err(_) if splitter_table::is_table(text) => splitter_table::parse(path, text),
        _ => MatrixProgram::parse(path, text),
    }
}

fn check_convertible(design: &MeshDesign, ports: usize) -> Result<(), MeshError> {
    // Four ports show every property that is checked here.
    let layout = design.layout(ports.min(4));
    let crossed = (0..=layout.columns).any(|column| layout.permutation_before(column).is_some());
    if design.cell().is_mzi() && layout.modes == layout.ports && !crossed {
        Ok(())
    } else {
        Err(MeshError::Convention { design: design.to_string() })
    }
}

fn write_mesh(mesh: &ConvertedMesh) -> Mesh {
    let names = mesh.convention.names();
    let cells = mesh.cells.iter().map(|cell| {
        let mut written = Cell { column: cell.position.column, mode: cell.position.mode, ..Cell::default() };
        for (name, phase) in written.named() {
            *phase = names.iter().position(|n| *n == name).map(|at| cell.phases[at]);
        }
        written
    });
    Mesh { modes: mesh.modes, cells: cells.collect(), screen: mesh.screen.clone() }
}

fn read_mesh(
    name: &str,
    mesh: Mesh,
    (layout, indices): (&Layout, &[usize]),
    convention: &'static dyn Convention,
) -> Result<ConvertedMesh, InvalidValue> {
    let names = convention.names();
    let mut cells = Vec::with_capacity(mesh.cells.len());
    for (k, (mut cell, &index)) in mesh.cells.into_iter().zip(indices).enumerate() {
        let position = layout.positions[index];
        let mut phases = [0.0; 2];
        for (key, found) in cell.named() {
            let at = format!("{name}.cells[{k}].{key}");
            match (names.iter().position(|n| *n == key), *found) {
                (Some(index), Some(phase)) => phases[index] = check_angle(|| at, phase, MAX_PHASE)?,
                (Some(_), None) => return Err(InvalidValue::new(at, "none", "a phase [rad]")),
                (None, Some(phase)) => {
                    let expected = format!("no such phase in the convention {}", convention.key());
                    return Err(InvalidValue::new(at, phase, expected));
                }
                (None, None) => {}
            }
        }
        cells.push(ConvertedCell { position, phases });
    }
    let mut screen: Vec<ScreenPhase> = Vec::with_capacity(mesh.screen.len());
    for (k, ScreenPhase { column, mode, phase }) in mesh.screen.into_iter().enumerate() {
        let key = |field: &str| format!("{name}.screen[{k}].{field}");
        if mode >= layout.modes {
            return Err(InvalidValue::new(key("mode"), mode, format!("a mode below {}", layout.modes)));
        }
        if column > layout.columns {
            return Err(InvalidValue::new(key("column"), column, format!("a column up to {}", layout.columns)));
        }
        if screen.last().is_some_and(|last| (last.column, last.mode) >= (column, mode)) {
            let expected = "phases sorted by column, then mode, one per position";
            return Err(InvalidValue::new(key("mode"), format!("column {column}, mode {mode}"), expected));
        }
        screen.push(ScreenPhase { column, mode, phase: check_angle(|| key("phase"), phase, MAX_PHASE)? });
    }
    Ok(ConvertedMesh { convention, modes: layout.modes, cells, screen })
}
