//! A study of tiny networks, computed in full: its sizes, its resume, its shards, its refusals.

use crate::spec::Study;
use crate::tables::StudyTables;
use crate::{Options, StudyError, Unit, Units, run};
use phaseloom_experiment::Shard;
use std::path::{Path, PathBuf};

const MODEL: &str =
    "format = 'phaseloom-model'\nversion = 1\nname = 'tiny'\nweights = 'w.safetensors'\n[input]\nsize = 2\n
    [[layer]]\nkind = 'photonic'\noutputs = 4\nweight = 'a'\n[[layer]]\nkind = 'relu'\n
    [[layer]]\nkind = 'photonic'\noutputs = 2\nweight = 'b'\n";

const TRAINING: &str = "format = 'phaseloom-training'\nversion = 1\nmodel = 'model.toml'\nepochs = 2\nbatch = 8\n
    learning_rate = 0.02\nseed = 9\n[train]\ninputs = 'data.csv'\n";

const CHIPS: &str = "trials = 2\ncore = { ports = 4 }\ndata = { inputs = 'data.csv' }\n[[sweep]]\n
    keys = ['process.phase_error.sigma_rad']\nvalues = [0, 0.2]\n";

const STUDY: &str =
    "format = 'phaseloom-study'\nversion = 1\ntraining = 'train.toml'\nexperiment = 'chips.toml'\nseeds = [1, 2]\n
    [[variant]]\nname = 'short'\n[[variant]]\nname = 'long'\ntraining.epochs = 4\n
    [[sweep]]\nkeys = ['training.learning_rate']\nvalues = [0.01, 0.1]\n";

fn folder(study: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut data = String::new();
    for i in 0..32 {
        let (x, y) = (f64::from(i % 8) / 8.0 - 0.5, f64::from(i / 8) / 4.0 - 0.5);
        data += &format!("{x},{y},{}\n", u8::from(x * y > 0.0));
    }
    for (name, text) in [
        ("model.toml", MODEL),
        ("train.toml", TRAINING),
        ("chips.toml", CHIPS),
        ("data.csv", &data),
        ("study.toml", study),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join("study.toml");
    (folder, path)
}

fn summary(study: &Path, output: &Path) -> String {
    let study = Study::load(study).unwrap();
    let outcome = run(&study, output, &Options::default()).unwrap();
    StudyTables::new(&outcome).unwrap().summary().csv()
}

#[test]
fn a_study_trains_every_variant_at_every_point_with_every_seed() {
    let (folder, path) = folder(STUDY);
    let output = folder.path().join("out");
    let study = Study::load(&path).unwrap();
    let outcome = run(&study, &output, &Options::default()).unwrap();
    assert_eq!((outcome.results.len(), outcome.computed, outcome.missing), (8, 8, 0));
    let tables = StudyTables::new(&outcome).unwrap();
    let csv = tables.summary().csv();
    let lines: Vec<&str> = csv.lines().collect();
    // Two variants, two rates, two errors.
    assert_eq!(lines.len(), 1 + 2 * 2 * 2, "{csv}");
    let keys = "variant,task,test,training.learning_rate,process.phase_error.sigma_rad,score,seeds,reference_mean";
    assert!(lines[0].starts_with(keys), "{csv}");
    assert!(lines[1].starts_with("short,1,1,0.01,0") && lines[1].contains(",accuracy,2,"), "{csv}");
    let training = tables.training().csv();
    assert!(training.lines().nth(1).unwrap().starts_with("0,short,1,1,0.01,2,"), "{training}");
    assert!(training.lines().nth(2).unwrap().starts_with("1,long,1,1,0.01,4,"), "{training}");
    // The reference of a variant with other settings differs, and the folder is that of the study.
    assert!(Study::is_at(&output) && Study::load(&output).unwrap().folder() == Some(output.as_path()));
    assert_eq!(summary(&output, &output), csv);
}

#[test]
fn shards_and_resumed_studies_give_the_same_bytes() {
    let (folder, path) = folder(STUDY);
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let expected = summary(&path, &whole);
    let study = Study::load(&path).unwrap();
    for part in 1..=3 {
        let options = Options { shard: Shard { part, of: 3 }, ..Options::default() };
        let outcome = run(&study, &parts, &options).unwrap();
        assert_eq!(StudyTables::new(&outcome).is_some(), part == 3);
    }
    assert_eq!(summary(&path, &parts), expected);
    // Parts in folders of their own are joined; a missing one is named.
    let folders: Vec<PathBuf> = (1..=2).map(|part| folder.path().join(format!("part{part}"))).collect();
    for (part, folder) in (1..=2).zip(&folders) {
        run(&study, folder, &Options { shard: Shard { part, of: 2 }, ..Options::default() }).unwrap();
    }
    let [joined, half] = ["joined", "half"].map(|name| folder.path().join(name));
    let outcome = crate::merge(&study, &folders, &joined).unwrap();
    assert_eq!(StudyTables::new(&outcome).unwrap().summary().csv(), expected);
    let error = crate::merge(&study, &folders[..1], &half).err().unwrap().to_string();
    assert!(error.contains("4 networks are in none of the folders"), "{error}");
    // More seeds add networks.
    let text = std::fs::read_to_string(&path).unwrap().replace("[1, 2]", "[1, 2, 3]");
    std::fs::write(&path, text).unwrap();
    let study = Study::load(&path).unwrap();
    let outcome = run(&study, &whole, &Options::default()).unwrap();
    assert_eq!((outcome.results.len(), outcome.computed), (12, 4));
    // Another rate is another study.
    let text = std::fs::read_to_string(&path).unwrap().replace("0.1]", "0.2]");
    std::fs::write(&path, text).unwrap();
    let error = run(&Study::load(&path).unwrap(), &whole, &Options::default()).err().unwrap();
    assert!(matches!(error, StudyError::OtherStudy { .. }), "{error}");
}

#[test]
fn a_sequence_goes_on_from_the_weights_before_and_has_its_quantities() {
    let study = STUDY
        .replace("'train.toml'", "['train.toml', 'train.toml']")
        .replace("'chips.toml'", "['chips.toml', 'chips.toml']")
        .replace("training.epochs = 4", "task = [{}, { epochs = 1, learning_rate = 1e-300 }]");
    let (folder, path) = folder(&study);
    let study = Study::load(&path).unwrap();
    let output = folder.path().join("out");
    let outcome = run(&study, &output, &Options::default()).unwrap();
    let tables = StudyTables::new(&outcome).unwrap();
    // No weight moves in the second training, and both tests are the same: nothing is forgotten.
    let rows: Vec<_> = tables.sequences.iter().filter(|row| row.variant == 1).collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        assert!(row.quantity("forgetting_reference").unwrap().iter().all(|loss| loss.abs() < 1e-12));
        assert!(row.quantity("backward_transfer_chips").unwrap().iter().all(|gain| gain.abs() < 1e-12));
    }
    assert!(tables.sequence().unwrap().csv().starts_with("variant,training.learning_rate,"));
}

#[test]
fn impossible_studies_are_refused_before_anything_is_trained() {
    for (from, to, part) in [
        ("training.epochs = 4", "training.epoch = 4", "variant `long`"),
        ("training.epochs = 4", "training.epochs = 0", "epochs"),
        ("training.epochs = 4", "training.seed = 4", "the list `seeds`"),
        ("'long'", "'short'", "a name of its own"),
        ("seeds = [1, 2]", "seeds = []", "at least one"),
        ("seeds = [1, 2]", "seeds = [2, 2]", "2 twice"),
        ("'training.learning_rate'", "'learning_rate'", "starts with `training.`"),
        ("'training.learning_rate'", "'training.seed'", "the list `seeds`"),
        ("seeds = [1, 2]", "seeds = [1, 2]\nbaseline = 'none'", "one of short, long"),
        ("'chips.toml'", "'absent.toml'", "absent.toml"),
    ] {
        let (folder, path) = folder(&STUDY.replace(from, to));
        let output = folder.path().join("out");
        let error = Study::load(&path).and_then(|study| run(&study, &output, &Options::default()).map(|_| ()));
        let message = error.unwrap_err().to_string();
        assert!(message.contains(part) && !output.join("networks").exists(), "{message} | {part}");
    }
}

#[test]
fn criteria_name_rows_and_quantities() {
    let criterion = "\n[[criterion]]\nname = 'c'\nquantity = 'chips'\nvariant = 'long'\nminus = 'short'\nabove = -2\n
        at = { 'process.phase_error.sigma_rad' = 0.2 }\n";
    let (folder, path) = folder(&(STUDY.to_owned() + criterion));
    let output = folder.path().join("out");
    let study = Study::load(&path).unwrap();
    let outcome = run(&study, &output, &Options::default()).unwrap();
    let checks = StudyTables::new(&outcome).unwrap().checks().unwrap();
    assert_eq!(checks.len(), 2);
    assert!(checks.iter().all(|check| check.met && check.at.contains("sigma_rad = 0.2")));
    for (from, to, part) in [("'chips'", "'chip'", "one of reference, chips"), ("0.2 }", "0.3 }", "found no row")] {
        let text = (STUDY.to_owned() + criterion).replace(&format!("quantity = {from}"), &format!("quantity = {to}"));
        let text = if from.starts_with('0') { text.replace(from, to) } else { text };
        std::fs::write(&path, text).unwrap();
        let study = Study::load(&path).unwrap();
        let outcome = run(&study, &output, &Options::default()).unwrap();
        let error = StudyTables::new(&outcome).unwrap().checks().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn units_are_points_of_every_seed_with_all_variants_together() {
    let (_folder, path) = folder(STUDY);
    let study = Study::load(&path).unwrap();
    let all: Vec<Unit> = Units::read(&study).unwrap().all().collect();
    assert_eq!(all[1], Unit { variant: 1, point: 0, seed: 0 });
    assert_eq!(all[2], Unit { variant: 0, point: 1, seed: 0 });
    assert_eq!(all[4], Unit { variant: 0, point: 0, seed: 1 });
}
