//! Parts that the JSON files of programs, converted programs and chips share: the frame of a program, the checks of its
//! keys, and the column of attenuators.

use crate::error::MeshError;
use crate::layout::phases::Phases;
use crate::layout::stage::{Stage, StageKind};
use crate::layout::{CellPosition, Layout};
use crate::program::matrix_program::{Form, MatrixProgram};
use crate::topology::Capability;
use crate::topology::mesh_design::MeshDesign;
use phaseloom_files::{FileError, InvalidValue, parse_json, require_memory};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::path::Path;

/// Maximum gain of a file. Matrices have entries up to 1e151; squares of larger numbers leave the range of a double.
const MAX_GAIN: f64 = 1e153;

/// Maximum phase of a file (rad). A double still resolves such a phase to 1e-10; no shifter reaches it.
pub(crate) const MAX_PHASE: f64 = 1e6;

/// A name that is not in one of the lists of this crate.
pub(crate) fn unknown_name(key: &str, found: &str, error: &MeshError) -> InvalidValue {
    InvalidValue::new(key, format!("`{found}`"), error.expected())
}

/// A phase shifter of the phase screen: on one mode, before the cells of one column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScreenPhase {
    /// The column after the phase shifter: 0 at the inputs, the number of columns at the outputs.
    pub column: usize,
    /// The mode, from 0.
    pub mode: usize,
    /// The phase (rad).
    pub phase: f64,
}

/// Checks that a value is the expected one.
///
/// # Errors
///
/// The [`InvalidValue`] of both.
pub fn check_equal<T: PartialEq + Display>(key: &str, found: T, expected: T) -> Result<(), InvalidValue> {
    if found == expected { Ok(()) } else { Err(InvalidValue::new(key, found, expected.to_string())) }
}

/// Checks that an angle (rad) is a number of modulus at most `max`, and returns it.
///
/// # Errors
///
/// The [`InvalidValue`] with the range.
pub fn check_angle(key: impl FnOnce() -> String, angle: f64, max: f64) -> Result<f64, InvalidValue> {
    if angle.abs() <= max {
        return Ok(angle);
    }
    Err(InvalidValue::new(key(), format!("{angle:e}"), format!("an angle from -{max:e} to {max:e} rad")))
}

/// The design that a file names; without the key of a cell, the topology's default cell.
///
/// # Errors
///
/// An unknown key, or a cell of which the topology cannot be built.
pub fn read_design(topology_key: &str, cell_key: Option<&str>) -> Result<MeshDesign, InvalidValue> {
    MeshDesign::from_keys(topology_key, cell_key).map_err(|error| match error {
        MeshError::Unknown(invalid) | MeshError::CellOfTopology(invalid) => invalid,
        _ => unknown_name("cell", cell_key.unwrap_or_default(), &error),
    })
}

/// Whether a program or chip of the form `form`, for a matrix of `rows`×`columns`, has two meshes and attenuators, rather
/// than one mesh. `parts` says whether the file has a left mesh, and whether it has attenuators.
///
/// # Errors
///
/// An unknown form, parts of another one, a size of zero, or a unitary that is not square.
pub fn check_form(
    form: &str,
    design: &MeshDesign,
    parts: [bool; 2],
    (rows, columns): (usize, usize),
) -> Result<bool, InvalidValue> {
    for (key, size) in [("rows", rows), ("columns", columns)] {
        if size == 0 {
            return Err(InvalidValue::new(key, 0, "at least 1"));
        }
    }
    let contraction = design.topology().capability() == Capability::AnyContraction;
    match (form, parts, contraction) {
        ("svd", [true, true], false) => Ok(true),
        ("unitary", [false, false], false) => check_equal("rows", rows, columns).map(|()| false),
        ("contraction" | "direct", [false, false], true) => Ok(false),
        _ => {
            let found = format!("{form} {} left mesh", if parts[0] { "with a" } else { "without" });
            let expected = if contraction {
                "`contraction` with `right` alone"
            } else {
                "`unitary` with `right` alone, or `svd` with all three"
            };
            Err(InvalidValue::new("form", found, expected))
        }
    }
}

fn check_gain(gain: f64, is_unitary: bool) -> Result<(), InvalidValue> {
    if !(0.0..=MAX_GAIN).contains(&gain) {
        return Err(InvalidValue::new("gain", format!("{gain:e}"), format!("a number from 0 to {MAX_GAIN:e}")));
    }
    if is_unitary { check_equal("gain", gain, 1.0) } else { Ok(()) }
}

/// Checks that a program can be read again once it is written: its gain and its phases.
pub(crate) fn check_written(program: &MatrixProgram) -> Result<(), InvalidValue> {
    check_gain(program.gain(), program.form() == Form::Unitary)?;
    for (k, stage) in program.stages().iter().enumerate() {
        for &phase in stage.phases().values() {
            check_angle(|| format!("stage {k}, phase"), phase, MAX_PHASE)?;
        }
    }
    Ok(())
}

/// Number of ports of the mesh of V†, or of the only mesh, of a rows × columns matrix.
#[must_use]
pub fn right_ports(design: &MeshDesign, rows: usize, columns: usize) -> usize {
    if design.topology().capability() == Capability::AnyContraction { rows.max(columns) } else { columns }
}

/// Checks that the layouts of a file fit in memory. The file has at least one byte per port, which bounds the ports.
///
/// # Errors
///
/// [`FileError::TooLarge`].
pub fn check_file_memory(design: &MeshDesign, ports: usize, bytes: usize, work: &str) -> Result<(), FileError> {
    // Fitted meshes have up to three times the cells.
    let per_pair = if design.topology().capability() == Capability::Fitted { 192.0 } else { 64.0 };
    require_memory(per_pair * (ports.min(bytes) as f64).powi(2), work)
}

/// The layout of a mesh in a file with this number of ports and of cells.
///
/// # Errors
///
/// Another number of cells than the layout has.
pub fn check_cells(name: &str, design: &MeshDesign, ports: usize, cells: usize) -> Result<Layout, InvalidValue> {
    let key = format!("{name}.cells (number of)");
    // Every mesh has at least ports − 1 cells. So the length of the file bounds the layout before it is made.
    if cells < ports.saturating_sub(1) {
        return Err(InvalidValue::new(key, cells, format!("those of {ports} modes")));
    }
    let layout = design.layout(ports);
    check_equal(&key, cells, layout.positions.len())?;
    Ok(layout)
}

/// θ and φ (rad) of an MZI that leaves both of its modes alone: the bar state with the phases of the identity.
pub(crate) const IDENTITY: [f64; 2] = [std::f64::consts::PI; 2];

/// Ports up to which a file may leave out cells. The cells of a larger file bound its layout before it is made.
pub(crate) const MAX_SPARSE_PORTS: usize = 512;

/// The layout of a mesh in a file, and the index in it of each cell of the file. A mesh of MZIs may leave out cells, which then leave
/// their modes alone: a chain, or a single cell.
///
/// # Errors
///
/// A cell that the layout does not have or that is out of order; a missing cell in a mesh of others than MZIs.
pub(crate) fn place_cells(
    name: &str,
    design: &MeshDesign,
    ports: usize,
    places: &[[usize; 2]],
) -> Result<(Layout, Vec<usize>), InvalidValue> {
    let key = format!("{name}.cells (number of)");
    if places.len() < ports.saturating_sub(1) && ports > MAX_SPARSE_PORTS {
        return Err(InvalidValue::new(key, places.len(), format!("those of {ports} modes")));
    }
    let layout = design.layout(ports);
    let mut indices: Vec<usize> = Vec::with_capacity(places.len());
    for (k, &[column, mode]) in places.iter().enumerate() {
        let at = layout.index_of(CellPosition { column, mode });
        let next = indices.last().map_or(0, |last| last + 1);
        match at {
            Some(at) if at >= next => indices.push(at),
            _ => {
                let expected = layout.positions.get(next).map_or_else(
                    || format!("no further cell: {design} of {ports} modes has {}", layout.positions.len()),
                    |p| format!("column {}, mode {}, or a later cell of {design} of {ports} modes", p.column, p.mode),
                );
                return Err(InvalidValue::new(
                    format!("{name}.cells[{k}]"),
                    format!("column {column}, mode {mode}"),
                    expected,
                ));
            }
        }
    }
    if indices.len() < layout.positions.len() && !(design.cell().is_mzi() && layout.crossing_count() == 0) {
        let missing = (0..).zip(&indices).find_map(|(at, index)| (at != *index).then_some(at));
        let p = layout.positions[missing.unwrap_or(indices.len())];
        let expected = format!("{}; none at column {}, mode {}", layout.positions.len(), p.column, p.mode);
        return Err(InvalidValue::new(key, indices.len(), expected));
    }
    Ok((layout, indices))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attenuator {
    mode: usize,
    theta: f64,
    phi: f64,
}

/// A program as JSON, with meshes `M`. The keys are those of docs/reference/files/program.md.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgramFile<M> {
    format: String,
    version: u32,
    pub convention: String,
    form: String,
    pub topology: String,
    /// Absent in converted programs. Without it, the cell is the topology's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    rows: usize,
    columns: usize,
    gain: f64,
    left: Option<M>,
    attenuators: Option<Vec<Attenuator>>,
    right: M,
}

impl<M: Default> ProgramFile<M> {
    /// The file of a program whose meshes are written as `meshes`, in the order of propagation.
    pub(crate) fn new(
        program: &MatrixProgram,
        (format, version): (&str, u32),
        convention: &str,
        cell: Option<&str>,
        meshes: impl IntoIterator<Item = M>,
    ) -> Self {
        let mut meshes = meshes.into_iter();
        let attenuators = program.stages().iter().find(|stage| stage.kind() == StageKind::Attenuators);
        let (rows, columns) = program.shape();
        Self {
            format: format.into(),
            version,
            convention: convention.into(),
            form: program.form().key().into(),
            topology: program.design().topology().key().into(),
            cell: cell.map(str::to_owned),
            rows,
            columns,
            gain: program.gain(),
            right: meshes.next().unwrap_or_default(),
            left: meshes.next(),
            attenuators: attenuators.map(write_attenuators),
        }
    }
}

impl<M: Serialize> ProgramFile<M> {
    pub(crate) fn to_json(&self) -> String {
        phaseloom_files::to_json(self)
    }
}

impl<M: DeserializeOwned> ProgramFile<M> {
    /// Reads the text of the file at `path`, and checks its format and its design.
    pub(crate) fn parse(path: &Path, text: &str, format: (&str, u32)) -> Result<(Self, MeshDesign), MeshError> {
        let file: Self = parse_json(path, text, "program")?;
        let check = || {
            check_equal("format", file.format.as_str(), format.0)?;
            check_equal("version", file.version, format.1)?;
            read_design(&file.topology, file.cell.as_deref())
        };
        let design = check().map_err(|invalid| invalid.in_file(path))?;
        check_file_memory(&design, file.rows.max(file.columns), text.len(), "reading the program")?;
        Ok((file, design))
    }

    /// Number of ports of the larger mesh.
    pub(crate) fn ports(&self) -> usize {
        self.rows.max(self.columns)
    }

    /// The program, after all checks; `read_mesh` reads a mesh of a name and a number of ports.
    pub(crate) fn into_program(
        self,
        design: MeshDesign,
        mut read_mesh: impl FnMut(&str, M, usize) -> Result<Stage, InvalidValue>,
    ) -> Result<MatrixProgram, InvalidValue> {
        let Self { rows, columns, gain, .. } = self;
        let parts = [self.left.is_some(), self.attenuators.is_some()];
        let svd = check_form(&self.form, &design, parts, (rows, columns))?;
        check_gain(gain, !svd && design.topology().capability() != Capability::AnyContraction)?;
        let mut stages = vec![read_mesh("right", self.right, right_ports(&design, rows, columns))?];
        if let (Some(left), Some(attenuators)) = (self.left, self.attenuators) {
            let left = read_mesh("left", left, rows)?;
            check_equal("attenuators (number of)", attenuators.len(), rows.min(columns))?;
            stages.extend([read_attenuators(&attenuators)?, left]);
        }
        Ok(MatrixProgram { design, rows, columns, gain, stages })
    }
}

fn write_attenuators(stage: &Stage) -> Vec<Attenuator> {
    let (theta, phi) = (stage.phases().theta(), stage.phases().phi());
    theta.iter().zip(phi).enumerate().map(|(mode, (&theta, &phi))| Attenuator { mode, theta, phi }).collect()
}

fn read_attenuators(attenuators: &[Attenuator]) -> Result<Stage, InvalidValue> {
    let mut phases = Phases::zero(attenuators.len(), 0);
    for (k, attenuator) in attenuators.iter().enumerate() {
        check_equal(&format!("attenuators[{k}].mode"), attenuator.mode, k)?;
        let theta = check_angle(|| format!("attenuators[{k}].theta"), attenuator.theta, MAX_PHASE)?;
        let phi = check_angle(|| format!("attenuators[{k}].phi"), attenuator.phi, MAX_PHASE)?;
        phases.set_cell(k, theta, phi);
    }
    Ok(Stage::attenuators(phases))
}
