//! Peak memory of each work at 1024 modes, in addition to its input, in complex N×N matrices.
//!
//! A target of its own, because the allocator that counts bytes would slow the timed works.

#![allow(clippy::print_stdout)] // a benchmark prints its results

#[path = "engine/inputs.rs"]
#[allow(dead_code, reason = "the benchmark of speed uses the rest")]
mod inputs;

use inputs::{chip, gaussian, haar, propagated};
use peak_alloc::PeakAlloc;
use phaseloom::hardware::{Chip, ChipId, Process};
use phaseloom::mesh::{Circuit, Fields, MatrixProgram, Unitary, gradient, topology};
use std::hint::black_box;

/// Counts the bytes in use.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const N: usize = 1024;
/// The largest peak allowed, the result included (matrices).
const LIMIT: f64 = 4.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    faer::set_global_parallelism(faer::Par::Seq);
    println!("{:<30}{:>5}{:>13}{:>13}{:>9}", "memory, in N×N complex", "N", "peak", "result", "limit");
    for key in ["rectangular", "triangular"] {
        let u = Unitary::new(haar(N, 1), 1e-9)?;
        let topology = topology(key)?;
        print_peak(&format!("program, {key}"), || MatrixProgram::unitary(&u, topology.clone()));
    }
    let (program, errors) = chip(N, 1);
    let stage = &program.stages()[0];
    print_peak("realise", || Circuit::compile(stage, stage.phases(), &errors).matrix());
    let fields = gaussian(N, 1000, 1);
    print_peak("propagate 1000 fields", || program.propagate(&fields));
    let fields = Fields::from_matrix(&gaussian(N, 100, 1));
    print_peak("gradient, batch 100", || {
        let output = propagated(stage, &errors, &fields);
        gradient(stage, stage.phases(), &errors, &fields, output.clone(), output)
    });
    drop((errors, fields));
    // Half of it is the chip itself: five numbers per cell and an offset per phase.
    let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.01\n[phase_error]\nsigma_rad = 0.01")?;
    let driven = process.drive(&program);
    print_peak("Monte Carlo chip", || {
        let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 }).expect("a chip");
        chip.matrix_from_driven(&program, &driven)
    });
    Ok(())
}

fn print_peak<T>(work: &str, run: impl FnOnce() -> T) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = black_box(run());
    let matrices = |bytes: usize| bytes.saturating_sub(before) as f64 / (16 * N * N) as f64;
    let (peak, kept) = (matrices(ALLOCATOR.peak_usage()), matrices(ALLOCATOR.current_usage()));
    drop(result);
    let verdict = if peak <= LIMIT { "ok" } else { "over" };
    println!("{work:<30}{N:>5}{peak:>13.2}{kept:>13.2}{LIMIT:>9.2}  {verdict}");
}
