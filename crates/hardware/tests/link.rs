//! Noise of the link and of fluctuating phases in `OpticalProduct`, compared with formulas from constants alone.
//!
//! A mean agrees with its law within 3 standard errors plus the next-order term. A standard error of 1 % of a variance
//! is one of 0.5 % of a standard deviation. The laws of shot noise and of counting are claims of `validation`.

mod common;

use common::{Layer, chip, process, real, vectors};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{BOLTZMANN, CHARGE, Chip, ChipId, LIGHT, MatrixProduct, PLANCK, ProductStatistics, Shot};
use phaseloom_numerics::NormalStream;
use phaseloom_testing::{Matrix, Mean, agree, orthogonal};

/// Energy of a photon of 1550 nm (J).
fn photon() -> f64 {
    PLANCK * LIGHT / 1.55e-6
}

/// Laser power (W) that puts `photons` a symbol of 1 ns on each of `ports` ports, with a share `lo` for the oscillator.
fn laser(photons: f64, ports: usize, lo: f64) -> f64 {
    photons * photon() * 1e9 * ports as f64 / (1.0 - lo)
}

/// Outputs of one vector, sent many times: outputs × times.
fn repeated(layer: &Layer, x: &[f64], times: usize) -> (DMatrix<f64>, ProductStatistics) {
    let batch = DMatrix::from_fn(x.len(), times, |i, _| x[i]);
    layer.product(0).multiply(&batch, Shot { trial: 0, index: 0, first_vector: 0 })
}

/// Realised matrix, without the gain, of tile `t` of a layer on its chip of trial 0 (cores = "each").
fn passive(layer: &Layer, process_text: &str, t: usize) -> Matrix {
    let program = &layer.program.tiles()[t].as_ref().unwrap().program;
    let sample = ChipId { seed: common::SEED, trial: 0, core: t as u64 };
    Chip::fabricate(&process(process_text), program, sample).unwrap().matrix(program).unwrap()
}

/// g = ‖W‖²/Re tr(W†Ŵ₀) of tile `t`, Ŵ₀ with nominal loss alone.
fn gain(layer: &Layer, process_text: &str, t: usize) -> f64 {
    let tile = layer.program.tiles()[t].as_ref().unwrap();
    let nominal = Chip::nominal(&process(process_text), &tile.program).unwrap().matrix(&tile.program).unwrap();
    let corner = nominal.view((0, 0), tile.target.shape()).clone_owned();
    tile.target.norm_squared() / tile.target.dotc(&corner).re
}

/// Squares of the deviations from an expected mean, over all outputs, each divided by its expected variance.
fn normalised(out: &DMatrix<f64>, mean: &[f64], variance: &[f64]) -> Mean {
    out.column_iter()
        .flat_map(|c| c.iter().copied().enumerate().collect::<Vec<_>>())
        .map(|(i, y)| (y - mean[i]).powi(2) / variance[i])
        .collect()
}

/// The photoelectrons of the signal are η·n_port·Σ|field|² a symbol, with loss and errors of the chip.
#[test]
fn photoelectrons_of_the_signal_are_counted() {
    let hardware = "[insertion_loss]\nloss_db = 0.3\n[splitter_error]\nsigma_rad = 0.02";
    let (w, x, n_port, lo) = (real(4, 4, 0), [0.6, -0.5, 0.1, 0.69], 5e4, 0.1);
    let text = format!(
        "laser_power_w = {:?}\nlo_fraction = {lo}\nresponsivity_a_per_w = 0.8\nshot_noise = true",
        laser(n_port, 4, lo)
    );
    let layer = Layer::new(&w, "ports = 4", hardware, &text, 0.7);
    let (_, counts) = repeated(&layer, &x, 1000);
    let field = passive(&layer, hardware, 0) * Matrix::from_fn(4, 1, |i, _| Complex64::new(x[i] / 0.7, 0.0));
    let photoelectrons = 0.8 * photon() / CHARGE * n_port * field.norm_squared() * 1000.0;
    assert!((counts.signal_photoelectrons / photoelectrons - 1.0).abs() < 1e-9);
}

/// Homodyne with Poisson counts (n_LO = 200) and with their normal approximation (n_LO = 5000). Both have the variance
/// (1 + n_s/n_LO)/(4ηn_port), which is exact for a difference of two Poisson counts.
#[test]
fn counted_homodyne_has_the_variance_of_the_normal_law() {
    for (n_lo, counted) in [(200.0, true), (5000.0, false)] {
        let (lo, eta) = (0.5, photon() / CHARGE);
        let text = format!("laser_power_w = {:?}\nshot_noise = true", laser(n_lo, 1, lo));
        let layer = Layer::new(&DMatrix::from_element(1, 1, 1.0), "ports = 1", "", &text, 1.0);
        for x in [0.0, 0.5, -0.9] {
            let (out, _) = repeated(&layer, &[x], 60_000);
            let law = (1.0 + x * x) / (4.0 * eta * n_lo);
            let squares: Mean = out.iter().map(|y| (y - x).powi(2)).collect();
            agree(&format!("homodyne, n_LO = {n_lo}, x = {x}"), squares, law, 0.0, 0.01);
            let mean: Mean = out.iter().copied().collect();
            assert!((mean.mean() - x).abs() < 3.0 * mean.error());
            // Counts are whole numbers, so outputs lie on a grid of 1/(2η√(n_LO n_port)).
            let grid = 2.0 * eta * n_lo;
            let on_grid = out.iter().all(|y| (y * grid - (y * grid).round()).abs() < 1e-6);
            assert_eq!(on_grid, counted, "n_LO = {n_lo}");
        }
    }
}

/// One detector of η = 1 counts whole photons.
#[test]
fn one_detector_counts_whole_photons() {
    for n in [5.0, 400.0] {
        let text = format!(
            "detection = \"direct\"\nlaser_power_w = {:?}\nresponsivity_a_per_w = {:?}\nshot_noise = true",
            laser(n, 1, 0.0),
            CHARGE / photon()
        );
        let layer = Layer::new(&DMatrix::from_element(1, 1, 1.0), "ports = 1", "", &text, 1.0);
        // The product returns |y| = √(counts/n).
        let counts = repeated(&layer, &[1.0], 10_000).0.map(|y| y * y * n);
        assert!(counts.iter().all(|c| (c - c.round()).abs() < 1e-6), "n = {n}");
    }
}

/// Relative intensity noise (RIN) is one factor for all outputs of a shot, independent between shots:
/// var ε = 10^(RIN/10)·B, B = f/2.
#[test]
fn intensity_noise_is_common_to_a_shot() {
    let text = "laser_power_w = 1e-3\n[intensity_noise]\nrin_db_per_hz = -120.0";
    for detection in ["homodyne", "direct"] {
        let text = format!("detection = \"{detection}\"\n{text}");
        let w = real(4, 4, 2);
        let x = [0.4, -0.7, 0.2, 0.9];
        let layer = Layer::new(&w, "ports = 4", "", &text, 1.0);
        let (out, _) = repeated(&layer, &x, 60_000);
        let y = &w * DMatrix::from_column_slice(4, 1, &x);
        let epsilon = |i: usize, j: usize| {
            let ratio = out[(i, j)] / y[i];
            if detection == "direct" { ratio * ratio - 1.0 } else { ratio - 1.0 }
        };
        for j in 0..1000 {
            for i in 1..4 {
                assert!((epsilon(i, j) - epsilon(0, j)).abs() < 1e-10, "correlation 1 between outputs");
            }
        }
        let law = 10f64.powf(-12.0) * 0.5e9;
        let squares: Mean = (0..60_000).map(|j| epsilon(0, j).powi(2)).collect();
        agree(&format!("RIN variance, {detection}"), squares, law, 0.0, 0.01);
        // Neighbouring shots are independent: their product has mean 0.
        let product: Mean = (0..59_999).map(|j| epsilon(0, j) * epsilon(0, j + 1) / law).collect();
        assert!(product.mean().abs() < 3.0 * product.error());
    }
}

/// Balanced detection leaves 10^(−CMRR/20) of the oscillator's own noise. A zero input gives the output
/// ε·10^(−CMRR/20)·R·P_LO/(2R√(P_LO P_port)).
#[test]
fn common_mode_rejection() {
    let text = "laser_power_w = 1e-3\nlo_fraction = 0.8\n[intensity_noise]\nrin_db_per_hz = -120.0\ncmrr_db = 20.0";
    let layer = Layer::new(&DMatrix::from_element(1, 1, 2.0), "ports = 1", "", text, 1.0);
    let (out, _) = repeated(&layer, &[0.0], 60_000);
    // √(P_LO/P_port)/2 = 1; gain 2.
    let law = 1e-12 * 0.5e9 * 0.01 * 4.0;
    agree("CMRR variance", out.iter().map(|y| y * y).collect(), law, 0.0, 0.01);
}

/// Thermal noise: `var i = (4kT/R_f)·B` over the current of the full field, 2R√(P_LO P_port) or R·P_port.
#[test]
fn thermal_noise() {
    let noise = "laser_power_w = 1e-3\n[thermal_noise]\nfeedback_ohm = 50.0\ntemperature_k = 350.0";
    let current = 4.0 * BOLTZMANN * 350.0 / 50.0 * 0.5e9;
    let homodyne = Layer::new(&DMatrix::from_element(1, 1, 3.0), "ports = 2", "", noise, 1.0);
    let (out, _) = repeated(&homodyne, &[0.5], 60_000);
    // Oscillator and signal have half of 1 mW each, shared by two ports.
    let law = current / (2.0 * 0.25e-3f64).powi(2) * 9.0;
    agree("thermal variance, homodyne", out.iter().map(|y| (y - 1.5).powi(2)).collect(), law, 0.0, 0.01);
    let noise = format!("detection = \"direct\"\n{noise}");
    let direct = Layer::new(&DMatrix::from_element(1, 1, 3.0), "ports = 2", "", &noise, 1.0);
    let (out, _) = repeated(&direct, &[0.5], 60_000);
    let law = current / (0.5e-3f64).powi(2);
    agree("thermal variance, direct", out.iter().map(|y| (y * y / 9.0 - 0.25).powi(2)).collect(), law, 0.0, 0.01);
}

/// The variance of an output is Σ_t g_t²(σ²_shot + σ²_thermal + Δ_t²/12) over its tiles. Shot noise, thermal noise and
/// step are comparable: σ = 0.6 Δ at the converter, where rounding is uniform to 2e^{−2π²·0.36} = 2e-3 of Δ²/12 (next
/// order). 160 000 outputs give 0.4 % of the variance. Without Δ²/12 it would be 19 % smaller.
#[test]
fn readout_noise_adds_over_tiles() {
    let hardware = "[insertion_loss]\nloss_db = 0.2\n[splitter_error]\nsigma_rad = 0.02";
    for tiles in [1, 4, 13] {
        let w = real(4, 4 * tiles, 3);
        let x = vectors(4 * tiles, 1, 0.9, 7);
        let (n_port, eta) = (6960.0, photon() / CHARGE);
        let text = format!(
            "laser_power_w = {:?}\nshot_noise = true\n[thermal_noise]\nnoise_a_per_sqrt_hz = 5.3e-13\n[adc]\nbits = 8",
            laser(n_port, 4, 0.5)
        );
        let layer = Layer::new(&w, "ports = 4", hardware, &text, 1.0);
        let (out, counts) = repeated(&layer, x.as_slice(), 40_000);
        assert_eq!(counts.outputs, 4 * 40_000 * tiles as u64, "one conversion per tile and output");
        assert_eq!(counts.outputs_clipped, 0);
        let (mut mean, mut variance) = (vec![0.0; 4], vec![0.0; 4]);
        for t in 0..tiles {
            let part = Matrix::from_fn(4, 1, |i, _| Complex64::new(x[4 * t + i], 0.0));
            let field = passive(&layer, hardware, t) * part;
            let g = gain(&layer, hardware, t);
            let step = layer.scales.full_scale[t] / 127.0 / g;
            let power = n_port * photon() * 1e9;
            let thermal = 5.3e-13f64.powi(2) * 0.5e9 / (2.0 * power).powi(2);
            for i in 0..4 {
                let shot = (1.0 + field[i].norm_sqr()) / (4.0 * eta * n_port);
                let sigma = (shot + thermal).sqrt();
                assert!(sigma > 0.55 * step && sigma < 1.5 * step, "σ/Δ = {}", sigma / step);
                mean[i] += g * field[i].re;
                variance[i] += g * g * (shot + thermal + step * step / 12.0);
            }
        }
        agree(&format!("readout variance, {tiles} tiles"), normalised(&out, &mean, &variance), 1.0, 2e-3, 0.01);
    }
}

/// Each noise has the random numbers of its address (tile, block of 256 vectors, place in the block), although many tiles are
/// detected together: 37 tiles of 4 ports, and vectors 200 to 499. The obvious way computes value by value. The tolerance is
/// the rounding of sums of 37 terms of order one.
#[test]
fn tiles_that_are_detected_together_keep_their_draws() {
    let (hardware, tiles, rows, first) = ("[splitter_error]\nsigma_rad = 0.02", 37, 4, 200);
    let (w, x) = (real(6, rows * tiles, 3), vectors(rows * tiles, 300, 0.9, 7));
    for (noise, purpose) in [
        ("shot_noise = true", "shot_noise/detect"),
        ("[thermal_noise]\nnoise_a_per_sqrt_hz = 5.3e-12", "thermal_noise/detect"),
    ] {
        let layer = Layer::new(&w, "ports = 4", hardware, &format!("laser_power_w = 0.1\n{noise}"), 1.0);
        let receiver = layer.link.receiver(4).unwrap();
        let mut expected = DMatrix::<f64>::zeros(6, 300);
        for (t, tile) in layer.program.tiles().iter().enumerate() {
            let tile = tile.as_ref().unwrap().tile;
            let (matrix, g) = (passive(&layer, hardware, t), gain(&layer, hardware, t));
            for j in 0..300 {
                let (block, place) = ((first + j) / 256, (first + j) % 256);
                let id = ChipId { seed: common::SEED, trial: 0, core: t as u64 };
                let mut draws = NormalStream::<f32>::new(&id.stream(purpose).tile(t as u64).block(block as u64));
                draws.advance(place * tile.rows);
                for i in 0..tile.rows {
                    let field: Complex64 = (0..rows).map(|k| matrix[(i, k)] * x[(tile.column + k, j)]).sum();
                    let draw = f64::from(draws.draw());
                    let deviation = receiver.variance(field.re, field.im).sqrt();
                    expected[(tile.row + i, j)] += g * (field.re + deviation * draw);
                }
            }
        }
        let (out, _) = layer.product(0).multiply(&x, Shot { trial: 0, index: 0, first_vector: first as u64 });
        let worst = (out - expected).amax();
        assert!(worst < 1e-9, "{purpose}: {worst}");
    }
}

fn once(layer: &Layer, x: &DMatrix<f64>) -> (DMatrix<f64>, ProductStatistics) {
    layer.product(0).multiply(x, Shot { trial: 0, index: 0, first_vector: 0 })
}

/// Offset detection without noise is the linear product to 1e-9, with several tiles and with loss. Photons of the offset
/// count.
#[test]
fn offset_is_linear() {
    let (w, x) = (real(7, 11, 4), vectors(11, 50, 1.0, 4));
    for hardware in ["", "[insertion_loss]\nloss_db = 0.0"] {
        let layer = Layer::new(&w, "ports = 5", hardware, "detection = \"offset\"", 1.0);
        let (out, _) = once(&layer, &x);
        assert!((out - &w * &x).amax() < 1e-9);
    }
    // One port carries the data, one the constant. The offset field is r = full scale = √2·|w|·1, the power (r + y)².
    let text = "detection = \"offset\"\nlaser_power_w = 1e-3\nshot_noise = true\nsymbol_rate_hz = 1e6";
    let layer = Layer::new(&DMatrix::from_element(1, 1, 2.0), "ports = 2", "", text, 1.0);
    let (out, counts) = once(&layer, &DMatrix::from_element(1, 1, 0.0));
    let r = 2.0 * 2f64.sqrt();
    let norm = 2f64.hypot(r);
    let n_port = 0.5e-3 / (photon() * 1e6);
    let photons = photon() / CHARGE * n_port * (r / norm).powi(2);
    assert!((counts.signal_photoelectrons / photons - 1.0).abs() < 1e-9, "the photons of the offset are counted");
    assert!(out[0].abs() < 1e-2, "a zero input gives shot noise alone: {}", out[0]);
}

#[test]
fn direct_detection_returns_the_modulus() {
    let (w, x) = (real(6, 6, 5), vectors(6, 40, 1.0, 5));
    let layer = Layer::new(&w, "ports = 6", "", "detection = \"direct\"", 1.0);
    let (out, _) = once(&layer, &x);
    assert!((out - (&w * &x).abs()).amax() < 1e-7, "√ of 1e-16 is 1e-8");
}

/// The leakage of a push–pull modulator is in quadrature, which homodyne on a perfect mesh does not measure. That of an
/// absorptive modulator adds W·ε(1−|x|)·sign(x), which is W·ε for zero inputs.
#[test]
fn leakage_of_modulators() {
    let w = real(9, 9, 6);
    let mut x = vectors(9, 30, 1.0, 6);
    x.row_mut(0).fill(0.0);
    let with = |kind: &str| format!("[modulator]\nkind = \"{kind}\"\nextinction_db = 20.0");
    let push_pull = Layer::new(&w, "ports = 5", "", &with("push_pull"), 1.0);
    assert!((once(&push_pull, &x).0 - &w * &x).amax() < 1e-9);
    let absorptive = Layer::new(&w, "ports = 5", "", &with("absorptive"), 1.0);
    let leakage = x.map(|x| 0.1 * (1.0 - x.abs()) * if x < 0.0 { -1.0 } else { 1.0 });
    assert!((once(&absorptive, &x).0 - &w * (&x + &leakage)).amax() < 1e-9);
    // Phase errors rotate the leakage of the push–pull modulator into the measured quadrature.
    let errors = "[phase_error]\nsigma_rad = 0.1";
    let (a, b) =
        (Layer::new(&w, "ports = 9", errors, &with("push_pull"), 1.0), Layer::new(&w, "ports = 9", errors, "", 1.0));
    let program = &a.program.tiles()[0].as_ref().unwrap().program;
    let gain = Complex64::new(program.gain(), 0.0);
    let realised = chip(&process(errors), program, 0).matrix(program).unwrap() * gain;
    let quadrature = x.map(|x| 0.1 * (1.0 - x * x).sqrt());
    let leak = realised.map(|z| -z.im) * quadrature;
    assert!((once(&a, &x).0 - once(&b, &x).0 - &leak).amax() < 1e-9 && leak.amax() > 0.01);
}

/// Zero is a code of a converter. Values beyond full scale saturate and are counted.
#[test]
fn converters_round_and_saturate() {
    let one = DMatrix::from_element(1, 1, 1.0);
    let x = DMatrix::from_row_slice(1, 9, &[0.0, 0.1, -0.1, 0.49, 0.51, 1.0, 1.01, -5.0, -1.0]);
    // 3 bits: codes −3…3 of ⅓, full scale s_x = 1.
    let dac = Layer::new(&one, "ports = 1", "", "[dac]\nbits = 3", 1.0);
    let (out, counts) = once(&dac, &x);
    let third = 1.0 / 3.0;
    let codes = [0.0, 0.0, 0.0, third, 2.0 * third, 1.0, 1.0, -1.0, -1.0];
    assert!(out.iter().zip(codes).all(|(a, b)| (a - b).abs() < 1e-12), "{out}");
    assert_eq!((counts.inputs, counts.inputs_clipped), (9, 2));
    // The bound for one port is |w|·1, so the output has the same codes. No modulator exceeds full drive.
    let adc = Layer::new(&one, "ports = 1", "", "[adc]\nbits = 3", 1.0);
    let (out, counts) = once(&adc, &x);
    assert!(out.iter().zip(codes).all(|(a, b)| (a - b).abs() < 1e-12), "{out}");
    assert_eq!((counts.outputs, counts.outputs_clipped, counts.inputs_clipped), (9, 0, 2));
    // Full scale and input scale differ: x̃ = x/2, Δ = 0.5/3 in units of y.
    let (core, link) = (adc.core.clone(), adc.link.clone());
    let scales = phaseloom_hardware::Scales { input: 2.0, full_scale: vec![0.5] };
    let (out, counts) = once(&Layer::with_scales(&one, core, "", link, scales), &x);
    let codes =
        [0.0, 0.1, -0.1, 0.49, 0.51, 1.0, 1.01, -5.0, -1.0].map(|y: f64| (y.clamp(-0.5, 0.5) * 6.0).round() / 6.0);
    assert!(out.iter().zip(codes).all(|(a, b)| (a - b).abs() < 1e-12), "{out}");
    assert_eq!(counts.outputs_clipped, 5);
    // One detector has 2^b codes of the intensity, from zero on.
    let direct = Layer::new(&one, "ports = 1", "", "detection = \"direct\"\n[adc]\nbits = 2", 1.0);
    let (out, _) = once(&direct, &x);
    for (y, x) in out.iter().zip(x.iter()) {
        let intensity = (x * x).min(1.0);
        assert!((y - ((intensity * 3.0).round() / 3.0).sqrt()).abs() < 1e-12);
    }
}

/// Fluctuating phases stay constant for ⌈τf⌉ vectors, counted from the first sample of the data.
#[test]
fn phases_hold_for_the_correlation_time() {
    let w = orthogonal(4, 4).map(|z| z.re);
    for (tau, hold) in [("0.0", 1), ("0.4e-9", 1), ("1e-9", 1), ("2.5e-9", 3), ("7e-9", 7)] {
        let process = format!("[phase_jitter]\nsigma_rad = 0.05\ncorrelation_s = {tau}");
        let product = Layer::new(&w, "ports = 4", &process, "symbol_rate_hz = 1e9", 1.0).product(0);
        let x = DMatrix::from_element(4, 40, 0.7);
        for first in [0, 5] {
            let (out, _) = product.multiply(&x, Shot { trial: 0, index: 0, first_vector: first });
            for j in 1..40 {
                let equal = out.column(j) == out.column(j - 1);
                let same_phases = (first as usize + j) / hold == (first as usize + j - 1) / hold;
                assert_eq!(equal, same_phases, "τ = {tau}, first {first}, vector {j}");
            }
        }
    }
}
