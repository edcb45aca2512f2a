//! The commands: one file and one line in `commands! { … }` each.

mod budget;
mod calibrate;
mod chip;
mod compare;
mod completions;
mod convert;
mod correct;
mod cost;
mod draw;
mod explain;
mod generate;
mod heaters;
mod import;
mod inspect;
mod matrix;
mod merge;
mod new;
mod program;
#[cfg(test)]
mod reference;
mod report;
mod run;
mod spectra;
mod study;
mod sweep;
mod terminal;
mod tolerance;
mod train;
mod training_study;
mod validate;
mod yields;

use terminal::{error_text, output, system};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Instant;

/// Runs trained neural networks on imperfect photonic chips.
#[derive(Parser)]
#[command(name = "phaseloom", version, propagate_version = true, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 success; 1 internal error, or a claim of `validate` that fails; 2 usage or bad input; 130 interrupted.\n\
    Data read by path: set PHASELOOM_DATA to their folder."
)]
struct Cli {
    #[command(flatten)]
    messages: output::Messages,
    #[command(subcommand)]
    command: Command,
}

/// The subcommands, each with its arguments and a method `execute`.
macro_rules! commands {
    ($($module:ident::$name:ident),* $(,)?) => {
        #[derive(Subcommand)]
        enum Command {
            $($name($module::$name)),*
        }

        impl Command {
            fn execute(self) -> anyhow::Result<Exit> {
                match self {
                    $(Self::$name(command) => command.execute()),*
                }
            }
        }
    };
}

commands! {
    new::New,
    generate::Generate,
    import::Import,
    inspect::Inspect,
    run::Run,
    merge::Merge,
    sweep::Sweep,
    cost::Cost,
    yields::Yield,
    tolerance::Tolerance,
    budget::Budget,
    report::Report,
    program::Program,
    convert::Convert,
    chip::Chip,
    correct::Correct,
    matrix::Matrix,
    compare::Compare,
    heaters::Heaters,
    draw::Draw,
    train::Train,
    calibrate::Calibrate,
    spectra::Spectra,
    validate::Validate,
    explain::Explain,
    explain::List,
    explain::Preset,
    completions::Completions,
    completions::Man,
}

/// How a command without an error ends.
enum Exit {
    Done,
    Interrupted,
    /// A claim of `validate` failed.
    Failed,
}

/// Runs the command line and returns its exit code. The first argument is the name of the program.
///
/// Exit codes: 0 success; 1 an internal error, or a claim of `validate` that fails; 2 usage, bad input, a missing or
/// unwritable path; 130 Ctrl-C, SIGTERM or SIGHUP. It sets handlers of signals and panics, so that a process calls it once.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let matches = match with_negative_numbers(Cli::command()).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return refuse_usage(&error),
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    output::configure(cli.messages);
    let start = Instant::now();
    system::block_signals();
    report_panics();
    let work = || cli.command.execute();
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    output::time_taken(start);
    match ended {
        Ok(Ok(Exit::Done)) => 0,
        Ok(Ok(Exit::Interrupted)) => 130,
        Ok(Ok(Exit::Failed)) => 1,
        Ok(Err(error)) => {
            let text = error_text::escape_control(&message(&error));
            output::error(error_text::code(&error), &text);
            if is_internal(&error) { 1 } else { 2 }
        }
        Err(_) => {
            output::error(error_text::BUG, "this is a bug in Phaseloom; please report it with the message above");
            1
        }
    }
}

/// Reports panics, but for those of the library of ONNX graphs, which become errors of the graph.
fn report_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !phaseloom::experiment::executes_graph() {
            report(panic);
        }
    }));
}

/// Prints a refused command line with its code, or the help or version that was asked for.
fn refuse_usage(error: &clap::Error) -> u8 {
    let text = error.render();
    let coloured = std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal();
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        let code = error_text::USAGE;
        output::status(text.replacen("error:", &format!("error[E{code:04}]:"), 1).trim_end());
    } else {
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).unwrap_or(2)
}

/// The command with options that read `-1` as a value, so that its message is about the value.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let args = |command: clap::Command| {
        command.mut_args(|arg| if arg.get_action().takes_values() { arg.allow_negative_numbers(true) } else { arg })
    };
    args(command).mut_subcommands(args)
}

/// The error and its causes, without causes that the text already contains.
fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let line = cause.to_string();
        if text.is_empty() {
            text = line;
        } else if !text.contains(&line) {
            text += &format!(": {line}");
        }
    }
    text
}

/// A decomposition that fails its own check is an internal error, not the user's.
fn is_internal(error: &anyhow::Error) -> bool {
    use phaseloom::hardware::HardwareError;
    use phaseloom::mesh::MeshError;
    error.chain().any(|cause| {
        cause.is::<phaseloom::numerics::NumericsError>()
            || matches!(cause.downcast_ref(), Some(MeshError::Numerics(_)))
            || matches!(
                cause.downcast_ref(),
                Some(HardwareError::Numerics(_) | HardwareError::Mesh(MeshError::Numerics(_)))
            )
    })
}
