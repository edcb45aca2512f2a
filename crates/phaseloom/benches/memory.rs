//! Memory of each work at 1024 modes at its peak, beside its input, in complex N×N matrices.

#![allow(clippy::print_stdout)] // what a benchmark finds, it prints

#[allow(dead_code, reason = "another benchmark uses the rest")]
mod common;

use common::{chip, gaussian, haar};
use peak_alloc::PeakAlloc;
use phaseloom::hardware::{Chip, ChipId, Process};
use phaseloom::mesh::{Circuit, Fields, MatrixProgram, Unitary, gradient, topology};
use std::hint::black_box;

/// Counts what is asked for.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const N: usize = 1024;
/// What a work may take, its result with it (matrices).
const AT_MOST: f64 = 4.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    faer::set_global_parallelism(faer::Par::Seq);
    println!("{:<30}{:>5}{:>13}{:>13}{:>9}", "memory, in N×N complex", "N", "peak", "result", "at most");
    for key in ["rectangular", "triangular"] {
        // Of these the first is programmed from null vectors that are corrected, what takes most.
        let u = Unitary::new(haar(N, 1), 1e-9)?;
        let topology = topology(key)?;
        line(&format!("program, {key}"), || MatrixProgram::unitary(&u, topology.clone()));
    }
    let (program, errors) = chip(N, 1);
    let stage = &program.stages()[0];
    line("realise", || Circuit::compile(stage, stage.phases(), &errors).matrix());
    let fields = gaussian(N, 1000, 1);
    line("propagate 1000 fields", || program.propagate(&fields));
    let fields = Fields::from_matrix(&gaussian(N, 100, 1));
    line("gradient, batch 100", || {
        let mut output = fields.clone();
        Circuit::compile(stage, stage.phases(), &errors).propagate(&mut output);
        gradient(stage, stage.phases(), &errors, &fields, output.clone(), output)
    });
    drop((errors, fields));
    // The chip itself is half of this: five numbers a cell and an offset a phase.
    let process: Process = toml::from_str("[splitter_error]\nsigma_rad = 0.01\n[phase_error]\nsigma_rad = 0.01")?;
    let driven = process.drive(&program);
    line("Monte Carlo chip", || {
        let chip = Chip::fabricate(&process, &program, ChipId { seed: 1, trial: 0, core: 0 }).expect("a chip");
        chip.matrix_from_driven(&program, &driven)
    });
    Ok(())
}

fn line<T>(work: &str, run: impl FnOnce() -> T) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = black_box(run());
    let matrices = |bytes: usize| bytes.saturating_sub(before) as f64 / (16 * N * N) as f64;
    let (peak, left) = (matrices(ALLOCATOR.peak_usage()), matrices(ALLOCATOR.current_usage()));
    drop(result);
    let verdict = if peak <= AT_MOST { "ok" } else { "over" };
    println!("{work:<30}{N:>5}{peak:>13.2}{left:>13.2}{AT_MOST:>9.2}  {verdict}");
}
