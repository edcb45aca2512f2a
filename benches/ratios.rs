//! The speed targets: each piece of work as a ratio to a reference that runs in turn with it, on one thread.

#![allow(clippy::print_stdout)] // what a benchmark finds, it prints

mod common;

use common::{Pair, chip, haar, reference};
use phaseloom::hardware::{Chip, Process, Sample};
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{Circuit, Fields, MatrixProgram, TOPOLOGIES, Unitary, gradient};

fn main() {
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let wants = |work: &str| work.contains(&only) || only.contains(work);
    common::header();
    if wants("program") {
        for topology in
            TOPOLOGIES.into_iter().filter(|t| only.is_empty() || "program".contains(&only) || only.contains(t.key()))
        {
            for (n, at_most) in [(64, 3.0), (128, 3.0), (256, 2.0), (512, 2.0), (1024, 2.0)] {
                let inputs = common::inputs(n, |k| Unitary::new(haar(n, k), 1e-9).expect("Haar"));
                Pair { work: &format!("program, {}", topology.key()), n, at_most, reference: "QR" }.run(
                    &inputs,
                    |u| MatrixProgram::unitary(u, topology).expect("a unitary").sections().len(),
                    |u| reference::qr(u.matrix()),
                );
            }
        }
    }
    if wants("realise") {
        for (n, at_most) in [(64, 4.0), (128, 2.5), (256, 2.0), (512, 2.0), (1024, 2.0)] {
            let inputs = common::inputs(n, |k| chip(n, k));
            Pair { work: "realise", n, at_most, reference: "product" }.run(
                &inputs,
                |(program, errors)| {
                    let section = &program.sections()[0];
                    Circuit::compile(section, section.settings(), errors).matrix()[(0, 0)]
                },
                {
                    let (a, b) = (haar(n, 1), haar(n, 2));
                    move |_| reference::product(&a, &b)
                },
            );
        }
    }
    if wants("propagate") {
        for n in [64, 128, 256, 512, 1024] {
            let inputs = common::inputs(n, |k| (chip(n, k).0, common::gaussian(n, 1000, k)));
            Pair { work: "propagate 1000 fields", n, at_most: 2.0, reference: "product" }.run(
                &inputs,
                |(program, fields)| program.propagate(fields)[(0, 0)],
                {
                    let a = haar(n, 1);
                    move |(_, fields)| reference::product(&a, fields)
                },
            );
        }
    }
    if wants("gradient") {
        for n in [64, 128, 256, 512] {
            let inputs = common::inputs(n, |k| {
                let (program, errors) = chip(n, k);
                (program, errors, Fields::from_matrix(&common::gaussian(n, 100, k)))
            });
            let send = |(program, errors, fields): &(MatrixProgram, Vec<CellErrors>, Fields)| {
                let section = &program.sections()[0];
                let mut fields = fields.clone();
                Circuit::compile(section, section.settings(), errors).propagate(&mut fields);
                fields
            };
            // Forward and backward; the loss is half the power of the output, so that the adjoint is the output.
            Pair { work: "gradient, batch 100", n, at_most: 4.0, reference: "propagate" }.run(
                &inputs,
                |input| {
                    let (program, errors, fields) = input;
                    let section = &program.sections()[0];
                    let output = send(input);
                    gradient(section, section.settings(), errors, fields, output.clone(), output).0
                },
                send,
            );
        }
    }
    if wants("chip") {
        for (n, at_most) in [(64, 2.5), (256, 1.5)] {
            let process: Process = toml::from_str(PROCESS).expect("a process");
            let inputs = common::inputs(n, |k| {
                let program = common::random_program(n, k);
                let sample = Sample { seed: 1, trial: k, core: 0 };
                let chip = Chip::fabricate(&process, &program, sample).expect("a chip");
                (process.drive(&program), program, chip, sample)
            });
            Pair { work: "Monte Carlo chip", n, at_most, reference: "realise" }.run(
                &inputs,
                |(driven, program, _, sample)| {
                    let chip = Chip::fabricate(&process, program, *sample).expect("a chip");
                    chip.realise_driven(program, driven).expect("fits")
                },
                |(driven, program, chip, _)| chip.realise_driven(program, driven).expect("fits"),
            );
        }
    }
}

/// Every random source of a chip.
const PROCESS: &str = "
    [splitter_error]
    sigma_rad = 0.01
    [phase_error]
    sigma_rad = 0.01
    [insertion_loss]
    loss_db = 0.1
    imbalance_sigma_db = 0.02
";
