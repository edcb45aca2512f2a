//! The photonic side: cores, converters, light and schedule of one design.

use crate::counts::{CoreSize, Counts, Layer, Network};
use crate::library::Values;
use crate::library::devices::Shifter;
use phaseloom_files::{InvalidValue, at_least, between, positive};
use phaseloom_hardware::{Detection, Link};
use serde::{Deserialize, Serialize};

/// Where values are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// On the chip.
    #[default]
    Sram,
    /// Outside the chip.
    Dram,
}

impl Memory {
    /// Energy of an access (J/bit).
    pub(crate) fn j_per_bit(self, values: &Values) -> f64 {
        match self {
            Self::Sram => values.sram.j_per_bit,
            Self::Dram => values.dram.j_per_bit,
        }
    }
}

/// The kind of phase shifter of all cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShifterKind {
    /// Thermo-optic: holds a phase with power.
    #[default]
    Heater,
    /// Electrostatic: holds a phase without power.
    Mems,
}

impl ShifterKind {
    /// Its entries of the library.
    #[must_use]
    pub fn device(self, values: &Values) -> &Shifter<f64> {
        match self {
            Self::Heater => &values.heater,
            Self::Mems => &values.mems,
        }
    }

    pub(crate) fn device_mut(self, values: &mut Values) -> &mut Shifter<f64> {
        match self {
            Self::Heater => &mut values.heater,
            Self::Mems => &mut values.mems,
        }
    }
}

/// Which of laser power and precision is given; the other one is a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Precision {
    /// Readout bits of the outputs, `log₂(rms of the outputs/rms of their error)`, chip and converters included.
    ReadoutBits(f64),
    /// Optical power of the laser of one core (W).
    LaserPower(f64),
}

/// How the power of a laser follows from a precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LaserRule {
    /// By the noise of the receiver.
    #[default]
    Noise,
    /// By the sensitivity of the amplifier and 2^bits, as other groups' programs have it. Shot noise needs 4^bits: results
    /// of the two rules do not compare.
    Sensitivity,
}

/// The light of a core, and the errors that are not of the light.
///
/// Powers of errors are relative to that of the outputs, 4^(−bits), and add up:
/// `4^(−bits) = 4^(−chip bits) + 4^(−converter bits) + (σ/level)²`.
#[derive(Clone, Debug, PartialEq)]
pub struct Light {
    /// Laser power or precision.
    pub precision: Precision,
    /// How the one follows from the other.
    pub rule: LaserRule,
    /// Loss between the laser and the ports beyond that of the link (dB).
    pub excess_loss_db: f64,
    /// Readout bits of the chip alone, with an ideal link; infinite for a perfect chip, negative if the error exceeds the
    /// outputs.
    pub chip_bits: f64,
    /// Readout bits that the loss of the cells alone leaves, if the chip bits follow the loss: its error power, which
    /// is part of that of the chip, grows with the square of the loss. `None`: the chip bits stay.
    pub loss_bits: Option<LossBits>,
    /// Readout bits of the converters alone; `None`: from their effective bits,
    /// [`Values::converter_bits`](crate::library::devices::Devices::converter_bits).
    pub converter_bits: Option<f64>,
    /// Root mean square of the outputs in units of ‖W‖₂·(input scale), `rms(y)/√(mean over outputs of Σ g²)`.
    pub level: f64,
    /// Mean of the outputs in the same units; 0 if both signs are alike.
    pub mean: f64,
    /// Share of the coupled power in the local oscillator; `None`: the one that needs least power.
    pub lo_fraction: Option<f64>,
    /// Loss of a cell (dB); `None`: that of the library.
    pub cell_loss_db: Option<f64>,
    /// Amplitude transmission of the programs; `None`: (2k − 1) cells on the mean path of a rectangular core.
    pub transmission: Option<f64>,
    /// The link of the run; `None`: that of the library. Its noise is the noise of the cost model; laser power and
    /// share of the local oscillator are set by the model, and the splitters are part of its `coupling_loss_db`.
    pub link: Option<Link>,
}

/// Readout bits of equal cells that err by their loss alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossBits {
    /// Readout bits.
    pub bits: f64,
    /// Loss of a cell (dB) at which they, and the chip bits, were measured.
    pub at_db: f64,
}

impl Light {
    /// The light of a perfect chip with the converters, the loss and the link of the library. The level is that of the layers
    /// of a network trained on MNIST.
    #[must_use]
    pub fn new(precision: Precision) -> Self {
        Self {
            precision,
            rule: LaserRule::Noise,
            excess_loss_db: 0.0,
            chip_bits: f64::INFINITY,
            loss_bits: None,
            converter_bits: None,
            level: 0.2,
            mean: 0.0,
            lo_fraction: None,
            cell_loss_db: None,
            transmission: None,
            link: None,
        }
    }

    fn check(&self) -> Result<(), InvalidValue> {
        match self.precision {
            // Below 0 the error exceeds the outputs.
            Precision::ReadoutBits(bits) => between("precision", bits, -1e3, 64.0)?,
            Precision::LaserPower(power) => between("precision", power, 1e-30, 1e6)?,
        }
        if matches!((self.precision, self.rule), (Precision::LaserPower(_), LaserRule::Sensitivity)) {
            return Err(InvalidValue::new(
                "precision",
                "a laser power",
                "readout bits, from which this rule takes the power",
            ));
        }
        at_least("excess_loss_db", self.excess_loss_db, 0.0)?;
        positive("level", self.level)?;
        between("mean", self.mean, -self.level, self.level)?;
        if self.chip_bits.is_nan() || self.chip_bits < -1e3 {
            return Err(InvalidValue::new(
                "chip_bits",
                self.chip_bits,
                "a number ≥ -1000, infinite for a perfect chip",
            ));
        }
        if let Some(loss) = self.loss_bits {
            positive("loss_bits.at_db", loss.at_db)?;
            at_least("loss_bits.bits", loss.bits, self.chip_bits)?;
        }
        for (key, value) in [("lo_fraction", self.lo_fraction), ("transmission", self.transmission)] {
            value.map_or(Ok(()), |value| positive(key, value))?;
        }
        if let Some(link) = &self.link {
            if link.detection != Detection::Homodyne {
                return Err(InvalidValue::new("link.detection", format!("{:?}", link.detection), "homodyne detection"));
            }
            if !link.shot_noise {
                let expected = "true: without noise, no laser power follows from a precision";
                return Err(InvalidValue::new("link.shot_noise", false, expected));
            }
        }
        self.cell_loss_db.map_or(Ok(()), |loss| at_least("cell_loss_db", loss, 0.0))
    }

    /// Another loss of a cell (dB). A given transmission follows the loss, `t' = t^(loss'/loss)`; without a loss to follow, it
    /// is that of the mean path.
    pub fn set_cell_loss(&mut self, loss_db: f64) {
        let known = self.transmission.zip(self.cell_loss_db.filter(|known| *known > 0.0));
        self.transmission = known.map(|(transmission, known)| transmission.powf(loss_db / known));
        self.cell_loss_db = Some(loss_db);
    }

    /// Loss of a cell (dB).
    pub(crate) fn cell_loss_db(&self, shifter: &Shifter<f64>) -> f64 {
        self.cell_loss_db.unwrap_or(shifter.cell_loss_db)
    }

    /// Error power of chip and converters, relative to that of the outputs.
    pub(crate) fn other_error_power(&self, values: &Values, cell_loss_db: f64) -> f64 {
        let converters = 0.25f64.powf(self.converter_bits.unwrap_or_else(|| values.converter_bits()));
        let chip = 0.25f64.powf(self.chip_bits);
        let change =
            self.loss_bits.map_or(0.0, |loss| 0.25f64.powf(loss.bits) * ((cell_loss_db / loss.at_db).powi(2) - 1.0));
        converters + (chip + change).max(0.0)
    }
}

/// Cores and their surroundings.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Parts of a core.
    pub core: CoreSize,
    /// Number of cores. Those beyond the tiles have no power and take area.
    pub cores: usize,
    /// Inputs per load of the weights, if the cores are shared.
    pub batch: f64,
    /// Vectors per second of a core (Hz).
    pub symbol_rate_hz: f64,
    /// Bits of an input in memory.
    pub input_bits: f64,
    /// Nominal bits of the input converters, which set their energy.
    pub dac_bits: f64,
    /// Nominal bits of the converters of measured values, which set their energy.
    pub adc_bits: f64,
    /// Bits of a phase.
    pub phase_bits: f64,
    /// Bits of the gain of a tile.
    pub gain_bits: f64,
    /// Bits of a sum.
    pub sum_bits: f64,
    /// Bits of a value from and to the memory outside.
    pub io_bits: f64,
    /// Kind of phase shifter.
    pub shifter: ShifterKind,
    /// Σ|φ|/π over the phase shifters of one core as programmed: the mean over the tiles of each layer, or one number for all
    /// layers. P_π times it holds the core.
    pub half_turns: Vec<f64>,
    /// Light and precision: of each layer, or once for all layers. The laser of a shared core changes its power with the
    /// layer.
    pub lights: Vec<Light>,
    /// Memory of the weights.
    pub weights: Memory,
    /// Memory of the inputs of the network and of its outputs.
    pub io: Memory,
    /// Capacity of the memory on the chip for values that wait between passes (bytes); `None`: unlimited. More are kept
    /// outside.
    pub sram_bytes: Option<f64>,
    /// Whether half of the cores compute while the others are loaded.
    pub double_buffer: bool,
    /// Whether cores that take the same inputs in the same pass share their converters and modulators. Splitters between
    /// the modulators and the cores lose light.
    pub share_inputs: bool,
    /// Inferences per second that arrive; `None`: as many as the cores can compute.
    pub request_rate_hz: Option<f64>,
    /// Rate of the memory outside (byte/s); `None`: unlimited.
    pub dram_bytes_per_s: Option<f64>,
    /// Factor on the energy of the electronics, for what a sum of parts leaves out; 1: nothing.
    pub overhead: f64,
}

impl Design {
    /// MEMS cores at 5 GHz with 8-bit converters and a perfect chip, for outputs of 5 readout bits.
    #[must_use]
    pub fn new(core: CoreSize, cores: usize) -> Self {
        Self {
            core,
            cores,
            batch: 1.0,
            symbol_rate_hz: 5e9,
            input_bits: 8.0,
            dac_bits: 8.0,
            adc_bits: 8.0,
            phase_bits: 8.0,
            gain_bits: 8.0,
            sum_bits: 24.0,
            io_bits: 8.0,
            shifter: ShifterKind::Mems,
            half_turns: vec![0.0],
            lights: vec![Light::new(Precision::ReadoutBits(5.0))],
            weights: Memory::Sram,
            io: Memory::Dram,
            sram_bytes: None,
            double_buffer: false,
            share_inputs: false,
            request_rate_hz: None,
            dram_bytes_per_s: None,
            overhead: 1.0,
        }
    }

    /// Whether each tile of a number of them has a core of its own.
    #[must_use]
    pub fn is_resident(&self, tiles: usize) -> bool {
        tiles <= self.cores
    }

    /// Cores that compute at once for a number of tiles.
    pub(crate) fn computing_cores(&self, tiles: usize) -> usize {
        match (self.is_resident(tiles), self.double_buffer) {
            (true, _) => tiles,
            (false, true) => self.cores / 2,
            (false, false) => self.cores,
        }
    }

    /// Counts of one inference on these cores.
    pub(crate) fn counts(&self, network: &Network) -> Counts {
        let mut counts = network.counts();
        if self.share_inputs {
            let cores = self.computing_cores(counts.tiles);
            let drives = |layer: &Layer| (layer.vectors * layer.shared_inputs(cores).drives) as f64;
            counts.drives = network.layers.iter().map(drives).sum();
        }
        counts
    }

    /// Share of the input ports of the cores that have a converter and a modulator of their own, mean over the time of
    /// the cores. `layer_shares` is the share of each layer in it.
    pub(crate) fn drivers(&self, network: &Network, layer_shares: &[f64]) -> f64 {
        if !self.share_inputs {
            return 1.0;
        }
        let cores = self.computing_cores(network.counts().tiles);
        let layers = network.layers.iter().zip(layer_shares);
        layers.map(|(layer, share)| share * layer.shared_inputs(cores).drivers).sum()
    }

    /// The same design with the loss of the splitters of shared inputs, which have ⌈log₂R⌉ stages where R cores take the
    /// same input.
    pub(crate) fn with_splitters(&self, network: &Network, values: &Values) -> Self {
        if !self.share_inputs {
            return self.clone();
        }
        let cores = self.computing_cores(network.counts().tiles);
        let light = |(index, layer): (usize, &Layer)| {
            let stages = (layer.shared_inputs(cores).cores as f64).log2().ceil();
            let light = self.light(index);
            Light { excess_loss_db: light.excess_loss_db + stages * values.splitter.stage_loss_db, ..light.clone() }
        };
        Self { lights: network.layers.iter().enumerate().map(light).collect(), ..self.clone() }
    }

    /// The light of a layer.
    pub(crate) fn light(&self, layer: usize) -> &Light {
        for_layer(&self.lights, layer)
    }

    /// Power that holds the phases of one core (W), the mean over the time of all cores.
    pub(crate) fn hold_w(&self, shifter: &Shifter<f64>, layer_shares: &[f64]) -> f64 {
        let turns = layer_shares.iter().enumerate().map(|(layer, share)| share * for_layer(&self.half_turns, layer));
        shifter.hold_pi_w * turns.sum::<f64>()
    }

    /// Checks every value, and that the tiles of a network fit on the cores.
    ///
    /// # Errors
    ///
    /// The key of the first impossible value.
    pub fn check(&self, network: &Network) -> Result<(), InvalidValue> {
        let (layers, ports) = (network.layers.len(), self.core.ports);
        for (index, layer) in network.layers.iter().enumerate() {
            if let Some(tile) = layer.tiles.iter().find(|tile| tile.rows.max(tile.columns) > ports) {
                let found = format!("{}×{}", tile.rows, tile.columns);
                let expected = format!("at most {ports}×{ports}, the ports of a core");
                return Err(InvalidValue::new(format!("layers[{index}].tiles"), found, expected));
            }
        }
        for (key, length) in [("lights", self.lights.len()), ("half_turns", self.half_turns.len())] {
            if ![1, layers].contains(&length) {
                let expected = format!("1 or {layers}, one for each photonic layer");
                return Err(InvalidValue::new(key, format!("a list of {length}"), expected));
            }
        }
        if self.core.ports == 0 || self.cores == 0 {
            let (key, found) =
                if self.core.ports == 0 { ("core.ports", self.core.ports) } else { ("cores", self.cores) };
            return Err(InvalidValue::new(key, found, "at least 1"));
        }
        if self.double_buffer && self.cores < 2 {
            return Err(InvalidValue::new("cores", self.cores, "at least 2 with `double_buffer`"));
        }
        at_least("batch", self.batch, 1.0)?;
        positive("symbol_rate_hz", self.symbol_rate_hz)?;
        for (key, bits) in [
            ("input_bits", self.input_bits),
            ("dac_bits", self.dac_bits),
            ("adc_bits", self.adc_bits),
            ("phase_bits", self.phase_bits),
            ("gain_bits", self.gain_bits),
            ("sum_bits", self.sum_bits),
            ("io_bits", self.io_bits),
        ] {
            between(key, bits, 1.0, 64.0)?;
        }
        self.half_turns.iter().try_for_each(|&turns| at_least("half_turns", turns, 0.0))?;
        at_least("overhead", self.overhead, 1.0)?;
        for (key, value) in [("request_rate_hz", self.request_rate_hz), ("dram_bytes_per_s", self.dram_bytes_per_s)] {
            value.map_or(Ok(()), |value| positive(key, value))?;
        }
        for (index, light) in self.lights.iter().enumerate() {
            light.check().map_err(|invalid| invalid.in_table(&format!("lights[{index}]")))?;
        }
        self.sram_bytes.map_or(Ok(()), |bytes| at_least("sram_bytes", bytes, 0.0))
    }
}

/// The entry of a layer in a list with one entry for each layer, or one for all.
fn for_layer<T>(list: &[T], layer: usize) -> &T {
    &list[if list.len() == 1 { 0 } else { layer }]
}
