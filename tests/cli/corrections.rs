//! `phaseloom correct` and the key `correction` of an experiment.

use super::support::{CORE, DATA, Scene, cell, table};
use phaseloom::mesh::MatrixProgram;
use serde_json::Value;

const CORRECT: &str = "correct program.json --chip chip.json";

/// A program of a unitary and a chip of it with splitters of `sigma`.
fn scene_of(modes: usize, sigma: f64) -> Scene {
    let scene = Scene::new();
    scene.unitary(modes);
    scene.call("program u.npy -o program.json").well();
    scene.chip(&format!("[splitter_error]\nsigma_rad = {sigma}\n"));
    scene
}

/// What `correct` prints with these options.
#[track_caller]
fn corrected(scene: &Scene, more: &str) -> String {
    scene.call(&format!("{CORRECT} {more}")).well().out
}

/// The row of a method in the table, from its `dB` or `no light` on.
fn row<'a>(said: &'a str, method: &str) -> &'a str {
    said.lines().find(|line| line.starts_with(method)).unwrap_or_else(|| panic!("no {method}: {said}"))
}

#[test]
fn a_corrected_program_does_on_its_chip_what_the_target_asks_for() {
    let scene = scene_of(6, 0.01);
    let command = "--method adjoint --noise 0 -o corrected.json";
    let said: Value = serde_json::from_str(&corrected(&scene, &format!("{command} --format json"))).unwrap();
    let matrix: Value =
        serde_json::from_str(&scene.call("matrix program.json --chip chip.json --format json").well().out).unwrap();
    let fidelity = matrix["fidelity"].as_f64().unwrap();
    // The corrected program has another ideal matrix, so its own fidelity says nothing: the table does.
    let error = |index: usize| said["methods"][index]["infidelity"].as_f64().unwrap();
    assert_eq!([&said["methods"][0]["method"], &said["methods"][1]["method"]], ["none", "adjoint"]);
    assert!(error(1) < 0.1 * error(0), "{said}");
    assert!((1.0 - fidelity - error(0)).abs() < 1e-12, "{said}");
    let written = scene.text("corrected.json");
    corrected(&scene, command);
    assert_eq!(written, scene.text("corrected.json"));
}

#[test]
fn without_a_method_the_table_has_every_method() {
    let scene = scene_of(6, 0.02);
    let said = corrected(&scene, "--effort 0.05");
    for method in ["none", "local", "crosstalk", "loss", "self_configuration", "adjoint", "spsa", "characterisation"] {
        row(&said, method);
    }
    assert!(scene.call("list").well().out.contains("  self_configuration "));
    scene.call(&format!("{CORRECT} -o corrected.json")).refused(&["--method"]);
    assert!(!scene.path("corrected.json").exists());
}

#[test]
fn what_cannot_be_corrected_is_refused() {
    let scene = scene_of(6, 0.02);
    scene.call("chip preset:ideal --core 3 --seed 1 -o other.json").well();
    scene.write("hot.toml", "[thermal_crosstalk]\ncoefficient = 0.9\n");
    scene.call("chip hot.toml --program program.json --seed 1 -o hot.json").well();
    let before = scene.text("chip.json");
    for (more, parts) in [
        ("--method locale", &["`correction` is `locale`", "did you mean `local`?", "spsa"][..]),
        ("--method local --noise=-1", &["--noise", "-1", "0 to 1"]),
        ("--method local --noise -1", &["--noise", "found -1", "0 to 1"]),
        ("--method local --effort -inf", &["--effort", "found -inf"]),
        ("--method local --noise nan", &["--noise", "NaN"]),
        ("--method local --effort inf", &["--effort", "inf"]),
    ] {
        scene.call(&format!("{CORRECT} -o corrected.json {more}")).refused(parts);
    }
    scene.call("correct program.json --chip other.json").refused(&["chip is", "program is"]);
    scene.call("correct program.json --chip hot.json --method crosstalk").refused(&[
        "hot.json: correction `crosstalk`",
        "crosstalk cannot be undone",
        "rad",
        "`thermal_crosstalk`",
    ]);
    // What was read is not written over, by whatever path it is named.
    let absolute = scene.path("chip.json");
    for (same, which) in
        [("program.json", "the program"), ("./chip.json", "the chip"), (absolute.to_str().unwrap(), "the chip")]
    {
        scene.call(&format!("{CORRECT} --method local -o {same}")).refused(&["-o", which]);
    }
    assert_eq!(before, scene.text("chip.json"));
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
    let parts = ["experiment.toml: line", "`locl`", "`none` or one of local, "];
    scene.refuses(&format!("correction = 'locl'\n{DATA}{CORE}"), &parts);
    scene.refuses(&format!("correction = 'local'\ncorrection_noise = -1\n{DATA}{CORE}"), &["correction_noise", "-1"]);
}

const PROCESS: &str = "[process.splitter_error]\nsigma_rad = 0.1\n";

#[test]
fn settings_of_no_correction_have_no_effect() {
    let scene = Scene::new();
    for key in ["correction_noise", "correction_effort"] {
        scene.experiment(&format!("{key} = 0.5\n{DATA}{CORE}{PROCESS}"));
        let folder = format!("out-{key}");
        let said = scene.call(&format!("run experiment.toml -o {folder}")).well().err;
        let note =
            format!("note: no part of this experiment reads these keys of its files, and they have no effect: {key}\n");
        assert!(said.contains(&note), "{said}");
        let sweep = format!("[[sweep]]\nkeys = ['{key}']\nvalues = [0.1, 1]\n");
        scene.refuses(&format!("{DATA}{CORE}{PROCESS}{sweep}"), &["experiment.toml: line 11", key, "has no effect"]);
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

#[test]
fn the_table_says_what_the_heaters_cost() {
    let scene = scene_of(6, 0.02);
    let said = corrected(&scene, "--method crosstalk");
    assert!(said.contains("names no [phase_shifter]") && row(&said, "none").contains(" – "), "{said}");
    scene.chip("[thermal_crosstalk]\ncoefficient = 0.02\n[phase_shifter]\npower_pi_w = 0.025\n");
    let said = corrected(&scene, "--method crosstalk -o corrected.json");
    assert!(said.contains("Σ|φ|·P_π/π"), "{said}");
    let mut is_watt = None;
    for (method, file) in [("none", "program.json"), ("crosstalk", "corrected.json")] {
        let program = MatrixProgram::load(&scene.path(file)).unwrap();
        let phases = program.stages().iter().flat_map(|s| s.phases().values());
        let watts = 0.025 * phases.map(|phase| phase.abs()).sum::<f64>() / std::f64::consts::PI;
        // The first row chooses the unit of the table.
        let is_watt = *is_watt.get_or_insert(watts >= 1.0);
        let expected = if is_watt { format!(" {watts:.3} W ") } else { format!(" {:.3} mW ", 1e3 * watts) };
        assert!(row(&said, method).contains(&expected), "{expected}: {said}");
    }
}

#[test]
fn a_dark_chip_has_no_light_in_words() {
    let scene = scene_of(6, 0.0);
    scene.chip("[insertion_loss]\nloss_db = 1e4\n");
    for command in [&format!("{CORRECT} --method local"), "matrix program.json --chip chip.json"] {
        let said = scene.call(command).well().out;
        assert!(said.contains("no light") && !said.contains("inf dB"), "{said}");
    }
}

/// The model of the fit has the loss of the design: a chip whose arms lose quite differently is no such chip.
#[test]
fn a_failed_fit_is_recognised_by_its_residual() {
    let scene = scene_of(6, 0.02);
    for (process, warns) in
        [("[splitter_error]\nsigma_rad = 0.02\n", false), ("[insertion_loss]\nimbalance_sigma_db = 2\n", true)]
    {
        scene.chip(process);
        let said = corrected(&scene, "--method characterisation");
        assert!(said.contains("the fit misses the measurements by"), "{said}");
        assert_eq!(said.contains("warning: the fit misses the measurements by"), warns, "{said}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupted_method_ends_soon_and_writes_nothing() {
    use super::support::{Working, phaseloom};
    use std::fs::File;
    // One step of the methods that solve equations takes seconds.
    let scene = scene_of(40, 0.05);
    for (method, effort) in
        [("adjoint", "1000"), ("spsa", "1000"), ("self_configuration", "1000"), ("characterisation", "1")]
    {
        let mut command = phaseloom();
        command.current_dir(&scene.0).args(CORRECT.split(' ')).args(["--method", method, "--effort", effort]);
        let file = |name: &str| File::create(scene.path(name)).unwrap();
        command.args(["-o", "corrected.json"]).stdout(file("out.txt")).stderr(file("err.txt"));
        let working = Working(command.spawn().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(700));
        working.interrupt();
        let said = scene.text("err.txt");
        assert!(said.contains("interrupted: nothing was written"), "{method}: {said}");
        assert_eq!(scene.text("out.txt"), "", "{method}");
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
    let working = Working::until(&scene.path("experiment.toml"), &scene.path("out"), &["--threads", "2"], 5);
    std::thread::sleep(std::time::Duration::from_millis(300));
    working.interrupt();
    assert_eq!(units(&scene.path("out")), 5, "references alone");
    let text = scene.text("out/units.jsonl");
    assert!(!text.contains("\"chips\""), "{text}");
}

/// Files and the command line allow an effort of 0, which is one step.
#[test]
fn no_effort_is_one_step() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.chip("splitter_error.sigma_rad = 0.02");
    let json = scene.call("correct program.json --chip chip.json --method spsa --effort 0 --format json").well().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.to_string().contains("\"steps\":1"), "{json}");
}
