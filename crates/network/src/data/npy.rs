//! Inputs and labels from NumPy's `.npy` files.

use std::path::Path;

use phaseloom_files::npy::{NpyKind, npy_error, parse_npy, rank_two};

use super::Batch;
use crate::error::Result;

/// Inputs of a network: rank 2, samples × features in the file. Returns features × samples.
pub(super) fn inputs(path: &Path, bytes: &[u8]) -> Result<Batch> {
    let array = parse_npy(path, bytes)?;
    let [samples, features] = rank_two(path, &array.shape, "(samples, features)")?;
    if array.kind == NpyKind::Complex {
        let expected = "real numbers: inputs of a network are real; save `.real`, `abs(…)` or both as features";
        return Err(npy_error(path, "dtype", "complex numbers", expected).into());
    }
    super::batch_of_samples(path, features, samples, array.real)
}

/// Labels: rank 1, integers, none negative.
pub(super) fn labels(path: &Path, bytes: &[u8]) -> Result<Vec<usize>> {
    let array = parse_npy(path, bytes)?;
    if array.shape.len() != 1 || array.kind != NpyKind::Integer {
        let found = format!("{:?} numbers of shape {:?}", array.kind, array.shape);
        return Err(npy_error(path, "dtype and shape", found, "integers of rank 1, one label a sample").into());
    }
    super::labels_from_values(path, "npy", &array.real)
}
