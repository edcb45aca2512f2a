//! The spread of a measured matrix product, compared with the shot-noise law of homodyne detection,
//!
//! std(ŷ) = ‖W‖₂ √(1 + n_s/n_LO) / (2√(η n_port)).
//!
//! n_port is the number of photons per symbol in one port at full drive, n_s the number of signal photons at a receiver
//! (the mean over the outputs), n_LO the number of photons of the local oscillator there, and η the quantum efficiency.
//! The chip is ideal, and inputs of ±1 drive a port fully.
//!
//! `cargo run --example 03_read_with_noise`
#![allow(clippy::print_stdout)]

use phaseloom::prelude::*;

/// Repetitions of the same vector.
const SYMBOLS: usize = 2000;

fn main() -> Result<(), Error> {
    let w = DMatrix::from_fn(16, 16, |i, j| (1.7 * (i * 16 + j) as f64).sin());
    let program = Core::new(16).program(&w)?;
    let chip = Process::ideal().fabricate(&program, Seed(1))?;
    let norm = w.singular_values().max(); // ‖W‖₂
    // Every symbol has noise of its own.
    let x = DMatrix::from_fn(16, SYMBOLS, |i, _| (i as f64).cos());
    let target = &w * &x;

    println!("laser      photons/port   spread of ŷ      law   effective bits");
    for laser_power_w in [1e-8, 1e-7, 1e-6, 1e-5, 1e-4] {
        let link = Link { laser_power_w: Some(laser_power_w), shot_noise: true, ..Link::default() };
        let y = chip.product(&program, &link)?.multiply(&x);
        let measured = ((&y - &target).norm_squared() / y.len() as f64).sqrt();

        let receiver = link.receiver(16)?;
        let n_port = receiver.photons_per_port();
        // The chip multiplies by W/‖W‖₂.
        let n_s = n_port * (&target / norm).norm_squared() / y.len() as f64;
        let n_lo = receiver.local_oscillator_photons();
        let law = norm * (1.0 + n_s / n_lo).sqrt() / (2.0 * (link.quantum_efficiency() * n_port).sqrt());

        let bits = (target.norm() / (&y - &target).norm()).log2();
        println!("{laser_power_w:.0e} W {n_port:14.3e} {measured:12.4} {law:10.4} {bits:12.1}");
    }
    Ok(())
}
