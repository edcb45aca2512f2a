use super::*;
use crate::output::table::Tables;
use phaseloom_files::{hex, read_bytes};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The files that a run reads, and what each is called in the identity; the experiment and the process are there in full.
const FILES: [(&str, Option<&str>); 7] = [
    ("experiment.toml", None),
    ("process.toml", None),
    ("model.toml", Some("model.toml")),
    ("weights.safetensors", Some("model.toml: weights")),
    ("calibration.json", Some("model.toml: calibration.json")),
    ("inputs.csv", Some("data: inputs.csv")),
    ("labels.csv", Some("data: labels.csv")),
];

/// A folder with copies of a small example, its labels in a file of their own.
fn copies() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/breast_cancer");
    for name in ["model.toml", "weights.safetensors", "calibration.json"] {
        fs::copy(example.join(name), folder.path().join(name)).unwrap();
    }
    // The last column is the label.
    let csv = fs::read_to_string(example.join("breast_cancer.csv")).unwrap();
    let columns = csv.lines().skip(1).map(|line| line.rsplit_once(',').unwrap());
    let (inputs, labels): (Vec<&str>, Vec<&str>) = columns.unzip();
    for (name, lines) in [("inputs.csv", inputs), ("labels.csv", labels)] {
        fs::write(folder.path().join(name), lines.join("\n")).unwrap();
    }
    fs::write(folder.path().join("process.toml"), "splitter_error = { sigma_rad = 0.05 }\n").unwrap();
    let experiment = folder.path().join("experiment.toml");
    let text = "model = 'model.toml'\nprocess = 'process.toml'\ntrials = 1\n\
                [data]\ninputs = 'inputs.csv'\nlabels = 'labels.csv'\nsamples = 40\n\
                [core]\nports = 32\ntopology = 'triangular'\n[link]\ndac = { bits = 6 }\nadc = { bits = 6 }\n\
                [[sweep]]\nkeys = ['data.samples']\nvalues = [20, 40]\n";
    fs::write(&experiment, text).unwrap();
    (folder, experiment)
}

fn inputs(path: &Path) -> (Experiment, Vec<Point>, Inputs) {
    let experiment = Experiment::load(path).unwrap();
    let points = experiment.points().unwrap();
    let inputs = Inputs::read(&experiment, &points).unwrap();
    (experiment, points, inputs)
}

#[test]
fn a_result_belongs_to_the_bytes_that_were_read_whatever_happens_to_the_files_later() {
    let (folder, path) = copies();
    let results = tempfile::tempdir().unwrap();
    let expected = run(&Experiment::load(&path).unwrap(), &results.path().join("whole"), &Options::default()).unwrap();
    for (name, key) in FILES {
        let file = folder.path().join(name);
        let (bytes, hash) = (fs::read(&file).unwrap(), hex(&read_bytes(&file).unwrap().sha256));
        for replacement in [None, Some("something else")] {
            let (experiment, points, inputs) = inputs(&path);
            match replacement {
                Some(text) => fs::write(&file, text).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let out = results.path().join(format!("{name}-{}", replacement.is_some()));
            let outcome = compute(&experiment, points, inputs, &out, &Options::default()).unwrap();
            fs::write(&file, &bytes).unwrap();
            assert_eq!(outcome.identity, expected.identity, "{name}");
            assert_eq!(outcome.records, expected.records, "{name}");
            if let Some(key) = key {
                assert_eq!(outcome.identity.inputs.get(key), Some(&hash), "{name}");
            }
        }
    }
    assert_eq!(expected.identity.inputs.len(), FILES.len() - 2);
}

#[test]
fn the_identity_changes_with_each_file() {
    let (folder, path) = copies();
    let identity = || {
        let (experiment, _, inputs) = inputs(&path);
        Identity::new(&experiment.config, inputs.hashes)
    };
    let first = identity();
    for (name, _) in FILES {
        let file = folder.path().join(name);
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let changed = match name {
            "experiment.toml" => text.replace("bits = 6", "bits = 7").into_bytes(),
            "process.toml" => text.replace("0.05", "0.06").into_bytes(),
            // The last number of the last tensor.
            "weights.safetensors" => [&bytes[..bytes.len() - 1], &[bytes[bytes.len() - 1] ^ 1]].concat(),
            _ => format!("{text}\n").into_bytes(),
        };
        fs::write(&file, changed).unwrap();
        assert_ne!(identity().identity, first.identity, "{name}");
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(identity(), first);
}

#[test]
fn an_interruption_before_the_first_unit_leaves_a_folder_that_goes_on() {
    let (folder, path) = copies();
    let experiment = Experiment::load(&path).unwrap();
    let out = folder.path().join("out");
    let nothing = Options { shard: Shard { part: 0, of: 0 }, ..Options::default() };
    assert!(matches!(run(&experiment, &out, &nothing), Err(ExperimentError::Shard(_))) && !out.exists());
    let options = Options::default();
    options.interrupt.request();
    let outcome = run(&experiment, &out, &options).unwrap();
    assert!(outcome.interrupted && outcome.computed == 0 && Tables::new(&outcome).is_none());
    // The folder is locked as long as the outcome is there.
    let locked = run(&experiment, &out, &Options::default()).unwrap_err().to_string();
    assert!(locked.contains("another phaseloom is writing to this folder"), "{locked}");
    drop(outcome);
    let outcome = run(&experiment, &out, &Options::default()).unwrap();
    assert!(!outcome.interrupted && outcome.missing == 0);
    Tables::new(&outcome).unwrap().write().unwrap();
}
