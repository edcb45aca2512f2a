//! The phase shifters of a program as the heaters of a chip: their numbers and their places.
//!
//! Heaters are counted from 0: stage by stage as light meets them, in a stage θ and φ of each cell in the order of the program,
//! then the output phases by mode, then the boundary phases.

use phaseloom_files::InvalidValue;
use phaseloom_mesh::{CellPosition, Shifter, ShifterKind, Stage};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A stage of a program in files of measurements and of drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// The only mesh, or the mesh of V†, which light meets first.
    #[default]
    Right,
    /// The column of attenuators.
    Attenuators,
    /// The mesh of U.
    Left,
}

impl StageName {
    /// All names, in the order of propagation.
    pub const ALL: [Self; 3] = [Self::Right, Self::Attenuators, Self::Left];

    /// The key in files.
    #[must_use]
    pub fn key(self) -> &'static str {
        ["right", "attenuators", "left"][self as usize]
    }
}

/// The phase that a heater sets, in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShifterName {
    /// The internal phase θ of a cell.
    Theta,
    /// The external phase φ of a cell.
    Phi,
    /// The phase of an output port.
    Output,
    /// The phase of a boundary phase shifter, before a cell without an external phase.
    Boundary,
}

impl ShifterName {
    /// All names.
    pub const ALL: [Self; 4] = [Self::Theta, Self::Phi, Self::Output, Self::Boundary];

    /// The key in files.
    #[must_use]
    pub fn key(self) -> &'static str {
        ["theta", "phi", "output", "boundary"][self as usize]
    }
}

impl From<ShifterKind> for ShifterName {
    fn from(kind: ShifterKind) -> Self {
        match kind {
            ShifterKind::Theta => Self::Theta,
            ShifterKind::Phi => Self::Phi,
            ShifterKind::Output => Self::Output,
            ShifterKind::Boundary => Self::Boundary,
        }
    }
}

/// The place of a heater: stage, phase shifter, column and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaterPlace {
    /// The stage.
    pub stage: StageName,
    /// The phase that the heater sets.
    pub shifter: ShifterName,
    /// Column of its cell; for an output phase the number of columns.
    pub column: usize,
    /// Upper mode of its cell, or the mode of an output or boundary phase.
    pub mode: usize,
}

impl fmt::Display for HeaterPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, shifter, column, mode } = self;
        write!(f, "{}, {}, column {column}, mode {mode}", stage.key(), shifter.key())
    }
}

/// A heater of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heater {
    /// Its place.
    pub place: HeaterPlace,
    /// Index of its stage in the program.
    pub stage: usize,
    /// Index of its phase in the phases of the stage.
    pub index: usize,
}

/// All heaters of a program, in the order of their numbers.
#[must_use]
pub fn heaters(stages: &[Stage]) -> Vec<Heater> {
    let mut all = Vec::new();
    for (number, (stage, name)) in stages.iter().zip(StageName::ALL).enumerate() {
        let shifters = shifters(stage);
        let cells = stage.layout().positions.len();
        let of_cells = (0..cells).flat_map(|cell| [cell, cells + cell]);
        all.extend(of_cells.chain(2 * cells..shifters.len()).map(|index| {
            let Shifter { kind, column, mode, .. } = shifters[index];
            Heater { place: HeaterPlace { stage: name, shifter: kind.into(), column, mode }, stage: number, index }
        }));
    }
    all
}

/// All phase shifters of a stage, in the order of its phases.
pub(crate) fn shifters(stage: &Stage) -> Vec<Shifter> {
    let layout = stage.layout();
    let cells = 0..layout.positions.len();
    let mut all: Vec<Shifter> = cells.clone().map(|cell| layout.cell_shifter(cell, ShifterKind::Theta)).collect();
    all.extend(cells.map(|cell| layout.cell_shifter(cell, ShifterKind::Phi)));
    let (outputs, boundary) = (stage.phases().output().len(), stage.phases().boundary().len());
    all.extend((0..outputs).map(|mode| layout.output_shifter(mode)));
    all.extend((0..boundary).map(|index| layout.boundary_shifter(index)));
    all
}

/// The stage of a name in a program, with its index.
pub(crate) fn find_stage(stages: &[Stage], name: StageName) -> Result<(usize, &Stage), InvalidValue> {
    let at = name as usize;
    stages.get(at).map(|stage| (at, stage)).ok_or_else(|| {
        let expected = "`right`: a program of one mesh has no other stage";
        InvalidValue::new("stage", format!("`{}`", name.key()), expected)
    })
}

/// Index of a phase shifter in the phases of its stage. An output phase needs no column.
pub(crate) fn find_shifter(
    stage: &Stage,
    shifter: ShifterName,
    column: Option<usize>,
    mode: usize,
) -> Result<usize, InvalidValue> {
    let (layout, phases) = (stage.layout(), stage.phases());
    let (cells, outputs) = (layout.positions.len(), phases.output().len());
    let at = column.unwrap_or_default();
    let index = match shifter {
        ShifterName::Output => {
            let fits = mode < outputs && column.is_none_or(|column| column == layout.columns);
            fits.then_some(2 * cells + mode)
        }
        _ if column.is_none() => return Err(InvalidValue::new("column", "absent", "the column of the phase shifter")),
        ShifterName::Theta => layout.index_of(CellPosition { column: at, mode }),
        ShifterName::Phi => layout.index_of(CellPosition { column: at, mode }).map(|cell| cells + cell),
        ShifterName::Boundary => (0..phases.boundary().len())
            .find(|&k| {
                let Shifter { column, mode: upper, .. } = layout.boundary_shifter(k);
                (column, upper) == (at, mode)
            })
            .map(|k| 2 * cells + outputs + k),
    };
    index.ok_or_else(|| {
        let column = column.map(|column| format!("column {column}, ")).unwrap_or_default();
        let found = format!("{column}mode {mode}, `{}`", shifter.key());
        InvalidValue::new("mode", found, "the place of a phase shifter of this mesh, as in its program")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_mesh::{MatrixProgram, MeshDesign};

    #[test]
    fn every_heater_is_found_at_its_place() {
        for design in MeshDesign::all().filter(|design| design.topology().capability().max_rows().is_none()) {
            let program = MatrixProgram::blank(5, 4, &design);
            let stages = program.stages();
            let all = heaters(stages);
            assert_eq!(all.len(), stages.iter().map(|stage| stage.phases().values().len()).sum::<usize>());
            for Heater { place, stage, index } in all {
                let (number, found) = find_stage(stages, place.stage).unwrap();
                let at = find_shifter(found, place.shifter, Some(place.column), place.mode);
                assert_eq!((number, at.unwrap()), (stage, index), "{design}: {place}");
            }
        }
    }
}
