use crate::error::ValidationError;
use phaseloom_hardware::correction::Interrupt;
use rayon::prelude::*;

/// Seed of every draw unless another is asked for.
pub const SEED: u64 = 20_261_123;

/// With which draws, and how many of them, the claims are recomputed.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Seed of all draws.
    pub seed: u64,
    /// Whether to leave out what takes minutes.
    pub quick: bool,
    /// Set when somebody wants to stop.
    pub interrupt: &'a Interrupt,
}

impl Setting<'_> {
    /// The number for a quick run or for a full one.
    #[must_use]
    pub fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Makes the draws 0…count−1 on all threads and returns them in their order, so that what is added up from them does
    /// not depend on the threads.
    ///
    /// # Errors
    ///
    /// [`ValidationError::Interrupted`], or what a draw failed with.
    pub fn draws<T: Send>(
        &self,
        count: u64,
        draw: impl Fn(u64) -> Result<T, ValidationError> + Sync,
    ) -> Result<Vec<T>, ValidationError> {
        (0..count)
            .into_par_iter()
            .map(|k| match self.interrupt.requested() {
                true => Err(ValidationError::Interrupted),
                false => draw(k),
            })
            .collect()
    }
}
