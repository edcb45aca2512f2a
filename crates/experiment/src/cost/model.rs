//! One point of a run as the cost model sees it: its layers as a network, its process and link as a design.
//!
//! The values of the experiment come first. The library has what an experiment does not say, and its ranges apply relative to
//! the values of the experiment: a sample with twice the nominal noise of the amplifier has twice the noise of the link.
//!
//! Converters: a run rounds to the bits of its link without further error, so these are effective bits. A real converter has
//! more nominal bits, which set its energy: by the difference of `bits` and `enob` in the library.

use crate::cost::measured::{MeasuredLayer, MeasuredPoint};
use crate::input::config::Config;
use crate::input::cost::CostSettings;
use phaseloom_cost::{
    ArrayKind, Comparison, CoreSize, CostError, Design, DigitalDesign, EqualBits, Layer, Library, Light, LossBits,
    Network, Precision, Status, Values,
};
use phaseloom_files::InvalidValue;
use phaseloom_hardware::{BOLTZMANN, CoreSharing, HardwareError, Link, ThermalNoise, TilePlan};

/// Share of the error power for the light, if nothing else sets its power.
const LIGHT_SHARE: f64 = 0.5;
/// Bits of a phase and of a converter that the experiment does not say.
const BITS: f64 = 8.0;

/// A point of a run with the settings of its cost.
#[derive(Clone, Debug)]
pub struct CostModel {
    /// The configuration of the point.
    pub config: Config,
    /// The settings of its cost.
    pub settings: CostSettings,
    /// What was measured.
    pub measured: MeasuredPoint,
    /// The library, with the numbers of the process in place of its own.
    pub library: Library,
    nominal: Values,
}

impl CostModel {
    /// The model of a point.
    pub(super) fn new(config: Config, settings: CostSettings, measured: MeasuredPoint, mut library: Library) -> Self {
        if let Some(shifter) = &config.process.phase_shifter {
            let entry = &mut library.entries.heater.hold_pi_w;
            (entry.value, entry.low, entry.high) = (shifter.power_pi_w, None, None);
            (entry.status, entry.source) = (Status::Found, "process.phase_shifter.power_pi_w of the experiment".into());
        }
        let nominal = library.values();
        Self { config, settings, measured, library, nominal }
    }

    /// The same model with other settings.
    pub(super) fn with_settings(&self, settings: CostSettings) -> Self {
        Self { settings, ..self.clone() }
    }

    /// The nominal values of the library.
    #[must_use]
    pub fn nominal(&self) -> &Values {
        &self.nominal
    }

    /// The network on cores of `ports` ports. Those of the run have its own tiles, without those of zeros.
    #[must_use]
    pub fn network(&self, ports: usize) -> Network {
        let layer = |layer: &MeasuredLayer| {
            let tiles = match ports == self.config.core.ports {
                true => layer.tiles.clone(),
                false => TilePlan::new(layer.rows, layer.columns, ports, ports).tiles().to_vec(),
            };
            let (rows, columns, vectors) = (layer.rows, layer.columns, layer.vectors);
            Layer { rows, columns, vectors, tiles, distinct_inputs: Some(layer.inputs) }
        };
        let (io_values, electronic_macs) = (Some(self.measured.io_values), self.measured.electronic_macs);
        Network { layers: self.measured.layers.iter().map(layer).collect(), io_values, electronic_macs }
    }

    /// Number of cores for a network.
    pub(super) fn cores(&self, network: &Network) -> usize {
        let default = || match self.config.core.cores {
            CoreSharing::Shared => 1,
            CoreSharing::Each => network.counts().tiles.max(1),
        };
        self.settings.cores.unwrap_or_else(default)
    }

    /// Whether the power of the laser is that of the link, so that the bits follow.
    #[must_use]
    pub fn has_given_power(&self) -> bool {
        self.config.laser_power_is_given(&self.settings)
    }

    /// Whether the noise of the link of the run is that of the cost model, in place of the link of the library.
    #[must_use]
    pub fn has_noise(&self) -> bool {
        self.config.has_noise_of_light()
    }

    /// Whether the scores of the chips are those of this cost, or no better: the chips have no more bits in any layer than are
    /// asked for. A tenth of a bit is within the precision of the measurement.
    ///
    /// # Errors
    ///
    /// As [`design`](Self::design).
    pub fn has_score_of_run(&self) -> Result<bool, CostError> {
        let has = |layer: &MeasuredLayer| -> Result<bool, CostError> {
            Ok(match self.light(layer, 1.0, &self.nominal)?.precision {
                Precision::LaserPower(_) => true,
                Precision::ReadoutBits(bits) => layer.total_bits.is_some_and(|total| total <= bits + 0.1),
            })
        };
        self.measured.layers.iter().try_fold(true, |all, layer| Ok(all && has(layer)?))
    }

    /// The cores with a set of library values, for a network of [`network`](Self::network) on cores of `ports` ports.
    ///
    /// # Errors
    ///
    /// A share of the light next to a chip and converters without error, unknown meshes.
    pub fn design(&self, network: &Network, ports: usize, values: &Values) -> Result<Design, CostError> {
        let (config, settings) = (&self.config, &self.settings);
        let core = CoreSize::from_spec(&phaseloom_hardware::CoreSpec { ports, ..config.core.clone() })?;
        let own = CoreSize::from_spec(&config.core)?;
        let effective = |bits: Option<u32>, device: &phaseloom_cost::devices::ConverterDevice<f64>| {
            bits.map_or(device.bits, |bits| f64::from(bits) + device.bits - device.enob).clamp(1.0, 64.0)
        };
        let phases = config.process.phase_quantization.as_ref();
        let layers = self.measured.layers.iter();
        // Light passes 2k − 1 cells of a rectangular core; other meshes: in proportion to their depth.
        let path = |core: &CoreSize| core.depth as f64;
        let lights = layers.map(|layer| self.light(layer, path(&core) / path(&own), values));
        Ok(Design {
            batch: settings.batch,
            symbol_rate_hz: config.link.symbol_rate_hz,
            input_bits: config.link.dac.map_or(BITS, |dac| f64::from(dac.bits)),
            dac_bits: effective(config.link.dac.map(|dac| dac.bits), &values.dac),
            adc_bits: effective(config.link.adc.map(|adc| adc.bits), &values.adc),
            phase_bits: phases.map_or(BITS, |phases| f64::from(phases.bits)),
            io_bits: settings.io_bits,
            shifter: settings.shifter,
            // Of other cores: as many phases more as there are shifters.
            half_turns: self
                .measured
                .layers
                .iter()
                .map(|layer| layer.half_turns * core.shifters as f64 / own.shifters as f64)
                .collect(),
            lights: lights.collect::<Result<_, _>>()?,
            weights: settings.weights,
            io: settings.io,
            sram_bytes: settings.sram_bytes,
            double_buffer: settings.double_buffer,
            share_inputs: settings.share_inputs,
            request_rate_hz: settings.request_rate_hz,
            dram_bytes_per_s: settings.dram_bytes_per_s,
            overhead: settings.overhead,
            ..Design::new(core, self.cores(network))
        })
    }

    /// The light of a layer. `path` is the number of cells on the way of light relative to the cores of the run.
    fn light(&self, layer: &MeasuredLayer, path: f64, values: &Values) -> Result<Light, CostError> {
        let link = &self.config.link;
        let bits = |power: f64| if power > 0.0 { -0.5 * power.log2() } else { f64::INFINITY };
        // Converters that the link lacks are those of the library.
        let missing = [(link.dac.is_none(), values.dac.enob), (link.adc.is_none(), values.adc.enob)];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        let missing: f64 = missing.map(|(_, enob)| values.rounding_power(enob)).sum();
        let converter_bits = bits(layer.converter_power() + missing);
        let chip_bits = bits(layer.chip_power());
        let precision = match (self.settings.readout_bits, self.settings.light_share) {
            (Some(bits), _) => Precision::ReadoutBits(bits),
            (None, None) if self.has_given_power() => Precision::LaserPower(link.laser_power_w.unwrap_or(1.0)),
            (None, share) => {
                let others = 0.25f64.powf(chip_bits) + 0.25f64.powf(converter_bits);
                if others <= 0.0 {
                    let expected =
                        "`cost.readout_bits`: light has no share of an error where chip and converters have none";
                    return Err(InvalidValue::new("cost.light_share", "given or by default", expected).into());
                }
                Precision::ReadoutBits(-0.5 * (others / (1.0 - share.unwrap_or(LIGHT_SHARE))).log2())
            }
        };
        let loss_db = self.config.process.insertion_loss.as_ref().map_or(0.0, |loss| loss.loss_db);
        let loss_bits = layer.loss_bits.filter(|_| loss_db > 0.0);
        let mut light = Light {
            rule: self.settings.rule,
            chip_bits,
            loss_bits: loss_bits.map(|bits| LossBits { bits: bits.max(chip_bits), at_db: loss_db }),
            converter_bits: Some(converter_bits),
            level: layer.level,
            mean: layer.mean,
            // A given power has the share of the run, an asked precision the best one.
            lo_fraction: self.has_given_power().then_some(link.lo_fraction),
            cell_loss_db: Some(loss_db),
            transmission: Some(layer.transmission.powf(path)),
            link: self.has_noise().then(|| self.link(values)).transpose()?,
            ..Light::new(precision)
        };
        let shifter = |values| self.settings.shifter.device(values).cell_loss_db;
        if loss_db > 0.0 && shifter(&self.nominal) > 0.0 {
            light.set_cell_loss(loss_db * shifter(values) / shifter(&self.nominal));
        }
        Ok(light)
    }

    /// The link of the run with noise in the proportion of the library values to the nominal ones.
    fn link(&self, values: &Values) -> Result<Link, CostError> {
        let mut link = self.config.link.clone();
        if let Some(noise) = &mut link.intensity_noise {
            noise.rin_db_per_hz += values.laser.rin_db_per_hz - self.nominal.laser.rin_db_per_hz;
        }
        if let Some(noise) = &mut link.thermal_noise {
            let own = match (noise.noise_a_per_sqrt_hz, noise.feedback_ohm) {
                (Some(own), _) => own,
                (None, Some(ohm)) => (4.0 * BOLTZMANN * noise.temperature_k / ohm).sqrt(),
                (None, None) => 0.0,
            };
            let nominal = self.nominal.amplifier.noise_a_per_sqrt_hz;
            let factor = if nominal > 0.0 { values.amplifier.noise_a_per_sqrt_hz / nominal } else { 1.0 };
            *noise = ThermalNoise { noise_a_per_sqrt_hz: Some(own * factor), feedback_ohm: None, ..*noise };
        }
        link.check().map_err(|error: HardwareError| CostError::Hardware(error))?;
        Ok(link)
    }

    /// Digital arrays with bits for each layer, or of equal precision (`None`), next to the cores of `design`.
    ///
    /// # Errors
    ///
    /// A layer whose products few bits make without error.
    pub fn comparison<'a>(
        &self,
        network: &'a Network,
        design: Design,
        kind: ArrayKind,
        bits: Option<f64>,
    ) -> Result<Comparison<'a>, CostError> {
        let tables = match bits {
            None => {
                let table = |layer: &MeasuredLayer| {
                    let expected =
                        "weights and inputs that rounding changes, or else no electronics have the precision of light";
                    EqualBits::new(layer.digital.clone()).map_err(|_| {
                        let key = format!("digital products of layer {}", layer.layer);
                        InvalidValue::new(key, "exact with few bits, or all outputs 0", expected)
                    })
                };
                self.measured.layers.iter().map(table).collect::<Result<_, _>>()?
            }
            Some(_) => Vec::new(),
        };
        let is_resident = network.counts().tiles <= design.cores;
        let digital = DigitalDesign {
            size: self.settings.array,
            batch: (!is_resident).then_some(self.settings.batch),
            sum_bits: design.sum_bits,
            io_bits: design.io_bits,
            weights: design.weights,
            io: design.io,
            ..DigitalDesign::new(kind, vec![bits.unwrap_or(BITS); network.layers.len()])
        };
        Ok(Comparison { network, design, digital, tables })
    }
}
