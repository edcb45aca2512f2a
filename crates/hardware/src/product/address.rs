//! Addresses of random numbers: the layer whose chips are fabricated, and the noise of a block of its samples.

use crate::chip::ChipId;
use phaseloom_files::usage;
use phaseloom_numerics::StreamKey;

/// Address of a layer in a Monte Carlo run.
#[derive(Clone, Copy, Debug)]
pub struct LayerAddress {
    /// Seed of the run.
    pub seed: u64,
    /// Trial.
    pub trial: u64,
    /// Index of the photonic layer.
    pub layer: u64,
    /// Index of the first core of the layer, if each tile has its own core.
    pub first_core: u64,
}

impl LayerAddress {
    /// The chip of a tile that has its own core. Indices of cores count modulo 2⁶⁴.
    #[must_use]
    pub fn chip(&self, tile: usize) -> ChipId {
        ChipId { seed: self.seed, trial: self.trial, core: self.first_core.wrapping_add(tile as u64) }
    }
}

/// Address of the noise of one tile in one block of samples.
#[derive(Clone, Copy)]
pub(super) struct NoiseAddress {
    pub chip: ChipId,
    pub layer: u64,
    pub tile: usize,
    pub block: u64,
    /// Repetition of all samples on the same chip.
    pub repetition: u64,
}

impl NoiseAddress {
    /// Opens the stream of a purpose. Each repetition has its own.
    pub(super) fn open<S>(&self, purpose: &str, open: impl Fn(&StreamKey<'_>) -> S) -> S {
        let repeated = if self.repetition == 0 { purpose.to_owned() } else { format!("{purpose}/{}", self.repetition) };
        usage::mark("shots");
        open(&self.chip.stream(&repeated).layer(self.layer).tile(self.tile as u64).block(self.block))
    }
}
