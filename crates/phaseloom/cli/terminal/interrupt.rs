//! Ctrl-C: once to stop after the current unit of work, twice to stop at once.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The flag that Ctrl-C sets. If no handler can be set, Ctrl-C ends the program at once, which loses no result either.
pub fn flag() -> &'static AtomicBool {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        super::output::status("stopping after the current work; Ctrl-C again stops at once");
    };
    let _ = ctrlc::set_handler(handler);
    &INTERRUPTED
}
