//! Memory that begins where a line of the cache does: a register that lay across two would take both.

use std::ops::{Deref, DerefMut};

/// Bytes of a line of the cache, and of the widest registers.
const LINE: usize = 64;
/// Numbers that may have to be left out at the start.
const SPARE: usize = LINE / size_of::<f64>() - 1;

/// Numbers, a multiple of 64 bytes from the start of all memory.
#[derive(Debug)]
pub(crate) struct Aligned {
    values: Vec<f64>,
    start: usize,
}

impl Aligned {
    pub(crate) fn zeros(count: usize) -> Self {
        let values = vec![0.0; count + SPARE];
        let start = values.as_ptr().align_offset(LINE).min(SPARE);
        Self { values, start }
    }
}

impl Clone for Aligned {
    /// Memory of its own, which may begin elsewhere.
    fn clone(&self) -> Self {
        let mut made = Self::zeros(self.len());
        made.copy_from_slice(self);
        made
    }
}

impl Deref for Aligned {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.values[self.start..self.values.len() - (SPARE - self.start)]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f64] {
        let end = self.values.len() - (SPARE - self.start);
        &mut self.values[self.start..end]
    }
}
