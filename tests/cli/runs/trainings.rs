//! Trainings from end to end: what they leave, and how they go on after an interruption.

use super::*;

const TRAINING: &str = "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 4\nbatch = 8\n\
    learning_rate = 1e-3\nseed = 1\nvalidation_share = 0.25\n[train]\ninputs = 'x.npy'\nlabels = 'y.npy'\n";

#[test]
fn a_training_leaves_weights_and_curves_and_replaces_none_unasked() {
    let scene = Scene::new();
    scene.write("train.toml", TRAINING);
    let before = fs::read(scene.path("w.safetensors")).unwrap();
    let refused = scene.call("train train.toml").refused(&["w.safetensors", "--overwrite", "E0516"]);
    assert!(!refused.err.contains("epoch ") && fs::read(scene.path("w.safetensors")).unwrap() == before);
    fs::remove_file(scene.path("w.safetensors")).unwrap();
    let ended = scene.call("train train.toml").well();
    // In a pipe a line for each epoch, and no live line.
    assert_eq!(ended.err.lines().filter(|line| line.starts_with("epoch ")).count(), 4);
    assert!(!ended.err.contains(['\r', '\u{1b}']), "{}", ended.err);
    let history = table(&scene.path("w-history.csv"));
    assert_eq!(history.len(), 4);
    assert!(cell(&history[3], "validation_accuracy").parse::<f64>().unwrap() <= 1.0);
    assert!(scene.text("w-training.svg").contains("wrong classes, validation"));
    assert!(scene.path("w-training.png").exists() && !scene.path("w-checkpoint.safetensors").exists());
    let made = fs::read(scene.path("w.safetensors")).unwrap();
    scene.call("train train.toml").refused(&["E0516"]);
    assert!(fs::read(scene.path("w.safetensors")).unwrap() == made);

    // Inputs thirty times too large.
    let rows: Vec<[f64; 3]> = (0..40).map(|i| [1.0, 2.0, 30.0 * f64::from(i % 2)]).collect();
    scene.write("x.npy", npy_real(&rows));
    let warned = scene.call("train train.toml --overwrite").well();
    assert!(
        warned.err.contains("warning: ") && warned.err.contains("found feature 2 with a root mean square"),
        "{}",
        warned.err
    );
}

#[test]
#[cfg(unix)]
fn an_interrupted_training_goes_on_to_the_same_bytes() {
    use std::io::{BufRead, BufReader};
    let scene = Scene::new();
    scene.write("train.toml", TRAINING.replace("epochs = 4", "epochs = 20000"));
    scene.call("train train.toml --overwrite -q").well();
    let expected = fs::read(scene.path("w.safetensors")).unwrap();
    fs::remove_file(scene.path("w.safetensors")).unwrap();
    let training = scene.path("train.toml");
    let child = phaseloom().arg("train").arg(&training).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut working = Working(child);
    let mut lines = BufReader::new(working.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("epoch 1/"));
    let said = std::thread::spawn(move || lines.collect::<Vec<String>>());
    working.interrupt();
    assert!(said.join().unwrap().last().unwrap().contains("goes on from the checkpoint"));
    assert!(
        scene.path("w-checkpoint.safetensors").exists() && fs::read(scene.path("w.safetensors")).unwrap() != expected
    );

    // Other settings are another training.
    scene.write("other.toml", TRAINING.replace("seed = 1", "seed = 2"));
    scene.call("train other.toml").refused(&["E0515", "w-checkpoint.safetensors", "--restart"]);
    let ended = scene.call("train train.toml").well();
    assert!(ended.err.contains("note: resumed after epoch"), "{}", ended.err);
    assert!(fs::read(scene.path("w.safetensors")).unwrap() == expected);
}
