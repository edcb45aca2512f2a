//! Measurements of one photonic layer in a forward pass: converter counts and the error of its products.

use phaseloom_hardware::ProductStatistics;

use crate::data::Batch;

/// Converter counts of one photonic layer, and the error of its products ŷ before the bias.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerMeasurement {
    /// Clipped values and photoelectrons.
    pub readouts: ProductStatistics,
    /// Σ y² over outputs and samples, with y = W x in floating point for the input x of the hardware.
    pub sum_squares_exact: f64,
    /// Σ (ŷ − y)² over outputs and samples.
    pub sum_squares_error: f64,
    /// Number of values in both sums.
    pub values: u64,
}

impl LayerMeasurement {
    /// Compares realised products with those in floating point, or with their moduli.
    ///
    /// # Panics
    ///
    /// If the shapes differ.
    pub(super) fn new(readouts: ProductStatistics, realised: &Batch, reference: &Batch, moduli: bool) -> Self {
        assert_eq!(realised.shape(), reference.shape(), "a product gave an output of another shape");
        let (sum_squares_exact, sum_squares_error) = sums_of_squares(realised, reference, moduli);
        Self { readouts, sum_squares_exact, sum_squares_error, values: reference.len() as u64 }
    }

    /// Adds the measurement of another batch. Sums of floats depend on the order of the batches.
    pub fn add(&mut self, other: &Self) {
        self.readouts.add(&other.readouts);
        self.sum_squares_exact += other.sum_squares_exact;
        self.sum_squares_error += other.sum_squares_error;
        self.values += other.values;
    }

    /// Effective bits of the readout, `log2(rms y / rms(ŷ − y))`.
    ///
    /// The result is infinite for exact products, and NaN if all products are zero or there are none.
    #[must_use]
    pub fn readout_bits(&self) -> f64 {
        0.5 * (self.sum_squares_exact / self.sum_squares_error).log2()
    }
}

/// Σb² and Σ(a − b)². If the products have no sign (`moduli`), |b| replaces b.
fn sums_of_squares(a: &Batch, b: &Batch, moduli: bool) -> (f64, f64) {
    // Eight independent sums, so that an addition does not wait for the previous one.
    let mut sums = [(0.0, 0.0); 8];
    for (a, b) in a.as_slice().chunks(sums.len()).zip(b.as_slice().chunks(sums.len())) {
        for ((a, &b), (exact, error)) in a.iter().zip(b).zip(&mut sums) {
            let b = if moduli { b.abs() } else { b };
            *exact += b * b;
            *error += (a - b) * (a - b);
        }
    }
    sums.iter().fold((0.0, 0.0), |all, sum| (all.0 + sum.0, all.1 + sum.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_quarter_is_two_bits() {
        let mut all = LayerMeasurement::default();
        assert!(all.readout_bits().is_nan());
        let one = LayerMeasurement { sum_squares_exact: 8.0, sum_squares_error: 0.5, values: 2, ..Default::default() };
        all.add(&one);
        all.add(&one);
        assert!((all.readout_bits() - 2.0).abs() < 1e-15);
        assert_eq!(all.values, 4);
        assert!(LayerMeasurement { sum_squares_error: 0.0, ..one }.readout_bits().is_infinite());
    }
}
