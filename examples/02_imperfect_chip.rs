//! How far imperfect splitters move a mesh: sampled chips against the law E = σ√(2(N−1)).
//!
//! A splitter that is off by α moves the mesh by ‖ΔU‖² = 2α²; there are N(N−1) of them, so
//! E² = ‖ΔU‖²/N = 2(N−1)σ², to first order. The law holds while E ≪ 1.
//!
//! `cargo run --example 02_imperfect_chip`
#![allow(clippy::print_stdout)]

use phaseloom::hardware::SplitterError;
use phaseloom::{Chip, ChipId, Form, MatrixProgram, Process, StreamKey, haar_unitary, matrix_error, topology};

/// Sampled chips at each point.
const CHIPS: u64 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(" N       σ   measured E   σ√(2(N−1))");
    for ports in [4, 16, 32] {
        // The program is made once; only chips are sampled.
        let u = haar_unitary(ports, &mut StreamKey::new(1, "example").stream());
        let program = MatrixProgram::new(&u, Form::Unitary, topology("rectangular")?)?;
        for sigma_rad in [0.001, 0.01, 0.1] {
            let splitters = SplitterError { sigma_rad: Some(sigma_rad), ..SplitterError::default() };
            let process = Process { splitter_error: Some(splitters), ..Process::default() };
            // Trial t has the same standard draws at every σ: the rows are paired.
            let mut sum_of_squares = 0.0;
            for trial in 0..CHIPS {
                let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial, core: 0 })?;
                sum_of_squares += matrix_error(&u, &chip.matrix(&program)?).powi(2);
            }
            let measured = (sum_of_squares / CHIPS as f64).sqrt();
            let law = sigma_rad * (2.0 * (ports as f64 - 1.0)).sqrt();
            println!("{ports:2}   {sigma_rad:.3}       {measured:.4}       {law:.4}");
        }
    }
    Ok(())
}
