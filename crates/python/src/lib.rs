//! The compiled part of the Python package `phaseloom`: the facade of the Rust library, with its names.
//!
//! One file per class. Every function that computes releases the interpreter ([`wait`]), and every error becomes an exception of
//! `phaseloom.errors` ([`error`]). Arrays come in through [`array`] and leave without a copy.

mod array;
mod chip;
mod core;
mod error;
mod layer;
mod link;
mod network;
mod process;
mod product;
mod program;
mod wait;

use pyo3::prelude::*;

/// The compiled part of the package `phaseloom`.
#[pymodule]
mod _phaseloom {
    use super::{array, error, wait};
    use numpy::{Complex64, PyArray2};
    use pyo3::prelude::*;
    use std::ffi::OsString;
    use std::path::PathBuf;

    #[pymodule_export]
    use super::chip::{Chip, ChipGradient, Pass};
    #[pymodule_export]
    use super::core::Core;
    #[pymodule_export]
    use super::layer::{Layer, LayerTrace};
    #[pymodule_export]
    use super::link::Link;
    #[pymodule_export]
    use super::network::{Network, PhotonicNetwork};
    #[pymodule_export]
    use super::process::Process;
    #[pymodule_export]
    use super::product::Product;
    #[pymodule_export]
    use super::program::Program;

    /// A random unitary matrix, uniform in the Haar measure.
    ///
    /// Parameters
    /// ----------
    /// size : int
    ///     Rows and columns, 1 to 16384.
    /// seed : int
    ///     The same seed gives the same matrix.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     complex128, size × size.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np, phaseloom as pl
    /// >>> u = pl.haar_unitary(4, seed=1)
    /// >>> bool(np.allclose(u.conj().T @ u, np.eye(4)))
    /// True
    #[pyfunction]
    #[pyo3(signature = (size, seed = 1))]
    fn haar_unitary(py: Python<'_>, size: usize, seed: u64) -> PyResult<Bound<'_, PyArray2<Complex64>>> {
        if size == 0 || size > phaseloom::hardware::MAX_PORTS {
            let expected = format!("1 to {}", phaseloom::hardware::MAX_PORTS);
            return Err(error::array(py, &format!("size: found {size}, expected {expected}")));
        }
        let matrix = wait::long(py, move || Ok(phaseloom::haar_unitary(size, phaseloom::Seed(seed))))?;
        array::complex(py, matrix)
    }

    /// Reads a matrix from a NumPy file (.npy), complex if the file is.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     complex128, rows × columns.
    ///
    /// Raises
    /// ------
    /// phaseloom.FileError
    ///     The file cannot be read, is no two-dimensional array of numbers, or has an entry that is not finite.
    #[pyfunction]
    fn read_matrix(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyArray2<Complex64>>> {
        let matrix = wait::long(py, move || phaseloom::read_complex_matrix(path))?;
        array::complex(py, matrix)
    }

    /// Runs the command line with the arguments of a process and returns its exit code.
    ///
    /// It sets handlers of signals, so that a process calls it once; ``python -m phaseloom`` does.
    #[pyfunction]
    fn command_line(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
        py.detach(|| phaseloom::command_line(arguments))
    }
}
