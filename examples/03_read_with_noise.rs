//! A matrix product read with photons: the spread of the outputs against the shot-noise law of a mesh,
//!
//! std(ŷ_i) = g s_x √(1 + n_s/n_LO) / (2√(η n_port)),   g = ‖W‖₂/t
//!
//! n_port photons a symbol in one port at full drive, n_s signal photons at the receiver, n_LO photons of the local
//! oscillator there, t the amplitude transmission, s_x the input that drives a port fully.
//!
//! `cargo run --example 03_read_with_noise`
#![allow(clippy::print_stdout)]

use phaseloom::hardware::{CoreUse, InsertionLoss, bound_scales};
use phaseloom::nalgebra::DMatrix;
use phaseloom::numerics::standard_normal;
use phaseloom::{CoreSpec, LayerAddress, LayerProgram, Link, MatrixProduct, OpticalProduct, Process, Shot, StreamKey};
use std::sync::Arc;

/// How often the same vector is sent.
const SYMBOLS: usize = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A real 16×16 matrix on one core of 16 ports, every interferometer losing 0.05 dB.
    let mut stream = StreamKey::new(1, "example").stream();
    let w = DMatrix::from_fn(16, 16, |_, _| standard_normal(&mut stream));
    let core = CoreSpec { ports: 16, ..CoreSpec::default() };
    let loss = InsertionLoss { loss_db: 0.05, ..InsertionLoss::default() };
    let process = Process { insertion_loss: Some(loss), ..Process::default() };
    // One vector, again and again: each symbol draws its own noise.
    let x = DMatrix::from_fn(16, SYMBOLS, |i, _| (i as f64).cos());
    let exact = &w * &x;

    println!("laser      photons/port   spread of ŷ      law   bits of a reading");
    for laser_power_w in [1e-8, 1e-7, 1e-6, 1e-5, 1e-4] {
        let link = Link { laser_power_w: Some(laser_power_w), shot_noise: true, ..Link::default() };
        // Scales that need no data: inputs within ±1.
        let scales = bound_scales(&w, &core, &link, 1.0)?;
        let program = Arc::new(LayerProgram::new(&w, &core, link.detection, &scales)?);
        let design = Arc::new(program.design(&process)?);
        let place = LayerAddress { seed: 1, trial: 0, layer: 0, first_core: 0 };
        let how = CoreUse::default();
        let product = OpticalProduct::<f64>::new(&program, &design, &link, &scales, how, place)?;
        let (y, readings) = product.multiply(&x, Shot { trial: 0, index: 0, first_sample: 0 });

        // Spread about the mean of each output, so that the static error of the lossy mesh stays out of it.
        let mean = y.column_mean();
        let squares: f64 = y.column_iter().map(|column| (column - &mean).norm_squared()).sum();
        let measured = (squares / (y.len() - y.nrows()) as f64).sqrt();

        let receiver = link.receiver(core.ports)?;
        let n_port = receiver.photons_per_port();
        let eta = link.quantum_efficiency();
        let n_s = readings.signal_photoelectrons / eta / y.len() as f64; // mean over outputs
        let t = 10f64.powf(design.transmission_db(&program) / 20.0);
        let norm = program.tiles().iter().flatten().next().map_or(0.0, |tile| tile.program.gain()); // ‖W‖₂
        let gain = norm / t;
        let law = gain * (1.0 + n_s / receiver.local_oscillator_photons()).sqrt() / (2.0 * (eta * n_port).sqrt());

        let bits = (exact.norm() / (&y - &exact).norm()).log2();
        println!("{laser_power_w:.0e} W {n_port:14.3e} {measured:12.4} {law:10.4} {:12.1}", bits);
    }
    Ok(())
}
