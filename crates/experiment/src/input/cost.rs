//! The table `[cost]`: how the cores of an experiment are used and what surrounds them, for its energy, time and area.

use crate::error::ExperimentError;
use crate::input::config::{COST, Config, Experiment};
use phaseloom_cost::{LaserRule, Memory, ShifterKind};
use phaseloom_files::{InvalidValue, within};
use phaseloom_hardware::{CoreSharing, Detection};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The table `[cost]`: use and surroundings of the cores, for `phaseloom cost`. It changes no result of a run, and no identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CostSettings {
    /// Number of cores. With fewer cores than tiles, cores are shared: the weights are loaded again for every batch. Cores beyond
    /// the tiles have no power and take area. Range: 1…10⁹.
    /// Default: one for each tile (resident weights); one if `core.cores` is `"shared"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<usize>,
    /// Inputs of the network per load of the weights, on both sides, if cores are shared. Range: 1…10¹².
    pub batch: f64,
    /// Whether half of the shared cores compute while the others are loaded.
    pub double_buffer: bool,
    /// Whether cores that take the same inputs in the same pass share their converters and modulators.
    pub share_inputs: bool,
    /// Kind of phase shifter. A heater takes `process.phase_shifter.power_pi_w` if the process has it, else the value of the library.
    pub shifter: ShifterKind,
    /// Bits that the outputs of every layer must have, `log2(rms y/rms error)`, chip and converters included. The laser power
    /// follows. Range: above 0, at most 24. Default: the laser power of the link is given, and the bits follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readout_bits: Option<f64>,
    /// Share of the error power that light may make, next to chip and converters; another way to ask for a precision. Range:
    /// above 0, below 1. Default: 0.5 if neither `readout_bits` nor a laser with noise in `[link]` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light_share: Option<f64>,
    /// How the laser power follows from `readout_bits` or `light_share`.
    pub rule: LaserRule,
    /// Memory of the weights, on both sides.
    pub weights: Memory,
    /// Memory of inputs and outputs of the network, on both sides.
    pub io: Memory,
    /// Bits of a value from and to that memory. Range: 1…64.
    pub io_bits: f64,
    /// Capacity of the memory on the chip for values between two passes of shared cores (bytes). More are kept outside. Range: 0…10¹⁸.
    /// Default: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sram_bytes: Option<f64>,
    /// Rate of the memory outside the chip (byte/s), such as 1.024e12. It limits all that is kept there. Range: 1…10¹⁸. Default:
    /// unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dram_bytes_per_s: Option<f64>,
    /// Inferences per second that arrive (Hz). Range: 10⁻⁶…10¹⁵. Default: as many as the cores can compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_rate_hz: Option<f64>,
    /// Factor on the energy of the electronics of the photonic side, for what a sum of parts leaves out. Range: 1…1000.
    pub overhead: f64,
    /// Rows and columns of the digital arrays. Range: 1…16384.
    pub array: usize,
    /// Device library (TOML) that overrides entries of the shipped one. Default: the shipped library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// Samples that measure the bits of chips, converters and electronics, rounded up to a multiple of 256. No axis of a sweep.
    /// Range: 1…10⁶.
    pub samples: usize,
    /// Chips that measure bits, the first ones of the run. No axis of a sweep. Range: 1…10⁶.
    pub chips: u64,
    /// Samples of the ranges of the library, for the intervals. Range: 20…10⁶.
    pub draws: u64,
    /// A chip is correct if its score loses at most this much against the floating-point reference (of an accuracy: 0.01 is one point).
    /// Range: 0…1.
    pub max_drop: f64,
    /// Share of correct chips from which the hardware counts as correct. Range: 0…1.
    pub min_yield: f64,
}

impl Default for CostSettings {
    fn default() -> Self {
        Self {
            cores: None,
            batch: 1.0,
            double_buffer: false,
            share_inputs: false,
            shifter: ShifterKind::Heater,
            readout_bits: None,
            light_share: None,
            rule: LaserRule::Noise,
            weights: Memory::Sram,
            io: Memory::Dram,
            io_bits: 8.0,
            sram_bytes: None,
            dram_bytes_per_s: None,
            request_rate_hz: None,
            overhead: 1.0,
            array: 64,
            library: None,
            samples: 1024,
            chips: 5,
            draws: 500,
            max_drop: 0.01,
            min_yield: 0.9,
        }
    }
}

impl CostSettings {
    /// Checks every value.
    fn check(&self) -> Result<(), InvalidValue> {
        if let (Some(bits), Some(_)) = (self.readout_bits, self.light_share) {
            return Err(InvalidValue::new(
                "readout_bits",
                bits,
                "absent next to `light_share`: one of them sets the power",
            ));
        }
        // Beyond all that is built, and near enough that every number of a cost is finite.
        let ranges = [
            ("readout_bits", self.readout_bits, [0.01, 24.0], "bits"),
            ("light_share", self.light_share, [1e-6, 1.0 - 1e-6], "of the error power"),
            ("batch", Some(self.batch), [1.0, 1e12], "inputs"),
            ("io_bits", Some(self.io_bits), [1.0, 64.0], "bits"),
            ("overhead", Some(self.overhead), [1.0, 1e3], "times the energy of the electronics"),
            ("max_drop", Some(self.max_drop), [0.0, 1.0], "of the score"),
            ("min_yield", Some(self.min_yield), [0.0, 1.0], "of the chips"),
            ("sram_bytes", self.sram_bytes, [0.0, 1e18], "bytes"),
            ("dram_bytes_per_s", self.dram_bytes_per_s, [1.0, 1e18], "byte/s"),
            ("request_rate_hz", self.request_rate_hz, [1e-6, 1e15], "Hz"),
        ];
        for (key, value, range, unit) in ranges {
            value.map_or(Ok(()), |value| within(key, value, range, unit))?;
        }
        let counts = [
            ("cores", self.cores.unwrap_or(1) as u64, 1, 1_000_000_000),
            ("array", self.array as u64, 1, 16384),
            ("samples", self.samples as u64, 1, 1_000_000),
            ("chips", self.chips, 1, 1_000_000),
            ("draws", self.draws, 20, 1_000_000),
        ];
        match counts.into_iter().find(|(_, value, min, max)| !(min..=max).contains(&value)) {
            Some((key, value, min, max)) => Err(InvalidValue::new(key, value, format!("{min} to {max}"))),
            None => Ok(()),
        }
    }
}

impl Experiment {
    /// Reads an experiment as [`load`](Self::load) does. Of the folder of a run, it is the experiment whose cost was computed
    /// there last, with the axes of that cost.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_cost(path: &Path) -> Result<Self, ExperimentError> {
        let (run, file) = (Self::load(path)?, path.join(COST));
        if run.run_folder().is_none() || !file.is_file() {
            return Ok(run);
        }
        let mut cost = Self::load_file(&file)?;
        // The run may have grown since.
        cost.config.trials = run.config.trials;
        Ok(cost)
    }
}

impl Config {
    /// Checks that the numbers of link and process lie where every number of a cost is finite. A run takes more.
    fn check_ranges(&self) -> Result<(), InvalidValue> {
        let (link, process) = (&self.link, &self.process);
        let thermal = link.thermal_noise.as_ref();
        let ranges = [
            ("link.coupling_loss_db", Some(link.coupling_loss_db), [0.0, 200.0], "dB"),
            ("link.responsivity_a_per_w", Some(link.responsivity_a_per_w), [1e-6, 1e3], "A/W"),
            ("link.symbol_rate_hz", Some(link.symbol_rate_hz), [1.0, 1e15], "Hz"),
            ("link.modulator.loss_db", link.modulator.map(|modulator| modulator.loss_db), [0.0, 200.0], "dB"),
            ("link.thermal_noise.temperature_k", thermal.map(|noise| noise.temperature_k), [0.0, 1e4], "K"),
            ("link.thermal_noise.feedback_ohm", thermal.and_then(|noise| noise.feedback_ohm), [1e-3, 1e15], "Ω"),
            (
                "link.thermal_noise.noise_a_per_sqrt_hz",
                thermal.and_then(|noise| noise.noise_a_per_sqrt_hz),
                [0.0, 1e-3],
                "A/sqrt(Hz)",
            ),
            (
                "link.intensity_noise.rin_db_per_hz",
                link.intensity_noise.as_ref().map(|noise| noise.rin_db_per_hz),
                [-300.0, 0.0],
                "dB/Hz",
            ),
            (
                "link.intensity_noise.cmrr_db",
                link.intensity_noise.as_ref().and_then(|noise| noise.cmrr_db),
                [0.0, 300.0],
                "dB",
            ),
            (
                "process.insertion_loss.loss_db",
                process.insertion_loss.as_ref().map(|loss| loss.loss_db),
                [0.0, 200.0],
                "dB",
            ),
            (
                "process.phase_shifter.power_pi_w",
                process.phase_shifter.as_ref().map(|shifter| shifter.power_pi_w),
                [0.0, 1e3],
                "W",
            ),
        ];
        ranges
            .into_iter()
            .try_for_each(|(key, value, range, unit)| value.map_or(Ok(()), |value| within(key, value, range, unit)))
    }

    /// Checks the table `[cost]`.
    pub(crate) fn check_cost(&self) -> Result<(), InvalidValue> {
        let Some(cost) = &self.cost else { return Ok(()) };
        cost.check().map_err(|invalid| invalid.in_table("cost"))?;
        let default = (self.core.cores == CoreSharing::Shared).then_some(1);
        if cost.double_buffer && cost.cores.or(default) == Some(1) {
            return Err(InvalidValue::new("cost.cores", 1, "at least 2 with `cost.double_buffer`"));
        }
        if cost.rule == LaserRule::Sensitivity && self.laser_power_is_given(cost) {
            let expected = "\"noise\" for the laser power of the link, or `cost.readout_bits`, from which this rule takes the power";
            return Err(InvalidValue::new("cost.rule", "\"sensitivity\"", expected));
        }
        Ok(())
    }

    /// Whether the noise of the link is that of the cost model, in place of the link of the device library.
    pub(crate) fn has_noise_of_light(&self) -> bool {
        self.link.shot_noise && self.link.laser_power_w.is_some()
    }

    /// Whether the power of the laser is that of the link, so that the bits follow.
    pub(crate) fn laser_power_is_given(&self, cost: &CostSettings) -> bool {
        self.has_noise_of_light() && cost.readout_bits.is_none() && cost.light_share.is_none()
    }

    /// The settings of the cost, which are defaults without a table.
    ///
    /// # Errors
    ///
    /// An experiment whose cost the model does not know: without a network, with other detection than homodyne, or with numbers
    /// that no hardware has.
    pub(crate) fn cost_settings(&self) -> Result<CostSettings, InvalidValue> {
        if self.model.is_none() {
            return Err(InvalidValue::new("model", "absent", "a network: a matrix alone has no inputs to count"));
        }
        if self.link.detection != Detection::Homodyne {
            let found = format!("{:?}", self.link.detection).to_lowercase();
            return Err(InvalidValue::new(
                "link.detection",
                found,
                "homodyne, the detection that the cost model knows",
            ));
        }
        self.check_ranges()?;
        Ok(self.cost.clone().unwrap_or_default())
    }
}
