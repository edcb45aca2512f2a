//! Programs a unitary matrix on a mesh, then on one chip with splitter errors.
//!
//! `cargo run --example 01_program_a_unitary`
#![allow(clippy::print_stdout)]

use phaseloom::prelude::*;

fn main() -> Result<(), Error> {
    let u = haar_unitary(16, Seed(1));
    let program = Core::new(16).program_complex(&u)?;
    println!("{} MZIs, {} columns deep", program.interferometers(), program.depth());
    println!("perfect mesh: ‖U − Û‖/√N = {:.12}", (program.matrix() - &u).norm() / 4.0);

    let process = Process::from_toml("splitter_error.sigma_rad = 0.01")?;
    let chip = process.fabricate(&program, Seed(1))?;
    println!("one chip:     ‖U − Û‖/√N = {:.4}", chip.matrix_error(&program)?);
    Ok(())
}
