//! Ctrl-C, SIGTERM and SIGHUP: once to stop after the current unit of work, twice to stop at once.

use phaseloom::hardware::correction::Interrupt;

/// The request that one of the signals makes. If no handler can be set, a signal ends the program at once, which loses no
/// result either.
pub fn on_signal() -> Interrupt {
    let interrupt = Interrupt::new();
    let request = interrupt.clone();
    let handler = move || {
        if request.request() {
            std::process::exit(130);
        }
        super::output::status("stopping after the current work; Ctrl-C or SIGTERM again stops at once");
    };
    let _ = ctrlc::set_handler(handler);
    interrupt
}
