//! Training through light: the gradient of a loss by phases, attenuators, gains and inputs, against central differences.

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::slopes::{Adjoint, CorePass, InSitu, ParameterShift, SlopeMethod};
use phaseloom_hardware::{
    Chip, ChipId, CoreSpec, LayerAddress, LayerProgram, Link, Process, Scales, Shot, TrainableLayer,
};
use phaseloom_mesh::cell::CELLS;
use phaseloom_mesh::{MatrixProgram, MeshDesign, Unitary, topologies};
use phaseloom_numerics::{StreamKey, standard_normal};
use rand::RngExt;

const SHOT: Shot = Shot { trial: 0, index: 0, first_vector: 0 };
/// Step of the central differences (rad): their error is 1e-9 of third derivatives near 1, their rounding 1e-11.
const STEP: f64 = 3e-5;
/// Set before the first run. The norm of all differences relative to the norm of the gradient.
const TOLERANCE: f64 = 1e-6;

const PROCESS: &str = "[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1\n\
    [insertion_loss]\nloss_db = 0.3\nimbalance_sigma_db = 0.2\n";

/// Normal numbers.
fn deviates(seed: u64) -> impl FnMut() -> f64 {
    let mut stream = StreamKey::new(seed, "test/training").stream();
    move || standard_normal(&mut stream)
}

/// ½ Σ (y − y₀)² and its gradient by y.
fn loss(y: &DMatrix<f64>) -> (f64, DMatrix<f64>) {
    let difference = DMatrix::from_fn(y.nrows(), y.ncols(), |i, j| y[(i, j)] - (0.7 * i as f64 - 0.3 * j as f64).cos());
    (0.5 * difference.norm_squared(), difference)
}

fn layer(process: &str, link: &str, core: &str, design: Option<&MeshDesign>, shape: (usize, usize)) -> TrainableLayer {
    let mut next = deviates(3);
    let weight = DMatrix::from_fn(shape.0, shape.1, |_, _| next());
    let process: Process = toml::from_str(process).unwrap();
    let link: Link = toml::from_str(link).unwrap();
    let core: CoreSpec = toml::from_str(core).unwrap();
    let tiles = core.plan(shape.0, shape.1, link.detection).unwrap().tiles().len();
    let scales = Scales { input: 1.5, full_scale: (0..tiles).map(|t| 4.0 + 0.3 * t as f64).collect() };
    let program = match design {
        Some(design) => LayerProgram::with_design(&weight, &core, design, link.detection, &scales),
        None => LayerProgram::new(&weight, &core, link.detection, &scales),
    };
    let mut layer = TrainableLayer::new(program.unwrap(), &process, &link, &scales, core.core_use()).unwrap();
    layer.fabricate(LayerAddress { seed: 5, trial: 2, layer: 0, first_core: 3 }).unwrap();
    layer
}

fn inputs(rows: usize, vectors: usize) -> DMatrix<f64> {
    let mut next = deviates(8);
    DMatrix::from_fn(rows, vectors, |_, _| 1.4 * (2.0 * next()).tanh())
}

/// The norm of the differences between the gradient and central differences, relative to that of the gradient.
fn deviation(layer: &mut TrainableLayer, x: &DMatrix<f64>) -> f64 {
    // Phases of padded cores are 0, where crosstalk jumps: a heater at 2π warms its neighbours, one at 0 does not.
    layer.parameters_mut().iter_mut().flatten().for_each(|phase| *phase += 0.1);
    let (y, trace, _) = layer.record(x, SHOT);
    let gradients = layer.backward(&trace, &loss(&y).1, true, &Adjoint);
    let (mut error, mut norm) = (0.0, 0.0);
    let mut add = |found: f64, plus: f64, minus: f64| {
        error += (found - (plus - minus) / (2.0 * STEP)).powi(2);
        norm += found * found;
    };
    for (group, of_group) in gradients.parameters.iter().enumerate() {
        assert_eq!(of_group.len(), layer.parameters()[group].len());
        for (k, &found) in of_group.iter().enumerate() {
            let start = layer.parameters()[group][k];
            let mut at = |value: f64| {
                layer.parameters_mut()[group][k] = value;
                loss(&layer.record(x, SHOT).0).0
            };
            let (plus, minus) = (at(start + STEP), at(start - STEP));
            at(start);
            add(found, plus, minus);
        }
    }
    let by_input = gradients.input.unwrap();
    for k in 0..x.len() {
        let mut at = |step: f64| {
            let mut x = x.clone();
            x.as_mut_slice()[k] += step;
            loss(&layer.record(&x, SHOT).0).0
        };
        let (plus, minus) = (at(STEP), at(-STEP));
        add(by_input.as_slice()[k], plus, minus);
    }
    (error / norm).sqrt()
}

/// Matrices of several tiles with padding, small and large batches (of vectors and by the matrix), crosstalk of both kinds.
#[test]
fn gradients_are_those_of_central_differences_in_every_topology_and_cell() {
    let mut tried = 0;
    for topology in topologies() {
        for cell in CELLS {
            let Ok(design) = MeshDesign::from_keys(topology.key(), Some(cell.key())) else { continue };
            if phaseloom_mesh::MatrixProgram::check_supported(&design, 4, 4, 4).is_err() {
                continue;
            }
            for (vectors, crosstalk) in [(3, "coefficient = 0.02"), (6, "distance_factor = 0.8")] {
                let process = format!("{PROCESS}[thermal_crosstalk]\n{crosstalk}");
                let mut layer = layer(&process, "", "ports = 4", Some(&design), (5, 6));
                let deviation = deviation(&mut layer, &inputs(6, vectors));
                let key = topology.key();
                assert!(deviation < TOLERANCE, "{key} of {} cells, {crosstalk}: {deviation:e}", cell.key());
                tried += 1;
            }
        }
    }
    assert!(tried >= 20, "only {tried} meshes");
}

/// Every detection, modulator and source of noise that is smooth. Draws are constants, so that differences see the same.
#[test]
fn gradients_are_those_of_central_differences_in_every_detection() {
    let noise = "laser_power_w = 0.1\nthermal_noise.noise_a_per_sqrt_hz = 1e-11\n";
    for detection in ["homodyne", "direct", "offset"] {
        for modulator in [
            "",
            "modulator = { kind = 'push_pull', extinction_db = 12.0 }\n",
            "modulator = { kind = 'absorptive', extinction_db = 12.0, loss_db = 1.0 }\n",
        ] {
            for (noise, vectors) in [("", 3), (noise, 7)] {
                let link = format!("detection = '{detection}'\n{modulator}{noise}");
                let mut layer = layer(PROCESS, &link, "ports = 4", None, (6, 5));
                let deviation = deviation(&mut layer, &inputs(5, vectors));
                assert!(deviation < TOLERANCE, "{link}: {deviation:e}");
            }
        }
    }
}

/// The record of a training step is the product of an experiment: the same bits.
#[test]
fn the_forward_pass_is_that_of_the_optical_product() {
    use phaseloom_hardware::{MatrixProduct, OpticalProduct};
    use std::sync::Arc;
    let link = "laser_power_w = 0.05\nshot_noise = true\ndac.bits = 8\nadc.bits = 7\n";
    let mut layer = layer(PROCESS, link, "ports = 4", None, (6, 5));
    let x = inputs(5, 300);
    let found = layer.record(&x, SHOT).0;
    let program = layer.program().clone();
    let process: Process = toml::from_str(PROCESS).unwrap();
    let design = Arc::new(program.design(&process).unwrap());
    let scales = Scales { input: 1.5, full_scale: (0..4).map(|t| 4.0 + 0.3 * f64::from(t)).collect() };
    let address = LayerAddress { seed: 5, trial: 2, layer: 0, first_core: 3 };
    let core_use = CoreSpec::default().core_use();
    let link: Link = toml::from_str(link).unwrap();
    let product: OpticalProduct = OpticalProduct::new(&program, &design, &link, &scales, core_use, address).unwrap();
    let expected = product.multiply(&x, SHOT).0;
    // Phases pass through `rem_euclid` and the gain through its logarithm: a few bits.
    let step = 0.3 / 63.0;
    let differ = found.iter().zip(expected.iter()).filter(|(a, b)| (**a - **b).abs() > 1e-9).count();
    assert!(differ * 1000 < found.len() && (found - expected).amax() < 40.0 * step, "{differ} values differ");
}

/// Straight through: with rounded phases the gradient is exactly that of a smooth chip at the rounded phases.
#[test]
fn rounding_counts_as_the_identity_at_the_rounded_value() {
    let smooth = format!("{PROCESS}[thermal_crosstalk]\ncoefficient = 0.02");
    let mut at_codes = layer(&smooth, "", "ports = 4", None, (4, 4));
    let mut rounded = layer(&format!("{smooth}\n[phase_quantization]\nbits = 4"), "", "ports = 4", None, (4, 4));
    let lsb = std::f64::consts::TAU / 16.0;
    // Attenuators have two shifters for one parameter; they keep a value whose second phase is a code too.
    for group in 0..at_codes.parameters().len() {
        for k in 0..at_codes.parameters()[group].len() {
            if group == 3 {
                continue;
            }
            let code = (at_codes.parameters()[group][k] / lsb).round();
            let code = if group == 1 { 2.0 * (code / 2.0).round() } else { code };
            at_codes.parameters_mut()[group][k] = code * lsb;
            rounded.parameters_mut()[group][k] = (code + if group == 1 { 0.1 } else { 0.4 }) * lsb;
        }
    }
    let x = inputs(4, 6);
    let gradients = |layer: &mut TrainableLayer| {
        let (y, trace, _) = layer.record(&x, SHOT);
        layer.backward(&trace, &loss(&y).1, true, &Adjoint)
    };
    let (a, b) = (gradients(&mut at_codes), gradients(&mut rounded));
    for (a, b) in a.parameters.iter().flatten().zip(b.parameters.iter().flatten()) {
        assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{a} {b}");
    }
    assert!((a.input.unwrap() - b.input.unwrap()).amax() < 1e-9);
}

/// A saturated converter has no slope; within its range the slope is that of an ideal one at the rounded value.
#[test]
fn saturated_values_have_no_slope() {
    let x = inputs(4, 6) * 10.0;
    let mut clipped = layer("", "dac.bits = 8", "ports = 4", None, (4, 4));
    let (y, trace, _) = clipped.record(&x, SHOT);
    let by_input = clipped.backward(&trace, &loss(&y).1, true, &Adjoint).input.unwrap();
    for (slope, x) in by_input.iter().zip(x.iter()) {
        assert_eq!(slope.abs() < 1e-300, x.abs() > 1.5, "slope {slope} at {x}");
    }
}

/// ⟨K p, s⟩ = ⟨p, Kᵀ s⟩ for phases p of heaters that are on.
#[test]
fn the_adjoint_of_the_drive_is_its_transpose() {
    for (cell, crosstalk) in [
        ("mzi", "coefficient = 0.05"),
        ("mzi", "distance_factor = 1.0"),
        ("symmetric", "coefficient = 0.05"),
        ("symmetric", "distance_factor = 1.0"),
    ] {
        let process: Process = toml::from_str(&format!("[thermal_crosstalk]\n{crosstalk}")).unwrap();
        let design = MeshDesign::from_keys("rectangular", Some(cell)).unwrap();
        let blank = phaseloom_mesh::MatrixProgram::blank(5, 5, design);
        let mut normal = deviates(4);
        let mut random = |positive: bool| -> Vec<_> {
            let of_stage = |stage: &phaseloom_mesh::Stage| {
                let mut phases = stage.phases().zeroed();
                let mut next = || if positive { normal().abs() } else { normal() };
                phases.values_mut().iter_mut().for_each(|phase| *phase = next());
                phases
            };
            blank.stages().iter().map(of_stage).collect()
        };
        let (phases, slopes) = (random(true), random(false));
        let driven = process.drive(&blank.with_phases(phases.clone()));
        let mut adjoint = slopes.clone();
        process.drive_adjoint(&blank, &mut adjoint);
        let dot = |a: &[phaseloom_mesh::Phases], b: &[phaseloom_mesh::Phases]| -> f64 {
            a.iter().zip(b).flat_map(|(a, b)| a.values().iter().zip(b.values())).map(|(a, b)| a * b).sum()
        };
        let (left, right) = (dot(&driven, &slopes), dot(&phases, &adjoint));
        assert!((left - right).abs() < 1e-11 * (1.0 + left.abs()), "{cell}, {crosstalk}: {left} {right}");
    }
}

/// The slopes of a method, and of the adjoint, by the phases of one core.
fn both(method: &dyn SlopeMethod, process: &str, link: &str, vectors: usize) -> [Vec<f64>; 2] {
    let mut layer = layer(process, link, "ports = 6", None, (6, 6));
    let (y, trace, _) = layer.record(&inputs(6, vectors), SHOT);
    let slopes = |layer: &mut TrainableLayer, method: &dyn SlopeMethod| -> Vec<f64> {
        layer.backward(&trace, &loss(&y).1, true, method).parameters.concat()
    };
    [slopes(&mut layer, method), slopes(&mut layer, &Adjoint)]
}

fn cosine([a, b]: &[Vec<f64>; 2]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Cosine between three measurements and backpropagation on a mesh of 16 ports with uniform phases and splitter errors of 0.02 rad,
/// for a softmax of the intensities and an input of unit norm; and the number of passes of light.
fn in_situ_on_a_mesh(loss_db: f64, seed: u64) -> (f64, u64) {
    let process: Process =
        toml::from_str(&format!("[splitter_error]\nsigma_rad = 0.02\n[insertion_loss]\nloss_db = {loss_db:?}"))
            .unwrap();
    let design = MeshDesign::from_keys("rectangular", None).unwrap();
    let blank = MatrixProgram::unitary(&Unitary::new(DMatrix::identity(16, 16), 1e-9).unwrap(), design).unwrap();
    let mut phases = blank.stages()[0].phases().clone();
    let mut stream = StreamKey::new(seed, "test/in_situ").stream();
    phases.values_mut().iter_mut().for_each(|phase| *phase = stream.random_range(0.0..std::f64::consts::TAU));
    let program = blank.with_phases(vec![phases]);
    let chip = Chip::fabricate(&process, &program, ChipId { seed, trial: 0, core: 0 }).unwrap();
    let fields =
        DMatrix::from_fn(16, 1, |_, _| Complex64::new(standard_normal(&mut stream), standard_normal(&mut stream)));
    let fields = fields.normalize();
    let output = chip.matrix(&program).unwrap() * &fields;
    let exponentials = output.map(|z| z.norm_sqr().exp());
    let total = exponentials.sum();
    // L = −ln p₀ with p = softmax(|a|²): ∂L/∂|a|² = p − e₀, λ = 2·∂L/∂|a|²·a.
    let adjoint = DMatrix::from_fn(16, 1, |i, _| output[i] * (2.0 * (exponentials[i] / total - f64::from(i == 0))));
    let driven = process.drive(&program);
    let pass = CorePass { chip: &chip, program: &program, driven: &driven, fields: &fields, adjoint: &adjoint };
    // The independent computation has no phases at the outputs, where the bias is largest.
    let values = |slopes: Vec<phaseloom_mesh::Phases>| [slopes[0].theta(), slopes[0].phi()].concat();
    (cosine(&[values(InSitu.slopes(&pass)), values(Adjoint.slopes(&pass))]), InSitu.passes(&pass))
}

/// Exact without loss. With loss the cosine is that of an independent computation, .950 and .882 (20 chips; its standard error and
/// ours are below .01).
#[test]
fn three_measurements_are_exact_without_loss_and_biased_with_it() {
    for (loss_db, expected, tolerance) in [(0.0, 1.0, 1e-12), (0.25, 0.950, 0.02), (0.5, 0.882, 0.03)] {
        let (mut sum, mut count) = (0.0, 0.0);
        for seed in 0..20 {
            let (cosine, passes) = in_situ_on_a_mesh(loss_db, seed);
            assert_eq!(passes, 3);
            sum += cosine;
            count += 1.0;
        }
        let mean = sum / count;
        assert!((mean - expected).abs() < tolerance, "{loss_db} dB: {mean}");
    }
}

/// Exact on every chip, with loss and errors, for fields and for intensities.
#[test]
fn shifts_of_each_phase_are_exact() {
    for link in ["", "detection = 'direct'", "detection = 'offset'"] {
        let [found, exact] = both(&ParameterShift, PROCESS, link, 4);
        let norm = exact.iter().map(|g| g * g).sum::<f64>().sqrt();
        let worst = found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-12 * norm, "{link}: {worst:e} of {norm:e}");
    }
}

/// Intensity noise of relative variance σ² on one detector: y = √v·g with v = I(1 + ε), so that the mean of Σ y⁴ = g⁴v² is (1 + σ²)
/// times that without noise, and so is its gradient by the inputs. Draws that are constants miss σ²; in units of their standard
/// deviation they do not. σ² = 10^(−10.8)·2.5 GHz = 0.0396. Standard error of 20000 vectors: below 0.4 %; tolerance three of them.
#[test]
fn noise_that_grows_with_the_light_is_differentiated_if_asked_for() {
    const VECTORS: usize = 20_000;
    let noisy = "detection = 'direct'\nlaser_power_w = 1e-3\nintensity_noise = { rin_db_per_hz = -108 }\n";
    let x = DMatrix::from_fn(2, VECTORS, |i, _| 0.9 - 0.5 * i as f64);
    let gradient = |link: &str, differentiate: bool| {
        let mut layer = layer("", link, "ports = 2", None, (2, 2));
        layer.differentiate_noise(differentiate);
        let (y, trace, _) = layer.record(&x, SHOT);
        layer.backward(&trace, &y.map(|y| 4.0 * y.powi(3)), true, &Adjoint).input.unwrap()
    };
    let free = gradient("detection = 'direct'\nlaser_power_w = 1e-3\n", true);
    let ratio = |differentiate| gradient(noisy, differentiate).dot(&free) / free.norm_squared();
    let (constant, reparameterised) = (ratio(false), ratio(true));
    let variance = 10f64.powf(-10.8) * toml::from_str::<Link>(noisy).unwrap().bandwidth_hz();
    assert!((reparameterised - 1.0 - variance).abs() < 0.012, "{reparameterised}, expected {}", 1.0 + variance);
    assert!((constant - 1.0).abs() < 0.012, "{constant}");
}
