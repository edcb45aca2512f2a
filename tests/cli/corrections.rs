//! `phaseloom correct` and the key `correction` of an experiment.

use super::support::{CORE, DATA, Scene, cell, phaseloom, run, table, wait};
use phaseloom::mesh::{Form, MatrixProgram, topology};
use phaseloom::numerics::{StreamKey, haar_unitary};
use std::fs;
use std::path::Path;

/// A program of a unitary of 6 modes and a chip of it with splitters of `sigma`.
fn chip(scene: &Scene, sigma: f64) -> [String; 3] {
    chip_of(scene, sigma, 6)
}

fn chip_of(scene: &Scene, sigma: f64, modes: usize) -> [String; 3] {
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (program, chip, out) = (path("program.json"), path("chip.json"), path("corrected.json"));
    let process = scene.write("process.toml", format!("[splitter_error]\nsigma_rad = {sigma}\n"));
    let u = haar_unitary(modes, &mut StreamKey::new(1, "test").stream());
    let made = MatrixProgram::new(&u, Form::Auto, topology("rectangular").unwrap()).unwrap();
    made.save(Path::new(&program)).unwrap();
    wait(phaseloom().arg("chip").arg(process).args(["--program", &program, "--seed", "4", "-o", &chip])).well();
    [program, chip, out]
}

#[test]
fn a_corrected_program_does_on_its_chip_what_the_target_asks_for() {
    let scene = Scene::new();
    let [program, chip, out] = chip(&scene, 0.01);
    let said =
        run(["correct", &program, "--chip", &chip, "--method", "adjoint", "--noise", "0", "-o", &out]).well().out;
    assert!(said.contains("adjoint") && said.contains("none"), "{said}");
    let error = |program: &str| -> f64 {
        let text = run(["matrix", program, "--chip", &chip]).well().out;
        let line = text.lines().find(|line| line.starts_with("fidelity")).unwrap().to_owned();
        1.0 - line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    // The corrected program has another ideal matrix, so its own fidelity says nothing: the table does.
    let error_with = |method: &str| -> f64 {
        let line = said.lines().find(|line| line.starts_with(method)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(error_with("adjoint") < 0.1 * error_with("none"), "{said}");
    assert!((error(&program) - error_with("none")).abs() < 1e-6, "{said}");
    let written = fs::read(&out).unwrap();
    run(["correct", &program, "--chip", &chip, "--method", "adjoint", "--noise", "0", "-o", &out]).well();
    assert_eq!(written, fs::read(&out).unwrap());
}

#[test]
fn without_a_method_the_table_has_every_method() {
    let scene = Scene::new();
    let [program, chip, out] = chip(&scene, 0.02);
    let said = run(["correct", &program, "--chip", &chip, "--effort", "0.05"]).well().out;
    for method in ["none", "local", "crosstalk", "loss", "self_configuration", "adjoint", "spsa", "characterisation"] {
        assert!(said.lines().any(|line| line.starts_with(method)), "{method}: {said}");
    }
    assert!(run(["list"]).well().out.contains("  self_configuration "));
    run(["correct", &program, "--chip", &chip, "-o", &out]).refused(&["--method"]);
    assert!(!scene.path("corrected.json").exists());
}

#[test]
fn what_cannot_be_corrected_is_refused() {
    let scene = Scene::new();
    let [program, chip, out] = chip(&scene, 0.02);
    let correct = |more: &[&str]| {
        let base = ["correct", &program, "--chip", &chip, "-o", &out, "--method"];
        run(base.iter().chain(more).copied())
    };
    correct(&["locale"]).refused(&["unknown correction `locale`", "nearest `local`", "spsa"]);
    correct(&["local", "--noise=-1"]).refused(&["--noise", "-1", "0 to 1"]);
    correct(&["local", "--noise", "-1"]).refused(&["--noise", "found -1", "0 to 1"]);
    correct(&["local", "--effort", "-inf"]).refused(&["--effort", "found -inf"]);
    correct(&["local", "--noise", "nan"]).refused(&["--noise", "NaN"]);
    correct(&["local", "--effort", "inf"]).refused(&["--effort", "inf"]);
    let other = scene.path("other.json");
    wait(phaseloom().args(["chip", "preset:ideal", "--core", "3", "--seed", "1", "-o"]).arg(&other)).well();
    run(["correct", &program, "--chip", other.to_str().unwrap()]).refused(&["chip is", "program is"]);
    let hot = scene.write("hot.toml", "[thermal_crosstalk]\ncoefficient = 0.9\n");
    wait(phaseloom().arg("chip").arg(hot).args(["--program", &program, "--seed", "1", "-o"]).arg(&other)).well();
    run(["correct", &program, "--chip", other.to_str().unwrap(), "--method", "crosstalk"]).refused(&[
        "other.json: correction `crosstalk`",
        "crosstalk cannot be undone",
        "rad",
        "`thermal_crosstalk`",
    ]);
    // What was read is not written over, by whatever path it is named.
    let before = fs::read(&chip).unwrap();
    let again = scene.0.path().join(".").join("chip.json");
    for (same, which) in [(program.as_str(), "the program"), (&chip, "the chip"), (again.to_str().unwrap(), "the chip")]
    {
        run(["correct", &program, "--chip", &chip, "--method", "local", "-o", same]).refused(&["-o", which]);
    }
    assert_eq!(before, fs::read(&chip).unwrap());
    assert!(!scene.path("corrected.json").exists());
}

#[test]
fn an_experiment_corrects_its_chips() {
    let scene = Scene::new();
    let sweep = "[[sweep]]\nkeys = ['correction']\nvalues = ['none', 'local', 'adjoint']\n";
    let process = "[process.splitter_error]\nsigma_rad = 0.1\n[process.phase_error]\nsigma_rad = 0.2\n";
    scene.experiment(&format!("correction_noise = 0\n{DATA}{CORE}{process}{sweep}"));
    scene.run(&[]).well();
    let rows = table(&scene.path("out/table.csv"));
    let errors = |key: &str| -> f64 {
        let chips = rows.iter().filter(|row| cell(row, "row") == "chips" && cell(row, "correction") == key);
        let found: Vec<f64> = chips.map(|row| cell(row, "layer0_matrix_error").parse().unwrap()).collect();
        assert_eq!(found.len(), 2, "{key}");
        found.iter().sum()
    };
    let (none, local, adjoint) = (errors("none"), errors("local"), errors("adjoint"));
    assert!(local < 0.6 * none && adjoint < 0.6 * none, "{none} {local} {adjoint}");
    let scene = Scene::new();
    scene.refuses(
        &format!("correction = 'locl'\n{DATA}{CORE}"),
        &["experiment.toml: line", "`locl`", "`none` or one of local, "],
    );
    let scene = Scene::new();
    scene.refuses(&format!("correction = 'local'\ncorrection_noise = -1\n{DATA}{CORE}"), &["correction_noise", "-1"]);
}

#[test]
fn settings_of_no_correction_are_refused() {
    let scene = Scene::new();
    for key in ["correction_noise", "correction_effort"] {
        let parts = ["experiment.toml: line 3", key, "`correction`"];
        scene.refuses(&format!("{key} = 0.5\n{DATA}{CORE}"), &parts);
        let sweep = format!("[[sweep]]\nkeys = ['{key}']\nvalues = [0.1, 1]\n");
        scene.refuses(&format!("{DATA}{CORE}{sweep}"), &["experiment.toml: line", key, "without `correction`"]);
    }
}

#[test]
fn a_unit_that_cannot_be_corrected_names_itself() {
    let scene = Scene::new();
    let sweep = "[[sweep]]\nkeys = ['process.thermal_crosstalk.coefficient']\nvalues = [0.01, 0.9]\n";
    scene.experiment(&format!("correction = 'crosstalk'\n{DATA}{CORE}{sweep}"));
    scene.run(&[]).refused(&[
        "experiment.toml: chips at point 1, trial ",
        "process.thermal_crosstalk.coefficient = 0.9",
        "correction `crosstalk`",
        "cannot be undone",
    ]);
}

/// The row of a method in the table, from its `dB` or `no light` on.
fn row<'a>(said: &'a str, method: &str) -> &'a str {
    said.lines().find(|line| line.starts_with(method)).unwrap_or_else(|| panic!("no {method}: {said}"))
}

#[test]
fn the_table_says_what_the_heaters_cost() {
    let scene = Scene::new();
    let [program, chip, out] = chip(&scene, 0.02);
    let said = run(["correct", &program, "--chip", &chip, "--method", "crosstalk"]).well().out;
    assert!(said.contains("names no [phase_shifter]") && row(&said, "none").contains(" – "), "{said}");
    let heated = "[thermal_crosstalk]\ncoefficient = 0.02\n[phase_shifter]\npower_pi_w = 0.025\n";
    let process = scene.write("heated.toml", heated);
    wait(phaseloom().arg("chip").arg(process).args(["--program", &program, "--seed", "4", "-o", &chip])).well();
    let said = run(["correct", &program, "--chip", &chip, "--method", "crosstalk", "-o", &out]).well().out;
    assert!(said.contains("Σ|φ|·P_π/π"), "{said}");
    for (method, file) in [("none", &program), ("crosstalk", &out)] {
        let program = MatrixProgram::load(Path::new(file)).unwrap();
        let phases = program.stages().iter().flat_map(|s| s.phases().values());
        let watts = 0.025 * phases.map(|phase| phase.abs()).sum::<f64>() / std::f64::consts::PI;
        let expected = if watts >= 1.0 { format!(" {watts:.3} W ") } else { format!(" {:.3} mW ", 1e3 * watts) };
        assert!(row(&said, method).contains(&expected), "{expected}: {said}");
    }
}

#[test]
fn a_dark_chip_has_no_light_in_words() {
    let scene = Scene::new();
    let [program, chip, _] = chip(&scene, 0.0);
    let process = scene.write("dark.toml", "[insertion_loss]\nloss_db = 1e4\n");
    wait(phaseloom().arg("chip").arg(process).args(["--program", &program, "--seed", "4", "-o", &chip])).well();
    for command in ["correct", "matrix"] {
        let mut said = phaseloom();
        said.args([command, &program, "--chip", &chip]);
        let ended = wait(if command == "correct" { said.args(["--method", "local"]) } else { &mut said }).well();
        assert!(ended.out.contains("no light") && !ended.out.contains("inf dB"), "{}", ended.out);
    }
}

/// The model of the fit has the loss of the design: a chip whose arms lose quite differently is no such chip.
#[test]
fn a_failed_fit_is_recognised_by_its_residual() {
    let scene = Scene::new();
    let [program, chip, _] = chip(&scene, 0.02);
    let fit = || run(["correct", &program, "--chip", &chip, "--method", "characterisation"]).well().out;
    let said = fit();
    assert!(said.contains("the fit misses the measurements by") && !said.contains("warning"), "{said}");
    let process = scene.write("lossy.toml", "[insertion_loss]\nimbalance_sigma_db = 2\n");
    wait(phaseloom().arg("chip").arg(process).args(["--program", &program, "--seed", "4", "-o", &chip])).well();
    let said = fit();
    assert!(said.contains("warning: the fit misses the measurements by"), "{said}");
}

#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

#[test]
#[cfg(unix)]
fn an_interrupted_method_ends_soon_and_writes_nothing() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    let scene = Scene::new();
    // One step of the methods that solve equations takes seconds.
    let [program, chip, out] = chip_of(&scene, 0.05, 40);
    for method in ["adjoint", "spsa", "self_configuration", "characterisation"] {
        let mut command = phaseloom();
        let effort = if method == "characterisation" { "1" } else { "1000" };
        command.args(["correct", &program, "--chip", &chip, "--method", method, "--effort", effort, "-o", &out]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        interrupt(&child);
        let start = Instant::now();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(130), "{method}: {said}");
        assert!(said.contains("interrupted: nothing was written") && ended.stdout.is_empty(), "{method}: {said}");
        assert!(start.elapsed() < Duration::from_secs(10), "{method}: {:?}", start.elapsed());
    }
    assert!(!scene.path("corrected.json").exists());
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_leaves_out_the_chips_in_hand() {
    use super::support::{Working, units};
    let scene = Scene::new();
    let process = "[process.splitter_error]\nsigma_rad = 0.1\n";
    // Hours a chip.
    scene.experiment(&format!("correction = 'spsa'\ncorrection_effort = 1000\n{DATA}{CORE}{process}"));
    let mut working = Working::until(&scene.path("experiment.toml"), &scene.path("out"), &["--threads", "2"], 5);
    std::thread::sleep(std::time::Duration::from_millis(300));
    interrupt(&working.0);
    let start = std::time::Instant::now();
    assert_eq!(working.0.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(units(&scene.path("out")), 5, "references alone");
    let text = fs::read_to_string(scene.path("out/units.jsonl")).unwrap();
    assert!(!text.contains("\"chips\""), "{text}");
}
