//! The JSON form of a program, version 1: readable, checked, and exact (floats round-trip).

use crate::cell::kind::Cell as CellKind;
use crate::error::MeshError;
use crate::layout::Layout;
use crate::layout::phases::Phases;
use crate::layout::shifter::Shifter;
use crate::layout::stage::{Stage, StageKind};
use crate::program::matrix_program::{Form, MatrixProgram};
use crate::topology::mesh_design::MeshDesign;
use crate::topology::{Capability, topology};
use phaseloom_files::{json_by_key, read_text, require_memory, write_atomically};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FORMAT: &str = "phaseloom-program";
const VERSION: u32 = 1;
pub(crate) const MAX_GAIN: f64 = 1e153;
const CONVENTION: &str = "S(pi/4+beta) P(theta) S(pi/4+alpha) P(phi), P on the upper arm, rad";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    convention: String,
    form: String,
    topology: String,
    cell: String,
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
    /// Lines that cells stand on, where they are more than the ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<usize>,
    /// Crossings of lines, in order of propagation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wiring: Vec<Crossing>,
    cells: Vec<Cell>,
    output: Vec<f64>,
    /// Phases on waveguides before cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    edges: Vec<BoundaryShifter>,
}

/// The phase of the waveguide that ends at a line of a column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundaryShifter {
    column: usize,
    mode: usize,
    phase: f64,
}

/// Before this column (or behind the last), line i is the one that was line `order[i]`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attenuator {
    mode: usize,
    theta: f64,
    phi: f64,
}

/// A contradiction in a file: (key, found, expected).
pub(crate) struct Wrong(pub String, pub String, pub String);

pub(crate) fn expect<T: PartialEq + std::fmt::Display>(key: &str, found: T, expected: T) -> Result<(), Wrong> {
    if found == expected { Ok(()) } else { Err(Wrong(key.into(), found.to_string(), expected.to_string())) }
}

impl MatrixProgram {
    /// The program as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = File {
            format: FORMAT.into(),
            version: VERSION,
            convention: CONVENTION.into(),
            form: match self.form() {
                Form::Unitary => "unitary",
                Form::Contraction => "contraction",
                Form::Svd | Form::Auto => "svd",
            }
            .into(),
            topology: self.design.topology().key().into(),
            cell: self.design.cell().key().into(),
            rows: self.rows,
            columns: self.columns,
            gain: self.gain,
            left: (self.form() == Form::Svd).then(|| self.stage(StageKind::Mesh, true).map(write_mesh)).flatten(),
            attenuators: self.stage(StageKind::Attenuators, false).map(write_attenuators),
            right: self.stage(StageKind::Mesh, false).map(write_mesh).unwrap_or(Mesh {
                modes: 0,
                lines: None,
                wiring: Vec::new(),
                cells: Vec::new(),
                output: Vec::new(),
                edges: Vec::new(),
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
    /// [`MeshError::File`], [`MeshError::ProgramSyntax`], [`MeshError::ProgramContent`] or an unknown topology.
    pub fn load(path: &Path) -> Result<Self, MeshError> {
        let text = read_text(path)?;
        let file: File =
            json_by_key(&text).map_err(|source| MeshError::ProgramSyntax { path: path.to_owned(), source })?;
        let unknown = |key: &str, found: &str, known: MeshError| MeshError::ProgramContent {
            path: path.to_owned(),
            key: key.into(),
            found: format!("`{found}`"),
            expected: known.expected(),
        };
        let topology = topology(&file.topology).map_err(|known| unknown("topology", &file.topology, known))?;
        let cell = CellKind::from_key(&file.cell).map_err(|known| unknown("cell", &file.cell, known))?;
        let design = MeshDesign::new(topology, cell).map_err(|known| unknown("cell", &file.cell, known))?;
        // Layouts are made of sizes that the file names; masks have three times the cells.
        let side = file.rows.max(file.columns).min(text.len()) as f64;
        let bytes = if design.topology().capability() == Capability::Fitted { 192.0 } else { 64.0 };
        require_memory(bytes * side * side, "reading the program")?;
        read(file, design).map_err(|Wrong(key, found, expected)| MeshError::ProgramContent {
            path: path.to_owned(),
            key,
            found,
            expected,
        })
    }
}

fn read(file: File, design: MeshDesign) -> Result<MatrixProgram, Wrong> {
    expect("format", file.format.as_str(), FORMAT)?;
    expect("version", file.version, VERSION)?;
    expect("convention", file.convention.as_str(), CONVENTION)?;
    // Matrices have entries up to 1e151; what is beyond would leave the range of a double when it is squared.
    if !(0.0..=MAX_GAIN).contains(&file.gain) {
        return Err(Wrong("gain".into(), format!("{:e}", file.gain), format!("a number from 0 to {MAX_GAIN:e}")));
    }
    for (key, size) in [("rows", file.rows), ("columns", file.columns)] {
        if size == 0 {
            return Err(Wrong(key.into(), "0".into(), "at least 1".into()));
        }
    }
    let contraction = design.topology().capability() == Capability::AnyContraction;
    let ports = if contraction { file.rows.max(file.columns) } else { file.columns };
    expect("right.modes", file.right.modes, ports)?;
    let right = read_mesh("right", file.right, &design)?;
    let stages = match (file.form.as_str(), file.left, file.attenuators) {
        ("contraction" | "direct", None, None) if contraction => vec![right],
        ("unitary", None, None) if !contraction => {
            expect("rows", file.rows, file.columns)?;
            expect("gain", file.gain, 1.0)?;
            vec![right]
        }
        ("svd", Some(left), Some(attenuators)) if !contraction => {
            expect("left.modes", left.modes, file.rows)?;
            expect("attenuators (number of)", attenuators.len(), file.rows.min(file.columns))?;
            vec![right, read_attenuators(&attenuators)?, read_mesh("left", left, &design)?]
        }
        (form, left, _) => {
            let found = format!("{form} {} left mesh", if left.is_some() { "with a" } else { "without" });
            return Err(Wrong(
                "form".into(),
                found,
                "`unitary` (`contraction` if the topology is) with `right` alone, or `svd` with all three".into(),
            ));
        }
    };
    Ok(MatrixProgram { design, rows: file.rows, columns: file.columns, gain: file.gain, stages })
}

fn write_mesh(stage: &Stage) -> Mesh {
    let s = stage.phases();
    let cells = stage.layout().positions.iter().enumerate().map(|(k, position)| Cell {
        column: position.column,
        mode: position.mode,
        theta: s.theta()[k],
        phi: s.phi()[k],
    });
    let layout = stage.layout();
    let edges = s.boundary().iter().enumerate().map(|(k, &phase)| {
        let Shifter { column, mode, .. } = layout.boundary_shifter(k);
        BoundaryShifter { column, mode, phase }
    });
    Mesh {
        modes: layout.ports,
        lines: lines(layout),
        wiring: wiring(layout),
        cells: cells.collect(),
        output: s.output().to_vec(),
        edges: edges.collect(),
    }
}

fn lines(layout: &Layout) -> Option<usize> {
    (layout.modes > layout.ports).then_some(layout.modes)
}

fn wiring(layout: &Layout) -> Vec<Crossing> {
    let crossing = |column| Some(Crossing { column, order: layout.permutation_before(column)?.to_vec() });
    (0..=layout.columns).filter_map(crossing).collect()
}

pub(crate) fn write_attenuators(stage: &Stage) -> Vec<Attenuator> {
    let s = stage.phases();
    (0..stage.layout().modes).map(|mode| Attenuator { mode, theta: s.theta()[mode], phi: s.phi()[mode] }).collect()
}

/// Largest phase (rad) of a file: far beyond what a shifter makes, and still told to 1e-10 by a double.
const LARGEST: f64 = 1e6;

fn possible(key: impl FnOnce() -> String, phase: f64) -> Result<f64, Wrong> {
    if phase.abs() <= LARGEST {
        Ok(phase)
    } else {
        Err(Wrong(key(), format!("{phase:e}"), "a phase from -1e6 to 1e6 rad".into()))
    }
}

fn read_mesh(name: &str, mesh: Mesh, design: &MeshDesign) -> Result<Stage, Wrong> {
    expect(&format!("{name}.output (number of)"), mesh.output.len(), mesh.modes)?;
    // Every mesh has a cell for each port but one: no layout is made of a size that the file does not bear out.
    if mesh.cells.len() + 1 < mesh.modes {
        let expected = format!("those of {} modes", mesh.modes);
        return Err(Wrong(format!("{name}.cells (number of)"), mesh.cells.len().to_string(), expected));
    }
    let layout = design.layout(mesh.modes);
    expect(&format!("{name}.cells (number of)"), mesh.cells.len(), layout.positions.len())?;
    let shown = |lines: Option<usize>| lines.map_or("none, as many as ports".to_owned(), |lines| lines.to_string());
    expect(&format!("{name}.lines"), shown(mesh.lines), shown(lines(&layout)))?;
    if mesh.wiring != wiring(&layout) {
        let found = format!("{} crossings that are others", mesh.wiring.len());
        return Err(Wrong(format!("{name}.wiring"), found, format!("those of {design}")));
    }
    expect(&format!("{name}.edges (number of)"), mesh.edges.len(), layout.boundary_shifters().len())?;
    let mut settings = Phases::blank(&layout);
    for (k, (cell, position)) in mesh.cells.iter().zip(&layout.positions).enumerate() {
        expect(&format!("{name}.cells[{k}].column"), cell.column, position.column)?;
        expect(&format!("{name}.cells[{k}].mode"), cell.mode, position.mode)?;
        let theta = possible(|| format!("{name}.cells[{k}].theta"), cell.theta)?;
        settings.set_cell(k, theta, possible(|| format!("{name}.cells[{k}].phi"), cell.phi)?);
    }
    for (mode, &phase) in mesh.output.iter().enumerate() {
        settings.set_output(mode, possible(|| format!("{name}.output[{mode}]"), phase)?);
    }
    for (k, edge) in mesh.edges.iter().enumerate() {
        let Shifter { column, mode, .. } = layout.boundary_shifter(k);
        expect(&format!("{name}.edges[{k}].column"), edge.column, column)?;
        expect(&format!("{name}.edges[{k}].mode"), edge.mode, mode)?;
        settings.set_boundary(k, possible(|| format!("{name}.edges[{k}].phase"), edge.phase)?);
    }
    Ok(Stage::mesh(layout, settings))
}

pub(crate) fn read_attenuators(attenuators: &[Attenuator]) -> Result<Stage, Wrong> {
    let mut settings = Phases::zero(attenuators.len(), 0);
    for (k, a) in attenuators.iter().enumerate() {
        expect(&format!("attenuators[{k}].mode"), a.mode, k)?;
        let theta = possible(|| format!("attenuators[{k}].theta"), a.theta)?;
        settings.set_cell(k, theta, possible(|| format!("attenuators[{k}].phi"), a.phi)?);
    }
    Ok(Stage::attenuators(settings))
}
