use super::{Core, Error, Process, Seed};
use nalgebra::DMatrix;
use phaseloom_experiment::{NetworkProducts, NetworkProgram, open_network};
use phaseloom_files::InputFiles;
use phaseloom_hardware::{LayerAddress, LayerDesign, Link, MatrixProduct, Precision};
use phaseloom_network::PassAddress;
use phaseloom_network::network::GraphSettings;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A trained network in floating point.
///
/// ```no_run
/// use phaseloom::prelude::*;
///
/// let network = Network::load("examples/digits/model.toml")?;
/// let process = Process::preset("thermo-optic-silicon")?;
/// let link = Link { laser_power_w: Some(1e-2), shot_noise: true, ..Link::default() };
/// let chip = network.on_chip(&Core::new(64), &process, &link, Seed(1))?;
///
/// let inputs = DMatrix::from_element(64, 3, 8.0); // features × samples
/// println!("exact {:?}, chip {:?}", predictions(&network.forward(&inputs)?), predictions(&chip.forward(&inputs)?));
/// println!("matrix errors {:.3?}", chip.matrix_errors());
/// # Ok::<(), phaseloom::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network {
    model: Arc<dyn phaseloom_network::Network>,
    path: PathBuf,
}

impl Network {
    /// Reads a model file (TOML) and its weights, or an ONNX graph.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is damaged, keys are wrong, or a tensor is missing or has the wrong shape. An ONNX graph that
    /// leaves its input or output open, see [`Network::load_graph`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::load_graph(path, &GraphSettings::default())
    }

    /// Reads an ONNX graph with a choice of its input, its output and its photonic operators.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is damaged, or the settings do not fit it.
    pub fn load_graph(path: impl AsRef<Path>, settings: &GraphSettings) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        Ok(Self { model: open_network(&path, settings, &InputFiles::default())?, path })
    }

    /// Its photonic layers, shapes and hash.
    #[must_use]
    pub fn model(&self) -> &dyn phaseloom_network::Network {
        &*self.model
    }

    /// Outputs (classes × samples) for raw inputs (features × samples), without any error of hardware.
    /// [`predictions`](phaseloom_network::predictions) and [`accuracy`](phaseloom_network::accuracy) take them.
    ///
    /// # Errors
    ///
    /// If the network cannot compute with these inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size of the model, or an input is not finite.
    pub fn forward(&self, inputs: &DMatrix<f64>) -> Result<DMatrix<f64>, Error> {
        check_inputs(self.model(), inputs);
        Ok(self.model.exact_outputs(&self.model.prepare(inputs), &mut |_, _| {})?)
    }

    /// The network with its photonic layers on the chips that a process and a seed give.
    ///
    /// The scales of the converters are those of the calibration that the model names, for cores of this size. The
    /// detection is that of the link. The same seed gives the chips of trial 0 of an experiment with that seed.
    ///
    /// # Errors
    ///
    /// The link needs a calibration and the model has none, direct detection of a layer whose sign matters, an impossible
    /// process or link, a chip that lets no light through.
    pub fn on_chip(&self, core: &Core, process: &Process, link: &Link, seed: Seed) -> Result<PhotonicNetwork, Error> {
        let program = NetworkProgram::new(&*self.model, &core.spec, &core.design()?, link, &self.path)?;
        let designs = program.designs(process.settings(), None)?;
        let first = LayerAddress { seed: seed.0, trial: 0, layer: 0, first_core: 0 };
        let products = program.products(&designs, link, core.spec.core_use(), Precision::Double, first)?;
        Ok(PhotonicNetwork { model: self.model.clone(), products, designs, sent: AtomicU64::new(0) })
    }
}

fn check_inputs(model: &dyn phaseloom_network::Network, inputs: &DMatrix<f64>) {
    assert_eq!(inputs.nrows(), model.input_size(), "features of the inputs and input size of the model");
    assert!(inputs.iter().all(|x| x.is_finite()), "inputs that are finite numbers");
}

/// A network whose photonic layers run on chips, from [`Network::on_chip`]. Biases and activations are electronic.
pub struct PhotonicNetwork {
    model: Arc<dyn phaseloom_network::Network>,
    products: NetworkProducts,
    designs: Vec<Arc<LayerDesign>>,
    /// Samples that passed so far: each has noise of its own.
    sent: AtomicU64,
}

impl PhotonicNetwork {
    /// Outputs (classes × samples) for raw inputs (features × samples), with all static errors and noise.
    ///
    /// Every sample has noise of its own, also when the same sample is sent again.
    ///
    /// # Errors
    ///
    /// If the network cannot compute with these inputs.
    ///
    /// # Panics
    ///
    /// If the number of features is not the input size of the model, or an input is not finite.
    pub fn forward(&self, inputs: &DMatrix<f64>) -> Result<DMatrix<f64>, Error> {
        check_inputs(&*self.model, inputs);
        let first_sample = self.sent.fetch_add(inputs.ncols() as u64, Ordering::Relaxed);
        let exact = self.model.exact_pass(self.model.prepare(inputs))?;
        let products: Vec<&dyn MatrixProduct> = self.products.all.iter().map(|product| &**product).collect();
        let address = PassAddress { trial: 0, repetition: 0, first_sample };
        Ok(self.model.forward(&exact, &products, address, &mut |_, _| {})?.0)
    }

    /// The relative error ‖gŴ − W‖_F/‖W‖_F of each photonic layer on these chips, from static errors alone.
    #[must_use]
    pub fn matrix_errors(&self) -> Vec<f64> {
        self.products.errors.iter().map(|(error, _)| *error).collect()
    }

    /// First-order prediction of each of the [matrix errors](Self::matrix_errors), from the process alone.
    #[must_use]
    pub fn predicted_errors(&self) -> Vec<f64> {
        self.designs.iter().map(|design| design.predicted_error()).collect()
    }
}
