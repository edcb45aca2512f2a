//! The program `phaseloom`: the command line of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(phaseloom::command_line(std::env::args_os()))
}
