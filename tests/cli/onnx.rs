//! ONNX graphs: experiments on them, their operators, files of other programs.

use super::support::{Scene, cell, npy, phaseloom, run, table, wait};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/onnx/tests/models").join(name)
}

/// A folder with a graph, its inputs, and an experiment on chips of eight ports.
fn scene(name: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["onnx", "input.npy"] {
        fs::copy(model(&format!("{name}.{part}")), folder.path().join(format!("{name}.{part}"))).unwrap();
    }
    let labels: String = (0..200).map(|i| format!("{}\n", i % 3)).collect();
    fs::write(folder.path().join("labels.csv"), labels).unwrap();
    let text = format!(
        "model = '{name}.onnx'\ntrials = 2\n{more}\n[data]\ninputs = '{name}.input.npy'\nsamples = 20\n\
         [core]\nports = 8\n[link]\nlaser_power_w = 1e-3\nshot_noise = true\n\
         [process]\nphase_error.sigma_rad = 0.02\n[calibration]\ndata = {{ inputs = '{name}.input.npy', samples = 30 }}\n"
    );
    fs::write(folder.path().join("experiment.toml"), text).unwrap();
    folder
}

#[test]
fn graphs_run_on_chips() {
    for name in ["keras", "lstm6", "transformer"] {
        let folder = scene(name, "");
        let run = || wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(&folder));
        run().well();
        let rows = table(&folder.path().join("out/summary.csv"));
        let ideal = rows.iter().find(|row| cell(row, "row") == "perfect_ideal").unwrap();
        // The transformer has an output per token, and so no axis of classes.
        let column = if name == "transformer" { "output_difference_mean" } else { "output_difference" };
        // The graph computes in single precision.
        assert!(cell(ideal, column).parse::<f64>().unwrap() < 1e-5, "{name}");
        let chips = rows.iter().find(|row| cell(row, "row") == "chips").unwrap();
        assert!(cell(chips, column).parse::<f64>().unwrap() > 1e-3, "{name}");
        assert!(run().err.contains("nothing was computed"));
    }
}

#[test]
fn calibrations_are_next_to_the_graph() {
    let folder = scene("keras", "");
    let run = |arguments: &[&str]| wait(phaseloom().args(arguments).current_dir(&folder)).well();
    run(&["calibrate", "experiment.toml"]);
    assert!(folder.path().join("keras.calibration.json").exists());
    let ended = run(&["run", "experiment.toml", "-o", "out"]);
    assert!(!ended.err.contains("measured on the"), "{}", ended.err);
}

/// The weights next to a graph are found by every path to it.
#[test]
fn weights_in_a_file_of_their_own_are_found() {
    let scene = Scene::new();
    let models = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/onnx/tests/models");
    std::fs::create_dir(scene.path("sub")).unwrap();
    for name in ["convolution_1d.onnx", "convolution_1d.onnx.data"] {
        std::fs::copy(models.join(name), scene.path("sub").join(name)).unwrap();
    }
    for path in ["sub/convolution_1d.onnx", "./sub/convolution_1d.onnx", "sub/../sub/convolution_1d.onnx"] {
        scene.call(&format!("inspect {path}")).well();
    }
    let weights = scene.path("sub").join("convolution_1d.onnx.data");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    scene.call("inspect sub/convolution_1d.onnx").refused(&["convolution_1d.onnx.data", "cut off"]);
}

#[test]
fn inspect_lists_operators_in_eighty_columns() {
    for name in ["residual", "transformer", "gru65"] {
        let path = model(&format!("{name}.onnx"));
        let ended = run(["inspect".as_ref(), path.as_os_str(), "--ports".as_ref(), "8".as_ref()]).well();
        // The name of the file is as long as it is.
        let widest = ended.out.lines().skip(1).map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= 80, "{}", ended.out);
        let json = run(["inspect".as_ref(), path.as_os_str(), "--format".as_ref(), "json".as_ref()]).well().out;
        let json: Value = serde_json::from_str(&json).unwrap();
        let operators = json["operators"].as_array().unwrap();
        let sum: f64 = operators.iter().map(|operator| operator["macs"].as_f64().unwrap()).sum();
        let total = json["macs_photonic"].as_f64().unwrap() + json["macs_electronic"].as_f64().unwrap();
        assert!((sum - total).abs() < 0.5 && total > 100.0);
        let electronic = operators.iter().filter(|operator| operator["place"] == "electronic").count();
        assert_eq!(electronic, if name == "transformer" { 4 } else { 0 });
    }
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/digits");
    for file in ["model.toml", "digits.toml"] {
        let ended = run(["inspect".as_ref(), digits.join(file).as_os_str()]).well();
        assert!(
            ended.out.contains("photonic") && ended.joined().contains(" 0.0 % of them stay electronic"),
            "{}",
            ended.out
        );
    }
}

#[test]
fn expected_results_are_checked_before_the_first_chip() {
    let labels = "expect = { accuracy = 0.95 }";
    let folder = scene("keras", labels);
    let path = folder.path().join("experiment.toml");
    let text = fs::read_to_string(&path).unwrap().replace("samples = 20", "samples = 20\nlabels = 'labels.csv'");
    fs::write(&path, &text).unwrap();
    let run = || wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(&folder));
    run().refused(&["expected an accuracy of 0.95", "normalisation"]);
    fs::write(&path, text.replace("accuracy = 0.95", "accuracy = 0.5, tolerance = 0.5")).unwrap();
    run().well();
}

/// The stored outputs of ONNX Runtime: those of each sample.
fn stored_outputs(name: &str) -> Vec<Vec<f64>> {
    let bytes = fs::read(model(&format!("{name}.output.npy"))).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values = bytes[header..].chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    let values: Vec<f64> = values.collect();
    values.chunks(values.len() / 200).map(<[f64]>::to_vec).collect()
}

#[test]
fn the_metric_decides_on_tables_figure_and_sentence() {
    let with_labels = |name: &str, more: &str| {
        let folder = scene(name, more);
        if name == "mlp" {
            let labels: String = (0..200).map(|i| format!("{}\n", i % 6)).collect();
            fs::write(folder.path().join("labels.csv"), labels).unwrap();
        }
        let path = folder.path().join("experiment.toml");
        let text = fs::read_to_string(&path).unwrap().replace("samples = 20", "samples = 20\nlabels = 'labels.csv'");
        fs::write(path, text).unwrap();
        folder
    };
    let run = |folder: &tempfile::TempDir| {
        wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(folder))
    };
    let of_exact = |folder: &tempfile::TempDir, column: &str| {
        let rows = table(&folder.path().join("out/summary.csv"));
        cell(rows.iter().find(|row| cell(row, "row") == "exact").unwrap(), column).parse::<f64>().unwrap()
    };
    let folder = with_labels("mlp", "metric = 'top-5'");
    let ended = run(&folder).well();
    // The label of sample i is i mod 6. It misses if all five other outputs are larger.
    let outputs = stored_outputs("mlp");
    let hits =
        outputs[..20].iter().enumerate().filter(|(i, y)| y.iter().filter(|&&other| other > y[i % 6]).count() < 5);
    let expected = hits.count() as f64 / 20.0;
    assert!((of_exact(&folder, "top_5_accuracy_mean") - expected).abs() < 1e-9 && expected < 1.0, "{expected}");
    assert!(ended.joined().contains("Floating-point top-5 accuracy"), "{}", ended.out);
    let figure = fs::read_to_string(folder.path().join("out/figure.svg")).unwrap();
    assert!(figure.contains("top-5 test accuracy (%)"));
    // Labels are left aside.
    let folder = with_labels("mlp", "metric = 'none'");
    let ended = run(&folder).well();
    assert!(ended.joined().contains("Relative rms difference from the outputs"), "{}", ended.out);
    assert!(of_exact(&folder, "output_difference_mean").abs() < 1e-12);
    for (name, more, parts) in [
        ("keras", "metric = 'top_5'", &["E0661", "six classes", "labels of 4 classes"][..]),
        ("mlp", "metric = 'rms_error'", &["E0661", "needs targets", "labels"]),
        ("transformer", "", &["E0662", "labels of samples and several axes", "(samples, positions)"]),
        ("transformer", "class_axis = -1", &["E0662", "one label a sample and 6 positions", "(samples, positions)"]),
    ] {
        run(&with_labels(name, more)).refused(parts);
    }
    run(&scene("mlp", "metric = 'accuracy'")).refused(&["E0661", "neither labels nor targets"]);
    run(&scene("mlp", "class_axis = 2")).refused(&["E0662", "[1, 6]", "class_axis = 2"]);
}

/// A label for each token, some of them padding. The accuracy and the classes of each shot are counted here from its outputs, whose
/// axes are (tokens, classes).
#[test]
fn tokens_have_labels_of_their_own() {
    let label = |at: usize| if at % 6 > 3 && at.is_multiple_of(4) { -100 } else { (at * at % 3) as i64 };
    let labels = |shape: &str, count: usize, label: &dyn Fn(usize) -> i64| {
        npy("<i8", shape, &(0..count).flat_map(|at| label(at).to_le_bytes()).collect::<Vec<u8>>())
    };
    let with = |more: &str, labels: Vec<u8>| {
        let folder = scene("transformer", more);
        fs::write(folder.path().join("labels.npy"), labels).unwrap();
        let path = folder.path().join("experiment.toml");
        let text = fs::read_to_string(&path).unwrap().replace("samples = 20", "samples = 20\nlabels = 'labels.npy'");
        fs::write(path, text).unwrap();
        folder
    };
    let run = |folder: &tempfile::TempDir| {
        wait(phaseloom().args(["run", "experiment.toml", "-o", "out", "--save-outputs"]).current_dir(folder))
    };
    let folder = with("", labels("(200, 6)", 1200, &label));
    run(&folder).well();
    let out = folder.path().join("out");
    let rows = table(&out.join("table.csv"));
    let judged = (0..120).filter(|at| label(*at) >= 0).count();
    let mut accuracies = Vec::new();
    for (row, trial) in [("exact", 0), ("perfect_ideal", 0), ("chips", 0), ("chips", 1)] {
        let bytes = fs::read(out.join(format!("outputs/{row}-point0-trial{trial}-shot0.npy"))).unwrap();
        let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let values = bytes[header..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()));
        let outputs: Vec<f64> = values.collect();
        let class = |at: usize| {
            let of = &outputs[3 * at..3 * at + 3];
            (0..3).max_by(|&a, &b| of[a].total_cmp(&of[b])).unwrap() as i64
        };
        let correct = (0..120).filter(|at| class(*at) == label(*at)).count();
        let found = rows.iter().find(|r| cell(r, "row") == row && cell(r, "trial") == trial.to_string()).unwrap();
        let accuracy = correct as f64 / judged as f64;
        assert!((cell(found, "accuracy").parse::<f64>().unwrap() - accuracy).abs() < 1e-12, "{row}: {accuracy}");
        accuracies.push(accuracy);
    }
    // The mean and its standard error are those of chips.
    let summary = table(&out.join("summary.csv"));
    let chips = summary.iter().find(|row| cell(row, "row") == "chips").unwrap();
    let [one, two] = [accuracies[2], accuracies[3]];
    let number = |column: &str| cell(chips, column).parse::<f64>().unwrap();
    assert!((number("accuracy_mean") - (one + two) / 2.0).abs() < 1e-12);
    assert!((number("difference_se") - (one - two).abs() / 2.0).abs() < 1e-12);
    // Classes count positions, without those of padding.
    let classes = table(&out.join("classes.csv"));
    let exact = classes.iter().filter(|row| cell(row, "row") == "exact");
    let counts: Vec<usize> = exact.map(|row| cell(row, "samples").parse().unwrap()).collect();
    assert_eq!(counts, [0, 1].map(|class| (0..120).filter(|at| label(*at) == class).count()));
    // The cost takes the same scores.
    let cost = ["cost", "experiment.toml", "-o", "out", "--format", "csv"];
    let ended = wait(phaseloom().args(cost).current_dir(&folder)).well();
    let mean = table(&out.join("cost.csv"))[0].iter().find(|(name, _)| name == "score_mean").unwrap().1.clone();
    assert!((mean.parse::<f64>().unwrap() - (one + two) / 2.0).abs() < 1e-12, "{}", ended.err);

    // The axis that is named leaves the same positions; others do not fit.
    let named = with("class_axis = 2", labels("(200, 6, 1)", 1200, &label));
    run(&named).well();
    assert_eq!(fs::read(out.join("table.csv")).unwrap(), fs::read(named.path().join("out/table.csv")).unwrap());
    for (more, shape, count, label, parts) in [
        (
            "class_axis = 1",
            "(200, 6)",
            1200,
            &label as &dyn Fn(usize) -> i64,
            &["E0662", "6 labels a sample and 3 positions"][..],
        ),
        ("", "(200, 5)", 1000, &|_| 2, &["E0662", "5 labels a sample", "class_axis"]),
        ("", "(200, 6)", 1200, &|_| -100, &["E0662", "no position with a label"]),
        ("", "(200, 6)", 1200, &|at| if at == 8 { 3 } else { 0 }, &["E0505", "label 3 of sample 1"]),
        ("", "(200, 6)", 1200, &|at| if at == 8 { -1 } else { 0 }, &["sample 1, position 2", "-100"]),
    ] {
        let folder = with(more, labels(shape, count, label));
        run(&folder).refused(parts);
        assert!(!folder.path().join("out").exists());
    }
}

/// Without labels, a class per token is compared with that of the reference, and without an axis of classes the outputs are.
#[test]
fn classes_are_on_the_axis_that_is_named() {
    for (axis, column) in [("", "output_difference_q50"), ("class_axis = 2\n", "agreement_q50")] {
        let folder = scene("transformer", axis);
        wait(phaseloom().args(["run", "experiment.toml", "-o", "out", "--save-outputs"]).current_dir(&folder)).well();
        let rows = table(&folder.path().join("out/table.csv"));
        let chip = rows.iter().find(|row| cell(row, "row") == "chips").unwrap();
        assert!(
            table(&folder.path().join("out/summary.csv")).iter().all(|row| row.iter().any(|(name, _)| name == column)),
            "{column}"
        );
        if axis.is_empty() {
            continue;
        }
        let outputs = |row: &str| {
            let bytes = fs::read(folder.path().join(format!("out/outputs/{row}-point0-trial0-shot0.npy"))).unwrap();
            let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
            let values = bytes[header..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()));
            values.collect::<Vec<f64>>()
        };
        let largest = |token: &[f64]| (0..3).max_by(|&a, &b| token[a].total_cmp(&token[b]));
        let (exact, chips) = (outputs("exact"), outputs("chips"));
        let same = exact.chunks(3).zip(chips.chunks(3)).filter(|(a, b)| largest(a) == largest(b)).count();
        assert_eq!(exact.len(), 20 * 6 * 3);
        assert!((cell(chip, "agreement").parse::<f64>().unwrap() - same as f64 / 120.0).abs() < 1e-9);
    }
}

#[test]
fn expected_outputs_are_checked_before_the_first_chip() {
    for (name, more, refused) in [
        ("mlp", "expect = { outputs = 'mlp.output.npy' }", None),
        ("mlp", "input = { scale = 2 }\nexpect = { outputs = 'mlp.output.npy' }", Some("E0660")),
        ("mlp", "expect = { outputs = 'mlp.input.npy' }", Some("samples of 12 outputs in the file")),
        ("mlp", "expect = { }", Some("at least one of them")),
        ("mlp", "expect = { outputs = 'none.npy' }", Some("none.npy")),
    ] {
        let folder = scene(name, more);
        let outputs = fs::read(model("mlp.output.npy")).unwrap();
        // The first 20 samples of the file, as the experiment has.
        let header = String::from_utf8_lossy(&outputs[10..128]).replace("(200, 6), }", "(20, 6), } ");
        let first = [&outputs[..10], header.as_bytes(), &outputs[128..128 + 20 * 24]].concat();
        fs::write(folder.path().join("mlp.output.npy"), first).unwrap();
        let ended = wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(&folder));
        match refused {
            None => ended.well(),
            Some(part) => ended.refused(&[part]),
        };
    }
}

#[test]
fn settings_that_do_not_fit_are_explained() {
    for (more, part) in [
        ("output = 'y'", "no output `y`"),
        ("input = { shape = [5] }", "`input.shape` is [5]"),
        ("input = { std = 0 }", "`input.std` is 0"),
        ("electronic = ['*']", "no photonic layer"),
    ] {
        let folder = scene("keras", more);
        wait(phaseloom().args(["run", "experiment.toml"]).current_dir(&folder)).refused(&[part]);
    }
    let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/digits/model.toml");
    run(["inspect".as_ref(), digits.as_os_str(), "--shape".as_ref(), "3".as_ref()])
        .refused(&["settings of an ONNX graph"]);
    // Offset detection takes a port of each core, so that there are more tiles.
    let [homodyne, offset] = ["", "[link]\ndetection = 'offset'\n"].map(|link| {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("model = '{}'\n{link}[data]\ninputs = 'x.npy'\n[core]\nports = 8\n", digits.display());
        fs::write(folder.path().join("e.toml"), text).unwrap();
        let ended = wait(phaseloom().args(["inspect", "e.toml", "--format", "json"]).current_dir(&folder)).well();
        let value: Value = serde_json::from_str(&ended.out).unwrap();
        value["operators"].as_array().unwrap().iter().map(|row| row["tiles"].as_u64().unwrap()).sum::<u64>()
    });
    assert!(offset > homodyne, "{offset} tiles, {homodyne} with homodyne detection");
    let folder = scene("keras", "");
    let text = format!("model = '{}'\nphotonic = ['a']\ndata = {{ inputs = 'x.npy' }}", digits.display());
    fs::write(folder.path().join("experiment.toml"), text).unwrap();
    wait(phaseloom().args(["run", "experiment.toml"]).current_dir(&folder)).refused(&["`photonic`", "ONNX"]);
}

#[test]
fn files_of_other_programs_get_two_lines_of_python() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("net.h5"), b"\x89HDF\r\n\x1a\n").unwrap();
    fs::write(folder.path().join("e.toml"), "model = 'net.h5'\ndata = { inputs = 'x.npy' }").unwrap();
    let ended = wait(phaseloom().args(["run", "e.toml"]).current_dir(&folder));
    ended.refused(&["HDF5", "keras.models.load_model(\"net.h5\")", "net.onnx"]);
    let ended = wait(phaseloom().args(["inspect", "net.h5"]).current_dir(&folder));
    ended.refused(&["HDF5", "model.export"]);
}

/// A panic of the graph library, patterns that choose nothing and axes in another order are errors of the input.
#[test]
fn damaged_graphs_and_foreign_inputs_are_refused() {
    let refused = |folder: &tempfile::TempDir, parts: &[&str]| {
        wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(folder)).refused(parts);
        assert!(!folder.path().join("out").exists());
    };
    refused(&scene("keras", "electronic = ['nope']"), &["E0513", "`nope`", "`electronic`", "/Conv_4"]);
    for (at, byte) in [(62, 6), (582, 100)] {
        let folder = scene("keras", "");
        let path = folder.path().join("keras.onnx");
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] = byte;
        fs::write(&path, bytes).unwrap();
        refused(&folder, &["E0513", "keras.onnx", "the graph library stopped"]);
    }
    let npy = |shape: &str, value: f32, count: usize| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend((0..count).flat_map(|_| value.to_le_bytes()));
        bytes
    };
    let folder = scene("keras", "");
    fs::write(folder.path().join("keras.input.npy"), npy("(30, 2, 9, 9)", 0.5, 30 * 162)).unwrap();
    refused(&folder, &["E0513", "[2, 9, 9]", "[9, 9, 2]"]);
    // The vocabulary has 20 tokens.
    let folder = scene("transformer", "");
    fs::write(folder.path().join("transformer.input.npy"), npy("(30, 6)", 20.0, 180)).unwrap();
    wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(&folder))
        .refused(&["E0513", "in range"]);
}
