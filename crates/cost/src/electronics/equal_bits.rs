//! Digital bits of the same precision as a photonic layer, from a measured table.
//!
//! The table holds the readout bits of products of b-bit weights and b-bit inputs with exact sums, for some b, on the
//! samples of the photonic row. Bits between two rows are interpolated, because energies are smooth in them. Beyond the last
//! row each bit adds one: the steps of a quantiser halve, and its error with them.

use phaseloom_files::InvalidValue;

/// Readout bits of digital products, for increasing bits.
#[derive(Clone, Debug, PartialEq)]
pub struct EqualBits {
    rows: Vec<(f64, f64)>,
}

impl EqualBits {
    /// A table of (bits of weights and inputs, readout bits).
    ///
    /// # Errors
    ///
    /// Fewer than two rows, or rows in which one of the two does not increase.
    pub fn new(rows: Vec<(f64, f64)>) -> Result<Self, InvalidValue> {
        let increasing = rows.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        if rows.len() < 2 || !increasing {
            let found = format!("{rows:?}");
            return Err(InvalidValue::new("readout bits of digital products", found, "two or more rows that increase"));
        }
        Ok(Self { rows })
    }

    /// The bits whose product has these readout bits; `None` below the table, where electronics of the first bits would
    /// be too good, and their energy too high.
    #[must_use]
    pub fn bits(&self, readout_bits: f64) -> Option<f64> {
        if readout_bits.is_nan() || readout_bits < self.min_readout_bits() {
            return None;
        }
        if readout_bits > self.max_readout_bits() {
            return Some(self.rows[self.rows.len() - 1].0 + readout_bits - self.max_readout_bits());
        }
        let pair = self.rows.windows(2).find(|pair| readout_bits <= pair[1].1)?;
        let [(low, low_bits), (high, high_bits)] = [pair[0], pair[1]];
        Some(low + (high - low) * (readout_bits - low_bits) / (high_bits - low_bits))
    }

    /// The readout bits at the start of the table.
    #[must_use]
    pub fn min_readout_bits(&self) -> f64 {
        self.rows[0].1
    }

    /// The readout bits at the end of the table.
    #[must_use]
    pub fn max_readout_bits(&self) -> f64 {
        self.rows[self.rows.len() - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_interpolated() {
        let rows = [(4.0, 3.30), (5.0, 4.43), (6.0, 5.51), (7.0, 6.43), (8.0, 7.55)];
        let table = EqualBits::new(rows.to_vec()).unwrap();
        assert!((table.bits(3.5).unwrap() - (4.0 + 0.2 / 1.13)).abs() < 1e-12);
        assert_eq!([3.2, 3.3, 7.55].map(|readout| table.bits(readout)), [None, Some(4.0), Some(8.0)]);
        assert!((table.bits(9.05).unwrap() - 9.5).abs() < 1e-12);
        assert!(EqualBits::new(vec![(4.0, 3.0), (5.0, 3.0)]).is_err());
    }
}
