//! `Process`.

use crate::chip::Chip;
use crate::link::toml_of;
use crate::program::Program;
use crate::{error, wait};
use phaseloom::Seed;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::path::PathBuf;
use std::sync::Arc;

/// A fabrication process: the error sources of a chip. A source that is absent is ideal.
///
/// Parameters
/// ----------
/// **keys
///     The tables of a process file, such as ``splitter_error={"sigma_rad": 0.01}``; ``phaseloom explain process`` lists them.
///
/// Raises
/// ------
/// phaseloom.FileError
///     An unknown key.
/// phaseloom.HardwareError
///     An impossible value.
///
/// Examples
/// --------
/// >>> import phaseloom as pl
/// >>> process = pl.Process(splitter_error={"sigma_rad": 0.01}, phase_error={"sigma_rad": 0.02})
/// >>> process == pl.Process.from_toml("splitter_error.sigma_rad = 0.01\nphase_error.sigma_rad = 0.02")
/// True
#[pyclass(frozen, module = "phaseloom")]
#[derive(Clone)]
pub struct Process {
    pub process: phaseloom::Process,
    /// The JSON text of the chip, if the process is that of one chip.
    chip: Option<Arc<str>>,
}

impl From<phaseloom::Process> for Process {
    fn from(process: phaseloom::Process) -> Self {
        Self { process, chip: None }
    }
}

impl Process {
    /// A process of an argument: None, keys or a process.
    pub fn from_argument(value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(value) = value else { return Ok(phaseloom::Process::ideal().into()) };
        if let Ok(process) = value.cast::<Self>() {
            return Ok(process.get().clone());
        }
        if let Ok(keys) = value.cast::<PyDict>() {
            return Self::new(value.py(), Some(keys));
        }
        Err(error::kind(format!("process: found {}, expected a Process, a dict or None", value.get_type())))
    }
}

#[pymethods]
impl Process {
    #[new]
    #[pyo3(signature = (**keys))]
    fn new(py: Python<'_>, keys: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::from_toml(py, &keys.map(toml_of).transpose()?.unwrap_or_default())
    }

    /// A process that comes with Phaseloom, by its key.
    ///
    /// Parameters
    /// ----------
    /// key : str
    ///     Such as ``"thermo-optic-silicon"``; ``phaseloom explain`` lists them.
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     No preset has that key; the message names the nearest one.
    #[staticmethod]
    fn preset(py: Python<'_>, key: &str) -> PyResult<Self> {
        phaseloom::Process::preset(key).map(Self::from).map_err(|error| error::exception(py, &error))
    }

    /// Reads a process file (TOML).
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///
    /// Raises
    /// ------
    /// phaseloom.FileError
    ///     The file cannot be read, has an unknown key or an impossible value; the message names the line.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        wait::short(py, || phaseloom::Process::load(path)).map(Self::from)
    }

    /// Reads a process from TOML text.
    ///
    /// Raises
    /// ------
    /// phaseloom.FileError
    ///     An unknown key; the message names the line.
    /// phaseloom.HardwareError
    ///     An impossible value.
    #[staticmethod]
    fn from_toml(py: Python<'_>, text: &str) -> PyResult<Self> {
        wait::short(py, || phaseloom::Process::from_toml(text)).map(Self::from)
    }

    /// The process that fabricates one known chip, from the text of its file (JSON), such as one written by ``phaseloom chip``.
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     The text is no chip, or contradicts itself.
    #[staticmethod]
    fn from_chip(py: Python<'_>, text: &str) -> PyResult<Self> {
        let process = wait::short(py, || {
            let chip = phaseloom::hardware::Chip::from_json(text)?;
            Ok(phaseloom::hardware::Process::from_chip(&chip))
        })?;
        Ok(Self { process: process.into(), chip: Some(text.into()) })
    }

    /// Samples the chip that runs a program: one frozen draw of all fabrication errors.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    /// seed : int
    ///     The same seed gives the same chip and the same noise on it.
    ///
    /// Returns
    /// -------
    /// Chip
    ///     It runs every program of the shape of this one.
    #[pyo3(signature = (program, seed = 1))]
    fn fabricate(&self, py: Python<'_>, program: &Program, seed: u64) -> PyResult<Chip> {
        let chip = wait::short(py, || self.process.fabricate(&program.program, Seed(seed)))?;
        Ok(Chip::new(chip, self.clone(), program.clone()))
    }

    /// The error sources with their values.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text =
            serde_json::to_string(self.process.settings()).map_err(|source| error::bug(py, &source.to_string()))?;
        py.import("json")?.getattr("loads")?.call1((text,))
    }

    /// The process as TOML text, which :meth:`from_toml` reads.
    fn to_toml(&self, py: Python<'_>) -> PyResult<String> {
        toml::to_string(self.process.settings()).map_err(|source| error::bug(py, &source.to_string()))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Process(**{})", self.settings(py)?.repr()?))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.process == other.process
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let state = py.import("phaseloom._state")?;
        match &self.chip {
            Some(text) => (state.getattr("process_of_chip")?, (&**text,)).into_pyobject(py),
            None => (state.getattr("process")?, (self.to_toml(py)?,)).into_pyobject(py),
        }
    }
}
