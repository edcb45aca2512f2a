//! Spectra of known couplers and losses, made by the transfer matrices of the cell, and spectra that are no good.

use super::*;
use flate2::{Compression, write::GzEncoder};
use phaseloom_files::parse_toml;
use phaseloom_mesh::cell::{CellErrors, transfer};
use phaseloom_numerics::{NormalStream, StreamKey};
use std::f64::consts::{FRAC_PI_4, TAU};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Slope (rad/µm) and intercept (rad) of the couplers made here.
const SLOPE: f64 = 0.075;
const START: f64 = 0.24;

fn normals(purpose: &str, count: usize) -> Vec<f64> {
    let mut z = vec![0.0; count];
    NormalStream::new(&StreamKey::new(5, purpose)).fill(&mut z);
    z
}

/// Interferometers whose two couplers err independently with `sigma_rad`, read with `noise_db` on each power.
fn interferometers(lengths: &[f64], sigma_rad: f64, noise_db: f64) -> String {
    let mut text = "device,wavelength_nm,cross,bar\n".to_owned();
    let errors = normals("errors", 2 * lengths.len());
    let noise = normals("noise", 2 * 251 * lengths.len());
    let mut noise = noise.into_iter();
    for (i, length) in lengths.iter().enumerate() {
        let error = |k: usize| SLOPE * length + START + sigma_rad * errors[2 * i + k] - FRAC_PI_4;
        let cell = CellErrors { alpha: error(0), beta: error(1), ..CellErrors::NONE };
        for sample in 0..=250 {
            let nm = 1540.0 + 0.08 * f64::from(sample);
            // Fringes of 10.6 nm: 54 µm between the arms, a group index of 4.2.
            let t = transfer(TAU * 54e3 * 4.2 / nm, 0.0, cell);
            let mut dbm = |amplitude: num_complex::Complex64| {
                10.0 * amplitude.norm_sqr().max(1e-6).log10() - 20.0 + noise_db * noise.next().unwrap()
            };
            let (cross, bar) = (dbm(t[1][0]), dbm(t[0][0]));
            let name = format!("DC_L{}um_{i}", format!("{length:.2}").replace('.', "p"));
            writeln!(text, "{name},{nm:.3},{cross:.4},{bar:.4}").unwrap();
        }
    }
    text
}

/// Chains that lose `db` a unit, with `noise_db` from chain to chain.
fn chains(lengths: &[f64], db: f64, noise_db: f64) -> String {
    let mut text = "device,wavelength_nm,cross\n".to_owned();
    for (length, z) in lengths.iter().zip(normals("chains", lengths.len())) {
        for nm in [1300.0, 1310.0, 1320.0] {
            // Coupling that depends on the wavelength, alike for all.
            let dbm = -25.0 - (nm - 1310.0_f64).powi(2) / 100.0 - db * length + noise_db * z;
            writeln!(text, "wg_{length}u,{nm},{dbm:.6}").unwrap();
        }
    }
    text
}

fn sweeps(path: &Path, devices: &str, power: &str) -> SweepsSpec {
    let window = if power.contains("bar") { "[1540.0, 1560.0]" } else { "[1295, 1325]" };
    let text = format!("file = {path:?}\ndevices = '{devices}'\nwindow_nm = {window}\npower = {power}");
    parse_toml(Path::new("spec.toml"), &text).unwrap()
}

/// The same table with linear powers, `factor` at 0 dBm.
fn linear(text: &str, factor: f64) -> String {
    let line = |line: &str| {
        let cell = |(k, cell): (usize, &str)| match cell.parse::<f64>() {
            Ok(db) if k >= 2 => format!("{:e}", factor * 10f64.powf(db / 10.0)),
            _ => cell.to_owned(),
        };
        line.split(',').enumerate().map(cell).collect::<Vec<_>>().join(",") + "\n"
    };
    text.lines().map(line).collect()
}

fn couplers(text: &[u8]) -> Result<Couplers, SpectraError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spectra.csv");
    std::fs::write(&path, text).unwrap();
    Couplers::measure(&sweeps(&path, "DC_L", "['cross', 'bar']"))
}

fn cutback(text: &[u8]) -> Result<Cutback, SpectraError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spectra.csv");
    std::fs::write(&path, text).unwrap();
    Cutback::measure(&sweeps(&path, "wg_", "['cross']"), 0.5)
}

#[test]
fn couplers_without_errors_give_their_line() {
    let lengths: Vec<f64> = (0..=10).map(f64::from).collect();
    let found = couplers(interferometers(&lengths, 0.0, 0.0).as_bytes()).unwrap();
    for (device, length) in found.devices.iter().zip(&lengths) {
        // A crest is missed by 0.04 nm of 10.6 at most: T by 1.4e-4, so the angle by √1.4e-4/2 = 6e-3 where T is near 1.
        assert!((device.angle_rad - SLOPE * length - START).abs() < 6e-3, "{device:?}");
    }
    assert!((found.line.slope - SLOPE).abs() < 1e-3 && (found.line.intercept - START).abs() < 6e-3);
    assert!((found.half_length_um().0 - (FRAC_PI_4 - START) / SLOPE).abs() < 0.1);
}

/// The spread of many devices is the σ of single splitters, within three standard errors and what the folding at 50:50
/// takes away: there an angle beyond π/4 looks like one below it.
#[test]
fn the_spread_is_the_error_of_one_splitter() {
    let sigma = 0.02;
    let lengths: Vec<f64> = (0..400).map(|i| 0.025 * f64::from(i)).collect();
    let found = couplers(interferometers(&lengths, sigma, 0.005).as_bytes()).unwrap();
    let (spread, error) = found.sigma_rad();
    assert!((error / spread - 1.0 / (2.0 * 398.0_f64).sqrt()).abs() < 1e-9);
    // 5 %: of 400 devices about 40 are within one σ of 50:50. Rejects σ/√2 and √2·σ.
    assert!((spread - sigma).abs() < 3.0 * error + 0.05 * sigma, "{spread} ± {error}");
    assert!((found.line.slope - SLOPE).abs() < 3.0 * found.line.slope_error() + 1e-4, "{}", found.line.slope);
}

#[test]
fn cutbacks_give_loss_and_refuse_what_is_not_linear() {
    let exact = cutback(chains(&[0.0, 5000.0, 20000.0], 2e-4, 0.0).as_bytes()).unwrap();
    assert!((exact.loss_db() - 2e-4).abs() < 1e-9, "{}", exact.loss_db());
    let lengths: Vec<f64> = (0..50).map(|i| 1000.0 * f64::from(i)).collect();
    let noisy = cutback(chains(&lengths, 2e-4, 0.1).as_bytes()).unwrap();
    assert!((noisy.line.deviation() - 0.1).abs() < 3.0 * noisy.line.deviation_error());
    assert!((noisy.loss_db() - 2e-4).abs() < 3.0 * noisy.standard_error_db());
    let error = cutback(chains(&lengths, 2e-4, 3.0).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("off the line") && error.contains("not linear") && error.contains("largest_residual_db"));
    let error = cutback(chains(&lengths, -2e-4, 0.01).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a gain of 2.0"), "{error}");
}

#[test]
fn the_process_adds_up_and_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let lengths: Vec<f64> = (0..=10).map(f64::from).collect();
    let dc = write("dc.csv", interferometers(&lengths, 0.02, 0.005));
    let wg = write("wg.csv", chains(&[0.0, 10_000.0, 20_000.0], 2e-4, 0.01));
    let y = write("y.csv", chains(&[0.0, 50.0, 100.0], 0.1, 0.01));
    let mut spec: SpectraSpec = toml::from_str("interferometer.waveguide_um = 500").unwrap();
    assert!(spec.check().unwrap_err().to_string().contains("at least one of"));
    spec.couplers = Some(sweeps(&dc, "DC_L", "['cross', 'bar']"));
    spec.splitter_loss = Some(sweeps(&y, "wg_", "['cross']"));
    spec.waveguide_loss = Some(sweeps(&wg, "wg_", "['cross']"));
    spec.check().unwrap();
    let derived = derive(&spec).unwrap();
    let (loss, error) = derived.loss_db().unwrap();
    assert!((loss - (2.0 * 0.1 + 500.0 * 2e-4)).abs() < 3.0 * error + 1e-6, "{loss} ± {error}");
    let text = derived.process_toml("phaseloom spectra x.toml");
    let process: crate::process::Process = parse_toml(Path::new("p.toml"), &text).unwrap();
    process.check().unwrap();
    assert!((process.insertion_loss.unwrap().loss_db - loss).abs() < 1e-4);
    assert!((process.splitter_error.unwrap().sigma_rad.unwrap() - derived.sigma_rad().unwrap().0).abs() < 1e-4);
    // Alone, couplers say nothing about loss.
    let (none, couplers) = (None, spec.couplers.clone());
    let alone = derive(&SpectraSpec { couplers, splitter_loss: none.clone(), waveguide_loss: none, ..spec }).unwrap();
    assert!(alone.loss_db().is_none() && !alone.process_toml("").contains("insertion_loss"));
}

/// Every unit gives the angles and losses of dBm; without a unit, linear powers are refused.
#[test]
fn powers_have_a_unit() {
    let folder = tempfile::tempdir().unwrap();
    let dc = interferometers(&(0..=10).map(f64::from).collect::<Vec<_>>(), 0.02, 0.0);
    let wg = chains(&[0.0, 10_000.0, 20_000.0], 2e-4, 0.01);
    let path = folder.path().join("a.csv");
    let measure = |dc_text: &str, wg_text: &str, unit: Option<PowerUnit>| {
        std::fs::write(&path, dc_text).unwrap();
        let mut spec = sweeps(&path, "DC_L", "['cross', 'bar']");
        spec.unit = unit;
        let couplers = Couplers::measure(&spec);
        std::fs::write(&path, wg_text).unwrap();
        let mut spec = sweeps(&path, "wg_", "['cross']");
        spec.unit = unit;
        (couplers, Cutback::measure(&spec, 0.5))
    };
    let (couplers, cutback) = measure(&dc, &wg, None);
    let (sigma, loss) = (couplers.unwrap().sigma_rad().0, cutback.unwrap().loss_db());
    for (unit, factor) in [(PowerUnit::Milliwatt, 1.0), (PowerUnit::Watt, 1e-3), (PowerUnit::Share, 7.0)] {
        let (dc, wg) = (linear(&dc, factor), linear(&wg, factor));
        let (couplers, cutback) = measure(&dc, &wg, Some(unit));
        // The table has six digits of the loss and four of the power ratio.
        assert!((couplers.unwrap().sigma_rad().0 / sigma - 1.0).abs() < 1e-6);
        assert!((cutback.unwrap().loss_db() / loss - 1.0).abs() < 1e-6);
        let (couplers, cutback) = measure(&dc, &wg, None);
        for error in [couplers.unwrap_err().to_string(), cutback.unwrap_err().to_string()] {
            assert!(error.contains("without a unit") && error.contains("`unit = \"dBm\"`, \"dB\", \"mW\""), "{error}");
        }
        let error = measure(&dc, &wg, Some(PowerUnit::Dbm)).0.unwrap_err().to_string();
        assert!(error.contains("a fringe of 0.") && error.contains("say the unit"), "{error}");
    }
    let (couplers, cutback) = measure(&dc, &wg, Some(PowerUnit::Db));
    assert!(
        (couplers.unwrap().sigma_rad().0 - sigma).abs() < 1e-15 && (cutback.unwrap().loss_db() - loss).abs() < 1e-15
    );
    // Noise around zero does not make linear powers decibels.
    let noisy = linear(&dc, 1.0) + "DC_L5um_9,1550,-1e-6,0.01\n";
    assert!(measure(&noisy, &wg, None).0.unwrap_err().to_string().contains("without a unit"));
    let dark = linear(&wg, 1.0).replacen("e-3\n", "e-400\n", 1);
    let error = measure(&dc, &dark, Some(PowerUnit::Watt)).1.unwrap_err().to_string();
    assert!(error.contains("a linear power above 0"), "{error}");
}

#[test]
fn names_hold_lengths() {
    let spec = sweeps(Path::new("a.csv"), "L", "['p']");
    for (name, length) in [("L1p50um_2", 1.5), ("L0p00", 0.0), ("L12.5u", 12.5), ("L5ps", 5.0)] {
        assert!((spec.number_of(name).unwrap().unwrap() - length).abs() < 1e-12, "{name}");
    }
    assert!(spec.number_of("X1").is_none());
    for name in ["L", "Lum", "L1p2p3", "L--1", "L-20nm", "L+3", "L1e2", "L1E-2um", "L100000000000000000000000um"] {
        assert!(spec.number_of(name).unwrap().is_err(), "{name}");
    }
}

#[test]
fn bad_tables_name_line_and_column() {
    let good = chains(&[0.0, 1000.0, 2000.0], 1e-3, 0.0);
    let cases = [
        (String::new(), "line 1: found an empty file"),
        ("device,wavelength_nm\n".into(), "line 1: found no column `cross`, expected a name of the header: device"),
        ("device,wavelength_nm,cross\n".into(), "found 0 devices, expected at least 3"),
        (good.replace("wg_", "x_"), "found 0 devices"),
        (good.replace("wg_2000u", "wg_1000u"), "found 2 devices"),
        (good.replace("wg_1000u", "wg_2000ub").replace("wg_0u", "wg_2000uc"), "devices of one length"),
        (good.replacen("-26.000000", "NaN", 1), "line 2, column `cross`: found `NaN`"),
        (good.replacen("-26.000000", "inf", 1), "line 2, column `cross`: found `inf`"),
        (good.replacen("-26.000000", "", 1), "line 2, column `cross`: found ``"),
        (good.replacen("-26.000000", "1e6", 1), "a power in dBm from -300 to 300"),
        (good.replacen(",1310,", ",-1310,", 1), "line 3, column `wavelength_nm`: found `-1310`"),
        (good.replacen("wg_0u,1310", "wg_0u,1310,5", 1), "line 3: found 4 columns, expected 3"),
        (good.replacen("wg_0u", "wg_u", 1), "line 2, column `device`: found `wg_u` with no number right after `wg_`"),
        (good.replace("13", "15"), "no sample of `wg_0u` from 1295 to 1325 nm"),
    ];
    for (text, part) in cases {
        let error = cutback(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("spectra.csv: ") && error.contains(part), "{error} | {part}");
    }
    assert!(cutback(&[0xff, 0xfe, b'\n', 0xff]).is_err());

    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(good.as_bytes()).unwrap();
    let gz = encoder.finish().unwrap();
    assert!(cutback(&gz).is_ok());
    for length in 2..gz.len() {
        let error = cutback(&gz[..length]).unwrap_err().to_string();
        assert!(error.contains("damaged gzip"), "{length}: {error}");
    }
}

#[test]
fn interferometers_that_tell_nothing_are_refused() {
    let good = interferometers(&[0.0, 5.0, 10.0], 0.0, 0.0);
    // Half a fringe of falling shares.
    let short: String =
        good.lines().filter(|l| !l.contains(",15") || l.contains(",1540.")).map(|l| format!("{l}\n")).collect();
    let error = couplers(short.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("at the edge of the window") && error.contains("window_nm"), "{error}");
    let same = good.replace("L5p00", "L0p00").replace("L10p00", "L0p00");
    assert!(couplers(same.as_bytes()).unwrap_err().to_string().contains("no such line fits"));
    let wrong = "[couplers]\nfile = 'a'\ndevices = 'a'\npower = ['a', 'b']\n";
    for (text, part) in [
        (format!("{wrong}window_nm = [2, 1]"), "couplers.window_nm"),
        (format!("{wrong}window_nm = [1, nan]"), "couplers.window_nm"),
        (format!("{wrong}window_nm = [1, 2]").replace(", 'b'", ""), "two columns: the cross and the bar output"),
        (format!("largest_residual_db = 0\n{wrong}window_nm = [1, 2]"), "largest_residual_db"),
        (format!("{wrong}window_nm = [1, 2]").replace("couplers", "waveguide_loss"), "interferometer.waveguide_um"),
    ] {
        let spec: SpectraSpec = toml::from_str(&text).unwrap();
        let error = spec.check().unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
}
