use super::*;
use crate::input::files::Inputs;
use crate::input::grid::Point;
use crate::store::identity::Identity;
use crate::store::plan::Plan;
use crate::store::record::{Record, Row};
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
            let options = Options::default();
            let mut session = Session::with_inputs(&experiment, points, inputs, &out, 1, &options).unwrap();
            session.compute(1).unwrap();
            let outcome = session.outcome;
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

/// The experiment of `copies` with other tables in the place of its process and sweep.
fn with(path: &Path, process: &str, sweep: &str) -> Result<Experiment, ExperimentError> {
    let text = fs::read_to_string(path).unwrap();
    let (head, _) = text.split_once("[[sweep]]").unwrap();
    let other = path.with_file_name("other.toml");
    fs::write(&other, format!("{}{sweep}", head.replace("process = 'process.toml'\n", process))).unwrap();
    Experiment::load(&other)
}

/// The records of the only point, or of one point of a sweep, without its index.
fn records(experiment: &Experiment, point: usize) -> Vec<Record> {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(experiment, folder.path(), &Options::default()).unwrap();
    assert_eq!(outcome.missing, 0);
    let plan = Plan::new(&outcome.points);
    let rows = [Row::Design, Row::Exact, Row::PerfectIdeal, Row::PerfectReal, Row::Digital];
    let references = rows.map(|row| plan.reference(row, point));
    let units = references.into_iter().chain([Unit { row: Row::Chips, point, trial: 0 }]);
    let record = |unit: Unit| {
        let record = outcome.records[&unit].clone();
        Record { unit: Unit { point: 0, ..record.unit }, ..record }
    };
    units.map(record).collect()
}

#[test]
fn a_point_of_a_swept_process_topology_model_or_activation_is_an_experiment_of_its_own() {
    let (folder, path) = copies();
    let model = fs::read_to_string(folder.path().join("model.toml")).unwrap();
    let without = model.replace("calibration = \"calibration.json\"\n", "");
    fs::write(folder.path().join("tanh.toml"), without.replace("\"relu\"", "\"tanh\"")).unwrap();
    fs::write(folder.path().join("plain.toml"), &without).unwrap();
    let calibrated = "[calibration]\ndata = { inputs = 'inputs.csv', csv = { label = [] } }\n";
    let own = "process = 'process.toml'\n";
    let tanh = "model = 'tanh.toml'\n";
    // The sweep, and the same as an experiment of its own: the keys at the top, of the core, and other tables.
    for (keys, values, own_experiments) in [
        (
            "process",
            "'process.toml', 'preset:thermo-optic-silicon', 'coarse', { phase_error = { sigma_rad = 0.1 } }",
            vec![
                own,
                "process = 'preset:thermo-optic-silicon'\n",
                "process = { phase_quantization = { bits = 4 } }\n",
                "process = { phase_error = { sigma_rad = 0.1 } }\n",
            ],
        ),
        ("core.topology", "'triangular', 'diamond'", vec!["triangular", "diamond"]),
        ("model", "'plain.toml', 'tanh.toml'", vec!["model = 'plain.toml'\n", tanh]),
        ("activation", "'relu', 'tanh'", vec!["model = 'plain.toml'\n", tanh]),
    ] {
        let base = if keys == "activation" { "plain.toml" } else { "model.toml" };
        let sources = format!("{calibrated}[processes.coarse]\nphase_quantization = {{ bits = 4 }}\n");
        let sources = if keys == "process" { &sources } else { calibrated };
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("model = 'model.toml'", &format!("model = '{base}'"));
        let swept = folder.path().join("swept.toml");
        fs::write(&swept, text).unwrap();
        let sweep = format!("{sources}[[sweep]]\nkeys = ['{keys}']\nvalues = [{values}]\n");
        let sweep = with(&swept, own, &sweep).unwrap();
        for (point, own_key) in own_experiments.iter().enumerate() {
            let text = fs::read_to_string(&path).unwrap();
            let text = match keys {
                "core.topology" => text.replace("triangular", own_key),
                "process" => text,
                _ => text.replace("model = 'model.toml'\n", own_key),
            };
            fs::write(&swept, text).unwrap();
            let process = if keys == "process" { own_key } else { own };
            let alone = with(&swept, process, calibrated).unwrap();
            assert_eq!(records(&sweep, point), records(&alone, 0), "{keys}, {own_key}");
        }
    }
}

#[test]
fn a_run_holds_the_processes_that_its_sweep_names() {
    let (folder, path) = copies();
    let sweep = "[[sweep]]\nkeys = ['process.splitter_error.sigma_rad']\nvalues = [0.01, 0.02]\n\
                 [[sweep]]\nkeys = ['process']\nvalues = ['process.toml', 'preset:mems-silicon']\n";
    let experiment = with(&path, "", sweep).unwrap();
    // The swept process comes before the swept key in it.
    let sigmas = experiment.points().unwrap().into_iter().map(|p| p.config.process.splitter_error.unwrap().sigma_rad);
    assert_eq!(sigmas.collect::<Vec<_>>(), [0.01, 0.01, 0.02, 0.02].map(Some));
    let out = folder.path().join("out");
    let expected = run(&experiment, &out, &Options::default()).unwrap().identity;
    fs::remove_file(folder.path().join("process.toml")).unwrap();
    let resumed = run(&Experiment::load(&out).unwrap(), &out, &Options::default()).unwrap();
    assert_eq!((resumed.identity, resumed.computed), (expected, 0));
    let table = fs::read_to_string(out.join("experiment.toml")).unwrap();
    assert!(table.contains("[processes.\"process.toml\".splitter_error]"), "{table}");
    fs::write(folder.path().join("process.toml"), "splitter_error = { sigma_rad = 0.06 }\n").unwrap();
    let refused = run(&with(&path, "", sweep).unwrap(), &out, &Options::default()).unwrap_err().to_string();
    assert!(refused.contains("processes.process.toml.splitter_error.sigma_rad"), "{refused}");
    let values = |values: &str| format!("[[sweep]]\nkeys = ['process']\nvalues = [{values}]\n");
    for (value, part) in [
        ("'preset:mens-silicon'", "did you mean `preset:mems-silicon`?"),
        ("'none.toml'", "none.toml"),
        ("'process.toml', 'process.toml'", "twice"),
        ("'model.toml'", "model.toml"),
        ("3", "cannot take the value 3"),
    ] {
        let error = with(&path, "", &values(value)).and_then(|e| e.points()).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
    fs::write(folder.path().join("wrong.toml"), "splitter_error = { sigma_rad = -1 }\n").unwrap();
    let error = with(&path, "", &values("'wrong.toml'")).unwrap_err().to_string();
    assert!(error.contains("wrong.toml: line 1") && error.contains("-1"), "{error}");
}

#[test]
fn an_activation_that_cannot_be_replaced_is_refused() {
    let (folder, path) = copies();
    let load = |activation: &str| with(&path, &format!("activation = '{activation}'\n"), "");
    assert_eq!(load("swish").unwrap().config.activation.as_deref(), Some("silu"));
    for (activation, part) in
        [("relo", "did you mean `relu`?"), ("softmax", "expected one of relu"), ("dense", "one of relu")]
    {
        let error = load(activation).unwrap_err().to_string();
        assert!(error.contains("`activation`") && error.contains(part), "{error}");
    }
    let model = fs::read_to_string(folder.path().join("model.toml")).unwrap();
    fs::write(folder.path().join("model.toml"), model.replace("[[layer]]\nkind = \"relu\"\n", "")).unwrap();
    let experiment = load("tanh").unwrap();
    let points = experiment.points().unwrap();
    let error = Inputs::read(&experiment, &points).err().unwrap().to_string();
    assert!(error.contains("`layer`: found none, expected an activation before the last linear layer"), "{error}");
}
