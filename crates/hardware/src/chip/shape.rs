//! The shape that a chip and a program must share.

use phaseloom_mesh::file_parts::right_ports;
use phaseloom_mesh::{Capability, Form, MatrixProgram, MeshDesign, Phases, Stage};

/// Form, design and size of a program, which its chip must share.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramShape {
    /// Whether it has two meshes and attenuators; otherwise it has one mesh.
    pub svd: bool,
    /// Topology and cells of the meshes.
    pub design: MeshDesign,
    /// Rows of the matrix, ports of the last mesh.
    pub rows: usize,
    /// Columns of the matrix, ports of the first mesh.
    pub columns: usize,
}

impl ProgramShape {
    /// The shape of a program.
    #[must_use]
    pub fn from_program(program: &MatrixProgram) -> Self {
        let (rows, columns) = program.shape();
        Self { svd: program.form() == Form::Svd, design: program.design().clone(), rows, columns }
    }

    /// Whether a program has this shape.
    pub(crate) fn is_of(&self, program: &MatrixProgram) -> bool {
        self.svd == (program.form() == Form::Svd)
            && (self.rows, self.columns) == program.shape()
            && self.design == *program.design()
    }

    /// The stages of a program of this shape, with all phases zero.
    pub(crate) fn blank_stages(&self) -> Vec<Stage> {
        let mut stages = vec![self.design.blank(right_ports(&self.design, self.rows, self.columns))];
        if self.svd {
            stages.push(Stage::attenuators(Phases::zero(self.rows.min(self.columns), 0)));
            stages.push(self.design.blank(self.rows));
        }
        stages
    }

    /// Name of the form in files.
    pub(crate) fn form(&self) -> &'static str {
        match (self.svd, self.design.topology().capability() == Capability::AnyContraction) {
            (true, _) => "svd",
            (false, true) => "contraction",
            (false, false) => "unitary",
        }
    }
}

impl std::fmt::Display for ProgramShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}, {}×{}", self.form(), self.design, self.rows, self.columns)
    }
}
