//! Ctrl-C: once to stop after the work in hand, twice to stop at once.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The flag that Ctrl-C sets; without a handler (none could be set) Ctrl-C ends the program at once, which loses
/// nothing either.
pub fn flag() -> &'static AtomicBool {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        super::output::note("stopping after the work in hand; Ctrl-C again stops at once");
    };
    let _ = ctrlc::set_handler(handler);
    &INTERRUPTED
}
