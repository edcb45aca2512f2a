//! `Chip`, and a pass of light through it whose gradient can be asked for.

use crate::link::Link;
use crate::process::Process;
use crate::product::Product;
use crate::program::Program;
use crate::{array, error, wait};
use nalgebra::DMatrix;
use numpy::{Complex64, IntoPyArray, PyArray1, PyArray2};
use phaseloom::Error;
use phaseloom::hardware::correction::{Instruments, Interrupt};
use phaseloom::hardware::{ChipId, ForwardPass};
use phaseloom::mesh::{Fields, MatrixProgram, Phases};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The cores of a chip, and the blocks of the program that they were made for.
type Cores = (Vec<[usize; 4]>, Arc<Vec<phaseloom::hardware::Chip>>);

/// One fabricated chip: all cores of a program with their frozen errors, from ``process.fabricate(program, seed=1)``.
///
/// It runs every program of the shape that it was fabricated for. It can be pickled and copied.
///
/// Examples
/// --------
/// >>> import phaseloom as pl
/// >>> program = pl.Core(8).program(pl.haar_unitary(8, seed=1))
/// >>> chip = pl.Process(splitter_error={"sigma_rad": 0.01}).fabricate(program, seed=1)
/// >>> 0.01 < chip.matrix_error(program) < 0.1
/// True
#[pyclass(frozen, module = "phaseloom")]
pub struct Chip {
    chip: phaseloom::Chip,
    process: Process,
    program: Program,
    /// The cores that were sampled last: sampling takes longer than a pass of light.
    cores: Mutex<Option<Cores>>,
}

/// Fields at the outputs, and what their gradients need.
struct Light {
    output: DMatrix<Complex64>,
    passes: Vec<ForwardPass>,
    cores: Arc<Vec<phaseloom::hardware::Chip>>,
}

/// Light that passed a chip, from :meth:`Chip.record`.
#[pyclass(frozen, module = "phaseloom")]
pub struct Pass {
    program: Arc<phaseloom::Program>,
    cores: Arc<Vec<phaseloom::hardware::Chip>>,
    passes: Vec<ForwardPass>,
    output: Py<PyAny>,
    batch: usize,
    is_vector: bool,
}

/// Gradients of a loss: by the phases and by the inputs.
#[pyclass(frozen, get_all, module = "phaseloom")]
pub struct ChipGradient {
    /// By the phases of the program (1/rad), float64, in the order of ``program.phases``.
    phases: Py<PyArray1<f64>>,
    /// By the inputs, complex128, ∂L/∂Re x + i·∂L/∂Im x, inputs × vectors, or one vector.
    inputs: Py<PyAny>,
}

impl Chip {
    pub fn new(chip: phaseloom::Chip, process: Process, program: Program) -> Self {
        Self { chip, process, program, cores: Mutex::new(None) }
    }

    /// The cores for a program.
    fn cores(&self, program: &phaseloom::Program) -> Result<Arc<Vec<phaseloom::hardware::Chip>>, Error> {
        let blocks = program.blocks();
        let mut known = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((same, cores)) if *same == blocks && self.chip.runs(program) => Ok(cores.clone()),
            _ => {
                let cores = Arc::new(self.chip.cores(program)?);
                *known = Some((blocks, cores.clone()));
                Ok(cores)
            }
        }
    }

    /// Sends fields through all cores.
    fn pass(&self, program: &phaseloom::Program, x: &DMatrix<Complex64>) -> Result<Light, Error> {
        let cores = self.cores(program)?;
        let process = self.process.process.settings();
        let mut y = DMatrix::zeros(program.shape().0, x.ncols());
        let mut passes = Vec::with_capacity(cores.len());
        for ((block, core), chip) in program.blocks().into_iter().zip(program.core_programs()).zip(cores.iter()) {
            let [row, column, rows, columns] = block;
            let mut input = DMatrix::zeros(core.shape().1, x.ncols());
            input.rows_mut(0, columns).copy_from(&x.rows(column, columns));
            let pass = chip.forward(core, &process.drive(core), Fields::from_matrix(&input))?;
            let output = pass.output().to_matrix() * Complex64::from(core.gain());
            let mut block = y.rows_mut(row, rows);
            block += output.rows(0, rows);
            passes.push(pass);
        }
        Ok(Light { output: y, passes, cores })
    }
}

#[pymethods]
impl Chip {
    /// The process that the chip was sampled from.
    #[getter]
    fn process(&self) -> Process {
        self.process.clone()
    }

    /// The seed of the chip.
    #[getter]
    fn seed(&self) -> u64 {
        self.chip.seed().0
    }

    /// The realised matrix: what the chip multiplies by, with its static errors and with the gains of the program.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    ///     Of the shape that the chip was fabricated for.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     complex128, outputs × inputs.
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     The chip was fabricated for a program of another shape.
    fn matrix<'py>(&self, py: Python<'py>, program: &Program) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
        let matrix = wait::short(py, || self.chip.matrix(&program.program))?;
        array::complex(py, matrix)
    }

    /// The relative error ‖Ŵ − W‖/‖W‖ (Frobenius) of the realised matrix Ŵ.
    fn matrix_error(&self, py: Python<'_>, program: &Program) -> PyResult<f64> {
        wait::short(py, || self.chip.matrix_error(&program.program))
    }

    /// The chip with its optical link: a matrix that multiplies vectors.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    ///     Of real weights.
    /// link : Link or dict, optional
    ///     The default is a link without noise and converters.
    ///
    /// Returns
    /// -------
    /// Product
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     The program is complex or of another shape, the link does not fit, or no light reaches the outputs.
    #[pyo3(signature = (program, link = None))]
    fn product(&self, py: Python<'_>, program: &Program, link: Option<&Bound<'_, PyAny>>) -> PyResult<Product> {
        let link = Link::from_argument(link)?;
        Ok(Product::new(wait::short(py, || self.chip.product(&program.program, &link))?))
    }

    /// Sends fields through the chip: ``chip.matrix(program) @ x``, without making the matrix first.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    /// x : array_like
    ///     Inputs × vectors, or one vector; real or complex.
    ///
    /// Returns
    /// -------
    /// numpy.ndarray
    ///     complex128, outputs × vectors, or one vector.
    fn propagate<'py>(&self, py: Python<'py>, program: &Program, x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let x = array::batch("x", x, program.program.shape().1, "input of the matrix")?;
        let light = wait::short(py, || self.pass(&program.program, &x.matrix))?;
        array::like(py, light.output, x.is_vector)
    }

    /// Sends fields through the chip and keeps what the gradient of a loss needs.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    /// x : array_like
    ///     Inputs × vectors, or one vector; real or complex.
    ///
    /// Returns
    /// -------
    /// Pass
    fn record(&self, py: Python<'_>, program: &Program, x: &Bound<'_, PyAny>) -> PyResult<Pass> {
        let x = array::batch("x", x, program.program.shape().1, "input of the matrix")?;
        let batch = x.matrix.ncols();
        let Light { output, passes, cores } = wait::short(py, || self.pass(&program.program, &x.matrix))?;
        let output = array::like(py, output, x.is_vector)?.unbind();
        Ok(Pass { program: program.program.clone(), cores, passes, output, batch, is_vector: x.is_vector })
    }

    /// The gradient of a loss by all phases and inputs, by the adjoint method.
    ///
    /// Rounding of the phases counts as the identity; crosstalk between heaters is part of the gradient.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    /// x : array_like
    ///     Inputs × vectors, or one vector.
    /// adjoint : array_like
    ///     ∂L/∂Re y + i·∂L/∂Im y of the outputs y, of their shape.
    ///
    /// Returns
    /// -------
    /// ChipGradient
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np, phaseloom as pl
    /// >>> program = pl.Core(4).program(pl.haar_unitary(4, seed=1))
    /// >>> chip = pl.Process.preset("thermo-optic-silicon").fabricate(program)
    /// >>> x = np.ones(4)
    /// >>> y = chip.propagate(program, x)
    /// >>> gradient = chip.gradient(program, x, y)  # of the loss ½ Σ |y|²
    /// >>> gradient.phases.shape, gradient.inputs.shape
    /// ((16,), (4,))
    fn gradient(
        &self,
        py: Python<'_>,
        program: &Program,
        x: &Bound<'_, PyAny>,
        adjoint: &Bound<'_, PyAny>,
    ) -> PyResult<ChipGradient> {
        self.record(py, program, x)?.gradient(py, adjoint)
    }

    /// Corrects a program for this chip: other phases for the same matrix.
    ///
    /// Parameters
    /// ----------
    /// program : Program
    /// method : str
    ///     Key of the correction, such as ``"local"``; ``phaseloom explain correction`` lists them.
    /// noise : float
    ///     Standard deviation of each measured quadrature, relative to the field of a full input.
    /// effort : float
    ///     Factor on the number of steps.
    /// seed : int
    ///     Seed of the noise.
    ///
    /// Returns
    /// -------
    /// Program
    ///     It runs on this chip in place of ``program``; its ``corrections`` state what was reached.
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     An unknown method, or one that cannot work on this chip.
    /// KeyboardInterrupt
    ///     Ctrl-C stops the method between two steps.
    ///
    /// Examples
    /// --------
    /// >>> import phaseloom as pl
    /// >>> program = pl.Core(4).program(pl.haar_unitary(4, seed=1))
    /// >>> chip = pl.Process(splitter_error={"sigma_rad": 0.01}).fabricate(program)
    /// >>> corrected = chip.correct(program, "local")
    /// >>> chip.matrix_error(corrected) < 0.1 * chip.matrix_error(program)
    /// True
    #[pyo3(signature = (program, method = "local", *, noise = 1e-3, effort = 1.0, seed = 1))]
    fn correct(
        &self,
        py: Python<'_>,
        program: &Program,
        method: &str,
        noise: f64,
        effort: f64,
        seed: u64,
    ) -> PyResult<Program> {
        let interrupt = Interrupt::new();
        let draws = ChipId { seed, trial: 0, core: 0 };
        let instruments = Instruments { noise, effort, draws, interrupt: interrupt.clone() };
        let (chip, own, method) = (self.chip.clone(), program.program.clone(), method.to_owned());
        let corrected = wait::long_until(py, &interrupt, move || chip.correct(&own, &method, &instruments))?;
        Ok(Program::new(corrected, program.core.clone()))
    }

    /// The cores of the chip as JSON texts, in the order of the tiles, as ``phaseloom chip`` writes them to files.
    fn to_json(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        wait::short(py, || {
            Ok(self.cores(&self.program.program)?.iter().map(phaseloom::hardware::Chip::to_json).collect())
        })
    }

    /// Writes the chip of a program of one core as a chip file (JSON), which the command line and ``phaseloom.load`` read.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///
    /// Raises
    /// ------
    /// phaseloom.HardwareError
    ///     The chip has several cores.
    /// phaseloom.FileError
    ///     The file cannot be written.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        wait::short(py, || match &self.cores(&self.program.program)?[..] {
            [core] => Ok(core.save(&path)?),
            cores => Err(Error::SeveralCores { path, cores: cores.len() }),
        })
    }

    fn __repr__(&self) -> String {
        format!("<Chip of seed {}: {} cores>", self.chip.seed().0, self.program.program.cores())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let make = py.import("phaseloom._state")?.getattr("chip")?;
        let state = (Bound::new(py, self.process.clone())?, Bound::new(py, self.program.clone())?, self.seed());
        (make, state).into_pyobject(py)
    }
}

#[pymethods]
impl Pass {
    /// The fields at the outputs, complex128, outputs × vectors, or one vector.
    #[getter]
    fn output(&self, py: Python<'_>) -> Py<PyAny> {
        self.output.clone_ref(py)
    }

    /// The gradient of a loss by all phases and inputs.
    ///
    /// Parameters
    /// ----------
    /// adjoint : array_like
    ///     ∂L/∂Re y + i·∂L/∂Im y of the outputs y, of their shape.
    ///
    /// Returns
    /// -------
    /// ChipGradient
    fn gradient(&self, py: Python<'_>, adjoint: &Bound<'_, PyAny>) -> PyResult<ChipGradient> {
        let (rows, columns) = self.program.shape();
        let adjoint = array::batch("adjoint", adjoint, rows, "output of the matrix")?.matrix;
        if adjoint.ncols() != self.batch {
            let (found, expected) = (adjoint.ncols(), self.batch);
            return Err(error::array(py, &format!("adjoint: found {found} vectors, expected {expected}")));
        }
        let (phases, inputs) = wait::short(py, || Ok(self.backward(&adjoint, columns)))?;
        let inputs = array::like(py, inputs, self.is_vector)?.unbind();
        Ok(ChipGradient { phases: phases.into_pyarray(py).unbind(), inputs })
    }
}

impl Pass {
    fn backward(&self, adjoint: &DMatrix<Complex64>, columns: usize) -> (Vec<f64>, DMatrix<Complex64>) {
        let mut slopes_of_all = Vec::new();
        let mut inputs = DMatrix::zeros(columns, self.batch);
        let cores = self.program.core_programs().zip(self.cores.iter()).zip(&self.passes);
        for ([row, column, rows, columns], ((core, chip), pass)) in self.program.blocks().into_iter().zip(cores) {
            let (slopes, before) = backward(core, chip, pass, &adjoint.rows(row, rows).clone_owned());
            slopes_of_all.extend(slopes.iter().flat_map(Phases::values));
            let mut block = inputs.rows_mut(column, columns);
            block += before.rows(0, columns);
        }
        (slopes_of_all, inputs)
    }
}

/// Slopes by the requested phases of one core, and the adjoint at its inputs.
fn backward(
    core: &MatrixProgram,
    chip: &phaseloom::hardware::Chip,
    pass: &ForwardPass,
    adjoint: &DMatrix<Complex64>,
) -> (Vec<Phases>, DMatrix<Complex64>) {
    let mut full = DMatrix::zeros(core.shape().0, adjoint.ncols());
    full.rows_mut(0, adjoint.nrows()).copy_from(&(adjoint * Complex64::from(core.gain())));
    let (mut slopes, before) = chip.backward(core, pass.clone(), Fields::from_matrix(&full));
    chip.process().drive_adjoint(core, &mut slopes);
    (slopes, before.to_matrix())
}
