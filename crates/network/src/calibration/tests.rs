//! Tests of calibration: known scales, round trip, mismatches.

use super::*;
use crate::data::Truth;
use crate::model::Model;
use crate::weights::{Tensor, Tensors};

/// 3 inputs → 2 photonic outputs → relu → 1 photonic output whose weight is zero.
fn model() -> Model {
    let toml = "format = 'phaseloom-model'\nversion = 1\nname = 'n'\nweights = 'w.npz'\n[input]\nsize = 3\nscale = 2.0
        [[layer]]\nkind = 'photonic'\noutputs = 2\nweight = 'a'\n[[layer]]\nkind = 'relu'
        [[layer]]\nkind = 'photonic'\noutputs = 1\nweight = 'b'\n";
    let mut tensors = Tensors::new();
    tensors.insert("a", Tensor::new(vec![2, 3], vec![1.0, -2.0, 3.0, 0.5, 0.5, 0.5]));
    tensors.insert("b", Tensor::new(vec![1, 2], vec![0.0, 0.0]));
    Model::from_tensors(toml::from_str(toml).unwrap(), Path::new(""), &tensors).unwrap()
}

fn data(samples: usize) -> Dataset {
    let inputs = Batch::from_fn(3, samples, |r, c| if c == 1 { [1.0, -2.0, 0.5][r] } else { 0.25 });
    let (truth, sha256, path) = (Truth::Unknown, "d".into(), PathBuf::from("x"));
    Dataset {
        inputs: inputs.into(),
        truth,
        sha256,
        class_names: None,
        sample_shape: Vec::new(),
        inputs_path: path.clone(),
        labels_path: path,
    }
}

fn settings(ports: usize, column_block: usize, quantile: f64) -> CalibrationSettings {
    CalibrationSettings { ports, column_block, quantile }
}

#[test]
fn scales_are_the_maximum_magnitudes() {
    // Prepared inputs are twice the raw ones: (2, −4, 1) and (0.5, 0.5, 0.5); also over more than one chunk.
    for samples in [2, 2 * CHUNK + 1] {
        let calibration = Calibration::measure(&model(), &data(samples), settings(2, 2, 1.0)).unwrap();
        let [first, second] = &calibration.layers[..] else { panic!("two layers") };
        assert!((first.input_scale - 4.0).abs() < 1e-15);
        assert_eq!(first.full_scale.len(), 2, "3 columns in blocks of 2");
        // Tile 0: |1·2 + 2·4| = 10; tile 1: |3·1| = 3.
        assert!((first.full_scale[0] - 10.0).abs() < 1e-14 && (first.full_scale[1] - 3.0).abs() < 1e-14);
        // After relu, the maximum hidden value is 13; the tile of zeros has 1.
        assert!((second.input_scale - 13.0).abs() < 1e-14);
        assert!((second.full_scale[0] - 1.0).abs() < 1e-15);
    }
}

#[test]
fn a_quantile_leaves_the_outlier_out() {
    let calibration = Calibration::measure(&model(), &data(1000), settings(4, 4, 0.99)).unwrap();
    assert!((calibration.layers[0].input_scale - 0.5).abs() < 1e-15);
    let zeros = Dataset { inputs: Batch::zeros(3, 4).into(), ..data(4) };
    let calibration = Calibration::measure(&model(), &zeros, settings(4, 4, 1.0)).unwrap();
    assert!((calibration.layers[0].input_scale - 1.0).abs() < 1e-15, "zero data have the scale 1");
}

/// The median of mostly zero images is zero, which is no scale. No other scale replaces it.
#[test]
fn a_quantile_that_is_zero_is_refused() {
    let inputs = Batch::from_fn(3, 10, |_, j| f64::from(u8::from(j == 0)));
    let sparse = Dataset { inputs: inputs.into(), ..data(10) };
    let message = |quantile| Calibration::measure(&model(), &sparse, settings(4, 4, quantile)).unwrap_err().to_string();
    let zero = message(0.5);
    assert!(zero.contains("calibration.quantile"), "{zero}");
    assert!(zero.contains("inputs of layer 0 would be zero, although their maximum is 2"), "{zero}");
    assert!(message(0.0).contains("above 0"));
    let absurd = Calibration::measure(&model(), &sparse, settings(1 << 40, 4, 1.0)).unwrap_err().to_string();
    assert!(absurd.contains("16384"), "{absurd}");
}

/// The full scale of a tile whose input is zero in nine of ten samples is the maximum of its outputs.
#[test]
fn a_tile_whose_quantile_is_zero_takes_the_maximum() {
    let inputs = Batch::from_fn(3, 10, |r, j| if r < 2 || j == 7 { 0.5 } else { 0.0 });
    let data = Dataset { inputs: inputs.into(), ..data(10) };
    let calibration = Calibration::measure(&model(), &data, settings(2, 2, 0.75)).unwrap();
    let LayerScale { input_scale, full_scale } = &calibration.layers[0];
    // Tile 0: quantile 0.75 of ten |1 − 2| and ten |0.5 + 0.5|; tile 1: eighteen of its twenty outputs are zero, two
    // are |3| and |0.5|.
    assert!((input_scale - 1.0).abs() < 1e-15 && (full_scale[0] - 1.0).abs() < 1e-15, "{full_scale:?}");
    assert!((full_scale[1] - 3.0).abs() < 1e-15, "{full_scale:?}");
}

#[test]
fn overflow_is_reported_with_its_layer() {
    let (mut tensors, model) = (Tensors::new(), model());
    tensors.insert("a", Tensor::new(vec![2, 3], vec![1e300; 6]));
    tensors.insert("b", Tensor::new(vec![1, 2], vec![0.0; 2]));
    let model = Model::from_tensors(model.spec().clone(), Path::new(""), &tensors).unwrap();
    let mut data = data(3);
    let mut inputs = data.inputs.to_batch();
    inputs[(1, 2)] = 1e20;
    data.inputs = inputs.into();
    let message = |quantile| {
        let error = Calibration::measure(&model, &data, settings(2, 2, quantile)).unwrap_err();
        assert!(matches!(error, NetworkError::Overflow { .. }), "{error}");
        error.to_string()
    };
    for quantile in [0.5, 1.0] {
        assert!(message(quantile).contains("an output of tile 0 of layer 0"), "{}", message(quantile));
    }
}

#[test]
fn files_round_trip_and_mismatches_say_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calibration.json");
    let mut data = data(50);
    data.inputs = data.inputs.to_batch().map(|x| x.sin() / 3.0).into();
    let calibration = Calibration::measure(&model(), &data, settings(2, 2, 0.9)).unwrap();
    calibration.save(&path).unwrap();
    let back = Calibration::load(&path).unwrap();
    assert_eq!(back, calibration);
    back.validate(&path, &model(), 2, 2).unwrap();
    let message = |c: &Calibration, ports| c.validate(&path, &model(), ports, ports).unwrap_err().to_string();
    assert!(message(&back, 4).contains("tile size") && message(&back, 4).contains("run `phaseloom calibrate`"));
    let mut other = back.clone();
    other.layers.pop();
    assert!(message(&other, 2).contains("photonic layers: found 1, expected 2"));
    other = back.clone();
    other.layers[0].full_scale.pop();
    assert!(message(&other, 2).contains("tiles of layer 0: found 1, expected 2"));
    other = back.clone();
    other.model_sha256 = Some("0".into());
    assert!(message(&other, 2).contains("have changed since"));
}

#[test]
fn bad_files_and_settings_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calibration.json");
    let calibration = Calibration::measure(&model(), &data(2), settings(2, 2, 1.0)).unwrap();
    let text = serde_json::to_string(&calibration).unwrap();
    for (from, to) in [
        ("phaseloom-", "x-"),
        ("\"version\":1", "\"version\":2"),
        ("4.0", "0.0"),
        ("4.0", "-1.0"),
        ("samples", "sample"),
    ] {
        std::fs::write(&path, text.replace(from, to)).unwrap();
        assert!(Calibration::load(&path).is_err(), "{from} → {to}");
    }
    for length in 0..text.len() {
        std::fs::write(&path, &text[..length]).unwrap();
        assert!(Calibration::load(&path).is_err());
    }
    for bad in [settings(0, 2, 1.0), settings(2, 0, 1.0), settings(2, 2, 1.1), settings(2, 2, f64::NAN)] {
        assert!(Calibration::measure(&model(), &data(2), bad).is_err());
    }
    let narrow = Dataset { inputs: Batch::zeros(2, 2).into(), ..data(2) };
    assert!(Calibration::measure(&model(), &narrow, settings(2, 2, 1.0)).is_err());
}
