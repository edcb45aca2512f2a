//! Training on chips: gradients of a whole network, what each method knows, and that no test chip trains.

use super::*;
use crate::data::DataSpec;
use crate::train::spec::GradientMethod;
use crate::train::{TrainSpec, Trained, train};
use rand::RngExt;
use std::fs;
use std::ops::ControlFlow;

const MODEL: &str = "
format = 'phaseloom-model'
version = 1
name = 'stripes'
weights = 'weights.safetensors'
programs = 'programs.safetensors'
input = { shape = [1, 4, 4] }
layer = [
  { kind = 'conv2d', outputs = 2, kernel = 3, weight = 'c.weight', bias = 'c.bias' },
  { kind = 'tanh' },
  { kind = 'flatten' },
  { kind = 'residual', layer = [
      { kind = 'photonic', outputs = 8, weight = 'r.weight', bias = 'r.bias' }, { kind = 'tanh' } ] },
  { kind = 'photonic', outputs = 2, weight = 'o.weight', bias = 'o.bias' },
]
";

const TRAINING: &str = "
format = 'phaseloom-training'
version = 1
model = 'model.toml'
epochs = 12
batch = 16
learning_rate = 0.02
seed = 4
on = 'chip'
core = { ports = 4 }
train = { inputs = 'stripes.csv' }
[process]
splitter_error.sigma_rad = 0.1
phase_error.sigma_rad = 0.1
insertion_loss = { loss_db = 0.2, imbalance_sigma_db = 0.1 }
thermal_crosstalk.coefficient = 0.01
";

/// Images of 4×4: rows or columns that alternate, with noise.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = StreamKey::new(1, "test/stripes").stream();
    let rows: String = (0..160)
        .map(|i| {
            let pixel = |k: usize| {
                let along = if i % 2 == 0 { k / 4 } else { k % 4 };
                (if along % 2 == 0 { 0.8 } else { 0.2 }) + 0.5 * (stream.random::<f64>() - 0.5)
            };
            let pixels: Vec<String> = (0..16).map(pixel).map(|x| format!("{x:.3}")).collect();
            format!("{},{}\n", pixels.join(","), i % 2)
        })
        .collect();
    fs::write(folder.path().join("stripes.csv"), rows).unwrap();
    fs::write(folder.path().join("model.toml"), MODEL).unwrap();
    folder
}

fn train_in(folder: &Path, toml: &str) -> Result<Trained> {
    train(&toml::from_str(toml).unwrap(), folder, &mut |_| ControlFlow::Continue(()))
}

/// The model with its first weights, its layers on chips, and the data.
fn start(folder: &Path, toml: &str) -> (Model, ChipLayers, Dataset) {
    let spec: TrainSpec = toml::from_str(toml).unwrap();
    let model_spec = ModelSpec::load(&folder.join("model.toml")).unwrap();
    let mut tensors = crate::weights::Tensors::new();
    crate::train::start::insert_weights(&model_spec.place().unwrap().0, spec.seed, &mut tensors);
    let mut model = Model::unfolded(model_spec, folder, &tensors).unwrap();
    let data: DataSpec = spec.train.clone();
    let data = data.load(folder).unwrap();
    let mut chips = ChipLayers::new(&spec, folder, &model).unwrap();
    chips.calibrate(&mut model, &data).unwrap();
    (model, chips, data)
}

/// Values of every parameter that moves: those of the model but the weights on chips, then those of the chips.
fn values<'a>(model: &'a mut Model, chips: &'a mut ChipLayers) -> Vec<&'a mut [f64]> {
    let of_model = model.layers_mut().iter_mut().flat_map(|layer| layer.parameters()).map(|parameter| parameter.values);
    of_model.chain(chips.parameters_mut().map(Vec::as_mut_slice)).collect()
}

/// Central differences of 1e-4: their error is 1e-8 of third derivatives. Tolerance set before the first run.
#[test]
fn gradients_of_a_network_with_a_convolution_and_a_residual_are_those_of_central_differences() {
    let folder = folder();
    for link in ["", "[link]\ndac.bits = 24\nadc.bits = 24\n"] {
        let (mut model, mut chips, data) = start(folder.path(), &format!("{TRAINING}{link}"));
        let rows: Vec<usize> = (0..10).collect();
        let gradients = chips.gradients(&mut model, &data, &rows, 1).unwrap().gradients;
        // Away from 0, where crosstalk of a wrapped phase jumps.
        values(&mut model, &mut chips).into_iter().flatten().for_each(|value| *value += 0.05);
        let moved = chips.gradients(&mut model, &data, &rows, 1).unwrap().gradients;
        assert_eq!(gradients.len(), moved.len());
        let (mut error, mut norm, mut tried) = (0.0, 0.0, 0);
        for (group, gradient) in moved.iter().enumerate() {
            for (k, &slope) in gradient.iter().enumerate().step_by(7) {
                let mut at = |step: f64| {
                    values(&mut model, &mut chips)[group][k] += step;
                    chips.loss(&mut model, &data, &rows, 1).unwrap()
                };
                let (plus, minus) = (at(1e-4), at(-2e-4));
                at(1e-4);
                error += (slope - (plus - minus) / 2e-4_f64).powi(2);
                norm += slope * slope;
                tried += 1;
            }
        }
        let tolerance = if link.is_empty() { 1e-6 } else { 1e-2 };
        assert!(tried > 50 && error.sqrt() < tolerance * f64::sqrt(norm), "{link} {tried}: {error:e} of {norm:e}");
    }
}

/// Chips learn; the saved programs are those that were trained; chips of the test are others.
#[test]
fn a_chip_learns_and_its_programs_are_saved() {
    let folder = folder();
    let trained = train_in(folder.path(), TRAINING).unwrap();
    let accuracy = trained.chip_accuracy.clone().unwrap();
    assert!(accuracy.trained_chip.unwrap() > 0.95, "{accuracy:?}");
    assert_eq!(accuracy.test_chips.len(), 20);
    let files = trained.save().unwrap();
    assert_eq!(files.len(), 2);
    let loaded = Model::load(&folder.path().join("model.toml")).unwrap();
    assert_eq!(loaded.sha256(), trained.model.sha256());
    let core: CoreSpec = toml::from_str("ports = 4").unwrap();
    let other: CoreSpec = toml::from_str("ports = 8").unwrap();
    for (index, view) in loaded.photonic_layers().iter().enumerate() {
        let layer = |core: &CoreSpec| {
            let tiles = core.plan(view.weight.nrows(), view.weight.ncols(), Default::default()).unwrap().tiles().len();
            let scales = Scales { input: 1.0, full_scale: vec![1.0; tiles] };
            let (programs, design) = (loaded.programs().unwrap(), core.design().unwrap());
            programs.layer(index, view, (core, &design), Default::default(), &scales)
        };
        // The weights are those of the programs.
        assert!((layer(&core).unwrap().weight() - view.weight).amax() < 1e-12);
        let error = layer(&other).unwrap_err().to_string();
        assert!(error.contains("ports") && error.contains("key `programs`"), "{error}");
    }
    // The same seed gives the same bytes.
    let again = train_in(folder.path(), TRAINING).unwrap();
    assert_eq!(again.model.sha256(), trained.model.sha256());
}

/// A population gives each step other chips, and none of them is that of a test.
#[test]
fn each_batch_of_a_population_has_chips_of_its_own() {
    let folder = folder();
    let (mut model, mut chips, data) =
        start(folder.path(), &TRAINING.replace("'chip'", "'population'\nparameters = 'phases'"));
    let rows: Vec<usize> = (0..10).collect();
    let mut loss = |step| chips.loss(&mut model, &data, &rows, step).unwrap();
    let (one, two, again) = (loss(1), loss(2), loss(1));
    assert!((one - two).abs() > 1e-6 && (one - again).abs() < 1e-15, "{one} {two} {again}");
    assert_ne!(chips.purpose("train/chips"), chips.purpose("train/test_chips"));
}

/// A population trains the weights themselves: they suit chips that did not train, and there are no programs.
#[test]
fn weights_of_a_population_are_saved_as_weights() {
    let folder = folder();
    fs::write(folder.path().join("model.toml"), MODEL.replace("programs = 'programs.safetensors'", "")).unwrap();
    let trained = train_in(folder.path(), &TRAINING.replace("'chip'", "'population'")).unwrap();
    let accuracy = trained.chip_accuracy.clone().unwrap();
    let mean = accuracy.test_chips.iter().sum::<f64>() / 20.0;
    assert!(accuracy.trained_chip.is_none() && mean > 0.9, "{accuracy:?}");
    assert_eq!(trained.save().unwrap().len(), 1);
    let loaded = Model::load(&folder.path().join("model.toml")).unwrap();
    assert!(loaded.programs().is_none() && loaded.sha256() == trained.model.sha256());
}

/// g = (L₊ − L₋)/2c·Δ has the mean of the gradient, and the mean squared cosine 1/P. Standard errors of 2000 draws: of the
/// projection on the gradient √(2/2000) = .032 (it is a squared normal number), so that four of them are .13.
#[test]
fn forward_only_gradients_are_unbiased_and_nearly_orthogonal_to_the_gradient() {
    let folder = folder();
    let (mut model, mut chips, data) = start(folder.path(), TRAINING);
    let rows: Vec<usize> = (0..10).collect();
    let exact = chips.gradients(&mut model, &data, &rows, 1).unwrap().gradients.concat();
    chips.method = method(GradientMethod::ForwardOnly);
    let norm: f64 = exact.iter().map(|g| g * g).sum();
    let (mut projection, mut cosine) = (0.0, 0.0);
    for step in 1..=2000 {
        let found = chips.gradients(&mut model, &data, &rows, step).unwrap().gradients.concat();
        assert_eq!(found.len(), exact.len());
        let dot: f64 = found.iter().zip(&exact).map(|(a, b)| a * b).sum();
        projection += dot / norm / 2000.0;
        cosine += dot * dot / norm / found.iter().map(|g| g * g).sum::<f64>() / 2000.0;
    }
    let expected = 1.0 / exact.len() as f64;
    assert!((projection - 1.0).abs() < 0.13, "{projection}");
    assert!((cosine / expected - 1.0).abs() < 0.13, "{cosine}, expected {expected}");
    assert_eq!(chips.passes, 2000 * 2 * 10 * 3);
}

/// Only attenuators and gains move.
#[test]
fn sigma_only_leaves_the_meshes() {
    let folder = folder();
    let (mut model, mut chips, data) =
        start(folder.path(), &TRAINING.replace("on = 'chip'", "on = 'chip'\ngradient = 'sigma_only'"));
    let rows: Vec<usize> = (0..10).collect();
    let sigma = chips.gradients(&mut model, &data, &rows, 1).unwrap().gradients;
    chips.method = method(GradientMethod::Adjoint);
    let all = chips.gradients(&mut model, &data, &rows, 1).unwrap().gradients;
    let moving: usize = sigma.iter().map(Vec::len).sum();
    assert!(moving > 0 && moving < all.iter().map(Vec::len).sum());
    for (sigma, all) in sigma.iter().zip(&all).filter(|(sigma, _)| !sigma.is_empty()) {
        assert_eq!(sigma, all, "the same slopes of attenuators and gains");
    }
}

#[test]
fn impossible_trainings_on_chips_are_refused_by_their_keys() {
    let folder = folder();
    for (from, to, part) in [
        ("core = { ports = 4 }", "", "`core`"),
        ("on = 'chip'", "", "`core`"),
        ("on = 'chip'", "on = 'chip'\ntest_chips = 10000000", "`test_chips`"),
        ("core = { ports = 4 }", "core = { ports = 4, calibration = 'scalar' }", "core.calibration"),
        ("core = { ports = 4 }", "core = { ports = 4 }\nlink = { shot_noise = true }", "laser_power_w"),
        ("on = 'chip'", "on = 'chip'\nphase_learning_rate = 1e9", "learning"),
        ("sigma_rad = 0.1\nphase", "sigma_rad = -1.0\nphase", "splitter_error.sigma_rad"),
    ] {
        let toml = TRAINING.replace(from, to);
        let spec: TrainSpec = toml::from_str(&toml).unwrap();
        let error = train(&spec, folder.path(), &mut |_| ControlFlow::Continue(())).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
    for (from, to, part) in [
        ("programs = 'programs.safetensors'", "", "`programs`"),
        ("'programs.safetensors'", "'weights.safetensors'", "`programs`"),
        ("input = { shape = [1, 4, 4] }", "input = { shape = [1, 4, 4], fold = true }", "fold"),
        (
            "weight = 'c.weight', bias = 'c.bias' },",
            "weight = 'c.weight' }, { kind = 'batch_norm', weight = 'n.w', bias = 'n.b', running_mean = 'n.m', running_var = 'n.v' },",
            "batch_norm",
        ),
    ] {
        fs::write(folder.path().join("model.toml"), MODEL.replace(from, to)).unwrap();
        let error = train_in(folder.path(), TRAINING).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
}

/// The gradient of `(λ/2)·Σ F∘(W − W*)²` by phases, attenuators and gains. Central differences of 1e-4; tolerance set before the
/// first run.
#[test]
fn the_penalty_on_realised_weights_has_the_gradient_of_central_differences() {
    let folder = folder();
    let (mut model, mut chips, data) = start(folder.path(), TRAINING);
    let start = chips.realised_weights(&model).unwrap();
    let fisher: Vec<Batch> = start.iter().map(|w| w.map(|value| 0.3 + (17.0 * value).sin().powi(2))).collect();
    values(&mut model, &mut chips).into_iter().flatten().for_each(|value| *value += 0.05);
    chips.gradients(&mut model, &data, &[0, 1], 0).unwrap();
    let mut gradients: Vec<Vec<f64>> = chips.parameters_mut().map(|list| vec![0.0; list.len()]).collect();
    chips.add_weight_penalty(2.0, (&fisher, &start), &mut gradients).unwrap();
    let (mut error, mut norm) = (0.0, 0.0);
    for (list, slopes) in gradients.iter().enumerate() {
        for (k, slope) in slopes.iter().enumerate().step_by(5) {
            let mut at = |step: f64| {
                chips.parameters_mut().nth(list).unwrap()[k] += step;
                let weights = chips.realised_weights(&model).unwrap();
                let terms = weights.iter().zip(&start).zip(&fisher);
                terms.map(|((w, s), f)| f.component_mul(&(w - s).map(|d| d * d)).sum()).sum::<f64>()
            };
            let (plus, minus) = (at(1e-4), at(-2e-4));
            at(1e-4);
            error += (slope - (plus - minus) / 2e-4_f64).powi(2);
            norm += slope * slope;
        }
    }
    assert!(error.sqrt() < 1e-6 * f64::sqrt(norm) && norm > 0.0, "{error:e} of {norm:e}");
}

#[test]
fn parts_of_programs_are_frozen_by_name() {
    let folder = folder();
    for (names, part) in [
        ("['r.weight/third_mesh']", "first_mesh, attenuators"),
        ("['r.bias/meshes']", "c.weight, r.weight, o.weight"),
        ("['x/meshes']", "c.weight"),
    ] {
        let toml = TRAINING.replace("seed = 4", &format!("seed = 4\nfreeze = {names}"));
        let error = train_in(folder.path(), &toml).unwrap_err().to_string();
        assert!(error.contains(part), "{error} | {part}");
    }
    let toml = TRAINING
        .replace("seed = 4", "seed = 4\nfreeze = ['r/meshes', 'c.weight/gain', 'o/first_mesh']")
        .replace("epochs = 12", "epochs = 1");
    let (before, after) = (start(folder.path(), &toml).1, train_in(folder.path(), &toml).unwrap());
    let mut before = before;
    let start = Programs::new(
        &before
            .layers
            .iter_mut()
            .map(|l| l.program().clone())
            .collect::<Vec<_>>()
            .iter()
            .map(|p| &**p)
            .collect::<Vec<_>>(),
        &before.core,
        before.link.detection,
    );
    let after = after.model.trained_programs().unwrap();
    // A core of 4 ports has 16 phases in each mesh and 8 in its attenuators.
    let moved = |layer: usize, range: std::ops::Range<usize>| {
        let name = format!("{layer}.0.phases");
        let [a, b] = [&start, after].map(|programs| programs.tensor(&name).unwrap().values()[range.clone()].to_vec());
        a.iter().zip(&b).any(|(a, b)| (a - b).abs() > 1e-9)
    };
    assert!(!moved(1, 0..16) && moved(1, 16..24) && !moved(1, 24..40));
    assert!(!moved(2, 0..16) && moved(2, 24..40) && moved(0, 0..16));
}
