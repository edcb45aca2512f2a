//! A weight matrix on cores with its optical link, multiplied by [`OpticalProduct`].

use crate::error::ValidationError;
use crate::setting::Setting;
use crate::simulation::process;
use nalgebra::DMatrix;
use phaseloom_hardware::{
    CHARGE, CoreSpec, LIGHT, LayerAddress, LayerDesign, LayerProgram, Link, MatrixProduct, OpticalProduct, PLANCK,
    Scales, Shot, bound_scales,
};
use std::sync::Arc;

/// A layer with its link and bound scales.
pub(crate) struct Layer {
    pub program: Arc<LayerProgram>,
    design: Arc<LayerDesign>,
    pub scales: Scales,
    core: CoreSpec,
    link: Link,
}

impl Layer {
    /// `ports` ports, process and link as TOML, inputs within ±`input`.
    pub fn new(
        weight: &DMatrix<f64>,
        ports: usize,
        process_text: &str,
        link_text: &str,
        input: f64,
    ) -> Result<Self, ValidationError> {
        let core = CoreSpec { ports, ..CoreSpec::default() };
        let link: Link = toml::from_str(link_text)?;
        link.check()?;
        let scales = bound_scales(weight, &core, &link, input)?;
        let program = Arc::new(LayerProgram::new(weight, &core, link.detection, &scales)?);
        let design = Arc::new(program.design(&process(process_text)?)?);
        Ok(Self { program, design, scales, core, link })
    }

    /// The product on the chips of one trial.
    pub fn product(&self, setting: &Setting<'_>, trial: u64) -> Result<OpticalProduct, ValidationError> {
        let place = LayerAddress { seed: setting.seed, trial, layer: 0, first_core: 0 };
        let how = self.core.core_use();
        Ok(OpticalProduct::new(&self.program, &self.design, &self.link, &self.scales, how, place)?)
    }

    /// Outputs of one vector, sent many times: outputs × times. Each `index` has independent noise.
    pub fn repeated(
        &self,
        setting: &Setting<'_>,
        x: &[f64],
        times: usize,
        index: u64,
    ) -> Result<DMatrix<f64>, ValidationError> {
        let batch = DMatrix::from_fn(x.len(), times, |i, _| x[i]);
        Ok(self.product(setting, 0)?.multiply(&batch, Shot { trial: 0, index, first_vector: 0 }).0)
    }
}

/// Energy of a photon of 1550 nm (J).
pub(crate) fn photon_j() -> f64 {
    PLANCK * LIGHT / 1.55e-6
}

/// Current per power (A/W) of a detector of quantum efficiency η at 1550 nm.
pub(crate) fn responsivity(eta: f64) -> f64 {
    eta * CHARGE / photon_j()
}

/// Laser power (W) for `photons` per symbol of 1 ns on each of `ports` ports, with a share `lo` for the oscillator.
pub(crate) fn laser_w(photons: f64, ports: usize, lo: f64) -> f64 {
    photons * photon_j() * 1e9 * ports as f64 / (1.0 - lo)
}
