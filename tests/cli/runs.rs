//! Whole experiments from end to end: every example in reduced form, what a run leaves and what it says, a second
//! start, training and calibration.

use super::support::{
    RESULTS, Scene, Working, assert_equal_results, cell, example, phaseloom, read_npy, results, run, run_to, table,
};
use std::fs;
use std::path::Path;

/// Runs an example; the perfect mesh with an ideal link must decide and compute as the exact network does.
fn example_holds(experiment: &Path, more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a folder with spaces");
    let ended = run_to(experiment, &out, &[more, &["--trials", "2", "--save-outputs"]].concat()).well();
    assert!(!ended.out.is_empty());
    // In a pipe only sentences, no progress bar.
    assert!(!ended.err.contains(['\r', '\u{1b}', '█']) && ended.err.lines().count() <= 2, "{}", ended.err);
    for name in [&RESULTS[..], &["experiment.toml", "identity.json", "provenance.json", "units.jsonl"]].concat() {
        assert!(fs::metadata(out.join(name)).unwrap().len() > 0, "{name}");
    }
    let rows = table(&out.join("summary.csv"));
    let mut seen = 0;
    for row in rows.iter().filter(|row| matches!(cell(row, "row"), "exact" | "perfect_ideal")) {
        assert_eq!((cell(row, "agreement"), cell(row, "difference")), ("1", "0"));
        seen += 1;
    }
    assert!(seen >= 2 && rows.iter().any(|row| cell(row, "row") == "chips"));
    let outputs = |row: &str| {
        let name = format!("{row}-point0-trial0-shot0.npy");
        read_npy(&out.join("outputs").join(name))
    };
    let ((classes, samples, exact), (_, _, ideal)) = (outputs("exact"), outputs("perfect_ideal"));
    assert_eq!(samples.to_string(), cell(&table(&out.join("table.csv"))[0], "samples"));
    let largest = exact.iter().map(|z| z[0].abs()).fold(0.0, f64::max);
    for (a, b) in exact.iter().zip(&ideal) {
        assert!((a[0] - b[0]).abs() < 1e-9 * largest.max(1.0), "{a:?} {b:?}");
    }
    let decide = |all: &[[f64; 2]]| -> Vec<usize> {
        let largest = |j: usize| {
            (0..classes).max_by(|&a: &usize, &b: &usize| all[a * samples + j][0].total_cmp(&all[b * samples + j][0]))
        };
        (0..samples).map(|j| largest(j).unwrap()).collect()
    };
    assert_eq!(decide(&exact), decide(&ideal));

    // Started again: nothing to do, the same bytes, and outputs that were not kept now are not promised.
    let before = results(&out);
    let provenance = fs::read(out.join("provenance.json")).unwrap();
    let again = run_to(experiment, &out, &[more, &["--trials", "2"]].concat()).well();
    assert!(again.err.contains("nothing was computed"), "{}", again.err);
    assert_eq!(again.out, ended.out);
    assert_eq!(provenance, fs::read(out.join("provenance.json")).unwrap());
    assert!(results(&out) == before, "another start makes other bytes");
}

#[test]
fn digits() {
    example_holds(&example("digits/digits.toml"), &[]);
}

#[test]
fn breast_cancer() {
    example_holds(&example("breast_cancer/breast_cancer.toml"), &[]);
}

#[test]
fn vowels() {
    if std::env::var_os("PHASELOOM_DATA").is_none() {
        eprintln!("skipped: PHASELOOM_DATA is not set");
        return;
    }
    example_holds(&example("vowels/vowels.toml"), &[]);
}

/// A copy of an experiment elsewhere, its paths made absolute, its table changed.
fn copy(of: &str, folder: &Path, change: impl FnOnce(&mut toml::Table)) -> std::path::PathBuf {
    let path = example(of);
    let base = path.parent().unwrap().to_owned();
    let mut table: toml::Table = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let absolute = |value: &mut toml::Value| {
        *value = base.join(value.as_str().unwrap()).to_str().unwrap().into();
    };
    ["model", "process"].iter().for_each(|key| absolute(&mut table[*key]));
    let data = table["data"].as_table_mut().unwrap();
    data.iter_mut().filter(|(key, _)| ["inputs", "labels"].contains(&key.as_str())).for_each(|(_, v)| absolute(v));
    change(&mut table);
    let path = folder.join("copy.toml");
    fs::write(&path, toml::to_string(&table).unwrap()).unwrap();
    path
}

#[test]
fn mnist_on_a_few_samples() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = copy("mnist/experiment.toml", folder.path(), |table| {
        table["data"].as_table_mut().unwrap().insert("samples".into(), 50.into());
        table["sweep"][0]["values"] = vec![toml::Value::Float(0.01)].into();
    });
    example_holds(&experiment, &[]);
}

#[test]
fn shots_are_rows_of_the_table_and_outputs_of_their_own() {
    let scene = Scene::new();
    let text = fs::read_to_string(scene.path("experiment.toml")).unwrap();
    // Noise of several steps of the converter, so that no two shots read alike.
    let noisy = text.replace("laser_power_w = 1e-3", "laser_power_w = 1e-6");
    assert_ne!(noisy, text);
    scene.write("experiment.toml", format!("shots = 3\n{noisy}"));
    scene.run(&["--save-outputs"]).well();
    let rows = table(&scene.path("out/table.csv"));
    // Two points of two chips, and the perfect mesh, with three shots each.
    assert_eq!(rows.iter().filter(|r| cell(r, "row") == "chips").count(), 12);
    for row in table(&scene.path("out/summary.csv")).iter().filter(|r| cell(r, "row") == "chips") {
        let sd: f64 = cell(row, "sd_between_shots").parse().unwrap();
        assert!(sd.is_finite());
    }
    let shot = |n| read_npy(&scene.path(&format!("out/outputs/chips-point0-trial0-shot{n}.npy"))).2;
    assert!(shot(0) != shot(1) && shot(1) != shot(2));
}

#[test]
fn outputs_asked_for_too_late_are_said_to_be_missing() {
    let scene = Scene::new();
    scene.run(&[]).well();
    let ended = scene.run(&["--save-outputs"]).well();
    assert!(ended.err.contains("--save-outputs") && ended.err.contains("new folder"), "{}", ended.err);
}

#[test]
fn without_o_the_folder_is_named_after_the_experiment() {
    let scene = Scene::new();
    scene.call("run experiment.toml").well();
    assert!(scene.path("phaseloom-runs/experiment/table.csv").exists());
    scene.call("run experiment.toml --shard 1/2").well();
    assert!(scene.path("phaseloom-runs/experiment-1-of-2/units.jsonl").exists());
}

#[test]
fn training_and_calibration_repeat_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["breast_cancer.csv", "model.toml", "train.toml", "breast_cancer.toml"] {
        fs::copy(example("breast_cancer").join(name), folder.path().join(name)).unwrap();
    }
    let path = |name: &str| folder.path().join(name);
    let train = fs::read_to_string(path("train.toml")).unwrap().replace("epochs = 100", "epochs = 5");
    assert!(train.contains("epochs = 5"));
    fs::write(path("train.toml"), train).unwrap();
    let made = || {
        let ended = run([&"train".into(), &path("train.toml")]).well();
        assert!(ended.out.starts_with("epoch 5/5") && ended.err.contains("wrote"), "{}{}", ended.out, ended.err);
        (fs::read(path("weights.safetensors")).unwrap(), fs::read(path("calibration.json")).unwrap())
    };
    let first = made();
    assert!(made() == first, "the same seed makes other bytes");
    run_to(&path("breast_cancer.toml"), &path("a"), &["--trials", "1"]).well();

    // The same scales from the experiment's own table.
    let text = fs::read_to_string(path("breast_cancer.toml")).unwrap();
    let data =
        "data = { inputs = 'breast_cancer.csv', csv = { skip_lines = 1 }, every = { modulus = 5, except = [0] } }";
    fs::write(path("own.toml"), format!("{text}\n[calibration]\n{data}\n")).unwrap();
    run([&"calibrate".into(), &path("own.toml")]).well();
    assert!(fs::read(path("calibration.json")).unwrap() == first.1);
    fs::remove_file(path("calibration.json")).unwrap();
    run_to(&path("own.toml"), &path("b"), &["--trials", "1"])
        .refused(&["calibration.json does not exist", "phaseloom calibrate"]);
    assert!(!path("b").exists());
    let other = path("elsewhere.json");
    run(["calibrate".as_ref(), path("own.toml").as_os_str(), "-o".as_ref(), other.as_os_str()]).well();
    assert!(fs::read(other).unwrap() == first.1);
}

#[test]
#[cfg(unix)]
fn ctrl_c_keeps_what_training_has_reached() {
    use std::io::{BufRead, BufReader};
    let scene = Scene::new();
    let training = scene.write(
        "train.toml",
        "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 9223372036854775807\nbatch = 8\n\
         learning_rate = 1e-3\nseed = 1\n[train]\ninputs = 'x.npy'\nlabels = 'y.npy'\n",
    );
    let before = fs::read(scene.path("w.safetensors")).unwrap();
    let child = phaseloom().arg("train").arg(training).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut working = Working(child);
    let mut lines = BufReader::new(working.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("epoch 1/"));
    // Read to the end, so that it never waits for its reader.
    let said = std::thread::spawn(move || lines.collect::<Vec<String>>());
    working.interrupt();
    let said = said.join().unwrap();
    assert!(said.last().unwrap().contains("wrote"), "{:?}", said.last());
    assert!(fs::read(scene.path("w.safetensors")).unwrap() != before);
}

#[test]
fn equal_experiments_in_other_folders_leave_equal_bytes() {
    let (a, b) = (Scene::new(), Scene::new());
    a.run(&[]).well();
    b.run(&[]).well();
    assert_equal_results(&a.path("out"), &b.path("out"));
}
