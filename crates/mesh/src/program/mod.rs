//! Programs: a matrix as the phases of one or two meshes and a column of attenuators.

pub(crate) mod file;
pub mod file_parts;
pub(crate) mod matrix_program;
pub(crate) mod netlist;
pub(crate) mod sensitivity;
