//! A third-party convolutional network on MNIST below `PHASELOOM_DATA`; skipped, with a message, if the variable is not set.

use phaseloom_files::InputFiles;
use phaseloom_network::data::{Batch, DATA_VARIABLE, DataSpec, resolve};
use phaseloom_network::network::GraphSettings;
use phaseloom_network::{Network, exact_accuracy};
use phaseloom_onnx::Graph;
use std::path::Path;

/// The accuracy on all images is that of ONNX Runtime, 9906 of 10 000, and the logits of the first 200 are equal to 1e-4, as
/// the file holds six digits.
#[test]
fn the_digit_network_is_that_of_onnx_runtime() {
    if std::env::var_os(DATA_VARIABLE).is_none() {
        eprintln!("skipped: set {DATA_VARIABLE} to the folder with mnist and model-digit-cnn");
        return;
    }
    let load = |toml: &str| toml::from_str::<DataSpec>(toml).unwrap().load(Path::new(".")).unwrap();
    let data = load(
        "inputs = '$PHASELOOM_DATA/mnist/t10k-images-idx3-ubyte.gz'
        labels = '$PHASELOOM_DATA/mnist/t10k-labels-idx1-ubyte.gz'",
    );
    let input = toml::from_str("scale = 0.00392156862745098\nmean = 0.1307\nstd = 0.3081").unwrap();
    let settings = GraphSettings { input: Some(input), ..GraphSettings::default() };
    let path = resolve(Path::new("$PHASELOOM_DATA/model-digit-cnn/digit_cnn.onnx"), Path::new(".")).unwrap();
    let graph = Graph::load_from(&path, &settings, &InputFiles::default()).unwrap();
    let shapes: Vec<(usize, usize)> = graph.photonic_layers().iter().map(|layer| layer.weight.shape()).collect();
    assert_eq!(shapes, [(32, 9), (64, 288), (128, 576), (256, 1152), (10, 256)]);
    let macs: f64 = graph.operators().iter().map(|operator| operator.macs).sum();
    assert!((macs - 7_748_608.0).abs() < 0.5, "{macs}");

    let stored = load(
        "inputs = '$PHASELOOM_DATA/model-digit-cnn/expected-logits-t10k-first200.csv'
        csv = { label = 'label', features = ['logit0', 'logit1', 'logit2', 'logit3', 'logit4', 'logit5', 'logit6', 'logit7', 'logit8', 'logit9'] }",
    );
    let first: Batch = data.inputs.batch(0..200);
    let logits = graph.exact_outputs(&graph.prepare(&first), &mut |_, _| {}).unwrap();
    assert!((logits - stored.inputs.to_batch()).amax() < 1e-4);
    assert!((exact_accuracy(&graph, &data).unwrap() - 0.9906).abs() < 1e-9);
}
