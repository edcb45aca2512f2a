//! Normalisation of the input: `x = (raw·scale − mean) / std`, applied to the data or folded into the first layer.
//!
//! Folding uses `W x + b = W' (raw·scale) + b'` with `W' = W diag(1/std)` and `b' = b − W' mean`.

use super::spec::{InputSpec, NumberOrTensor};
use crate::data::Batch;
use crate::error::{NetworkError, Result};
use crate::layer::Linear;
use crate::weights::Tensors;

/// Scale, mean and standard deviation of each feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Normalisation {
    scale: f64,
    mean: Vec<f64>,
    std: Vec<f64>,
    folded: bool,
}

impl Normalisation {
    pub(super) fn new(input: &InputSpec, tensors: &Tensors) -> Result<Self> {
        let values = |key: &str, value: &NumberOrTensor| match value {
            NumberOrTensor::Number(number) => Ok::<_, NetworkError>(vec![*number; input.size]),
            NumberOrTensor::Tensor(name) => Ok(tensors.expect(&format!("input.{key}"), name, &[input.size])?.to_vec()),
        };
        let (mean, std) = (values("mean", &input.mean)?, values("std", &input.std)?);
        let invalid = |key: &str, value: f64, feature: usize, expected: &str| {
            let found = format!("{value} at feature {feature}");
            NetworkError::setting(tensors.path(), format!("input.{key}"), found, expected)
        };
        if let Some(at) = mean.iter().position(|m| !m.is_finite()) {
            return Err(invalid("mean", mean[at], at, "a finite number"));
        }
        if let Some(at) = std.iter().position(|s| !(s.is_normal() && *s > 0.0)) {
            return Err(invalid(
                "std",
                std[at],
                at,
                "a finite number above 0; write 1 for a feature that never changes",
            ));
        }
        Ok(Self { scale: input.scale, mean, std, folded: input.fold })
    }

    /// Inputs of the first layer from raw inputs (both features × samples).
    pub(super) fn apply(&self, raw: &Batch) -> Batch {
        let mut out = raw.clone();
        for mut column in out.column_iter_mut() {
            if self.folded {
                column.iter_mut().for_each(|x| *x *= self.scale);
            } else {
                for ((x, mean), std) in column.iter_mut().zip(&self.mean).zip(&self.std) {
                    *x = (*x * self.scale - mean) / std;
                }
            }
        }
        out
    }

    /// Folds mean and standard deviation into the first layer, if the model requests it.
    pub(super) fn fold_into(&self, linear: &mut Linear) {
        if !self.folded {
            return;
        }
        for (mut column, std) in linear.weight.column_iter_mut().zip(&self.std) {
            column.iter_mut().for_each(|w| *w /= std);
        }
        let bias = linear.bias.take().unwrap_or_else(|| vec![0.0; linear.weight.nrows()]);
        let shift = |row: usize| linear.weight.row(row).iter().zip(&self.mean).map(|(w, m)| w * m).sum::<f64>();
        linear.bias = Some(bias.iter().enumerate().map(|(row, b)| b - shift(row)).collect());
    }

    /// All numbers, for the hash of the model.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let folded = if self.folded { 1.0 } else { 0.0 };
        [self.scale, folded].into_iter().chain(self.mean.iter().copied()).chain(self.std.iter().copied())
    }
}
