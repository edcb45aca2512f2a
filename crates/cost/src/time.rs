//! Period, latency and loads of one inference.
//!
//! ```text
//! load      t_prog = τ·(b_φ + 1)·ln 2       first-order response from anywhere in 2π to half a step of 2π/2^b
//! resident  enough cores for all tiles      period = max V/f (layers overlap)         latency = Σ(V/f + τ_layer)
//! shared    layer by layer, in passes       batch  = Σ passes·(t_prog + B·V/f) + Σ τ_layer = latency = B·period
//! double    half of the cores load          batch  = Σ passes·max(t_prog, B·V/f) + Σ τ_layer, passes of C/2 cores
//! τ_layer   SRAM + DAC + modulator + flight + amplifier + ADC + (⌈log₂Q⌉ + 3)/clock
//! ```
//!
//! The period is at least that of the requests, and at least the time of the bits from and to the memory outside: inputs and
//! outputs of the network, weights of loads, values between passes, each if it is kept there.

use crate::buffer::Buffer;
use crate::counts::Network;
use crate::design::{Design, Memory};
use crate::library::Values;
use phaseloom_hardware::LIGHT;

/// The reason why the rate of inferences is not higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// Shots of the cores.
    Cores,
    /// Loads of weights.
    Loads,
    /// Bits from and to the memory outside.
    Memory,
    /// The requests themselves.
    Requests,
}

/// Times of one inference.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Whether every tile has a core of its own.
    pub resident: bool,
    /// Cores that have power.
    pub powered_cores: usize,
    /// Cores that compute at once.
    pub computing_cores: usize,
    /// Time between two inferences (s).
    pub period_s: f64,
    /// Time from the first input to the last output, of a whole batch if the cores are shared (s).
    pub latency_s: f64,
    /// Time of one load (s).
    pub load_s: f64,
    /// Time of light through a core (s).
    pub flight_s: f64,
    /// Loads of a tile in one batch.
    pub loads: usize,
    /// Share of the time of the cores that each layer takes; the shares sum to 1.
    pub layer_shares: Vec<f64>,
    /// What limits the rate.
    pub limit: RateLimit,
}

impl Timing {
    /// Times of a network on a design.
    #[must_use]
    pub fn new(network: &Network, design: &Design, values: &Values) -> Self {
        let counts = design.counts(network);
        let tiles = counts.tiles;
        let rate = design.symbol_rate_hz;
        let load_s = load_s(design.shifter.device(values).settle_s, design.phase_bits);
        let flight_s = design.core.depth as f64 * values.cell.length_m * values.cell.group_index / LIGHT;
        let delays: Vec<f64> =
            network.layers.iter().map(|layer| delay_s(layer.summed_tiles(), flight_s, values)).collect();
        let (resident, computing_cores) = (design.is_resident(tiles), design.computing_cores(tiles));
        let (mut period_s, mut latency_s, mut limit, mut layer_shares): (_, _, _, Vec<f64>);
        if resident {
            let vectors = network.layers.iter().map(|layer| layer.vectors).max().unwrap_or(0);
            period_s = vectors as f64 / rate;
            latency_s =
                network.layers.iter().zip(&delays).map(|(layer, delay)| layer.vectors as f64 / rate + delay).sum();
            limit = RateLimit::Cores;
            layer_shares = network.layers.iter().map(|layer| layer.tiles.len() as f64).collect();
        } else {
            let (mut span, mut computing, mut loading) = (delays.iter().sum::<f64>(), 0.0, 0.0);
            layer_shares = Vec::new();
            for layer in &network.layers {
                let passes = layer.tiles.len().div_ceil(computing_cores) as f64;
                let shots_s = design.batch * layer.vectors as f64 / rate;
                let passes_s = passes * if design.double_buffer { load_s.max(shots_s) } else { load_s + shots_s };
                layer_shares.push(passes_s);
                span += passes_s;
                computing += passes * shots_s;
                loading += passes * load_s;
            }
            (period_s, latency_s) = (span / design.batch, span);
            limit = if loading > computing { RateLimit::Loads } else { RateLimit::Cores };
        }
        let loads = if resident { 0 } else { tiles };
        let outside = |memory: Memory, bits: f64| if memory == Memory::Dram { bits } else { 0.0 };
        let buffer = Buffer::new(network, design);
        let outside_bytes = (outside(design.io, counts.io_values * design.io_bits)
            + outside(design.weights, loads as f64 * design.core.shifters as f64 * design.phase_bits / design.batch)
            + outside(buffer.memory, buffer.moved_bits + (counts.drives + counts.outputs) * design.input_bits))
            / 8.0;
        let memory_s = design.dram_bytes_per_s.map(|rate| outside_bytes / rate);
        if let Some(memory_s) = memory_s {
            latency_s = latency_s.max(if resident { memory_s } else { design.batch * memory_s });
        }
        for (floor_s, cause) in
            [(memory_s, RateLimit::Memory), (design.request_rate_hz.map(f64::recip), RateLimit::Requests)]
        {
            if let Some(floor_s) = floor_s.filter(|floor_s| *floor_s > period_s) {
                (period_s, limit) = (floor_s, cause);
            }
        }
        let sum: f64 = layer_shares.iter().sum();
        layer_shares.iter_mut().for_each(|share| *share /= sum);
        let powered_cores = if resident { tiles } else { design.cores };
        Self {
            resident,
            powered_cores,
            computing_cores,
            period_s,
            latency_s,
            load_s,
            flight_s,
            loads,
            layer_shares,
            limit,
        }
    }
}

/// Time of one load (s): `τ·(bits + 1)·ln 2`.
#[must_use]
pub fn load_s(settle_s: f64, bits: f64) -> f64 {
    settle_s * (bits + 1.0) * std::f64::consts::LN_2
}

/// Time of one vector from the memory to the outputs of a layer whose outputs are sums over `summed` tiles (s).
fn delay_s(summed: usize, flight_s: f64, values: &Values) -> f64 {
    let parts = values.sram.latency_s + values.dac.latency_s + values.modulator.latency_s;
    let electronics = values.amplifier.latency_s + values.adc.latency_s;
    parts + flight_s + electronics + ((summed as f64).log2().ceil() + 3.0) / values.logic.clock_hz
}
