//! Energy of one inference, part by part.
//!
//! Part of the photonic side (J; on = cores that have power, T = period, E = energy of one event):
//!
//! ```text
//! laser       on·mean P_wall·T                                 hold        on·P_π·mean Σ|φ|/π·T
//! program     loads·shifters·(update + switch + b_φ·memory)/B  slow_dac    on·shifters·static·T
//! dac         drives·E(b_dac)                                  modulator   drives·E
//! bias        on·k·bias·T                                      receiver    on·k·(amplifier + 2 detectors)·T
//! adc         readings·E(b_adc)                                serialiser  (drives·b_in + readings·b_adc)·E
//! digital     readings·E×(b_adc, b_gain) + sums·E₊ + outputs·[2·E₊ + E×(b_sum, 8)]
//! sram        (drives + outputs)·b_in·E                        registers   sums·2·b_sum·E
//! between     bits between passes·E                            io          values·b_io·E
//! idle        share·(idle converters, modulators and logic at full rate)
//! electronic  MACs of layers that stay electronic·[E×(8, 8) + E₊]
//! ```
//!
//! Cores that share inputs have one converter and one modulator for all ports that take the same input: `dac`, `modulator`,
//! `bias` and `idle` count these.
//!
//! Detection is homodyne: two detectors a receiver.

use crate::buffer::Buffer;
use crate::counts::{Counts, Network};
use crate::design::{Design, Memory};
use crate::library::Values;
use crate::time::Timing;

/// One part of an energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnergyPart {
    /// Its key.
    pub key: &'static str,
    /// Energy of one inference (J).
    pub joule: f64,
}

/// The parts of an energy of one inference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Energy {
    /// The parts, in a fixed order.
    pub parts: Vec<EnergyPart>,
}

impl Energy {
    pub(crate) fn new<const N: usize>(parts: [(&'static str, f64); N]) -> Self {
        Self { parts: parts.into_iter().map(|(key, joule)| EnergyPart { key, joule }).collect() }
    }

    /// Appends a part.
    pub(crate) fn add(&mut self, key: &'static str, joule: f64) {
        self.parts.push(EnergyPart { key, joule });
    }

    /// The energy of a part (J); 0 for a part that is not there.
    #[must_use]
    pub fn part(&self, key: &str) -> f64 {
        self.parts.iter().find(|part| part.key == key).map_or(0.0, |part| part.joule)
    }

    /// The sum (J).
    #[must_use]
    pub fn total_j(&self) -> f64 {
        self.parts.iter().map(|part| part.joule).sum()
    }
}

/// Parts that the factor on the electronics multiplies.
const ELECTRONICS: [&str; 10] =
    ["slow_dac", "dac", "receiver", "adc", "serialiser", "digital", "sram", "registers", "between", "idle"];

/// Energy (J) of the layers of one inference that stay electronic, on both sides.
pub(crate) fn electronic(network: &Network, values: &Values, sum_bits: f64) -> f64 {
    network.electronic_macs * (values.multiply_j(8.0, 8.0) + values.add_j(sum_bits))
}

/// Energy of one inference on photonic cores. `laser_w` is the mean electrical power of the laser of a core;
/// without it, the part `laser` is missing. `drivers` is the share of the input ports with a modulator of their own.
pub(crate) fn photonic(
    design: &Design,
    values: &Values,
    counts: &Counts,
    timing: &Timing,
    buffer: &Buffer,
    (laser_w, drivers): (Option<f64>, f64),
) -> Energy {
    let Design { input_bits, dac_bits, adc_bits, gain_bits, sum_bits, phase_bits, .. } = *design;
    let Counts { drives, readings, outputs, sums, .. } = *counts;
    let (on, period_s) = (timing.powered_cores as f64, timing.period_s);
    let (ports, shifters) = (on * design.core.ports as f64, on * design.core.shifters as f64);
    let shifter = design.shifter.device(values);
    let buffered = buffer.memory.j_per_bit(values);

    // One load of one phase shifter.
    let load = values.slow_dac.update_j + shifter.switch_j + phase_bits * design.weights.j_per_bit(values);
    let loads = timing.loads as f64 * design.core.shifters as f64 / design.batch;

    // Slots that the ports offer in a period, and the energy of an unused one at full rate.
    let slots = ports * period_s * design.symbol_rate_hz;
    let per_drive = values.dac_j(dac_bits) + values.modulator.symbol_j;
    let per_reading = values.multiply_j(adc_bits, gain_bits) + values.add_j(sum_bits) + values.adc_j(adc_bits);
    let idle = (slots * drivers - drives) * per_drive + (slots - readings) * per_reading;

    let receiver_w = values.amplifier.power_w + 2.0 * values.detector.power_w;
    let scaling = values.multiply_j(sum_bits, 8.0);
    let logic = readings * values.multiply_j(adc_bits, gain_bits)
        + sums * values.add_j(sum_bits)
        + outputs * (2.0 * values.add_j(sum_bits) + scaling);
    let serialised = drives * input_bits + readings * adc_bits;
    // A buffer that does not fit on the chip takes the inputs and outputs with it.
    let activations_j = if buffer.memory == Memory::Dram { buffered } else { values.sram.j_per_bit };

    let mut energy = Energy::new([
        ("laser", on * laser_w.unwrap_or(0.0) * period_s),
        ("hold", on * design.hold_w(shifter, &timing.layer_shares) * period_s),
        ("program", loads * load),
        ("slow_dac", shifters * values.slow_dac.static_w * period_s),
        ("dac", drives * values.dac_j(dac_bits)),
        ("modulator", drives * values.modulator.symbol_j),
        ("bias", ports * drivers * values.modulator.bias_w * period_s),
        ("receiver", ports * receiver_w * period_s),
        ("adc", readings * values.adc_j(adc_bits)),
        ("serialiser", serialised * values.converters.serialiser_j_per_bit),
        ("digital", logic),
        ("sram", (drives + outputs) * input_bits * activations_j),
        ("registers", (sums * 2.0 * sum_bits - buffer.partial_sum_bits) * values.register.j_per_bit),
        ("between", buffer.moved_bits * buffered),
        ("io", counts.io_values * design.io_bits * design.io.j_per_bit(values)),
        ("idle", values.converters.idle * idle),
    ]);
    if laser_w.is_none() {
        energy.parts.retain(|part| part.key != "laser");
    }
    for part in &mut energy.parts {
        if ELECTRONICS.contains(&part.key) {
            part.joule *= design.overhead;
        }
    }
    energy
}
