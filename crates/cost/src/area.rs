//! Area of the cores and of their memory and logic.
//!
//! ```text
//! core      cells·A + shifters·A(slow DAC) + k·[DAC + modulator + amplifier + ADC + 2 detectors] + laser
//! memory    (2 sets of activations + values between passes + weights)·area of a bit
//! logic     cores·k·f/clock multipliers of b_adc by b_gain bits, each with an adder
//! ```

use crate::buffer::Buffer;
use crate::counts::Network;
use crate::design::{Design, Memory};
use crate::library::Values;

/// Area of one side (m²).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Cores with their converters and lasers; 0 for electronics.
    pub cores_m2: f64,
    /// Memory on the chip.
    pub memory_m2: f64,
    /// Digital logic.
    pub logic_m2: f64,
}

impl Area {
    /// The sum (m²).
    #[must_use]
    pub fn total_m2(&self) -> f64 {
        self.cores_m2 + self.memory_m2 + self.logic_m2
    }
}

/// Area of one core with its converters and its laser (m²). `drivers` is the share of its input ports with a converter and
/// a modulator of their own: 1, or less if cores share inputs.
#[must_use]
pub fn core_m2(design: &Design, values: &Values, drivers: f64) -> f64 {
    let port = drivers * (values.dac.area_m2 + values.modulator.area_m2)
        + values.amplifier.area_m2
        + values.adc.area_m2
        + 2.0 * values.detector.area_m2;
    design.core.cells as f64 * values.cell.area_m2
        + design.core.shifters as f64 * values.slow_dac.area_m2
        + design.core.ports as f64 * port
        + values.laser.area_m2
}

/// Values of all layers that are kept on the chip: two sets, one read and one written. A convolution keeps each pixel once,
/// however many of its vectors read the pixel.
pub(crate) fn activations(network: &Network) -> impl Iterator<Item = f64> {
    network.layers.iter().map(|layer| 2.0 * (layer.inputs() + layer.outputs()))
}

/// Area of the photonic side.
pub(crate) fn photonic(network: &Network, design: &Design, values: &Values, buffer: &Buffer, drivers: f64) -> Area {
    let cores = design.cores as f64;
    let tiles = network.counts().tiles as f64;
    let between = if buffer.memory == Memory::Dram { 0.0 } else { 8.0 * buffer.bytes };
    let weights = match design.weights {
        Memory::Sram => tiles * design.core.shifters as f64 * design.phase_bits,
        Memory::Dram => 0.0,
    };
    let bits = activations(network).sum::<f64>() * design.input_bits + between + weights;
    let units = cores * design.core.ports as f64 * design.symbol_rate_hz / values.logic.clock_hz;
    Area {
        cores_m2: cores * core_m2(design, values, drivers),
        memory_m2: bits * values.sram.m2_per_bit,
        logic_m2: values.logic_m2(units, design.adc_bits, design.gain_bits, design.sum_bits),
    }
}
