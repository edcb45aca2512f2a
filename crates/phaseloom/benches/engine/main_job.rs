//! The main job, MNIST on 28 cores, as separate calls of the library.

use phaseloom::experiment::{Config, Experiment};
use phaseloom::hardware::{Batch, LayerAddress, LayerDesign, LayerProgram, Link, OpticalProduct, Scales};
use phaseloom::network::{Calibration, Model};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One layer on its chips, with fields and currents in `f32` as in the main job.
pub type Product = OpticalProduct<f32>;

/// The inputs of the main job, read from files and prepared for the network.
pub struct MainJob {
    pub experiment: Experiment,
    /// The third point of its sweep, with realistic errors.
    pub config: Config,
    pub model: Model,
    pub inputs: Batch,
    pub labels: Vec<usize>,
    pub scales: Vec<Scales>,
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
        let model = Model::load(&base.join(&config.model))?;
        let data = config.data.load(base)?;
        let inputs = model.prepare(&data.inputs);
        let calibration = Calibration::load(&model.calibration_path()?.ok_or("the model names a calibration")?)?;
        let scales = calibration.layers.into_iter();
        let scales = scales.map(|s| Scales { input: s.input_scale, full_scale: s.full_scale }).collect();
        Ok(Self { experiment, config, model, inputs, labels: data.labels, scales })
    }

    /// The tiles of both layers as phases.
    pub fn programs(&self) -> Result<Vec<Arc<LayerProgram>>, Box<dyn Error>> {
        let (core, detection) = (&self.config.core, self.config.link.detection);
        let layers = self.model.photonic_layers().into_iter().zip(&self.scales);
        layers.map(|(view, scales)| Ok(Arc::new(LayerProgram::new(view.weight, core, detection, scales)?))).collect()
    }

    /// The designs of the programs on the process, before any chip is sampled.
    pub fn designs(&self, programs: &[Arc<LayerProgram>]) -> Result<Vec<Arc<LayerDesign>>, Box<dyn Error>> {
        programs.iter().map(|program| Ok(Arc::new(program.design(&self.config.process)?))).collect()
    }

    /// The layers on the chips of a trial, with a link of choice.
    pub fn products(
        &self,
        programs: &[Arc<LayerProgram>],
        designs: &[Arc<LayerDesign>],
        link: &Link,
        trial: u64,
    ) -> Result<Vec<Product>, Box<dyn Error>> {
        let mut first_core = 0;
        let mut products = Vec::new();
        for (i, (program, design)) in programs.iter().zip(designs).enumerate() {
            let place = LayerAddress { seed: self.config.seed, trial, layer: i as u64, first_core };
            let how = self.config.core.core_use();
            products.push(Product::new(program, design, link, &self.scales[i], how, place)?);
            first_core += program.tiles().len() as u64;
        }
        Ok(products)
    }
}

/// The link without any noise.
pub fn noiseless(link: &Link) -> Link {
    Link { shot_noise: false, thermal_noise: None, intensity_noise: None, ..link.clone() }
}
