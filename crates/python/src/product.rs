//! `Product`.

use crate::{array, wait};
use pyo3::prelude::*;
use std::sync::Arc;

/// A matrix product as a chip and its optical link perform it, from ``chip.product(program, link)``.
///
/// Every vector has noise of its own, also when the same vector is sent again. The sequence of all results follows from the seed
/// of the chip.
///
/// Examples
/// --------
/// >>> import numpy as np, phaseloom as pl
/// >>> w = np.sin(np.arange(640.0).reshape(10, 64))
/// >>> program = pl.Core(64).program(w)
/// >>> chip = pl.Process.preset("thermo-optic-silicon").fabricate(program, seed=1)
/// >>> product = chip.product(program, pl.Link(laser_power_w=1e-3, shot_noise=True))
/// >>> (product @ np.full(64, 0.5)).shape
/// (10,)
#[pyclass(frozen, module = "phaseloom")]
pub struct Product {
    product: Arc<phaseloom::Product>,
}

impl Product {
    pub fn new(product: phaseloom::Product) -> Self {
        Self { product: Arc::new(product) }
    }
}

#[pymethods]
impl Product {
    /// Rows (outputs) and columns (inputs) of the matrix.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.product.shape()
    }

    /// Multiplies vectors, with all static errors and noise; ``product @ x`` is the same.
    ///
    /// Parameters
    /// ----------
    /// x : array_like
    ///     Real, inputs × vectors, or one vector. Entries beyond the input scale of the core are clipped.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     float64, outputs × vectors, or one vector.
    ///
    /// Raises
    /// ------
    /// phaseloom.ArrayError
    ///     Another number of rows, or an entry that is not finite.
    fn multiply<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let x = array::batch::<f64>("x", x, self.product.shape().1, "input of the matrix")?;
        let y = wait::short(py, || Ok(self.product.multiply(&x.matrix)))?;
        array::like(py, y, x.is_vector)
    }

    fn __matmul__<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.multiply(py, x)
    }

    /// The relative error of the realised matrix from static errors alone, with the gain that undoes the nominal loss.
    #[getter]
    fn matrix_error(&self) -> f64 {
        self.product.matrix_error()
    }

    /// The part of :attr:`matrix_error` that the detectors measure.
    #[getter]
    fn measured_error(&self) -> f64 {
        self.product.measured_error()
    }

    fn __repr__(&self) -> String {
        let (rows, columns) = self.product.shape();
        format!("<Product with a {rows}×{columns} matrix, matrix error {:.3}>", self.product.matrix_error())
    }
}
