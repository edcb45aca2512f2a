//! The table `[cost]`: how the cores of an experiment are used and what surrounds them, for its energy, time and area.

use crate::input::config::Config;
use phaseloom_cost::{LaserRule, Memory, ShifterKind};
use phaseloom_files::{InvalidValue, at_least, between, positive};
use phaseloom_hardware::Detection;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The table `[cost]`: use and surroundings of the cores, for `phaseloom cost`. It changes no result of a run, and no identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CostSettings {
    /// Number of cores. With fewer cores than tiles, cores are shared: the weights are loaded again for every batch. Range: 1…10⁹.
    /// Default: one for each tile (resident weights); one if `core.cores` is `"shared"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<usize>,
    /// Inputs of the network per load of the weights, on both sides, if cores are shared. Range: 1…10¹².
    pub batch: f64,
    /// Whether half of the shared cores compute while the others are loaded.
    pub double_buffer: bool,
    /// Whether the cores of a column of tiles share the converters and modulators of their inputs.
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
    /// Capacity of the memory on the chip for values between two passes of shared cores (bytes). More are kept outside. Range: ≥ 0.
    /// Default: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sram_bytes: Option<f64>,
    /// Rate of the memory outside the chip (byte/s), such as 1.024e12. Range: > 0. Default: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dram_bytes_per_s: Option<f64>,
    /// Inferences per second that arrive (Hz). Range: > 0. Default: as many as the cores can compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_rate_hz: Option<f64>,
    /// Factor on the energy of the electronics of the photonic side, for what a sum of parts leaves out. Range: ≥ 1.
    pub overhead: f64,
    /// Rows and columns of the digital arrays. Range: 1…16384.
    pub array: usize,
    /// Device library (TOML) that overrides entries of the shipped one. Default: the shipped library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// Samples that measure the bits of chips, converters and electronics, rounded up to a multiple of 256. Range: 1…10⁶.
    pub samples: usize,
    /// Chips that measure bits, the first ones of the run. Range: 1…10⁶.
    pub chips: u64,
    /// Samples of the ranges of the library, for the intervals. Range: 20…10⁶.
    pub draws: u64,
    /// A chip is correct if its score loses at most this much against the exact network (of an accuracy: 0.01 is one point).
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
        if let Some(bits) = self.readout_bits {
            positive("readout_bits", bits)?;
            between("readout_bits", bits, 0.0, 24.0)?;
        }
        if let Some(share) = self.light_share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            return Err(InvalidValue::new("light_share", share, "a number above 0 and below 1"));
        }
        between("batch", self.batch, 1.0, 1e12)?;
        between("io_bits", self.io_bits, 1.0, 64.0)?;
        between("overhead", self.overhead, 1.0, 1e6)?;
        between("max_drop", self.max_drop, 0.0, 1.0)?;
        between("min_yield", self.min_yield, 0.0, 1.0)?;
        self.sram_bytes.map_or(Ok(()), |bytes| at_least("sram_bytes", bytes, 0.0))?;
        for (key, value) in [("dram_bytes_per_s", self.dram_bytes_per_s), ("request_rate_hz", self.request_rate_hz)] {
            value.map_or(Ok(()), |value| positive(key, value))?;
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
            None if self.double_buffer && self.cores == Some(1) => {
                Err(InvalidValue::new("cores", 1, "at least 2 with `double_buffer`"))
            }
            None => Ok(()),
        }
    }
}

impl Config {
    /// Checks the table `[cost]`.
    pub(crate) fn check_cost(&self) -> Result<(), InvalidValue> {
        self.cost.as_ref().map_or(Ok(()), |cost| cost.check().map_err(|invalid| invalid.in_table("cost")))
    }

    /// The settings of the cost, which are defaults without a table.
    ///
    /// # Errors
    ///
    /// An experiment whose cost the model does not know: without a network, or with other detection than homodyne.
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
        Ok(self.cost.clone().unwrap_or_default())
    }
}
