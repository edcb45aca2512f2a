//! Work without the interpreter: other Python threads run on, and Ctrl-C is answered.

use crate::error;
use phaseloom::Error;
use phaseloom::hardware::correction::Interrupt;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

/// Time between two looks at signals. A person does not notice it, and it costs nothing.
const LOOK: Duration = Duration::from_millis(20);

/// Short work on the calling thread.
///
/// # Errors
///
/// Those of the work; a panic is an internal error.
pub fn short<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error> + Send) -> PyResult<T> {
    let ended = py.detach(|| catch_unwind(AssertUnwindSafe(work)).map_err(|panic| text(&*panic)));
    finish(py, ended)
}

/// Long work on a thread of its own, which goes on after Ctrl-C: its result is then dropped.
///
/// # Errors
///
/// As [`short`], and `KeyboardInterrupt`.
pub fn long<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> PyResult<T> {
    long_until(py, &Interrupt::new(), work)
}

/// [`long`] work that `interrupt` stops early.
///
/// # Errors
///
/// As [`long`].
pub fn long_until<T: Send + 'static>(
    py: Python<'_>,
    interrupt: &Interrupt,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> PyResult<T> {
    let (sender, mut receiver) = mpsc::channel();
    let run = move || {
        // No one receives it after Ctrl-C.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)).map_err(|panic| text(&*panic)));
    };
    std::thread::Builder::new().spawn(run)?;
    loop {
        let waiting = &mut receiver;
        match py.detach(move || waiting.recv_timeout(LOOK)) {
            Ok(ended) => return finish(py, ended),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                if let Err(signal) = py.check_signals() {
                    interrupt.request();
                    return Err(signal);
                }
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(error::bug(py, "a thread was lost")),
        }
    }
}

fn finish<T>(py: Python<'_>, ended: Result<Result<T, Error>, String>) -> PyResult<T> {
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error::exception(py, &error)),
        Err(panic) => Err(error::bug(py, &panic)),
    }
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let known = panic.downcast_ref::<String>().cloned();
    known.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
