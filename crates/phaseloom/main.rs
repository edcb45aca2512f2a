//! The command line of Phaseloom.
//!
//! Exit codes: 0 success; 1 an internal error, or a claim of `validate` that fails; 2 usage, bad input, a missing or
//! unwritable path; 130 Ctrl-C, SIGTERM or SIGHUP.

#[path = "cli/mod.rs"]
mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
