//! The optical product: exact with perfect hardware, and independent of the batch of a vector.

mod common;

use common::{Layer, SEED, process, real, vectors};
use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_hardware::{Chip, ChipId, DigitalProduct, MatrixProduct, Shot};
use phaseloom_numerics::Real;

fn at(first_vector: u64) -> Shot {
    Shot { trial: 0, index: 0, first_vector }
}

/// A perfect mesh and an ideal link multiply by W to 1e-9: several tiles, padding, tiles of zeros (skipped), every gain
/// rule, both topologies, shared cores.
#[test]
fn perfect_hardware_multiplies() {
    for (rows, columns, ports) in [(20, 19, 8), (5, 3, 8), (8, 8, 8), (1, 30, 4), (30, 1, 4), (3, 3, 1)] {
        let mut w = real(rows, columns, 0);
        if rows == 20 {
            w.view_mut((8, 8), (8, 8)).fill(0.0);
        }
        let x = vectors(columns, 17, 2.5, 1);
        for core in [
            "",
            "topology = \"triangular\"",
            "normalise = \"layer\"",
            "calibration = \"scalar\"",
            "calibration = \"per_output\"",
            "cores = \"shared\"",
        ] {
            for link in ["", "detection = \"offset\""] {
                if ports == 1 && !link.is_empty() {
                    continue;
                }
                let layer = Layer::new(&w, &format!("ports = {ports}\n{core}"), "", link, 2.5);
                let product = layer.product(0);
                let (out, readings) = product.multiply(&x, at(0));
                let off = (&out - &w * &x).amax();
                assert!(off < 1e-9, "{rows}×{columns} on {ports}, {core} {link}: {off:e}");
                assert!(product.matrix_error() < 1e-12 && layer.design.predicted_error() < 1e-12);
                let read: usize = layer.program.tiles().iter().flatten().map(|t| t.tile.rows * 17).sum();
                assert_eq!(readings.outputs, read as u64);
                let zeros = layer.program.tiles().iter().filter(|t| t.is_none()).count();
                assert!(zeros == 0 || rows == 20);
                if rows == 20 && link.is_empty() {
                    assert_eq!(zeros, 1, "a tile of zeros is skipped");
                }
            }
        }
    }
}

/// Without bits the digital product is the product.
#[test]
fn digital_product_without_bits_is_exact() {
    let (w, x) = (real(9, 14, 0), vectors(14, 5, 1.0, 0));
    let layer = Layer::new(&w, "ports = 4", "", "", 1.0);
    let digital = DigitalProduct::new(&w, layer.program.plan(), &layer.link, None, &layer.scales).unwrap();
    assert!((digital.multiply(&x, at(0)).0 - &w * &x).amax() < 1e-12);
}

/// The gain undoes equal loss of all cells up to unequal paths. Per-output gains use the chip.
#[test]
fn gain_undoes_loss() {
    let w = real(8, 8, 0);
    let loss = "[insertion_loss]\nloss_db = 0.2";
    let error = |core: &str| Layer::new(&w, core, loss, "", 1.0).product(0).matrix_error();
    let (design, per_output) = (error("ports = 8"), error("ports = 8\ncalibration = \"per_output\""));
    assert!(design < 0.05 && per_output < design, "{design} {per_output}");
    // The design knows the nominal loss, so its least-squares factor equals that of the chip.
    assert!((error("ports = 8\ncalibration = \"scalar\"") - design).abs() < 1e-12);
}

const SOURCES: &str = "[splitter_error]\nsigma_rad = 0.02\n[insertion_loss]\nloss_db = 0.1";

/// The output for one vector does not depend on its batch: whole, one by one, or cut at odd places, from an odd first
/// sample on and across the border of a block of 256 draws. Identical bits.
#[test]
fn outputs_do_not_depend_on_the_batch() {
    invariance::<f64>();
}

#[test]
fn single_outputs_do_not_depend_on_the_batch() {
    invariance::<f32>();
}

fn invariance<T: Real>() {
    let noise = "[thermal_noise]\nfeedback_ohm = 5e3\n[intensity_noise]\nrin_db_per_hz = -130.0\ncmrr_db = 25.0";
    let bright = format!("laser_power_w = 1e-4\nshot_noise = true\n{noise}");
    let dim = format!("laser_power_w = 1e-7\nshot_noise = true\n{noise}");
    let converters = "[dac]\nbits = 6\n[adc]\nbits = 7\n[modulator]\nkind = \"push_pull\"\nextinction_db = 20.0";
    let jitter = |tau: &str| format!("{SOURCES}\n[phase_jitter]\nsigma_rad = 0.01\ncorrelation_s = {tau}");
    let cases = [
        (String::new(), String::new()),
        (SOURCES.to_owned(), bright.clone()),
        (SOURCES.to_owned(), format!("{bright}\n{converters}")),
        (SOURCES.to_owned(), format!("{dim}\n{converters}")),
        (SOURCES.to_owned(), format!("detection = \"direct\"\n{dim}")),
        (SOURCES.to_owned(), format!("detection = \"offset\"\n{bright}\n{converters}")),
        (
            SOURCES.to_owned(),
            format!("detection = \"offset\"\n{bright}\n{converters}").replace("push_pull", "absorptive"),
        ),
        (jitter("0.0"), format!("{bright}\n{converters}")),
        (jitter("3e-9"), bright.clone()),
        (jitter("100e-9"), format!("detection = \"offset\"\n{dim}")),
    ];
    for (rows, columns, ports) in [(5, 13, 5), (33, 70, 64), (3, 140, 130)] {
        let total = if ports > 5 { 300 } else { 600 };
        let w = real(rows, columns, 3);
        let x = vectors(columns, total, 1.2, 3);
        for (process, link) in &cases {
            if ports > 5 && process.contains("jitter") {
                continue;
            }
            let product = Layer::new(&w, &format!("ports = {ports}"), process, link, 1.0).product_in::<T>(0);
            let first = 201;
            let (whole, _) = product.multiply(&x, at(first));
            for lengths in [&[1][..], &[1, 7, 2, 64, 3, 129, 1, 5, 33]] {
                let (mut start, mut lengths) = (0, lengths.iter().cycle());
                while start < total {
                    let length = lengths.next().unwrap().min(&(total - start)).to_owned();
                    let (out, _) = product.multiply(&x.columns(start, length).clone_owned(), at(first + start as u64));
                    let name = format!("{ports} ports, {length} vectors from {start}\n{process}\n{link}");
                    same_bits(&out, &whole.columns(start, length).clone_owned(), &name);
                    start += length;
                }
            }
        }
    }
}

/// Homodyne measures Re of the dense product gŴ·field(x), tile by tile: for every modulator, with inputs that are mostly
/// zero, on tiles of more ports than a word has bits, in either precision, and with negligible jitter. The tolerance is the
/// rounding of 140 terms of order one, or 1e-9 of jitter.
#[test]
fn ports_at_zero_are_skipped_exactly() {
    fn check<T: Real>(tolerance: f64) {
        for (rows, columns, ports, jitter) in [(3, 140, 130, ""), (20, 21, 16, ""), (9, 14, 8, JITTER)] {
            let errors = format!("[splitter_error]\nsigma_rad = 0.02\n[phase_error]\nsigma_rad = 0.02\n{jitter}");
            let w = real(rows, columns, 4);
            let x = vectors(columns, 70, 1.0, 4).map(|x| match x {
                x if x > 0.9 => 0.0,
                x if x > 0.8 => -0.0,
                x if x < -0.9 => -1e-9,
                x if x < -0.3 => 0.0,
                x => x,
            });
            for kind in ["", "push_pull", "absorptive"] {
                let link = match kind {
                    "" => String::new(),
                    kind => format!("[modulator]\nkind = \"{kind}\"\nextinction_db = 15.0"),
                };
                let layer = Layer::new(&w, &format!("ports = {ports}"), &errors, &link, 1.0);
                let floor = 10f64.powf(-15.0 / 20.0);
                let fields = x.map(|x| match kind {
                    "push_pull" => Complex64::new(x, floor * (1.0 - x * x).sqrt()),
                    "absorptive" => {
                        Complex64::from((floor + (1.0 - floor) * x.abs()) * if x < 0.0 { -1.0 } else { 1.0 })
                    }
                    _ => x.into(),
                });
                let mut expected = DMatrix::zeros(rows, 70);
                for (core, tile) in (0..).zip(layer.program.tiles().iter().flatten()) {
                    let (program, place) = (&tile.program, tile.tile);
                    let sample = ChipId { seed: SEED, trial: 0, core };
                    let realised =
                        Chip::fabricate(&process(&errors), program, sample).unwrap().matrix(program).unwrap();
                    let measured =
                        realised.view((0, 0), (place.rows, place.columns)) * fields.rows(place.column, place.columns);
                    let mut sum = expected.rows_mut(place.row, place.rows);
                    sum += measured.map(|z| z.re * program.gain());
                }
                let off = (layer.product_in::<T>(0).multiply(&x, at(100)).0 - expected).amax();
                assert!(off < tolerance, "{rows}×{columns} on {ports}, {kind} {jitter}: {off:e}");
            }
        }
    }
    check::<f64>(1e-8);
    check::<f32>(1e-3);
}

/// 1e-11 rad, sampled again for every vector.
const JITTER: &str = "[phase_jitter]\nsigma_rad = 1e-11\ncorrelation_s = 0.0";

fn same_bits(a: &DMatrix<f64>, b: &DMatrix<f64>, what: &str) {
    let off = (a - b).amax();
    assert!(a.iter().zip(b.iter()).all(|(a, b)| a.to_bits() == b.to_bits()), "{off:e}: {what}");
}

/// Another shot or trial has other noise; the same address has the same.
#[test]
fn each_shot_has_its_own_noise() {
    let w = real(4, 4, 0);
    let x = vectors(4, 3, 1.0, 0);
    let product = Layer::new(&w, "ports = 4", SOURCES, "laser_power_w = 1e-4\nshot_noise = true", 1.0).product(0);
    let get = |trial, index, first_vector| product.multiply(&x, Shot { trial, index, first_vector }).0;
    assert_eq!(get(0, 0, 0), get(0, 0, 0));
    for other in [get(1, 0, 0), get(0, 1, 0), get(0, 0, 1)] {
        assert!((other - get(0, 0, 0)).amin() != 0.0);
    }
}

/// Single and double precision use the same random numbers and differ by rounding alone.
///
/// The rounding is that of a sum of k = 64 products and of a few more steps, each within 2⁻²⁴ of the largest term. The field
/// of a tile is at most √64 (unit vectors times inputs within ±1), so its error is at most 70·2⁻²⁴·8 = 3.3e-5, or 4e-6 of
/// the full scale (bound: √64). Codes of an 8-bit converter are 7.9e-3 of the full scale apart. At most
/// 2·4e-6/7.9e-3 = 1e-3 of all values therefore fall to the neighbouring code.
#[test]
fn single_precision_differs_by_rounding() {
    let noise = "laser_power_w = 1e-3\nshot_noise = true\n[thermal_noise]\nfeedback_ohm = 5e3\n[intensity_noise]\n\
                 rin_db_per_hz = -145.0\ncmrr_db = 30.0\n[modulator]\nkind = \"push_pull\"\nextinction_db = 25.0";
    let (w, x) = (real(64, 64, 5), vectors(64, 2000, 1.0, 5));
    for adc in ["", "[adc]\nbits = 8\nfull_scale = \"bound\""] {
        let layer = Layer::new(&w, "ports = 64", SOURCES, &format!("{noise}\n{adc}"), 1.0);
        let ((single, a), (double, b)) =
            (layer.product_in::<f32>(0).multiply(&x, at(0)), layer.product_in::<f64>(0).multiply(&x, at(0)));
        let full_scale = layer.scales.full_scale[0];
        let off = (single - double) / full_scale;
        eprintln!("{adc:?}: rms {:.2e}, largest {:.2e}", off.norm() / (off.len() as f64).sqrt(), off.amax());
        if adc.is_empty() {
            assert!(off.amax() < 4e-6, "{:e}", off.amax());
        } else {
            let moved = off.iter().filter(|off| off.abs() > 1e-5).count() as f64 / off.len() as f64;
            assert!(moved < 1e-3 && off.amax() < 1.0 / 127.0 + 1e-5, "{moved:e} moved by at most {:e}", off.amax());
        }
        assert!((a.signal_photoelectrons / b.signal_photoelectrons - 1.0).abs() < 1e-5);
        assert!(a.outputs_clipped == b.outputs_clipped && a.inputs_clipped == b.inputs_clipped);
    }
}
