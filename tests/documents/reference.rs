//! The reference of the book: its reader rebuilds what the program writes, its settings are read, no key and no column is
//! missing. Whether its generated parts are current is a test of the command line (`cli/reference`).

use super::support::{block, phaseloom, python, python_has, root, same, sandbox};
use crate::texts::texts;
use phaseloom::experiment::{Expectation, Experiment, columns};
use phaseloom::files::{ColumnText, write_matrix};
use phaseloom::hardware::spectra::{InterferometerSpec, SpectraSpec, SweepsSpec};
use phaseloom::hardware::{
    Adc, Chip, Converter, CoreSpec, HeaterLimit, HeaterLimits, IMPERFECTIONS, InsertionLoss, IntensityNoise, Link,
    Modulator, PhaseError, PhaseJitter, PhaseQuantization, PhaseShifter, Process, SplitterError, ThermalCrosstalk,
    ThermalNoise, UniformIn,
};
use phaseloom::mesh::convention::ConvertedProgram;
use phaseloom::mesh::{Form, MatrixProgram, MeshDesign};
use phaseloom::network::data::{CsvColumns, Every};
use phaseloom::network::layer::LayerSpec;
use phaseloom::network::model::InputSpec;
use phaseloom::network::network::GraphInput;
use phaseloom::network::train::CalibrationSpec;
use phaseloom::network::{Calibration, DataSpec, LayerScale, ModelSpec, TrainSpec};
use phaseloom_testing::Matrix;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The text of all pages of the reference.
fn reference() -> String {
    let pages = texts(&root().join("docs/reference"), &["md"]);
    pages.iter().map(|page| std::fs::read_to_string(page).unwrap()).collect()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs/reference").join(name)).unwrap()
}

/// A matrix without structure.
fn weights(rows: usize, columns: usize) -> Matrix {
    let entry = |i: usize, j: usize| phaseloom::Complex64::new((i * 3 + j) as f64 % 4.0 - 1.5, (i + j * j) as f64);
    Matrix::from_fn(rows, columns, |i, j| entry(i, j) / 20.0)
}

/// The reader of the page of chips, for programs and chips of every topology and cell, searched ones by what was found.
#[test]
fn the_reader_in_numpy_rebuilds_every_mesh() {
    if !python_has("numpy") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let process = "splitter_error = { sigma_rad = 0.02 }\nphase_error = { sigma_rad = 0.02 }\n\
        insertion_loss = { loss_db = 0.1, imbalance_sigma_db = 0.1, crossing_db = 0.05 }\n";
    std::fs::write(folder.path().join("process.toml"), process).unwrap();
    let chip = page("files/chip.md");
    let (_, after) = chip.split_once("<!-- file: reader.py -->").unwrap();
    std::fs::write(folder.path().join("reader.py"), block(after, "python")).unwrap();
    let script = "import json\nimport numpy as np\nfrom reader import matrix\n\
        p, chip = json.load(open('program.json')), json.load(open('chip.json'))\n\
        print(abs(matrix(p) - np.load('weights.npy')).max() < 1e-12)\n\
        print(abs(matrix(p, chip) - np.load('realised.npy')).max() < 1e-12)\n";
    let sizes = [(5, 6), (8, 5), (1, 1), (6, 6)];
    for (index, design) in MeshDesign::all().enumerate() {
        for &(rows, columns) in if index == 0 { &sizes[..] } else { &sizes[..1] } {
            let w = weights(design.topology().capability().max_rows().unwrap_or(rows), columns);
            let program = MatrixProgram::new(&w, Form::Auto, &design).unwrap();
            program.save(&folder.path().join("program.json")).unwrap();
            write_matrix(&folder.path().join("weights.npy"), &program.matrix()).unwrap();
            let chip = ["chip", "process.toml", "--program", "program.json", "--seed", "1", "-o", "chip.json"];
            phaseloom(folder.path(), &chip);
            phaseloom(folder.path(), &["matrix", "program.json", "--chip", "chip.json", "-o", "realised.npy"]);
            same("True\nTrue", &python(folder.path(), script));
        }
    }
}

#[test]
fn the_blocks_of_settings_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let block = |kind: &str| block(&page(&format!("keys/{kind}.md")), "toml").to_owned();
    let write = |kind: &str| -> PathBuf {
        let path = folder.path().join(format!("{kind}.toml"));
        std::fs::write(&path, block(kind)).unwrap();
        path
    };
    write("process");
    let experiment = Experiment::load(&write("experiment")).unwrap();
    assert_eq!(experiment.config.process.sources().count(), IMPERFECTIONS.len());
    assert_eq!(experiment.points().unwrap().len(), 3);
    // "Those with defaults at their defaults."
    let plain = folder.path().join("plain.toml");
    std::fs::write(&plain, "model = 'model.toml'\ndata = { inputs = 'test.csv' }").unwrap();
    let (ours, plain) = (experiment.config, Experiment::load(&plain).unwrap().config);
    assert_eq!((ours.seed, ours.trials, ours.shots), (plain.seed, plain.trials, plain.shots));
    assert_eq!((ours.core, ours.link), (plain.core, plain.link));
    toml::from_str::<Link>(&block("link")).unwrap().check().unwrap();
    toml::from_str::<DataSpec>(&block("data")).unwrap();
    ModelSpec::load(&write("model")).unwrap();
    TrainSpec::load(&write("training")).unwrap();
}

/// The known keys that an error about an unknown one names.
fn keys_of(error: &str) -> Vec<String> {
    assert!(error.contains("unknown field `no_such_key`"), "{error}");
    let (_, known) = error.split_once("expected ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_every_file_is_documented() {
    let reference = reference();
    let mut keys = BTreeSet::new();
    macro_rules! toml_keys {
        ($($type:ty),*) => {
            $(keys.extend(keys_of(toml::from_str::<$type>("no_such_key = 1").unwrap_err().message()));)*
        };
    }
    toml_keys!(Process, SplitterError, PhaseError, InsertionLoss, ThermalCrosstalk, PhaseQuantization, PhaseJitter);
    toml_keys!(HeaterLimits, HeaterLimit);
    toml_keys!(PhaseShifter, SpectraSpec, SweepsSpec, InterferometerSpec);
    toml_keys!(Link, Converter, Adc, Modulator, ThermalNoise, IntensityNoise, CoreSpec);
    toml_keys!(
        GraphInput,
        Expectation,
        DataSpec,
        CsvColumns,
        Every,
        ModelSpec,
        InputSpec,
        TrainSpec,
        CalibrationSpec,
        Calibration,
        LayerScale
    );
    let layer = toml::from_str::<LayerSpec>("kind = 'photonic'\nno_such_key = 1").unwrap_err();
    keys.extend(keys_of(layer.message()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "no_such_key = 1").unwrap();
    keys.extend(keys_of(&Experiment::load(&path).unwrap_err().to_string()));
    std::fs::write(&path, "{\"no_such_key\": 1}").unwrap();
    keys.extend(keys_of(&MatrixProgram::load(&path).unwrap_err().to_string()));
    keys.extend(keys_of(&Chip::load(&path).unwrap_err().to_string()));
    keys.extend(keys_of(&ConvertedProgram::load(&path).unwrap_err().to_string()));
    assert!(keys.len() > 80, "only {} keys found", keys.len());
    let missing: Vec<&String> = keys.iter().filter(|key| !reference.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/reference does not name {missing:?}");
    assert_eq!(UniformIn::default(), UniformIn::Phase);
}

#[test]
fn every_file_and_column_of_a_run_is_documented() {
    let reference = reference();
    let folder = sandbox();
    let run = ["run", "examples/digits/digits.toml", "--trials", "1", "-o", "out", "--save-outputs"];
    phaseloom(folder.path(), &run);
    let out = folder.path().join("out");
    for entry in std::fs::read_dir(&out).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(reference.contains(&format!("`{name}")), "the file {name} is not documented");
    }
    let written: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("run.json")).unwrap()).unwrap();
    for key in written.as_object().unwrap().keys() {
        assert!(reference.contains(&format!("`{key}`")), "run.json: the key {key} is not documented");
    }
    let tables: [(&str, &[&[ColumnText]]); 5] = [
        ("table.csv", &[columns::TABLE_COLUMNS, columns::LAYER_COLUMNS]),
        ("summary.csv", &[columns::SUMMARY_COLUMNS, columns::LAYER_COLUMNS]),
        ("design.csv", &[columns::DESIGN_COLUMNS]),
        ("classes.csv", &[columns::CLASSES_COLUMNS]),
        ("confusion.csv", &[columns::CONFUSION_COLUMNS]),
    ];
    tables.iter().for_each(|(name, lists)| columns_are_described(&out.join(name), lists));
}

/// Every column of a table is in its lists, and every row is documented.
fn columns_are_described(path: &Path, lists: &[&[ColumnText]]) {
    let known: BTreeSet<&str> =
        lists.iter().copied().chain([columns::LEADING_COLUMNS]).flatten().map(|(name, ..)| *name).collect();
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    // The column of a swept key has its name, with dots.
    for column in lines.next().unwrap().split(',').filter(|column| !column.contains('.')) {
        let general = column.replace("layer0_", "layer<i>_").replace("layer2_", "layer<i>_");
        let statistic = column.rsplit_once('_').map(|(_, statistic)| format!("<column>_{statistic}"));
        let is_known = known.contains(&*general) || statistic.is_some_and(|name| known.contains(&*name));
        assert!(is_known, "{}: the column {column} is not described", path.display());
    }
    let reference = reference();
    for row in lines.filter_map(|line| line.split(',').next()) {
        assert!(reference.contains(&format!("`{row}`")), "{}: the row {row} is not documented", path.display());
    }
}

#[test]
fn every_column_of_a_sweep_is_documented() {
    let folder = sandbox();
    phaseloom(folder.path(), &["sweep", "examples/matrix/dft8.npy", "--trials", "2", "-o", "out"]);
    let out = folder.path().join("out");
    let trial = ("trial", "", "");
    columns_are_described(&out.join("table.csv"), &[columns::MATRIX_COLUMNS, &[trial]]);
    columns_are_described(&out.join("summary.csv"), &[columns::MATRIX_SUMMARY_COLUMNS, &[("chips", "", "")]]);
}
