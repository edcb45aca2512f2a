//! Folders of results that are not what a run expects: another experiment, foreign or damaged files, two writers,
//! paths that cannot be read or written.

use super::super::support::{CORE, DATA, LINK, SWEEP, Scene, Working, assert_equal_results, example, run_to, units};
use std::fs;

#[test]
fn another_experiment_is_refused_with_the_keys_that_differ() {
    let scene = Scene::new();
    scene.run(&[]).well();
    let before = fs::read(scene.path("out/units.jsonl")).unwrap();
    scene.run(&["--seed", "7"]).refused(&["another experiment", "(different: seed)"]);
    scene.experiment(&format!("{DATA}{CORE}{}{SWEEP}", LINK.replace("adc = { bits = 6 }", "adc = { bits = 7 }")));
    scene.run(&[]).refused(&["(different: link.adc.bits)"]);
    // The contents of a file count, not its name.
    scene.experiment(&format!("{DATA}{CORE}{LINK}{SWEEP}"));
    scene.inputs(&[0.25; 120]);
    scene.run(&[]).refused(&["inputs.data: x.npy"]);
    assert_eq!(before, fs::read(scene.path("out/units.jsonl")).unwrap());
}

#[test]
fn two_files_of_one_name_are_two_inputs() {
    let scene = Scene::new();
    for folder in ["a", "b"] {
        fs::create_dir(scene.path(folder)).unwrap();
        fs::copy(scene.path("x.npy"), scene.path(folder).join("x.npy")).unwrap();
    }
    scene.experiment(&format!("{DATA}{CORE}[[sweep]]\nkeys = ['data.inputs']\nvalues = ['a/x.npy', 'b/x.npy']\n"));
    scene.run(&[]).well();
    let mut bytes = fs::read(scene.path("b/x.npy")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(scene.path("b/x.npy"), bytes).unwrap();
    scene.run(&[]).refused(&["inputs.data: b/x.npy"]);
}

#[test]
fn foreign_folders_and_files_are_left_alone() {
    let scene = Scene::new();
    fs::create_dir(scene.path("out")).unwrap();
    scene.write("out/thesis.txt", "years of work");
    scene.run(&[]).refused(&["not empty", "no Phaseloom run"]);
    assert_eq!(fs::read_dir(scene.path("out")).unwrap().count(), 1);
    let experiment = scene.path("experiment.toml");
    run_to(&experiment, &scene.path("y.npy"), &[]).refused(&["y.npy", "it is not a folder: expected a folder"]);
    run_to(&experiment, &scene.path("y.npy/below"), &[]).refused(&["below", "y.npy, which is not a folder"]);
    for special in [".lock", "units.jsonl", "identity.json"] {
        let out = scene.path(&format!("without {}", special.replace('.', " ")));
        run_to(&experiment, &out, &[]).well();
        fs::remove_file(out.join(special)).unwrap();
        fs::create_dir(out.join(special)).unwrap();
        run_to(&experiment, &out, &[]).refused(&[special, "expected a"]);
    }
    // What is said of an input does not speak of the output.
    for input in ["out", "y.npy", "nowhere"] {
        let refused = scene.call(&format!("merge {input} -o merged")).refused(&[input, "no Phaseloom run"]);
        assert!(!refused.err.contains("-o"), "{}", refused.err);
    }
    // An empty folder, and a link to one, will do.
    fs::create_dir(scene.path("empty")).unwrap();
    run_to(&experiment, &scene.path("empty"), &[]).well();
    #[cfg(unix)]
    {
        fs::create_dir(scene.path("far")).unwrap();
        std::os::unix::fs::symlink(scene.path("far"), scene.path("near")).unwrap();
        run_to(&experiment, &scene.path("near"), &[]).well();
        assert_equal_results(&scene.path("far"), &scene.path("empty"));
    }
}

#[test]
fn damaged_settings_of_a_run_are_refused() {
    let scene = Scene::new();
    scene.run(&[]).well();
    let whole = scene.text("out/units.jsonl");
    let command = "run experiment.toml -o out";
    let name = "out/experiment.toml";
    let good = scene.text(name);
    for bad in [&good[..good.len() / 2], ""] {
        scene.refuses_text(name, bad, command, &[name]);
    }
    // A half-written temporary file of a killed process disturbs no later run.
    scene.write("out/table.csv.1-0.part", "row,poi");
    scene.write("out/provenance.json", "[{");
    scene.run(&[]).well();
    // Lost units are computed again.
    let half: String = whole.lines().take(4).map(|line| format!("{line}\n")).collect();
    scene.write("out/units.jsonl", half);
    scene.run(&[]).well();
    run_to(&scene.path("experiment.toml"), &scene.path("fresh"), &[]).well();
    assert_equal_results(&scene.path("out"), &scene.path("fresh"));
}

#[test]
fn a_run_whose_identity_is_gone_is_resumed_by_its_experiment_alone() {
    let scene = Scene::new();
    scene.run(&[]).well();
    let identity = scene.text("out/identity.json");
    for damage in [None, Some(""), Some("{}"), Some(&identity[..identity.len() / 2])] {
        match damage {
            Some(text) => drop(scene.write("out/identity.json", text)),
            None => fs::remove_file(scene.path("out/identity.json")).unwrap(),
        }
        // Of another experiment no line has the checksum.
        let refused = scene.run(&["--seed", "7"]).refused(&["out"]);
        assert!(refused.err.contains("identity.json") || refused.err.contains("no Phaseloom run"), "{}", refused.err);
        scene.run(&[]).well();
        assert_eq!(scene.text("out/identity.json"), identity);
    }
}

#[test]
fn outputs_replace_nothing_of_another_kind() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.call("chip preset:ideal --program program.json --seed 1 -o chip.json").well();
    let [program, chip, calibration] = ["program.json", "chip.json", "calibration.json"].map(|name| scene.text(name));
    scene.call("program u.npy -o chip.json").refused(&["chip.json", "found a file of the format `phaseloom-chip`"]);
    scene.call("chip preset:ideal --core 4 --seed 1 -o program.json").refused(&["format `phaseloom-program`"]);
    scene.call("convert program.json --to bloch -o calibration.json").refused(&["format `phaseloom-calibration`"]);
    scene.write("notes.json", "[1, 2]");
    scene.call("program u.npy -o notes.json").refused(&["found another kind of file"]);
    assert_eq!(scene.text("notes.json"), "[1, 2]");
    assert_eq!(
        [program, chip, calibration],
        ["program.json", "chip.json", "calibration.json"].map(|name| scene.text(name))
    );
    // A file of the same format is replaced.
    scene.call("program u.npy -o program.json").well();
    // The calibration of a model is written by two commands.
    let model = scene.text("model.toml").replace("'calibration.json'", "'w.safetensors'");
    scene.refuses_text("model.toml", &model, "run experiment.toml -o out", &["w.safetensors", "ends with .json"]);
}

#[test]
fn a_file_in_the_wrong_place_is_recognised() {
    let scene = Scene::new();
    scene.unitary(4);
    scene.call("program u.npy -o program.json").well();
    scene.call("chip preset:ideal --program program.json --seed 1 -o chip.json").well();
    scene.write("process.toml", "insertion_loss = { loss_db = 0.1 }\n");
    scene.write("empty.toml", "");
    scene.write("utf16.toml", [0xff, 0xfe, b'a', 0]);
    scene.write("weights.npy", b"PK\x03\x04 and more");
    for (command, part) in [
        ("run process.toml", "found a process"),
        ("run model.toml", "of the format `phaseloom-model`"),
        ("run program.json", "of the format `phaseloom-program`"),
        ("run u.npy", "found a NumPy array"),
        ("run utf16.toml", "UTF-16"),
        ("run empty.toml", "an empty file"),
        ("matrix chip.json", "of the format `phaseloom-chip`"),
        ("matrix program.json --chip program.json", "of the format `phaseloom-program`"),
        ("program weights.npy -o x.json", "a zip archive"),
        ("program process.toml -o x.json", "this is a process"),
        ("chip experiment.toml --core 4 --seed 1 -o x.json", "this is an experiment"),
    ] {
        scene.call(command).refused(&[part]);
    }
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (experiment, out) = (example("digits/digits.toml"), folder.path().join("out"));
    let more = ["--trials", "40", "--threads", "1"];
    let first = Working::until(&experiment, &out, &more, 2);
    run_to(&experiment, &out, &more).refused(&["another phaseloom is writing"]);
    let there = units(&out);
    first.kill();
    assert!(there >= 2);
    // A lock outlives no process: what the test itself holds is refused, what it lets go is not.
    let scene = Scene::new();
    fs::create_dir(scene.path("out")).unwrap();
    let lock = fs::File::create(scene.path("out/.lock")).unwrap();
    lock.lock().unwrap();
    scene.run(&[]).refused(&[".lock", "another phaseloom is writing"]);
    assert!(!scene.path("out/units.jsonl").exists());
    drop(lock);
    scene.run(&[]).well();
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let closed = scene.path("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    // The superuser may write anywhere.
    if fs::write(closed.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write to a read-only folder");
        return;
    }
    run_to(&scene.path("experiment.toml"), &closed.join("out"), &[]).refused(&["closed/out", "Permission denied"]);
}
