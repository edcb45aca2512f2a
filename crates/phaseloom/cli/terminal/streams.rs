//! Standard input and output in the place of a file: the name `-`.

use super::output;
use anyhow::Context;
use phaseloom::files::{FileBytes, read_bytes};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether standard input already has a reader.
static IS_READ: AtomicBool = AtomicBool::new(false);

/// Whether a path is `-`.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The path that an input is read from: that of standard input for `-`.
pub fn input(path: &Path) -> anyhow::Result<PathBuf> {
    if !is_stream(path) {
        return Ok(path.to_owned());
    }
    anyhow::ensure!(
        !IS_READ.swap(true, Ordering::Relaxed),
        "found `-` twice, expected it once: standard input is read once; name a file for the other"
    );
    let stream = PathBuf::from("/dev/stdin");
    anyhow::ensure!(stream.exists(), "found `-`, expected a file: this system has no /dev/stdin");
    Ok(stream)
}

/// The bytes of an input, which may be standard input.
pub fn read(path: &Path) -> anyhow::Result<FileBytes> {
    Ok(read_bytes(&input(path)?)?)
}

/// Refuses `-` for an input that names other files relative to its folder.
pub fn refuse_stream(role: &str, path: &Path) -> anyhow::Result<()> {
    refuse_stream_because(role, path, "its paths are relative to its folder")
}

/// Refuses `-` for an input that must be a file, for a reason.
pub fn refuse_stream_because(role: &str, path: &Path, reason: &str) -> anyhow::Result<()> {
    anyhow::ensure!(!is_stream(path), "{role}: found `-`, standard input, expected a file: {reason}");
    Ok(())
}

/// Writes a file by `save`, which takes its path; for `-` to standard output.
pub fn save<E: Into<anyhow::Error>>(path: &Path, save: impl FnOnce(&Path) -> Result<(), E>) -> anyhow::Result<()> {
    if !is_stream(path) {
        save(path).map_err(Into::into)?;
        output::status(&format!("wrote {}", path.display()));
        return Ok(());
    }
    // The same bytes as in a file. The folder is new, so that nothing of another user is in it.
    let unique = std::time::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_nanos());
    let folder = std::env::temp_dir().join(format!("phaseloom-{}-{unique}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    let file = folder.join("output");
    let bytes = save(&file).map_err(Into::into).and_then(|()| Ok(std::fs::read(&file)?));
    let _ = std::fs::remove_dir_all(&folder);
    output::print_bytes(&bytes?)
}
