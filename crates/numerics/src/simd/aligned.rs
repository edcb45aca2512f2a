//! Memory aligned to cache lines. A register that crosses two lines costs two accesses.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest registers.
const LINE: usize = 64;

/// Numbers whose address is a multiple of 64 bytes.
#[derive(Debug)]
pub struct Aligned<T = f64> {
    values: Vec<T>,
    start: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Numbers at the start that alignment may have to skip.
    const SPARE: usize = LINE / size_of::<T>() - 1;

    /// `count` zeros, aligned.
    ///
    /// # Panics
    ///
    /// If their bytes exceed the address space.
    pub fn zeros(count: usize) -> Self {
        let values = vec![T::default(); count.saturating_add(Self::SPARE)];
        let start = values.as_ptr().align_offset(LINE).min(Self::SPARE);
        Self { values, start }
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    /// Copies the numbers into new memory, whose alignment is found again.
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.len());
        copy.copy_from_slice(self);
        copy
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
