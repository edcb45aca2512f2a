//! The axis of classes in the outputs of a sample. Every other index is a position with a class of its own, such as a token
//! or a pixel.

use nalgebra::DMatrix;
use phaseloom_hardware::Batch;
use std::borrow::Cow;

/// The axis of classes: output `(outer·classes + class)·inner + inside` is that of a class at the position
/// `outer·inner_length + inside`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClassAxis {
    /// Number of classes.
    pub classes: usize,
    /// Positions of one sample.
    pub positions: usize,
    /// Product of the axes after that of the classes.
    inner: usize,
}

impl ClassAxis {
    /// An only axis.
    pub fn only(classes: usize) -> Self {
        Self { classes, positions: 1, inner: 1 }
    }

    /// The axis of outputs of a shape: the chosen one, negative from the end, or the only one that is longer than 1. `None`
    /// where several are.
    ///
    /// # Errors
    ///
    /// An axis that the outputs lack, or one of length 1, which has no classes.
    pub fn new(shape: &[usize], chosen: Option<i64>) -> Result<Option<Self>, i64> {
        let outputs: usize = shape.iter().product();
        let Some(chosen) = chosen else {
            let is_only = shape.iter().filter(|&&length| length != 1).count() <= 1;
            return Ok(is_only.then(|| Self::only(outputs)));
        };
        let axis = if chosen < 0 { chosen + shape.len() as i64 } else { chosen };
        let axis = usize::try_from(axis)
            .ok()
            .filter(|&axis| shape.get(axis).is_some_and(|&length| length > 1))
            .ok_or(chosen)?;
        let inner = shape[axis + 1..].iter().product();
        Ok(Some(Self { classes: shape[axis], positions: outputs / shape[axis], inner }))
    }

    /// Outputs (outputs × samples) as classes × (samples · positions), sample by sample.
    pub fn by_position<'a>(&self, outputs: &'a Batch) -> Cow<'a, Batch> {
        if self.positions == 1 {
            return Cow::Borrowed(outputs);
        }
        let at = |class: usize, column: usize| {
            let (sample, position) = (column / self.positions, column % self.positions);
            let (outer, inside) = (position / self.inner, position % self.inner);
            outputs[((outer * self.classes + class) * self.inner + inside, sample)]
        };
        Cow::Owned(DMatrix::from_fn(self.classes, outputs.ncols() * self.positions, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_long_axis_has_the_classes() {
        assert_eq!(ClassAxis::new(&[1, 10, 1], None), Ok(Some(ClassAxis::only(10))));
        assert_eq!(ClassAxis::new(&[1, 6, 3], None), Ok(None));
        assert_eq!(ClassAxis::new(&[1, 6, 3], Some(3)), Err(3));
        assert_eq!(ClassAxis::new(&[1, 6, 3], Some(-4)), Err(-4));
        assert_eq!(ClassAxis::new(&[1, 6, 3], Some(0)), Err(0));
    }

    #[test]
    fn positions_are_the_other_axes() {
        // Output i of a sample of shape 2 × 3 × 2 is i; of the second sample, 100 + i.
        let outputs = Batch::from_fn(12, 2, |i, sample| (i + 100 * sample) as f64);
        let axis = ClassAxis::new(&[2, 3, 2], Some(1)).unwrap().unwrap();
        let by_position = axis.by_position(&outputs);
        assert_eq!(by_position.shape(), (3, 8));
        assert_eq!(by_position.column(0).as_slice(), [0.0, 2.0, 4.0]);
        assert_eq!(by_position.column(3).as_slice(), [7.0, 9.0, 11.0]);
        assert_eq!(by_position.column(5).as_slice(), [101.0, 103.0, 105.0]);
        let last = ClassAxis::new(&[2, 3, 2], Some(-1)).unwrap().unwrap();
        assert_eq!(last.by_position(&outputs).column(5).as_slice(), [10.0, 11.0]);
    }
}
