//! Random streams, one for each purpose: a draw depends on no other source, thread or shard.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

/// Names one stream of random numbers.
///
/// The seed of the stream is the SHA-256 of ("phaseloom/1", seed, purpose, trial, core, layer, tile, block): equal keys
/// give equal draws on every machine, in every order, on any number of threads.
///
/// ```
/// use phaseloom_numerics::{StreamKey, standard_normal};
/// let key = StreamKey::new(7, "splitter_error/fabricate").trial(3);
/// assert_eq!(standard_normal(&mut key.stream()), standard_normal(&mut key.stream()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKey<'a> {
    seed: u64,
    purpose: &'a str,
    numbers: [u64; 5],
}

impl<'a> StreamKey<'a> {
    /// The stream of a purpose ("source/stage") under a seed; trial, core, layer, tile and block are 0.
    #[must_use]
    pub fn new(seed: u64, purpose: &'a str) -> Self {
        Self { seed, purpose, numbers: [0; 5] }
    }

    /// The stream of one trial of a Monte Carlo simulation.
    #[must_use]
    pub fn trial(mut self, trial: u64) -> Self {
        self.numbers[0] = trial;
        self
    }

    /// The stream of one physical core.
    #[must_use]
    pub fn core(mut self, core: u64) -> Self {
        self.numbers[1] = core;
        self
    }

    /// The stream of one layer of a network.
    #[must_use]
    pub fn layer(mut self, layer: u64) -> Self {
        self.numbers[2] = layer;
        self
    }

    /// The stream of one tile of a layer.
    #[must_use]
    pub fn tile(mut self, tile: u64) -> Self {
        self.numbers[3] = tile;
        self
    }

    /// The stream of one block of samples.
    #[must_use]
    pub fn block(mut self, block: u64) -> Self {
        self.numbers[4] = block;
        self
    }

    /// The generator, at its start.
    #[must_use]
    pub fn stream(&self) -> ChaCha8Rng {
        let mut hash = Sha256::new();
        hash.update(b"phaseloom/1\0");
        hash.update(self.seed.to_le_bytes());
        hash.update((self.purpose.len() as u64).to_le_bytes());
        hash.update(self.purpose.as_bytes());
        for number in self.numbers {
            hash.update(number.to_le_bytes());
        }
        ChaCha8Rng::from_seed(hash.finalize().into())
    }
}

/// One deviate of N(0, 1). For more than a few, use [`NormalStream`](crate::NormalStream).
pub fn standard_normal(stream: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn every_part_of_the_key_selects_another_stream() {
        let key = StreamKey::new(1, "a");
        let keys = [
            key,
            StreamKey::new(2, "a"),
            StreamKey::new(1, "b"),
            key.trial(1),
            key.core(1),
            key.layer(1),
            key.tile(1),
            key.block(1),
        ];
        let firsts: Vec<u64> = keys.iter().map(|k| k.stream().next_u64()).collect();
        for i in 0..firsts.len() {
            assert!(!firsts[..i].contains(&firsts[i]));
        }
    }

    #[test]
    fn streams_are_pinned() {
        // A change of this number changes every result for a given seed: it needs an entry in the CHANGELOG.
        assert_eq!(StreamKey::new(1, "pin").trial(2).core(3).layer(4).tile(5).block(6).stream().next_u64(), PIN);
    }

    const PIN: u64 = 2_388_915_334_644_745_779;
}
