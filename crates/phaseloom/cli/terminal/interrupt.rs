//! Ctrl-C: the first press stops after the work in hand, the second at once.

use phaseloom::hardware::correction::Interrupt;

/// The request that Ctrl-C makes. If no handler can be set, Ctrl-C ends the program at once, which loses nothing either.
pub fn on_ctrl_c() -> Interrupt {
    let interrupt = Interrupt::new();
    let request = interrupt.clone();
    let handler = move || {
        if request.request() {
            std::process::exit(130);
        }
        super::output::note("stopping after the work in hand; Ctrl-C again stops at once");
    };
    let _ = ctrlc::set_handler(handler);
    interrupt
}
