//! Text for people: results on stdout, everything else on stderr.

use std::io::Write;

/// Writes to stdout; a reader that has gone (`| head`) is no error.
pub fn show(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}
