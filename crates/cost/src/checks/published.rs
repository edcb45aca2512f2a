//! Energy of the computing parts by the rules of another group's published program (Lightening-Transformer, core
//! "mzi"), to check counts and energies of conversions from outside.
//!
//! Its rules differ from ours: every part is charged by the event, so that idle parts cost nothing; the laser follows
//! the rule of sensitivity ([`sensitivity_wall_w`]); each layer has the cores for itself, and each cell takes one
//! programming event of a fast converter and a modulator a layer. Its numbers are a library file like any other.

use crate::counts::{CoreSize, Layer, Network};
use crate::energy::Energy;
use crate::library::Values;
use crate::light::sensitivity_wall_w;

/// Settings of that program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventRules {
    /// Cores.
    pub core: CoreSize,
    /// Number of cores.
    pub cores: usize,
    /// Bits of every converter.
    pub bits: f64,
    /// Bits of a sum.
    pub sum_bits: f64,
    /// Symbol rate (Hz).
    pub symbol_rate_hz: f64,
    /// Time of a load (s).
    pub load_s: f64,
}

impl EventRules {
    /// Energy of the computing parts of one layer: laser, ADC, receiver, adder, programming and input converters and
    /// modulators.
    #[must_use]
    pub fn energy(&self, layer: &Layer, values: &Values) -> Energy {
        let counts = Network::new(vec![layer.clone()]).counts();
        let loss_db = values.modulator.loss_db + values.mems.cell_loss_db * self.core.depth as f64;
        let laser_w = sensitivity_wall_w(values, loss_db, self.core.ports as f64, self.bits);
        let receiver_w = values.amplifier.power_w + 2.0 * values.detector.power_w;
        let programmed = (counts.tiles * self.core.cells) as f64;
        let dac_j = values.dac_j(self.bits);
        Energy::new([
            ("laser", laser_w / self.symbol_rate_hz * counts.shots),
            ("adc", values.adc_j(self.bits) * counts.readings),
            ("receiver", receiver_w / self.symbol_rate_hz * counts.readings),
            ("adder", values.add_j(self.sum_bits) * counts.readings),
            ("program_dac", dac_j * programmed),
            ("program_modulator", values.modulator.symbol_j * programmed),
            ("dac", dac_j * counts.drives),
            ("modulator", values.modulator.symbol_j * counts.drives),
        ])
    }

    /// Time of one layer (s): shots of all cores, and one load each time all cores are used.
    #[must_use]
    pub fn time_s(&self, layer: &Layer) -> f64 {
        let (tiles, shots) = (layer.tiles.len(), layer.tiles.len() * layer.vectors);
        shots.div_ceil(self.cores) as f64 / self.symbol_rate_hz + tiles.div_ceil(self.cores) as f64 * self.load_s
    }
}
