//! `Network` and `PhotonicNetwork`.

use crate::core::Core;
use crate::link::Link;
use crate::process::Process;
use crate::{array, wait};
use numpy::{IntoPyArray, PyArray1};
use phaseloom::Seed;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

/// A trained network in floating point, from a model file.
///
/// Inputs are features × samples; a NumPy batch with one sample in each row is passed as ``batch.T``, which copies nothing.
#[pyclass(frozen, module = "phaseloom")]
pub struct Network {
    network: phaseloom::Network,
    path: PathBuf,
}

#[pymethods]
impl Network {
    /// Reads a model file (TOML) and its weights, or an ONNX graph.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///
    /// Raises
    /// ------
    /// phaseloom.FileError, phaseloom.NetworkError, phaseloom.ExperimentError
    ///     A file cannot be read or is damaged, keys are wrong, a tensor is missing or has the wrong shape.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let own = path.clone();
        Ok(Self { network: wait::long(py, move || phaseloom::Network::load(own))?, path })
    }

    /// Number of features.
    #[getter]
    fn input_size(&self) -> usize {
        self.network.model().input_size()
    }

    /// Outputs without any error of hardware.
    ///
    /// Parameters
    /// ----------
    /// x : array_like
    ///     Features × samples, or one sample.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     float64, outputs × samples, or one sample.
    fn forward<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let x = array::batch::<f64>("x", x, self.input_size(), "feature")?;
        let (network, inputs) = (self.network.clone(), x.matrix);
        let y = wait::long(py, move || network.forward(&inputs))?;
        array::like(py, y, x.is_vector)
    }

    /// The network with its photonic layers on chips.
    ///
    /// Parameters
    /// ----------
    /// core : Core
    /// process : Process or dict, optional
    /// link : Link or dict, optional
    /// seed : int
    ///
    /// Returns
    /// -------
    /// PhotonicNetwork
    #[pyo3(signature = (core, process = None, link = None, *, seed = 1))]
    fn on_chip(
        &self,
        py: Python<'_>,
        core: &Core,
        process: Option<&Bound<'_, PyAny>>,
        link: Option<&Bound<'_, PyAny>>,
        seed: u64,
    ) -> PyResult<PhotonicNetwork> {
        let (process, link) = (Process::from_argument(process)?.process, Link::from_argument(link)?);
        let (network, core) = (self.network.clone(), core.core.clone());
        let photonic = wait::long(py, move || network.on_chip(&core, &process, &link, Seed(seed)))?;
        Ok(PhotonicNetwork { network: Arc::new(photonic), features: self.input_size() })
    }

    fn __repr__(&self) -> String {
        format!("<Network {} of {} features>", self.path.display(), self.input_size())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyTuple>> {
        let make = py.import("phaseloom._state")?.getattr("network")?;
        (make, (self.path.clone(),)).into_pyobject(py)
    }
}

/// A network whose photonic layers run on chips, from ``network.on_chip(core, process, link)``.
#[pyclass(frozen, module = "phaseloom")]
pub struct PhotonicNetwork {
    network: Arc<phaseloom::PhotonicNetwork>,
    features: usize,
}

#[pymethods]
impl PhotonicNetwork {
    /// Outputs with all static errors and noise; every sample has noise of its own.
    ///
    /// Parameters
    /// ----------
    /// x : array_like
    ///     Features × samples, or one sample.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     float64, outputs × samples, or one sample.
    fn forward<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let x = array::batch::<f64>("x", x, self.features, "feature")?;
        let (network, inputs) = (self.network.clone(), x.matrix);
        let y = wait::long(py, move || network.forward(&inputs))?;
        array::like(py, y, x.is_vector)
    }

    /// The relative error of each photonic layer on these chips, from static errors alone; float64.
    #[getter]
    fn matrix_errors<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.network.matrix_errors().into_pyarray(py)
    }

    /// First-order prediction of each of the :attr:`matrix_errors`, from the process alone; float64.
    #[getter]
    fn predicted_errors<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.network.predicted_errors().into_pyarray(py)
    }
}
