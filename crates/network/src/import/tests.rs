//! Tests of imported models: conventions of names, orders, layouts, ambiguities.

use super::*;
use crate::network::Network;

/// Tensors of zeros with these names and shapes.
fn tensors(shapes: &[(&str, &[usize])]) -> Tensors {
    let mut tensors = Tensors::new();
    for &(name, shape) in shapes {
        tensors.insert(name, Tensor::new(shape.to_vec(), vec![0.0; shape.iter().product()]));
    }
    tensors
}

fn settings() -> ImportSettings {
    ImportSettings { activation: "relu".into(), layout: None, layers: Vec::new(), input_shape: None }
}

fn import(shapes: &[(&str, &[usize])]) -> Result<ImportedModel> {
    ImportedModel::new(&tensors(shapes), &settings())
}

/// The weights in order, the biases, and the layout.
fn chain(shapes: &[(&str, &[usize])]) -> (Vec<String>, Vec<Option<String>>, WeightLayout) {
    let model = import(shapes).unwrap();
    let layers = model.layers.iter();
    (layers.clone().map(|l| l.weight.clone()).collect(), layers.map(|l| l.bias.clone()).collect(), model.layout)
}

fn some(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

#[test]
fn names_of_pytorch_keras_and_numpy_are_understood() {
    use WeightLayout::{InOut, OutIn};
    let ten: &[(&str, &[usize])] = &[
        ("net.2.weight", &[8, 8]),
        ("net.2.bias", &[8]),
        ("net.10.weight", &[2, 8]),
        ("net.10.bias", &[2]),
        ("net.0.weight", &[8, 6]),
        ("net.0.bias", &[8]),
    ];
    let (weights, biases, layout) = chain(ten);
    assert_eq!(weights, ["net.0.weight", "net.2.weight", "net.10.weight"]);
    assert_eq!((biases, layout), (some(&["net.0.bias", "net.2.bias", "net.10.bias"]), OutIn));
    let keras: &[(&str, &[usize])] =
        &[("dense/kernel:0", &[6, 8]), ("dense/bias:0", &[8]), ("dense_1/kernel:0", &[8, 2]), ("dense_1/bias:0", &[2])];
    let (weights, biases, layout) = chain(keras);
    assert_eq!(weights, ["dense/kernel:0", "dense_1/kernel:0"]);
    assert_eq!((biases, layout), (some(&["dense/bias:0", "dense_1/bias:0"]), InOut));
    for layout in [OutIn, InOut] {
        let shape = |inputs, outputs| if layout == OutIn { [outputs, inputs] } else { [inputs, outputs] };
        let (first, second) = (shape(6, 8), shape(8, 2));
        for names in
            [["w1", "b1", "w2", "b2"], ["arr_0", "arr_1", "arr_2", "arr_3"], ["fc1_w", "fc1_b", "fc2_w", "fc2_b"]]
        {
            let [w1, b1, w2, b2] = names;
            let (weights, biases, found) = chain(&[(w1, &first), (b1, &[8]), (w2, &second), (b2, &[2])]);
            assert_eq!((weights, biases, found), (vec![w1.into(), w2.into()], some(&[b1, b2]), layout), "{names:?}");
        }
    }
}

#[test]
fn shapes_order_names_without_numbers() {
    let (weights, biases, _) =
        chain(&[("decoder.weight", &[6, 3]), ("encoder.weight", &[3, 6]), ("head.weight", &[2, 6])]);
    assert_eq!(weights, ["encoder.weight", "decoder.weight", "head.weight"]);
    assert_eq!(biases, [None, None, None]);
}

#[test]
fn other_tensors_are_named_and_normalisation_is_found() {
    let model = import(&[
        ("fc1.weight", &[8, 6]),
        ("fc1.bias", &[8]),
        ("ema.decay", &[8]),
        ("norm.weight", &[8]),
        ("fc2.weight", &[2, 8]),
        ("input.mean", &[6]),
        ("input.std", &[6]),
    ])
    .unwrap();
    assert_eq!(model.layers.len(), 2);
    assert_eq!(model.unused, ["ema.decay [8]", "norm.weight [8]"]);
    assert_eq!(model.normalisation, Some(["input.mean".to_owned(), "input.std".to_owned()]));
    assert!(model.toml("n", "w.npz").contains("# Not used: ema.decay [8], norm.weight [8]\n"));
}

/// A network as PyTorch names it: convolutions with batch normalisation, then dense layers.
const CNN: [(&str, &[usize]); 13] = [
    ("conv1.weight", &[4, 1, 3, 3]),
    ("conv1.bias", &[4]),
    ("bn1.weight", &[4]),
    ("bn1.bias", &[4]),
    ("bn1.running_mean", &[4]),
    ("bn1.running_var", &[4]),
    ("bn1.num_batches_tracked", &[]),
    ("conv2.weight", &[8, 2, 2, 2]),
    ("fc.1.weight", &[5, 32]),
    ("fc.1.bias", &[5]),
    ("fc.2.running_mean", &[5]),
    ("fc.2.running_var", &[5]),
    ("fc.4.weight", &[3, 5]),
];

#[test]
fn convolutions_and_batch_normalisations_are_imported() {
    let shaped = ImportSettings { input_shape: Some(vec![1, 5, 5]), ..settings() };
    let imported = ImportedModel::new(&tensors(&CNN), &shaped).unwrap();
    let toml = imported.toml("cnn", "w.npz");
    assert!(imported.unused.is_empty(), "{:?}", imported.unused);
    assert!(imported.guesses.last().is_some_and(|guess| guess.contains("no padding") && !guess.contains("gives")));
    let spec: crate::ModelSpec = toml::from_str(&toml).unwrap();
    let keys: Vec<&str> = spec.layer.iter().map(|layer| layer.kind().key()).collect();
    let expected =
        ["conv2d", "batch_norm", "relu", "conv2d", "relu", "flatten", "photonic", "batch_norm", "relu", "photonic"];
    assert_eq!(keys, expected, "{toml}");
    assert_eq!(imported.layers.iter().map(|layer| layer.groups).collect::<Vec<_>>(), [1, 2, 1, 1]);
    let model = crate::Model::from_tensors(spec, Path::new(""), &tensors(&CNN)).unwrap();
    assert_eq!((model.input_size(), model.output_size()), (25, 3));
    let error = import(&CNN).unwrap_err().to_string();
    assert!(
        error.contains("`conv1.weight` is the kernel of a convolution") && error.contains("--input-shape"),
        "{error}"
    );
    let larger = ImportSettings { input_shape: Some(vec![1, 8, 8]), ..settings() };
    let imported = ImportedModel::new(&tensors(&CNN), &larger).unwrap();
    let guess = imported.guesses.last().unwrap();
    assert!(guess.contains("these convolutions give 200 values and `fc.1.weight` takes 32"), "{guess}");
    for shape in [vec![1, 25], vec![0, 5, 5]] {
        let wrong = ImportSettings { input_shape: Some(shape), ..settings() };
        let error = ImportedModel::new(&tensors(&CNN), &wrong).unwrap_err().to_string();
        assert!(error.contains("does not fit conv1.weight"), "{error}");
    }
}

#[test]
fn batch_normalisations_of_keras_have_its_epsilon_and_others_are_refused() {
    let keras: &[(&str, &[usize])] = &[
        ("dense/kernel:0", &[6, 8]),
        ("batch_normalization/gamma:0", &[8]),
        ("batch_normalization/beta:0", &[8]),
        ("batch_normalization/moving_mean:0", &[8]),
        ("batch_normalization/moving_variance:0", &[8]),
        ("dense_1/kernel:0", &[8, 2]),
    ];
    let imported = import(keras).unwrap();
    let norm = imported.layers[0].batch_norm.as_ref().unwrap();
    assert!((norm.epsilon - 1e-3).abs() < 1e-15 && imported.unused.is_empty(), "{imported:?}");
    assert_eq!(norm.weight.as_deref(), Some("batch_normalization/gamma:0"));
    let stray: &[(&str, &[usize])] =
        &[("fc1.weight", &[8, 6]), ("fc2.weight", &[2, 8]), ("norm9.running_mean", &[8]), ("norm9.running_var", &[8])];
    let error = import(stray).unwrap_err().to_string();
    assert!(error.contains("norm9.running_mean [8] follows no layer"), "{error}");
    let layers = vec!["fc1.weight".to_owned(), "fc2.weight".to_owned()];
    let named = ImportedModel::new(&tensors(stray), &ImportSettings { layers, ..settings() }).unwrap();
    assert_eq!(named.unused.len(), 2);
    let channels_last: &[(&str, &[usize])] = &[("conv2d/kernel:0", &[3, 3, 1, 4]), ("dense/kernel:0", &[36, 2])];
    assert!(import(channels_last).unwrap_err().to_string().contains("ONNX"));
}

#[test]
fn ambiguities_list_what_was_found_and_have_a_remedy() {
    let error = |shapes: &[(&str, &[usize])]| import(shapes).unwrap_err().to_string();
    let square: &[(&str, &[usize])] = &[("key.weight", &[4, 4]), ("query.weight", &[4, 4])];
    let several = error(square);
    assert!(several.contains("several orders") && several.contains("key.weight [4, 4]"), "{several}");
    assert!(several.contains("--layers"), "{several}");
    let layers = vec!["query.weight".to_owned(), "key.weight".to_owned()];
    let chosen = ImportedModel::new(&tensors(square), &ImportSettings { layers, ..settings() }).unwrap();
    assert_eq!(chosen.layers[0].weight, "query.weight");
    let layout = error(&[("w", &[10, 64])]);
    assert!(layout.contains("--layout"), "{layout}");
    let requested = ImportSettings { layout: Some(WeightLayout::InOut), ..settings() };
    assert_eq!(ImportedModel::new(&tensors(&[("w", &[10, 64])]), &requested).unwrap().layers[0].inputs, 10);
    let broken = error(&[("fc1.weight", &[8, 6]), ("fc2.weight", &[2, 7])]);
    assert!(broken.contains("no chain") && broken.contains("fc2.weight [2, 7]"), "{broken}");
    assert!(error(&[("bias", &[3])]).contains("no tensor of two to four axes"));
    let unknown = ImportSettings { activation: "gleu".into(), ..settings() };
    let message = ImportedModel::new(&tensors(square), &unknown).unwrap_err().to_string();
    assert!(message.contains("did you mean `gelu`?"), "{message}");
}

#[test]
fn the_text_is_a_model_file_with_the_same_layers() {
    let shapes: &[(&str, &[usize])] = &[("a\"1/kernel", &[6, 8]), ("a\"1/bias", &[8]), ("a\"2/kernel", &[8, 2])];
    let imported = ImportedModel::new(&tensors(shapes), &ImportSettings { activation: "Swish".into(), ..settings() });
    let spec: crate::ModelSpec = toml::from_str(&imported.unwrap().toml("a \"name\"", "w.npz")).unwrap();
    let keys: Vec<&str> = spec.layer.iter().map(|layer| layer.kind().key()).collect();
    assert_eq!(keys, ["photonic", "silu", "photonic"]);
    let model = crate::Model::from_tensors(spec, Path::new(""), &tensors(shapes)).unwrap();
    assert_eq!((model.input_size(), model.output_size()), (6, 2));
}
