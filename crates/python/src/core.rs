//! `Core`.

use crate::program::Program;
use crate::{array, error, wait};
use nalgebra::DMatrix;
use numpy::Complex64;
use phaseloom::hardware::Detection;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A photonic core: the mesh that a matrix, or each tile of a larger matrix, is programmed on.
///
/// Parameters
/// ----------
/// ports : int
///     Inputs and outputs, 1 to 16384.
/// topology : str, optional
///     Key of the mesh, such as ``"rectangular"`` (the default) or ``"triangular"``; ``phaseloom explain topology`` lists them.
/// cell : str, optional
///     Key of the cells; the default is the usual cell of the topology.
/// detection : {"homodyne", "direct", "offset"}
///     Detection of the outputs. Offset detection takes one input port.
/// input_scale : float
///     Inputs lie within ±input_scale; the modulators clip others.
///
/// Examples
/// --------
/// >>> import numpy as np, phaseloom as pl
/// >>> program = pl.Core(8).program(np.ones((10, 20)))
/// >>> program.shape, program.cores
/// ((10, 20), 6)
#[pyclass(frozen, module = "phaseloom")]
#[derive(Clone)]
pub struct Core {
    pub core: phaseloom::Core,
    ports: usize,
    topology: String,
    cell: Option<String>,
    detection: String,
    input_scale: f64,
}

/// A detection by its key.
pub fn detection(py: Python<'_>, key: &str) -> PyResult<Detection> {
    match key {
        "homodyne" => Ok(Detection::Homodyne),
        "direct" => Ok(Detection::Direct),
        "offset" => Ok(Detection::Offset),
        _ => {
            Err(error::array(py, &format!("detection: found {key:?}, expected \"homodyne\", \"direct\" or \"offset\"")))
        }
    }
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (ports, *, topology = "rectangular", cell = None, detection = "homodyne", input_scale = 1.0))]
    fn new(
        py: Python<'_>,
        ports: usize,
        topology: &str,
        cell: Option<String>,
        detection: &str,
        input_scale: f64,
    ) -> PyResult<Self> {
        if !(input_scale.is_finite() && input_scale > 0.0) {
            return Err(error::array(
                py,
                &format!("input_scale: found {input_scale}, expected a finite number above 0"),
            ));
        }
        let mut core = phaseloom::Core::new(ports)
            .with_topology(topology)
            .with_detection(self::detection(py, detection)?)
            .with_input_scale(input_scale);
        if let Some(cell) = &cell {
            core = core.with_cell(cell);
        }
        core.check().map_err(|error| error::exception(py, &error))?;
        Ok(Self { core, ports, topology: topology.to_owned(), cell, detection: detection.to_owned(), input_scale })
    }

    /// Programs a matrix: the phases with which ideal meshes multiply by it.
    ///
    /// A real matrix of any size goes to tiles of the size of the core. A complex one goes to a single core, a unitary one to a
    /// single mesh.
    ///
    /// Parameters
    /// ----------
    /// matrix : array_like
    ///     Outputs × inputs, real or complex.
    ///
    /// Returns
    /// -------
    /// Program
    ///
    /// Raises
    /// ------
    /// phaseloom.ArrayError
    ///     Not two dimensions, no entries, or an entry that is not finite.
    /// phaseloom.HardwareError
    ///     A complex matrix larger than the core.
    fn program(&self, py: Python<'_>, matrix: &Bound<'_, PyAny>) -> PyResult<Program> {
        let core = self.core.clone();
        let program = if array::is_complex("matrix", matrix)? {
            let matrix: DMatrix<Complex64> = array::matrix("matrix", matrix)?;
            wait::long(py, move || core.program_complex(&matrix))?
        } else {
            let matrix: DMatrix<f64> = array::matrix("matrix", matrix)?;
            wait::long(py, move || core.program(&matrix))?
        };
        Ok(Program::new(program, Some(self.clone())))
    }

    /// Inputs and outputs.
    #[getter]
    fn ports(&self) -> usize {
        self.ports
    }

    /// Key of the mesh.
    #[getter]
    fn topology(&self) -> &str {
        &self.topology
    }

    /// Key of the cells, or None for the usual cell of the topology.
    #[getter]
    fn cell(&self) -> Option<&str> {
        self.cell.as_deref()
    }

    /// Key of the detection.
    #[getter]
    fn detection(&self) -> &str {
        &self.detection
    }

    /// Inputs lie within ± this number.
    #[getter]
    fn input_scale(&self) -> f64 {
        self.input_scale
    }

    fn __repr__(&self) -> String {
        format!("Core({}, topology={:?}, detection={:?})", self.ports, self.topology, self.detection)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let make = py.import("phaseloom._state")?.getattr("core")?;
        let state = (self.ports, &self.topology, &self.cell, &self.detection, self.input_scale);
        (make, state).into_pyobject(py)
    }
}
