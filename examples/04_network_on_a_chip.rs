//! A trained network on one sampled chip: the 8×8 digits of `examples/digits`, 64-32-10 with ReLU.
//!
//! Both matrices are multiplied by light on one core of 64 ports; biases and ReLU are electronic.
//!
//! `cargo run --example 04_network_on_a_chip`
#![allow(clippy::print_stdout)]

use phaseloom::prelude::*;
use std::path::Path;

fn main() -> Result<(), Error> {
    // The experiment names everything: model, test data, core, process, link.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/digits");
    let experiment = Experiment::load(&folder.join("digits.toml"))?;
    let (model, data) = experiment.network()?;
    let data = data.load(&folder)?;
    let network = Network::load(folder.join(model))?;
    let experiment = experiment.config;

    // Weights → tiles → phases; process and seed → chips; scales of the converters from the calibration of the model.
    let (core, process) = (Core::from(experiment.core), Process::from(experiment.process));
    let chip = network.on_chip(&core, &process, &experiment.link, Seed(1))?;
    let layers = network.model().photonic_layers();
    for ((layer, error), predicted) in layers.iter().zip(chip.matrix_errors()).zip(chip.predicted_errors()) {
        println!("layer {}: matrix error {error:.3} on this chip, {predicted:.3} predicted", layer.index);
    }

    let inputs = data.inputs.to_batch();
    let (exact, made) = (network.forward(&inputs)?, chip.forward(&inputs)?);
    println!("digit   {:?}", &data.labels()[..16]);
    println!("exact   {:?}", &predictions(&exact)[..16]);
    println!("chip    {:?}", &predictions(&made)[..16]);
    println!(
        "accuracy on {} digits: exact {:.1} %, chip {:.1} %",
        data.samples(),
        100.0 * accuracy(&exact, data.labels()),
        100.0 * accuracy(&made, data.labels())
    );
    Ok(())
}
