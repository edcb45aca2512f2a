//! Inputs of the works, and the routines of faer that serve as references.

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::Qr;
use faer::{Accum, Mat, MatRef, Par};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{Circuit, Fields, Form, MatrixProgram, MeshDesign, Phases, Stage, topology};
use phaseloom::numerics::{StreamKey, haar_unitary, standard_normal};

fn faer_view(matrix: &DMatrix<Complex64>) -> MatRef<'_, Complex64> {
    MatRef::from_column_major_slice(matrix.as_slice(), matrix.nrows(), matrix.ncols())
}

pub fn product(a: &DMatrix<Complex64>, b: &DMatrix<Complex64>) -> Mat<Complex64> {
    let mut c = Mat::zeros(a.nrows(), b.ncols());
    matmul(c.as_mut(), Accum::Replace, faer_view(a), faer_view(b), Complex64::new(1.0, 0.0), Par::Seq);
    c
}

pub fn qr(a: &DMatrix<Complex64>) -> Qr<Complex64> {
    faer_view(a).qr()
}

pub fn haar(n: usize, seed: u64) -> DMatrix<Complex64> {
    haar_unitary(n, &mut StreamKey::new(seed, "benchmark").stream())
}

pub fn gaussian(rows: usize, columns: usize, seed: u64) -> DMatrix<Complex64> {
    let mut stream = StreamKey::new(seed, "benchmark/gaussian").stream();
    DMatrix::from_fn(rows, columns, |_, _| Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream)))
}

/// The program of a Haar unitary on a rectangular mesh.
pub fn random_program(n: usize, seed: u64) -> MatrixProgram {
    let u = haar_unitary(n, &mut StreamKey::new(seed, "benchmark/program").stream());
    MatrixProgram::new(&u, Form::Unitary, topology("rectangular").expect("a topology")).expect("a unitary")
}

/// A random program, and cell errors with a standard deviation of 0.01.
pub fn chip(n: usize, seed: u64) -> (MatrixProgram, Vec<CellErrors>) {
    let program = random_program(n, seed);
    let mut stream = StreamKey::new(seed, "benchmark/chip").stream();
    let errors = cell_errors(program.interferometers(), 0.1, || 0.01 * standard_normal(&mut stream));
    (program, errors)
}

/// Errors of cells, with `imbalance` times an error between the losses of the two arms.
fn cell_errors(count: usize, imbalance: f64, mut draw: impl FnMut() -> f64) -> Vec<CellErrors> {
    let errors = |_| CellErrors {
        alpha: draw(),
        beta: draw(),
        gamma: draw(),
        upper_transmission: 0.99 + imbalance * draw(),
        lower_transmission: 0.99,
    };
    (0..count).map(errors).collect()
}

/// A mesh of any design with random phases, and cell errors with a standard deviation of 0.01 and equal loss.
pub fn random_phases(design: &MeshDesign, n: usize, seed: u64) -> (Stage, Vec<CellErrors>) {
    let layout = design.layout(n);
    let mut stream = StreamKey::new(seed, "benchmark/phases").stream();
    let mut phases = Phases::blank(&layout);
    phases.values_mut().iter_mut().for_each(|phase| *phase = 3.0 * standard_normal(&mut stream));
    let errors = cell_errors(layout.positions.len(), 0.0, || 0.01 * standard_normal(&mut stream));
    (Stage::mesh(layout, phases), errors)
}

/// Fields after a mesh with errors.
pub fn propagated(stage: &Stage, errors: &[CellErrors], fields: &Fields) -> Fields {
    let mut output = fields.clone();
    Circuit::compile(stage, stage.phases(), errors).propagate(&mut output);
    output
}
