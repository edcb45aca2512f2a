//! The command line of Phaseloom.
//!
//! Exit codes: 0; 1 an internal error, or a claim of `validate` that fails; 2 usage, bad input, a missing or unwritable path; 130 Ctrl-C.

#[path = "cli/mod.rs"]
mod cli;

use std::process::ExitCode;

/// Keeps memory that is given back. Allocators of many systems return it after each gradient of a small mesh, and the
/// system clears it anew when they ask again: a fifth of the time. The benchmarks have the same one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
