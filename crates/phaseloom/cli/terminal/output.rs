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

/// Endings of files. A folder of results does not have such a name.
const FILE_ENDINGS: [&str; 11] = ["npy", "npz", "json", "toml", "svg", "png", "csv", "txt", "safetensors", "md", "pdf"];

/// The ending of a name in lower case, without its point.
pub fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Checks before any work that `-o` names a file that can be written: its ending is that of a format (`endings`), and it
/// is none of the input files `read`, given with their roles.
pub fn check_output_path(output: &Path, endings: &[&str], read: &[(&str, Option<&Path>)]) -> anyhow::Result<()> {
    phaseloom_files::check_output(output).context("-o")?;
    phaseloom_files::check_not_input(output, read).context("-o")?;
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
    phaseloom_files::check_replaced(output, formats).context("-o")
}

/// Checks before any work that `-o` names a folder that exists or can be made.
pub fn check_output_folder(folder: &Path) -> anyhow::Result<()> {
    phaseloom_files::check_output_folder(folder).context("-o")?;
    anyhow::ensure!(
        folder.is_dir() || !FILE_ENDINGS.contains(&ending(folder).as_str()),
        "-o: found {}, the name of a file, expected that of a folder",
        folder.display()
    );
    Ok(())
}
