//! `phaseloom correct` and the key `correction` of an experiment.

use super::support::{CORE, DATA, Scene, cell, phaseloom, run, table, wait};
use phaseloom::{Form, MatrixProgram, StreamKey, haar_unitary, topology};
use std::fs;
use std::path::Path;

/// A program of a unitary and a chip of it with splitters of `sigma`.
fn chip(scene: &Scene, sigma: f64) -> [String; 3] {
    let path = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    let (program, chip, out) = (path("program.json"), path("chip.json"), path("corrected.json"));
    let process = scene.write("process.toml", format!("[splitter_error]\nsigma_rad = {sigma}\n"));
    let u = haar_unitary(6, &mut StreamKey::new(1, "test").stream());
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
    let of = |method: &str| -> f64 {
        let line = said.lines().find(|line| line.starts_with(method)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(of("adjoint") < 0.1 * of("none"), "{said}");
    assert!((error(&program) - of("none")).abs() < 1e-6, "{said}");
    let written = fs::read(&out).unwrap();
    run(["correct", &program, "--chip", &chip, "--method", "adjoint", "--noise", "0", "-o", &out]).well();
    assert_eq!(written, fs::read(&out).unwrap());
}

#[test]
fn without_a_method_all_stand_side_by_side() {
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
    correct(&["local", "--noise", "nan"]).refused(&["--noise", "NaN"]);
    correct(&["local", "--effort", "inf"]).refused(&["--effort", "inf"]);
    let other = scene.path("other.json");
    wait(phaseloom().args(["chip", "preset:ideal", "--core", "3", "--seed", "1", "-o"]).arg(&other)).well();
    run(["correct", &program, "--chip", other.to_str().unwrap()]).refused(&["chip is", "program is"]);
    let hot = scene.write("hot.toml", "[thermal_crosstalk]\ncoefficient = 0.9\n");
    wait(phaseloom().arg("chip").arg(hot).args(["--program", &program, "--seed", "1", "-o"]).arg(&other)).well();
    run(["correct", &program, "--chip", other.to_str().unwrap(), "--method", "crosstalk"])
        .refused(&["crosstalk cannot be undone", "rad"]);
    assert!(!scene.path("corrected.json").exists());
}

#[test]
fn an_experiment_mends_its_chips() {
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
    scene.refuses(&format!("correction_noise = -1\n{DATA}{CORE}"), &["correction_noise", "-1"]);
}
