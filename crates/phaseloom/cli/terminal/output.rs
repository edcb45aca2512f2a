//! Text for people: results on stdout, everything else on stderr.

use std::io::Write;
use std::path::Path;

/// Writes a line to stderr; that nobody reads it any more is no error.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes to stdout; a reader that has gone (`| head`) is no error.
pub fn show(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}

/// A number with some decimals; one so large that nobody counts its digits with an exponent.
pub fn number(value: f64, decimals: usize) -> String {
    if value.abs() < 1e6 { format!("{value:.decimals$}") } else { format!("{value:.decimals$e}") }
}

/// A part of one that may be tiny.
pub fn share(value: f64) -> String {
    if value < 1e-3 { format!("{value:.1e}") } else { number(value, 6) }
}

/// Transmitted power as dB; no light at all is said in words.
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

/// Refuses to write where nothing can be written, before there is anything to lose, or over what was read: `read` are the
/// files of the arguments, by the option or place that named them.
pub fn not_over(output: &Path, read: &[(&str, &Path)]) -> anyhow::Result<()> {
    anyhow::ensure!(!output.is_dir(), "-o: cannot write {}: it is a folder, expected a file name", output.display());
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        anyhow::bail!(
            "-o: cannot write {}: there is no folder {}; make it, or name another place",
            output.display(),
            folder.display()
        );
    }
    let same = |path: &Path| match (path.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        // An output that is not there yet is no file that was read.
        _ => false,
    };
    match read.iter().find(|(_, path)| same(path)) {
        Some((what, _)) => {
            anyhow::bail!("-o: found {}, which is {what}: expected another file to write to", output.display())
        }
        None => Ok(()),
    }
}
