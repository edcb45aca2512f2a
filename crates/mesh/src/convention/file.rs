//! The JSON form of a program in another convention, version 1. Its keys stand in `crates/FORMATS.md`.

use super::{CONVENTIONS, Convention, ConvertedCell, ConvertedMesh, ScreenPhase, convention};
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::program::file::{Attenuator, MAX_GAIN, Wrong, expect, read_attenuators, write_attenuators};
use crate::program::matrix_program::{Form, MatrixProgram};
use crate::topology::mesh_design::MeshDesign;
use crate::topology::topology;
use phaseloom_files::{json_by_key, read_text, require_memory, write_atomically};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "phaseloom-converted";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    convention: String,
    form: String,
    topology: String,
    rows: usize,
    columns: usize,
    gain: f64,
    left: Option<Mesh>,
    attenuators: Option<Vec<Attenuator>>,
    right: Mesh,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mesh {
    modes: usize,
    cells: Vec<Cell>,
    screen: Vec<Screen>,
}

/// Which two of the four phases there are is told by the convention.
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Screen {
    column: usize,
    mode: usize,
    phase: f64,
}

/// What kind of file it is; the rest is read by its own reader.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
}

/// A program whose meshes are in another convention. Gain and attenuators are as they were.
#[derive(Clone, Debug)]
pub struct ConvertedProgram {
    convention: &'static dyn Convention,
    /// Shape, gain, topology and attenuators; the phases of its meshes are not looked at.
    frame: MatrixProgram,
    /// In the order of light.
    meshes: Vec<ConvertedMesh>,
}

impl ConvertedProgram {
    /// Converts the meshes of a program; its matrix stays the same to rounding. O(cells).
    ///
    /// # Errors
    ///
    /// [`MeshError::Convention`] for other cells than plain interferometers, and for meshes whose lines cross or end in the
    /// dark: conventions say nothing of them.
    pub fn new(program: &MatrixProgram, convention: &'static dyn Convention) -> Result<Self, MeshError> {
        convertible(program.design(), program.shape().0.max(program.shape().1))?;
        let meshes = program.stages().iter().filter(|s| s.kind() == StageKind::Mesh);
        let meshes = meshes.map(|stage| ConvertedMesh::new(stage, convention)).collect();
        Ok(Self { convention, frame: program.clone(), meshes })
    }

    /// What the phases mean.
    #[must_use]
    pub fn convention(&self) -> &'static dyn Convention {
        self.convention
    }

    /// The meshes in the order in which light meets them: `right`, then `left`.
    #[must_use]
    pub fn meshes(&self) -> &[ConvertedMesh] {
        &self.meshes
    }

    /// The program of ours that does the same.
    #[must_use]
    pub fn program(&self) -> MatrixProgram {
        let mut meshes = self.meshes.iter();
        let settings = self.frame.stages().iter().map(|stage| match stage.kind() {
            StageKind::Attenuators => stage.phases().clone(),
            StageKind::Mesh => meshes.next().map_or_else(|| stage.phases().clone(), ConvertedMesh::phases),
        });
        self.frame.with_settings(settings.collect())
    }

    /// The program as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (rows, columns) = self.frame.shape();
        let attenuators = self.frame.stages().iter().find(|s| s.kind() == StageKind::Attenuators);
        let unitary = self.frame.form() == Form::Unitary;
        let file = File {
            format: FORMAT.into(),
            version: VERSION,
            convention: self.convention.key().into(),
            form: if unitary { "unitary" } else { "svd" }.into(),
            topology: self.frame.design().topology().key().into(),
            rows,
            columns,
            gain: self.frame.gain(),
            left: if unitary { None } else { self.meshes.last().map(write_mesh) },
            attenuators: attenuators.map(write_attenuators),
            right: self.meshes.first().map(write_mesh).unwrap_or(Mesh {
                modes: 0,
                cells: Vec::new(),
                screen: Vec::new(),
            }),
        };
        // A struct of numbers and strings always serialises.
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }

    /// Writes the JSON file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`].
    pub fn save(&self, path: &Path) -> Result<(), MeshError> {
        Ok(write_atomically(path, self.to_json().as_bytes())?)
    }

    /// Reads and checks a JSON file.
    ///
    /// # Errors
    ///
    /// [`MeshError::File`], [`MeshError::ProgramSyntax`], [`MeshError::ProgramContent`], a topology without settings in other conventions.
    pub fn load(path: &Path) -> Result<Self, MeshError> {
        let text = read_text(path)?;
        let file: File =
            json_by_key(&text).map_err(|source| MeshError::ProgramSyntax { path: path.to_owned(), source })?;
        let wrong =
            |Wrong(key, found, expected)| MeshError::ProgramContent { path: path.to_owned(), key, found, expected };
        expect("format", file.format.as_str(), FORMAT).map_err(wrong)?;
        expect("version", file.version, VERSION).map_err(wrong)?;
        let unknown = |key: &str, found: &str, known: String| {
            wrong(Wrong(key.into(), format!("`{found}`"), format!("one of {known}")))
        };
        let convention = convention(&file.convention)
            .map_err(|_| unknown("convention", &file.convention, CONVENTIONS.map(Convention::key).join(", ")))?;
        let topology = topology(&file.topology)
            .map_err(|known| wrong(Wrong("topology".into(), format!("`{}`", file.topology), known.expected())))?;
        let design = MeshDesign::from(topology.clone());
        let side = file.rows.max(file.columns).min(text.len());
        require_memory(64.0 * (side as f64).powi(2), "reading the program")?;
        convertible(&design, side)?;
        let read = || {
            if !(0.0..=MAX_GAIN).contains(&file.gain) {
                let expected = format!("a number from 0 to {MAX_GAIN:e}");
                return Err(Wrong("gain".into(), format!("{:e}", file.gain), expected));
            }
            for (key, size) in [("rows", file.rows), ("columns", file.columns)] {
                if size == 0 {
                    return Err(Wrong(key.into(), "0".into(), "at least 1".into()));
                }
            }
            expect("right.modes", file.right.modes, file.columns)?;
            let read = |name: &str, mesh: Mesh| -> Result<(Stage, ConvertedMesh), Wrong> {
                let layout = count(name, &mesh, |modes| topology.layout(modes))?;
                let converted = read_mesh(name, mesh, &layout, convention)?;
                let blank = Phases::zero(layout.positions.len(), layout.modes);
                Ok((Stage::mesh(layout, blank), converted))
            };
            let (right, first) = read("right", file.right)?;
            let (stages, meshes) = match (file.form.as_str(), file.left, file.attenuators) {
                ("unitary", None, None) => {
                    expect("rows", file.rows, file.columns)?;
                    (vec![right], vec![first])
                }
                ("svd", Some(left), Some(attenuators)) => {
                    expect("left.modes", left.modes, file.rows)?;
                    expect("attenuators (number of)", attenuators.len(), file.rows.min(file.columns))?;
                    let (left, last) = read("left", left)?;
                    (vec![right, read_attenuators(&attenuators)?, left], vec![first, last])
                }
                (form, left, _) => {
                    let found = format!("{form} {} left mesh", if left.is_some() { "with a" } else { "without" });
                    let expected = "`unitary` with `right` alone, or `svd` with all three";
                    return Err(Wrong("form".into(), found, expected.into()));
                }
            };
            let frame = MatrixProgram { design, rows: file.rows, columns: file.columns, gain: file.gain, stages };
            Ok(Self { convention, frame, meshes })
        };
        read().map_err(wrong)
    }
}

/// Reads a program from a program file or, brought back to our convention, from a converted one.
///
/// # Errors
///
/// As [`MatrixProgram::load`] and [`ConvertedProgram::load`].
pub fn load(path: &Path) -> Result<MatrixProgram, MeshError> {
    match serde_json::from_str(&read_text(path)?) {
        Ok(Head { format: Some(format) }) if format == FORMAT => Ok(ConvertedProgram::load(path)?.program()),
        _ => MatrixProgram::load(path),
    }
}

fn convertible(design: &MeshDesign, ports: usize) -> Result<(), MeshError> {
    // What holds of four ports holds of more.
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
    let screen = mesh.screen.iter().map(|p| Screen { column: p.column, mode: p.mode, phase: p.phase });
    Mesh { modes: mesh.modes, cells: cells.collect(), screen: screen.collect() }
}

fn count(name: &str, mesh: &Mesh, layout: impl Fn(usize) -> Layout) -> Result<Layout, Wrong> {
    let key = format!("{name}.cells (number of)");
    // Every mesh has a cell for each port but one; so the file bounds the size of the layout.
    if mesh.cells.len() + 1 < mesh.modes {
        return Err(Wrong(key, mesh.cells.len().to_string(), format!("those of {} modes", mesh.modes)));
    }
    let layout = layout(mesh.modes);
    expect(&key, mesh.cells.len(), layout.positions.len())?;
    Ok(layout)
}

fn finite(key: String, phase: f64) -> Result<f64, Wrong> {
    if phase.abs() <= 1e6 {
        Ok(phase)
    } else {
        Err(Wrong(key, format!("{phase:e}"), "a phase from -1e6 to 1e6 rad".into()))
    }
}

fn read_mesh(
    name: &str,
    mesh: Mesh,
    layout: &Layout,
    convention: &'static dyn Convention,
) -> Result<ConvertedMesh, Wrong> {
    let names = convention.names();
    let mut cells = Vec::with_capacity(mesh.cells.len());
    for (k, (mut cell, &position)) in mesh.cells.into_iter().zip(&layout.positions).enumerate() {
        expect(&format!("{name}.cells[{k}].column"), cell.column, position.column)?;
        expect(&format!("{name}.cells[{k}].mode"), cell.mode, position.mode)?;
        let mut phases = [0.0; 2];
        for (key, found) in cell.named() {
            let at = format!("{name}.cells[{k}].{key}");
            match (names.iter().position(|n| *n == key), *found) {
                (Some(index), Some(phase)) => phases[index] = finite(at, phase)?,
                (Some(_), None) => return Err(Wrong(at, "none".into(), "a phase [rad]".into())),
                (None, Some(phase)) => {
                    let expected = format!("no such phase in the convention {}", convention.key());
                    return Err(Wrong(at, phase.to_string(), expected));
                }
                (None, None) => {}
            }
        }
        cells.push(ConvertedCell { position, phases });
    }
    let mut screen: Vec<ScreenPhase> = Vec::with_capacity(mesh.screen.len());
    for (k, Screen { column, mode, phase }) in mesh.screen.into_iter().enumerate() {
        let key = |of: &str| format!("{name}.screen[{k}].{of}");
        if mode >= layout.modes {
            return Err(Wrong(key("mode"), mode.to_string(), format!("a line below {}", layout.modes)));
        }
        if column > layout.columns {
            return Err(Wrong(key("column"), column.to_string(), format!("a column up to {}", layout.columns)));
        }
        if screen.last().is_some_and(|last| (last.column, last.mode) >= (column, mode)) {
            let expected = "phases sorted by column, then mode, one a place";
            return Err(Wrong(key("mode"), format!("column {column}, mode {mode}"), expected.into()));
        }
        screen.push(ScreenPhase { column, mode, phase: finite(key("phase"), phase)? });
    }
    Ok(ConvertedMesh { convention, modes: layout.modes, cells, screen })
}
