//! Values that wait between the passes of shared cores.
//!
//! All B·V vectors of a layer go through one set of tiles before the next set is loaded. Partial sums of the row blocks
//! that span two sets, the inputs of the layer and its outputs wait meanwhile.

use crate::counts::Network;
use crate::design::{Design, Memory};

/// Values between passes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Buffer {
    /// Maximum number of bytes that wait at once, for a whole batch.
    pub bytes: f64,
    /// Part of partial sums alone, in the layer that has most of them.
    pub partial_sum_bytes: f64,
    /// Bits that one inference writes and reads between passes.
    pub moved_bits: f64,
    /// Bits of partial sums that go through this memory in place of registers.
    pub partial_sum_bits: f64,
    /// Where they wait.
    pub memory: Memory,
}

impl Buffer {
    /// The buffer of a network on a design; empty for resident cores.
    #[must_use]
    pub fn new(network: &Network, design: &Design) -> Self {
        let mut buffer = Self::default();
        let tiles = network.counts().tiles;
        if design.is_resident(tiles) {
            return buffer;
        }
        let cores = design.computing_cores(tiles);
        let last = network.layers.len() - 1;
        for (index, layer) in network.layers.iter().enumerate() {
            let vectors = layer.vectors as f64;
            let sums = layer.partial_sums(cores);
            // The first inputs need not stay if one pass uses them all.
            let once = index == 0 && layer.tiles.len() <= cores;
            let kept = if once { 0.0 } else { layer.inputs() };
            // The last outputs go out.
            let outputs = if index < last { layer.outputs() } else { 0.0 };
            let waiting_bits = sums.waiting as f64 * vectors * design.sum_bits;
            let bits = design.batch * (waiting_bits + (kept + outputs) * design.input_bits);
            buffer.bytes = buffer.bytes.max(bits / 8.0);
            buffer.partial_sum_bytes = buffer.partial_sum_bytes.max(design.batch * waiting_bits / 8.0);
            let sum_bits = sums.crossings as f64 * vectors * 2.0 * design.sum_bits;
            buffer.partial_sum_bits += sum_bits;
            // Inputs of later layers were written as outputs.
            buffer.moved_bits += sum_bits + if index == 0 { kept * design.input_bits } else { 0.0 };
        }
        if design.sram_bytes.is_some_and(|capacity| buffer.bytes > capacity) {
            buffer.memory = Memory::Dram;
        }
        buffer
    }
}
