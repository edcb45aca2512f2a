//! The group "waits": work that users wait for, as multiples of the speed of commit 41ae654.
//!
//! The figures of that commit are medians of the same cases in the table below: processor time on one core of an AMD
//! processor with AVX-512, 2026-11-30. A multiple above 1 is faster. On another machine, compare the multiples with each
//! other rather than with 1. There is no figure of that commit for an epoch of training and for the convolutional network,
//! which are compared with a calibration and with the graph library instead.

use crate::cpu_time::measure;
use crate::harness::seconds;
use crate::inputs::haar;
use crate::{digit_cnn, main_job, training};
use nalgebra::DMatrix;
use phaseloom::hardware::{
    Batch, CoreSpec, LayerAddress, LayerDesign, LayerProgram, Link, MatrixProduct, OpticalProduct, Process, Scales,
    Shot, bound_scales,
};
use phaseloom::mesh::{Circuit, Form, MatrixProgram, Rectangular, Unitary};
use phaseloom::network::{Calibration, CalibrationSettings, DataSpec, Model};
use phaseloom::numerics::{StreamKey, standard_normal};
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

/// Ports of a core, and the times (ms) at 41ae654: sampling the chips of a trial, the products of 128 and of 1 024 vectors.
const PHASE_ERRORS: [(usize, [f64; 3]); 3] =
    [(4, [18.975, 13.139, 100.218]), (8, [6.746, 3.860, 26.920]), (16, [4.134, 1.428, 11.605])];
/// The same with every error of the process of the main job, every noise and the converters.
const FULL_LINK: [(usize, [f64; 3]); 3] =
    [(4, [24.509, 20.508, 148.676]), (8, [9.363, 6.689, 49.195]), (16, [4.845, 2.201, 15.550])];
/// Modes, and the time (ms) of `MatrixProgram::new` of a unitary at 41ae654.
const PROGRAM: [(usize, f64); 4] = [(16, 0.030), (64, 0.424), (256, 10.238), (512, 59.571)];
/// Modes, and the time (ms) of realising a mesh at 41ae654.
const REALISE: [(usize, f64); 3] = [(256, 2.923), (1024, 174.749), (2048, 1317.429)];

/// Ports of a core, and the time (ms) of a calibration of the main job on its 10 000 images at 41ae654.
const CALIBRATE: [(usize, f64); 2] = [(4, 2664.996), (16, 1142.387)];

/// Times every case and prints its multiple.
///
/// # Errors
///
/// If the files of the MNIST example, or those of the folder that `PHASELOOM_DATA` names, cannot be read.
pub fn print() -> Result<(), Box<dyn Error>> {
    let experiment = main_job::path();
    let folder = experiment.parent().ok_or("a file has a folder")?;
    println!("{:<48}{:>6}{:>12}{:>12}{:>10}", "waits (processor time)", "size", "41ae654", "now", "multiple");
    training::print_memory(folder)?;
    for (name, cases, is_full) in [("phase errors", PHASE_ERRORS, false), ("full link", FULL_LINK, true)] {
        for (ports, [chips, small, large]) in cases {
            let network = Network::new(ports, is_full);
            let mut trial = 0;
            print_case(&format!("{name}: chips of a network, ports"), ports, chips, || {
                trial += 1;
                network.products(trial).len()
            });
            let products = network.products(0);
            for (batch, before) in [(128, small), (1024, large)] {
                let x = normal(784, batch, 9).map(|x| x.sin().abs());
                print_case(&format!("{name}: {batch} vectors, ports"), ports, before, || pass(&products, &x));
            }
        }
    }
    for (n, before) in PROGRAM {
        let u = haar(n, 3);
        let new = || MatrixProgram::new(&u, Form::Unitary, Rectangular).expect("a unitary");
        let whole = print_case("program a matrix, modes", n, before, new);
        let checked = Unitary::new(u.clone(), Unitary::TOLERANCE).expect("a unitary");
        let programming = median_s(|| MatrixProgram::unitary(&checked, Rectangular).expect("a unitary"));
        println!("{:<48}{n:>6}{:>34.2} (limit 1.3)", "  relative to a checked unitary", whole / programming);
    }
    for (n, before) in REALISE {
        let program = MatrixProgram::blank(n, n, Rectangular);
        let stage = &program.stages()[0];
        let mut stream = StreamKey::new(3, "benchmark/waits").stream();
        let mut phases = stage.phases().clone();
        phases.values_mut().iter_mut().for_each(|phase| *phase = 3.0 * standard_normal(&mut stream));
        let errors = vec![phaseloom::mesh::cell::CellErrors::NONE; stage.layout().positions.len()];
        print_case("realise a mesh, modes", n, before, || Circuit::compile(stage, &phases, &errors).matrix());
    }
    let epoch_s = training::epoch_s(folder, IMAGES)?;
    let model = Model::load(&folder.join("model.toml"))?;
    let data: DataSpec = toml::from_str(IMAGES)?;
    let data = data.load(folder)?;
    for (ports, before) in CALIBRATE {
        let settings = CalibrationSettings { ports, column_block: ports, quantile: 1.0 };
        let now_s = print_case("calibrate on 10 000 images, ports", ports, before, || {
            Calibration::measure(&model, &data, settings)
        });
        let name = "  relative to an epoch of training on them";
        println!("{name:<48}{ports:>6}{:>34.2} (limit 1; {})", now_s / epoch_s, seconds(epoch_s));
    }
    training::print_complex_epoch()?;
    digit_cnn::print(&toml::from_str(PROCESS)?, &toml::from_str(FULL)?)
}

fn print_case<R>(name: &str, size: usize, before_ms: f64, work: impl FnMut() -> R) -> f64 {
    let now_s = median_s(work);
    let before_s = 1e-3 * before_ms;
    println!("{name:<48}{size:>6}{:>12}{:>12}{:>10.2}", seconds(before_s), seconds(now_s), before_s / now_s);
    now_s
}

/// Median processor time of at least five runs, and of at least a second of runs up to a hundred.
fn median_s<R>(mut work: impl FnMut() -> R) -> f64 {
    black_box(work());
    let mut times: Vec<f64> = Vec::new();
    while times.len() < 5 || (times.iter().sum::<f64>() < 1.0 && times.len() < 100) {
        times.push(measure(|| drop(black_box(work()))).1);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn normal(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
    let mut stream = StreamKey::new(seed, "benchmark/waits").stream();
    DMatrix::from_fn(rows, columns, |_, _| standard_normal(&mut stream))
}

/// A network 784-64-64-10 on cores of some ports.
struct Network {
    layers: Vec<(Arc<LayerProgram>, Arc<LayerDesign>, Scales)>,
    core: CoreSpec,
    link: Link,
}

impl Network {
    fn new(ports: usize, is_full: bool) -> Self {
        let link = toml::from_str(if is_full { FULL } else { "" });
        let process = if is_full { PROCESS } else { PHASE_ERROR };
        let process: Process = toml::from_str(process).expect("a process");
        let (link, core): (Link, _) = (link.expect("a link"), CoreSpec { ports, ..CoreSpec::default() });
        let layer = |(i, (rows, columns)): (usize, (usize, usize))| {
            let weight = normal(rows, columns, i as u64) / (columns as f64).sqrt();
            let scales = bound_scales(&weight, &core, &link, 1.0).expect("scales");
            let program = LayerProgram::new(&weight, &core, link.detection, &scales).expect("a layer");
            let design = program.design(&process).expect("a design");
            (Arc::new(program), Arc::new(design), scales)
        };
        let layers = [(64, 784), (64, 64), (10, 64)].into_iter().enumerate().map(layer).collect();
        Self { layers, core, link }
    }

    fn products(&self, trial: u64) -> Vec<Box<dyn MatrixProduct>> {
        let mut at = LayerAddress { seed: 1, trial, layer: 0, first_core: 0 };
        let mut products: Vec<Box<dyn MatrixProduct>> = Vec::new();
        for (program, design, scales) in &self.layers {
            let core = self.core.core_use();
            products.push(if self.link.is_ideal() {
                Box::new(OpticalProduct::<f64>::new(program, design, &self.link, scales, core, at).expect("chips"))
            } else {
                Box::new(OpticalProduct::<f32>::new(program, design, &self.link, scales, core, at).expect("chips"))
            });
            at.layer += 1;
            at.first_core += program.tiles().len() as u64;
        }
        products
    }
}

/// The products with the rectifier after each.
fn pass(products: &[Box<dyn MatrixProduct>], x: &Batch) -> Batch {
    let shot = Shot { trial: 0, index: 0, first_vector: 0 };
    products.iter().fold(x.clone(), |x, product| product.multiply(&x, shot).0.map(|y| y.max(0.0)))
}

const IMAGES: &str = "inputs = 'data/t10k-images-idx3-ubyte.gz'\nlabels = 'data/t10k-labels-idx1-ubyte.gz'";
const PROCESS: &str = include_str!("../../../../examples/mnist/process.toml");
const PHASE_ERROR: &str = "[phase_error]\nsigma_rad = 0.01";
const FULL: &str = "laser_power_w = 0.1
coupling_loss_db = 2
shot_noise = true
dac = { bits = 8 }
modulator = { kind = \"push_pull\", extinction_db = 25, loss_db = 1 }
thermal_noise = { feedback_ohm = 5000, temperature_k = 300 }
intensity_noise = { rin_db_per_hz = -145, cmrr_db = 30 }
adc = { bits = 8 }";
