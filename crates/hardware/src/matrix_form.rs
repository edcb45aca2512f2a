use phaseloom_mesh::{Form, MatrixProgram, Topology};

/// What a chip and a program must have in common: form, topology and size.
#[derive(Clone, Copy, Debug)]
pub struct MatrixForm {
    /// Two meshes and attenuators, or one mesh.
    pub svd: bool,
    /// How the cells of the meshes are joined.
    pub topology: &'static dyn Topology,
    /// Rows of the matrix: ports of the last mesh.
    pub rows: usize,
    /// Columns of the matrix: ports of the first mesh.
    pub columns: usize,
}

impl MatrixForm {
    /// The shape of a program.
    #[must_use]
    pub fn of(program: &MatrixProgram) -> Self {
        let (rows, columns) = program.shape();
        Self { svd: program.form() == Form::Svd, topology: program.topology(), rows, columns }
    }
}

impl PartialEq for MatrixForm {
    fn eq(&self, other: &Self) -> bool {
        (self.svd, self.topology.key(), self.rows, self.columns)
            == (other.svd, other.topology.key(), other.rows, other.columns)
    }
}

impl std::fmt::Display for MatrixForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let form = if self.svd { "svd" } else { "unitary" };
        write!(f, "{form}, {}, {}×{}", self.topology.key(), self.rows, self.columns)
    }
}
