//! The works: each with its reference on the same inputs, and the largest allowed ratio of their times.
//!
//! To add a work, write one entry of [`page_works`] or [`others`].

use crate::harness::{Times, Work, alternate, in_turn};
use crate::inputs::{chip, gaussian, haar, product, propagated, qr, random_phases, random_program};
use crate::main_job::{MainJob, Product, noiseless};
use phaseloom::hardware::{Chip, ChipId, Link, Process, Shot};
use phaseloom::mesh::cell::CellErrors;
use phaseloom::mesh::{
    Circuit, Fields, MatrixProgram, MeshDesign, Phases, Rectangular, Stage, Topology, Triangular, Unitary, gradient,
    topologies,
};
use phaseloom::network::Network;
use phaseloom::numerics::linalg::multiply;
use rayon::prelude::*;
use std::sync::Arc;

/// Fields of a batch that is propagated.
const FIELDS: usize = 1000;
/// Fields of a batch of training.
const BATCH: usize = 100;
/// Readouts of the optical product: 128 outputs of each tile of 64 ports for 10 000 images.
const READOUTS: usize = 128 * 784_usize.div_ceil(64) * 10_000;
/// Two threads must take at most this part of the time of one thread.
const TWO_THREADS: f64 = 1.0 / 1.9;

const PROGRAM: [(usize, f64); 5] = [(64, 3.0), (128, 3.0), (256, 2.0), (512, 2.0), (1024, 2.0)];
const REALISE: [(usize, f64); 5] = [(64, 4.0), (128, 2.5), (256, 2.0), (512, 2.0), (1024, 2.0)];

/// Interferometers of a universal mesh.
fn cells(n: usize) -> usize {
    n * (n - 1) / 2
}

fn all_sizes(limit: f64) -> Vec<(usize, f64)> {
    [64, 128, 256, 512, 1024].map(|n| (n, limit)).to_vec()
}

/// The works in the tables and the figure of the page.
pub fn page_works() -> Vec<Work> {
    vec![
        Work {
            title: "program a Haar unitary (rectangular)".into(),
            ..program(Arc::new(Rectangular), PROGRAM.to_vec())
        },
        Work { title: "program a Haar unitary (triangular)".into(), ..program(Arc::new(Triangular), PROGRAM.to_vec()) },
        Work {
            key: "realise".into(),
            title: "realise phases and errors as a matrix".into(),
            reference: "product N×N by N×N",
            limits: REALISE.to_vec(),
            item: ("cell", cells),
            time: in_turn(
                |n, seed| (chip(n, seed), haar(n, seed), haar(n, seed + 100)),
                |((program, errors), ..)| {
                    let stage = &program.stages()[0];
                    Circuit::compile(stage, stage.phases(), errors).matrix()
                },
                |(_, a, b)| product(a, b),
            ),
        },
        // Always cell by cell: `MatrixProgram::propagate` computes the matrix first if that is cheaper.
        propagate("propagate", "propagate 1000 fields", |program, fields| {
            let mut fields = Fields::from_matrix(fields);
            Circuit::ideal(&program.stages()[0]).propagate(&mut fields);
            fields.to_matrix()
        }),
        Work {
            key: "gradient".into(),
            title: "gradient of all phases (100 fields)".into(),
            limits: all_sizes(4.0),
            item: ("cell and field", |n| cells(n) * BATCH),
            ..gradient_of(MeshDesign::from(Rectangular))
        },
        Work {
            key: "one_chip".into(),
            title: "one Monte Carlo chip".into(),
            reference: "realise alone",
            limits: vec![(64, 2.5), (256, 1.5)],
            item: ("cell", cells),
            time: in_turn(
                |n, seed| {
                    let fabrication = Fabrication::new(n, seed);
                    (fabrication.chip(seed), fabrication)
                },
                |(_, fabrication)| fabrication.realise(&fabrication.chip(7)),
                |(chip, fabrication)| fabrication.realise(chip),
            ),
        },
        Work {
            key: "optical_product".into(),
            title: "optical product 128×784 of 10 000 images (f32)".into(),
            reference: "real product 128×784 by 784×10 000",
            limits: vec![(64, f64::INFINITY)],
            item: ("readout", |_| READOUTS),
            time: Box::new(|_| {
                let job = MainJob::load().expect("the MNIST example is complete");
                let optical = first_layer(&job, &job.config.link);
                let weight = job.model.photonic_layers()[0].weight.clone();
                alternate(&[job.inputs], |images| optical.multiply(images, SHOT), |images| multiply(&weight, images))
            }),
        },
        two_threads(
            &[64, 256],
            "chips",
            "chip",
            |n| if n < 128 { 1024 } else { 64 },
            |n| {
                let fabrication = Fabrication::new(n, 1);
                Box::new(move |trial| fabrication.realise(&fabrication.chip(trial)).norm())
            },
        ),
    ]
}

/// The works that are only printed.
pub fn others() -> Vec<Work> {
    let mut works = vec![
        // The scaling that the machine allows: multiply-adds in registers, where threads share only the arithmetic units.
        two_threads(
            &[64],
            "a loop",
            "loop",
            |_| 2048,
            |_| {
                Box::new(|trial| {
                    let mut x = [trial as f64 / 1e3; 24];
                    for _ in 0..20_000 {
                        x.iter_mut().for_each(|x| *x = 0.7 * *x + 0.3);
                    }
                    x.iter().sum()
                })
            },
        ),
        readout_noise(),
        propagate("propagate_program", "propagate 1000 fields through a program", |program, fields| {
            program.propagate(fields)
        }),
    ];
    let others = topologies().into_iter().filter(|t| t.capability().is_universal());
    let others = others.filter(|t| !["rectangular", "triangular"].contains(&t.key()));
    works.extend(others.map(|topology| program(topology, PROGRAM[..3].to_vec())));
    works.extend(other_meshes());
    works
}

fn program(topology: Arc<dyn Topology>, limits: Vec<(usize, f64)>) -> Work {
    Work {
        key: format!("program_{}", topology.key()),
        title: format!("program, {}", topology.key()),
        reference: "QR of the same matrix",
        limits,
        item: ("cell", cells),
        time: in_turn(
            |n, seed| Unitary::new(haar(n, seed), 1e-9).expect("Haar matrices are unitary"),
            move |u| MatrixProgram::unitary(u, topology.clone()).expect("a unitary has a program"),
            |u| qr(u.matrix()),
        ),
    }
}

fn propagate<R>(
    key: &str,
    title: &str,
    ours: impl Fn(&MatrixProgram, &nalgebra::DMatrix<num_complex::Complex64>) -> R + 'static,
) -> Work {
    Work {
        key: key.into(),
        title: title.into(),
        reference: "product N×N by N×1000",
        limits: all_sizes(2.0),
        item: ("cell and field", |n| cells(n) * FIELDS),
        time: in_turn(
            |n, seed| (random_program(n, seed), haar(n, seed), gaussian(n, FIELDS, seed)),
            move |(program, _, fields)| ours(program, fields),
            |(_, a, fields)| product(a, fields),
        ),
    }
}

fn gradient_of(design: MeshDesign) -> Work {
    Work {
        key: format!("gradient_{}_{}", design.topology().key(), design.cell().key()),
        title: format!("gradient, {design}"),
        reference: "propagate the same fields",
        limits: vec![(64, 4.0)],
        item: ("cell of a universal mesh and field", |n| cells(n) * BATCH),
        time: in_turn(
            move |n, seed| {
                let (stage, errors) = random_phases(&design, n, seed);
                let fields = Fields::from_matrix(&gaussian(stage.layout().modes, BATCH, seed));
                (stage, errors, fields)
            },
            forward_and_backward,
            |(stage, errors, fields)| propagated(stage, errors, fields),
        ),
    }
}

/// The gradient of half the output power, whose adjoint is the output itself.
fn forward_and_backward((stage, errors, fields): &(Stage, Vec<CellErrors>, Fields)) -> Phases {
    let output = propagated(stage, errors, fields);
    gradient(stage, stage.phases(), errors, fields, output.clone(), output).0
}

/// Other meshes, with the limits of the rectangular one. The limit of realising grows with the number of cells.
///
/// Matrices are those from port to port: modes that are idle at the input and dumped at the output are no part of them.
fn other_meshes() -> Vec<Work> {
    let usual = |d: &MeshDesign| d.topology().key() != "tree" && d.cell() == d.topology().cells()[0];
    let usual: Vec<MeshDesign> = MeshDesign::all().filter(usual).collect();
    let realise = usual.iter().cloned().map(|design| {
        let more_cells = |n: usize| (design.layout(n).positions.len() as f64 / cells(n) as f64).max(1.0);
        Work {
            key: format!("realise_{}", design.topology().key()),
            title: format!("realise, {}", design.topology().key()),
            reference: "product N×N by N×N",
            limits: vec![(64, 4.0 * more_cells(64)), (256, 2.0 * more_cells(256))],
            item: ("cell of a universal mesh", cells),
            time: in_turn(
                move |n, seed| (random_phases(&design, n, seed), haar(n, 1), haar(n, 2)),
                |((stage, errors), a, _)| {
                    let mut fields = Fields::identity(a.nrows());
                    Circuit::compile(stage, stage.phases(), errors).propagate(&mut fields);
                    fields.resize(a.nrows());
                    fields.to_matrix()
                },
                |(_, a, b)| product(a, b),
            ),
        }
    });
    let cells_of_rectangular = Rectangular.cells()[1..].iter();
    let cells_of_rectangular =
        cells_of_rectangular.map(|&cell| MeshDesign::new(Arc::new(Rectangular), cell).expect("a design"));
    let gradients = usual.iter().cloned().chain(cells_of_rectangular).map(gradient_of);
    realise.chain(gradients).collect()
}

/// A program on the process of the main job, with all its sources of error.
struct Fabrication {
    program: MatrixProgram,
    process: Process,
    driven: Vec<Phases>,
}

impl Fabrication {
    fn new(n: usize, seed: u64) -> Self {
        let process = toml::from_str(include_str!("../../../../examples/mnist/process.toml"));
        let process: Process = process.expect("the example has a process");
        let program = random_program(n, seed);
        let driven = process.drive(&program);
        Self { program, process, driven }
    }

    fn chip(&self, trial: u64) -> Chip {
        Chip::fabricate(&self.process, &self.program, ChipId { seed: 1, trial, core: 0 }).expect("a possible process")
    }

    fn realise(&self, chip: &Chip) -> nalgebra::DMatrix<num_complex::Complex64> {
        chip.matrix_from_driven(&self.program, &self.driven).expect("the chip fits its program")
    }
}

const SHOT: Shot = Shot { trial: 0, index: 0, first_vector: 0 };

/// The first layer of the main job on the chips of one trial, with a link of choice.
fn first_layer(job: &MainJob, link: &Link) -> Product {
    let program = job.program().expect("the weights have programs");
    let designs = program.designs(&job.config.process, None).expect("a possible process");
    job.products(&program, &designs, link, 0).expect("possible chips").swap_remove(0)
}

/// The noise of a readout (ns): the product with a noisy link, less that with a noiseless one.
fn readout_noise() -> Work {
    Work {
        key: "readout_noise".into(),
        title: "readout noise, f32 (ratio: ns per readout)".into(),
        reference: "without noise",
        limits: vec![(64, 3.0)],
        item: ("readout", |_| READOUTS),
        time: Box::new(|_| {
            let job = MainJob::load().expect("the MNIST example is complete");
            let noisy = first_layer(&job, &job.config.link);
            let quiet = first_layer(&job, &Link { adc: None, ..noiseless(&job.config.link) });
            let times =
                alternate(&[job.inputs], |images| noisy.multiply(images, SHOT), |images| quiet.multiply(images, SHOT));
            Times { ratio: 1e9 * (times.ours_s - times.reference_s) / READOUTS as f64, ..times }
        }),
    }
}

/// Tasks on two threads against the same tasks on one. As in a run, each thread takes one task at a time.
///
/// The tasks last many time slices of a scheduler, which may keep both threads on one core for the first milliseconds.
fn two_threads(
    sizes: &[usize],
    name: &str,
    item: &'static str,
    count: fn(usize) -> usize,
    task: impl Fn(usize) -> Box<dyn Fn(u64) -> f64 + Sync> + 'static,
) -> Work {
    Work {
        key: format!("two_threads_{item}"),
        title: format!("{name} on two threads"),
        reference: "on one thread",
        limits: sizes.iter().map(|&size| (size, TWO_THREADS)).collect(),
        item: (item, count),
        time: Box::new(move |n| {
            let task = task(n);
            let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let run = |pool: &rayon::ThreadPool| {
                let tasks = (0..count(n) as u32).into_par_iter().with_max_len(1);
                pool.install(|| tasks.map(|trial| task(trial.into())).collect::<Vec<f64>>())
            };
            let (one, two) = (pool(1), pool(2));
            alternate(&[()], |()| run(&two), |()| run(&one))
        }),
    }
}
