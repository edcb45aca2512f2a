//! Inputs and labels from NumPy's `.npy` files.

use std::path::Path;

use phaseloom_files::npy::{NpyKind, npy_error, parse_npy, parse_npy_strings, rank_two};

use super::labels::StoredLabels;
use super::{Batch, Samples};
use crate::error::Result;

/// Inputs of a network: the first axis counts samples, the others features. Returns features × samples.
pub(super) fn inputs(path: &Path, bytes: &[u8]) -> Result<Samples> {
    let array = parse_npy(path, bytes)?;
    if array.shape.len() < 2 {
        rank_two(path, &array.shape, "(samples, features), or more axes of features")?;
    }
    if array.kind == NpyKind::Complex {
        let expected = "real numbers: inputs of a network are real; save `.real`, `abs(…)` or both as features";
        return Err(npy_error(path, "dtype", "complex numbers", expected).into());
    }
    super::samples(path, &array.shape, array.real)
}

/// Targets of a regression: rank 2, samples × targets in the file, or one target a sample. Returns targets × samples.
pub(super) fn targets(path: &Path, bytes: &[u8]) -> Result<Batch> {
    let array = parse_npy(path, bytes)?;
    let shape = match *array.shape {
        [samples] => [samples, 1],
        _ => rank_two(path, &array.shape, "(samples, targets), or one target a sample")?,
    };
    if array.kind == NpyKind::Complex {
        return Err(npy_error(path, "dtype", "complex numbers", "real numbers, as the outputs of a network").into());
    }
    Ok(super::samples(path, &shape, array.real)?.values.to_batch())
}

/// Labels: n or n×1 whole numbers of any real type, n×classes one-hot rows, n names, or whole numbers for each position of a
/// sample.
pub(super) fn labels(path: &Path, bytes: &[u8]) -> Result<StoredLabels> {
    if let Some(names) = parse_npy_strings(path, bytes)? {
        return Ok(StoredLabels::Names(names));
    }
    let array = parse_npy(path, bytes)?;
    if array.kind == NpyKind::Complex {
        return Err(npy_error(path, "dtype", "complex numbers", "real numbers, one label a sample").into());
    }
    StoredLabels::from_array(path, "npy", &array.shape, &array.real.into_doubles())
}
