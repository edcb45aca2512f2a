//! The command line of Phaseloom.
//!
//! Exit codes: 0; 1 an internal error, or a claim of `validate` that fails; 2 usage, bad input, a missing or unwritable path; 130 Ctrl-C.

#[path = "cli/mod.rs"]
mod cli;

use std::process::ExitCode;

/// Keeps memory that is given back for what is asked for next. That of many systems hands it to the system after each
/// gradient of a small mesh, which then clears it anew: a fifth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
