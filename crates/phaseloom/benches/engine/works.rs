//! The works that are timed: each a group of criterion, ours and its reference on the same inputs.
//!
//! A new work is one line in [`WORKS`] and one function.

use crate::common::{self, chip, haar, reference};
use crate::main_job::{Layers, MainJob};
use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{Circuit, Fields, MatrixProgram, Phases, Rectangular, Topology, Triangular, Unitary, gradient};
use phaseloom::numerics::linalg::multiply_real;
use phaseloom::hardware::{Chip, ChipId, MatrixProduct, Process, Shot};
use rayon::prelude::*;
use std::cell::LazyCell;
use std::hint::black_box;

/// Names of the two ways in a group.
pub const OURS: &str = "ours";
pub const REFERENCE: &str = "reference";

/// Fields of a batch that is propagated.
const FIELDS: usize = 1000;
/// Fields of a batch of training.
const BATCH: usize = 100;
/// Chips that the threads share: a tenth of a second of work, for a scheduler may keep both threads on one core for the
/// first milliseconds.
fn chips(n: usize) -> u32 {
    if n < 128 { 1024 } else { 64 }
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// One work, and what its time is divided by to give a cost of its smallest part.
pub struct Work {
    /// Name of the criterion group.
    pub key: &'static str,
    /// Name in tables.
    pub title: &'static str,
    pub reference: &'static str,
    pub sizes: &'static [usize],
    /// The smallest part, and how many a work of size N has.
    pub item: &'static str,
    pub items: fn(usize) -> usize,
    time: fn(&mut Group, usize),
}

const ALL: &[usize] = &[64, 128, 256, 512, 1024];

/// Every work.
pub const WORKS: &[Work] = &[
    Work {
        key: "program_rectangular",
        title: "program a Haar unitary (rectangular)",
        reference: "QR of the same matrix",
        sizes: ALL,
        item: "cell",
        items: cells,
        time: |group, n| program(group, n, &Rectangular),
    },
    Work {
        key: "program_triangular",
        title: "program a Haar unitary (triangular)",
        reference: "QR of the same matrix",
        sizes: ALL,
        item: "cell",
        items: cells,
        time: |group, n| program(group, n, &Triangular),
    },
    Work {
        key: "realise",
        title: "realise phases and errors as a matrix",
        reference: "product N×N by N×N",
        sizes: ALL,
        item: "cell",
        items: cells,
        time: realise,
    },
    Work {
        key: "propagate",
        title: "propagate 1000 fields",
        reference: "product N×N by N×1000",
        sizes: ALL,
        item: "cell and field",
        items: |n| cells(n) * FIELDS,
        time: propagate,
    },
    Work {
        key: "gradient",
        title: "gradient of all phases (100 fields)",
        reference: "propagate the same fields",
        sizes: ALL,
        item: "cell and field",
        items: |n| cells(n) * BATCH,
        time: phase_gradient,
    },
    Work {
        key: "one_chip",
        title: "one Monte Carlo chip",
        reference: "realise alone",
        sizes: &[64, 256],
        item: "cell",
        items: cells,
        time: one_chip,
    },
    Work {
        key: "optical_product",
        title: "optical product 128×784 of 10 000 images (f32)",
        reference: "real product 128×784 by 784×10 000",
        sizes: &[64],
        item: "readout",
        items: |ports| 128 * 784_usize.div_ceil(ports) * 10_000,
        time: optical_product,
    },
    Work {
        key: "two_threads",
        title: "chips on two threads",
        reference: "on one thread",
        sizes: &[64, 256],
        item: "chip",
        items: |n| chips(n) as usize,
        time: two_threads,
    },
];

/// Interferometers of a mesh.
fn cells(n: usize) -> usize {
    n * (n - 1) / 2
}

/// Times all works that the command line of criterion asks for.
pub fn run(criterion: &mut Criterion) {
    for work in WORKS {
        let mut group = criterion.benchmark_group(work.key);
        for &n in work.sizes {
            (work.time)(&mut group, n);
        }
        group.finish();
    }
}

/// Times ours and, right behind it, the reference.
fn both<T, A, B>(
    group: &mut Group,
    n: usize,
    inputs: impl FnOnce() -> Vec<T>,
    ours: impl Fn(&T) -> A,
    reference: impl Fn(&T) -> B,
) {
    fn each<T, R>(bencher: &mut Bencher, inputs: &[T], way: impl Fn(&T) -> R) {
        let mut inputs = inputs.iter().cycle();
        bencher.iter(|| inputs.next().map(|input| way(black_box(input))));
    }
    // Made only where criterion comes to it: a filter may leave this size out.
    let inputs = LazyCell::new(inputs);
    group.sampling_mode(if n >= 512 { SamplingMode::Flat } else { SamplingMode::Auto });
    group.bench_function(BenchmarkId::new(OURS, n), |b| each(b, &inputs, &ours));
    group.bench_function(BenchmarkId::new(REFERENCE, n), |b| each(b, &inputs, &reference));
}

fn program(group: &mut Group, n: usize, topology: &'static dyn Topology) {
    both(
        group,
        n,
        || common::inputs(|k| Unitary::new(haar(n, k), 1e-9).expect("Haar matrices are unitary")),
        |u| MatrixProgram::unitary(u, topology).expect("a unitary has a program"),
        |u| reference::qr(u.matrix()),
    );
}

fn realise(group: &mut Group, n: usize) {
    both(
        group,
        n,
        || common::inputs(|k| (chip(n, k), haar(n, k), haar(n, k + 100))),
        |((program, errors), ..)| {
            let stage = &program.stages()[0];
            Circuit::compile(stage, stage.phases(), errors).matrix()
        },
        |(_, a, b)| reference::product(a, b),
    );
}

fn propagate(group: &mut Group, n: usize) {
    both(
        group,
        n,
        || common::inputs(|k| (common::random_program(n, k), haar(n, k), common::gaussian(n, FIELDS, k))),
        |(program, _, fields)| {
            // Always cell by cell; `MatrixProgram::propagate` would make the matrix first where that is cheaper.
            let mut fields = Fields::from_matrix(fields);
            Circuit::ideal(&program.stages()[0]).propagate(&mut fields);
            fields.to_matrix()
        },
        |(_, a, fields)| reference::product(a, fields),
    );
}

/// Forwards through a chip with errors and back. The loss is half the power behind it, whose adjoint is the output.
fn phase_gradient(group: &mut Group, n: usize) {
    let forward = |program: &MatrixProgram, errors: &[CellErrors], fields: &Fields| {
        let stage = &program.stages()[0];
        let mut output = fields.clone();
        Circuit::compile(stage, stage.phases(), errors).propagate(&mut output);
        output
    };
    both(
        group,
        n,
        || common::inputs(|k| (chip(n, k), Fields::from_matrix(&common::gaussian(n, BATCH, k)))),
        |((program, errors), fields)| {
            let stage = &program.stages()[0];
            let output = forward(program, errors, fields);
            gradient(stage, stage.phases(), errors, fields, output.clone(), output)
        },
        |((program, errors), fields)| forward(program, errors, fields),
    );
}

/// A program, the process of the main job with all its sources, and the phases that its heaters make.
fn fabrication(n: usize, seed: u64) -> (MatrixProgram, Process, Vec<Phases>) {
    let process = toml::from_str(include_str!("../../../../examples/mnist/process.toml"));
    let process: Process = process.expect("the process of the example is one");
    let program = common::random_program(n, seed);
    let driven = process.drive(&program);
    (program, process, driven)
}

fn draw(program: &MatrixProgram, process: &Process, trial: u64) -> Chip {
    Chip::fabricate(process, program, ChipId { seed: 1, trial, core: 0 }).expect("a possible process")
}

fn realised(chip: &Chip, program: &MatrixProgram, driven: &[Phases]) -> DMatrix<Complex64> {
    chip.matrix_from_driven(program, driven).expect("the chip fits its program")
}

fn one_chip(group: &mut Group, n: usize) {
    let with_chip = |k| {
        let (program, process, driven) = fabrication(n, k);
        let chip = draw(&program, &process, k);
        (program, process, driven, chip)
    };
    both(
        group,
        n,
        || common::inputs(with_chip),
        |(program, process, driven, _)| realised(&draw(program, process, 7), program, driven),
        |(program, _, driven, chip)| realised(chip, program, driven),
    );
}

/// The first layer of the main job on one trial's chips, with all noise of its link.
fn optical_product(group: &mut Group, ports: usize) {
    let layer = || {
        let job = MainJob::load().expect("the MNIST example is complete");
        let programs = job.programs().expect("its weights have programs");
        let designs = MainJob::designs(&programs, &job.config.process).expect("a possible process");
        let layers = Layers { programs: &programs, designs: &designs, scales: &job.scales };
        let product = layers.products(&job.config, &job.config.link, 0).expect("possible chips").swap_remove(0);
        (product, programs[0].weight().clone(), job.inputs)
    };
    let shot = Shot { trial: 0, index: 0, first_sample: 0 };
    both(
        group,
        ports,
        || vec![layer()],
        |(product, _, images)| product.multiply(images, shot),
        |(_, weight, images)| multiply_real(weight, images),
    );
}

fn two_threads(group: &mut Group, n: usize) {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    // As a run does: each thread takes one chip at a time.
    let on = |pool: &rayon::ThreadPool, (program, process, driven): &(MatrixProgram, Process, Vec<Phases>)| {
        let one = |trial: u32| realised(&draw(program, process, trial.into()), program, driven).norm();
        pool.install(|| (0..chips(n)).into_par_iter().with_max_len(1).map(one).collect::<Vec<f64>>())
    };
    let (one, two) = (pool(1), pool(2));
    both(group, n, || common::inputs(|k| fabrication(n, k)), |input| on(&two, input), |input| on(&one, input));
}
