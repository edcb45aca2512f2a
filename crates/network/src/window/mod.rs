//! The windows of a kernel: the values that it covers at each position, for convolutions as matrix products (im2col) and
//! for pooling.
//!
//! ```text
//! column[c·taps + k] at position p = x[channels[c] + offsets[p·taps + k]]      (0 in the padding)
//! ```
//!
//! All offsets are into the row-major tensor of one sample. The last axis is the fastest, in kernels and positions.

pub(crate) mod geometry;

use crate::data::Batch;

/// Offset of a tap in the padding.
pub const PADDING: u32 = u32::MAX;

/// An axis along which a kernel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAxis {
    /// Number of values. Range: ≥ 1.
    pub length: usize,
    /// Distance of neighbours in the tensor.
    pub distance: usize,
    /// Number of taps. Range: ≥ 1.
    pub kernel: usize,
    /// Values from one position to the next. Range: ≥ 1.
    pub stride: usize,
    /// Values from one tap to the next. Range: ≥ 1.
    pub dilation: usize,
    /// Number of zeros before the first value.
    pub before: usize,
    /// Number of positions.
    pub positions: usize,
}

impl WindowAxis {
    /// Place of a tap at a position, or `None` in the padding.
    fn place(&self, position: usize, tap: usize) -> Option<usize> {
        let padded = position * self.stride + tap * self.dilation;
        padded.checked_sub(self.before).filter(|&place| place < self.length)
    }
}

/// The offsets of all values under a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Offset of each channel.
    channels: Vec<usize>,
    /// Number of taps of the kernel.
    taps: usize,
    /// Offset of each tap of each position, position by position.
    offsets: Vec<u32>,
}

impl Windows {
    /// The windows of a kernel that moves along some axes of a tensor, whose channels are at `channels`.
    ///
    /// # Panics
    ///
    /// If an offset reaches [`PADDING`].
    #[must_use]
    pub fn new(channels: Vec<usize>, axes: &[WindowAxis]) -> Self {
        let taps: usize = axes.iter().map(|axis| axis.kernel).product();
        let positions: usize = axes.iter().map(|axis| axis.positions).product();
        let mut offsets = Vec::with_capacity(positions * taps);
        for position in 0..positions {
            for tap in 0..taps {
                let (mut position, mut tap, mut offset) = (position, tap, Some(0));
                for axis in axes.iter().rev() {
                    let place = axis.place(position % axis.positions, tap % axis.kernel);
                    offset = offset.zip(place).map(|(offset, place)| offset + place * axis.distance);
                    (position, tap) = (position / axis.positions, tap / axis.kernel);
                }
                offsets.push(offset.map_or(PADDING, |offset| offset as u32));
                assert!(offset.is_none_or(|offset| offset < PADDING as usize), "an offset of more than 32 bits");
            }
        }
        Self { channels, taps, offsets }
    }

    /// Windows of one tap each, at the offsets of their positions: the rows of a matrix product.
    #[must_use]
    pub fn with_one_tap(channels: Vec<usize>, offsets: Vec<u32>) -> Self {
        Self { channels, taps: 1, offsets }
    }

    /// Number of values under the kernel: channels × taps.
    #[must_use]
    pub fn size(&self) -> usize {
        self.channels.len() * self.taps
    }

    /// Number of positions.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.offsets.len() / self.taps
    }

    /// Offset of each channel.
    #[must_use]
    pub fn channels(&self) -> &[usize] {
        &self.channels
    }

    /// Offsets of the taps of each position. [`PADDING`] is none.
    pub fn offsets_by_position(&self) -> impl Iterator<Item = &[u32]> {
        self.offsets.chunks_exact(self.taps)
    }

    /// The values under the kernel at a position. Those of the padding stay as they are.
    ///
    /// # Panics
    ///
    /// If there is no such position, `column` has not as many values as are under the kernel, or the sample is too short.
    pub fn gather<T: Copy + Into<f64>>(&self, sample: &[T], position: usize, column: &mut [f64]) {
        assert_eq!(column.len(), self.size(), "a column of all values under the kernel");
        let offsets = &self.offsets[position * self.taps..][..self.taps];
        for (&channel, values) in self.channels.iter().zip(column.chunks_exact_mut(self.taps)) {
            for (&offset, value) in offsets.iter().zip(values) {
                if offset != PADDING {
                    *value = sample[channel + offset as usize].into();
                }
            }
        }
    }

    /// The columns of samples (features × samples): size × (samples · positions).
    ///
    /// # Panics
    ///
    /// If a sample is too short.
    #[must_use]
    pub fn columns(&self, samples: &Batch) -> Batch {
        let positions = self.positions();
        let mut columns = Batch::zeros(self.size(), samples.ncols() * positions);
        for (vector, column) in columns.as_mut_slice().chunks_exact_mut(self.size()).enumerate() {
            self.gather(samples.column(vector / positions).as_slice(), vector % positions, column);
        }
        columns
    }

    /// Adds columns back to the values of the sample that they are from: the transposed map of [`Windows::gather`].
    ///
    /// # Panics
    ///
    /// If `columns` has not size × positions values, or the sample is too short.
    pub fn scatter(&self, columns: &[f64], sample: &mut [f64]) {
        assert_eq!(columns.len(), self.size() * self.positions(), "columns of all positions");
        for (offsets, column) in self.offsets_by_position().zip(columns.chunks_exact(self.size())) {
            for (&channel, values) in self.channels.iter().zip(column.chunks_exact(self.taps)) {
                for (&offset, value) in offsets.iter().zip(values) {
                    if offset != PADDING {
                        sample[channel + offset as usize] += value;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of 2 × 3 values under a kernel of 1 × 2 with a zero on the left.
    fn windows() -> Windows {
        let axis = |length, distance, kernel, before, positions| WindowAxis {
            length,
            distance,
            kernel,
            stride: 1,
            dilation: 1,
            before,
            positions,
        };
        Windows::new(vec![0, 6], &[axis(2, 3, 1, 0, 2), axis(3, 1, 2, 1, 3)])
    }

    #[test]
    fn columns_hold_channels_then_taps() {
        let windows = windows();
        assert_eq!((windows.size(), windows.positions()), (4, 6));
        let columns = windows.columns(&Batch::from_fn(12, 1, |feature, _| feature as f64 + 1.0));
        assert_eq!(columns.column(0).as_slice(), [0.0, 1.0, 0.0, 7.0]);
        assert_eq!(columns.column(5).as_slice(), [5.0, 6.0, 11.0, 12.0]);
    }

    #[test]
    fn scatter_is_the_transpose_of_gather() {
        let windows = windows();
        let value = |k: usize| ((k * 37 + 11) as f64).sin();
        let sample = Batch::from_fn(12, 1, |feature, _| value(feature));
        let columns = Batch::from_fn(4, 6, |r, c| value(100 + 4 * c + r));
        let mut back = Batch::zeros(12, 1);
        windows.scatter(columns.as_slice(), back.as_mut_slice());
        let (left, right) = (windows.columns(&sample).dot(&columns), sample.dot(&back));
        assert!((left - right).abs() < 1e-13, "{left} {right}");
    }
}
