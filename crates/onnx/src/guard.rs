//! Panics of tract as errors. A damaged graph, or an index that is out of range, panics there.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tract_onnx::tract_core::internal::*;

thread_local! {
    static EXECUTES: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread executes the graph library. A panic of that library becomes an error of the graph, so a hook for
/// panics must not report it.
#[must_use]
pub fn executes_graph() -> bool {
    EXECUTES.get()
}

/// Runs the graph library. Its panic is an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> TractResult<T> {
    let outer = EXECUTES.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(work));
    let is_of_library = EXECUTES.replace(outer);
    match ended {
        Ok(result) => result,
        Err(panic) if is_of_library => Err(format_err!("the graph library stopped: {}", message(&*panic))),
        Err(panic) => resume_unwind(panic),
    }
}

/// Runs code that is not of the graph library, inside of [`guarded`]. Its panic stays a panic.
pub(crate) fn unguarded<T>(work: impl FnOnce() -> T) -> T {
    let outer = EXECUTES.replace(false);
    let result = work();
    EXECUTES.set(outer);
    result
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it gave no reason")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_of_the_library_alone_are_errors() {
        let error = guarded::<()>(|| panic!("index {} out of range", 7)).unwrap_err();
        assert!(error.to_string().ends_with("index 7 out of range"), "{error}");
        assert!(catch_unwind(|| guarded(|| Ok(unguarded(|| panic!("ours"))))).is_err());
        assert!(!executes_graph());
    }
}
