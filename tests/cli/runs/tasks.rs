//! Kinds of task: classes, one output, regression, inputs without labels; scales that a run measures, outputs of layers,
//! the folder of a run as an experiment, and dry runs.

use crate::cli::support::{
    CORE, DATA, LINK, MODEL, SWEEP, Scene, assert_equal_results, cell, integers, npy, npy_real, safetensors, table,
};
use phaseloom::files::npy::{NpyKind, parse_npy};
use std::fs;
use std::path::Path;

/// The sines that the small model and its inputs are made of.
fn wave(n: usize, f: f64) -> Vec<f64> {
    (0..n).map(|i| ((i as f64 + 1.0) * f).sin()).collect()
}

/// A real array of samples × features.
fn real(path: &Path) -> (Vec<usize>, Vec<f64>) {
    let array = parse_npy(path, &fs::read(path).unwrap()).unwrap();
    assert_eq!((array.kind, array.single_precision), (NpyKind::Real, false));
    (array.shape, array.real.into_doubles())
}

/// The number in a column.
#[track_caller]
fn number(row: &[(String, String)], column: &str) -> f64 {
    cell(row, column).parse().unwrap_or_else(|_| panic!("{column}: {}", cell(row, column)))
}

#[track_caller]
fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} is not {b}");
}

/// The small model with one output of the given activation, whose output is positive for about half of the inputs.
fn one_output(activation: &str) -> Scene {
    let scene = Scene::new();
    let last = format!("outputs = 1\nweight = 'w2'\n{activation}");
    scene.write("model.toml", MODEL.replace("outputs = 2\nweight = 'w2'\n", &last));
    let tensors = [("w1", &[4, 3][..], wave(12, 1.7)), ("b1", &[4], wave(4, 0.3)), ("w2", &[1, 4], wave(4, 2.3))];
    scene.write("w.safetensors", safetensors(&tensors));
    scene
}

/// The output of that model before its last activation.
fn last_output(sample: usize) -> f64 {
    let (w1, b1, w2, x) = (wave(12, 1.7), wave(4, 0.3), wave(4, 2.3), wave(120, 0.7));
    let hidden = |j: usize| b1[j] + (0..3).map(|i| w1[3 * j + i] * x[3 * sample + i]).sum::<f64>();
    (0..4).map(|j| w2[j] * hidden(j).max(0.0)).sum()
}

#[test]
fn scales_are_measured_on_training_data_without_labels() {
    let scene = Scene::new();
    fs::remove_file(scene.path("calibration.json")).unwrap();
    let tables = format!("{DATA}{CORE}{LINK}");
    let experiment = scene.experiment(&tables);
    // The error names the two lines that are missing.
    let refused = scene.run(&[]);
    assert_eq!(refused.code, Some(2));
    let lines: Vec<&str> = refused.err.lines().rev().take(2).collect();
    assert_eq!(lines[1], "[calibration]");
    assert!(lines[0] == "data = { inputs = \"train.npy\" }" && !scene.path("out").exists(), "{}", refused.err);
    fs::copy(scene.path("x.npy"), scene.path("train.npy")).unwrap();
    let text = format!("{}{}\n{}\n", fs::read_to_string(&experiment).unwrap(), lines[1], lines[0]);
    fs::write(&experiment, &text).unwrap();
    let ended = scene.run(&[]).well();
    assert!(ended.err.contains("are measured on the 40 samples of [calibration]"), "{}", ended.err);
    assert!(scene.json("out/identity.json")["inputs"].get("calibration: train.npy").is_some());
    let measured = scene.text("out/calibration.json");
    // Started again, nothing is measured. Shards measure the same, and a merge keeps the file.
    assert!(scene.run(&[]).well().err.contains("nothing was computed"));
    scene.call("run experiment.toml --shard 1/2 -o a").well();
    scene.call("run experiment.toml --shard 2/2 -o b").well();
    scene.call("merge a b -o whole").well();
    assert_eq!(scene.text("whole/calibration.json"), measured);
    assert_equal_results(&scene.path("whole"), &scene.path("out"));
    // The file is what `calibrate` writes, and serves a model as its calibration with the same results.
    scene.call("calibrate experiment.toml").well();
    assert_eq!(scene.text("calibration.json"), measured);
    scene.experiment(&tables);
    scene.call("run experiment.toml -o file").well();
    let rows = |folder: &str| table(&scene.path(folder).join("table.csv"));
    assert_eq!(rows("file"), rows("out"));
    // Other weights: the file is refused, and training data replace it.
    scene.weights(wave(12, 1.9), wave(4, 0.3), wave(8, 2.3));
    scene.call("run experiment.toml -o other").refused(&["model have changed since", "[calibration]"]);
    fs::write(&experiment, text).unwrap();
    scene.call("run experiment.toml -o other").well();
    assert_ne!(scene.text("other/calibration.json"), measured);
}

#[test]
fn inputs_without_labels_give_outputs_and_agreement() {
    let scene = Scene::new();
    let process = "[process.splitter_error]\nsigma_rad = 0.05\n";
    scene.experiment(&format!("[data]\ninputs = 'x.npy'\n{CORE}{process}"));
    let ended = scene.run(&["--save-outputs"]).well();
    assert!(!ended.out.contains("accuracy"), "{}", ended.out);
    assert!(
        ended
            .joined()
            .contains(" Agreement with the floating-point reference (without labels): the median of 2 chips is ")
    );
    let outputs = |row: &str| real(&scene.path(&format!("out/outputs/{row}-point0-trial0-shot0.npy"))).1;
    let (exact, chip) = (outputs("exact"), outputs("chips"));
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let difference = squares(&mut exact.iter().zip(&chip).map(|(a, b)| a - b)) / squares(&mut exact.iter().copied());
    let larger = |all: &[f64]| all.chunks(2).map(|pair| pair[1] > pair[0]).collect::<Vec<bool>>();
    let same = larger(&exact).iter().zip(larger(&chip)).filter(|(a, b)| **a == *b).count();
    let rows = table(&scene.path("out/table.csv"));
    let first = rows.iter().find(|row| cell(row, "row") == "chips").unwrap();
    close(number(first, "output_difference"), difference.sqrt());
    close(number(first, "agreement"), same as f64 / 40.0);
    assert!(difference > 0.0 && !scene.path("out/classes.csv").exists());
    for name in ["table.csv", "summary.csv"] {
        assert!(!scene.text(&format!("out/{name}")).contains("accuracy"), "{name}");
    }
    // The kept outputs are those that another run expects.
    let path = "outputs = 'out/outputs/exact-point0-trial0-shot0.npy', outputs_tolerance = 1e-12";
    scene.experiment(&format!("expect = {{ {path} }}\n[data]\ninputs = 'x.npy'\n{CORE}{process}"));
    scene.call("run experiment.toml -o expected").well();
    // A CSV whose last column is no label, and a key that needs labels.
    let csv: String = wave(120, 0.7).chunks(3).map(|row| format!("{},{},{}\n", row[0], row[1], row[2])).collect();
    scene.write("x.csv", csv);
    scene.experiment(&format!("[data]\ninputs = 'x.csv'\ncsv = {{ label = [] }}\n{CORE}{process}"));
    scene.call("run experiment.toml -o csv").well();
    assert_eq!(table(&scene.path("csv/table.csv")), rows);
    fs::remove_dir_all(scene.path("out")).unwrap();
    scene.refuses(&format!("threshold = 0.5\n[data]\ninputs = 'x.npy'\n{CORE}"), &["`threshold`", "without labels"]);
    // With one output, the difference of the outputs is the score.
    let one = one_output("");
    one.experiment(&format!("[data]\ninputs = 'x.npy'\n{CORE}{SWEEP}"));
    let said = one.run(&[]).well().joined();
    assert!(
        said.contains(" Relative rms difference from the outputs of the floating-point reference (without labels): ")
    );
    assert!(table(&one.path("out/summary.csv")).iter().all(|row| number(row, "output_difference_mean") < 1.0));
}

#[test]
fn one_output_is_compared_with_a_threshold() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let positive = |i: usize| i64::from(last_output(i) > 0.0);
    for (activation, threshold, expected) in [
        ("", "", 1.0),
        ("[[layer]]\nkind = 'sigmoid'\n", "", 1.0),
        ("[[layer]]\nkind = 'sigmoid'\n", "threshold = 0.6\n", f64::NAN),
    ] {
        let scene = one_output(activation);
        scene.write("y.npy", integers(40, |i| positive(i as usize)));
        scene.experiment(&format!("{threshold}{DATA}{CORE}"));
        scene.run(&[]).well();
        let rows = table(&scene.path("out/summary.csv"));
        let by_hand =
            (0..40).filter(|&i| i64::from(sigmoid(last_output(i)) > 0.6) == positive(i)).count() as f64 / 40.0;
        let expected = if expected.is_nan() { by_hand } else { expected };
        close(number(&rows[0], "accuracy_mean"), expected);
        let confused = table(&scene.path("out/confusion.csv"));
        let wrong =
            |row: &&Vec<(String, String)>| cell(row, "row") == "exact" && cell(row, "true") != cell(row, "predicted");
        close(confused.iter().filter(wrong).map(|row| number(row, "count")).sum(), 40.0 * (1.0 - expected));
    }
    let scene = Scene::new();
    scene.refuses(&format!("threshold = 0.5\n{DATA}{CORE}"), &["`threshold`", "found 2 outputs"]);
    let one = one_output("");
    one.write("y.npy", integers(40, |i| i % 3));
    one.refuses(&format!("{DATA}{CORE}"), &["label 2 of sample 2", "0…1"]);
}

#[test]
fn what_cannot_be_judged_is_refused_before_the_run() {
    let scene = one_output("[[layer]]\nkind = 'softmax'\n");
    scene.refuses(&format!("{DATA}{CORE}"), &["softmax of one output", "`sigmoid`"]);
    let scene = Scene::new();
    let targets: Vec<[f64; 2]> = (0..40).map(|i| [1e200 * f64::from(i), 1.0]).collect();
    scene.write("t.npy", npy_real(&targets));
    let tables = format!("[data]\ninputs = 'x.npy'\ntargets = 't.npy'\n{CORE}");
    scene.refuses(&tables, &["line 5: `data.targets`", "t.npy", "3.9e201", "squares are finite"]);
    let smaller: Vec<[f64; 2]> = targets.iter().map(|[a, b]| [1e-60 * a, *b]).collect();
    scene.write("t.npy", npy_real(&smaller));
    scene.experiment(&tables);
    scene.run(&[]).well();
}

#[test]
fn targets_give_rms_error_and_coefficient_of_determination() {
    let scene = Scene::new();
    let targets: Vec<[f64; 2]> =
        (0..40).map(|i| [(0.9 * f64::from(i)).sin(), 2.0 * (1.1 * f64::from(i)).cos()]).collect();
    scene.write("t.npy", npy_real(&targets));
    let process = "[process.phase_error]\nsigma_rad = 0.01\n";
    scene.experiment(&format!("[data]\ninputs = 'x.npy'\ntargets = 't.npy'\n{CORE}{process}{SWEEP}"));
    let ended = scene.run(&["--save-outputs"]).well();
    let outputs = real(&scene.path("out/outputs/chips-point1-trial1-shot0.npy")).1;
    let exact = real(&scene.path("out/outputs/exact-point0-trial0-shot0.npy")).1;
    let truth: Vec<f64> = targets.concat();
    let mean_square = |a: &[f64]| a.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 80.0;
    let mean = |k: usize| targets.iter().map(|row| row[k]).sum::<f64>() / 40.0;
    let variance =
        targets.iter().map(|row| (row[0] - mean(0)).powi(2) + (row[1] - mean(1)).powi(2)).sum::<f64>() / 80.0;
    let rows = table(&scene.path("out/table.csv"));
    let chips = |row: &&Vec<(String, String)>| {
        [cell(row, "row"), cell(row, "point"), cell(row, "trial")] == ["chips", "1", "1"]
    };
    let row = rows.iter().find(chips).unwrap();
    close(number(row, "rms_error"), mean_square(&outputs).sqrt());
    close(number(row, "difference"), mean_square(&outputs).sqrt() - mean_square(&exact).sqrt());
    close(number(row, "r_squared"), 1.0 - mean_square(&outputs) / variance);
    let summary = table(&scene.path("out/summary.csv"));
    let row = summary.iter().find(|row| [cell(row, "row"), cell(row, "point")] == ["chips", "1"]).unwrap();
    let two: Vec<f64> = rows
        .iter()
        .filter(|r| [cell(r, "row"), cell(r, "point")] == ["chips", "1"])
        .map(|r| number(r, "rms_error"))
        .collect();
    close(number(row, "rms_error_mean"), (two[0] + two[1]) / 2.0);
    close(number(row, "rms_error_sd"), (two[0] - two[1]).abs() / 2.0_f64.sqrt());
    close(number(row, "difference_se"), (two[0] - two[1]).abs() / 2.0);
    assert!(
        ended.joined().contains(" Floating-point rms error ")
            && ended.out.contains("R²")
            && !ended.out.contains("accuracy")
    );
    assert!(ended.joined().contains("% of the standard deviation of the targets"), "{}", ended.out);
    assert!(scene.text("out/figure.svg").contains("rms error of the outputs"));
    // Columns of a CSV: in a file of their own, and in that of the inputs.
    let x = wave(120, 0.7);
    let join = |row: &[f64]| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let csv = |with_inputs: bool| {
        let head = if with_inputs { "a,b,c,u,v\n" } else { "u,v\n" };
        let row = |i: usize| {
            if with_inputs { join(&[&x[3 * i..3 * i + 3], &targets[i][..]].concat()) } else { join(&targets[i]) }
        };
        head.to_owned() + &(0..40).map(|i| row(i) + "\n").collect::<String>()
    };
    scene.write("t.csv", csv(false));
    scene.write("x.csv", csv(true));
    for (name, data) in [
        ("own", "inputs = 'x.npy'\ntargets = 't.csv'\ncsv = { targets = ['u', 'v'] }"),
        ("same", "inputs = 'x.csv'\ncsv = { targets = ['u', 'v'] }"),
    ] {
        scene.experiment(&format!("[data]\n{data}\n{CORE}{process}{SWEEP}"));
        scene.call(&format!("run experiment.toml -o {name}")).well();
        assert_eq!(table(&scene.path(name).join("table.csv")), rows, "{name}");
    }
    fs::remove_dir_all(scene.path("out")).unwrap();
    scene.write("t.npy", npy_real(&[[1.0; 3]; 40]));
    scene.refuses(
        &format!("[data]\ninputs = 'x.npy'\ntargets = 't.npy'\n{CORE}"),
        &["data.targets", "3 a sample", "expected 2"],
    );
    scene.write("t.npy", npy("<c16", "(40, 2)", &[0; 1280]));
    scene.refuses(&format!("[data]\ninputs = 'x.npy'\ntargets = 't.npy'\n{CORE}"), &["t.npy", "complex numbers"]);
}

#[test]
fn classes_have_their_names_and_counts() {
    let scene = Scene::new();
    let names = |i: usize| ["cat", "dog"][i % 2];
    let csv: String = wave(120, 0.7)
        .chunks(3)
        .enumerate()
        .map(|(i, r)| format!("{},{},{},{}\n", r[0], r[1], r[2], names(i)))
        .collect();
    scene.write("x.csv", csv);
    scene.experiment(&format!("[data]\ninputs = 'x.csv'\n{CORE}{SWEEP}"));
    scene.run(&["--save-outputs"]).well();
    let (classes, confusion) = (table(&scene.path("out/classes.csv")), table(&scene.path("out/confusion.csv")));
    // Two points of five rows with two classes.
    assert_eq!(classes.len(), 20);
    let outputs = |trial: usize| real(&scene.path(&format!("out/outputs/chips-point1-trial{trial}-shot0.npy"))).1;
    let count = |trial: usize, label: usize, predicted: usize| {
        let predictions = outputs(trial).chunks(2).map(|pair| usize::from(pair[1] > pair[0])).collect::<Vec<_>>();
        (0..40).filter(|&i| i % 2 == label && predictions[i] == predicted).count() as f64
    };
    let of_chips = |row: &&Vec<(String, String)>| [cell(row, "row"), cell(row, "point")] == ["chips", "1"];
    for row in classes.iter().filter(of_chips) {
        let label = usize::from(cell(row, "class") == "dog");
        let shares = [0, 1].map(|trial| count(trial, label, label) / 20.0);
        close(number(row, "samples"), 20.0);
        close(number(row, "accuracy_mean"), (shares[0] + shares[1]) / 2.0);
        close(number(row, "accuracy_se"), (shares[0] - shares[1]).abs() / 2.0);
    }
    let mut total = 0.0;
    for row in confusion.iter().filter(of_chips) {
        let [label, predicted] = ["true", "predicted"].map(|column| usize::from(cell(row, column) == "dog"));
        close(number(row, "count"), (count(0, label, predicted) + count(1, label, predicted)) / 2.0);
        total += number(row, "count");
    }
    close(total, 40.0);
    let before = (scene.text("out/classes.csv"), scene.text("out/confusion.csv"));
    // A merge has no data, and writes the same names.
    scene.call("merge out -o merged").well();
    assert_eq!((scene.text("merged/classes.csv"), scene.text("merged/confusion.csv")), before);
}

#[test]
fn outputs_of_layers_are_samples_by_features() {
    let scene = Scene::new();
    scene.experiment(&format!("{DATA}{CORE}[process.splitter_error]\nsigma_rad = 0.05\n"));
    scene.call("run experiment.toml -o out --save-outputs 0 1").well();
    let (w, b, x) = (wave(12, 1.7), wave(4, 0.3), wave(120, 0.7));
    let hidden = |sample: usize, j: usize| b[j] + (0..3).map(|i| w[3 * j + i] * x[3 * sample + i]).sum::<f64>();
    let read = |name: &str| real(&scene.path(&format!("out/outputs/{name}.npy")));
    let (shape, before) = read("exact-point0-trial0-shot0-layer0");
    let (_, after) = read("exact-point0-trial0-shot0-layer1");
    assert_eq!(shape, [40, 4]);
    for at in 0..160 {
        close(before[at], hidden(at / 4, at % 4));
        close(after[at], before[at].max(0.0));
    }
    let (chip, activated) = (read("chips-point0-trial1-shot0-layer0").1, read("chips-point0-trial1-shot0-layer1").1);
    assert!(chip != before && chip.iter().zip(&activated).all(|(a, b)| a.max(0.0).to_bits() == b.to_bits()));
    assert_eq!(read("chips-point0-trial1-shot0").0, [40, 2]);
    scene
        .call("run experiment.toml -o b --save-outputs 3")
        .refused(&["layer 3", "0 (photonic), 1 (relu), 2 (photonic)"]);
    assert!(!scene.path("b").exists());
}

#[test]
fn the_folder_of_a_run_is_an_experiment() {
    let scene = Scene::new();
    fs::create_dir(scene.path("project")).unwrap();
    for name in ["model.toml", "w.safetensors", "calibration.json", "x.npy", "y.npy", "experiment.toml"] {
        fs::rename(scene.path(name), scene.path(&format!("project/{name}"))).unwrap();
    }
    scene.call("run project/experiment.toml -o project/runs/a").well();
    let original = scene.path("project/runs/a");
    let done = scene.call("run project/runs/a").well();
    assert!(done.err.contains("nothing was computed") && done.err.matches("note:").count() <= 1, "{}", done.err);
    // From its folder, as its file, elsewhere: the same identity and the same bytes.
    for (from, out) in [("project/runs/a", "b"), ("project/runs/a/experiment.toml", "c"), ("b", "d")] {
        scene.call(&format!("run {from} -o {out}")).well();
        assert_equal_results(&original, &scene.path(out));
        assert_eq!(scene.text("project/runs/a/identity.json"), scene.text(&format!("{out}/identity.json")));
    }
    // More chips for the same run, also after the folder of the project was moved.
    fs::rename(scene.path("project"), scene.path("moved")).unwrap();
    let more = scene.call("run moved/runs/a --trials 3").well();
    assert!(more.joined().contains("the median of 3 chips"), "{}", more.out);
    scene.call("run moved/runs/a --seed 9").refused(&["holds a run of another experiment (different: seed)"]);
    scene.call("run moved/experiment.toml -o moved/runs/a --trials 3").well();
    scene.call("merge moved/runs/a -o merged").well();
    assert!(scene.call("run merged").well().err.contains("nothing was computed"));
}

#[test]
fn a_dry_run_states_size_and_time_and_writes_nothing() {
    let scene = Scene::new();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(scene.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let said = scene.call("run experiment.toml --dry-run --threads 2 --save-outputs 0").well().out;
    // The sweep shares all rows but the design, of which there are two.
    for part in [
        "points   2\n",
        "units    10 (2 chips at 2 points, and reference rows), 10 to compute",
        "threads  2\n",
        "memory   about ",
        "time     about ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let joined = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["classes.csv", "outputs/ (16 files)", "estimate by a fixed rule", "one chip at point 1 takes "] {
        assert!(joined.contains(part), "{part}: {said}");
    }
    assert_eq!(names(), before);
    scene.run(&[]).well();
    let (folder, said) = (names(), scene.call("run out --dry-run --trials 5").well().out);
    assert!(said.contains("units    16 ") && said.contains(" 6 to compute"), "{said}");
    assert_eq!(names(), folder);
    scene.call("run out --dry-run --seed 3").refused(&["different: seed"]);
    scene.experiment("[data]\ninputs = 'none.npy'\n");
    scene.call("run experiment.toml --dry-run").refused(&["none.npy"]);
}
