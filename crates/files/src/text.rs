use crate::error::FileError;
use crate::memory::require_memory;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most bytes that are read from what is no plain file, and so does not tell its length.
const MAX_STREAM: u64 = 1 << 30;

/// Reads a text file.
///
/// # Errors
///
/// As [`read_text_up_to`].
pub fn read_text(path: &Path) -> Result<String, FileError> {
    read_text_up_to(path, u64::MAX)
}

/// Reads a text file of at most `most` bytes.
///
/// # Errors
///
/// [`FileError::Io`] with the path, also for a folder, for more bytes (of which no more are read) and for bytes that are
/// no UTF-8; [`FileError::TooLarge`] where it does not fit into memory.
pub fn read_text_up_to(path: &Path, most: u64) -> Result<String, FileError> {
    let fail = |source| FileError::Io { path: path.to_owned(), source };
    let told = |kind, words: String| fail(std::io::Error::new(kind, words));
    let file = std::fs::File::open(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => told(ErrorKind::NotFound, "No such file: check its name and folder".into()),
        _ => fail(source),
    })?;
    let metadata = file.metadata().map_err(fail)?;
    if metadata.is_dir() {
        return Err(told(ErrorKind::IsADirectory, "it is a folder, expected a text file".into()));
    }
    let most = if metadata.is_file() { most } else { most.min(MAX_STREAM) };
    let longer = || told(ErrorKind::FileTooLarge, format!("found more than {most} bytes, expected a shorter text"));
    if metadata.len() > most {
        return Err(longer());
    }
    // The text, and what is made of it.
    require_memory(3.0 * metadata.len() as f64, &format!("reading {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > most {
        return Err(longer());
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let byte = good.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        let words = format!("line {line}, byte {byte}: found a byte that is no UTF-8, expected text in UTF-8");
        told(ErrorKind::InvalidData, words)
    })
}

/// Writes a file under a temporary name beside its place, syncs and renames it: it is whole or not there.
///
/// A symbolic link stays one: the file that it names is replaced. What is no plain file (`/dev/null`, a pipe) is written
/// to as it is.
///
/// # Errors
///
/// [`FileError::Io`] with the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let fail = |source| FileError::Io { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(fail(std::io::Error::other("it is a folder, expected a file name"))),
        Ok(there) if !there.is_file() => {
            return std::fs::OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut f| f.write_all(bytes))
                .map_err(fail);
        }
        _ => {}
    }
    let target = if path.is_symlink() { std::fs::canonicalize(path).map_err(fail)? } else { path.to_owned() };
    let path = target.as_path();
    let name = path.file_name().ok_or_else(|| fail(std::io::Error::other("expected a file name")))?;
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
        // The half-written file is of no use to anyone; that it may already be gone does not matter.
        let _ = std::fs::remove_file(&temporary);
        fail(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_up_to_a_length_and_no_longer() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let length = read_text(&path).unwrap().len() as u64;
        assert_eq!(read_text_up_to(&path, length).unwrap().len() as u64, length);
        let told = |path: &Path| read_text_up_to(path, length - 1).unwrap_err().to_string();
        let expected = format!("found more than {} bytes", length - 1);
        assert!(told(&path).contains(&expected), "{}", told(&path));
        // An endless stream is read to the limit alone.
        if cfg!(unix) {
            assert!(told(Path::new("/dev/zero")).contains(&expected));
        }
    }
}
