//! Cost of the same network on digital arrays of the same precision, with the same memories.
//!
//! The weights stay in an array of a×a multipliers. A layer has a matrix M×N and V vectors, weights and inputs have b
//! bits:
//!
//! ```text
//! mac            M·N·V·[E×(b, b) + E₊]              post       M·V·[2·E₊ + E×(b_sum, 8)]
//! sram           V·(N·⌈M/a⌉ + M)·b·E                registers  V·M·(⌈N/a⌉ − 1)·2·b_sum·E
//! weights        M·N·b·E/batch                      io         values·b_io·E
//! mac_registers  M·N·V·2·(b_sum + b)·E              idle       share·(idle multipliers)·[E×(b, b) + E₊]
//! ```
//!
//! A systolic array writes and reads a partial sum and an input at each multiplier (`mac_registers`). An adder tree
//! does not.

use crate::area::{Area, activations};
use crate::counts::Network;
use crate::design::Memory;
use crate::energy::{self, Energy};
use crate::error::CostError;
use crate::library::Values;
use phaseloom_files::{InvalidValue, at_least, between, positive};

/// How an array sums its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayKind {
    /// Partial sums and inputs move from multiplier to multiplier. Latency of a layer: V + 2a cycles.
    Systolic,
    /// An adder tree sums the products of an output. Latency of a layer: V + ⌈log₂N⌉ + 3 cycles, and one memory access.
    Tree,
}

/// Digital arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct DigitalDesign {
    /// How products are summed.
    pub kind: ArrayKind,
    /// Rows and columns of an array, a.
    pub size: usize,
    /// Bits of weights and inputs of each layer, which may be fractions: [`EqualBits`](super::equal_bits::EqualBits).
    pub bits: Vec<f64>,
    /// Inputs per load of the weights; `None`: the weights stay.
    pub batch: Option<f64>,
    /// Bits of a sum.
    pub sum_bits: f64,
    /// Bits of a value from and to the memory outside.
    pub io_bits: f64,
    /// Memory of the weights.
    pub weights: Memory,
    /// Memory of the inputs of the network and of its outputs.
    pub io: Memory,
}

impl DigitalDesign {
    /// Arrays of 64×64 multipliers whose weights stay.
    #[must_use]
    pub fn new(kind: ArrayKind, bits: Vec<f64>) -> Self {
        let (weights, io) = (Memory::Sram, Memory::Dram);
        Self { kind, size: 64, bits, batch: None, sum_bits: 24.0, io_bits: 8.0, weights, io }
    }

    fn check(&self, network: &Network) -> Result<(), InvalidValue> {
        if self.size == 0 {
            return Err(InvalidValue::new("digital.size", 0, "at least 1"));
        }
        if self.bits.len() != network.layers.len() {
            let expected = format!("{}, one for each photonic layer", network.layers.len());
            return Err(InvalidValue::new("digital.bits", format!("a list of {}", self.bits.len()), expected));
        }
        self.batch.map_or(Ok(()), |batch| at_least("digital.batch", batch, 1.0))?;
        let others = [("digital.sum_bits", self.sum_bits), ("digital.io_bits", self.io_bits)];
        let all = self.bits.iter().map(|&bits| ("digital.bits", bits)).chain(others);
        all.into_iter().try_for_each(|(key, bits)| between(key, bits, 1.0, 64.0))
    }
}

/// Cost of one inference on digital arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct DigitalCost {
    /// Energy, part by part.
    pub energy: Energy,
    /// Energy of products and sums alone, without memory (J).
    pub bare_j: f64,
    /// Multiply-accumulates.
    pub macs: f64,
    /// Time from the first input to the last output (s).
    pub latency_s: f64,
    /// Area of as many arrays as the rate and the weights need.
    pub area: Area,
}

impl DigitalCost {
    /// Cost of a network on arrays that compute one inference a `period_s`.
    ///
    /// # Errors
    ///
    /// [`CostError::Invalid`] for an impossible value.
    pub fn new(network: &Network, design: &DigitalDesign, values: &Values, period_s: f64) -> Result<Self, CostError> {
        network.check()?;
        design.check(network)?;
        positive("period_s", period_s)?;
        let clock_hz = values.logic.clock_hz;
        let (size, sum_bits) = (design.size, design.sum_bits);
        let [mut mac, mut post, mut sram, mut registers, mut weight_bits] = [0.0; 5];
        let [mut mac_register_bits, mut idle, mut macs, mut latency_s, mut memory_bits, mut logic_m2] = [0.0; 6];
        for ((layer, &b), activations) in network.layers.iter().zip(&design.bits).zip(activations(network)) {
            let (rows, columns, vectors) = (layer.rows as f64, layer.columns as f64, layer.vectors as f64);
            let (row_blocks, column_blocks) = (layer.rows.div_ceil(size), layer.columns.div_ceil(size));
            let one_mac = values.multiply_j(b, b) + values.add_j(sum_bits);
            macs += layer.macs();
            mac += layer.macs() * one_mac;
            post += layer.outputs() * (2.0 * values.add_j(sum_bits) + values.multiply_j(sum_bits, 8.0));
            sram += vectors * (columns * row_blocks as f64 + rows) * b * values.sram.j_per_bit;
            registers += layer.outputs() * (column_blocks - 1) as f64 * 2.0 * sum_bits * values.register.j_per_bit;
            weight_bits += rows * columns * b;
            mac_register_bits += layer.macs() * 2.0 * (sum_bits + b);
            // Multipliers of the arrays that hold the layer.
            let multipliers = row_blocks as f64 * column_blocks as f64 * (size as f64).powi(2);
            // Arrays whose weights stay wait for the next inference if it comes late. Others compute something else
            // meanwhile.
            let cycles = if design.batch.is_none() { vectors.max(period_s * clock_hz) } else { vectors };
            idle += (multipliers * cycles - layer.macs()) * one_mac;
            latency_s += match design.kind {
                ArrayKind::Systolic => (vectors + 2.0 * size as f64) / clock_hz,
                ArrayKind::Tree => (vectors + columns.log2().ceil() + 3.0) / clock_hz + values.sram.latency_s,
            };
            memory_bits += activations * b;
            let needed = (multipliers * vectors / (period_s * clock_hz)).max(multipliers);
            logic_m2 += values.logic_m2(needed, b, b, sum_bits);
        }
        if design.weights == Memory::Sram {
            memory_bits += weight_bits;
        }
        let loads = design.batch.map_or(0.0, f64::recip);
        let mac_registers = match design.kind {
            ArrayKind::Systolic => mac_register_bits * values.register.j_per_bit,
            ArrayKind::Tree => 0.0,
        };
        let mut energy = Energy::new([
            ("mac", mac),
            ("mac_registers", mac_registers),
            ("post", post),
            ("sram", sram),
            ("registers", registers),
            ("weights", weight_bits * design.weights.j_per_bit(values) * loads),
            ("io", network.io_values() * design.io_bits * design.io.j_per_bit(values)),
            ("idle", values.converters.idle * idle),
        ]);
        energy.add("electronic", energy::electronic(network, values, sum_bits));
        let area = Area { cores_m2: 0.0, memory_m2: memory_bits * values.sram.m2_per_bit, logic_m2 };
        Ok(Self { energy, bare_j: mac, macs, latency_s, area })
    }

    /// Energy of one inference (J).
    #[must_use]
    pub fn joule(&self) -> f64 {
        self.energy.total_j()
    }
}
