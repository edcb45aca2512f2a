//! Tests of models: shapes, folding, hardware in place of products, errors.

use super::*;
use crate::data::Truth;
use crate::error::NetworkError;
use crate::network::PassAddress;
use crate::weights::Tensor;
use nalgebra::DMatrix;
use phaseloom_hardware::{MatrixProduct, ProductStatistics, Shot};

const TOML: &str = "
format = 'phaseloom-model'
version = 1
name = 'test'
weights = 'w.safetensors'
input = { size = 3, scale = 0.5, mean = 'mean', std = 'std' }
layer = [
  { kind = 'photonic', outputs = 4, weight = 'w1', bias = 'b1' },
  { kind = 'relu' },
  { kind = 'photonic', outputs = 2, weight = 'w2' },
  { kind = 'softmax' },
]
";

fn tensors() -> Tensors {
    let values = |n: usize, k: usize| (0..n).map(|i| ((i * k + 3) as f64).sin()).collect::<Vec<_>>();
    let mut tensors = Tensors::new();
    tensors.insert("mean", Tensor::new(vec![3], vec![1.0, 2.0, -1.0]));
    tensors.insert("std", Tensor::new(vec![3], vec![0.5, 2.0, 4.0]));
    tensors.insert("w1", Tensor::new(vec![4, 3], values(12, 7)));
    tensors.insert("b1", Tensor::new(vec![4], values(4, 5)));
    tensors.insert("w2", Tensor::new(vec![2, 4], values(8, 11)));
    tensors
}

fn model(toml: &str) -> Result<Model> {
    Model::from_tensors(toml::from_str(toml).unwrap(), Path::new("base"), &tensors())
}

fn raw() -> Batch {
    Batch::from_fn(3, 8, |r, c| (r * 8 + c) as f64 / 3.0 - 2.0)
}

/// The exact product plus a constant, as hardware with one clipped output.
struct Offset(DMatrix<f64>, f64);

impl MatrixProduct for Offset {
    fn shape(&self) -> (usize, usize) {
        self.0.shape()
    }
    fn multiply(&self, input: &Batch, _shot: Shot) -> (Batch, ProductStatistics) {
        ((&self.0 * input).add_scalar(self.1), ProductStatistics { outputs_clipped: 1, ..Default::default() })
    }
}

#[test]
fn exact_outputs_are_those_of_the_formula() {
    let model = model(TOML).unwrap();
    assert_eq!((model.input_size(), model.output_size()), (3, 2));
    let (w1, w2) = (&model.photonic_layers()[0], &model.photonic_layers()[1]);
    assert_eq!((w1.index, w1.vectors, w1.steps), (0, 1, 1));
    assert_eq!(w1.sign_matters.as_deref(), Some("has a bias, which would come after |·|"));
    assert_eq!((w2.index, w2.sign_matters.as_deref()), (2, Some("is followed by `softmax`")));
    assert_eq!(model.layer_names(), ["photonic", "relu", "photonic", "softmax"]);
    let output = model.forward_exact(&model.prepare(&raw()));
    let x = [(-2.0 * 0.5 - 1.0) / 0.5, (2.0 / 3.0 * 0.5 - 2.0) / 2.0, (10.0 / 3.0 * 0.5 + 1.0) / 4.0];
    let t = tensors();
    let hidden: Vec<f64> = (0..4)
        .map(|o| {
            (0..3).map(|i| t.get("w1").unwrap().values()[3 * o + i] * x[i]).sum::<f64>()
                + t.get("b1").unwrap().values()[o]
        })
        .map(|h| h.max(0.0))
        .collect();
    let logits: Vec<f64> =
        (0..2).map(|o| (0..4).map(|i| t.get("w2").unwrap().values()[4 * o + i] * hidden[i]).sum()).collect();
    let expected = 1.0 / (1.0 + (logits[1] - logits[0]).exp());
    assert!((output[(0, 0)] - expected).abs() < 1e-14);
}

#[test]
fn folding_changes_the_inputs_but_not_the_outputs() {
    let plain = model(TOML).unwrap();
    let folded = model(&TOML.replace("size = 3", "size = 3, fold = true")).unwrap();
    assert_eq!(folded.prepare(&raw()), raw() * 0.5);
    let difference = plain.forward_exact(&plain.prepare(&raw())) - folded.forward_exact(&folded.prepare(&raw()));
    assert!(difference.amax() < 1e-13);
    assert_ne!(plain.sha256(), folded.sha256());
    let no_bias = TOML.replace(", bias = 'b1'", "").replace("size = 3", "size = 3, fold = true");
    let sign = model(&no_bias).unwrap().photonic_layers()[0].sign_matters.clone();
    assert!(sign.unwrap().contains("bias"), "folding a mean makes a bias");
}

#[test]
fn hardware_replaces_products_before_the_bias() {
    let model = model(TOML).unwrap();
    let exact_pass = model.exact_pass(model.prepare(&raw())).unwrap();
    let weights: Vec<_> = model.photonic_layers().iter().map(|view| view.weight.clone()).collect();
    let address = PassAddress { trial: 0, repetition: 0, first_sample: 0 };
    let perfect = [Offset(weights[0].clone(), 0.0), Offset(weights[1].clone(), 0.0)];
    let products: Vec<&dyn MatrixProduct> = perfect.iter().map(|p| p as &dyn MatrixProduct).collect();
    let (output, layers) = model.forward(&exact_pass, &products, address, &mut |_, _| {}).unwrap();
    assert!((&output - &exact_pass.output).amax() < 1e-15);
    assert_eq!(exact_pass.output, model.forward_exact(&exact_pass.input));
    assert_eq!((layers.len(), layers[0].values, layers[1].values), (2, 32, 16));
    let offset = [Offset(weights[0].clone(), 0.25), Offset(weights[1].clone(), 0.0)];
    let products: Vec<&dyn MatrixProduct> = offset.iter().map(|p| p as &dyn MatrixProduct).collect();
    let (_, layers) = model.forward(&exact_pass, &products, address, &mut |_, _| {}).unwrap();
    assert!((layers[0].sum_squares_error - 32.0 * 0.0625).abs() < 1e-12);
    assert!(layers[1].sum_squares_error < 1e-24, "errors of a layer are those of its own product");
    assert_eq!(layers[0].readouts.outputs_clipped, 1);
    let exact = &weights[0] * &exact_pass.input;
    let bits = 0.5 * (exact.norm_squared() / (32.0 * 0.0625)).log2();
    assert!((layers[0].readout_bits() - bits).abs() < 1e-9);
}

#[test]
fn errors_name_layer_tensor_and_shapes() {
    for (from, to, part) in [
        ("'w2'", "'w3'", "layer 2 (photonic) needs the tensor `w3`, found only b1, mean, std, w1, w2"),
        ("outputs = 2", "outputs = 5", "layer 2 (photonic): tensor `w2` has shape [2, 4], expected [5, 4]"),
        ("std = 'std'", "std = 0", "`input.std`: found 0, expected a finite number above 0"),
        ("mean = 'mean'", "mean = nan", "`input.mean`: found NaN"),
        ("mean = 'mean'", "mean = 'w1'", "input.mean: tensor `w1`"),
    ] {
        let error = model(&TOML.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
}

#[test]
fn files_are_relative_to_the_model_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.toml");
    std::fs::write(&path, TOML).unwrap();
    assert!(matches!(Model::load(&path), Err(NetworkError::File(_))));
    tensors().save(&folder.path().join("w.safetensors")).unwrap();
    let loaded = Model::load(&path).unwrap();
    assert_eq!(loaded.sha256(), model(TOML).unwrap().sha256());
    assert_eq!(loaded.weights_path().unwrap(), folder.path().join("w.safetensors"));
    assert!(loaded.calibration_path().unwrap().is_none());
}

#[test]
fn the_hash_covers_the_setting_of_an_activation() {
    let hash = |activation: &str| model(&TOML.replace("'relu'", activation)).unwrap().sha256();
    assert_eq!(hash("'leaky_relu'"), hash("'leaky_relu', slope = 0.01"));
    assert_ne!(hash("'leaky_relu'"), hash("'leaky_relu', slope = 0.02"));
    assert_ne!(hash("'leaky_relu'"), hash("'relu'"));
}

/// A size that nothing bears out takes no memory, and numbers of the model file are blamed on it.
#[test]
fn sizes_and_numbers_are_checked_before_memory_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.toml");
    tensors().save(&folder.path().join("w.safetensors")).unwrap();
    let load = |from: &str, to: &str| {
        assert!(TOML.contains(from), "{from}");
        std::fs::write(&path, TOML.replacen(from, to, 1)).unwrap();
        Model::load(&path).unwrap_err().to_string()
    };
    let start = std::time::Instant::now();
    let large = load("size = 3, scale = 0.5, mean = 'mean', std = 'std'", "size = 300000000");
    assert!(large.contains("has shape [4, 3], expected [4, 300000000]"), "{large}");
    assert!(start.elapsed() < std::time::Duration::from_secs(1));
    for (from, to, part) in [
        ("mean = 'mean'", "mean = inf", "`input.mean` is inf"),
        ("std = 'std'", "std = -1", "`input.std` is -1"),
        ("std = 'std'", "std = nan", "`input.std` is NaN"),
    ] {
        let error = load(from, to);
        assert!(error.contains("model.toml: line 6: ") && error.contains(part), "{error} | {part}");
    }
}

#[test]
fn inputs_whose_products_would_overflow_are_named() {
    let model = model(TOML).unwrap();
    let mut inputs = Batch::zeros(model.input_size(), 3);
    inputs[(1, 2)] = -1e120;
    let path = PathBuf::from("x.csv");
    let data = Dataset {
        inputs: inputs.into(),
        truth: Truth::Labels(vec![0; 3]),
        sha256: String::new(),
        class_names: None,
        sample_shape: Vec::new(),
        inputs_path: path.clone(),
        labels_path: path,
    };
    let error = model.check_data(&data).unwrap_err().to_string();
    assert!(error.contains("x.csv: data, sample 2, feature 1: found -1e120"), "{error}");
}
