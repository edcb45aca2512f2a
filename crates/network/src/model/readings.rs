//! What one photonic layer did in a forward pass, and how far its products were from the exact ones.

use phaseloom_hardware::Readings;

/// Readings of one photonic layer: converter counts, and the error of its products before the bias.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerReadings {
    /// Clipped values and photoelectrons.
    pub readings: Readings,
    /// Σ y² over outputs and samples, y = W x exact, for the same x that the hardware got.
    pub sum_squares_exact: f64,
    /// Σ (ŷ − y)² over outputs and samples.
    pub sum_squares_error: f64,
    /// Number of values in both sums.
    pub values: u64,
}

impl LayerReadings {
    /// Adds the readings of another batch. Add batches in a fixed order: sums of floats depend on it.
    pub fn add(&mut self, other: &Self) {
        self.readings.add(&other.readings);
        self.sum_squares_exact += other.sum_squares_exact;
        self.sum_squares_error += other.sum_squares_error;
        self.values += other.values;
    }

    /// `log2(rms y / rms(ŷ − y))`, the number of bits that the readout is worth; infinite for exact products, NaN if
    /// all products are zero or there are none.
    #[must_use]
    pub fn readout_bits(&self) -> f64 {
        0.5 * (self.sum_squares_exact / self.sum_squares_error).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_quarter_is_two_bits() {
        let mut all = LayerReadings::default();
        assert!(all.readout_bits().is_nan());
        let one = LayerReadings { sum_squares_exact: 8.0, sum_squares_error: 0.5, values: 2, ..Default::default() };
        all.add(&one);
        all.add(&one);
        assert!((all.readout_bits() - 2.0).abs() < 1e-15);
        assert_eq!(all.values, 4);
        assert!(LayerReadings { sum_squares_error: 0.0, ..one }.readout_bits().is_infinite());
    }
}
