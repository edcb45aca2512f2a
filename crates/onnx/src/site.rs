//! A site: the matrix product of an operator with constant weights, for one sample.
//!
//! ```text
//! column[(c·taps + k), p] = x[channels[c] + taps[p, k]]      (0 in the padding)
//! y[rows[r] + positions[p]] = (W column)[r, p] + bias[r]
//! ```
//!
//! `c` counts channels (contracted axes), `k` the taps of a kernel, `p` positions (free axes). All offsets are into row-major
//! tensors of one sample. Groups lie on the diagonal of W, and the tiles of zeros between them are skipped by the hardware.

use std::borrow::Cow;
use std::ops::Range;

use nalgebra::DMatrix;
use phaseloom_files::require_memory;
use phaseloom_network::data::Batch;
use phaseloom_network::window::{PADDING, Windows};
use tract_onnx::tract_core::internal::*;

use crate::error::Refusal;

/// Computes the product of a site, by its index, in a step of the loops around it. The third argument is the index of the
/// first vector among those of all samples.
pub(crate) type Products<'a> = dyn FnMut(usize, usize, usize, &Batch) -> Batch + 'a;

/// Maximum number of entries of W. More would need over 1 GiB.
pub(crate) const MAX_ENTRIES: usize = 1 << 27;

/// Bytes of the vectors, and of their products, that are computed together.
pub(crate) const BATCH_BYTES: usize = 32 << 20;

/// Vectors that share a stream of noise. A cut between blocks opens no stream twice.
const BLOCK: usize = 256;

/// The matrix product of an operator with constant weights.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Name of the operator in the file.
    pub name: String,
    /// W: outputs × inputs.
    pub weight: DMatrix<f64>,
    /// Multiplications of one sample and call, without those by the zeros between groups.
    pub macs: usize,
    /// Place of the activation among the inputs of the operator.
    pub input: usize,
    /// The values of x in each vector.
    pub windows: Windows,
    /// Offset of each row in y.
    pub rows: Vec<usize>,
    /// Offset of each position in y.
    pub positions: Vec<usize>,
    /// Bias of each row, or empty.
    pub bias: Vec<f32>,
    /// Type of y.
    pub output_kind: DatumType,
    /// Shape of y.
    pub output_shape: Vec<usize>,
    /// Calls for one sample: the steps of the loops around the operator.
    pub steps: usize,
}

impl Site {
    /// Bytes of one vector or its product, the longer one.
    pub fn vector_bytes(&self) -> usize {
        8 * self.weight.nrows().max(self.weight.ncols())
    }

    /// The output of each sample, with the products of its vectors taken from `multiply`. Its first argument is the index of
    /// the first vector among those of all samples. Vectors pass in batches that bound the memory.
    pub fn multiply(
        &self,
        samples: &[TValue],
        multiply: &mut dyn FnMut(usize, &Batch) -> Batch,
    ) -> TractResult<Vec<Tensor>> {
        let (rows, positions) = (self.rows.len(), self.positions.len());
        let batch = (BATCH_BYTES / self.vector_bytes() / BLOCK * BLOCK).max(BLOCK);
        let samples: Vec<_> = samples.iter().map(|sample| sample.cast_to::<f32>()).collect::<TractResult<_>>()?;
        let mut outputs = vec![vec![0.0_f32; rows * positions]; samples.len()];
        let count = samples.len() * positions;
        for first in (0..count).step_by(batch) {
            let vectors = first..count.min(first + batch);
            let product = multiply(first, &self.columns(&samples, vectors.clone())?);
            for (column, vector) in product.as_slice().chunks_exact(rows).zip(vectors) {
                let (y, position) = (&mut outputs[vector / positions], self.positions[vector % positions]);
                for (r, (&value, row)) in column.iter().zip(&self.rows).enumerate() {
                    let bias = self.bias.get(r).copied().unwrap_or(0.0);
                    y[row + position] = value as f32 + bias;
                }
            }
        }
        let tensor =
            |y: &Vec<f32>| Ok(Tensor::from_shape(&self.output_shape, y)?.cast_to_dt(self.output_kind)?.into_owned());
        outputs.iter().map(tensor).collect()
    }

    /// Some of the vectors of all samples: inputs × vectors.
    fn columns(&self, samples: &[Cow<'_, Tensor>], vectors: Range<usize>) -> TractResult<Batch> {
        let (inputs, positions) = (self.weight.ncols(), self.positions.len());
        let mut columns = Batch::zeros(inputs, vectors.len());
        for (vector, column) in vectors.zip(columns.as_mut_slice().chunks_exact_mut(inputs)) {
            let x = samples[vector / positions].try_as_plain_ram()?;
            self.windows.gather(x.as_slice::<f32>()?, vector % positions, column);
        }
        Ok(columns)
    }
}

/// Checks that the matrix and the offsets of a site fit in memory, before they take it. Positions have a number of taps each.
pub(crate) fn require_site(name: &str, entries: usize, positions: &[usize], taps: usize) -> TractResult<()> {
    let positions: f64 = positions.iter().map(|&length| length as f64).product();
    let work = format!("the operator `{name}` with {positions} positions a sample");
    // W, and per position an offset of 4 bytes for each tap and one of 8 bytes in the output.
    Ok(require_memory(8.0 * entries as f64 + (4.0 * taps as f64 + 8.0) * positions, &work)?)
}

/// Checks that weights are numbers. `tensor` is their name in the file.
pub(crate) fn expect_finite(values: &[f32], operator: &str, tensor: &str) -> TractResult<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let problem = format!(
                "the weights `{tensor}` of the operator `{operator}` have the value {} at index {at}",
                values[at]
            );
            Err(Refusal { problem, remedy: "export the model again from weights that are finite" }.into())
        }
    }
}

/// The values of a tensor, row-major.
pub(crate) fn numbers(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let tensor = tensor.cast_to::<f32>()?;
    let view = tensor.try_as_plain_ram()?;
    Ok(view.as_slice::<f32>()?.to_vec())
}

/// Row-major strides of a shape.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Offsets of all indices of axes given by (length, stride), the last axis fastest.
pub(crate) fn offsets(axes: &[(usize, usize)]) -> Vec<usize> {
    axes.iter().fold(vec![0], |all, &(length, stride)| {
        all.iter().flat_map(|start| (0..length).map(move |i| start + i * stride)).collect()
    })
}

/// Matrices on the diagonal of one.
pub(crate) fn block_diagonal(
    groups: usize,
    rows: usize,
    columns: usize,
    at: impl Fn(usize, usize, usize) -> f64,
) -> DMatrix<f64> {
    let mut weight = DMatrix::zeros(groups * rows, groups * columns);
    for g in 0..groups {
        for c in 0..columns {
            for r in 0..rows {
                weight[(g * rows + r, g * columns + c)] = at(g, r, c);
            }
        }
    }
    weight
}

/// Why the operator cannot be a site: W or x would be too large.
pub(crate) fn too_large(x_shape: &[usize], groups: usize, rows: usize, columns: usize) -> Option<String> {
    let values = x_shape.iter().fold(1_usize, |product, &length| product.saturating_mul(length));
    if values > PADDING as usize {
        return Some(format!("{values} inputs, beyond the offsets of {PADDING}"));
    }
    let entries = groups.saturating_mul(rows).saturating_mul(groups.saturating_mul(columns));
    (entries > MAX_ENTRIES).then(|| format!("{groups} groups of {rows}×{columns} need a matrix of {entries} entries"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_row_major_tensors() {
        assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(offsets(&[(2, 12), (2, 1)]), [0, 1, 12, 13]);
        assert_eq!(offsets(&[]), [0]);
        let weight = block_diagonal(2, 1, 2, |g, _, c| (10 * g + c) as f64);
        assert_eq!(weight, DMatrix::from_row_slice(2, 4, &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 10.0, 11.0]));
    }
}
