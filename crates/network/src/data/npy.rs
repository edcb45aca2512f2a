//! Inputs and labels from NumPy's `.npy` files.

use std::path::Path;

use phaseloom_files::npy::{NpyKind, npy_error, parse_npy, rank_two};

use super::Batch;
use super::labels::StoredLabels;
use crate::error::Result;

/// Inputs of a network: samples × features in the file, or samples × further axes, whose values in row-major order are the
/// features. Returns features × samples.
pub(super) fn inputs(path: &Path, bytes: &[u8]) -> Result<Batch> {
    let array = parse_npy(path, bytes)?;
    let [samples, features] = match &*array.shape {
        [samples, axes @ ..] if axes.len() > 1 => [*samples, axes.iter().product()],
        shape => rank_two(path, shape, "(samples, features), or more axes of features")?,
    };
    if array.kind == NpyKind::Complex {
        let expected = "real numbers: inputs of a network are real; save `.real`, `abs(…)` or both as features";
        return Err(npy_error(path, "dtype", "complex numbers", expected).into());
    }
    super::batch_of_samples(path, features, samples, array.real)
}

/// Targets of a regression: rank 2, samples × targets in the file, or one target a sample. Returns targets × samples.
pub(super) fn targets(path: &Path, bytes: &[u8]) -> Result<Batch> {
    let array = parse_npy(path, bytes)?;
    let [samples, targets] = match *array.shape {
        [samples] => [samples, 1],
        _ => rank_two(path, &array.shape, "(samples, targets), or one target a sample")?,
    };
    if array.kind == NpyKind::Complex {
        return Err(npy_error(path, "dtype", "complex numbers", "real numbers, as the outputs of a network").into());
    }
    super::batch_of_samples(path, targets, samples, array.real)
}

/// Labels: n or n×1 whole numbers of any real type, or n×classes one-hot rows.
pub(super) fn labels(path: &Path, bytes: &[u8]) -> Result<StoredLabels> {
    let array = parse_npy(path, bytes)?;
    if array.kind == NpyKind::Complex {
        return Err(npy_error(path, "dtype", "complex numbers", "real numbers, one label a sample").into());
    }
    StoredLabels::from_array(path, "npy", &array.shape, &array.real)
}
