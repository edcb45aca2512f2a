//! Complex networks: forward and backward passes against an independent computation, and training on chips.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use nalgebra::DMatrix;
use num_complex::Complex64;
use phaseloom_network::data::Batch;
use phaseloom_network::train::{TrainSpec, train};
use phaseloom_network::{Model, Network, Tensors};

/// Two classes of points on two rings.
const MODEL: &str = "
format = 'phaseloom-model'
version = 1
name = 'rings'
weights = 'weights.safetensors'
programs = 'programs.safetensors'
input = { size = 2 }
layer = [
  { kind = 'dense', outputs = 4, weight = 'first.weight', bias = 'first.bias' },
  { kind = 'phase_encoding', scale_rad = 1.0 },
  { kind = 'complex_photonic', outputs = 4, weight = 'a', unitary = true },
  { kind = 'mod_relu', threshold = 0.2 },
  { kind = 'complex_photonic', outputs = 3, weight = 'b' },
  { kind = 'intensity' },
  { kind = 'take', outputs = 2 },
]
";

const TRAINING: &str = "
format = 'phaseloom-training'
version = 1
model = 'model.toml'
epochs = 60
batch = 16
learning_rate = 0.02
schedule = 'cosine'
seed = 4
on = 'chip'
test_chips = 3
core = { ports = 4 }
train = { inputs = 'rings.csv' }
[process]
splitter_error = { sigma_rad = 0.05 }
phase_error = { sigma_rad = 0.05 }
insertion_loss = { loss_db = 0.1 }
";

/// A folder with the model and points on two rings.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..300)
        .map(|i| {
            let (angle, class) = (f64::from(i) * 2.399, i % 2);
            let radius = f64::from(1 + class) + 0.1 * f64::from(i).sin();
            format!("{},{},{class}\n", radius * angle.cos(), radius * angle.sin())
        })
        .collect();
    fs::write(folder.path().join("rings.csv"), rows).unwrap();
    fs::write(folder.path().join("model.toml"), MODEL).unwrap();
    folder
}

fn trained_in(folder: &Path, training: &str) -> phaseloom_network::Result<phaseloom_network::train::Trained> {
    train(&toml::from_str::<TrainSpec>(training).unwrap(), folder, &mut |_| ControlFlow::Continue(()))
}

/// A chip of complex layers learns; what is saved is the network that was trained, with unitary weights.
#[test]
fn a_chip_of_complex_layers_learns_and_is_saved() {
    let folder = folder();
    let trained = trained_in(folder.path(), TRAINING).unwrap();
    let accuracy = trained.chip_accuracy.clone().unwrap();
    assert!(accuracy.trained_chip.unwrap() > 0.95, "{accuracy:?}");
    assert_eq!(accuracy.test_chips.len(), 3);
    trained.save().unwrap();
    let model = Model::load(&folder.path().join("model.toml")).unwrap();
    assert_eq!(model.sha256(), trained.model.sha256());
    let views = model.photonic_layers();
    assert_eq!((views[0].shape(), views[1].shape()), ((4, 4), (3, 4)));
    let weight = complex(views[0].weight);
    assert!((weight.adjoint() * &weight - DMatrix::identity(4, 4)).norm() < 1e-9);
    // The programs realise the weights.
    let core: phaseloom_hardware::CoreSpec = toml::from_str("ports = 4").unwrap();
    let design = core.design().unwrap();
    let scales = phaseloom_hardware::Scales { input: 1.0, full_scale: vec![1.0] };
    for (index, view) in views.iter().enumerate() {
        let programs = model.programs().unwrap();
        let layer = programs.layer(index, view, (&core, &design), Default::default(), &scales).unwrap();
        assert!((layer.weight() - view.weight).amax() < 1e-12);
    }
}

/// Without `unitary` the same network learns in floating point, from the gradient by the entries of its weights.
#[test]
fn exact_training_learns_complex_entries_but_keeps_no_unitary() {
    let folder = folder();
    let exact = TRAINING.split("on = 'chip'").next().unwrap().to_owned() + "train = { inputs = 'rings.csv' }\n";
    let plain = MODEL.replace("programs = 'programs.safetensors'\n", "");
    fs::write(folder.path().join("model.toml"), &plain).unwrap();
    let error = trained_in(folder.path(), &exact).unwrap_err().to_string();
    assert!(error.contains("layer[2].unitary") && error.contains("on = \"chip\""), "{error}");
    fs::write(folder.path().join("model.toml"), MODEL).unwrap();
    let sigma = TRAINING.replace("on = 'chip'", "on = 'chip'\ngradient = 'sigma_only'");
    let error = trained_in(folder.path(), &sigma).unwrap_err().to_string();
    assert!(error.contains("layer[2].unitary") && error.contains("no attenuators"), "{error}");
    let link = TRAINING.replace("[process]", "[link]\nadc = { bits = 6 }\n[process]");
    let error = trained_in(folder.path(), &link).unwrap_err().to_string();
    assert!(error.contains("link"), "{error}");
    fs::write(folder.path().join("model.toml"), plain.replace(", unitary = true", "")).unwrap();
    let trained = trained_in(folder.path(), &exact).unwrap();
    assert!(trained.history.last().unwrap().train_accuracy > 0.95);
}

/// The complex matrix or the complex fields of two parts, one above the other.
fn complex(parts: &DMatrix<f64>) -> DMatrix<Complex64> {
    let half = parts.nrows() / 2;
    DMatrix::from_fn(half, parts.ncols(), |i, j| Complex64::new(parts[(i, j)], parts[(half + i, j)]))
}

/// Complex inputs, two unlike layers, an activation: the network computes what complex arithmetic computes.
#[test]
fn a_complex_network_computes_with_complex_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let toml = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.npz'\n[input]\nshape = [2, 3]
        [[layer]]\nkind = 'complex_photonic'\noutputs = 5\nweight = 'a'\n[[layer]]\nkind = 'electro_optic'
        [[layer]]\nkind = 'complex_photonic'\noutputs = 2\nweight = 'b'\n[[layer]]\nkind = 'intensity'";
    let mut tensors = Tensors::new();
    let values = |count: usize, seed: f64| (0..count).map(|i| (seed + 1.7 * i as f64).sin()).collect::<Vec<f64>>();
    let (a, b) = (values(30, 0.3), values(20, 2.0));
    tensors.insert("a", phaseloom_network::weights::Tensor::new(vec![2, 5, 3], a.clone()));
    tensors.insert("b", phaseloom_network::weights::Tensor::new(vec![2, 2, 5], b.clone()));
    let model = Model::from_tensors(toml::from_str(toml).unwrap(), folder.path(), &tensors).unwrap();
    let x = Batch::from_vec(6, 7, values(42, 1.0));
    let found = model.exact_outputs(&x, &mut |_, _| {}).unwrap();
    let (a, b) = (complex(&DMatrix::from_row_slice(10, 3, &a)), complex(&DMatrix::from_row_slice(4, 5, &b)));
    let i = Complex64::I;
    let activated = (a * complex(&x)).map(|z| {
        let chi = 0.05 * std::f64::consts::PI * z.norm_sqr() + std::f64::consts::PI;
        i * 0.9_f64.sqrt() * (1.0 + (-i * chi).exp()) / 2.0 * z
    });
    let expected = (b * activated).map(|z| z.norm_sqr());
    assert!((found - expected).amax() < 1e-13);
    assert_eq!(model.operators()[0].shape, Some((5, 3)));
    assert!((model.operators()[0].macs - 60.0).abs() < 1e-12);
}
