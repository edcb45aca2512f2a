//! Error messages on a terminal, and their codes.

use phaseloom::experiment::{ExperimentError, Problem};
use phaseloom::files::FileError;
use phaseloom::hardware::HardwareError;
use phaseloom::hardware::spectra::SpectraError;
use phaseloom::mesh::MeshError;
use phaseloom::network::NetworkError;
use phaseloom::numerics::NumericsError;
use phaseloom::report::ReportError;
use phaseloom::study::StudyError;
use phaseloom::validation::ValidationError;

/// Code of a command line that was refused, and of what a command refuses itself.
pub const USAGE: u16 = 1;

/// Code of a failure that no input should cause.
pub const BUG: u16 = 2;

/// Code of a failure of the system at a file.
const IO: u16 = 102;

/// Every code with its cause and its remedy, in order.
pub fn codes() -> Vec<(u16, &'static str, &'static str)> {
    let of_commands = [
        (
            USAGE,
            "The command line, or the options together with a file, cannot be used.",
            "Read the message: it names the option, the value found and the values expected. `phaseloom COMMAND --help` shows \
             examples.",
        ),
        (
            BUG,
            "Phaseloom failed in a way that no input should cause.",
            "Please report it with the message and the command.",
        ),
    ];
    let mut codes = [
        &of_commands[..],
        FileError::CODES,
        NumericsError::CODES,
        MeshError::CODES,
        HardwareError::CODES,
        SpectraError::CODES,
        NetworkError::CODES,
        ExperimentError::CODES,
        StudyError::CODES,
        Problem::CODES,
        ReportError::CODES,
        ValidationError::CODES,
        phaseloom::Error::CODES,
    ]
    .concat();
    codes.sort_unstable();
    codes
}

/// The code of the first cause that has one. `phaseloom explain` explains it.
pub fn code(error: &anyhow::Error) -> u16 {
    let of_cause = |cause: &(dyn std::error::Error + 'static)| {
        macro_rules! first {
            ($($error:ty),*) => {
                None$(.or_else(|| cause.downcast_ref::<$error>().map(<$error>::code)))*
            };
        }
        first!(
            phaseloom::Error,
            ValidationError,
            StudyError,
            ExperimentError,
            Problem,
            NetworkError,
            HardwareError,
            SpectraError,
            MeshError,
            ReportError,
            FileError,
            NumericsError
        )
        .or_else(|| cause.is::<std::io::Error>().then_some(IO))
    };
    error.chain().find_map(of_cause).unwrap_or(USAGE)
}

/// Longer lines are cut, because a terminal cannot show them.
const MAX_LINE: usize = 2000;

/// Escapes control characters and cuts long lines, so that a message is safe to print on a terminal.
pub fn escape_control(message: &str) -> String {
    let escaped = |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    let lines = message.lines().map(|line| {
        let end = if line.chars().nth(MAX_LINE).is_some() { "…" } else { "" };
        line.chars().take(MAX_LINE).map(escaped).collect::<String>() + end
    });
    lines.collect::<Vec<_>>().join("\n")
}
