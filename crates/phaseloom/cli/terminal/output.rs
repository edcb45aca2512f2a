//! Output of commands: results on stdout, everything else on stderr.

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use phaseloom::files::{ResultFormat, Results, WIDTH, observe_reads, sha256, wrap};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

/// Options of every command about what it says.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Messages {
    /// Print results and errors only: no progress, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Also print the files that are read (size, SHA-256) and written, of a run the seed, threads and defaults, memory and time
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Colours: auto follows the terminal and NO_COLOR
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// The option of commands that print results.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct Format {
    /// How results are printed: table, json (all values in full precision), or csv
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_possible_values = true,
        hide_default_value = true
    )]
    format: FormatName,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FormatName {
    #[default]
    Table,
    Json,
    Csv,
}

impl Format {
    fn result_format(self) -> ResultFormat {
        match self.format {
            FormatName::Table => ResultFormat::Table,
            FormatName::Json => ResultFormat::Json,
            FormatName::Csv => ResultFormat::Csv,
        }
    }
}

static MESSAGES: OnceLock<Messages> = OnceLock::new();

/// Sets the options for the rest of the process.
pub fn configure(messages: Messages) {
    let choice = match messages.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::AlwaysAnsi,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    let _ = MESSAGES.set(messages);
    if messages.verbose {
        observe_reads(|path, bytes| {
            detail(&format!("read {}: {} bytes, SHA-256 {}", path.display(), bytes.len(), sha256(bytes)));
        });
    }
}

fn is_quiet() -> bool {
    MESSAGES.get().is_some_and(|messages| messages.quiet)
}

/// Writes a line to stderr unless the command is quiet. A closed stderr is not an error.
pub fn status(line: &str) {
    if !is_quiet() {
        message(line);
    }
}

/// Says that a result was only summarised, if no file was asked for.
pub fn hint_output(output: Option<&Path>, file: &str) {
    if output.is_none() {
        status(&format!("note: no file was written; -o {file} writes one"));
    }
}

/// Writes a line about files and times to stderr, if it is asked for.
pub fn detail(line: &str) {
    if MESSAGES.get().is_some_and(|messages| messages.verbose) {
        message(line);
    }
}

/// Writes an error with its code to stderr.
pub fn error(code: u16, text: &str) {
    message(&format!("error[E{code:04}]: {text}"));
}

/// Writes a message whose first word may be `error[…]`, `warning` or `note`. On a terminal long lines are broken at spaces;
/// in a pipe a message is one line, to be searched.
fn message(text: &str) {
    let text = if std::io::stderr().is_terminal() { wrap(text, WIDTH, 2) } else { text.to_owned() };
    let color = match text.split_once(": ").map(|(head, _)| head) {
        Some(head) if head.starts_with("error[") => AnsiColor::Red,
        Some("warning") => AnsiColor::Yellow,
        Some("note") => AnsiColor::Cyan,
        _ => {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
            return;
        }
    };
    let (head, rest) = text.split_once(": ").unwrap_or((&text, ""));
    let style = Style::new().bold().fg_color(Some(color.into()));
    let _ = writeln!(anstream::stderr().lock(), "{style}{head}:{style:#} {rest}");
}

/// Writes to stdout. A reader that has gone (`| head`) is not an error.
pub fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Writes bytes to stdout.
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e).context("standard output"),
        _ => Ok(()),
    }
}

/// Prints results in a format. Marks of verdicts are coloured on a terminal.
pub fn print_results(results: &Results, format: Format) -> anyhow::Result<()> {
    let text = results.written(format.result_format());
    let is_colored = format.format == FormatName::Table
        && anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    print(&if is_colored { colored_marks(&text) } else { text })
}

/// Prints the results of a command that writes a file: on stderr if the file itself goes to stdout.
pub fn print_summary(results: &Results, format: Format, output: Option<&Path>) -> anyhow::Result<()> {
    if output.is_some_and(super::streams::is_stream) {
        results.written(format.result_format()).lines().for_each(status);
        return Ok(());
    }
    print_results(results, format)
}

fn colored_marks(text: &str) -> String {
    let marks = [("✓", AnsiColor::Green), ("✗", AnsiColor::Red)];
    marks.iter().fold(text.to_owned(), |text, (mark, color)| {
        let style = Style::new().bold().fg_color(Some((*color).into()));
        text.replace(mark, &format!("{style}{mark}{style:#}"))
    })
}

/// Says how long a command took, if it is asked for.
pub fn time_taken(start: Instant) {
    let memory = peak_bytes().map(|bytes| format!(", memory at most {:.0} MB", bytes / 1e6)).unwrap_or_default();
    detail(&format!("took {:.2} s{memory}", start.elapsed().as_secs_f64()));
}

/// The largest memory of this process so far, in bytes, if the system states it.
fn peak_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(1024.0 * kibibytes)
}

/// A progress bar on stderr, of a length that is set later.
pub fn progress_bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let target = if is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// Shows (done, total) on a bar. What was done before the first call does not measure the speed of this session.
pub fn counter(bar: &ProgressBar) -> impl Fn(usize, usize) + Sync + '_ {
    |done, total| {
        bar.set_length(total as u64);
        if bar.position() == 0 && done > 0 {
            bar.set_position(done as u64);
            bar.reset_eta();
        }
        bar.set_position(done as u64);
    }
}

/// Endings of files. A folder of results does not have such a name.
const FILE_ENDINGS: [&str; 11] = ["npy", "npz", "json", "toml", "svg", "png", "csv", "txt", "safetensors", "md", "pdf"];

/// The ending of a name in lower case, without its point.
pub fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Checks before any work that `-o` names a file that can be written: its ending is that of a format (`endings`), and it
/// is none of the input files `read`, given with their roles.
pub fn check_output_path(output: &Path, endings: &[&str], read: &[(&str, Option<&Path>)]) -> anyhow::Result<()> {
    if super::streams::is_stream(output) {
        return Ok(());
    }
    phaseloom::files::check_output(output).context("-o")?;
    phaseloom::files::check_not_input(output, read).context("-o")?;
    // A device takes the only format.
    let device = endings.len() == 1 && (output.starts_with("/dev") || output.metadata().is_ok_and(|m| !m.is_file()));
    anyhow::ensure!(
        device || endings.contains(&ending(output).as_str()),
        "-o: found {}, expected a name that ends with .{}, the format that is written",
        output.display(),
        endings.join(" or .")
    );
    Ok(())
}

/// Checks before any work that `-o` names a JSON file that can be written, and that would replace nothing but a file of one
/// of the formats.
pub fn check_json_path(output: &Path, formats: &[&str], read: &[(&str, Option<&Path>)]) -> anyhow::Result<()> {
    check_output_path(output, &["json"], read)?;
    if super::streams::is_stream(output) {
        return Ok(());
    }
    phaseloom::files::check_replaced(output, formats).context("-o")
}

/// Checks before any work that `-o` names a folder that exists or can be made.
pub fn check_output_folder(folder: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        !super::streams::is_stream(folder),
        "-o: found `-`, standard output, expected the name of a folder: this command writes several files"
    );
    phaseloom::files::check_output_folder(folder).context("-o")?;
    anyhow::ensure!(
        folder.is_dir() || !FILE_ENDINGS.contains(&ending(folder).as_str()),
        "-o: found {}, the name of a file, expected that of a folder",
        folder.display()
    );
    Ok(())
}
