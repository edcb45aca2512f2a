//! `Program`.

use crate::core::Core;
use crate::{array, error, wait};
use nalgebra::DMatrix;
use numpy::{Complex64, IntoPyArray, PyArray1, PyArray2};
use phaseloom::Error;
use phaseloom::hardware::Scales;
use phaseloom::hardware::correction::{Corrected, CorrectionQuality, CorrectionResult};
use phaseloom::mesh::MatrixProgram;
use phaseloom::mesh::convention::{ConvertedProgram, convention};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::path::PathBuf;
use std::sync::Arc;

/// The phases of all cores that a matrix is programmed on, from ``Core(ports).program(matrix)`` or ``phaseloom.program(matrix)``.
///
/// It cannot be changed; :meth:`with_phases` makes another one. It can be pickled and copied.
///
/// Examples
/// --------
/// >>> import numpy as np, phaseloom as pl
/// >>> u = pl.haar_unitary(4, seed=1)
/// >>> program = pl.Core(4).program(u)
/// >>> bool(np.allclose(program.matrix(), u))
/// True
/// >>> program.phases.shape
/// (16,)
#[pyclass(frozen, module = "phaseloom")]
#[derive(Clone)]
pub struct Program {
    pub program: Arc<phaseloom::Program>,
    pub core: Option<Core>,
}

/// Seven numbers of a quality, for pickles.
type Quality = (f64, f64, f64, f64, f64, f64, Option<f64>);
/// A correction, for pickles: program, quality before and after, measurements, and the rest of its result.
type Correction = (String, Quality, Quality, u64, u64, Option<usize>, (Option<f64>, Option<f64>, Option<usize>));

fn quality_state(q: &CorrectionQuality) -> Quality {
    (q.fidelity, q.infidelity, q.error, q.scaled_error, q.transmission_db, q.mean_phase_rad, q.heater_power_w)
}

fn quality(
    (fidelity, infidelity, error, scaled_error, transmission_db, mean_phase_rad, heater_power_w): Quality,
) -> CorrectionQuality {
    CorrectionQuality { fidelity, infidelity, error, scaled_error, transmission_db, mean_phase_rad, heater_power_w }
}

fn correction_state(c: &Corrected) -> Correction {
    let r = &c.result;
    let rest = (r.amplitude, r.residual, r.wrapped_heaters);
    let json = c.program.to_json();
    (json, quality_state(&c.before), quality_state(&c.after), c.measurements, r.steps, r.clipped_cells, rest)
}

fn correction((json, before, after, measurements, steps, clipped_cells, rest): Correction) -> Result<Corrected, Error> {
    let program = MatrixProgram::from_json(&json)?;
    let phases = program.stages().iter().map(|stage| stage.phases().clone()).collect();
    let (amplitude, residual, wrapped_heaters) = rest;
    let result = CorrectionResult { phases, steps, clipped_cells, amplitude, residual, wrapped_heaters };
    Ok(Corrected { program, before: quality(before), after: quality(after), measurements, result })
}

impl Program {
    pub fn new(program: phaseloom::Program, core: Option<Core>) -> Self {
        Self { program: Arc::new(program), core }
    }

    /// The fields of the ideal cores (rows × vectors), with their gains.
    fn fields(&self, x: &DMatrix<Complex64>) -> DMatrix<Complex64> {
        let mut y = DMatrix::zeros(self.program.shape().0, x.ncols());
        for ([row, column, rows, columns], core) in self.program.blocks().into_iter().zip(self.program.core_programs())
        {
            let mut input = DMatrix::zeros(core.shape().1, x.ncols());
            input.rows_mut(0, columns).copy_from(&x.rows(column, columns));
            let output = core.propagate(&input) * Complex64::from(core.gain());
            let mut block = y.rows_mut(row, rows);
            block += output.rows(0, rows);
        }
        y
    }
}

#[pymethods]
impl Program {
    /// Reads the program of one core from a program file (JSON), or from one of another phase convention.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///
    /// Raises
    /// ------
    /// phaseloom.FileError, phaseloom.MeshError
    ///     The file cannot be read, is no program, or contradicts itself.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self::new(wait::short(py, || phaseloom::Program::load(path))?, None))
    }

    /// Writes the program of a single core as a program file (JSON), which the command line reads, too.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     The program has several cores.
    /// phaseloom.FileError
    ///     The file cannot be written.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        wait::short(py, || self.program.save(path))
    }

    /// The programs of the cores as JSON texts, in the order of the tiles. :meth:`load` reads each from a file.
    fn to_json(&self) -> Vec<String> {
        self.program.core_programs().map(MatrixProgram::to_json).collect()
    }

    /// Rows (outputs) and columns (inputs) of the matrix.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.program.shape()
    }

    /// Number of cores: tiles of the matrix that are not zero.
    #[getter]
    fn cores(&self) -> usize {
        self.program.cores()
    }

    /// Number of interferometers on all cores, attenuators included.
    #[getter]
    fn interferometers(&self) -> usize {
        self.program.interferometers()
    }

    /// The maximum number of columns of cells between an input and an output.
    #[getter]
    fn depth(&self) -> usize {
        self.program.depth()
    }

    /// The phases of all cores (rad), float64. Of each core those of its meshes and attenuators in the order of propagation; of
    /// each of them θ of every cell, φ of every cell, output phases, boundary phases.
    #[getter]
    fn phases<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.program.phases().into_pyarray(py)
    }

    /// The electronic gain of each core, float64.
    #[getter]
    fn gains<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.program.core_programs().map(MatrixProgram::gain).collect::<Vec<_>>().into_pyarray(py)
    }

    /// A program of the same cores and gains with other phases.
    ///
    /// The requested matrix of the new program is the one that its phases realise on ideal meshes.
    ///
    /// Parameters
    /// ----------
    /// phases : array_like
    ///     Rad, in the order of :attr:`phases`.
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     Another number of phases.
    fn with_phases(&self, py: Python<'_>, phases: &Bound<'_, PyAny>) -> PyResult<Self> {
        let phases = array::vector("phases", phases)?;
        Ok(Self::new(wait::short(py, || self.program.with_phases(&phases))?, self.core.clone()))
    }

    /// The requested matrix, complex128, outputs × inputs.
    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
        array::complex(py, self.program.target())
    }

    /// The matrix that ideal meshes realise with these phases, complex128, outputs × inputs.
    fn matrix<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
        let matrix = wait::short(py, || Ok(self.program.matrix()))?;
        array::complex(py, matrix)
    }

    /// Sends fields through ideal meshes: ``program.matrix() @ x``, without making the matrix first.
    ///
    /// Parameters
    /// ----------
    /// x : array_like
    ///     Inputs × vectors, or one vector; real or complex.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     complex128, outputs × vectors, or one vector.
    fn propagate<'py>(&self, py: Python<'py>, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let x = array::batch("x", x, self.program.shape().1, "input of the matrix")?;
        let y = wait::short(py, || Ok(self.fields(&x.matrix)))?;
        array::like(py, y, x.is_vector)
    }

    /// The corrections of each core as dicts: ``before`` and ``after`` with fidelity, relative error and transmission (dB), the
    /// number of ``measurements`` and of ``steps``. Empty if the program was not corrected.
    #[getter]
    fn corrections<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let quality = |q: &CorrectionQuality| {
            let dict = PyDict::new(py);
            dict.set_item("fidelity", q.fidelity)?;
            dict.set_item("infidelity", q.infidelity)?;
            dict.set_item("error", q.error)?;
            dict.set_item("error_scaled", q.scaled_error)?;
            dict.set_item("transmission_db", q.transmission_db)?;
            dict.set_item("mean_phase_rad", q.mean_phase_rad)?;
            dict.set_item("heater_power_w", q.heater_power_w)?;
            Ok::<_, PyErr>(dict)
        };
        let core = |c: &Corrected| {
            let dict = PyDict::new(py);
            dict.set_item("before", quality(&c.before)?)?;
            dict.set_item("after", quality(&c.after)?)?;
            dict.set_item("measurements", c.measurements)?;
            dict.set_item("steps", c.result.steps)?;
            Ok(dict)
        };
        self.program.corrections().iter().map(core).collect()
    }

    /// The program of one core in another phase convention, as JSON text that :meth:`load` reads from a file.
    ///
    /// Parameters
    /// ----------
    /// to : str
    ///     Key of the convention, such as ``"clements"``; ``phaseloom explain convention`` lists them. ``"sax"`` gives a netlist.
    ///
    /// Raises
    /// ------
    /// phaseloom.MeshError
    ///     An unknown key, or a mesh that the convention cannot state.
    /// phaseloom.HardwareError
    ///     The program has several cores.
    fn convert(&self, py: Python<'_>, to: &str) -> PyResult<String> {
        wait::short(py, || {
            let cores: Vec<&MatrixProgram> = self.program.core_programs().collect();
            let [core] = cores[..] else {
                return Err(Error::SeveralCores { path: PathBuf::from("program"), cores: cores.len() });
            };
            match to {
                "phaseloom" => Ok(core.to_json()),
                "sax" => Ok(phaseloom::mesh::Netlist::new(core).to_json()),
                _ => Ok(ConvertedProgram::new(core, convention(to)?)?.to_json()),
            }
        })
    }

    fn __repr__(&self) -> String {
        let (rows, columns) = self.program.shape();
        let (cores, cells) = (self.program.cores(), self.program.interferometers());
        format!("<Program of a {rows}×{columns} matrix: {cores} cores, {cells} interferometers>")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let make = py.import("phaseloom._state")?.getattr("program")?;
        let tiles: Vec<Option<String>> =
            self.program.tile_programs().into_iter().map(|tile| tile.map(MatrixProgram::to_json)).collect();
        let corrections: Vec<Correction> = self.program.corrections().iter().map(correction_state).collect();
        let scales = self.program.scales().map(|scales| (scales.input, scales.full_scale.clone()));
        let core = self.core.clone().map(|core| Bound::new(py, core)).transpose()?;
        (make, (core, self.target(py)?, tiles, scales, corrections)).into_pyobject(py)
    }

    /// Restores a program from its pickle.
    #[staticmethod]
    fn _restore(
        py: Python<'_>,
        core: Option<&Bound<'_, Core>>,
        target: &Bound<'_, PyAny>,
        tiles: Vec<Option<String>>,
        scales: Option<(f64, Vec<f64>)>,
        corrections: Vec<Correction>,
    ) -> PyResult<Self> {
        let target: DMatrix<Complex64> = array::matrix("target", target)?;
        let own = core.map(|core| core.get().clone());
        let restore = || {
            let parse = |tile: Option<String>| tile.map(|text| MatrixProgram::from_json(&text)).transpose();
            let mut tiles = tiles.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
            let program = match (&own, scales) {
                (Some(core), Some((input, full_scale))) => {
                    let scales = Scales { input, full_scale };
                    phaseloom::Program::from_tiles(&core.core, &target.map(|z| z.re), tiles, scales)?
                }
                _ => match tiles.pop().flatten() {
                    Some(program) => phaseloom::Program::from_complex_core(target, program)?,
                    None => return Ok(None),
                },
            };
            if corrections.is_empty() {
                return Ok(Some(program));
            }
            let corrections = corrections.into_iter().map(correction).collect::<Result<_, _>>()?;
            Ok(Some(program.with_corrections(corrections)?))
        };
        match wait::short(py, restore)? {
            Some(program) => Ok(Self::new(program, own)),
            None => Err(error::array(py, "found the state of no program")),
        }
    }
}
