//! `Layer`: a matrix on chips whose phases are trained, for automatic differentiation.

use crate::link::Link;
use crate::process::Process;
use crate::program::Program;
use crate::{array, error, wait};
use nalgebra::DMatrix;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use phaseloom::Error;
use phaseloom::hardware::slopes::Adjoint;
use phaseloom::hardware::{LayerAddress, ParameterKind, ProductTrace, Shot, TrainableLayer};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Maximum logarithm of a gain: the square of a higher gain overflows.
const MAX_LOG_GAIN: f64 = 300.0;

/// Real weights on chips whose phases, attenuators and gains are parameters of a training.
///
/// ``phaseloom.torch`` and ``phaseloom.jax`` are made of it; a loop of one's own may use it, too.
///
/// Parameters
/// ----------
/// program : Program
///     Of real weights; its phases are the first values of the parameters.
/// process : Process or dict, optional
///     The default is a process without errors.
/// link : Link or dict, optional
///     The default is a link without noise and converters.
/// seed, trial, layer, first_core : int
///     The address of the chips: another trial or first core has other chips, another layer other noise.
/// differentiate_noise : bool
///     Whether the gradient counts that the size of the noise depends on the light.
///
/// Examples
/// --------
/// >>> import numpy as np, phaseloom as pl
/// >>> program = pl.Core(4).program(np.sin(np.arange(16.0).reshape(4, 4)))
/// >>> layer = pl.Layer(program, {"splitter_error": {"sigma_rad": 0.02}})
/// >>> x = np.full((4, 3), 0.5)
/// >>> y, trace = layer.record(layer.parameters, x)
/// >>> by_parameters, by_inputs = trace.gradient(y)  # of the loss ½ Σ y²
/// >>> by_parameters.shape == layer.parameters.shape, by_inputs.shape
/// (True, (4, 3))
#[pyclass(frozen, module = "phaseloom")]
pub struct Layer {
    state: Arc<Mutex<State>>,
    program: Program,
    process: Process,
    link: phaseloom::hardware::Link,
    address: Address,
    differentiate_noise: bool,
    first: Vec<f64>,
    groups: Vec<(ParameterKind, usize)>,
}

struct State {
    layer: TrainableLayer,
    trial: u64,
    /// Vectors that were multiplied so far: each has noise of its own.
    sent: u64,
}

/// Seed, layer and first core.
#[derive(Clone, Copy)]
struct Address {
    seed: u64,
    layer: u64,
    first_core: u64,
}

/// A product of a layer, from :meth:`Layer.record`.
#[pyclass(frozen, module = "phaseloom")]
pub struct LayerTrace {
    state: Arc<Mutex<State>>,
    trace: ProductTrace,
    parameters: Vec<f64>,
    trial: u64,
    shape: (usize, usize),
    is_vector: bool,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Moves to other parameters, and keeps the realised matrices if they are the same.
    fn set(&mut self, values: &[f64]) {
        let same = self.layer.parameters().iter().flatten().zip(values).all(|(a, b)| a.to_bits() == b.to_bits());
        if same {
            return;
        }
        let mut rest = values.iter();
        for parameter in self.layer.parameters_mut().iter_mut().flatten() {
            if let Some(value) = rest.next() {
                *parameter = *value;
            }
        }
    }

    fn fabricate(&mut self, Address { seed, layer, first_core }: Address, trial: u64) -> Result<(), Error> {
        self.layer.fabricate(LayerAddress { seed, trial, layer, first_core })?;
        self.trial = trial;
        Ok(())
    }
}

impl Layer {
    fn values(&self, value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
        let values = array::vector("parameters", value)?;
        let (found, expected) = (values.len(), self.first.len());
        if found != expected {
            return Err(error::array(value.py(), &format!("parameters: found {found} numbers, expected {expected}")));
        }
        let mut start = 0;
        for (kind, count) in &self.groups {
            if let (ParameterKind::Gain, gain) = (kind, values[start])
                && gain.abs() > MAX_LOG_GAIN
            {
                let message = format!("parameters: the logarithm of a gain is {gain}, expected at most {MAX_LOG_GAIN}");
                return Err(error::array(value.py(), &message));
            }
            start += count;
        }
        Ok(values)
    }
}

#[pymethods]
impl Layer {
    #[new]
    #[pyo3(signature = (program, process = None, link = None, *, seed = 1, trial = 0, layer = 0, first_core = 0,
        differentiate_noise = false))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of a constructor in Python")]
    fn new(
        py: Python<'_>,
        program: &Program,
        process: Option<&Bound<'_, PyAny>>,
        link: Option<&Bound<'_, PyAny>>,
        seed: u64,
        trial: u64,
        layer: u64,
        first_core: u64,
        differentiate_noise: bool,
    ) -> PyResult<Self> {
        let address = Address { seed, layer, first_core };
        let (process, link) = (Process::from_argument(process)?, Link::from_argument(link)?);
        let state = wait::short(py, || {
            let mut state = State { layer: program.program.trainable(&process.process, &link)?, trial, sent: 0 };
            state.layer.differentiate_noise(differentiate_noise);
            state.fabricate(address, trial)?;
            Ok(state)
        })?;
        let parameters = state.layer.parameters();
        let groups = state.layer.kinds().into_iter().zip(parameters.iter().map(Vec::len)).collect();
        let first = parameters.concat();
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            program: program.clone(),
            process,
            link,
            address,
            differentiate_noise,
            first,
            groups,
        })
    }

    /// Rows (outputs) and columns (inputs) of the weights.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.program.program.shape()
    }

    /// The parameters of the program, float64: of each core the phases of the first mesh, θ of the attenuators, the phases of the
    /// second mesh (all in rad), and the logarithm of the gain.
    #[getter]
    fn parameters<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.first.clone().into_pyarray(py)
    }

    /// The groups of the parameters in order: ``"mesh"``, ``"attenuators"`` or ``"gain"``, with the number of values.
    #[getter]
    fn groups(&self) -> Vec<(&'static str, usize)> {
        let key = |kind: &ParameterKind| match kind {
            ParameterKind::Mesh => "mesh",
            ParameterKind::Attenuators => "attenuators",
            ParameterKind::Gain => "gain",
        };
        self.groups.iter().map(|(kind, count)| (key(kind), *count)).collect()
    }

    /// The trial of the present chips.
    #[getter]
    fn trial(&self) -> u64 {
        locked(&self.state).trial
    }

    /// Fabricates the chips of another trial, on which the layer computes from now on.
    ///
    /// Parameters
    /// ----------
    /// trial : int
    fn fabricate(&self, py: Python<'_>, trial: u64) -> PyResult<()> {
        wait::short(py, || locked(&self.state).fabricate(self.address, trial))
    }

    /// Multiplies vectors on the present chips, and keeps what the gradient of a loss needs.
    ///
    /// Parameters
    /// ----------
    /// parameters : array_like
    ///     In the order of :attr:`parameters`.
    /// x : array_like
    ///     Real, inputs × vectors, or one vector.
    /// first_vector : int, optional
    ///     Number of the first vector, which addresses its noise. By default every vector has noise of its own.
    ///
    /// Returns
    /// -------
    /// tuple of numpy.ndarray and LayerTrace
    ///     float64, outputs × vectors, or one vector.
    #[pyo3(signature = (parameters, x, first_vector = None))]
    fn record<'py>(
        &self,
        py: Python<'py>,
        parameters: &Bound<'py, PyAny>,
        x: &Bound<'py, PyAny>,
        first_vector: Option<u64>,
    ) -> PyResult<(Bound<'py, PyAny>, LayerTrace)> {
        let parameters = self.values(parameters)?;
        let shape = self.shape();
        let x = array::batch::<f64>("x", x, shape.1, "input of the matrix")?;
        let vectors = x.matrix.ncols();
        let (y, trace, trial) = wait::short(py, || {
            let mut state = locked(&self.state);
            state.set(&parameters);
            let first_vector = first_vector.unwrap_or(state.sent);
            state.sent = state.sent.wrapping_add(vectors as u64);
            let shot = Shot { trial: state.trial, index: 0, first_vector };
            let (y, trace, _) = state.layer.record(&x.matrix, shot);
            Ok((y, trace, state.trial))
        })?;
        let y = array::like(py, y, x.is_vector)?;
        let (shape, is_vector) = ((shape.0, vectors), x.is_vector);
        let state = self.state.clone();
        Ok((y, LayerTrace { state, trace, parameters, trial, shape, is_vector }))
    }

    /// The weights that chips without errors realise with some parameters, float64, outputs × inputs.
    fn weight<'py>(&self, py: Python<'py>, parameters: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let parameters = self.values(parameters)?;
        let weight = wait::short(py, || {
            let mut state = locked(&self.state);
            state.set(&parameters);
            Ok(state.layer.weight())
        })?;
        array::array(py, weight)
    }

    fn __repr__(&self) -> String {
        let (rows, columns) = self.shape();
        format!("<Layer of a {rows}×{columns} matrix: {} parameters>", self.first.len())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let make = py.import("phaseloom._state")?.getattr("layer")?;
        let link = Bound::new(py, Link { link: self.link.clone() })?;
        let Address { seed, layer, first_core } = self.address;
        let program = Bound::new(py, self.program.clone())?;
        let process = Bound::new(py, self.process.clone())?;
        (make, (program, process, link, seed, self.trial(), layer, first_core, self.differentiate_noise))
            .into_pyobject(py)
    }
}

#[pymethods]
impl LayerTrace {
    /// The gradient of a loss by parameters and inputs, by the adjoint method, as ``phaseloom train`` computes it.
    ///
    /// Parameters
    /// ----------
    /// gradient : array_like
    ///     ∂L/∂y of the outputs y, of their shape.
    /// parameters : bool
    ///     Whether the gradient by the parameters is needed.
    /// inputs : bool
    ///     Whether the gradient by the inputs is needed.
    ///
    /// Returns
    /// -------
    /// tuple of numpy.ndarray or None
    ///     By the parameters, and by the inputs; None where not needed.
    ///
    /// Raises
    /// ------
    /// phaseloom.ArrayError
    ///     Another shape, or the layer has other chips by now.
    #[pyo3(signature = (gradient, *, parameters = true, inputs = true))]
    #[allow(clippy::type_complexity, reason = "two optional arrays")]
    fn gradient<'py>(
        &self,
        py: Python<'py>,
        gradient: &Bound<'py, PyAny>,
        parameters: bool,
        inputs: bool,
    ) -> PyResult<(Option<Bound<'py, PyArray1<f64>>>, Option<Bound<'py, PyAny>>)> {
        let gradient = array::batch::<f64>("gradient", gradient, self.shape.0, "output of the matrix")?.matrix;
        if gradient.ncols() != self.shape.1 {
            let (found, expected) = (gradient.ncols(), self.shape.1);
            return Err(error::array(py, &format!("gradient: found {found} vectors, expected {expected}")));
        }
        let found = wait::short(py, || Ok(self.backward(&gradient, parameters, inputs)))?;
        let Some((by_parameters, by_inputs)) = found else {
            let message = "gradient: new chips were fabricated after the product, expected the same chips";
            return Err(error::array(py, message));
        };
        let by_inputs = by_inputs.map(|matrix| array::like(py, matrix, self.is_vector)).transpose()?;
        Ok((by_parameters.map(|values| values.into_pyarray(py)), by_inputs))
    }
}

impl LayerTrace {
    /// `None` if the layer has other chips by now.
    #[allow(clippy::type_complexity, reason = "two optional parts")]
    fn backward(
        &self,
        gradient: &DMatrix<f64>,
        parameters: bool,
        inputs: bool,
    ) -> Option<(Option<Vec<f64>>, Option<DMatrix<f64>>)> {
        let mut state = locked(&self.state);
        if state.trial != self.trial {
            return None;
        }
        state.set(&self.parameters);
        if !parameters {
            return Some((None, if inputs { state.layer.input_gradient(&self.trace, gradient) } else { None }));
        }
        let gradients = state.layer.backward(&self.trace, gradient, inputs, &Adjoint);
        Some((Some(gradients.parameters.concat()), gradients.input))
    }
}
