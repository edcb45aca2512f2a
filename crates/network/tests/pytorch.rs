//! Convolutional networks against PyTorch, whose weights and outputs `pytorch.py` stored next to them; and the noise of their
//! positions on hardware.

use phaseloom_files::{npy::parse_npy, read_bytes};
use phaseloom_hardware::{Batch, MatrixProduct, ProductStatistics, Shot};
use phaseloom_network::network::{PassAddress, Place};
use phaseloom_network::{Dataset, Model, ModelSpec, Network, Tensors, Truth};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The module `image()` of `pytorch.py`.
const IMAGE: &str = "
format = 'phaseloom-model'
version = 1
name = 'image'
weights = 'image.npz'
input = { shape = [2, 9, 8] }

[[layer]]
kind = 'conv2d'
outputs = 6
kernel = [3, 2]
padding = [1, 0]
weight = '0.weight'
bias = '0.bias'
[[layer]]
kind = 'batch_norm'
weight = '1.weight'
bias = '1.bias'
running_mean = '1.running_mean'
running_var = '1.running_var'
[[layer]]
kind = 'relu'

[[layer]]
kind = 'residual'
[[layer.layer]]
kind = 'conv2d'
outputs = 8
kernel = 3
stride = 2
padding = 1
weight = '3.body.0.weight'
[[layer.layer]]
kind = 'batch_norm'
weight = '3.body.1.weight'
bias = '3.body.1.bias'
running_mean = '3.body.1.running_mean'
running_var = '3.body.1.running_var'
[[layer.layer]]
kind = 'silu'
[[layer.layer]]
kind = 'conv2d'
outputs = 8
kernel = 3
padding = 'same'
dilation = 2
groups = 2
weight = '3.body.3.weight'
bias = '3.body.3.bias'
[[layer.shortcut]]
kind = 'conv2d'
outputs = 8
kernel = 1
stride = 2
weight = '3.shortcut.0.weight'
[[layer.shortcut]]
kind = 'batch_norm'
weight = '3.shortcut.1.weight'
bias = '3.shortcut.1.bias'
running_mean = '3.shortcut.1.running_mean'
running_var = '3.shortcut.1.running_var'

[[layer]]
kind = 'max_pool'
kernel = 2
stride = 1
padding = 1
[[layer]]
kind = 'conv2d'
outputs = 8
kernel = [2, 3]
padding = 'same'
groups = 8
weight = '5.weight'
bias = '5.bias'
photonic = false
[[layer]]
kind = 'layer_norm'
weight = '6.weight'
bias = '6.bias'
[[layer]]
kind = 'relu'
[[layer]]
kind = 'batch_norm'
weight = '8.weight'
bias = '8.bias'
running_mean = '8.running_mean'
running_var = '8.running_var'
epsilon = 1e-3
[[layer]]
kind = 'average_pool'
kernel = 3
stride = 2
padding = 1
[[layer]]
kind = 'flatten'
[[layer]]
kind = 'photonic'
outputs = 12
weight = '11.weight'
bias = '11.bias'
[[layer]]
kind = 'batch_norm'
weight = '12.weight'
bias = '12.bias'
running_mean = '12.running_mean'
running_var = '12.running_var'
[[layer]]
kind = 'gelu'
[[layer]]
kind = 'dense'
outputs = 5
weight = '14.weight'
bias = '14.bias'
[[layer]]
kind = 'softmax'
";

/// The module `series()` of `pytorch.py`.
const SERIES: &str = "
format = 'phaseloom-model'
version = 1
name = 'series'
weights = 'series.npz'
input = { shape = [3, 24] }
layer = [
  { kind = 'conv1d', outputs = 8, kernel = 5, stride = 2, dilation = 2, padding = 3, weight = '0.weight', bias = '0.bias' },
  { kind = 'batch_norm', running_mean = '1.running_mean', running_var = '1.running_var' },
  { kind = 'tanh' },
  { kind = 'average_pool', kernel = 2, padding = 1, include_padding = false },
  { kind = 'max_pool', kernel = 3, stride = 1 },
  { kind = 'conv1d', outputs = 4, kernel = 2, weight = '5.weight', bias = '5.bias' },
  { kind = 'global_average_pool' },
  { kind = 'photonic', outputs = 3, weight = '8.weight', bias = '8.bias' },
]
";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch").join(name)
}

fn model(toml: &str) -> Model {
    let spec: ModelSpec = toml::from_str(toml).unwrap();
    let tensors = Tensors::load(&file(&spec.weights.display().to_string())).unwrap();
    Model::from_tensors(spec, Path::new(""), &tensors).unwrap()
}

/// Features × samples.
fn stored(name: &str) -> Batch {
    let path = file(name);
    let array = parse_npy(&path, &read_bytes(&path).unwrap().bytes).unwrap();
    let samples = array.shape[0];
    Batch::from_vec(array.real.len() / samples, samples, array.real.into_doubles())
}

/// Double precision on both sides: sums of some hundred products in another order, 1e-12 of the largest output.
#[test]
fn outputs_are_those_of_pytorch() {
    for (name, toml, shapes) in [
        ("image", IMAGE, vec![(6, 12), (8, 54), (8, 72), (8, 6), (12, 72)]),
        ("series", SERIES, vec![(8, 15), (4, 16), (3, 4)]),
    ] {
        let model = model(toml);
        let (input, expected) = (stored(&format!("{name}.input.npy")), stored(&format!("{name}.output.npy")));
        for output in [model.forward_exact(&input), model.exact_outputs(&input, &mut |_, _| {}).unwrap()] {
            let difference = (&output - &expected).amax() / expected.amax();
            assert!(difference < 1e-12, "{name}: {difference:e}");
        }
        let found: Vec<(usize, usize)> = model.photonic_layers().iter().map(|layer| layer.weight.shape()).collect();
        assert_eq!(found, shapes, "{name}");
        // The counters of PyTorch are no part of the network.
        assert_eq!(model.note(), None, "{name}");
    }
}

#[test]
fn layers_inside_a_residual_are_numbered_after_it() {
    let model = model(IMAGE);
    let names = model.layer_names();
    assert_eq!(
        names[3..11],
        ["residual", "conv2d", "batch_norm", "silu", "conv2d", "conv2d", "batch_norm", "max_pool"]
    );
    let indices: Vec<usize> = model.photonic_layers().iter().map(|layer| layer.index).collect();
    assert_eq!(indices, [0, 4, 7, 8, 17]);
    let mut seen = Vec::new();
    model.exact_outputs(&stored("image.input.npy"), &mut |index, output| seen.push((index, output().nrows()))).unwrap();
    seen.sort_unstable();
    let all: Vec<usize> = seen.iter().map(|(index, _)| *index).collect();
    assert_eq!(all, (0..names.len()).collect::<Vec<_>>());
    assert_eq!((seen[3].1, seen[7].1), (8 * 5 * 4, 8 * 5 * 4));
    let operators = model.operators();
    assert_eq!(operators.len(), 7);
    // Of five batch normalisations, that after an activation is not folded.
    let norms = model.other_operators().into_iter().find(|(kind, _)| kind == "batch_norm");
    assert_eq!(norms, Some(("batch_norm".to_owned(), 1)));
    assert_eq!((operators[2].vectors, operators[2].macs), (20, (8 * 4 * 9 * 20) as f64));
    assert_eq!(operators[4].place, Place::Electronic("of `photonic = false`".into()));
}

/// An exact product that notes each vector with the address of its noise.
struct Addresses<'a> {
    weight: &'a nalgebra::DMatrix<f64>,
    noted: Mutex<BTreeMap<u64, Vec<f64>>>,
}

impl MatrixProduct for Addresses<'_> {
    fn shape(&self) -> (usize, usize) {
        self.weight.shape()
    }

    fn multiply(&self, input: &Batch, shot: Shot) -> (Batch, ProductStatistics) {
        let vectors = input.column_iter().map(|column| column.as_slice().to_vec());
        self.noted.lock().unwrap().extend((shot.first_vector..).zip(vectors));
        (self.weight * input, ProductStatistics::default())
    }
}

/// The address of a vector is (sample, position), so the cut into batches changes no draw.
#[test]
fn the_noise_of_a_sample_does_not_depend_on_its_batch() {
    let model = model(IMAGE);
    let input = stored("image.input.npy");
    let noted = |cuts: &[(usize, usize)]| {
        let layers = model.photonic_layers();
        let products: Vec<Addresses<'_>> =
            layers.iter().map(|layer| Addresses { weight: layer.weight, noted: Mutex::default() }).collect();
        let all: Vec<&dyn MatrixProduct> = products.iter().map(|product| product as _).collect();
        for &(first, count) in cuts {
            let exact = model.exact_pass(input.columns(first, count).into_owned()).unwrap();
            let address = PassAddress { trial: 0, repetition: 0, first_sample: first as u64 };
            model.forward(&exact, &all, address, &mut |_, _| {}).unwrap();
        }
        products.into_iter().map(|product| product.noted.into_inner().unwrap()).collect::<Vec<_>>()
    };
    let whole = noted(&[(0, 8)]);
    let counts: Vec<usize> = whole.iter().map(BTreeMap::len).collect();
    assert_eq!(counts, [8 * 63, 8 * 20, 8 * 20, 8 * 20, 8]);
    let parts = noted(&[(4, 4), (0, 3), (3, 1)]);
    for (whole, parts) in whole.iter().zip(&parts) {
        assert_eq!(whole.len(), parts.len());
        // Products of another number of columns may round in another order: 1e-12 of numbers near 1.
        let same = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(whole.keys().eq(parts.keys()) && whole.values().zip(parts.values()).all(same));
    }
}

#[test]
fn data_with_the_channels_last_are_refused() {
    let model = model(IMAGE);
    let data = |sample_shape: &[usize]| Dataset {
        inputs: stored("image.input.npy").into(),
        sample_shape: sample_shape.to_vec(),
        truth: Truth::Unknown,
        sha256: String::new(),
        class_names: None,
        inputs_path: "x.npy".into(),
        labels_path: "x.npy".into(),
    };
    for shape in [&[2, 9, 8][..], &[144], &[2, 1, 9, 8]] {
        model.check_inputs(&data(shape)).unwrap();
    }
    let error = model.check_inputs(&data(&[9, 8, 2])).unwrap_err().to_string();
    assert!(error.contains("[9, 8, 2]") && error.contains("[2, 9, 8]") && error.contains("channels first"), "{error}");
}
