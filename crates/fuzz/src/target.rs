//! The readers, each with its seeds and the property that every input has to satisfy.

use phaseloom_experiment::{Experiment, Tables, merge, open_network};
use phaseloom_files::{InputFiles, hex, read_matrix, write_matrix};
use phaseloom_hardware::spectra::{SpectraSpec, derive};
use phaseloom_hardware::{Chip, ChipId, Process, read_process};
use phaseloom_mesh::convention::{ConvertedProgram, convention};
use phaseloom_mesh::{Form, MatrixProgram, MeshDesign};
use phaseloom_network::data::{Batch, CsvColumns, read_inputs, read_labels};
use phaseloom_network::import::{ImportSettings, ImportedModel};
use phaseloom_network::network::GraphSettings;
use phaseloom_network::{Calibration, Model, ModelSpec, Tensors, TrainSpec};
use phaseloom_numerics::{StreamKey, haar_unitary};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A reader under test.
pub struct Target {
    /// The name on the command line.
    pub name: &'static str,
    /// Name of the file that is damaged; its ending may decide the format.
    pub file: &'static str,
    /// Undamaged files. `folder` may get files that the reader also needs.
    pub seeds: fn(folder: &Path) -> Vec<Vec<u8>>,
    /// Reads the file. `Ok(true)` if it was accepted, `Ok(false)` if it was refused.
    ///
    /// # Errors
    ///
    /// The property that the input violates.
    pub check: fn(path: &Path) -> Result<bool, String>,
}

/// All readers.
pub const TARGETS: &[Target] = &[
    Target { name: "program", file: "program.json", seeds: programs, check: program },
    Target { name: "converted", file: "converted.json", seeds: converted_programs, check: converted },
    Target { name: "chip", file: "chip.json", seeds: chips, check: chip },
    Target { name: "process", file: "process.toml", seeds: processes, check: process },
    Target { name: "experiment", file: "experiment.toml", seeds: experiments, check: experiment },
    Target { name: "model", file: "model.toml", seeds: models, check: model },
    Target { name: "training", file: "train.toml", seeds: trainings, check: |path| Ok(TrainSpec::load(path).is_ok()) },
    Target { name: "calibration", file: "calibration.json", seeds: calibrations, check: calibration },
    Target { name: "spectra", file: "spectra.toml", seeds: spectra_settings, check: spectra },
    Target { name: "sweeps", file: "sweeps.csv", seeds: sweeps, check: sweeps_of_spectra },
    Target { name: "safetensors", file: "weights.safetensors", seeds: safetensors, check: weights },
    Target { name: "npz", file: "weights.npz", seeds: npz, check: weights },
    Target { name: "import", file: "weights.safetensors", seeds: importable, check: import },
    Target { name: "onnx", file: "net.onnx", seeds: graphs, check: graph },
    Target { name: "matrix", file: "matrix.npy", seeds: matrices, check: matrix },
    Target { name: "inputs", file: "inputs.npy", seeds: arrays, check: data },
    Target { name: "csv", file: "data.csv", seeds: csv, check: data },
    Target { name: "idx", file: "data-idx3-ubyte", seeds: idx, check: data },
    Target { name: "units", file: "units.jsonl", seeds: units, check: run_folder },
    Target { name: "records", file: "units.jsonl", seeds: units, check: records },
    Target { name: "figure", file: "summary.csv", seeds: summaries, check: figure },
];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn example(name: &str) -> Vec<u8> {
    let path = Path::new(ROOT).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("seed {}: {error}", path.display()))
}

fn examples(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| example(name)).collect()
}

/// The bytes that `write` puts into a file.
fn written<E: std::fmt::Display>(path: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Vec<u8> {
    write(path).unwrap_or_else(|error| panic!("seed {}: {error}", path.display()));
    fs::read(path).unwrap_or_default()
}

/// What a reader has accepted can be written, read again, and written to the same bytes.
fn round_trip<T, E: std::fmt::Display>(
    path: &Path,
    load: impl Fn(&Path) -> Result<T, E>,
    save: impl Fn(&T, &Path) -> Result<(), E>,
) -> Result<bool, String> {
    let Ok(value) = load(path) else { return Ok(false) };
    let copy = path.with_file_name(format!("copy-{}", path.file_name().unwrap_or_default().to_string_lossy()));
    let first = written(&copy, |copy| save(&value, copy));
    let again = load(&copy).map_err(|error| format!("accepted, written, and then refused: {error}"))?;
    let second = written(&copy, |copy| save(&again, copy));
    if first == second { Ok(true) } else { Err("written differently the second time".to_owned()) }
}

fn small_programs() -> Vec<MatrixProgram> {
    let unitary = haar_unitary(3, &mut StreamKey::new(1, "fuzz").stream());
    let program = |key: &str, form| {
        let design = MeshDesign::from_keys(key, None).expect("a key of the list");
        MatrixProgram::new(&unitary, form, design).expect("a Haar unitary can be programmed")
    };
    let other = [
        ("rectangular", Form::Unitary),
        ("triangular", Form::Svd),
        ("contraction", Form::Auto),
        ("diamond", Form::Auto),
    ];
    other.into_iter().map(|(key, form)| program(key, form)).collect()
}

fn programs(folder: &Path) -> Vec<Vec<u8>> {
    small_programs().iter().map(|program| written(&folder.join("seed"), |path| program.save(path))).collect()
}

fn program(path: &Path) -> Result<bool, String> {
    if let Ok(program) = MatrixProgram::load(path) {
        let finite = program.matrix().iter().all(|z| z.re.is_finite() && z.im.is_finite());
        let limit = program.gain().is_finite() && program.gain() < 1e150;
        if !finite && limit {
            return Err("the matrix is not finite".to_owned());
        }
    }
    round_trip(path, MatrixProgram::load, MatrixProgram::save)
}

fn converted_programs(folder: &Path) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for key in ["clements", "perceval", "bell_walmsley"] {
        let convention = convention(key).expect("a key of the list");
        for program in &small_programs()[..2] {
            let converted = ConvertedProgram::new(program, convention).expect("a mesh of MZIs");
            seeds.push(written(&folder.join("seed"), |path| converted.save(path)));
        }
    }
    seeds
}

fn converted(path: &Path) -> Result<bool, String> {
    if let Ok(converted) = ConvertedProgram::load(path) {
        let copy = path.with_file_name("program.json");
        written(&copy, |copy| converted.program().save(copy));
        MatrixProgram::load(&copy).map_err(|error| format!("converted to a program that is refused: {error}"))?;
    }
    round_trip(path, ConvertedProgram::load, ConvertedProgram::save)
}

fn chips(folder: &Path) -> Vec<Vec<u8>> {
    let text = "[splitter_error]\nsigma_rad = 0.1\n[phase_error]\nsigma_rad = 0.1\n[insertion_loss]\nloss_db = 0.2\n";
    let process: Process = toml::from_str(text).expect("a process");
    let chip = |program: &MatrixProgram| {
        let chip = Chip::fabricate(&process, program, ChipId { seed: 1, trial: 0, core: 0 }).expect("a chip");
        written(&folder.join("seed"), |path| chip.save(path))
    };
    small_programs().iter().map(chip).collect()
}

fn chip(path: &Path) -> Result<bool, String> {
    round_trip(path, Chip::load, Chip::save)
}

fn processes(_: &Path) -> Vec<Vec<u8>> {
    let mut seeds = examples(&["examples/digits/process.toml", "examples/mnist/process.toml"]);
    seeds.extend(phaseloom_hardware::PRESETS.iter().map(|preset| preset.text.as_bytes().to_vec()));
    seeds
}

fn process(path: &Path) -> Result<bool, String> {
    let Ok(file) = read_process(path, Path::new("")) else { return Ok(false) };
    if file.process.check().is_err() {
        return Ok(false);
    }
    let copy = path.with_file_name("copy.toml");
    let text = toml::to_string(&file.process).map_err(|error| format!("accepted, and not written: {error}"))?;
    // An empty file is refused, and the ideal process has no keys.
    fs::write(&copy, format!("# a process\n{text}")).map_err(|error| error.to_string())?;
    let again = read_process(&copy, Path::new("")).map_err(|error| format!("written, and then refused: {error}"))?;
    if again.process == file.process { Ok(true) } else { Err("read differently the second time".to_owned()) }
}

fn experiments(folder: &Path) -> Vec<Vec<u8>> {
    fs::write(folder.join("process.toml"), example("examples/mnist/process.toml")).expect("a seed");
    let mut seeds = examples(&["examples/digits/digits.toml", "examples/mnist/correction-16.toml"]);
    seeds.push(b"model = 'm.toml'\nprocess = 'preset:thermo-optic-silicon'\n[data]\ninputs = 'x.npy'\n".to_vec());
    seeds.push(b"model = 'm.toml'\n[data]\ninputs = 'x.npy'\n[process.phase_error]\nsigma_rad = 0.1\n[[sweep]]\nkeys = ['process.phase_error.sigma_rad', 'process.splitter_error.sigma_rad']\nvalues = [0, 1]\n".to_vec());
    seeds
}

fn experiment(path: &Path) -> Result<bool, String> {
    Ok(Experiment::load(path).is_ok_and(|experiment| experiment.points().is_ok()))
}

fn models(folder: &Path) -> Vec<Vec<u8>> {
    fs::write(folder.join("weights.safetensors"), example("examples/breast_cancer/weights.safetensors"))
        .expect("a seed");
    examples(&["examples/breast_cancer/model.toml"])
}

fn model(path: &Path) -> Result<bool, String> {
    Ok(ModelSpec::load(path).is_ok() && Model::load(path).is_ok())
}

fn trainings(_: &Path) -> Vec<Vec<u8>> {
    examples(&["examples/digits/train.toml", "examples/vowels/train.toml", "examples/mnist/train.toml"])
}

fn calibrations(_: &Path) -> Vec<Vec<u8>> {
    examples(&["examples/digits/calibration.json", "examples/breast_cancer/calibration.json"])
}

fn calibration(path: &Path) -> Result<bool, String> {
    round_trip(path, Calibration::load, Calibration::save)
}

const COUPLERS: &str = "[couplers]\nfile = 'sweeps.csv'\ndevices = 'L'\nwindow_nm = [1540, 1560]\npower = ['a', 'b']\n";

fn spectra_settings(folder: &Path) -> Vec<Vec<u8>> {
    fs::write(folder.join("sweeps.csv"), &sweeps(folder)[0]).expect("a seed");
    vec![COUPLERS.as_bytes().to_vec(), example("examples/spectra/siepic.toml")]
}

fn sweeps(_: &Path) -> Vec<Vec<u8>> {
    let mut text = "device,wavelength_nm,a,b\n".to_owned();
    for length in 1..6 {
        for step in 0..20 {
            let nm = 1540.0 + f64::from(step);
            let fringe = (0.4 * (nm - 1550.0) + 0.1 * f64::from(length)).cos();
            let [a, b] = [0.5 + 0.45 * fringe, 0.5 - 0.45 * fringe].map(|power| 10.0 * power.log10());
            text += &format!("L{length},{nm},{a:.3},{b:.3}\n");
        }
    }
    vec![text.into_bytes()]
}

/// Reads the settings, with the sweeps next to them. What is derived is a process that can be read.
fn spectra(path: &Path) -> Result<bool, String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let Ok(mut spec) = SpectraSpec::load(path) else { return Ok(false) };
    spec.sweeps_mut().for_each(|sweeps| sweeps.file = folder.join(&sweeps.file));
    let Ok(derived) = derive(&spec) else { return Ok(false) };
    let copy = folder.join("derived.toml");
    fs::write(&copy, derived.process_toml("fuzz")).map_err(|error| error.to_string())?;
    read_process(&copy, Path::new("")).map_err(|error| format!("derived a process that is refused: {error}"))?;
    Ok(true)
}

fn sweeps_of_spectra(path: &Path) -> Result<bool, String> {
    let settings = path.with_file_name("spectra.toml");
    fs::write(&settings, COUPLERS).map_err(|error| error.to_string())?;
    spectra(&settings)
}

fn safetensors(_: &Path) -> Vec<Vec<u8>> {
    examples(&["examples/vowels/weights.safetensors", "examples/breast_cancer/weights.safetensors"])
}

fn importable(_: &Path) -> Vec<Vec<u8>> {
    examples(&["examples/breast_cancer/weights.safetensors"])
}

/// The model file that `import` writes can be read.
fn import(path: &Path) -> Result<bool, String> {
    let import = |tensors: &Tensors| {
        // The first shape has no convolutions, the second one all.
        [None, Some(vec![1, 8, 8])].into_iter().find_map(|input_shape| {
            let settings = ImportSettings { activation: "relu".into(), layout: None, layers: Vec::new(), input_shape };
            ImportedModel::new(tensors, &settings).ok()
        })
    };
    let Some(model) = Tensors::load(path).ok().and_then(|tensors| import(&tensors)) else { return Ok(false) };
    let file = path.with_file_name("imported.toml");
    fs::write(&file, model.toml("net", "weights.safetensors")).map_err(|error| error.to_string())?;
    ModelSpec::load(&file).map(|_| true).map_err(|error| error.to_string())
}

fn graphs(folder: &Path) -> Vec<Vec<u8>> {
    const MODELS: &str = "crates/onnx/tests/models";
    let weights = "convolution_1d.onnx.data";
    fs::write(folder.join(weights), example(&format!("{MODELS}/{weights}"))).expect("a seed");
    ["keras", "convolution_1d", "mlp", "old", "lstm6", "gru6", "exported/residual_old", "exported/mlp_new"]
        .iter()
        .map(|name| example(&format!("{MODELS}/{name}.onnx")))
        .collect()
}

/// A graph that is accepted computes with zeros, or says why not.
fn graph(path: &Path) -> Result<bool, String> {
    let Ok(graph) = open_network(path, &GraphSettings::default(), &InputFiles::default()) else { return Ok(false) };
    let _ = graph.exact_outputs(&graph.prepare(&Batch::zeros(graph.input_size(), 2)), &mut |_, _| {});
    Ok(true)
}

/// Small arrays of real numbers: a matrix and a vector.
fn arrays(_: &Path) -> Vec<Vec<u8>> {
    let array = |shape: &str, count: u32| {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{header:<117}\n").bytes());
        bytes.extend((0..count).flat_map(|k| (k as f32).to_le_bytes()));
        bytes
    };
    vec![array("(3, 2)", 6), array("(4,)", 4)]
}

fn npz(folder: &Path) -> Vec<Vec<u8>> {
    let matrix = arrays(folder).swap_remove(0);
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, method) in [("a.npy", CompressionMethod::Stored), ("b.npy", CompressionMethod::Deflated)] {
        archive
            .start_file(name, SimpleFileOptions::default().compression_method(method))
            .expect("an archive in memory");
        archive.write_all(&matrix).expect("an archive in memory");
    }
    vec![archive.finish().expect("an archive in memory").into_inner()]
}

fn weights(path: &Path) -> Result<bool, String> {
    let Ok(tensors) = Tensors::load(path) else { return Ok(false) };
    match tensors.iter().find(|(_, tensor)| tensor.shape().iter().product::<usize>() != tensor.values().len()) {
        Some((name, _)) => Err(format!("tensor `{name}` has another number of values than its shape")),
        None => Ok(true),
    }
}

fn matrices(folder: &Path) -> Vec<Vec<u8>> {
    let unitary = haar_unitary(3, &mut StreamKey::new(2, "fuzz").stream());
    vec![written(&folder.join("seed.npy"), |path| write_matrix(path, &unitary))]
}

fn matrix(path: &Path) -> Result<bool, String> {
    round_trip(
        path,
        |path| Ok::<_, phaseloom_files::FileError>(read_matrix(path)?.0),
        |matrix, path| write_matrix(path, matrix),
    )
}

fn csv(_: &Path) -> Vec<Vec<u8>> {
    vec![b"1,2,0\n3,4,1\n".to_vec(), b"1.0,2e-3,1\n-1,4,0\n.5,\"6\",2\n".to_vec()]
}

fn idx(_: &Path) -> Vec<Vec<u8>> {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3];
    images.extend(0..18);
    vec![images, vec![0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]]
}

fn data(path: &Path) -> Result<bool, String> {
    let columns = CsvColumns::default();
    let labels = read_labels(path, &columns, Some(10));
    if let Some(label) = labels.as_ref().ok().and_then(|labels| labels.iter().find(|&&label| label >= 10)) {
        return Err(format!("label {label} of ten classes"));
    }
    match read_inputs(path, &columns) {
        Ok(batch) if batch.iter().any(|x| !x.is_finite()) => Err("an input that is not finite".to_owned()),
        inputs => Ok(inputs.is_ok() || labels.is_ok()),
    }
}

fn units(folder: &Path) -> Vec<Vec<u8>> {
    for name in ["identity.json", "experiment.toml"] {
        fs::write(folder.join(name), example(&format!("results/mnist/{name}"))).expect("a seed");
    }
    vec![example("results/mnist/units.jsonl")]
}

/// A folder of a run, alone in a folder so that tables have a place.
fn run_folder(path: &Path) -> Result<bool, String> {
    let folder: PathBuf = path.parent().unwrap_or(Path::new("")).to_owned();
    let merged = folder.join("merged");
    let _ = fs::remove_dir_all(&merged);
    let Ok(outcome) = merge(&[folder], &merged, &|_| ()) else {
        return if merged.exists() { Err("refused, and a folder was left".to_owned()) } else { Ok(false) };
    };
    let Some(tables) = Tables::new(&outcome) else { return Ok(false) };
    let _ = (tables.text(), tables.unit_table().csv(), tables.design_table().csv());
    phaseloom_report::accuracy_figure(&tables.summary_table().csv()).map_err(|error| format!("no figure: {error}"))?;
    Ok(true)
}

/// A folder of a run whose damaged lines have valid checksums (docs/reference/files/run-folder.md): the records themselves are tested.
fn records(path: &Path) -> Result<bool, String> {
    const KEY: &str = ",\"checksum\":\"";
    let identity = fs::read_to_string(path.with_file_name("identity.json")).unwrap_or_default();
    let identity = identity.split('"').nth(3).unwrap_or_default();
    let bytes = fs::read(path).unwrap_or_default();
    let line = |line: &str| {
        let body = line.split(KEY).next().unwrap_or_default().trim_end_matches('}').to_owned();
        let digest = Sha256::new().chain_update(identity).chain_update(&body).chain_update("}").finalize();
        format!("{body}{KEY}{}\"}}\n", &hex(&digest)[..16])
    };
    let signed: String = String::from_utf8_lossy(&bytes).lines().map(line).collect();
    fs::write(path, signed).map_err(|error| error.to_string())?;
    run_folder(path)
}

fn summaries(_: &Path) -> Vec<Vec<u8>> {
    examples(&["results/mnist/summary.csv", "results/correction-16/summary.csv"])
}

fn figure(path: &Path) -> Result<bool, String> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(false) };
    Ok(phaseloom_report::accuracy_figure(&text).is_ok())
}
