//! Real numbers in the narrowest type that holds all of them exactly.

use std::ops::Range;

/// Real numbers as bytes, or as floats of 32 or 64 bits: the narrowest of the three that holds all of them exactly.
///
/// Images are bytes in their files. As doubles they would take eight times the memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Reals {
    /// Whole numbers from 0 to 255.
    Bytes(Vec<u8>),
    /// Floats of 32 bits.
    Single(Vec<f32>),
    /// Floats of 64 bits.
    Double(Vec<f64>),
}

/// Computes an expression with the vector of any variant.
macro_rules! each {
    ($reals:expr, $values:ident => $result:expr) => {
        match $reals {
            Reals::Bytes($values) => $result,
            Reals::Single($values) => $result,
            Reals::Double($values) => $result,
        }
    };
}

impl Default for Reals {
    fn default() -> Self {
        Self::Bytes(Vec::new())
    }
}

impl Reals {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(self, values => values.len())
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A value by its index.
    ///
    /// # Panics
    ///
    /// If there are not as many values.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        each!(self, values => double(values[index]))
    }

    /// Index of the first value that is NaN or infinite.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<usize> {
        each!(self, values => values.iter().position(|&value| !double(value).is_finite()))
    }

    /// Adds a value, and widens all values if their type does not hold it.
    pub fn push(&mut self, value: f64) {
        match self {
            Self::Bytes(values) if is_byte(value) => values.push(value as u8),
            Self::Single(values) if is_single(value) => values.push(value as f32),
            Self::Double(values) => values.push(value),
            Self::Bytes(values) if is_single(value) => {
                let wide = widened(values, |&byte| f32::from(byte));
                *self = Self::Single(wide);
                self.push(value);
            }
            Self::Bytes(_) | Self::Single(_) => {
                let wide = each!(self, values => widened(values, |&narrow| double(narrow)));
                *self = Self::Double(wide);
                self.push(value);
            }
        }
    }

    /// The values as doubles.
    #[must_use]
    pub fn into_doubles(self) -> Vec<f64> {
        match self {
            Self::Double(values) => values,
            narrow => {
                let mut doubles = Vec::with_capacity(narrow.len());
                narrow.append_to(&mut doubles, 0..narrow.len());
                doubles
            }
        }
    }

    /// Appends the values of a range to doubles.
    ///
    /// # Panics
    ///
    /// If the range is not in the values.
    pub fn append_to(&self, doubles: &mut Vec<f64>, range: Range<usize>) {
        each!(self, values => doubles.extend(values[range].iter().map(|&value| double(value))));
    }

    /// The values of ranges, one after another, in the same type.
    ///
    /// # Panics
    ///
    /// If a range is not in the values.
    #[must_use]
    pub fn select(&self, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        match self {
            Self::Bytes(values) => Self::Bytes(gathered(values, ranges)),
            Self::Single(values) => Self::Single(gathered(values, ranges)),
            Self::Double(values) => Self::Double(gathered(values, ranges)),
        }
    }
}

impl FromIterator<f64> for Reals {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let values = values.into_iter();
        let mut reals = Self::Bytes(Vec::with_capacity(values.size_hint().0));
        values.for_each(|value| reals.push(value));
        reals
    }
}

fn double<T: Into<f64>>(value: T) -> f64 {
    value.into()
}

/// Whether a byte holds a value. −0 is no byte.
fn is_byte(value: f64) -> bool {
    f64::from(value as u8).to_bits() == value.to_bits()
}

/// Whether a float of 32 bits holds a value.
fn is_single(value: f64) -> bool {
    f64::from(value as f32).to_bits() == value.to_bits()
}

/// Values of another type, with room for as many as before.
fn widened<T, W>(values: &Vec<T>, wide: impl Fn(&T) -> W) -> Vec<W> {
    let mut widened = Vec::with_capacity(values.capacity());
    widened.extend(values.iter().map(wide));
    widened
}

fn gathered<T: Copy>(values: &[T], ranges: impl Iterator<Item = Range<usize>>) -> Vec<T> {
    let mut gathered = Vec::new();
    ranges.for_each(|range| gathered.extend_from_slice(&values[range]));
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits, because −0 and 0 are equal.
    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn the_type_is_the_narrowest_that_holds_every_value() {
        let third = 1.0 / 3.0;
        let cases: [(&[f64], usize); 8] = [
            (&[0.0, 255.0, 7.0], 1),
            (&[1.0, 256.0], 4),
            (&[1.0, -0.0], 4),
            (&[3.0, 0.5, -1e30_f32 as f64], 4),
            (&[1.0, third], 8),
            (&[0.5, third, 2.0], 8),
            (&[1.0, 1e300], 8),
            (&[2.0, f64::NEG_INFINITY], 4),
        ];
        for (values, width) in cases {
            let reals: Reals = values.iter().copied().collect();
            let found = match &reals {
                Reals::Bytes(_) => 1,
                Reals::Single(_) => 4,
                Reals::Double(_) => 8,
            };
            assert_eq!(found, width, "{values:?}");
            assert_eq!(bits(&reals.clone().into_doubles()), bits(values));
            assert_eq!(reals.at(1).to_bits(), values[1].to_bits());
            assert_eq!(reals.first_not_finite(), values.iter().position(|value| !value.is_finite()));
        }
    }

    #[test]
    fn ranges_are_taken_in_the_requested_order() {
        for scale in [1.0, 0.5, 0.1] {
            let reals: Reals = (0..6).map(|i| scale * f64::from(i)).collect();
            let chosen = reals.select([4..6, 0..2].into_iter());
            let mut part = vec![9.0];
            chosen.append_to(&mut part, 1..3);
            assert_eq!(bits(&part), bits(&[9.0, 5.0 * scale, 0.0]));
            assert_eq!((chosen.len(), Reals::default().is_empty()), (4, true));
        }
    }
}
