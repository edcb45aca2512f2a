//! The command `program`: program a matrix on a mesh.

use super::Exit;
use super::terminal::{matrix_file, output, streams};
use anyhow::Context;
use clap::Args;
use phaseloom::Complex64;
use phaseloom::files::{Results, significant};
use phaseloom::mesh::{Capability, Form, MatrixProgram, MeshDesign, Unitary};
use phaseloom::nalgebra::DMatrix;
use phaseloom::numerics::relative_error;
use std::path::PathBuf;

/// Compute the phases of a mesh for a matrix
///
/// The matrix is a .npy file of rank 2, a text table (.csv, .txt) or a Touchstone file (.s8p), real or complex. A unitary needs one mesh. Any other matrix W = g·U·Σ·V† needs
/// two meshes and a column of attenuators.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phaseloom program unitary.npy -o program.json\n  \
    phaseloom program printed.csv --unitary-within 1e-3 -o program.json\n  \
    phaseloom program weights.npy --form svd --topology triangular --cell crossing -o program.json")]
pub struct Program {
    /// The matrix (.npy, .npz of one array, .csv, .txt, .sNp)
    matrix: PathBuf,
    /// Where to write the program (JSON), `-` for standard output [default: only the summary is printed]
    #[arg(short, long, value_name = "PROGRAM.json")]
    output: Option<PathBuf>,
    /// auto: one mesh if max|U†U−I| ≤ 1e-9, or 1e-5 for single-precision input (its nearest unitary is programmed)
    #[arg(long, value_parser = ["auto", "unitary", "svd"], default_value = "auto")]
    form: String,
    /// Program the unitary nearest to a square matrix (polar factor) on one mesh, as for measured or printed values
    #[arg(long, conflicts_with = "form")]
    nearest_unitary: bool,
    /// Count a matrix with max|U†U−I| ≤ X as a unitary, whose nearest one is programmed; with --form unitary, refuse any other
    #[arg(long, value_name = "X", conflicts_with = "nearest_unitary", value_parser = tolerance)]
    unitary_within: Option<f64>,
    /// Key of the topology, see `phaseloom explain`
    #[arg(long, default_value = "rectangular", value_name = "KEY")]
    topology: String,
    /// Key of the cell, see `phaseloom explain` [default: the usual cell of the topology]
    #[arg(long, value_name = "KEY")]
    cell: Option<String>,
    #[command(flatten)]
    format: output::Format,
}

/// Below this `max|U†U−I|` a matrix may be a unitary of rounded or measured values.
const NEARLY_UNITARY: f64 = 0.05;
/// Up to this number of ports a search for phases takes seconds, beyond it minutes.
const MAX_QUICK_PORTS: usize = 32;

impl Program {
    pub fn execute(self) -> anyhow::Result<Exit> {
        if let Some(path) = &self.output {
            output::check_json_path(path, &["phaseloom-program"], &[("the matrix", Some(&self.matrix))])?;
        }
        let design = MeshDesign::from_keys(&self.topology, self.cell.as_deref())?;
        anyhow::ensure!(
            !(self.form == "svd" && design.topology().capability() == Capability::AnyContraction),
            "--form: found svd, expected auto or unitary: {design} realises any matrix on one mesh, without singular values"
        );
        anyhow::ensure!(
            !(self.form == "unitary" && design.topology().capability() == Capability::AnyContraction),
            "--form: found unitary, expected auto: {design} realises any matrix on one mesh that is not unitary"
        );
        let (w, single) = matrix_file::load(&self.matrix)?;
        let modes = w.nrows().max(w.ncols());
        if design.topology().capability() == Capability::Fitted && modes > MAX_QUICK_PORTS {
            output::status(&format!(
                "searching the phases of {design} for {modes} ports: minutes, or more; Ctrl-C stops"
            ));
        }
        let form = match self.form.as_str() {
            "unitary" => Form::Unitary,
            "svd" => Form::Svd,
            _ => Form::Auto,
        };
        let within = self.unitary_within.filter(|_| form != Form::Svd);
        anyhow::ensure!(
            self.unitary_within.is_none()
                || (form != Form::Svd && design.topology().capability() != Capability::AnyContraction),
            "--unitary-within: found together with a form of two meshes or a topology of contractions, expected `--form auto` or \
             `unitary` on a mesh of unitaries"
        );
        if let (Some(within), Form::Unitary) = (within, form) {
            Unitary::new(w.clone(), within).with_context(|| self.matrix.display().to_string())?;
        }
        let is_within = within.is_some_and(|within| w.is_square() && Unitary::deviation(&w) <= within);
        let nearest = self.nearest_unitary || is_within;
        let program = match (nearest, single) {
            (true, _) => Unitary::nearest(&w).and_then(|unitary| MatrixProgram::unitary(&unitary, &design)),
            (false, true) => MatrixProgram::from_single(&w, form, &design),
            (false, false) => MatrixProgram::new(&w, form, &design),
        }
        .with_context(|| self.matrix.display().to_string())?;
        if let Some(path) = &self.output {
            streams::save(path, |path| program.save(path))?;
        }

        // Divided by the largest entry, so that squares do not underflow. A matrix of zeros has no error.
        let largest = w.camax();
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let scaled = |m: &DMatrix<Complex64>| m.map(|z| z / scale);
        let absolute_error = scale * (scaled(&program.matrix()) - scaled(&w)).norm();
        let (rows, columns) = program.shape();
        let mut results = Results::default();
        results.value("rows", rows);
        results.value("columns", columns);
        results.value("precision", if single { "single" } else { "double" });
        results.line(format!("{rows}×{columns} matrix, {} precision", if single { "single" } else { "double" }));
        if w.is_square() {
            results.value("unitary_deviation", Unitary::deviation(&w));
            results.line(format!("max |U†U − I| = {:.1e}", Unitary::deviation(&w)));
        }
        let (form, how) = match (program.form(), single || nearest) {
            (Form::Unitary, true) => ("unitary", "programmed the nearest unitary on one mesh (form unitary)"),
            (Form::Unitary, false) => ("unitary", "programmed on one mesh (form unitary)"),
            (Form::Contraction, _) => {
                ("contraction", "programmed as g·M on one mesh that is not unitary (form contraction)")
            }
            _ => ("svd", "programmed as g·U·Σ·V† on two meshes and a column of attenuators (form svd)"),
        };
        results.value("form", form);
        results.value("topology", design.topology().key());
        results.value("cell", design.cell().key());
        results.value("cells", program.interferometers());
        results.value("depth", program.depth());
        results.value("gain", program.gain());
        results.value("absolute_error", absolute_error);
        results.line(how);
        results.line(format!(
            "{design}: {} {}, depth {}, gain {}",
            program.interferometers(),
            design.cell().plural(),
            program.depth(),
            significant(program.gain()),
        ));
        results.line(format!("‖Ŵ − W‖_F = {absolute_error:.1e}"));
        if design.topology().capability() == Capability::Fitted {
            let error = if largest > 0.0 { relative_error(&scaled(&w), &scaled(&program.matrix())) } else { 0.0 };
            results.value("relative_error", error);
            results.line(format!("fitted: each mesh is the nearest that the search found, ‖Ŵ − W‖/‖W‖ = {error:.1e}"));
        }
        output::print_summary(&results, self.format, self.output.as_deref())?;
        let deviation = if w.is_square() { Unitary::deviation(&w) } else { f64::INFINITY };
        if program.form() == Form::Svd
            && self.form == "auto"
            && deviation < NEARLY_UNITARY
            && self.unitary_within.is_none()
        {
            output::status(&format!(
                "note: the matrix is unitary to {deviation:.1e}: `--nearest-unitary` programs its nearest unitary on one mesh"
            ));
        }
        output::hint_output(self.output.as_deref(), "PROGRAM.json");
        Ok(Exit::Done)
    }
}

/// A tolerance of a unitary.
fn tolerance(text: &str) -> Result<f64, String> {
    let tolerance = text.parse::<f64>().ok().filter(|x| (0.0..1.0).contains(x));
    tolerance.ok_or_else(|| format!("found {text}, expected a number from 0 to below 1"))
}
