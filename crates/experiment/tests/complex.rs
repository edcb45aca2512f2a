//! Runs of networks with complex layers.

use phaseloom_experiment::{Experiment, Options, Row, Tables, run};
use phaseloom_network::{Tensor, Tensors};
use phaseloom_numerics::{StreamKey, haar_unitary};
use std::fs;
use std::path::Path;

const MODEL: &str = "format = 'phaseloom-model'\nversion = 1\nname = 'complex'\nweights = 'weights.safetensors'
input = { size = 4 }
layer = [
  { kind = 'phase_encoding', scale_rad = 2.0 },
  { kind = 'complex_photonic', outputs = 4, weight = 'a', unitary = true },
  { kind = 'electro_optic', bias_rad = 0.5 },
  { kind = 'complex_photonic', outputs = 3, weight = 'b' },
  { kind = 'intensity' },
]
";

const EXPERIMENT: &str = "name = 'complex'\nseed = 3\ntrials = 3\nmodel = 'model.toml'\ncore = { ports = 4 }
data = { inputs = 'data.csv' }\n";

const PROCESS: &str = "[process]\nsplitter_error = { sigma_rad = 0.05 }\nphase_quantization = { bits = 6 }\n";

/// A folder with a complex network of random weights, and 40 samples.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let unitary = haar_unitary(4, &mut StreamKey::new(1, "test/complex run").stream()).transpose();
    let values = unitary.iter().map(|z| z.re).chain(unitary.iter().map(|z| z.im)).collect();
    let mut tensors = Tensors::new();
    tensors.insert("a", Tensor::new(vec![2, 4, 4], values));
    let values = (0..24).map(|i| (1.0 + 1.3 * f64::from(i)).sin()).collect();
    tensors.insert("b", Tensor::new(vec![2, 3, 4], values));
    tensors.save(&at("weights.safetensors")).unwrap();
    fs::write(at("model.toml"), MODEL).unwrap();
    let rows: String = (0..40)
        .map(|i| {
            let x = |k: i32| (f64::from(7 * i + 3 * k) * 0.9).sin();
            format!("{},{},{},{},{}\n", x(0), x(1), x(2), x(3), i % 3)
        })
        .collect();
    fs::write(at("data.csv"), rows).unwrap();
    folder
}

fn load(folder: &Path, tail: &str) -> Experiment {
    let path = folder.join("experiment.toml");
    fs::write(&path, format!("{EXPERIMENT}{tail}")).unwrap();
    Experiment::load(&path).unwrap()
}

/// Perfect meshes agree with the network; errors of chips and bits of the electronics move the fields.
#[test]
fn fields_pass_the_chips_of_every_trial() {
    let folder = folder();
    let outcome = run(&load(folder.path(), PROCESS), &folder.path().join("run"), &Options::default()).unwrap();
    let layers = |row: Row, trial: u64| {
        let record = outcome.records.iter().find(|(unit, _)| unit.row == row && unit.trial == trial);
        record.unwrap().1.layers.clone()
    };
    for layer in layers(Row::PerfectIdeal, 0) {
        assert!(layer.matrix_error < 1e-12 && layer.readout_bits > 40.0, "{layer:?}");
    }
    for trial in 0..3 {
        for layer in layers(Row::Chips, trial) {
            assert!(layer.matrix_error > 0.01 && layer.readout_bits < 8.0, "{layer:?}");
            assert!((layer.matrix_error - layer.measured_error).abs() < 1e-15, "all of the error reaches the fields");
        }
    }
    let errors = [0, 1].map(|trial| layers(Row::Chips, trial)[0].matrix_error);
    assert!((errors[0] - errors[1]).abs() > 1e-9, "chips differ");
    // 6 bits of weights: an error of about 2⁻⁵/√12 of the largest.
    for layer in layers(Row::Digital, 0) {
        assert!(layer.matrix_error > 1e-3 && layer.matrix_error < 0.05, "{layer:?}");
    }
    let tables = Tables::new(&outcome).unwrap();
    assert!(tables.summary(Row::Chips, 0).difference <= 0.2);
}

#[test]
fn what_does_not_apply_is_refused() {
    let folder = folder();
    for (tail, part) in [
        ("[process]\nphase_jitter = { sigma_rad = 0.01 }\n", "phase_jitter"),
        ("[link]\nadc = { bits = 6 }\n", "link"),
        ("[link]\nlaser_power_w = 0.01\nshot_noise = true\n", "link"),
        ("[link]\ndetection = 'direct'\n", "link"),
        ("", "ports"),
    ] {
        let path = folder.path().join("experiment.toml");
        let ports = if tail.is_empty() { 2 } else { 4 };
        fs::write(&path, format!("{EXPERIMENT}{tail}").replace("ports = 4", &format!("ports = {ports}"))).unwrap();
        let experiment = Experiment::load(&path).unwrap();
        let error = run(&experiment, &folder.path().join("refused"), &Options::default()).unwrap_err().to_string();
        assert!(error.contains(part), "{tail}: {error}");
    }
}
