//! The main job, MNIST on 28 cores, as separate calls of the library.

use phaseloom::experiment::{Config, Experiment, NetworkProgram};
use phaseloom::hardware::{Batch, LayerAddress, LayerDesign, Link, MatrixProduct, Precision};
use phaseloom::network::{Model, Network};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One layer on its chips, with fields and currents in `f32` as in the main job.
pub type Product = Box<dyn MatrixProduct>;

/// The inputs of the main job, read from files and prepared for the network.
pub struct MainJob {
    pub experiment: Experiment,
    /// The third point of its sweep, with realistic errors.
    pub config: Config,
    pub model: Model,
    pub inputs: Batch,
    pub labels: Vec<usize>,
}

/// The file of the experiment.
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mnist/experiment.toml")
}

impl MainJob {
    pub fn load() -> Result<Self, Box<dyn Error>> {
        let path = path();
        let base = path.parent().ok_or("a file has a folder")?;
        let experiment = Experiment::load(&path)?;
        let config = experiment.points()?.swap_remove(2).config;
        let (model, data) = experiment.network()?;
        let model = Model::load(&base.join(model))?;
        let data = data.load(base)?;
        let inputs = model.prepare(&data.inputs.to_batch());
        Ok(Self { experiment, config, model, inputs, labels: data.labels().to_vec() })
    }

    /// The tiles of both layers as phases, with the scales of their converters.
    pub fn program(&self) -> Result<NetworkProgram, Box<dyn Error>> {
        let Config { core, link, .. } = &self.config;
        Ok(NetworkProgram::new(&self.model, core, &core.design()?, link, &self.experiment.path)?)
    }

    /// The layers on the chips of a trial, with a link of choice.
    pub fn products(
        &self,
        program: &NetworkProgram,
        designs: &[Arc<LayerDesign>],
        link: &Link,
        trial: u64,
    ) -> Result<Vec<Product>, Box<dyn Error>> {
        let first = LayerAddress { seed: self.config.seed, trial, layer: 0, first_core: 0 };
        Ok(program.products(designs, link, self.config.core.core_use(), Precision::Single, first)?.all)
    }
}

/// The link without any noise.
pub fn noiseless(link: &Link) -> Link {
    Link { shot_noise: false, thermal_noise: None, intensity_noise: None, ..link.clone() }
}
