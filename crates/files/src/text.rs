//! Reading of text with a limit, and atomic writing.

use crate::error::FileError;
use crate::memory::require_memory;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Limit in bytes for a pipe or a device, whose length is not known before it is read.
const MAX_STREAM: u64 = 1 << 30;

/// Reads a text file.
///
/// # Errors
///
/// As [`read_text_up_to`].
pub fn read_text(path: &Path) -> Result<String, FileError> {
    read_text_up_to(path, u64::MAX)
}

/// Reads a text file of at most `max` bytes.
///
/// # Errors
///
/// [`FileError::Io`] with the path: also for a folder, a longer file and bytes that are not UTF-8.
/// [`FileError::TooLarge`] if the file does not fit into memory.
pub fn read_text_up_to(path: &Path, max: u64) -> Result<String, FileError> {
    let io_error = |source| FileError::Io { path: path.to_owned(), source };
    let refused = |kind, message: String| io_error(std::io::Error::new(kind, message));
    let file = open(path)?;
    let metadata = file.metadata().map_err(io_error)?;
    if metadata.is_dir() {
        return Err(refused(ErrorKind::IsADirectory, "it is a folder, expected a text file".into()));
    }
    let max = if metadata.is_file() { max } else { max.min(MAX_STREAM) };
    let too_long = || refused(ErrorKind::FileTooLarge, format!("found more than {max} bytes, expected a shorter text"));
    if metadata.len() > max {
        return Err(too_long());
    }
    // The text and the values parsed from it.
    require_memory(3.0 * metadata.len() as f64, &format!("reading {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > max {
        return Err(too_long());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let byte = valid.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        let message = format!("line {line}, byte {byte}: found a byte that is no UTF-8, expected text in UTF-8");
        refused(ErrorKind::InvalidData, message)
    })
}

/// Opens a file for reading, with an error that says what to do if there is none.
pub(crate) fn open(path: &Path) -> Result<std::fs::File, FileError> {
    std::fs::File::open(path).map_err(|source| {
        let source = match source.kind() {
            ErrorKind::NotFound => std::io::Error::new(ErrorKind::NotFound, "No such file: check its name and folder"),
            _ => source,
        };
        FileError::Io { path: path.to_owned(), source }
    })
}

/// Writes a file under a temporary name in the same folder, syncs and renames it, so that no reader sees half of it.
///
/// A symbolic link is kept: the file that it names is replaced. A device or a pipe (`/dev/null`) is written directly.
///
/// # Errors
///
/// [`FileError::Io`] with the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let io_error = |source| FileError::Io { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(io_error(std::io::Error::other("it is a folder, expected a file name")));
        }
        Ok(metadata) if !metadata.is_file() => {
            return std::fs::OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut f| f.write_all(bytes))
                .map_err(io_error);
        }
        _ => {}
    }
    let target = if path.is_symlink() { std::fs::canonicalize(path).map_err(io_error)? } else { path.to_owned() };
    let path = target.as_path();
    let name = path.file_name().ok_or_else(|| io_error(std::io::Error::other("expected a file name")))?;
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}-{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let temporary = path.with_file_name(temporary);
    let write = || {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        // The incomplete file is useless; it may already be gone.
        let _ = std::fs::remove_file(&temporary);
        FileError::Io { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_longer_than_the_limit_is_refused() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let length = read_text(&path).unwrap().len() as u64;
        assert_eq!(read_text_up_to(&path, length).unwrap().len() as u64, length);
        let refusal = |path: &Path| read_text_up_to(path, length - 1).unwrap_err().to_string();
        let expected = format!("found more than {} bytes", length - 1);
        assert!(refusal(&path).contains(&expected), "{}", refusal(&path));
        // An endless stream is read up to the limit only.
        if cfg!(unix) {
            assert!(refusal(Path::new("/dev/zero")).contains(&expected));
        }
    }
}
