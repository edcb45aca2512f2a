//! Matrices in the files of others: NumPy arrays, text tables, Touchstone.

mod text;
mod touchstone;

pub use touchstone::touchstone_ports;

use crate::bytes::read_bytes;
use crate::error::FileError;
use crate::npy::{is_npy, parse_npy_matrix, write_matrix};
use crate::write_atomically;
use nalgebra::DMatrix;
use num_complex::Complex64;
use std::path::Path;

/// Endings of text tables.
const TEXT: [&str; 5] = ["csv", "tsv", "txt", "dat", "asc"];

/// The ending of a name in lower case.
fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Whether a file of this name holds a matrix: `.npy`, a text table or Touchstone.
#[must_use]
pub fn has_matrix_ending(path: &Path) -> bool {
    let ending = ending(path);
    ending == "npy" || TEXT.contains(&ending.as_str()) || touchstone_ports(path).is_some()
}

/// Reads a complex matrix: a `.npy` file of rank 2, a text table (`.csv`, `.txt`), or a Touchstone file (`.s4p`) whose first half of
/// ports are inputs.
///
/// The second value is true if the file holds floats of single precision, whose entries are rounded to 1e-7.
///
/// # Errors
///
/// [`FileError`] if the file cannot be read, is damaged, has another rank or no entries, or holds a NaN or infinity.
pub fn read_matrix(path: &Path) -> Result<(DMatrix<Complex64>, bool), FileError> {
    parse_matrix(path, &read_bytes(path)?.bytes)
}

/// [`read_matrix`] from the bytes of the file at `path`, whose ending says what text they are. Text without an ending, such as that
/// of standard input, is a table.
///
/// # Errors
///
/// As [`read_matrix`].
pub fn parse_matrix(path: &Path, bytes: &[u8]) -> Result<(DMatrix<Complex64>, bool), FileError> {
    if is_npy(bytes) {
        return parse_npy_matrix(path, bytes);
    }
    if let Some(ports) = touchstone_ports(path) {
        return Ok((touchstone::parse(path, bytes, ports)?, false));
    }
    let is_text = match ending(path).as_str() {
        "" => text::starts_like_numbers(bytes),
        ending => TEXT.contains(&ending),
    };
    if is_text { Ok((text::parse(path, bytes)?, false)) } else { parse_npy_matrix(path, bytes) }
}

/// Writes a matrix in the format of the ending of `path`: `.csv` and `.txt` as text, `.sNp` as Touchstone, else `.npy`.
///
/// # Errors
///
/// An entry that is not finite, another number of ports than the ending has, an unwritable path.
pub fn write_matrix_file(path: &Path, matrix: &DMatrix<Complex64>) -> Result<(), FileError> {
    if let Some(ports) = touchstone_ports(path) {
        return write_atomically(path, touchstone::text(path, matrix, ports)?.as_bytes());
    }
    match TEXT.contains(&ending(path).as_str()) {
        true => write_atomically(path, text::text(path, matrix)?.as_bytes()),
        false => write_matrix(path, matrix),
    }
}

/// Checks that all entries are finite.
fn check_finite(path: &Path, matrix: &DMatrix<Complex64>) -> Result<(), FileError> {
    for (row, entries) in matrix.row_iter().enumerate() {
        for (column, z) in entries.iter().enumerate() {
            if let Some(found) = [z.re, z.im].into_iter().find(|part| !part.is_finite()) {
                let place = format!("row {row}, column {column}");
                return Err(FileError::NotFinite { path: path.to_owned(), place, found });
            }
        }
    }
    Ok(())
}
