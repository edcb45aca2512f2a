//! NumPy arrays as matrices and back.
//!
//! Results leave without a copy, in the column-major order of the library (Fortran order). Arguments are copied once, because the
//! interpreter may change them while the library computes.

use crate::error;
use nalgebra::DMatrix;
use numpy::npyffi::NPY_ORDER;
use numpy::{
    Complex64, Element, IntoPyArray, PyArray1, PyArray2, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray1,
    PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

static AS_ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// A number of an array.
pub trait Number: Element + Copy + nalgebra::Scalar {
    /// Its name in NumPy.
    const NAME: &'static str;
    /// Whether it is neither infinite nor NaN.
    fn finite(&self) -> bool;
}

impl Number for f64 {
    const NAME: &'static str = "float64";

    fn finite(&self) -> bool {
        self.is_finite()
    }
}

impl Number for Complex64 {
    const NAME: &'static str = "complex128";

    fn finite(&self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }
}

/// A matrix, and whether it was given as one vector.
pub struct Given<T> {
    pub matrix: DMatrix<T>,
    pub is_vector: bool,
}

/// Whether an argument is complex.
pub fn is_complex(name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(kind(name, &numbers(value)?)? == 'c')
}

/// An argument as an array, by `numpy.asarray`.
fn numbers<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Ok(array) = value.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let py = value.py();
    let as_array = AS_ARRAY.get_or_try_init(py, || Ok::<_, PyErr>(py.import("numpy")?.getattr("asarray")?.unbind()))?;
    match as_array.bind(py).call1((value,)) {
        Ok(array) => Ok(array.cast_into::<PyUntypedArray>()?),
        Err(refused) if refused.is_instance_of::<PyValueError>(py) => {
            Err(error::array(py, &refused.value(py).to_string()))
        }
        Err(other) => Err(other),
    }
}

/// The kind of the numbers of an array, `c` or one of `biuf`.
fn kind(name: &str, array: &Bound<'_, PyUntypedArray>) -> PyResult<char> {
    let dtype = array.dtype();
    let kind: char = dtype.getattr("kind")?.extract()?;
    if "biufc".contains(kind) {
        return Ok(kind);
    }
    Err(error::kind(format!("{name}: found an array of {dtype}, expected numbers")))
}

/// An argument as numbers of one type. Complex numbers are refused where real ones are needed.
fn typed<'py, T: Number>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let array = numbers(value)?;
    if kind(name, &array)? == 'c' && T::NAME == f64::NAME {
        return Err(error::kind(format!("{name}: found complex numbers, expected real ones")));
    }
    let py = value.py();
    match array.dtype().is_equiv_to(&T::get_dtype(py)) {
        true => Ok(array.into_any()),
        false => array.call_method1("astype", (T::NAME,)),
    }
}

/// A matrix; one vector is one column. Entries must be finite.
pub fn given<T: Number>(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Given<T>> {
    let py = value.py();
    let array = typed::<T>(name, value)?;
    let (matrix, is_vector) = if let Ok(array) = array.cast::<PyArray2<T>>() {
        (matrix_of(&array.readonly()), false)
    } else if let Ok(array) = array.cast::<PyArray1<T>>() {
        let vector = vector_of(&array.readonly());
        (DMatrix::from_vec(vector.len(), 1, vector), true)
    } else {
        let found = array.cast::<PyUntypedArray>().map_or(0, |array| array.ndim());
        let message = format!("{name}: found an array of {found} dimensions, expected one or two");
        return Err(error::array(py, &message));
    };
    match matrix.iter().position(|entry| !entry.finite()) {
        None => Ok(Given { matrix, is_vector }),
        Some(at) => {
            let (row, column) = (at % matrix.nrows(), at / matrix.nrows());
            let place = if is_vector { format!("entry {row}") } else { format!("row {row}, column {column}") };
            Err(error::array(py, &format!("{name}: {place} is not finite, expected finite numbers")))
        }
    }
}

/// A matrix with at least one row and one column.
pub fn matrix<T: Number>(name: &str, value: &Bound<'_, PyAny>) -> PyResult<DMatrix<T>> {
    let Given { matrix, is_vector } = given(name, value)?;
    if is_vector || matrix.is_empty() {
        let (rows, columns) = matrix.shape();
        let found = if is_vector { "one dimension".to_owned() } else { format!("shape ({rows}, {columns})") };
        let message =
            format!("{name}: found an array of {found}, expected two dimensions with at least one entry each");
        return Err(error::array(value.py(), &message));
    }
    Ok(matrix)
}

/// A batch with a number of rows that is known.
pub fn batch<T: Number>(name: &str, value: &Bound<'_, PyAny>, rows: usize, what: &str) -> PyResult<Given<T>> {
    let given = given(name, value)?;
    if given.matrix.nrows() == rows {
        return Ok(given);
    }
    let found = given.matrix.nrows();
    Err(error::array(value.py(), &format!("{name}: found {found} rows, expected {rows}, one for each {what}")))
}

/// A vector of real numbers.
pub fn vector(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let Given { matrix, is_vector } = given::<f64>(name, value)?;
    match is_vector {
        true => Ok(matrix.data.into()),
        false => Err(error::array(value.py(), &format!("{name}: found an array of two dimensions, expected one"))),
    }
}

fn matrix_of<T: Number>(array: &PyReadonlyArray2<'_, T>) -> DMatrix<T> {
    let view = array.as_array();
    let (rows, columns) = view.dim();
    match (array.as_slice(), array.is_fortran_contiguous()) {
        (Ok(slice), true) => DMatrix::from_column_slice(rows, columns, slice),
        (Ok(slice), false) => DMatrix::from_row_slice(rows, columns, slice),
        _ => DMatrix::from_iterator(rows, columns, view.t().iter().copied()),
    }
}

fn vector_of<T: Number>(array: &PyReadonlyArray1<'_, T>) -> Vec<T> {
    array.as_array().iter().copied().collect()
}

/// A matrix as an array in Fortran order, without a copy.
pub fn array<T: Number>(py: Python<'_>, matrix: DMatrix<T>) -> PyResult<Bound<'_, PyArray2<T>>> {
    let shape = [matrix.nrows(), matrix.ncols()];
    let values: Vec<T> = matrix.data.into();
    values.into_pyarray(py).reshape_with_order(shape, NPY_ORDER::NPY_FORTRANORDER)
}

/// A complex matrix as an array.
pub fn complex(py: Python<'_>, matrix: DMatrix<Complex64>) -> PyResult<Bound<'_, PyArray2<Complex64>>> {
    array(py, matrix)
}

/// A matrix as an array of two dimensions, or of one if the argument was a vector.
pub fn like<T: Number>(py: Python<'_>, matrix: DMatrix<T>, is_vector: bool) -> PyResult<Bound<'_, PyAny>> {
    if is_vector {
        let values: Vec<T> = matrix.data.into();
        return Ok(values.into_pyarray(py).into_any());
    }
    Ok(array(py, matrix)?.into_any())
}
