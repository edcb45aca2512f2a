//! Memory that begins where a line of the cache does: a register that lay across two would take both.

use std::ops::{Deref, DerefMut};

/// Bytes of a line of the cache, and of the widest registers.
const LINE: usize = 64;

/// Numbers, a multiple of 64 bytes from the start of all memory.
#[derive(Debug)]
pub struct Aligned<T = f64> {
    values: Vec<T>,
    start: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Numbers that may have to be left out at the start.
    const SPARE: usize = LINE / size_of::<T>() - 1;

    /// `count` zeros, aligned.
    pub fn zeros(count: usize) -> Self {
        let values = vec![T::default(); count + Self::SPARE];
        let start = values.as_ptr().align_offset(LINE).min(Self::SPARE);
        Self { values, start }
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    /// Memory of its own, which may begin elsewhere.
    fn clone(&self) -> Self {
        let mut made = Self::zeros(self.len());
        made.copy_from_slice(self);
        made
    }
}

impl<T: Copy + Default> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[self.start..self.values.len() - (Self::SPARE - self.start)]
    }
}

impl<T: Copy + Default> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let end = self.values.len() - (Self::SPARE - self.start);
        &mut self.values[self.start..end]
    }
}
