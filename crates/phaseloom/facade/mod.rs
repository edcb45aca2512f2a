//! The short way through the library: a core, a program, a process, a chip, a product; or a network on chips.
//!
//! ```text
//! weights ─ Core::program ─▶ Program ─┐
//!                                     ├─ Process::fabricate ─▶ Chip ─ Chip::product(Link) ─▶ Product ─ multiply ─▶ y
//! process.toml ─ Process::load ───────┘
//! model.toml ─ Network::load ─▶ Network ─ on_chip(Core, Process, Link) ─▶ PhotonicNetwork ─ forward ─▶ outputs
//! ```
//!
//! All types own their data, share it cheaply when cloned, and return the one [`Error`]. The crates below them
//! ([`mesh`](crate::mesh), [`hardware`](crate::hardware), …) stay accessible for everything that these types do not offer.

mod chip;
mod core;
mod error;
#[cfg(feature = "experiment")]
mod network;
mod phases;
mod process;
mod product;
mod program;

pub use chip::Chip;
pub use core::Core;
pub use error::Error;
#[cfg(feature = "experiment")]
pub use network::{Network, PhotonicNetwork};
pub use process::{Process, Seed};
pub use product::Product;
pub use program::Program;

#[cfg(all(test, feature = "experiment"))]
mod tests;

use nalgebra::DMatrix;
use num_complex::Complex64;
use std::path::Path;

/// Reads a real matrix (outputs × inputs) from a NumPy file (`.npy`).
///
/// # Errors
///
/// The file cannot be read, is not a two-dimensional numeric array, has an entry that is not finite, or is complex.
pub fn read_matrix(path: impl AsRef<Path>) -> Result<DMatrix<f64>, Error> {
    let path = path.as_ref();
    let matrix = read_complex_matrix(path)?;
    match matrix.iter().position(|z| z.im != 0.0) {
        None => Ok(matrix.map(|z| z.re)),
        Some(at) => Err(Error::ComplexMatrix {
            path: path.to_owned(),
            row: at % matrix.nrows(),
            column: at / matrix.nrows(),
            found: matrix[at],
        }),
    }
}

/// Reads a matrix of real or complex numbers from a NumPy file (`.npy`).
///
/// # Errors
///
/// As [`read_matrix`], except that complex entries are accepted.
pub fn read_complex_matrix(path: impl AsRef<Path>) -> Result<DMatrix<Complex64>, Error> {
    Ok(phaseloom_files::read_matrix(path.as_ref())?.0)
}

/// A random unitary matrix of `size` × `size`, uniform in the Haar measure.
///
/// # Panics
///
/// If `size` is zero.
#[must_use]
pub fn haar_unitary(size: usize, seed: Seed) -> DMatrix<Complex64> {
    phaseloom_numerics::haar_unitary(size, &mut phaseloom_numerics::StreamKey::new(seed.0, "haar").stream())
}
