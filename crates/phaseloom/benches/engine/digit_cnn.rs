//! A convolutional network in the group "waits": a chip with the full link against the graph library's own run.

use crate::cpu_time::measure;
use crate::harness::seconds;
use phaseloom::experiment::{NetworkProgram, open_network};
use phaseloom::files::InputFiles;
use phaseloom::hardware::{
    CoreSpec, LayerAddress, LayerProgram, Link, MatrixProduct, Precision, Process, Scales, bound_scales,
};
use phaseloom::network::data::{DATA_VARIABLE, DataSpec, resolve};
use phaseloom::network::network::GraphSettings;
use phaseloom::network::{Network, PassAddress};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

const GRAPH: &str = "$PHASELOOM_DATA/model-digit-cnn/digit_cnn.onnx";
const IMAGES: &str = "inputs = '$PHASELOOM_DATA/mnist/t10k-images-idx3-ubyte.gz'";
/// Images that pass the network together, as in a run.
const CHUNK: usize = 256;
const PORTS: usize = 16;
/// The largest time allowed, relative to the run of the graph library.
const LIMIT: f64 = 5.0;

/// Times 10 000 images on one chip and prints the ratio to the graph library, which computes the same images in turn.
pub fn print(process: &Process, link: &Link) -> Result<(), Box<dyn Error>> {
    const NAME: &str = "digit CNN, 10 000 images on a chip, ports";
    if std::env::var_os(DATA_VARIABLE).is_none() {
        println!("{NAME}: skipped, {DATA_VARIABLE} does not name the folder with mnist and model-digit-cnn");
        return Ok(());
    }
    let here = Path::new("");
    let path = resolve(Path::new(GRAPH), here)?;
    let input = toml::from_str("scale = 0.00392156862745098\nmean = 0.1307\nstd = 0.3081")?;
    let settings = GraphSettings { input: Some(input), ..GraphSettings::default() };
    let network = open_network(&path, &settings, &InputFiles::default())?;
    let electronic = network.operators().into_iter().map(|operator| operator.name).collect();
    let plain = open_network(&path, &GraphSettings { electronic, ..settings }, &InputFiles::default())?;

    let images = toml::from_str::<DataSpec>(IMAGES)?.load(here)?.inputs;
    let core = CoreSpec { ports: PORTS, ..CoreSpec::default() };
    let program = program(&*network, &core, link, &images.batch(0..100))?;
    let designs = program.designs(process, None)?;
    let first = LayerAddress { seed: 1, trial: 0, layer: 0, first_core: 0 };
    let (products, mut chip_s) =
        measure(|| program.products(&designs, link, core.core_use(), Precision::Single, first));
    let products = products?;
    let products: Vec<&dyn MatrixProduct> = products.all.iter().map(|product| &**product).collect();
    let mut graph_s = 0.0;
    for (first_sample, batch) in images.batches(CHUNK) {
        let (exact, time_s) = measure(|| plain.exact_outputs(&plain.prepare(&batch), &mut |_, _| {}));
        graph_s += time_s;
        black_box(exact?);
        let exact = network.exact_pass(network.prepare(&batch))?;
        let address = PassAddress { trial: 0, repetition: 0, first_sample: first_sample as u64 };
        let (output, time_s) = measure(|| network.forward(&exact, &products, address, &mut |_, _| {}));
        chip_s += time_s;
        black_box(output?);
    }
    let ratio = chip_s / graph_s;
    println!("{NAME:<48}{PORTS:>6}{:>12}{:>12}", "–", seconds(chip_s));
    println!("{:<48}{PORTS:>6}{ratio:>34.2} (limit {LIMIT}; {})", "  relative to the graph library", seconds(graph_s));
    Ok(())
}

/// The layers, with the full scale of the converters from the largest inputs of some images.
fn program(
    network: &dyn Network,
    core: &CoreSpec,
    link: &Link,
    images: &phaseloom::hardware::Batch,
) -> Result<NetworkProgram, Box<dyn Error>> {
    let inputs = network.photonic_inputs(&network.prepare(images))?;
    let (mut layers, mut scales): (Vec<_>, Vec<Scales>) = (Vec::new(), Vec::new());
    for (layer, inputs) in network.photonic_layers().iter().zip(inputs) {
        let scale = bound_scales(layer.weight, core, link, inputs.amax())?;
        layers.push(Arc::new(LayerProgram::new(layer.weight, core, link.detection, &scale)?));
        scales.push(scale);
    }
    Ok(NetworkProgram { layers, scales })
}
