//! The lab bench from outside: measured chips come in, heater settings go out, matrices in the files of others.

use super::support::{DATA, Scene};
use phaseloom::files::read_matrix;
use std::fs;

/// A scene with a unitary of four modes on one mesh.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene
}

const MEASURED: &str = "column,mode,splitter1_cross,splitter2_cross,theta_offset_rad,loss_db,phi_fixed_rad\n\
    0,0,0.52,0.49,0.05,0.1,\n0,2,0.47,0.50,,0.2,\n1,1,,,0.3,,1.5\n3,1,0.5,0.51,-0.1,,\n";

#[test]
fn a_measured_chip_is_read_and_used_by_every_command() {
    let scene = scene();
    scene.write("measured.csv", MEASURED);
    let made = scene.call("chip --from measured.csv --program program.json -o chip.json").well();
    assert!(made.joined().contains("4 of them in measured.csv, the others as designed"), "{}", made.out);
    assert!(!scene.text("chip.json").contains("\"seed\""));
    let realised = scene.matrix("program.json --chip chip.json");
    assert!((&realised - scene.matrix("program.json")).norm() > 0.1);
    scene.call("correct program.json --chip chip.json --method local -o corrected.json").well();
    scene.call("draw program.json --chip chip.json -o mesh.svg").well();
    let note = scene.call("heaters program.json --chip chip.json").well().err;
    assert!(note.contains("right, phi, column 1, mode 1 of the chip stays at 1.5 rad"), "{note}");
    // A run on it has one chip, whose numbers are those of `matrix`.
    scene.write("experiment.toml", "program = 'program.json'\nchip = 'chip.json'\n");
    scene.call("run experiment.toml -o out").well();
    let json: serde_json::Value =
        serde_json::from_str(&scene.call("matrix program.json --chip chip.json --format json").well().out).unwrap();
    let table = scene.text("out/table.csv");
    let rows: Vec<&str> = table.lines().filter(|line| line.contains("chips")).collect();
    assert_eq!(rows.len(), 1, "{table}");
    let header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    let at = header.iter().position(|name| *name == "error").unwrap();
    let error: f64 = rows[0].split(',').nth(at).unwrap().parse().unwrap();
    assert!((error - json["error"].as_f64().unwrap()).abs() < 1e-9, "{error} {json}");
    // The folder runs again, and its chip comes out again.
    scene.call("run out").well();
    scene.call("chip out -o again.json").well();
    assert_eq!(scene.json("again.json")["right"], scene.json("chip.json")["right"]);
    scene.call("sweep program.json --chip chip.json --vary phase_quantization.bits=4,8 -o swept").well();
}

#[test]
fn a_chip_without_seed_and_process_is_read() {
    let scene = scene();
    scene.chip("splitter_error.sigma_rad = 0.05");
    let realised = scene.matrix("program.json --chip chip.json");
    let mut chip = scene.json("chip.json");
    for key in ["seed", "trial", "core", "process", "left", "attenuators"] {
        chip.as_object_mut().unwrap().remove(key);
    }
    scene.write("plain.json", chip.to_string());
    assert_eq!(scene.matrix("program.json --chip plain.json"), realised);
}

#[test]
fn the_chips_of_a_run_come_out_as_files() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.write(
        "experiment.toml",
        "matrix = 'u.npy'\ntrials = 3\nseed = 5\nprocess.splitter_error.sigma_rad = 0.1\n[[sweep]]\n\
         keys = ['process.phase_error.sigma_rad']\nvalues = [0.0, 0.2]\n",
    );
    scene.call("run experiment.toml -o out").well();
    scene.call("program u.npy -o program.json").well();
    scene.call("chip out --trial 2 --point 1 -o chip.json").well();
    let json: serde_json::Value =
        serde_json::from_str(&scene.call("matrix program.json --chip chip.json --format json").well().out).unwrap();
    let table = scene.text("out/table.csv");
    let error = format!("{}", json["error"].as_f64().unwrap());
    assert!(table.contains(&error[..10]), "{error}\n{table}");
    scene.call("chip out --point 2").refused(&["`point` is 2", "0 to 1"]);
    scene.call("chip out --seed 2").refused(&["--seed", "which has its own"]);
}

/// A network on the chip of a file has the numbers of a run that samples this chip.
#[test]
fn a_network_runs_on_a_given_chip() {
    let scene = Scene::new();
    let process = "splitter_error.sigma_rad = 0.2\nphase_error.sigma_rad = 0.2\n";
    scene.write("process.toml", process);
    let tables = format!("{DATA}[core]\nports = 4\ncores = 'shared'\n");
    let write = |head: &str| scene.write("experiment.toml", format!("model = 'model.toml'\n{head}{tables}"));
    write("trials = 1\nseed = 3\nprocess = 'process.toml'\n");
    scene.call("run experiment.toml -o sampled").well();
    scene.call("chip sampled -o chip.json").well();
    write("seed = 3\nchip = 'chip.json'\n");
    scene.call("run experiment.toml -o given").well();
    let chips = |folder: &str| {
        let table = scene.text(&format!("{folder}/table.csv"));
        table.lines().filter(|line| line.contains("chips")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(chips("given"), chips("sampled"));
    assert_eq!(chips("given").len(), 1);
    scene.call("chip sampled --tile 1").refused(&["`tile` is 1", "on one core"]);
}

#[test]
fn a_chip_that_cannot_be_is_refused() {
    let scene = scene();
    scene.write("measured.csv", MEASURED);
    scene.write("bad.csv", MEASURED.replace("0.49", "4.9"));
    scene.write("k.csv", "1,0\n0,1\n");
    for (command, parts) in [
        ("chip --from bad.csv --program program.json", &["bad.csv", "line 2, column `splitter2_cross`", "4.9"][..]),
        ("chip --from measured.csv", &["--program", "--core"]),
        ("chip --from measured.csv --program program.json --seed 1", &["--seed"]),
        ("chip preset:ideal --program program.json", &["--seed"]),
        ("chip --from measured.csv --core 4", &["measured.csv", "line 2", "three stages"]),
        ("chip --from measured.csv --program program.json --crosstalk k.csv", &["crosstalk.matrix", "2×2", "12×12"]),
        ("chip --from none.csv --program program.json", &["none.csv"]),
    ] {
        scene.call(command).refused(parts);
    }
    scene.call("chip --from measured.csv --program program.json -o chip.json").well();
    for (text, parts) in [
        ("program = 'program.json'\nchip = 'chip.json'\ntrials = 3\n", &["trials", "`shots`"][..]),
        (
            "program = 'program.json'\nchip = 'chip.json'\nprocess.splitter_error.sigma_rad = 0.1\n",
            &["process", "chip"],
        ),
        ("program = 'program.json'\nchip = 'none.json'\n", &["none.json", "`chip`"]),
        ("matrix = 'u.npy'\nform = 'svd'\nchip = 'chip.json'\n", &["unitary", "svd"]),
        (
            "program = 'program.json'\nchip = 'chip.json'\n[[sweep]]\nkeys = ['process.splitter_error.sigma_rad']\nvalues = [0.1]\n",
            &["splitter_error", "frozen"],
        ),
    ] {
        scene.write("experiment.toml", text);
        scene.call("run experiment.toml -o none").refused(parts);
    }
    scene.write("experiment.toml", "program = 'program.json'\nchip = 'chip.json'\n");
    scene.call("yield experiment.toml --fidelity 0.9 -o none").refused(&["`chip`", "phaseloom run"]);
}

#[test]
fn drives_go_out_and_come_back() {
    let scene = scene();
    let mut rows = "column,mode,shifter,p_pi_mw,phase_at_0_rad,r_ohm\n".to_owned();
    let cells = scene.json("program.json")["right"]["cells"].as_array().unwrap().clone();
    for (k, cell) in cells.iter().enumerate() {
        for (shifter, power) in [("theta", 20.0 + k as f64), ("phi", 25.0 - k as f64)] {
            rows += &format!(
                "{},{},{shifter},{power},{},{}\n",
                cell["column"],
                cell["mode"],
                0.1 * k as f64 - 0.3,
                500 + k
            );
        }
    }
    scene.write("heaters.csv", &rows);
    let written = scene.call("heaters program.json --calibration heaters.csv -o drive.csv").well();
    assert!(written.err.contains("4 of 16 heaters have no calibration"), "{}", written.err);
    let table = scene.text("drive.csv");
    let row: Vec<&str> = table.lines().nth(1).unwrap().split(',').collect();
    let number = |at: usize| row[at].parse::<f64>().unwrap();
    // P = P_π·((φ − φ₀) mod 2π)/π, V = √(P·R), by hand.
    let theta = cells[0]["theta"].as_f64().unwrap();
    let power = 20.0 * (theta + 0.3).rem_euclid(std::f64::consts::TAU) / std::f64::consts::PI;
    assert!((number(6) - power).abs() < 1e-9 && (number(7) - (1e-3 * power * 500.0).sqrt()).abs() < 1e-9, "{row:?}");
    let designed = scene.matrix("program.json");
    for by in ["voltage", "current", "power", "phase"] {
        let read = format!("heaters program.json --read drive.csv --calibration heaters.csv --by {by} -o back.json");
        let said = scene.call(&read).well().joined();
        assert!(said.contains(&format!("16 of 16 phases read by {by}")), "{said}");
        assert!((scene.matrix("back.json") - &designed).norm() < 1e-12, "{by}");
    }
    // 16 bits of 12 V resolve a phase to about 1e-3.
    let codes = "--calibration heaters.csv --bits 16 --max-volts 12";
    scene.call(&format!("heaters program.json {codes} -o codes.csv")).well();
    scene.call(&format!("heaters program.json --read codes.csv {codes} -o back.json")).well();
    let error = (scene.matrix("back.json") - &designed).norm();
    assert!(error > 1e-9 && error < 1e-2, "{error}");
    scene.write("wiring.csv", "channel,column,mode,shifter\nB7,3,1,phi\nA1,0,0,theta\n");
    let wired = scene.call("heaters program.json --calibration heaters.csv --wiring wiring.csv -o wired.csv").well();
    assert!(wired.err.contains("14 of 16 heaters are not in the wiring file"), "{}", wired.err);
    let text = scene.text("wired.csv");
    assert!(text.lines().nth(1).unwrap().ends_with(",B7") && text.lines().count() == 3, "{text}");
    scene.write("twice.csv", format!("{rows}0,0,theta,1,0,1\n"));
    for (command, parts) in [
        ("heaters program.json --calibration twice.csv", &["line 14", "heater 0 for a second time"][..]),
        ("heaters program.json --read codes.csv --calibration heaters.csv", &["--bits"]),
        ("heaters program.json --read drive.csv --by voltage", &["line 2", "no calibration"]),
        ("heaters program.json --read drive.csv --by code", &["no code"]),
        ("heaters program.json -o drive.json", &[".csv"]),
        ("heaters program.json --bits 8", &["--max-volts"]),
    ] {
        scene.call(command).refused(parts);
    }
}

#[test]
fn matrices_of_others_are_read_and_written() {
    let scene = scene();
    let u = read_matrix(&scene.path("u.npy")).unwrap().0;
    for name in ["m.csv", "m.txt", "m.s8p", "m.npy"] {
        scene.call(&format!("matrix program.json -o {name}")).well();
        scene.call(&format!("program {name} -o again.json")).well();
        assert!((scene.matrix("again.json") - &u).norm() < 1e-12, "{name}");
    }
    let pairs: Vec<String> = u
        .row_iter()
        .map(|row| {
            row.iter().map(|z| format!("{:.6};{:.6}", z.re, z.im).replace('.', ",")).collect::<Vec<_>>().join(";")
        })
        .collect();
    scene.write("pairs.csv", pairs.join("\n"));
    let said = scene.call("program pairs.csv --unitary-within 1e-4 -o pairs.json").well().joined();
    assert!(said.contains("nearest unitary on one mesh") && said.contains("6 MZIs"), "{said}");
    assert!((scene.matrix("pairs.json") - &u).norm() < 1e-5);
    scene.call("program pairs.csv --unitary-within 1e-9 --form unitary").refused(&["pairs.csv", "not unitary"]);
    scene.call("matrix program.json -o m.s4p").refused(&["m.s4p", ".s8p"]);
    scene.call("matrix program.json -o m.mat").refused(&["m.mat"]);
    assert!(!scene.path("m.s4p").exists());
    // Phases of ports do not count in the second fidelity.
    let turned = phaseloom_testing::Matrix::from_fn(4, 4, |i, j| {
        u[(i, j)] * phaseloom::Complex64::cis(0.7 * (i * i) as f64 - 1.1 * j as f64)
    });
    phaseloom::files::write_matrix(&scene.path("turned.npy"), &turned).unwrap();
    let said = scene.call("matrix program.json --target turned.npy").well().joined();
    assert!(said.contains("fidelity up to phases of input and output ports 1.000000"), "{said}");
    fs::write(scene.path("bad.csv"), "1,2\n3,x\n").unwrap();
    scene.call("program bad.csv").refused(&["bad.csv", "line 2, column 2", "`x`"]);
}

#[test]
fn circuits_with_fewer_cells_than_a_mesh_are_programs() {
    let scene = scene();
    let mut program = scene.json("program.json");
    let full = scene.matrix("program.json");
    // The identity cells of a full mesh may be left out.
    let cells = program["right"]["cells"].as_array().unwrap().clone();
    let chain: Vec<_> = cells.into_iter().filter(|cell| cell["column"].as_u64() < Some(2)).collect();
    program["right"]["cells"] = chain.into();
    scene.write("chain.json", program.to_string());
    let matrix = scene.matrix("chain.json");
    assert!((matrix.adjoint() * &matrix - phaseloom_testing::Matrix::identity(4, 4)).norm() < 1e-12);
    assert!((&matrix - full).norm() > 0.1);
    for key in ["clements", "bell_walmsley"] {
        scene.call(&format!("convert chain.json --to {key} -o converted.json")).well();
        assert!((scene.matrix("converted.json") - &matrix).norm() < 1e-12, "{key}");
    }
    program["right"]["cells"][0]["mode"] = 1.into();
    scene.write("chain.json", program.to_string());
    scene.call("matrix chain.json").refused(&["right.cells[0]", "column 0, mode 1", "column 0, mode 0"]);
}
