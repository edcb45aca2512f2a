//! The documents match the program: every command and every block of code in them is run here, in reduced form if it
//! takes long, and its output is compared with the document.

use phaseloom::experiment::Experiment;
use phaseloom::files::write_matrix;
use phaseloom::hardware::spectra::{InterferometerSpec, SpectraSpec, SweepsSpec};
use phaseloom::hardware::{
    Adc, Chip, Converter, CoreSpec, InsertionLoss, IntensityNoise, Link, Modulator, PhaseError, PhaseJitter,
    PhaseQuantization, PhaseShifter, Process, SplitterError, ThermalCrosstalk, ThermalNoise, UniformIn,
};
use phaseloom::mesh::convention::ConvertedProgram;
use phaseloom::mesh::{Form, MatrixProgram, MeshDesign};
use phaseloom::network::data::{CsvColumns, Every};
use phaseloom::network::layer::LayerSpec;
use phaseloom::network::model::InputSpec;
use phaseloom::network::train::CalibrationSpec;
use phaseloom::network::{Calibration, DataSpec, LayerScale, ModelSpec, TrainSpec};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const EXAMPLES: &str = include_str!("../examples/README.md");
const FORMATS: &str = include_str!("../crates/FORMATS.md");
const CONTRIBUTING: &str = include_str!("../CONTRIBUTING.md");

/// The text of a document in the place of a result that is not filled in yet.
const TO_FILL: &str = "(to be filled in";

/// Commands of the gate: this test runs inside one of them.
const GATE: [&str; 4] = [
    "cargo test --workspace",
    "cargo fmt --all --check",
    "cargo clippy --workspace --all-targets -- -D warnings",
    "cargo run --release -- run examples/mnist/experiment.toml", // as `phaseloom run …` below
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

// ---------------------------------------------------------------------------------------------- blocks of a document

/// A fenced block: its information string and its text.
struct Block {
    info: &'static str,
    text: &'static str,
}

fn blocks(document: &'static str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = document;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (info, body) = after.split_once('\n').expect("a line after a fence");
        // An empty block closes at once.
        let (text, next) = match body.strip_prefix("```") {
            Some(next) => ("", next),
            None => body.split_once("\n```").expect("a closed fence"),
        };
        found.push(Block { info, text });
        rest = next;
    }
    found
}

/// Commands of the sh blocks, each with the text block after it, if there is one.
fn commands(document: &'static str) -> Vec<(&'static str, Option<&'static str>)> {
    let blocks = blocks(document);
    let mut found = Vec::new();
    for (i, block) in blocks.iter().enumerate().filter(|(_, b)| b.info == "sh") {
        let lines: Vec<&str> = block.text.lines().collect();
        let printed = blocks.get(i + 1).filter(|b| b.info == "text").map(|b| b.text);
        let last = lines.len() - 1;
        found.extend(lines.iter().enumerate().map(|(j, &line)| (line, if j == last { printed } else { None })));
    }
    found
}

fn same(document: &str, found: &str) {
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned();
    assert_eq!(
        trimmed(document),
        trimmed(found),
        "\n--- the document says\n{document}\n--- the program prints\n{found}"
    );
}

// ------------------------------------------------------------------------------------------------------ running things

fn phaseloom(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_phaseloom")).current_dir(folder).args(arguments).output();
    let output = output.expect("phaseloom starts");
    assert!(output.status.success(), "phaseloom {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The output of an example. `cargo test` builds the examples together with the tests.
fn example(name: &str) -> String {
    let source = root().join("examples").join(format!("{name}.rs"));
    let own = std::env::current_exe().expect("the path of this test");
    let folder = own.ancestors().nth(2).expect("target/<profile>").join("examples");
    let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let modified = |path: &Path| std::fs::metadata(path).and_then(|m| m.modified());
    let built = modified(&binary).unwrap_or_else(|e| panic!("{}: {e}; run `cargo build --examples`", binary.display()));
    assert!(built >= modified(&source).unwrap(), "{name} is older than its source: run `cargo build --examples`");
    let output = Command::new(binary).output().expect("the example starts");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    stdout(&output)
}

/// Whether python3 can import these modules; says so where it cannot.
fn python_has(modules: &str) -> bool {
    let found = Command::new("python3").args(["-c", &format!("import {modules}")]).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: python3 cannot import {modules}");
    }
    there
}

fn python(folder: &Path, script: &str) -> String {
    let output = Command::new("python3").current_dir(folder).args(["-c", script]).output().expect("python3 starts");
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    stdout(&output)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

/// A copy of the examples, so that nothing is written into the repository.
fn sandbox() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("examples"), &folder.path().join("examples"));
    folder
}

fn edit(path: &Path, change: impl Fn(String) -> String) {
    std::fs::write(path, change(std::fs::read_to_string(path).unwrap())).unwrap();
}

/// Whether a file needs outside data that are not there; says so.
fn lacks_data(sandbox: &Path, file: &str) -> bool {
    let needs = std::fs::read_to_string(sandbox.join(file)).unwrap().contains("= \"$PHASELOOM_DATA/");
    let lacks = needs && std::env::var_os("PHASELOOM_DATA").is_none();
    if lacks {
        eprintln!("skipped: {file} needs PHASELOOM_DATA");
    }
    lacks
}

/// A rectangular program of a Haar unitary.
fn random_program(modes: usize) -> MatrixProgram {
    let u = phaseloom::numerics::haar_unitary(modes, &mut phaseloom::numerics::StreamKey::new(1, "document").stream());
    MatrixProgram::new(&u, phaseloom::mesh::Form::Auto, phaseloom::mesh::topology("rectangular").unwrap()).unwrap()
}

/// Runs a command of a document in a copy of the examples; its output, if it could be run.
fn run_documented(sandbox: &Path, command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        _ if GATE.contains(&command) => None,
        ["cargo", "run", "--example", name] => Some(example(name)),
        ["phaseloom", "run", file] => {
            let path = sandbox.join(file);
            if lacks_data(sandbox, file) {
                return None;
            }
            if file.starts_with("examples/mnist/") {
                edit(&path, |text| {
                    // Two documents may name the same command.
                    let text =
                        text.replace("[data]\nsamples = 256", "[data]").replace("[data]", "[data]\nsamples = 256");
                    text.replace("correction_effort = 0.1", "correction_effort = 0.002")
                        .replace("0.01, 0.03, ", "")
                        .replace("[0.05, 0.1, 0.15]", "[0.1]")
                        .replace("\"self_configuration\", ", "")
                });
                phaseloom(sandbox, &["run", file, "--trials", "1"]);
                return None; // of the reduced run nothing is printed in a document
            }
            Some(stdout(&phaseloom(sandbox, &words[1..])))
        }
        ["phaseloom", "train", file] => {
            let path = sandbox.join(file);
            if !lacks_data(sandbox, file) {
                edit(&path, |text| {
                    let (head, tail) = text.split_once("\nepochs = ").expect("a number of epochs");
                    let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
                    format!("{head}\nepochs = 1{tail}").replace("\n[train]", "\n[train]\nsamples = 100")
                });
                phaseloom(sandbox, &words[1..]);
            }
            None
        }
        ["phaseloom", "program" | "chip" | "matrix", ..] => {
            if !sandbox.join("weights.npy").exists() {
                random_program(4).save(&sandbox.join("weights.json")).unwrap();
                phaseloom(sandbox, &["matrix", "weights.json", "-o", "weights.npy"]);
            }
            phaseloom(sandbox, &words[1..]);
            None
        }
        ["phaseloom", "correct" | "draw", ..] => {
            let program = random_program(4);
            program.save(&sandbox.join("program.json")).unwrap();
            let process = phaseloom::hardware::preset("thermo-optic-silicon").unwrap().text;
            let sample = phaseloom::hardware::ChipId { seed: 1, trial: 0, core: 0 };
            let chip = Chip::fabricate(&toml::from_str(process).unwrap(), &program, sample).unwrap();
            chip.save(&sandbox.join("chip.json")).unwrap();
            phaseloom(sandbox, &words[1..]);
            None
        }
        ["phaseloom", "convert", from, ..] => {
            if !sandbox.join(from).exists() {
                random_program(4).save(&sandbox.join(from)).unwrap();
            }
            phaseloom(sandbox, &words[1..]);
            None
        }
        ["phaseloom", "compare", ..] => {
            phaseloom(sandbox, &["compare", "--modes", "5", "--trials", "3", "-o", "comparison"]);
            None
        }
        ["phaseloom", "validate", ..] => {
            phaseloom(sandbox, &["validate", "--quick", "--only", "cell"]);
            None
        }
        ["phaseloom", "spectra", file] => {
            let folder = std::env::var_os("PHASELOOM_DATA").map(PathBuf::from);
            if !folder.is_some_and(|f| f.join("photonic-components").is_dir()) {
                eprintln!("skipped: {file} needs photonic-components in PHASELOOM_DATA");
            } else {
                let printed = stdout(&phaseloom(sandbox, &words[1..]));
                same(phaseloom::hardware::preset("siepic-measured").unwrap().text, &printed);
            }
            None
        }
        _ => panic!("a document has the command `{command}`, which this test does not know: teach it to"),
    }
}

// --------------------------------------------------------------------------------------------------------------- README

#[test]
fn the_rust_block_of_the_readme_is_the_first_example_and_prints_what_it_says() {
    let source = include_str!("../examples/01_program_a_unitary.rs");
    let (_, code) = source.split_once("#![allow(clippy::print_stdout)]\n").unwrap();
    let blocks = blocks(README);
    let at = blocks.iter().position(|b| b.info == "rust").unwrap();
    same(blocks[at].text, code);
    same(blocks[at + 1].text, &example("01_program_a_unitary"));
}

#[test]
fn the_list_in_the_readme_is_that_of_the_program() {
    let (_, after) = README.split_once("<!-- list:start -->\n```text\n").unwrap();
    let (listed, _) = after.split_once("```\n<!-- list:end -->").unwrap();
    same(listed, &stdout(&phaseloom(root(), &["list"])));
}

/// A finished run prints its table again without computing anything.
#[test]
fn the_mnist_table_is_that_of_the_committed_results() {
    let results = root().join("results/mnist");
    if !results.join("identity.json").exists() {
        eprintln!("skipped: results/mnist is not there yet");
        return;
    }
    let folder = sandbox();
    copy(&results, &folder.path().join("results/mnist"));
    let output = phaseloom(folder.path(), &["run", "examples/mnist/experiment.toml", "-o", "results/mnist"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was computed"));
    let printed = stdout(&output);
    let block = |document: &'static str, mark: &str| {
        let (_, after) = document.split_once(mark).unwrap();
        after.split_once("```text\n").unwrap().1.split_once("\n```").unwrap().0
    };
    let mut rest = printed.as_str();
    for line in block(README, "<!-- MNIST-OUTPUT -->").lines().filter(|line| !line.trim().is_empty()) {
        let at = rest.find(line.trim()).unwrap_or_else(|| panic!("not printed: `{line}`; the run prints\n{printed}"));
        rest = &rest[at..];
    }
    same(block(EXAMPLES, "<!-- mnist:result -->"), printed.lines().last().unwrap());
    // Not the PNG: another processor may rasterise it otherwise in the last bit.
    for name in ["table.csv", "summary.csv", "design.csv", "figure.svg"] {
        let bytes = |folder: &Path| std::fs::read(folder.join("results/mnist").join(name)).unwrap();
        assert_eq!(bytes(folder.path()), bytes(root()), "results/mnist/{name} is not what its units make");
    }
}

#[test]
fn the_drawn_mesh_is_that_of_its_program() {
    let folder = tempfile::tempdir().unwrap();
    let mesh = root().join("results/mesh");
    std::fs::copy(mesh.join("program.json"), folder.path().join("program.json")).unwrap();
    phaseloom(folder.path(), &["draw", "program.json", "--input", "0", "-o", "mesh.svg"]);
    let drawn = |folder: &Path| std::fs::read_to_string(folder.join("mesh.svg")).unwrap();
    same(&drawn(&mesh), &drawn(folder.path()));
}

#[test]
fn the_weights_section_of_the_readme_is_right() {
    let blocks = blocks(README);
    let layers = blocks.iter().find(|b| b.info == "toml").unwrap();
    let table: toml::Table = toml::from_str(layers.text).unwrap();
    let layer: LayerSpec = table["layer"][0].clone().try_into().unwrap();
    assert_eq!(layer.outputs(784), 128);
    let save = blocks.iter().find(|b| b.info == "python").unwrap();
    if python_has("torch, safetensors.torch") {
        let folder = tempfile::tempdir().unwrap();
        let prelude = "import collections, torch\n\
            model = torch.nn.Sequential(collections.OrderedDict(fc1=torch.nn.Linear(784, 128)))\n";
        python(folder.path(), &format!("{prelude}{}", save.text));
        let weights = phaseloom::network::Tensors::load(&folder.path().join("weights.safetensors")).unwrap();
        assert_eq!(weights.get("fc1.weight").unwrap().shape(), [128, 784]);
    }
}

// ------------------------------------------------------------------------------------------------------------- commands

#[test]
fn every_command_runs_and_ends_as_the_document_says() {
    let folder = sandbox();
    for document in [README, EXAMPLES, CONTRIBUTING] {
        for (command, said) in commands(document) {
            let Some(printed) = run_documented(folder.path(), command) else { continue };
            let said = said.unwrap_or_else(|| panic!("no printed result after `{command}`"));
            // The document has the last sentence of an experiment, and the full output of an example.
            let sentence = printed.lines().last().unwrap_or_default();
            same(said, if command.starts_with("phaseloom run") { sentence } else { &printed });
        }
    }
}

/// The README's first command is the one that the examples page runs in reduced form.
#[test]
fn the_first_command_of_the_readme_is_that_of_the_example() {
    let (first, _) = commands(README)[0];
    let arguments = first.strip_prefix("cargo run --release -- ").unwrap();
    assert!(commands(EXAMPLES).iter().any(|(command, _)| command.strip_prefix("phaseloom ") == Some(arguments)));
    assert!(EXAMPLES.contains(TO_FILL) == README.contains(TO_FILL), "one of two places is filled in");
}

// -------------------------------------------------------------------------------------------------------------- formats

#[test]
fn the_readers_in_numpy_rebuild_what_the_program_writes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let process = "splitter_error = { sigma_rad = 0.02 }\nphase_error = { sigma_rad = 0.02 }\n\
        insertion_loss = { loss_db = 0.1, imbalance_sigma_db = 0.1 }\n";
    std::fs::write(folder.join("process.toml"), process).unwrap();
    let pythons: Vec<Block> = blocks(FORMATS).into_iter().filter(|b| b.info == "python").collect();
    let said: Vec<&str> = blocks(FORMATS).windows(2).filter(|w| w[0].info == "python").map(|w| w[1].text).collect();
    assert_eq!(pythons.len(), 3);
    for (rows, columns) in [(5, 8), (8, 5), (1, 1), (6, 6)] {
        let entry = |i: usize, j: usize| phaseloom::Complex64::new((i * 3 + j) as f64 % 4.0 - 1.5, (i + j * j) as f64);
        let w = phaseloom::nalgebra::DMatrix::from_fn(rows, columns, |i, j| entry(i, j) / 20.0);
        write_matrix(&folder.join("weights.npy"), &w).unwrap();
        for (command, _) in commands(FORMATS) {
            let arguments: Vec<&str> = command.strip_prefix("phaseloom ").unwrap().split(' ').collect();
            phaseloom(folder, &arguments);
        }
        if python_has("numpy") {
            same(said[0], &python(folder, pythons[0].text));
            for k in 1..3 {
                let both = python(folder, &format!("{}\n{}", pythons[0].text, pythons[k].text));
                same(&format!("{}\n{}", said[0], said[k]), &both);
            }
        }
    }
}

/// Programs and chips of every topology and cell, searched ones by what was found.
#[test]
fn the_readers_in_numpy_rebuild_every_mesh() {
    if !python_has("numpy") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let process = "splitter_error = { sigma_rad = 0.02 }\nphase_error = { sigma_rad = 0.02 }\n\
        insertion_loss = { loss_db = 0.1, imbalance_sigma_db = 0.1, crossing_db = 0.05 }\n";
    std::fs::write(folder.join("process.toml"), process).unwrap();
    let found: Vec<Block> = blocks(FORMATS).into_iter().filter(|b| b.info == "python").collect();
    let script = format!("{}\n{}", found[0].text, found[2].text);
    for design in MeshDesign::all() {
        let entry = |i: usize, j: usize| phaseloom::Complex64::new((i * 3 + j) as f64 % 4.0 - 1.5, (i + j * j) as f64);
        let w = phaseloom::nalgebra::DMatrix::from_fn(design.topology().capability().max_rows().unwrap_or(5), 6, entry);
        let program = MatrixProgram::new(&w, Form::Auto, &design).unwrap();
        program.save(&folder.join("program.json")).unwrap();
        write_matrix(&folder.join("weights.npy"), &program.matrix()).unwrap();
        for (command, _) in commands(FORMATS) {
            let arguments: Vec<&str> = command.strip_prefix("phaseloom ").unwrap().split(' ').collect();
            if ["chip", "matrix"].contains(&arguments[0]) {
                phaseloom(folder, &arguments);
            }
        }
        let said = python(folder, &script);
        assert_eq!(said.matches(": True").count(), 2, "{design}: {said}");
    }
}

#[test]
fn the_blocks_of_settings_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let block = |kind: &str| {
        let info = format!("toml {kind}");
        blocks(FORMATS).into_iter().find(|b| b.info == info).unwrap_or_else(|| panic!("no block `{info}`")).text
    };
    let write = |kind: &str| -> PathBuf {
        let path = folder.path().join(format!("{kind}.toml"));
        std::fs::write(&path, block(kind)).unwrap();
        path
    };
    write("process");
    let experiment = Experiment::load(&write("experiment")).unwrap();
    assert_eq!(experiment.config.process.sources().count(), phaseloom::hardware::IMPERFECTIONS.len());
    assert_eq!(experiment.points().unwrap().len(), 3);
    // "Those with defaults at their defaults."
    let plain = folder.path().join("plain.toml");
    std::fs::write(&plain, "model = 'model.toml'\ndata = { inputs = 'test.csv' }").unwrap();
    let (ours, plain) = (experiment.config, Experiment::load(&plain).unwrap().config);
    assert_eq!((ours.seed, ours.trials, ours.shots), (plain.seed, plain.trials, plain.shots));
    assert_eq!((ours.core, ours.link), (plain.core, plain.link));
    toml::from_str::<Link>(block("link")).unwrap().check().unwrap();
    toml::from_str::<DataSpec>(block("data")).unwrap();
    ModelSpec::load(&write("model")).unwrap();
    TrainSpec::load(&write("training")).unwrap();
    SpectraSpec::load(&write("spectra")).unwrap();
}

/// The known keys that an error about an unknown one names.
fn keys_of(error: &str) -> Vec<String> {
    assert!(error.contains("unknown field `no_such_key`"), "{error}");
    let (_, known) = error.split_once("expected ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_every_file_is_documented() {
    let mut keys = BTreeSet::new();
    macro_rules! toml_keys {
        ($($type:ty),*) => {
            $(keys.extend(keys_of(toml::from_str::<$type>("no_such_key = 1").unwrap_err().message()));)*
        };
    }
    toml_keys!(Process, SplitterError, PhaseError, InsertionLoss, ThermalCrosstalk, PhaseQuantization, PhaseJitter);
    toml_keys!(PhaseShifter, SpectraSpec, SweepsSpec, InterferometerSpec);
    toml_keys!(Link, Converter, Adc, Modulator, ThermalNoise, IntensityNoise, CoreSpec);
    toml_keys!(DataSpec, CsvColumns, Every, ModelSpec, InputSpec, TrainSpec, CalibrationSpec, Calibration, LayerScale);
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
    let missing: Vec<&String> = keys.iter().filter(|key| !FORMATS.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "crates/FORMATS.md does not name {missing:?}");
    assert_eq!(UniformIn::default(), UniformIn::Phase);
}

#[test]
fn every_file_and_column_of_a_run_is_documented() {
    let folder = sandbox();
    let run = ["run", "examples/digits/digits.toml", "--trials", "1", "-o", "out", "--save-outputs"];
    phaseloom(folder.path(), &run);
    let out = folder.path().join("out");
    for entry in std::fs::read_dir(&out).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(FORMATS.contains(&format!("`{name}")), "the file {name} is not documented");
    }
    for name in ["table.csv", "summary.csv", "design.csv"] {
        let text = std::fs::read_to_string(out.join(name)).unwrap();
        let mut lines = text.lines();
        let comments: Vec<&str> = lines.by_ref().take(6).collect();
        for comment in comments {
            let (key, _) = comment.split_once(':').unwrap();
            assert!(FORMATS.contains(&format!("`{key}:")), "{name}: the line `{comment}` is not documented");
        }
        for column in lines.next().unwrap().split(',').filter(|column| !column.contains('.')) {
            let general = column.replace("layer0_", "layer<i>_").replace("layer2_", "layer<i>_");
            assert!(FORMATS.contains(&format!("`{general}`")), "{name}: the column {column} is not documented");
        }
        for row in lines.filter_map(|line| line.split(',').next()) {
            assert!(FORMATS.contains(&format!("`{row}`")), "{name}: the row {row} is not documented");
        }
    }
}

// ------------------------------------------------------------------------------------------------------ whole repository

#[test]
fn the_changelog_has_the_version_of_the_package() {
    let changelog = include_str!("../CHANGELOG.md");
    let heading = changelog.lines().find(|line| line.starts_with("## [")).unwrap();
    assert!(heading.starts_with(&format!("## [{}]", env!("CARGO_PKG_VERSION"))), "{heading}");
    assert!(include_str!("../results/README.md").contains(env!("CARGO_PKG_VERSION")));
}

/// All text files of the repository that people write or read.
fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    const LEFT_OUT: [&str; 5] = [".git", ".ci", "target", "phaseloom-runs", "provenance.json"];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            texts(&path, found);
        } else if ["md", "rs", "toml", "py", "json", "csv", "svg", "txt"]
            .iter()
            .any(|e| name.ends_with(&format!(".{e}")))
        {
            found.push(path);
        }
    }
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    // In two parts each, so that this file does not name them.
    let places = [
        ("/", "work/"),
        ("/", "home/"),
        ("/", "root/"),
        ("/", "Users/"),
        ("/", "tmp/"),
        ("C:", "\\"),
        ("../", "shared"),
    ];
    let mut found = Vec::new();
    texts(root(), &mut found);
    assert!(found.len() > 100, "only {} texts found", found.len());
    for path in found {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for (a, b) in places {
            let place = format!("{a}{b}");
            // A relative path such as `examples/root/` is none.
            let named = text.match_indices(&place).find(|(at, _)| {
                let before = text[..*at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "_-.~".contains(c))
            });
            assert!(named.is_none(), "{} names {place}", path.display());
        }
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut found = Vec::new();
    texts(root(), &mut found);
    for path in found.into_iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let there = path.parent().unwrap().join(file).exists();
            assert!(there || file == "results/mnist/figure.svg", "{}: no {target}", path.display());
        }
    }
}
