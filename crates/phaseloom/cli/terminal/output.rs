//! Output of commands: results on stdout, everything else on stderr.

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::path::Path;

/// Writes a line to stderr. A closed stderr is not an error.
pub fn status(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes to stdout. A reader that has gone (`| head`) is not an error.
pub fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e).context("standard output"),
        _ => Ok(()),
    }
}

/// A progress bar on stderr, of a length that is set later.
pub fn progress_bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// A number with some decimals, with an exponent from 10⁶ on.
pub fn number(value: f64, decimals: usize) -> String {
    if value.abs() < 1e6 { format!("{value:.decimals$}") } else { format!("{value:.decimals$e}") }
}

/// A ratio, which may be tiny.
pub fn ratio(value: f64) -> String {
    if value < 1e-3 { format!("{value:.1e}") } else { number(value, 6) }
}

/// Transmitted power in dB, or "no light" for zero power.
pub fn transmission(db: f64) -> String {
    if db > f64::NEG_INFINITY { format!("{} dB", number(db, 3)) } else { "no light".to_owned() }
}

/// An electrical power.
pub fn power(watts: f64) -> String {
    match watts {
        _ if watts >= 1.0 => format!("{} W", number(watts, 3)),
        _ if watts == 0.0 || watts >= 1e-6 => format!("{:.3} mW", 1e3 * watts),
        _ => format!("{watts:.2e} W"),
    }
}

/// Checks before any work that a file can be written and is none of the input files `read`, given with their roles.
pub fn check_output_path(output: &Path, read: &[(&str, Option<&Path>)]) -> anyhow::Result<()> {
    phaseloom_files::check_output(output).context("-o")?;
    // An output that does not exist yet is no input.
    let same = |path: &Path| output.canonicalize().is_ok_and(|output| path.canonicalize().is_ok_and(|p| p == output));
    match read.iter().find(|(_, path)| path.is_some_and(same)) {
        Some((role, _)) => {
            anyhow::bail!("-o: found {}, which is {role}: expected another file to write to", output.display())
        }
        None => Ok(()),
    }
}
