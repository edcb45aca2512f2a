//! A unitary matrix becomes the phases of a mesh; then one chip is made with imperfect splitters.
//!
//! `cargo run --example 01_program_a_unitary`
#![allow(clippy::print_stdout)]

use phaseloom::hardware::SplitterError;
use phaseloom::{Chip, ChipId, Form, MatrixProgram, Process, StreamKey, haar_unitary, matrix_error, topology};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let u = haar_unitary(16, &mut StreamKey::new(1, "example").stream());
    let program = MatrixProgram::new(&u, Form::Auto, topology("rectangular")?)?;
    println!("{} interferometers, {} columns deep", program.interferometers(), program.depth());
    println!("perfect mesh: ‖U − Û‖/√N = {:.12}", matrix_error(&u, &program.matrix()));

    let splitters = SplitterError { sigma_rad: Some(0.01), ..SplitterError::default() };
    let process = Process { splitter_error: Some(splitters), ..Process::default() };
    let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 })?;
    println!("one chip:     ‖U − Û‖/√N = {:.4}", matrix_error(&u, &chip.matrix(&program)?));
    Ok(())
}
