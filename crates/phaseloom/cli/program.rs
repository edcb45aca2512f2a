use super::Ending;
use super::terminal::output;
use anyhow::Context;
use clap::{Args, ValueEnum};
use phaseloom::mesh::{MeshDesign, Unitary};
use phaseloom::nalgebra::DMatrix;
use phaseloom::network::data::read_matrix_npy;
use phaseloom::Complex64;
use phaseloom::mesh::{Form, MatrixProgram};
use phaseloom::numerics::relative_error;
use std::path::PathBuf;

/// Turn a matrix into the phases of a mesh
///
/// The matrix is a .npy file of rank 2, real or complex. A unitary takes one mesh; any other matrix W = g·U·Σ·V† takes
/// two meshes and a column of attenuators.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom program unitary.npy -o program.json\n  \
    phaseloom program weights.npy --form svd --topology triangular --cell crossing -o program.json")]
pub struct Program {
    /// The matrix (.npy)
    matrix: PathBuf,
    /// Where to write the program (JSON)
    #[arg(short, long, value_name = "PROGRAM.json")]
    output: PathBuf,
    /// auto: one mesh if max|U†U−I| ≤ 1e-9, or 1e-5 for single-precision input, whose nearest unitary is then taken
    #[arg(long, value_enum, default_value_t = FormKey::Auto)]
    form: FormKey,
    /// Key of the topology, see `phaseloom list`
    #[arg(long, default_value = "rectangular", value_name = "KEY")]
    topology: String,
    /// Key of the cell, see `phaseloom list`; by default the usual one of the topology
    #[arg(long, value_name = "KEY")]
    cell: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormKey {
    Auto,
    Unitary,
    Svd,
}

/// Ports up to which phases are found in seconds where they are searched for.
const QUICK: usize = 32;

impl Program {
    pub fn execute(self) -> anyhow::Result<Ending> {
        output::not_over(&self.output, &[("the matrix", &self.matrix)])?;
        let design = MeshDesign::from_keys(&self.topology, self.cell.as_deref())?;
        anyhow::ensure!(
            !(matches!(self.form, FormKey::Svd) && design.topology().is_direct()),
            "--form: found svd, expected auto or unitary: {design} does any matrix on one mesh, without singular values"
        );
        let (w, single) = read_matrix_npy(&self.matrix)?;
        let modes = w.nrows().max(w.ncols());
        if design.topology().is_fitted() && modes > QUICK {
            output::note(&format!(
                "searching the phases of {design} for {modes} ports: minutes, or more; Ctrl-C stops"
            ));
        }
        let form = match self.form {
            FormKey::Auto => Form::Auto,
            FormKey::Unitary => Form::Unitary,
            FormKey::Svd => Form::Svd,
        };
        let program =
            if single { MatrixProgram::from_single(&w, form, design) } else { MatrixProgram::new(&w, form, design) }
                .with_context(|| self.matrix.display().to_string())?;
        program.save(&self.output)?;

        let (rows, columns) = program.shape();
        let mut text = format!("{rows}×{columns} matrix, {} precision\n", if single { "single" } else { "double" });
        if w.is_square() {
            text += &format!("max |U†U − I| = {:.1e}\n", Unitary::deviation(&w));
        }
        text += match (program.form(), single) {
            (Form::Unitary, true) => "programmed the nearest unitary on one mesh (form unitary)\n",
            (Form::Unitary, false) => "programmed on one mesh (form unitary)\n",
            (Form::Contraction, _) => "programmed as g·M on one mesh that is not unitary (form direct)\n",
            _ => "programmed as g·U·Σ·V† on two meshes and a column of attenuators (form svd)\n",
        };
        text += &format!(
            "{design}: {} {}, depth {}, gain {:?}\n‖Ŵ − W‖_F = {:.1e}\n",
            program.interferometers(),
            design.cell().plural(),
            program.depth(),
            program.gain(),
            (program.matrix() - &w).norm()
        );
        if design.topology().is_fitted() {
            // Beside the largest entry, for squares of tiny ones are none; of zeros all is reached.
            let largest = w.camax();
            let beside = |m: &DMatrix<Complex64>| m.map(|z| z / largest);
            let reached = if largest > 0.0 { relative_error(&beside(&w), &beside(&program.matrix())) } else { 0.0 };
            text += &format!("fitted: each mesh the nearest that was found, ‖Ŵ − W‖/‖W‖ = {reached:.1e}\n");
        }
        output::show(&text)?;
        Ok(Ending::Done)
    }
}
