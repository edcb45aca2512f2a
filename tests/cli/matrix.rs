//! `program`, `chip`, `matrix`: their files are numbers that others compute with. The product of the 2×2 cells is
//! formed here from the two JSON files alone, with none of the library's own code.

use super::support::{Ended, fixture, npy, npy_real, phaseloom, read_npy, run, wait};
use phaseloom::Complex64;
use serde_json::Value;
use std::f64::consts::{PI, SQRT_2, TAU};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a general matrix (3×4), a unitary (4×4) and its single-precision copy.
struct Bench(TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let general = [[0.5, -1.0, 2.0, 0.25], [1.5, 0.0, -0.75, 1.0], [-2.0, 0.125, 0.5, 0.5]];
        fs::write(bench.path("general.npy"), npy_real(&[&general[0], &general[1], &general[2]])).unwrap();
        // The discrete Fourier transform of four points with phases, unitary.
        let entry = |r: usize, c: usize| Complex64::cis(TAU * (r * c) as f64 / 4.0 + 0.3 * r as f64) / 2.0;
        let (mut double, mut single) = (Vec::new(), Vec::new());
        for z in (0..16).map(|k| entry(k / 4, k % 4)) {
            double.extend([z.re, z.im].iter().flat_map(|x| x.to_le_bytes()));
            single.extend([z.re, z.im].iter().flat_map(|&x| (x as f32).to_le_bytes()));
        }
        fs::write(bench.path("unitary.npy"), npy("<c16", "(4, 4)", &double)).unwrap();
        fs::write(bench.path("single.npy"), npy("<c8", "(4, 4)", &single)).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, matrix: &Path, more: &[&str]) -> Ended {
        wait(phaseloom().arg("program").arg(matrix).arg("-o").arg(self.path("program.json")).args(more))
    }

    /// The matrix of the program with these options.
    fn matrix(&self, more: &[&str]) -> (usize, usize, Vec<[f64; 2]>) {
        let out = self.path("matrix.npy");
        wait(phaseloom().arg("matrix").arg(self.path("program.json")).arg("-o").arg(&out).args(more)).well();
        read_npy(&out)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

fn furthest(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f64::max)
}

#[test]
fn forms_and_precisions() {
    let bench = Bench::new();
    let form = |matrix: &str, more: &[&str]| {
        let ended = bench.program(&bench.path(matrix), more).well();
        let program = bench.json("program.json");
        assert_eq!(program["version"], 1);
        (program["form"].as_str().unwrap().to_owned(), ended.out, bench.matrix(&[]))
    };
    let double = |name: &str| read_npy(&bench.path(name)).2;
    for topology in ["rectangular", "triangular"] {
        let (auto, said, (.., made)) = form("unitary.npy", &["--topology", topology]);
        assert!(auto == "unitary" && said.contains("|U†U − I|") && said.contains("form unitary"), "{said}");
        assert!(furthest(&made, &double("unitary.npy")) < 1e-13);
        let (svd, _, (.., made)) = form("unitary.npy", &["--form", "svd", "--topology", topology]);
        assert!(svd == "svd" && furthest(&made, &double("unitary.npy")) < 1e-13);
        // Single precision is off by 1e-8; what is programmed is the nearest unitary.
        let (auto, said, (.., made)) = form("single.npy", &["--topology", topology]);
        assert!(auto == "unitary" && said.contains("single precision") && said.contains("nearest unitary"), "{said}");
        let off = furthest(&made, &double("unitary.npy"));
        assert!(1e-9 < off && off < 1e-7, "{off:e}");
        let (auto, _, (rows, columns, made)) = form("general.npy", &["--topology", topology]);
        assert!(auto == "svd" && (rows, columns) == (3, 4));
        let given = fs::read(bench.path("general.npy")).unwrap();
        let given: Vec<[f64; 2]> = given[given.len() - 96..]
            .chunks_exact(8)
            .map(|b| [f64::from_le_bytes(b.try_into().unwrap()), 0.0])
            .collect();
        assert!(furthest(&made, &given) < 4e-13 * 3.0);
    }
    // The same 1e-6 is unitary for single precision alone.
    let scale = |descr: &str| {
        let x = 1.0_f64 + 1e-6;
        let data: Vec<u8> = match descr {
            "<f4" => [x as f32, 0.0, 0.0, 1.0].iter().flat_map(|x| x.to_le_bytes()).collect(),
            _ => [x, 0.0, 0.0, 1.0].iter().flat_map(|x| x.to_le_bytes()).collect(),
        };
        let path = bench.path("nearly.npy");
        fs::write(&path, npy(descr, "(2, 2)", &data)).unwrap();
        path
    };
    bench.program(&scale("<f4"), &["--form", "unitary"]).well();
    fs::remove_file(bench.path("program.json")).unwrap();
    bench.program(&scale("<f8"), &["--form", "unitary"]).refused(&["nearly.npy", "2.0e-6", "tolerance 1e-9", "svd"]);
    assert!(!bench.path("program.json").exists());
}

#[test]
fn every_number_type_and_order_of_numpy_makes_the_same_program() {
    let bench = Bench::new();
    for kind in ["f8", "c16", "f4", "i4"] {
        let mut programs = Vec::new();
        for variant in ["le_C", "le_F", "be_C", "be_F"] {
            bench.program(&fixture(&format!("matrix_{kind}_{variant}.npy")), &[]).well();
            programs.push(fs::read(bench.path("program.json")).unwrap());
        }
        assert!(programs.iter().all(|p| *p == programs[0]), "{kind}");
    }
}

type Cell = [[Complex64; 2]; 2];

fn times(a: Cell, b: Cell) -> Cell {
    let entry = |i: usize, j: usize| a[i][0] * b[0][j] + a[i][1] * b[1][j];
    [[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]]
}

/// Splitter, arms, splitter, outer phase: the four parts of an interferometer, multiplied.
fn interferometer(theta: f64, phi: f64, chip: &Value) -> Cell {
    let of = |key: &str| chip[key].as_f64().unwrap();
    let zero = Complex64::new(0.0, 0.0);
    let splitter = |key: &str| {
        let (sin, cos) = (PI / 4.0 + of(key)).sin_cos();
        [[cos.into(), Complex64::new(0.0, sin)], [Complex64::new(0.0, sin), cos.into()]]
    };
    let theta = Complex64::cis(theta + of("theta_offset_rad")) * of("upper_amplitude");
    let arms = [[theta, zero], [zero, of("lower_amplitude").into()]];
    let outer = [[Complex64::cis(phi + of("phi_offset_rad")), zero], [zero, 1.0.into()]];
    times(splitter("beta_rad"), times(arms, times(splitter("alpha_rad"), outer)))
}

/// What the converter of the process makes of a phase.
fn quantised(phase: f64, process: &Value) -> f64 {
    let Some(bits) = process["phase_quantization"]["bits"].as_u64() else { return phase };
    let codes = (1_u64 << bits) as f64;
    if process["phase_quantization"]["uniform_in"] == "voltage" {
        let volt = SQRT_2 / (codes - 1.0);
        PI * (((phase.max(0.0) / PI).sqrt() / volt).round().min(codes - 1.0) * volt).powi(2)
    } else {
        (phase * codes / TAU).round().rem_euclid(codes) * TAU / codes
    }
}

/// Light through one section of the files: `modes` fields for each input port, changed in place.
fn pass(fields: &mut Vec<Vec<Complex64>>, modes: usize, stage: &Value, frozen: &Value, process: &Value) {
    let inputs = fields[0].len();
    fields.resize(modes, vec![Complex64::new(0.0, 0.0); inputs]);
    let mesh = stage.is_object();
    let cells = if mesh { &stage["cells"] } else { stage }.as_array().unwrap();
    let place = |cell: &Value| (cell["column"].as_i64().unwrap_or(0), cell["mode"].as_i64().unwrap());
    let phase = |cell: &Value, key: &str| quantised(cell[key].as_f64().unwrap(), process);
    let crosstalk = process["thermal_crosstalk"]["coefficient"].as_f64().unwrap_or(0.0);
    for (k, cell) in cells.iter().enumerate() {
        let (column, mode) = place(cell);
        let warmed = |key: &str| {
            let near = |other: &&Value| {
                let (c, m) = place(other);
                (c - column).abs() <= 1 && (m - mode).abs() == 1
            };
            phase(cell, key) + crosstalk * cells.iter().filter(near).map(|other| phase(other, key)).sum::<f64>()
        };
        let t = interferometer(warmed("theta"), warmed("phi"), &frozen["cells"][k]);
        let m = mode as usize;
        // The lower port of an attenuator is dark, and dumped.
        let upper = fields[m].clone();
        let lower = if mesh { fields[m + 1].clone() } else { vec![0.0.into(); inputs] };
        let row = |r: usize| upper.iter().zip(&lower).map(|(a, b)| t[r][0] * a + t[r][1] * b).collect();
        fields[m] = row(0);
        if mesh {
            fields[m + 1] = row(1);
        }
    }
    for (m, output) in stage["output"].as_array().into_iter().flatten().enumerate() {
        let offset = frozen["output_offset_rad"][m].as_f64().unwrap();
        let turn = Complex64::cis(quantised(output.as_f64().unwrap(), process) + offset);
        fields[m].iter_mut().for_each(|z| *z *= turn);
    }
}

/// The matrix of PROGRAM.json on CHIP.json, gain included, row by row.
fn product(program: &Value, chip: &Value) -> Vec<[f64; 2]> {
    let size = |key: &str| program[key].as_u64().unwrap() as usize;
    let (rows, columns) = (size("rows"), size("columns"));
    let unit = |i: usize, j: usize| Complex64::new(f64::from(u8::from(i == j)), 0.0);
    let mut fields: Vec<Vec<Complex64>> = (0..columns).map(|i| (0..columns).map(|j| unit(i, j)).collect()).collect();
    for (key, modes) in [("right", columns), ("attenuators", rows.min(columns)), ("left", rows)] {
        if !program[key].is_null() {
            pass(&mut fields, modes, &program[key], &chip[key], &chip["process"]);
        }
    }
    let gain = program["gain"].as_f64().unwrap();
    fields.iter().flatten().map(|z| [z.re * gain, z.im * gain]).collect()
}

const SOURCES: [&str; 9] = [
    "",
    "[splitter_error]\nsigma_rad = 0.1\nmean_rad = 0.05",
    "[splitter_error]\nsigma_power = 0.05",
    "[phase_error]\nsigma_rad = 0.2",
    "[insertion_loss]\nloss_db = 0.3\nimbalance_db = -0.2\nimbalance_sigma_db = 0.4",
    "[thermal_crosstalk]\ncoefficient = 0.03",
    "[phase_quantization]\nbits = 5",
    "[phase_quantization]\nbits = 6\nuniform_in = 'voltage'",
    "[splitter_error]\nsigma_amplitude = 0.03\n[phase_error]\nsigma_rad = 0.1\n[insertion_loss]\nloss_db = 0.1\n\
     imbalance_sigma_db = 0.2\n[thermal_crosstalk]\ncoefficient = 0.01\n[phase_quantization]\nbits = 7",
];

#[test]
fn a_chip_multiplies_by_the_product_of_its_cells() {
    let bench = Bench::new();
    for (matrix, topology) in [("general.npy", "rectangular"), ("unitary.npy", "triangular")] {
        bench.program(&bench.path(matrix), &["--topology", topology]).well();
        for source in SOURCES {
            let (process, chip) = (bench.path("process.toml"), bench.path("chip.json"));
            fs::write(&process, source).unwrap();
            let program = bench.path("program.json");
            let chip_command = || {
                let mut command = phaseloom();
                command.arg("chip").arg(&process).arg("--program").arg(&program).arg("-o").arg(&chip);
                command
            };
            wait(chip_command().args(["--seed", "5"])).well();
            let (.., made) = bench.matrix(&["--chip", chip.to_str().unwrap()]);
            let rebuilt = product(&bench.json("program.json"), &bench.json("chip.json"));
            let off = furthest(&made, &rebuilt);
            assert!(off < 1e-12, "{source}: {off:e}");
            if source.is_empty() {
                continue;
            }
            // From the process: the same chip, and another one for another trial.
            let process = process.to_str().unwrap();
            let (.., direct) = bench.matrix(&["--process", process, "--seed", "5", "--trial", "0"]);
            assert!(made == direct, "{source}");
            wait(chip_command().args(["--seed", "5", "--trial", "2"])).well();
            let (.., second) = bench.matrix(&["--chip", chip.to_str().unwrap()]);
            let (.., direct) = bench.matrix(&["--process", process, "--seed", "5", "--trial", "2"]);
            assert!(second == direct, "{source}");
            assert_eq!(second == made, source.starts_with("[phase_q") || source.starts_with("[thermal"), "{source}");
        }
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let bench = Bench::new();
    let path = |name: &str| bench.path(name).to_str().unwrap().to_owned();
    bench.program(&bench.path("general.npy"), &[]).well();
    fs::write(bench.path("process.toml"), "[phase_error]\nsigma_rad = 0.1").unwrap();
    let (program, process, chip, core) =
        (path("program.json"), path("process.toml"), path("chip.json"), path("core.json"));
    run(["matrix", &program, "--process", &process]).refused(&["--seed"]);
    run(["matrix", &program, "--seed", "1"]).refused(&["--process"]);
    run(["chip", &process, "--program", &program, "-o", &chip]).refused(&["--seed"]);
    run(["chip", &process, "--seed", "1", "-o", &chip]).refused(&["--program"]);
    run(["chip", &process, "--core", "5", "--seed", "1", "-o", &core]).well();
    run(["matrix", &program, "--chip", &core, "-o", &path("m.npy")]).refused(&["5×5", "3×4", "chip of the shape"]);
    assert!(!bench.path("m.npy").exists() && !bench.path("chip.json").exists());
    run(["chip", &process, "--core", "4", "--topology", "rectangle", "--seed", "1", "-o", &chip])
        .refused(&["rectangle", "rectangular, triangular"]);
    // Lists in the place of tables, which would be read by position.
    run(["chip", &process, "--program", &program, "--seed", "1", "-o", &chip]).well();
    let mut json = bench.json("chip.json");
    json["process"] = Value::Array(Vec::new());
    fs::write(&chip, json.to_string()).unwrap();
    run(["matrix", &program, "--chip", &chip]).refused(&["chip.json", "line 1", "found list", "a table of keys"]);
    let mut json = bench.json("program.json");
    json["right"]["cells"][0] = vec![0.1, 0.2].into();
    fs::write(bench.path("list.json"), json.to_string()).unwrap();
    run(["matrix", &path("list.json")]).refused(&["list.json", "line 1", "found list", "a table of keys"]);
    fs::write(bench.path("list.toml"), "\nphase_error = []").unwrap();
    let made = path("made.json");
    run(["chip", &path("list.toml"), "--core", "5", "--seed", "1", "-o", &made])
        .refused(&["list.toml: line 2", "a table of keys"]);
    // A chip that amplifies.
    run(["chip", &process, "--program", &program, "--seed", "1", "-o", &chip]).well();
    let text = fs::read_to_string(&chip).unwrap();
    fs::write(&chip, text.replacen("\"upper_amplitude\": 1.0", "\"upper_amplitude\": 1.1", 1)).unwrap();
    run(["matrix", &program, "--chip", &chip]).refused(&[
        "chip.json",
        "left.cells[0].upper_amplitude",
        "1.1",
        "passive",
    ]);
}

#[test]
fn angles_beyond_measure_are_refused_and_leave_no_file() {
    let bench = Bench::new();
    bench.program(&bench.path("unitary.npy"), &[]).well();
    let mut program = bench.json("program.json");
    let (file, out) = (bench.path("program.json"), bench.path("matrix.npy"));
    fs::write(bench.path("process.toml"), "[phase_error]\nsigma_rad = 1e6\n").unwrap();
    let made = bench.path("chip.json");
    let make = || {
        let mut command = phaseloom();
        command.arg("chip").arg(bench.path("process.toml")).arg("--program").arg(&file).args(["--seed", "1", "-o"]);
        wait(command.arg(&made))
    };
    let matrix = |chip: bool| {
        let mut command = phaseloom();
        command.arg("matrix").arg(&file).arg("-o").arg(&out);
        wait(if chip { command.arg("--chip").arg(&made) } else { &mut command })
    };
    // A chip of the widest process is read again.
    make().well();
    matrix(true).well();
    fs::remove_file(&out).unwrap();
    let mut chip = bench.json("chip.json");
    chip["right"]["cells"][1]["phi_offset_rad"] = (-3e8).into();
    fs::write(&made, chip.to_string()).unwrap();
    matrix(true).refused(&["chip.json", "right.cells[1].phi_offset_rad", "-3e8", "-1e7 to 1e7 rad"]);
    program["right"]["output"][2] = 1.5e6.into();
    fs::write(&file, program.to_string()).unwrap();
    matrix(false).refused(&["program.json", "right.output[2]", "1.5e6", "-1e6 to 1e6 rad"]);
    program["right"]["cells"][0]["theta"] = 1.7e308.into();
    fs::write(&file, program.to_string()).unwrap();
    matrix(false).refused(&["program.json", "right.cells[0].theta", "1.7e308", "-1e6 to 1e6 rad"]);
    assert!(!out.exists());
}

#[test]
fn large_numbers_have_exponents() {
    let bench = Bench::new();
    let large = bench.path("large.npy");
    fs::write(&large, npy_real(&[&[-2.5e9, 1.0]])).unwrap();
    bench.program(&large, &[]).well();
    let said = run([OsStr::new("matrix"), bench.path("program.json").as_os_str()]).well().out;
    assert!(said.contains("-2.500000e9") && !said.contains("2500000000"), "{said}");
}
