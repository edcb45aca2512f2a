//! Splitter errors on sampled chips, compared with the first-order law E = σ√(2(N−1)).
//!
//! A splitter error α changes the mesh by ‖ΔU‖² = 2α². A mesh has N(N−1) splitters, so
//! E² = ‖ΔU‖²/N = 2(N−1)σ² to first order. The law holds for E ≪ 1.
//!
//! `cargo run --example 02_imperfect_chip`
#![allow(clippy::print_stdout)]

use phaseloom::prelude::*;

/// Chips at each point.
const CHIPS: u64 = 100;

fn main() -> Result<(), Error> {
    println!(" N       σ   measured E   σ√(2(N−1))");
    for ports in [4, 16, 32] {
        // One program serves all chips.
        let program = Core::new(ports).program_complex(&haar_unitary(ports, Seed(1)))?;
        for sigma_rad in [0.001, 0.01, 0.1] {
            let process = Process::from_toml(&format!("splitter_error.sigma_rad = {sigma_rad}"))?;
            // The same seed gives the same standard normal draws at every σ, so the rows are paired.
            let mut sum_of_squares = 0.0;
            for seed in 0..CHIPS {
                let chip = process.fabricate(&program, Seed(seed))?;
                sum_of_squares += chip.matrix_error(&program)?.powi(2);
            }
            let measured = (sum_of_squares / CHIPS as f64).sqrt();
            let law = sigma_rad * (2.0 * (ports as f64 - 1.0)).sqrt();
            println!("{ports:2}   {sigma_rad:.3}       {measured:.4}       {law:.4}");
        }
    }
    Ok(())
}
