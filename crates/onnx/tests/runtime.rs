//! Graphs of many kinds against ONNX Runtime, whose outputs `models.py` stored next to them.

use phaseloom_files::{InputFiles, npy::parse_npy, read_bytes};
use phaseloom_hardware::{
    Batch, CoreSpec, Detection, LayerAddress, LayerProgram, Link, MatrixProduct, OpticalProduct, Process,
    ProductStatistics, Scales, Shot,
};
use phaseloom_network::Network;
use phaseloom_network::network::{GraphSettings, PassAddress, Place};
use phaseloom_onnx::Graph;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn graph(name: &str, settings: &GraphSettings) -> Graph {
    Graph::load_from(&file(&format!("{name}.onnx")), settings, &InputFiles::default()).unwrap()
}

/// Features × samples, or outputs × samples.
fn stored(name: &str) -> Batch {
    read(&file(name))
}

fn read(path: &Path) -> Batch {
    let array = parse_npy(path, &read_bytes(path).unwrap().bytes).unwrap();
    Batch::from_vec(array.shape[1], array.shape[0], array.real.into_doubles())
}

/// A model, the shapes of its sites, and why linear operators stay electronic.
type Case = (&'static str, &'static [(usize, usize)], &'static [&'static str]);

const MODELS: [Case; 9] = [
    ("residual", &[(8, 27), (8, 72), (8, 72), (8, 72), (8, 8), (5, 8)], &[]),
    ("keras", &[(6, 18), (8, 36), (4, 32)], &[]),
    ("convolution_1d", &[(6, 15), (4, 18), (3, 40)], &[]),
    ("mlp", &[(16, 12), (10, 16), (6, 10)], &[]),
    ("old", &[(4, 9), (3, 144)], &[]),
    ("lstm6", &[(24, 5), (24, 6), (3, 6)], &[]),
    ("gru6", &[(18, 5), (18, 6), (3, 6)], &[]),
    ("gru65", &[(195, 5), (195, 65), (3, 65)], &[]),
    (
        "transformer",
        &[
            (16, 16),
            (16, 16),
            (16, 16),
            (16, 16),
            (32, 16),
            (16, 32),
            (16, 16),
            (16, 16),
            (16, 16),
            (16, 16),
            (32, 16),
            (16, 32),
            (3, 16),
        ],
        &["two activations"; 4],
    ),
];

/// Networks that both exporters of PyTorch (`_old`, `_new`) and tf2onnx wrote (`exported.py`).
const EXPORTED: [Case; 7] = [
    ("residual", &[(8, 27), (12, 72), (12, 108), (12, 8), (5, 12)], &[]),
    // One projection makes q, k and v.
    (
        "transformer",
        &[(48, 16), (16, 16), (32, 16), (16, 32), (48, 16), (16, 16), (32, 16), (16, 32), (3, 16)],
        &["two activations"; 4],
    ),
    ("lstm", &[(24, 5), (24, 6), (24, 6), (24, 6), (3, 6)], &[]),
    ("gru", &[(18, 5), (18, 6), (3, 6)], &[]),
    ("mlp", &[(16, 12), (10, 16), (6, 10)], &[]),
    ("convolution_1d", &[(6, 15), (4, 18), (3, 40)], &[]),
    // The second is depthwise: six groups on the diagonal.
    ("keras", &[(6, 18), (6, 54), (8, 36), (4, 32)], &[]),
];

/// The files of a network of [`EXPORTED`], without their ending.
fn exported(name: &str) -> Vec<String> {
    let exporters = if name == "keras" { &[""][..] } else { &["_old", "_new"] };
    exporters.iter().map(|exporter| format!("exported/{name}{exporter}")).collect()
}

/// Compares a graph with outputs of ONNX Runtime. Both compute in single precision, 6e-8 per operation: 1e-5 of the largest
/// output covers sums of some hundred products.
fn compare(name: &str, graph: &Graph, input: &Batch, expected: &Batch) {
    let output = graph.exact_outputs(&graph.prepare(input), &mut |_, _| {}).unwrap();
    assert_eq!((output.shape(), output.ncols()), (expected.shape(), 200), "{name}");
    let difference = (&output - expected).amax() / expected.amax();
    assert!(difference < 1e-5, "{name}: {difference:e}");
}

/// Checks which operators of a graph go to light.
fn expect_sites(name: &str, graph: &Graph, (_, shapes, electronic): Case) {
    let layers = graph.photonic_layers();
    let mut found: Vec<(usize, usize)> = layers.iter().map(|layer| layer.weight.shape()).collect();
    let mut expected: Vec<(usize, usize)> = shapes.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{name}");
    let operators = graph.operators();
    let reasons: Vec<&str> = operators.iter().filter_map(|operator| reason(&operator.place)).collect();
    assert_eq!(reasons, electronic, "{name}");
}

#[test]
fn outputs_are_those_of_onnx_runtime() {
    for case in MODELS {
        let name = case.0;
        let graph = graph(name, &GraphSettings::default());
        compare(name, &graph, &stored(&format!("{name}.input.npy")), &stored(&format!("{name}.output.npy")));
        expect_sites(name, &graph, case);
    }
}

#[test]
fn exported_networks_are_those_of_onnx_runtime() {
    for case in EXPORTED {
        let input = stored(&format!("exported/{}.input.npy", case.0));
        for name in exported(case.0) {
            let graph = graph(&name, &GraphSettings::default());
            compare(&name, &graph, &input, &stored(&format!("{name}.output.npy")));
            expect_sites(&name, &graph, case);
        }
    }
}

/// New inputs at each test, where ONNX Runtime is installed.
#[test]
fn an_installed_onnx_runtime_gives_the_same_outputs() {
    let python = |arguments: &[&std::ffi::OsStr]| std::process::Command::new("python3").args(arguments).output();
    let has_runtime = python(&["-c".as_ref(), "import numpy, onnxruntime".as_ref()]);
    if !has_runtime.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no ONNX Runtime for python3; `pip install numpy onnxruntime` installs it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let hand_made: Vec<String> = MODELS.iter().map(|case| case.0.to_owned()).collect();
    let exported: Vec<String> = EXPORTED.iter().flat_map(|case| exported(case.0)).collect();
    // Networks of both lists have the same names in other folders.
    for names in [hand_made, exported] {
        let files: Vec<PathBuf> = names.iter().map(|name| file(&format!("{name}.onnx"))).collect();
        let script = file("../reference.py");
        let mut arguments = vec![script.as_os_str(), folder.path().as_os_str()];
        arguments.extend(files.iter().map(|file| file.as_os_str()));
        let made = python(&arguments).unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        for (name, file) in names.iter().zip(&files) {
            let stem = file.file_stem().unwrap().to_string_lossy();
            let [input, output] =
                ["input", "output"].map(|what| read(&folder.path().join(format!("{stem}.{what}.npy"))));
            compare(name, &graph(name, &GraphSettings::default()), &input, &output);
        }
    }
}

fn reason(place: &Place) -> Option<&str> {
    if let Place::Electronic(reason) = place { Some(reason) } else { None }
}

/// Products on noisy chips of four ports.
fn products(graph: &Graph) -> Vec<Box<dyn MatrixProduct>> {
    let link: Link = Link { laser_power_w: Some(1e-3), shot_noise: true, ..Link::default() };
    let core = CoreSpec { ports: 4, ..CoreSpec::default() };
    let product = |(index, weight): (usize, &nalgebra::DMatrix<f64>)| -> Box<dyn MatrixProduct> {
        let tiles = core.plan(weight.nrows(), weight.ncols(), Detection::Homodyne).unwrap().tiles().len();
        let scales = Scales { input: 3.0, full_scale: vec![3.0; tiles] };
        let design = core.design().unwrap();
        let program = LayerProgram::with_design(weight, &core, &design, Detection::Homodyne, &scales).unwrap();
        let program = Arc::new(program);
        let design = Arc::new(program.design(&Process::default()).unwrap());
        let address = LayerAddress { seed: 1, trial: 0, layer: index as u64, first_core: 100 * index as u64 };
        Box::new(OpticalProduct::<f64>::new(&program, &design, &link, &scales, core.core_use(), address).unwrap())
    };
    graph.photonic_layers().iter().map(|layer| layer.weight).enumerate().map(product).collect()
}

/// The address of a draw is (sample, position, step), so the cut into batches changes no bit.
#[test]
fn noise_belongs_to_samples_and_positions() {
    for name in ["keras", "lstm6", "gru6", "transformer"] {
        let graph = graph(name, &GraphSettings::default());
        let products = products(&graph);
        let products: Vec<&dyn MatrixProduct> = products.iter().map(|product| &**product).collect();
        let input = stored(&format!("{name}.input.npy")).columns(0, 12).into_owned();
        let run = |start: usize, count: usize, repetition: u32| {
            let exact = graph.exact_pass(input.columns(start, count).into_owned()).unwrap();
            let address = PassAddress { trial: 0, repetition, first_sample: start as u64 };
            graph.forward(&exact, &products, address, &mut |_, _| {}).unwrap().0
        };
        let (whole, again) = (run(0, 12, 0), run(0, 12, 1));
        assert!((&whole - &again).amax() > 1e-9, "{name}: each repetition has noise of its own");
        for (start, count) in [(0, 5), (5, 7), (11, 1)] {
            let part = run(start, count, 0);
            let same = part.iter().zip(whole.columns(start, count).iter()).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{name}: samples {start}…+{count}");
        }
    }
}

/// An exact product that notes the address of the noise of each vector: repetition with step, and place.
struct Addresses<'a> {
    weight: &'a nalgebra::DMatrix<f64>,
    noted: Mutex<Vec<(u64, u64)>>,
}

impl MatrixProduct for Addresses<'_> {
    fn shape(&self) -> (usize, usize) {
        self.weight.shape()
    }

    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, ProductStatistics) {
        let vectors = (0..input.ncols() as u64).map(|column| (shot.index, shot.first_vector + column));
        self.noted.lock().unwrap().extend(vectors);
        (self.weight * input, ProductStatistics::default())
    }
}

/// No two vectors of a product have the same address: not at two samples, positions, steps or repetitions.
#[test]
fn each_vector_has_noise_of_its_own() {
    let mut several = [false; 2];
    for name in ["keras", "lstm6", "gru6", "transformer"] {
        let graph = graph(name, &GraphSettings::default());
        let layers = graph.photonic_layers();
        let products: Vec<Addresses<'_>> =
            layers.iter().map(|layer| Addresses { weight: layer.weight, noted: Mutex::default() }).collect();
        let all: Vec<&dyn MatrixProduct> = products.iter().map(|product| product as _).collect();
        let input = stored(&format!("{name}.input.npy"));
        for repetition in 0..2 {
            for (start, count) in [(0, 5), (5, 7)] {
                let exact = graph.exact_pass(input.columns(start, count).into_owned()).unwrap();
                let address = PassAddress { trial: 0, repetition, first_sample: start as u64 };
                graph.forward(&exact, &all, address, &mut |_, _| {}).unwrap();
            }
        }
        for (layer, product) in layers.iter().zip(&products) {
            let noted = product.noted.lock().unwrap();
            let distinct: HashSet<_> = noted.iter().collect();
            assert_eq!((noted.len(), distinct.len()), (24 * layer.vectors * layer.steps, noted.len()), "{name}");
            several = [several[0] || layer.vectors > 1, several[1] || layer.steps > 1];
        }
    }
    assert_eq!(several, [true; 2], "the graphs have products of several positions and of several steps");
}

#[test]
fn patterns_choose_operators() {
    let of = |settings: GraphSettings| graph("mlp", &settings);
    let electronic = of(GraphSettings { electronic: vec!["MatMul".into()], ..GraphSettings::default() });
    assert_eq!(electronic.photonic_layers().len(), 2);
    let operators = electronic.operators();
    let reasons: Vec<&str> = operators.iter().filter_map(|operator| reason(&operator.place)).collect();
    assert_eq!(reasons, ["named in `electronic`"]);
    let photonic = of(GraphSettings { photonic: Some(vec!["/Gemm*".into()]), ..GraphSettings::default() });
    assert_eq!(photonic.photonic_layers().len(), 2);
    assert_ne!(electronic.sha256(), photonic.sha256());
    let input = stored("mlp.input.npy");
    let difference = electronic.exact_outputs(&input, &mut |_, _| {}).unwrap() - stored("mlp.output.npy");
    assert!(difference.amax() < 1e-4);
}

/// The size of an image is in the settings. One that needs more memory than there is, is refused before it takes any.
#[test]
fn open_sizes_are_chosen_within_the_memory() {
    let load = |shape: &str| {
        let input = Some(toml::from_str(&format!("shape = {shape}")).unwrap());
        let settings = GraphSettings { input, ..GraphSettings::default() };
        Graph::load_from(&file("open_size.onnx"), &settings, &InputFiles::default())
    };
    let graph = load("[1, 4, 5]").unwrap();
    compare("open_size", &graph, &stored("open_size.input.npy"), &stored("open_size.output.npy"));
    for (shape, part) in [("[1, 3000000, 3000000]", "GiB"), ("[1, 60000, 80000]", "GiB")] {
        let error = load(shape).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(Graph::load_from(&file("open_size.onnx"), &GraphSettings::default(), &InputFiles::default()).is_err());
}

/// A cut of the vectors of one sample into batches changes no number: 120 000 positions are several batches.
#[test]
fn vectors_pass_in_bounded_batches() {
    let input = Some(toml::from_str("shape = [1, 600, 800]").unwrap());
    let settings = GraphSettings { input, ..GraphSettings::default() };
    let graph = Graph::load_from(&file("open_size.onnx"), &settings, &InputFiles::default()).unwrap();
    let image = Batch::from_fn(480_000, 1, |i, _| ((i * 37) as f64 * 0.7).sin());
    let weight = graph.photonic_layers()[0].weight.clone();
    let mut vectors = Vec::new();
    let mut multiply = |call: phaseloom_network::network::Call, x: &Batch| {
        vectors.push((call.first_vector, x.ncols()));
        assert!(8 * x.len() <= 32 << 20);
        &weight * x
    };
    let output = graph.pass(&image, &mut multiply, &mut |_, _| {}).unwrap();
    assert!(vectors.len() > 1 && vectors.iter().map(|(_, count)| count).sum::<usize>() == 480_000);
    assert!(vectors.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0));
    // The mean over positions of relu(kernel · neighbourhood + bias), by the definition.
    let bias = graph.pass(&Batch::zeros(480_000, 1), &mut |_, x| Batch::zeros(2, x.ncols()), &mut |_, _| {}).unwrap();
    assert!(bias.iter().all(|&b| b >= 0.0) && output.len() == 2);
    let at = |row: i64, column: i64| match (0..600).contains(&row) && (0..800).contains(&column) {
        true => f64::from(image[(row * 800 + column) as usize] as f32),
        false => 0.0,
    };
    let stored_bias = kernel_bias();
    for channel in 0..2 {
        let mut sum = 0.0;
        for (row, column) in (0..600).flat_map(|row| (0..800).map(move |column| (row, column))) {
            let taps = (0..9).map(|k| weight[(channel, k as usize)] * at(row + k / 3 - 1, column + k % 3 - 1));
            sum += (taps.sum::<f64>() + stored_bias[channel]).max(0.0);
        }
        // tract sums half a million numbers in single precision.
        assert!((output[channel] - sum / 480_000.0).abs() < 1e-4, "{} {}", output[channel], sum / 480_000.0);
    }
}

/// The bias of the convolution of `open_size`, which the file holds as its second constant.
fn kernel_bias() -> [f64; 2] {
    let bytes = read_bytes(&file("open_size.onnx")).unwrap().bytes;
    let at = position(&bytes, b"\x42\x02c2\x4a\x08") + 6;
    [0, 4].map(|k| f64::from(f32::from_le_bytes(bytes[at + k..at + k + 4].try_into().unwrap())))
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).position(|window| window == part).unwrap()
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = read_bytes(&file("mlp.onnx")).unwrap().bytes.to_vec();
    // The name of the constant and the length of its 16·12 numbers, then the numbers.
    let at = position(&bytes, b"\x42\x02c1\x4a\x80\x06") + 7;
    for (value, text) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        bytes[at + 12..at + 16].copy_from_slice(&value.to_le_bytes());
        let path = folder.path().join("net.onnx");
        std::fs::write(&path, &bytes).unwrap();
        let error = Graph::load_from(&path, &GraphSettings::default(), &InputFiles::default()).unwrap_err().to_string();
        assert!(error.contains("`c1`") && error.contains("/Gemm_3") && error.contains(text), "{error}");
    }
}

/// A convolution that was joined with its normalisation has no output of its own; nor has a product of attention with other
/// axes than in the file.
#[test]
fn outputs_of_operators_are_shown_by_name() {
    for (name, shown, hidden) in [
        ("mlp", &["/Gemm_3", "/Tanh_11", "/Gemm_14"][..], &["/MatMul_9"][..]),
        ("keras", &["/Conv_4", "/Softmax_18"], &["/Transpose_1"]),
        ("residual", &["/Conv_24"], &["/Conv_3", "/Conv_12"]),
        ("transformer", &[], &["/MatMul_29", "/MatMul_74"]),
        ("lstm6", &[], &["/LSTM_5"]),
    ] {
        let graph = graph(name, &GraphSettings::default());
        let names = graph.layer_names();
        assert!(shown.iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
        assert!(!hidden.iter().any(|name| names.iter().any(|known| known == name)), "{names:?}");
        let mut seen = std::collections::BTreeMap::new();
        let mut observe = |layer: usize, output: &dyn Fn() -> Batch| {
            let before = seen.insert(layer, output());
            assert!(before.is_none(), "once for each group of samples, here one");
        };
        let output =
            graph.exact_outputs(&stored(&format!("{name}.input.npy")).columns(0, 3).into(), &mut observe).unwrap();
        assert_eq!(seen.len(), names.len());
        assert!(name != "keras" || seen.values().next_back() == Some(&output));
    }
}

#[test]
fn wrong_files_and_settings_are_explained() {
    let refuse = |name: &str, toml: &str| {
        let input = (!toml.is_empty()).then(|| toml::from_str(toml).unwrap());
        let settings = GraphSettings { input, ..GraphSettings::default() };
        Graph::load_from(&file(name), &settings, &InputFiles::default()).unwrap_err().to_string()
    };
    assert!(refuse("mlp.input.npy", "").contains("as ONNX"));
    assert!(refuse("mlp.onnx", "name = 'y'").contains("the graph has no input `y`; found x"));
    assert!(refuse("mlp.onnx", "shape = [3, 3]").contains("`input.shape` is [3, 3]"));
    assert!(refuse("residual.onnx", "mean = [1, 2]").contains("2 numbers"));
    let settings = GraphSettings { output: Some("z".into()), ..GraphSettings::default() };
    let error = Graph::load_from(&file("mlp.onnx"), &settings, &InputFiles::default()).unwrap_err().to_string();
    assert!(error.contains("no output `z`"), "{error}");
}
