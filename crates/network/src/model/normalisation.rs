//! Normalisation of the input: `x = (raw·scale − mean) / std`, applied to the data or folded into the first layer.
//!
//! Folding uses `W x + b = W' (raw·scale) + b'` with `W' = W diag(1/std)` and `b' = b − W' mean`.

use std::path::Path;

use super::spec::{DEVIATION, InputSpec, NumberOrTensor, is_deviation};
use crate::data::{Batch, Inputs};
use crate::error::{NetworkError, Result};
use crate::layer::Linear;
use crate::weights::Tensors;

/// Largest magnitude of a prepared input. Products with weights, and their squares, stay in the range of a double.
const MAX_INPUT: f64 = 1e100;

/// Samples that are checked together. It bounds the memory.
const CHUNK: usize = 1024;

/// Scale, mean and standard deviation of each feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Normalisation {
    size: usize,
    scale: f64,
    mean: Values,
    std: Values,
    folded: bool,
}

/// One number for all features, or one for each.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    One(f64),
    Each(Vec<f64>),
}

impl Values {
    fn at(&self, feature: usize) -> f64 {
        match self {
            Self::One(value) => *value,
            Self::Each(values) => values[feature],
        }
    }
}

impl Normalisation {
    /// The normalisation of a checked input, whose numbers are finite.
    pub(super) fn new(input: &InputSpec, tensors: &Tensors) -> Result<Self> {
        let values = |key: &str, value: &NumberOrTensor| match value {
            NumberOrTensor::Number(number) => Ok::<_, NetworkError>(Values::One(*number)),
            NumberOrTensor::Tensor(name) => {
                Ok(Values::Each(tensors.expect(&format!("input.{key}"), name, &[input.features()])?.to_vec()))
            }
        };
        let (mean, std) = (values("mean", &input.mean)?, values("std", &input.std)?);
        if let Values::Each(values) = &std
            && let Some(at) = values.iter().position(|&std| !is_deviation(std))
        {
            let found = format!("{} at feature {at}", values[at]);
            return Err(NetworkError::setting(tensors.path(), "input.std", found, DEVIATION));
        }
        Ok(Self { size: input.features(), scale: input.scale, mean, std, folded: input.fold })
    }

    /// One prepared input.
    fn prepare(&self, feature: usize, raw: f64) -> f64 {
        if self.folded { raw * self.scale } else { (raw * self.scale - self.mean.at(feature)) / self.std.at(feature) }
    }

    /// Inputs of the first layer from raw inputs (both features × samples).
    pub(super) fn apply(&self, raw: &Batch) -> Batch {
        // Without the choice for each value, the loops become vector instructions.
        match (&self.mean, &self.std) {
            _ if self.folded => raw.map(|raw| raw * self.scale),
            (&Values::One(mean), &Values::One(std)) => raw.map(|raw| (raw * self.scale - mean) / std),
            _ => {
                let mut prepared = raw.clone();
                for mut sample in prepared.column_iter_mut() {
                    sample.iter_mut().enumerate().for_each(|(feature, x)| *x = self.prepare(feature, *x));
                }
                prepared
            }
        }
    }

    /// Checks that no prepared input of a file is so large that products overflow.
    pub(super) fn check(&self, path: &Path, raw: &Inputs) -> Result<()> {
        let fits = |prepared: &f64| prepared.abs() <= MAX_INPUT;
        for (first, batch) in raw.batches(CHUNK) {
            let prepared = self.apply(&batch);
            if prepared.iter().fold(true, |all, value| all & fits(value)) {
                continue;
            }
            let Some(at) = prepared.iter().position(|value| !fits(value)) else { continue };
            let place = format!("sample {}, feature {}", first + at / raw.features(), at % raw.features());
            let found = format!("{:e}, which is {:e} after the normalisation", batch[at], prepared[at]);
            let expected = format!(
                "at most {MAX_INPUT:e}, so that products do not overflow: correct the value, or `scale`, `mean` and `std` of \
                 the model"
            );
            return Err(NetworkError::format(path, "data", place, found, expected));
        }
        Ok(())
    }

    /// Folds mean and standard deviation into the first layer, if the model requests it.
    pub(super) fn fold_into(&self, linear: &mut Linear) {
        if !self.folded {
            return;
        }
        for (feature, mut column) in linear.weight.column_iter_mut().enumerate() {
            let std = self.std.at(feature);
            column.iter_mut().for_each(|w| *w /= std);
        }
        let bias = linear.bias.take().unwrap_or_else(|| vec![0.0; linear.weight.nrows()]);
        let shift = |row: usize| {
            linear.weight.row(row).iter().enumerate().map(|(feature, w)| w * self.mean.at(feature)).sum::<f64>()
        };
        linear.bias = Some(bias.iter().enumerate().map(|(row, b)| b - shift(row)).collect());
    }

    /// All numbers, for the hash of the model.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let folded = if self.folded { 1.0 } else { 0.0 };
        let all = |values| (0..self.size).map(move |feature| Values::at(values, feature));
        [self.scale, folded].into_iter().chain(all(&self.mean)).chain(all(&self.std))
    }
}
