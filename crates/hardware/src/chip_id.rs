//! Identity of a chip, from which its random numbers follow.

use phaseloom_files::usage;
use phaseloom_numerics::StreamKey;

/// Identity of a chip: the random streams from which its errors are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChipId {
    /// Seed of the run.
    pub seed: u64,
    /// Trial of the Monte Carlo simulation.
    pub trial: u64,
    /// Core within the trial.
    pub core: u64,
}

impl ChipId {
    /// The random stream of a purpose for this chip.
    #[must_use]
    pub fn stream<'a>(&self, purpose: &'a str) -> StreamKey<'a> {
        usage::mark("seed");
        usage::mark("trials");
        StreamKey::new(self.seed, purpose).trial(self.trial).core(self.core)
    }
}
