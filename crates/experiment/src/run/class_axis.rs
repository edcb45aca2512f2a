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

    /// The axis of outputs of a shape: the chosen one, negative from the end, or the only one that is longer than 1; of several,
    /// the only one that leaves as many positions as have labels. `None` where several are left.
    ///
    /// # Errors
    ///
    /// An axis that the outputs lack, or one of length 1, which has no classes.
    pub fn new(shape: &[usize], chosen: Option<i64>, positions: Option<usize>) -> Result<Option<Self>, i64> {
        let outputs: usize = shape.iter().product();
        let Some(chosen) = chosen else {
            let is_only = shape.iter().filter(|&&length| length != 1).count() <= 1;
            if is_only && positions.is_none_or(|positions| positions == 1) {
                return Ok(Some(Self::only(outputs)));
            }
            let leaves = |axis: &usize| shape[*axis] > 1 && positions.is_some_and(|p| p * shape[*axis] == outputs);
            let mut fitting = (0..shape.len()).filter(leaves);
            return Ok(fitting.next().filter(|_| fitting.next().is_none()).map(|axis| Self::at(shape, axis)));
        };
        let axis = if chosen < 0 { chosen + shape.len() as i64 } else { chosen };
        let axis = usize::try_from(axis)
            .ok()
            .filter(|&axis| shape.get(axis).is_some_and(|&length| length > 1))
            .ok_or(chosen)?;
        Ok(Some(Self::at(shape, axis)))
    }

    fn at(shape: &[usize], axis: usize) -> Self {
        let (outputs, inner) = (shape.iter().product::<usize>(), shape[axis + 1..].iter().product());
        Self { classes: shape[axis], positions: outputs / shape[axis], inner }
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
        assert_eq!(ClassAxis::new(&[1, 10, 1], None, None), Ok(Some(ClassAxis::only(10))));
        assert_eq!(ClassAxis::new(&[1, 6, 3], None, None), Ok(None));
        assert_eq!(ClassAxis::new(&[1, 6, 3], Some(3), None), Err(3));
        assert_eq!(ClassAxis::new(&[1, 6, 3], Some(-4), None), Err(-4));
        assert_eq!(ClassAxis::new(&[1, 6, 3], Some(0), None), Err(0));
    }

    #[test]
    fn labels_of_positions_choose_the_axis() {
        let axis = |shape: &[usize], positions| ClassAxis::new(shape, None, Some(positions)).unwrap();
        assert_eq!(axis(&[1, 6, 3], 6), Some(ClassAxis { classes: 3, positions: 6, inner: 1 }));
        assert_eq!(axis(&[1, 6, 3], 3), Some(ClassAxis { classes: 6, positions: 3, inner: 3 }));
        assert_eq!(axis(&[5, 4, 4], 16), Some(ClassAxis { classes: 5, positions: 16, inner: 16 }));
        assert_eq!([axis(&[1, 3, 3], 3), axis(&[1, 6, 3], 5), axis(&[10], 2)], [None; 3]);
        assert_eq!(axis(&[1, 10], 1), Some(ClassAxis::only(10)));
    }

    #[test]
    fn positions_are_the_other_axes() {
        // Output i of a sample of shape 2 × 3 × 2 is i; of the second sample, 100 + i.
        let outputs = Batch::from_fn(12, 2, |i, sample| (i + 100 * sample) as f64);
        let axis = ClassAxis::new(&[2, 3, 2], Some(1), None).unwrap().unwrap();
        let by_position = axis.by_position(&outputs);
        assert_eq!(by_position.shape(), (3, 8));
        assert_eq!(by_position.column(0).as_slice(), [0.0, 2.0, 4.0]);
        assert_eq!(by_position.column(3).as_slice(), [7.0, 9.0, 11.0]);
        assert_eq!(by_position.column(5).as_slice(), [101.0, 103.0, 105.0]);
        let last = ClassAxis::new(&[2, 3, 2], Some(-1), None).unwrap().unwrap();
        assert_eq!(last.by_position(&outputs).column(5).as_slice(), [10.0, 11.0]);
    }
}
