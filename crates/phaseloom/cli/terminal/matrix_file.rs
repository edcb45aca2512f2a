//! Matrices in files: NumPy arrays, archives of one array, text tables, Touchstone.

use super::streams;
use phaseloom::Complex64;
use phaseloom::files::parse_matrix;
use phaseloom::nalgebra::DMatrix;
use phaseloom::network::npz_array;
use std::path::Path;

/// The matrix in the bytes of a file, and whether it is of single precision.
pub fn parse(path: &Path, bytes: &[u8]) -> anyhow::Result<(DMatrix<Complex64>, bool)> {
    let archive = if super::output::ending(path) == "npz" { npz_array(path, bytes)? } else { None };
    Ok(match archive {
        Some(array) => parse_matrix(Path::new(&format!("{}.npy", path.display())), &array)?,
        None => parse_matrix(path, bytes)?,
    })
}

/// The matrix in a file, or in standard input.
pub fn load(path: &Path) -> anyhow::Result<(DMatrix<Complex64>, bool)> {
    let file = streams::read(path)?;
    parse(&file.path, &file.bytes)
}
