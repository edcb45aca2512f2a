//! `program`, `chip`, `matrix`: their files are numbers that others compute with. The product of the 2×2 cells is
//! formed here from the two JSON files alone, with none of the library's own code.

use super::support::{GENERAL, Scene, fixture, furthest, npy, npy_real, read_npy};
use phaseloom::Complex64;
use serde_json::Value;
use std::f64::consts::{PI, SQRT_2, TAU};

/// A folder with a general matrix (3×4), a unitary (4×4) and its single-precision copy.
fn matrices() -> Scene {
    let scene = Scene::new();
    scene.write("general.npy", npy_real(&GENERAL));
    // The discrete Fourier transform of four points with phases, unitary.
    let entry = |r: usize, c: usize| Complex64::cis(TAU * (r * c) as f64 / 4.0 + 0.3 * r as f64) / 2.0;
    let parts: Vec<f64> = (0..16).map(|k| entry(k / 4, k % 4)).flat_map(|z| [z.re, z.im]).collect();
    let double: Vec<u8> = parts.iter().flat_map(|x| x.to_le_bytes()).collect();
    let single: Vec<u8> = parts.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    scene.write("unitary.npy", npy("<c16", "(4, 4)", &double));
    scene.write("single.npy", npy("<c8", "(4, 4)", &single));
    scene
}

#[test]
fn forms_and_precisions() {
    let scene = matrices();
    let unitary = read_npy(&scene.path("unitary.npy")).2;
    let general: Vec<[f64; 2]> = GENERAL.as_flattened().iter().map(|&x| [x, 0.0]).collect();
    for topology in ["rectangular", "triangular"] {
        let form = |matrix: &str, expected: &str, words: &[&str], target: &[[f64; 2]]| {
            let said = scene.call(&format!("program {matrix} -o program.json --topology {topology}")).well().out;
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
            let program = scene.json("program.json");
            assert_eq!((&program["version"], &program["form"]), (&1.into(), &expected.into()));
            furthest(&scene.matrix("program.json"), target)
        };
        assert!(form("unitary.npy", "unitary", &["|U†U − I|", "form unitary"], &unitary) < 1e-13);
        assert!(form("unitary.npy --form svd", "svd", &[], &unitary) < 1e-13);
        // Single precision is off by 1e-8; what is programmed is the nearest unitary.
        let off = form("single.npy", "unitary", &["single precision", "nearest unitary"], &unitary);
        assert!(1e-9 < off && off < 1e-7, "{off:e}");
        assert!(form("general.npy", "svd", &[], &general) < 4e-13 * 3.0);
        let (rows, columns, _) = read_npy(&scene.path("matrix.npy"));
        assert_eq!((rows, columns), (3, 4));
    }
    // The same 1e-6 is unitary for single precision alone.
    let nearly = [1.0 + 1e-6, 0.0, 0.0, 1.0];
    let single: Vec<u8> = nearly.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    scene.write("single.npy", npy("<f4", "(2, 2)", &single));
    scene.write("nearly.npy", npy_real(&[&nearly[..2], &nearly[2..]]));
    scene.call("program single.npy --form unitary -o single.json").well();
    let parts = ["nearly.npy", "2.0e-6", "tolerance 1e-9", "svd"];
    scene.call("program nearly.npy --form unitary -o nearly.json").refused(&parts);
    assert!(!scene.path("nearly.json").exists());
}

#[test]
fn every_number_type_and_order_of_numpy_makes_the_same_program() {
    let scene = Scene::new();
    for kind in ["f8", "c16", "f4", "i4"] {
        let program = |variant: &str| {
            let matrix = fixture(&format!("matrix_{kind}_{variant}.npy"));
            scene.call(&format!("program {} -o program.json", matrix.display())).well();
            scene.text("program.json")
        };
        let first = program("le_C");
        assert!(["le_F", "be_C", "be_F"].iter().all(|variant| program(variant) == first), "{kind}");
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

/// Light through one stage of the files: `modes` fields for each input port, changed in place.
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
    let scene = matrices();
    for (matrix, topology) in [("general.npy", "rectangular"), ("unitary.npy", "triangular")] {
        scene.call(&format!("program {matrix} -o program.json --topology {topology}")).well();
        for source in SOURCES {
            scene.chip(source);
            let made = scene.matrix("program.json --chip chip.json");
            let rebuilt = product(&scene.json("program.json"), &scene.json("chip.json"));
            let off = furthest(&made, &rebuilt);
            assert!(off < 1e-12, "{source}: {off:e}");
            if source.is_empty() {
                continue;
            }
            // From the process: the same chip, and another one for another trial.
            let direct = scene.matrix("program.json --process process.toml --seed 4 --trial 0");
            assert!(made == direct, "{source}");
            scene.call("chip process.toml --program program.json --seed 4 --trial 2 -o chip.json").well();
            let second = scene.matrix("program.json --chip chip.json");
            let direct = scene.matrix("program.json --process process.toml --seed 4 --trial 2");
            assert!(second == direct, "{source}");
            assert_eq!(second == made, source.starts_with("[phase_q") || source.starts_with("[thermal"), "{source}");
        }
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let scene = matrices();
    scene.call("program general.npy -o program.json").well();
    scene.chip("[phase_error]\nsigma_rad = 0.1");
    scene.write("list.toml", "\nphase_error = []");
    scene.call("chip process.toml --core 5 --seed 1 -o core.json").well();
    for (command, parts) in [
        ("matrix program.json --process process.toml", &["--seed"][..]),
        ("matrix program.json --seed 1", &["--process"]),
        ("chip process.toml --program program.json -o new", &["--seed"]),
        ("chip process.toml --seed 1 -o new", &["--program"]),
        ("matrix program.json --chip core.json -o new", &["5×5", "3×4", "chip of the shape"]),
        ("chip process.toml --core 4 --topology rectangle --seed 1 -o new", &["rectangle", "rectangular, triangular"]),
        ("chip list.toml --core 5 --seed 1 -o new", &["list.toml: line 2", "a table of keys"]),
    ] {
        scene.call(command).refused(parts);
        assert!(!scene.path("new").exists());
    }
    // Lists in the place of tables, which would be read by position.
    let command = "matrix program.json --chip chip.json";
    for (name, table) in [("chip.json", "/process"), ("program.json", "/right/cells/0")] {
        let parts = [name, "line 1", "found list", "a table of keys"];
        scene.refuses_value(name, (table, Vec::<f64>::new().into()), command, &parts);
    }
    let amplifies = ("\"upper_amplitude\": 1.0", "\"upper_amplitude\": 1.1");
    let parts = ["chip.json", "left.cells[0].upper_amplitude", "1.1", "passive"];
    scene.refuses_change("chip.json", amplifies, command, &parts);
}

#[test]
fn angles_beyond_measure_are_refused_and_leave_no_file() {
    let scene = matrices();
    scene.call("program unitary.npy -o program.json").well();
    // A chip of the widest process is read again.
    scene.chip("[phase_error]\nsigma_rad = 1e6\n");
    scene.call("matrix program.json --chip chip.json").well();
    for (name, angle, value, parts) in [
        (
            "chip.json",
            "/right/cells/1/phi_offset_rad",
            -3e8,
            ["right.cells[1].phi_offset_rad", "-3e8", "-1e7 to 1e7 rad"],
        ),
        ("program.json", "/right/output/2", 1.5e6, ["right.output[2]", "1.5e6", "-1e6 to 1e6 rad"]),
        ("program.json", "/right/cells/0/theta", 1.7e308, ["right.cells[0].theta", "1.7e308", "-1e6 to 1e6 rad"]),
    ] {
        let command = "matrix program.json --chip chip.json -o out.npy";
        scene.refuses_value(name, (angle, value.into()), command, &[&[name], &parts[..]].concat());
    }
    assert!(!scene.path("out.npy").exists());
}

#[test]
fn large_numbers_have_exponents() {
    let scene = Scene::new();
    scene.write("large.npy", npy_real(&[&[-2.5e9, 1.0]]));
    scene.call("program large.npy -o program.json").well();
    let said = scene.call("matrix program.json").well().out;
    assert!(said.contains("-2.500000e9") && !said.contains("2500000000"), "{said}");
}
