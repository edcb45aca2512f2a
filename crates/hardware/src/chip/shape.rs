use phaseloom_mesh::{Capability, Form, MatrixProgram, MeshDesign};

/// What a chip and a program must have in common: form, design and size.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramShape {
    /// Two meshes and attenuators, or one mesh.
    pub svd: bool,
    /// How the cells of the meshes are joined, and what they are.
    pub design: MeshDesign,
    /// Rows of the matrix: ports of the last mesh.
    pub rows: usize,
    /// Columns of the matrix: ports of the first mesh.
    pub columns: usize,
}

impl ProgramShape {
    /// The shape of a program.
    #[must_use]
    pub fn of(program: &MatrixProgram) -> Self {
        let (rows, columns) = program.shape();
        Self { svd: program.form() == Form::Svd, design: program.design().clone(), rows, columns }
    }
}

impl ProgramShape {
    /// Its name in files.
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
