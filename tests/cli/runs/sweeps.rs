//! Experiments without a network, and their short form `sweep`: the same chips as `chip` and `matrix`, shards, interruptions,
//! laws, and what is refused.

use super::super::support::{Ended, GENERAL, Scene, cell, npy, npy_real, phaseloom, run_to, table};
use phaseloom_testing::Matrix;
use std::fs;
use std::path::Path;

/// The files that the experiment alone determines.
const FILES: [&str; 5] = ["table.csv", "summary.csv", "figure.svg", "figure.png", "report.json"];

const PROCESS: &str = "[splitter_error]\nsigma_rad = 0.03\n[phase_error]\nsigma_rad = 0.02\n\
    [insertion_loss]\nloss_db = 0.2\n[phase_quantization]\nbits = 7\n[phase_shifter]\npower_pi_w = 0.01\n";

/// A folder with a unitary, other matrices and a process.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.unitary(4);
    scene.write("process.toml", PROCESS);
    scene.write("w.npy", npy_real(&GENERAL));
    let complex: Vec<u8> =
        (0..30).flat_map(|k| [f64::from(k).sin(), f64::from(k).cos()]).flat_map(f64::to_le_bytes).collect();
    scene.write("c.npy", npy("<c16", "(6, 5)", &complex));
    scene
}

fn sweep(scene: &Scene, arguments: &str) -> Ended {
    scene.call(&format!("sweep {arguments}"))
}

/// A number of a row.
fn number(row: &[(String, String)], column: &str) -> f64 {
    cell(row, column).parse().unwrap_or(f64::NAN)
}

fn rows(folder: &Path, file: &str, kind: &str) -> Vec<Vec<(String, String)>> {
    table(&folder.join(file)).into_iter().filter(|row| cell(row, "row") == kind).collect()
}

/// 1 − F, ‖Ŵ−W‖/‖W‖ and ‖Ŵ‖²/‖W‖² (dB) from their definitions.
fn quality(target: &Matrix, realised: &Matrix) -> [f64; 3] {
    let power = |m: &Matrix| m.iter().map(|z| z.norm_sqr()).sum::<f64>();
    let trace: phaseloom::Complex64 = target.iter().zip(realised.iter()).map(|(w, r)| w.conj() * r).sum();
    let fidelity = trace.norm_sqr() / power(target) / power(realised);
    let error = (power(&(realised - target)) / power(target)).sqrt();
    [1.0 - fidelity, error, 10.0 * (power(realised) / power(target)).log10()]
}

#[test]
fn every_trial_is_the_chip_of_its_seed_measured_by_matrix() {
    let scene = scene();
    for (name, form) in [("u", ""), ("u", " --form svd"), ("w", ""), ("c", " --topology triangular")] {
        let out = format!("{name}{}", form.len());
        sweep(&scene, &format!("{name}.npy --process process.toml --trials 3 --seed 7{form} -o {out}")).well();
        scene.call(&format!("program {name}.npy{form} -o program.json")).well();
        let target = super::super::support::read(&scene.path(&format!("{name}.npy")));
        let chips = rows(&scene.path(&out), "table.csv", "chips");
        assert_eq!(chips.len(), 3);
        for (trial, row) in chips.iter().enumerate() {
            scene
                .call(&format!("chip process.toml --program program.json --seed 7 --trial {trial} -o chip.json"))
                .well();
            let realised = scene.matrix("program.json --chip chip.json");
            let found = ["infidelity", "error", "transmission_db"].map(|column| number(row, column));
            for (found, expected) in found.into_iter().zip(quality(&target, &realised)) {
                assert!((found - expected).abs() < 1e-12, "{name}{form}, trial {trial}: {found}, {expected}");
            }
            assert!(number(row, "error_scaled") <= number(row, "error") && number(row, "heater_power_w") > 0.0);
        }
        // A program is its own target.
        sweep(&scene, &format!("program.json --process process.toml --trials 3 --seed 7 -o {out}-program")).well();
        let again = rows(&scene.path(&format!("{out}-program")), "table.csv", "chips");
        for (a, b) in chips.iter().zip(&again) {
            assert!((number(a, "infidelity") - number(b, "infidelity")).abs() < 1e-12, "{name}{form}");
        }
    }
}

#[test]
fn the_command_is_short_for_an_experiment_that_its_folder_holds() {
    let scene = scene();
    let command = "u.npy --process process.toml --trials 2 --correction local -o swept \
                   --vary splitter_error.sigma_rad=phase_error.sigma_rad=0:0.02:0.01 --vary phase_quantization.bits=6,8";
    let printed = sweep(&scene, command).well();
    let experiment = "matrix = 'u.npy'\nprocess = 'process.toml'\ntrials = 2\ncorrection = 'local'\n\
        [[sweep]]\nkeys = ['process.splitter_error.sigma_rad', 'process.phase_error.sigma_rad']\nvalues = [0.0, 0.01, 0.02]\n\
        [[sweep]]\nkeys = ['process.phase_quantization.bits']\nvalues = [6, 8]\n";
    scene.write("matrix.toml", experiment);
    run_to(&scene.path("matrix.toml"), &scene.path("run"), &[]).well();
    for name in ["table.csv", "summary.csv"] {
        assert_eq!(table(&scene.path("swept").join(name)), table(&scene.path("run").join(name)), "{name}");
    }
    // Its experiment.toml is the experiment, from whatever folder it is run.
    let again = run_to(&scene.path("swept/experiment.toml"), &scene.path("swept"), &[]).well();
    assert!(again.err.contains("nothing was computed") && !again.err.contains("no effect"), "{}", again.err);
    assert_eq!(again.out, printed.out);
    // Corrected chips have no law.
    assert!(printed.out.contains("No law: "), "{}", printed.out);
    assert!(
        rows(&scene.path("swept"), "summary.csv", "chips").iter().all(|row| cell(row, "infidelity_law").is_empty())
    );
}

#[test]
fn the_mean_follows_the_law_and_the_last_sentence_says_so() {
    let scene = scene();
    let out = scene.path("curve");
    let ended = sweep(&scene, "u.npy --vary splitter_error.sigma_rad=0:0.04:0.01 --trials 200 -o curve").well();
    let (printed, said) = (&ended.out, ended.joined());
    let chips = rows(&out, "summary.csv", "chips");
    assert_eq!(chips.iter().map(|row| cell(row, "chips")).collect::<Vec<_>>(), ["200"; 5]);
    for (k, row) in chips.iter().enumerate() {
        let sigma = 0.01 * k as f64;
        // 2(N−1)σ² to first order; the next is 2E₁⁴/N.
        let first = 6.0 * sigma * sigma;
        let (law, mean) = (number(row, "infidelity_law"), number(row, "infidelity_mean"));
        assert!((law - first).abs() <= first * first + 1e-24, "{law}, {first}");
        assert!(
            (mean - law).abs() <= 3.0 * number(row, "infidelity_se") + 0.5 * first * first + 1e-24,
            "{mean}, {law}"
        );
        assert!((number(row, "error_law").powi(2) - first).abs() <= first * first + 1e-24);
    }
    let compared = |row: &Vec<(String, String)>| {
        (number(row, "infidelity_mean") - number(row, "infidelity_law")).abs()
            <= 2.0 * number(row, "infidelity_se") + 1e-24
    };
    let within = chips.iter().filter(|row| compared(row)).count();
    let places = if within == 5 { "every point".to_owned() } else { format!("{within} of 5 points") };
    assert!(said.contains(&format!("the law is within 2 standard errors of it at {places}")), "{said}");
    assert!(said.contains("The mean infidelity of 200 chips is 0 at sigma_rad = 0 and "), "{said}");
    assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
    assert!(fs::read_to_string(out.join("figure.svg")).unwrap().contains("mean of 200 chips, 10–90 % band; line: law"));
}

/// Of a contraction, a matrix of rank one, and a Fourier matrix: chips follow the law of the very program.
#[test]
fn every_matrix_has_a_law_of_its_own_and_four_axes_fit_80_columns() {
    let scene = scene();
    let rank_one: Vec<f64> = (0..16).map(|k| f64::from(1 + k / 4) * f64::from(k % 4 - 2)).collect();
    let bytes: Vec<u8> = rank_one.into_iter().flat_map(f64::to_le_bytes).collect();
    scene.write("r.npy", npy("<f8", "(4, 4)", &bytes));
    for arguments in ["r.npy", "w.npy", "w.npy --topology contraction"] {
        let out = format!("out {arguments}").replace([' ', '.'], "-");
        sweep(&scene, &format!("{arguments} --vary splitter_error.sigma_rad=0.005 --trials 2000 --seed 3 -o {out}"))
            .well();
        let row = &rows(&scene.path(&out), "summary.csv", "chips")[0];
        let [law, mean, error] =
            ["infidelity_law", "infidelity_mean", "infidelity_se"].map(|column| number(row, column));
        // A standard error of at most 4 %, and the next order.
        assert!(
            error < 0.04 * law && (law - mean).abs() <= 3.0 * error + 0.01 * law,
            "{arguments}: {mean} {error} {law}"
        );
    }
    let axes = "--vary splitter_error.sigma_rad=0.01,0.02 --vary phase_error.sigma_rad=0.01,0.02 \
                --vary insertion_loss.imbalance_sigma_db=0.01,0.02 --vary insertion_loss.loss_db=0.1,0.2";
    let ended = sweep(&scene, &format!("u.npy {axes} --trials 2 -o axes")).well();
    assert!(ended.out.lines().all(|line| line.chars().count() <= 80), "{}", ended.out);
    assert!(ended.out.contains("c: insertion_loss.imbalance_sigma_db"), "{}", ended.out);
    assert!(ended.joined().contains("(Student's t, 95 %)"), "{}", ended.out);
}

#[test]
fn shards_and_interruptions_leave_the_same_bytes() {
    let scene = scene();
    let command =
        "u.npy --process process.toml --trials 30 --vary splitter_error.sigma_rad=0:0.05:0.01 --correction loss";
    sweep(&scene, &format!("{command} -o whole")).well();
    let bytes = |folder: &str| FILES.map(|name| fs::read(scene.path(folder).join(name)).unwrap());
    for part in 1..=3 {
        let said = sweep(&scene, &format!("{command} --shard {part}/3 -o part{part}")).well().err;
        assert!(said.contains("merge the shards"), "{said}");
    }
    scene.call("merge part1 part2 part3 -o merged").well();
    assert!(bytes("whole") == bytes("merged"), "merged shards differ");
    for milliseconds in [5, 20, 60, 120] {
        let mut command_line = phaseloom();
        command_line.current_dir(scene.path("")).arg("sweep").args(command.split(' ')).args(["-o", "killed"]);
        let mut child =
            command_line.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
    }
    sweep(&scene, &format!("{command} -o killed")).well();
    assert!(bytes("whole") == bytes("killed"), "a killed sweep differs");
    // Other settings have another default folder; the same settings find theirs again.
    let folder = |more: &str| {
        let said = sweep(&scene, &format!("w.npy --process process.toml --trials 1{more}")).well().err;
        said.lines().last().unwrap().to_owned()
    };
    assert_eq!(folder(""), folder(""));
    assert_ne!(folder(""), folder(" --seed 2"));
}

#[test]
fn what_cannot_be_swept_is_refused_with_the_reason() {
    let scene = scene();
    scene.write("zero.npy", npy_real(&[[0.0; 3]; 3]));
    scene.write("vector.npy", npy("<f8", "(3,)", &[0; 24]));
    scene.call("program u.npy -o program.json").well();
    for (arguments, parts) in [
        ("zero.npy", &["`matrix` is a matrix of zeros", "not 0"][..]),
        ("vector.npy", &["vector.npy", "rank 1", "rank 2"]),
        ("none.npy", &["none.npy", "No such file"]),
        ("w.npy --form unitary", &["w.npy", "3×4"]),
        ("w.txt", &["w.txt", "No such file"]),
        ("process.toml", &["expected a matrix (.npy, .csv, .txt, .sNp) or a program (.json)"]),
        ("program.json --topology triangular", &["--topology", "a program, which names its own"]),
        ("u.npy --topology clemens", &["core.topology", "`clemens`", "rectangular"]),
        ("u.npy --process preset:nothing", &["`preset:nothing`", "pessimistic"]),
        ("u.npy --correction magic", &["`magic`", "local"]),
        ("u.npy --vary splitter_error.sigma_rad=0:1", &["--vary", "found 2 parts", "FROM:TO:STEP"]),
        ("u.npy --vary splitter_error.sigma_rad=0:1:-1", &["leads away from 1"]),
        ("u.npy --vary spliter_error.sigma_rad=0,1", &["did you mean `splitter_error.sigma_rad`?"]),
        ("u.npy --vary splitter_error.sigma=0,1", &["splitter_error.sigma", "did you mean `sigma_rad`?"]),
        ("u.npy --vary splitter_error.sigma_rad=0,0.0", &["twice"]),
        ("u.npy --vary splitter_error.sigma_rad=a,b", &["splitter_error.sigma_rad", "\"a\""]),
        ("u.npy --vary phase_jitter.sigma_rad=0,1", &["phase_jitter.sigma_rad` has no effect"]),
        ("u.npy --process process.toml --vary splitter_error.sigma_rad=-1,0", &["≥ 0"]),
        ("u.npy --shard 3/2", &["3/2", "K/N"]),
        ("u.npy -o out.csv", &["out.csv", "the name of a file"]),
    ] {
        sweep(&scene, arguments).refused(parts);
    }
    assert!(!scene.path("phaseloom-runs").exists() && !scene.path("out.csv").exists(), "a refused sweep left files");
}

#[test]
fn an_experiment_has_one_subject_and_reads_no_key_of_the_others() {
    let scene = scene();
    let run = |text: &str| {
        scene.write("experiment.toml", text);
        scene.run(&[])
    };
    let one = "exactly one of `model` (a network), `matrix` (.npy) and `program` (.json)";
    run("trials = 2\n").refused(&["experiment.toml", "`model` is absent, as are `matrix` and `program`", one]);
    run("model = 'model.toml'\nmatrix = 'u.npy'\n").refused(&[
        "line 2",
        "`matrix` is given together with `model`",
        one,
    ]);
    run("program = 'p.json'\nmatrix = 'u.npy'\n").refused(&["`program` is given together with `matrix`", one]);
    run("model = 'model.toml'\n").refused(&["`data` is absent", "[data]"]);
    run("matrix = 'u.npy'\nform = 'both'\n").refused(&["line 2", "`both`"]);
    run("matrix = 'u.npy'\n[core]\ntopology = 'contraction'\n").well();
    fs::remove_dir_all(scene.path("out")).unwrap();
    run("matrix = 'u.npy'\nform = 'svd'\n[core]\ntopology = 'contraction'\n").refused(&["line 2", "`form` is `svd`"]);
    for key in ["core.ports", "link.laser_power_w", "shots"] {
        let sweep = format!("matrix = 'u.npy'\n[[sweep]]\nkeys = ['{key}']\nvalues = [2, 3]\n");
        run(&sweep).refused(&[key, "has no effect in this experiment"]);
    }
    let said = run("matrix = 'u.npy'\ntrials = 1\nshots = 3\nprocess = 'process.toml'\n[core]\nports = 8\n\
                    topology = 'triangular'\n[data]\ninputs = 'x.npy'\n");
    let note = said.well().err;
    let line = note.lines().find(|line| line.contains("no effect")).unwrap();
    for key in ["shots", "core.ports", "data.inputs"] {
        assert!(line.contains(key), "{line}");
    }
    assert!(
        !["matrix", "topology", "trials", "seed", "bits", "power_pi_w"].iter().any(|key| line.contains(key)),
        "{line}"
    );
    // A calibration belongs to a network.
    scene.write("experiment.toml", "matrix = 'u.npy'\n[calibration.data]\ninputs = 'x.npy'\n");
    scene.call("calibrate experiment.toml").refused(&["only a network"]);
}

#[test]
fn a_matrix_and_its_topology_are_axes_too() {
    let scene = scene();
    let text = "matrix = 'u.npy'\ntrials = 2\nprocess = 'process.toml'\n[[sweep]]\nkeys = ['matrix']\n\
                values = ['u.npy', 'w.npy', 'c.npy']\n[[sweep]]\nkeys = ['core.topology']\nvalues = ['rectangular', 'diamond']\n";
    scene.write("experiment.toml", text);
    let printed = scene.run(&[]).well().joined();
    let chips = rows(&scene.path("out"), "summary.csv", "chips");
    assert_eq!(chips.len(), 6);
    assert!(chips.iter().all(|row| (1e-6..0.1).contains(&number(row, "infidelity_mean"))), "{printed}");
    assert!(printed.contains(" is lowest, ") && printed.contains(", and highest, "), "{printed}");
    let identity = scene.json("out/identity.json");
    assert_eq!(identity["inputs"].as_object().unwrap().len(), 3);
}
