#![doc = include_str!("../README.md")]

pub mod cell;
pub mod convention;
mod decompose;
mod error;
mod gradient;
mod layout;
mod program;
mod propagate;
pub mod reference;
mod topology;

pub use cell::kind::{CELL_ALIASES, CELLS, Cell, CellPart};
pub use decompose::fit::{fit, refit};
pub use decompose::match_cells::match_cells;
pub use decompose::unitary::Unitary;
pub use error::MeshError;
pub use gradient::gradient;
pub use gradient::norms::visit_norms;
pub use gradient::powers::{LightFrom, shifter_powers};
pub use gradient::slopes::{StageComponent, visit_slopes};
pub use layout::phases::Phases;
pub use layout::shifter::{ARM_UM, BoundaryShifter, COLUMN_UM, MODE_UM, Shifter, ShifterKind};
pub use layout::stage::{Stage, StageKind};
pub use layout::{CellPosition, Layout};
pub use program::file_parts;
pub use program::matrix_program::{Form, MatrixProgram};
pub use program::netlist::{Instance, Netlist};
pub use program::sensitivity::{Sensitivities, Sensitivity};
pub use propagate::circuit::Circuit;
pub use propagate::fields::Fields;
pub use propagate::trace::{CellTrace, ColumnTrace, StageTrace};
pub use topology::mesh_design::MeshDesign;
pub use topology::{
    Butterfly, Capability, Contraction, Diamond, Fractal, PhaseMasks, Rectangular, Redundant, TOPOLOGY_ALIASES,
    Topology, Tree, Triangular, topologies, topology,
};
