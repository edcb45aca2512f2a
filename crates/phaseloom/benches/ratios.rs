//! The speed targets: each piece of work as a ratio to a reference that runs in turn with it, on one thread.

#![allow(clippy::print_stdout)] // what a benchmark finds, it prints

mod common;
#[path = "engine/main_job.rs"]
#[allow(dead_code, reason = "another benchmark uses the rest")]
mod main_job;

use common::{Pair, chip, haar, reference};
use main_job::{Layers, MainJob};
use phaseloom::hardware::{Chip, ChipId, Link, MatrixProduct, Process, Shot};
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{Circuit, Fields, MatrixProgram, MeshDesign, Stage, Unitary, gradient, topologies, topology};
use rayon::prelude::*;

/// The allocator of the command line.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let only = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let wants = |work: &str| work.contains(&only) || only.contains(work);
    common::header();
    if wants("program") {
        // The targets are those of the first two; of the other universal ones the smaller sizes are measured beside them.
        let universal = topologies().into_iter().filter(|t| t.capability().is_universal());
        for topology in universal.filter(|t| only.is_empty() || "program".contains(&only) || only.contains(t.key())) {
            let sizes = [(64, 3.0), (128, 3.0), (256, 2.0), (512, 2.0), (1024, 2.0)];
            let most = if ["rectangular", "triangular"].contains(&topology.key()) { 1024 } else { 256 };
            for (n, at_most) in sizes.into_iter().filter(|(n, _)| *n <= most) {
                let inputs = common::inputs(|k| Unitary::new(haar(n, k), 1e-9).expect("Haar"));
                Pair { work: &format!("program, {}", topology.key()), n, at_most, reference: "QR" }.run(
                    &inputs,
                    |u| MatrixProgram::unitary(u, topology.clone()).expect("a unitary").stages().len(),
                    |u| reference::qr(u.matrix()),
                );
            }
        }
    }
    if wants("realise") {
        for (n, at_most) in [(64, 4.0), (128, 2.5), (256, 2.0), (512, 2.0), (1024, 2.0)] {
            let inputs = common::inputs(|k| chip(n, k));
            Pair { work: "realise", n, at_most, reference: "product" }.run(
                &inputs,
                |(program, errors)| {
                    let stage = &program.stages()[0];
                    Circuit::compile(stage, stage.phases(), errors).matrix()[(0, 0)]
                },
                {
                    let (a, b) = (haar(n, 1), haar(n, 2));
                    move |_| reference::product(&a, &b)
                },
            );
        }
    }
    if wants("meshes") {
        meshes();
    }
    if wants("propagate") {
        for n in [64, 128, 256, 512, 1024] {
            let inputs = common::inputs(|k| (chip(n, k).0, common::gaussian(n, 1000, k)));
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
        for n in [64, 128, 256, 512, 1024] {
            let inputs = common::inputs(|k| {
                let (program, errors) = chip(n, k);
                (program, errors, Fields::from_matrix(&common::gaussian(n, 100, k)))
            });
            let send = |(program, errors, fields): &(MatrixProgram, Vec<CellErrors>, Fields)| {
                let stage = &program.stages()[0];
                let mut fields = fields.clone();
                Circuit::compile(stage, stage.phases(), errors).propagate(&mut fields);
                fields
            };
            // Forward and backward; the loss is half the power of the output, so that the adjoint is the output.
            Pair { work: "gradient, batch 100", n, at_most: 4.0, reference: "propagate" }.run(
                &inputs,
                |input| {
                    let (program, errors, fields) = input;
                    let stage = &program.stages()[0];
                    let output = send(input);
                    gradient(stage, stage.phases(), errors, fields, output.clone(), output).0
                },
                send,
            );
        }
    }
    if wants("chip") {
        for (n, at_most) in [(64, 2.5), (256, 1.5)] {
            let process: Process = toml::from_str(PROCESS).expect("a process");
            let inputs = common::inputs(|k| {
                let program = common::random_program(n, k);
                let sample = ChipId { seed: 1, trial: k, core: 0 };
                let chip = Chip::fabricate(&process, &program, sample).expect("a chip");
                (process.drive(&program), program, chip, sample)
            });
            Pair { work: "Monte Carlo chip", n, at_most, reference: "realise" }.run(
                &inputs,
                |(driven, program, _, sample)| {
                    let chip = Chip::fabricate(&process, program, *sample).expect("a chip");
                    chip.matrix_from_driven(program, driven).expect("fits")
                },
                |(driven, program, chip, _)| chip.matrix_from_driven(program, driven).expect("fits"),
            );
        }
    }
    if wants("readout") {
        readout_noise()?;
    }
    if wants("threads") {
        two_threads()?;
    }
    Ok(())
}

/// Other meshes: the targets of the rectangular one, that of realising for as many times its cells as they have. Matrices
/// are those from port to port: lines between that are dark at the input and dumped at the output are no part of them.
fn meshes() {
    let plain = |n: usize| n * (n - 1) / 2;
    let usual = |d: &MeshDesign| d.topology().key() != "tree" && d.cell() == d.topology().cells()[0];
    let usual: Vec<MeshDesign> = MeshDesign::all().filter(usual).collect();
    for design in &usual {
        for (n, at_most) in [(64, 4.0), (256, 2.0)] {
            let inputs = common::inputs(|k| common::random_phases(design, n, k));
            let at_most = at_most * (inputs[0].1.len() as f64 / plain(n) as f64).max(1.0);
            let (a, b) = (haar(n, 1), haar(n, 2));
            Pair { work: &format!("realise, {}", design.topology().key()), n, at_most, reference: "product" }.run(
                &inputs,
                |(stage, errors)| {
                    let mut fields = Fields::identity(n);
                    Circuit::compile(stage, stage.phases(), errors).propagate(&mut fields);
                    fields.resize(n);
                    fields.to_matrix()[(0, 0)]
                },
                |_| reference::product(&a, &b),
            );
        }
    }
    let rectangular = topology("rectangular").expect("is there");
    let cells =
        rectangular.cells()[1..].iter().map(|&cell| MeshDesign::new(rectangular.clone(), cell).expect("can be built"));
    for design in usual.into_iter().chain(cells) {
        let n = 64;
        let inputs = common::inputs(|k| {
            let (stage, errors) = common::random_phases(&design, n, k);
            let fields = Fields::from_matrix(&common::gaussian(stage.layout().modes, 100, k));
            (stage, errors, fields)
        });
        let send = |(stage, errors, fields): &(Stage, Vec<CellErrors>, Fields)| {
            let mut fields = fields.clone();
            Circuit::compile(stage, stage.phases(), errors).propagate(&mut fields);
            fields
        };
        let key = if design.topology().key() == "rectangular" { design.cell().key() } else { design.topology().key() };
        Pair { work: &format!("gradient, {key}"), n, at_most: 4.0, reference: "propagate" }.run(
            &inputs,
            |input| {
                let (stage, errors, fields) = input;
                let output = send(input);
                gradient(stage, stage.phases(), errors, fields, output.clone(), output).0
            },
            send,
        );
    }
}

/// Readout noise: the same product with a noisy link and with a silent one, in turn; nanoseconds a readout.
fn readout_noise() -> Result<(), Box<dyn std::error::Error>> {
    let job = MainJob::load()?;
    let programs = job.programs()?;
    let designs = MainJob::designs(&programs, &job.config.process)?;
    let layers = Layers { programs: &programs, designs: &designs, scales: &job.scales };
    let noisy = &job.config.link;
    // Without shot, thermal and intensity noise and without the output converter; the rest of the link stays.
    let silent = Link { shot_noise: false, thermal_noise: None, intensity_noise: None, adc: None, ..noisy.clone() };
    let product = |link| Ok::<_, Box<dyn std::error::Error>>(layers.products(&job.config, link, 0)?.swap_remove(0));
    let (noisy, silent) = (product(noisy)?, product(&silent)?);
    let images = job.inputs.columns(0, 10_000.min(job.inputs.ncols())).into_owned();
    let shot = Shot { trial: 0, index: 0, first_sample: 0 };
    let times = common::in_turn(8, || noisy.multiply(&images, shot), || silent.multiply(&images, shot));
    let readouts = (128 * 784_usize.div_ceil(64) * images.ncols()) as f64;
    let (with, without) = (times.ours / readouts, times.reference / readouts);
    let times = common::Times { ours: with, reference: without, ratio: (with - without) * 1e9 };
    common::line("readout noise, f32 (each)", 64, times, 3.0, "ns; without noise");
    Ok(())
}

/// Chips that two threads draw and realise in the time that one takes for one.
///
/// A turn lasts as long as many slices of a scheduler: for some milliseconds after they wake both threads may stand on one
/// core, which is no part of what trials in a row cost.
fn two_threads() -> Result<(), Box<dyn std::error::Error>> {
    const CHIPS: u32 = 2048;
    let process: Process = toml::from_str(PROCESS)?;
    let program = common::random_program(64, 1);
    let driven = process.drive(&program);
    let chips = |threads: usize| -> Result<_, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let (process, program, driven) = (&process, &program, &driven);
        Ok(move || {
            let one = |trial: u32| {
                let chip = Chip::fabricate(process, program, ChipId { seed: 1, trial: trial.into(), core: 0 });
                chip.and_then(|chip| chip.matrix_from_driven(program, driven)).map_or(0.0, |m| m.norm())
            };
            pool.install(|| (0..CHIPS).into_par_iter().with_max_len(1).map(one).collect::<Vec<f64>>())
        })
    };
    // The time of two threads, times 1.9, is at most that of one.
    let times = |times: common::Times| common::Times { ours: 1.9 * times.ours, ratio: 1.9 * times.ratio, ..times };
    let chips = times(common::in_turn(20, chips(2)?, chips(1)?));
    common::line(&format!("{CHIPS} chips on 2 threads, ×1.9"), 64, chips, 1.0, "one thread");
    // What the machine gives just now: multiply-adds in registers, which share nothing but the units that do them; those a
    // core may share with another tenant.
    let loops = |threads: usize| -> Result<_, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let one = |start: u32| {
            let mut x = [f64::from(start) / 1e3; 24];
            for _ in 0..20_000 {
                x.iter_mut().for_each(|x| *x = 0.7 * *x + 0.3);
            }
            x.iter().sum::<f64>()
        };
        Ok(move || pool.install(|| (0..CHIPS).into_par_iter().with_max_len(1).map(one).sum::<f64>()))
    };
    common::line("a loop on 2 threads, ×1.9", 0, times(common::in_turn(20, loops(2)?, loops(1)?)), 1.0, "one thread");
    Ok(())
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
