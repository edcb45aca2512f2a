//! The setting of a validation: seed, number of draws, interruption.

use crate::error::ValidationError;
use phaseloom_hardware::correction::Interrupt;
use rayon::prelude::*;

/// The default seed of all draws.
pub const SEED: u64 = 20_261_123;

/// The seed and the size of a validation.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Seed of all draws.
    pub seed: u64,
    /// Whether to omit rows that take minutes, and to make fewer draws.
    pub quick: bool,
    /// Set to stop the validation.
    pub interrupt: &'a Interrupt,
}

impl Setting<'_> {
    /// The first value for a quick run, the second for a full one.
    #[must_use]
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Computes the draws 0…count−1 on all threads and returns them in order, so that sums do not depend on the threads.
    ///
    /// # Errors
    ///
    /// [`ValidationError::Interrupted`], or the error of a draw.
    pub(crate) fn draws<T: Send>(
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
