//! A trained network on one sampled chip: the 8×8 digits of `examples/digits`, 64-32-10 with ReLU.
//!
//! Both matrices are multiplied by light on one core of 64 ports; biases and ReLU are electronic.
//!
//! `cargo run --example 04_network_on_a_chip`
#![allow(clippy::print_stdout)]

use phaseloom::experiment::Experiment;
use phaseloom::hardware::{LayerAddress, LayerProgram, MatrixProduct, OpticalProduct, Scales, Shot};
use phaseloom::network::{Calibration, Model, accuracy, predictions};
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The experiment names everything: model, test data, core, process, link.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/digits");
    let experiment = Experiment::load(&folder.join("digits.toml"))?.config;
    let model = Model::load(&folder.join(&experiment.model))?;
    let data = experiment.data.load(&folder)?;
    // Scales of the converters: measured once on training data, kept next to the weights.
    let calibration = Calibration::load(&model.calibration_path()?.ok_or("the model names no calibration")?)?;

    let mut products = Vec::new();
    let mut first_core = 0;
    for (i, (layer, scale)) in model.photonic_layers().iter().zip(&calibration.layers).enumerate() {
        let scales = Scales { input: scale.input_scale, full_scale: scale.full_scale.clone() };
        // Weights → tiles → phases, once; process and seed → chip, once a trial.
        let program = Arc::new(LayerProgram::new(layer.weight, &experiment.core, experiment.link.detection, &scales)?);
        let design = Arc::new(program.design(&experiment.process)?);
        let place = LayerAddress { seed: 1, trial: 0, layer: i as u64, first_core };
        let how = experiment.core.core_use();
        products.push(OpticalProduct::<f64>::new(&program, &design, &experiment.link, &scales, how, place)?);
        first_core += program.tiles().len() as u64;
        println!(
            "layer {}: matrix error {:.3} on this chip, {:.3} predicted",
            layer.index,
            products[i].matrix_error(),
            design.predicted_error()
        );
    }

    let exact = model.exact_pass(model.prepare(&data.inputs));
    let products: Vec<&dyn MatrixProduct> = products.iter().map(|product| product as &dyn MatrixProduct).collect();
    let (made, _) = model.forward(&exact, &products, Shot { trial: 0, index: 0, first_sample: 0 });

    println!("digit   {:?}", &data.labels[..16]);
    println!("exact   {:?}", &predictions(&exact.output)[..16]);
    println!("chip    {:?}", &predictions(&made)[..16]);
    println!(
        "accuracy on {} digits: exact {:.1} %, chip {:.1} %",
        data.samples(),
        100.0 * accuracy(&exact.output, &data.labels),
        100.0 * accuracy(&made, &data.labels)
    );
    Ok(())
}
