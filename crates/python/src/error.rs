//! Errors as exceptions of `phaseloom.errors`, one class per concern.

use phaseloom::Error;
use phaseloom::hardware::HardwareError;
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// `phaseloom.errors.exception_of_code`.
static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Code of an array of another shape, or with an entry that is not finite.
const ARRAY: u16 = 0;

/// Code of a failure that no input should cause, as in the command line.
const BUG: u16 = 2;

/// The exception of an error.
pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    if matches!(error, Error::Hardware(HardwareError::Interrupted)) {
        return PyKeyboardInterrupt::new_err(error.to_string());
    }
    if let Some(text) = in_words_of_python(error) {
        return from_code(py, error.code(), &text);
    }
    // The chain of causes, without those that the text already contains.
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let line = inner.to_string();
        if !text.contains(&line) {
            text += &format!(": {line}");
        }
        cause = inner.source();
    }
    from_code(py, error.code(), &text)
}

/// The exception of an array that does not fit.
pub fn array(py: Python<'_>, message: &str) -> PyErr {
    from_code(py, ARRAY, message)
}

/// The exception of a failure that no input should cause.
pub fn bug(py: Python<'_>, message: &str) -> PyErr {
    from_code(py, BUG, &format!("this is a bug in Phaseloom; please report it: {message}"))
}

/// The exception of an argument of the wrong kind.
pub fn kind(message: String) -> PyErr {
    PyTypeError::new_err(message)
}

fn from_code(py: Python<'_>, code: u16, message: &str) -> PyErr {
    let make = || {
        let make = MAKE.get_or_try_init(py, || {
            Ok::<_, PyErr>(py.import("phaseloom.errors")?.getattr("exception_of_code")?.unbind())
        })?;
        make.bind(py).call1((code, message))
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Messages that name functions of the Rust library, with the names of the package.
fn in_words_of_python(error: &Error) -> Option<String> {
    match error {
        Error::ComplexProduct { rows, columns } => Some(format!(
            "a product with a complex {rows}×{columns} matrix: found a program of a complex matrix or of a file, expected one of \
             real weights; use `chip.matrix` or `chip.propagate`"
        )),
        Error::Detection { program, link } => Some(format!(
            "the program was made for `{program}` detection, the link has `{link}`: state the detection of the core, \
             `Core(ports, detection=\"{link}\")`"
        )),
        Error::SeveralCores { path, cores } => Some(format!(
            "{}: found {cores} cores, expected one: take the texts of `to_json()`, one for each core, or pickle",
            path.display()
        )),
        _ => None,
    }
}
