//! Convolutional networks of model files: imported, calibrated, run and inspected.

use super::support::{cell, npy, phaseloom, run, safetensors, table, wait};
use std::fs;
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// A folder with the convolutional network of the examples and an experiment on noisy chips of eight ports.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [
        ("cnn/cnn.toml", "model.toml"),
        ("cnn/weights.safetensors", "weights.safetensors"),
        ("digits/digits.csv.gz", "digits.csv.gz"),
    ] {
        fs::copy(example(from), folder.path().join(to)).unwrap();
    }
    let text = "model = 'model.toml'\ntrials = 2\n[data]\ninputs = 'digits.csv.gz'\nsamples = 40\n\
        [core]\nports = 8\n[link]\nlaser_power_w = 1e-4\nshot_noise = true\n[process]\nphase_error.sigma_rad = 0.02\n\
        [calibration]\ndata = { inputs = 'digits.csv.gz', rows = '40..90' }\n";
    fs::write(folder.path().join("experiment.toml"), text).unwrap();
    folder
}

#[test]
fn convolutional_networks_run_on_chips_with_any_number_of_threads() {
    let folder = scene();
    let run = |out: &str, threads: &str| {
        let arguments = ["run", "experiment.toml", "-o", out, "--threads", threads, "--save-outputs"];
        wait(phaseloom().args(arguments).current_dir(&folder)).well();
        fs::read_to_string(folder.path().join(out).join("table.csv")).unwrap()
    };
    assert_eq!(run("one", "1"), run("three", "3"));
    let rows = table(&folder.path().join("one/summary.csv"));
    let of = |kind: &str| rows.iter().find(|row| cell(row, "row") == kind).unwrap();
    let number = |kind: &str, column: &str| cell(of(kind), column).parse::<f64>().unwrap();
    assert!(number("exact", "accuracy_mean") > 0.9);
    // Errors of the chips reach the product of each layer, those of meshes without errors are in the converters' precision.
    for layer in ["layer0", "layer4", "layer9"] {
        assert!(number("chips", &format!("{layer}_matrix_error")) > 0.01, "{layer}");
    }
    assert!((number("perfect_ideal", "agreement") - 1.0).abs() < 1e-12);
    let noisy = |out: &str| fs::read(folder.path().join(out).join("outputs/chips-point0-trial1-shot0.npy")).unwrap();
    assert_eq!(noisy("one"), noisy("three"));
}

/// A convolution without a dense layer after it decides on a class for each pixel: (classes, height, width).
#[test]
fn pixels_have_labels_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    let weights: Vec<f64> = (0..27).map(|i| (1.3 * f64::from(i) + 0.2).sin()).collect();
    write("w.safetensors", safetensors(&[("w", &[3, 1, 3, 3], weights.clone())]));
    let model = "format = 'phaseloom-model'\nversion = 1\nname = 'pixels'\nweights = 'w.safetensors'\n[input]\n\
                 shape = [1, 4, 5]\n[[layer]]\nkind = 'conv2d'\noutputs = 3\nkernel = 3\npadding = 'same'\nweight = 'w'\n";
    write("model.toml", model.into());
    let pixel = |sample: usize, y: usize, x: usize| ((sample * 20 + y * 5 + x) as f64 * 0.7).sin();
    let all: Vec<f64> = (0..160).map(|i| pixel(i / 20, i % 20 / 5, i % 5)).collect();
    write("x.npy", npy("<f8", "(8, 1, 4, 5)", &all.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()));
    let label = |at: usize| if at.is_multiple_of(7) { -100 } else { (at % 3) as i64 };
    write("y.npy", npy("<i8", "(8, 4, 5)", &(0..160).flat_map(|at| label(at).to_le_bytes()).collect::<Vec<u8>>()));
    let text = "model = 'model.toml'\ntrials = 2\n[data]\ninputs = 'x.npy'\nlabels = 'y.npy'\n[core]\nports = 4\n\
                [process]\nphase_error.sigma_rad = 0.1\n";
    let mut accuracies = Vec::new();
    for axis in ["", "class_axis = 0\n"] {
        fs::write(folder.path().join("experiment.toml"), format!("{axis}{text}")).unwrap();
        let out = if axis.is_empty() { "default" } else { "named" };
        wait(phaseloom().args(["run", "experiment.toml", "-o", out]).current_dir(&folder)).well();
        let rows = table(&folder.path().join(out).join("summary.csv"));
        let exact = rows.iter().find(|row| cell(row, "row") == "exact").unwrap();
        accuracies.push(cell(exact, "accuracy_mean").parse::<f64>().unwrap());
    }
    // The convolution, pixel by pixel.
    let (mut correct, mut judged) = (0, 0);
    for at in (0..160).filter(|at| label(*at) >= 0) {
        let (sample, y, x) = (at / 20, at % 20 / 5, at % 5);
        let output = |class: usize| -> f64 {
            let taps = (0..9).filter_map(|tap| {
                let (v, u) = ((y + tap / 3).checked_sub(1)?, (x + tap % 3).checked_sub(1)?);
                (v < 4 && u < 5).then(|| weights[9 * class + tap] * pixel(sample, v, u))
            });
            taps.sum()
        };
        let largest = (0..3).max_by(|&a, &b| output(a).total_cmp(&output(b))).unwrap();
        correct += usize::from(largest as i64 == label(at));
        judged += 1;
    }
    let expected = f64::from(correct as u32) / f64::from(judged);
    assert!(accuracies.iter().all(|found| (found - expected).abs() < 1e-12), "{accuracies:?}, {expected}");
}

#[test]
fn calibrations_and_outputs_of_layers_have_the_shapes_of_the_convolutions() {
    let folder = scene();
    let run = |arguments: &[&str]| wait(phaseloom().args(arguments).current_dir(&folder)).well();
    let model = fs::read_to_string(folder.path().join("model.toml")).unwrap();
    let with = model.replacen("\n[input]", "calibration = \"calibration.json\"\n\n[input]", 1);
    fs::write(folder.path().join("model.toml"), with).unwrap();
    run(&["calibrate", "experiment.toml"]);
    assert!(folder.path().join("calibration.json").exists());
    let ended = run(&["run", "experiment.toml", "-o", "out", "--save-outputs", "4"]);
    assert!(!ended.err.contains("measured on the"), "{}", ended.err);
    let saved = fs::read_dir(folder.path().join("out/outputs")).unwrap().count();
    assert!(saved > 0);
}

#[test]
fn inspect_lists_the_vectors_of_an_image() {
    let said = run(["inspect".as_ref(), example("cnn/cnn.toml").as_os_str(), "--ports".as_ref(), "16".as_ref()]).well();
    for part in ["conv1.weight", "conv2d", "4×9", "8×36", "64", "16"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
}

/// The weights file states neither padding nor pooling; with them the imported model is that of the example.
#[test]
fn weights_of_convolutions_are_imported() {
    let folder = scene();
    let import = |more: &[&str]| {
        let arguments = [&["import", "weights.safetensors", "-o", "imported.toml"], more].concat();
        wait(phaseloom().args(arguments).current_dir(&folder))
    };
    import(&[]).refused(&["E0512", "--input-shape"]);
    let said = import(&["--input-shape", "1,8,8"]).well();
    assert!(said.out.contains("no padding"), "{}", said.out);
    let path = folder.path().join("imported.toml");
    let text = fs::read_to_string(&path).unwrap();
    let pooled = "kind = \"relu\"\n\n[[layer]]\nkind = \"max_pool\"\nkernel = 2\n";
    let text = text.replace("# padding = 0", "padding = \"same\"").replace("kind = \"relu\"\n", pooled);
    fs::write(&path, text.replacen("\n# scale = 1.0", "\nscale = 0.0625 #", 1)).unwrap();
    let load = |path: &Path| phaseloom::network::Model::load(path).unwrap();
    use phaseloom::network::Network;
    assert_eq!(load(&path).sha256(), load(&folder.path().join("model.toml")).sha256());
}

#[test]
fn impossible_shapes_are_refused_by_key_and_line() {
    let folder = scene();
    let model = fs::read_to_string(folder.path().join("model.toml")).unwrap();
    for (from, to, parts) in [
        ("shape = [1, 8, 8]", "size = 64", &["input.shape", "layer[0].kind"][..]),
        ("shape = [1, 8, 8]", "shape = [4, 4, 4]", &["conv1.weight", "[4, 1, 3, 3]", "[4, 4, 3, 3]"]),
        ("shape = [1, 8, 8]", "shape = [1, 8, 8]\nsize = 3", &["input.size"]),
        ("kernel = 2", "kernel = 20", &["layer[3].kernel", "at most 8"]),
        ("padding = \"same\"", "padding = \"full\"", &["line 11", "[before, after]", "\"same\" or \"valid\""]),
        ("kind = \"flatten\"", "kind = \"relu\"", &["flatten", "layer[9].kind"]),
    ] {
        fs::write(folder.path().join("model.toml"), model.replacen(from, to, 1)).unwrap();
        let ended = wait(phaseloom().args(["run", "experiment.toml", "-o", "out"]).current_dir(&folder));
        ended.refused(parts);
    }
}
