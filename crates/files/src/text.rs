//! Reading with a limit, and checks before writing.

pub(crate) mod write;

use crate::error::FileError;
use crate::kind::{json_format, other_kind};
use crate::memory::require_memory;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::OnceLock;

/// Maximum size of a file in bytes, as stored and decompressed. A few bytes of gzip can expand to more than any memory.
pub const MAX_BYTES: u64 = 4 << 30;
/// Maximum length of a line of a table in bytes, some ten thousand numbers. A file with a longer one is no table.
pub(crate) const MAX_LINE: u64 = 1 << 20;

/// Reads a text file.
///
/// # Errors
///
/// As [`read_text_up_to`].
pub fn read_text(path: &Path) -> Result<String, FileError> {
    read_text_up_to(path, MAX_BYTES)
}

/// Reads a text file of at most `max` bytes.
///
/// # Errors
///
/// As [`read_bytes`](crate::read_bytes), and [`FileError::Io`] for bytes that are not UTF-8.
pub fn read_text_up_to(path: &Path, max: u64) -> Result<String, FileError> {
    as_text(path, read_up_to(path, max)?)
}

/// The first bytes of text that some programs write in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The text of a file, without a byte order mark; the error of bytes that are not UTF-8 names their line.
pub(crate) fn as_text(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    let bytes = if bytes.starts_with(BYTE_ORDER_MARK) { bytes[BYTE_ORDER_MARK.len()..].to_vec() } else { bytes };
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let byte = valid.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        let message = format!("line {line}, byte {byte}: found a byte that is no UTF-8, expected text in UTF-8");
        let message = message + &other_kind(error.as_bytes(), "");
        FileError::Io { path: path.to_owned(), source: std::io::Error::new(ErrorKind::InvalidData, message) }
    })
}

/// Reads a whole file of at most `max` bytes. All files are read by this function.
///
/// A pipe, a device or a socket is refused without opening it, because it could make the program wait for ever. The
/// exception is a stream that the shell has opened for this program: `/dev/stdin`, and `/dev/fd/N` of `<(command)`.
///
/// # Errors
///
/// [`FileError::Io`] if there is no file, it is a folder or a pipe, it is longer than `max`, or it cannot be read.
/// [`FileError::TooLarge`] if the file and the values parsed from it do not fit into memory.
pub fn read_up_to(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    read_limited(path, max, |_| u64::MAX)
}

/// Reads as [`read_up_to`] a file whose lines have at most `max_line(first bytes)` bytes.
pub(crate) fn read_limited(path: &Path, max: u64, max_line: impl FnOnce(&[u8]) -> u64) -> Result<Vec<u8>, FileError> {
    let io_error = |source| FileError::Io { path: path.to_owned(), source };
    let refused = |kind, message: &str| io_error(std::io::Error::new(kind, message));
    let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => refused(ErrorKind::NotFound, "No such file: check its name and folder"),
        _ => io_error(source),
    })?;
    let opened_by_shell = ["/dev/stdin", "/dev/fd", "/proc/self/fd"].iter().any(|stream| path.starts_with(stream));
    if metadata.is_dir() {
        return Err(refused(ErrorKind::IsADirectory, "it is a folder, expected a file"));
    }
    if !metadata.is_file() && !opened_by_shell {
        let message = "it is a pipe or a device, expected a plain file; /dev/stdin is read to its end";
        return Err(refused(ErrorKind::InvalidInput, message));
    }
    let too_long =
        || refused(ErrorKind::FileTooLarge, &format!("found more than {max} bytes, expected a shorter file"));
    if metadata.len() > max {
        return Err(too_long());
    }
    require_memory(3.0 * metadata.len() as f64, &format!("reading {}", path.display()))?;
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path).map_err(io_error)?.take(max.saturating_add(1));
    (&mut file).take(2).read_to_end(&mut bytes).map_err(io_error)?;
    let max_line = max_line(&bytes);
    read_lines(file, max_line, &mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > max {
        return Err(too_long());
    }
    if let Some(observer) = OBSERVER.get() {
        observer(path, &bytes);
    }
    Ok(bytes)
}

/// A function of the path and the bytes of a file.
type Observer = fn(&Path, &[u8]);

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Calls a function with the path and the bytes of every file that this process reads from now on, for messages. The first
/// call counts.
pub fn observe_reads(observer: Observer) {
    let _ = OBSERVER.set(observer);
}

/// Appends all bytes of `from`, until a line is longer than `max_line` bytes. The lines of other files than tables have
/// no limit, `u64::MAX`.
///
/// # Errors
///
/// Those of the reader, and [`ErrorKind::FileTooLarge`] for such a line.
pub(crate) fn read_lines(mut from: impl Read, max_line: u64, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    if max_line == u64::MAX {
        return from.read_to_end(bytes).map(|_| ());
    }
    let mut line = 0;
    loop {
        let start = bytes.len();
        if (&mut from).take(MAX_LINE).read_to_end(bytes)? == 0 {
            return Ok(());
        }
        for piece in bytes[start..].split_inclusive(|&byte| byte == b'\n') {
            line += piece.len() as u64;
            if line > max_line {
                let message =
                    format!("found a line of more than {max_line} bytes, expected the lines of a table (CSV)");
                return Err(std::io::Error::new(ErrorKind::FileTooLarge, message));
            }
            if piece.ends_with(b"\n") {
                line = 0;
            }
        }
    }
}

/// Checks that a file can be written to the folder of `path`, before the work whose result it takes.
///
/// # Errors
///
/// [`FileError::Io`] if there is no such folder, or `path` itself is a folder.
pub fn check_output(path: &Path) -> Result<(), FileError> {
    let refused = |message: String| {
        let source = std::io::Error::new(ErrorKind::InvalidInput, message);
        Err(FileError::Io { path: path.to_owned(), source })
    };
    match path.parent() {
        _ if path.is_dir() => refused("cannot write here: it is a folder, expected a file name".into()),
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            // Else the folder is only missing.
            check_output_folder(folder)?;
            refused(format!(
                "cannot write here: there is no folder {}; make it, or name another place",
                folder.display()
            ))
        }
        _ => Ok(()),
    }
}

/// Checks that a file to be written is none of the input files, which are given with their roles.
///
/// # Errors
///
/// [`FileError::Io`] with the role.
pub fn check_not_input(path: &Path, inputs: &[(&str, Option<&Path>)]) -> Result<(), FileError> {
    // An output that does not exist yet is no input.
    let Ok(output) = path.canonicalize() else { return Ok(()) };
    let is_output = |input: &Path| input.canonicalize().is_ok_and(|input| input == output);
    match inputs.iter().find(|(_, input)| input.is_some_and(is_output)) {
        Some((role, _)) => {
            let message = format!("found {role}, expected another file to write to");
            let source = std::io::Error::new(ErrorKind::InvalidInput, message);
            Err(FileError::Io { path: path.to_owned(), source })
        }
        None => Ok(()),
    }
}

/// Checks that a JSON file of one of `formats`, such as `phaseloom-chip`, would replace nothing but such a file.
///
/// # Errors
///
/// [`FileError::Io`] if `path` is a file with other contents.
pub fn check_replaced(path: &Path, formats: &[&str]) -> Result<(), FileError> {
    let is_own = |text: &str| json_format(text).is_some_and(|found| formats.contains(&&*found));
    check_replaced_text(path, &format!("`{}`", formats.join("` or `")), is_own)
}

/// Checks that a text file would replace nothing but a file of its own kind, which `is_own` finds in the first bytes, or an
/// empty one. `kind` names the new file.
///
/// # Errors
///
/// [`FileError::Io`] if `path` is a file with other contents.
pub fn check_replaced_text(path: &Path, kind: &str, is_own: impl FnOnce(&str) -> bool) -> Result<(), FileError> {
    /// Bytes at the start of a file, which hold its kind.
    const START: u64 = 4096;
    let mut start = Vec::new();
    if !path.is_file() || std::fs::File::open(path).and_then(|file| file.take(START).read_to_end(&mut start)).is_err() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&start);
    if text.trim().is_empty() || is_own(&text) {
        return Ok(());
    }
    let found = json_format(&text).map(|found| format!("a file of the format `{found}`"));
    let found = found.unwrap_or_else(|| "another kind of file".to_owned());
    let message = format!("found {found}, which a {kind} would replace: name another file, or remove this one");
    Err(FileError::Io { path: path.to_owned(), source: std::io::Error::new(ErrorKind::AlreadyExists, message) })
}

/// Checks that a folder that is to be read is there. `expected` names it in the error.
///
/// # Errors
///
/// [`FileError::Io`] if there is no such folder, or `folder` is a file.
pub fn check_input_folder(folder: &Path, expected: &str) -> Result<(), FileError> {
    let refused = |source| Err(FileError::Io { path: folder.to_owned(), source });
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => {
            let message = format!("it is a file, expected {expected}");
            refused(std::io::Error::new(ErrorKind::NotADirectory, message))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let message = format!("No such folder: expected {expected}; check its name");
            refused(std::io::Error::new(ErrorKind::NotFound, message))
        }
        Err(error) => refused(error),
    }
}

/// Checks that a folder exists or can be made where nothing exists yet.
///
/// # Errors
///
/// [`FileError::Io`] if the path, or a part of it, is a file.
pub fn check_output_folder(folder: &Path) -> Result<(), FileError> {
    match folder.ancestors().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) if !path.is_dir() => {
            let found = if path == folder { "it".into() } else { format!("found {}, which", path.display()) };
            let message = format!("{found} is not a folder: expected a folder, or a path that does not exist");
            let source = std::io::Error::new(ErrorKind::NotADirectory, message);
            Err(FileError::Io { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
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
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for refusal in [check_output(&file.join("x")), check_output(&file.join("y/x")), check_output_folder(&file)] {
            let text = refusal.unwrap_err().to_string();
            assert!(text.contains("is not a folder: expected a folder"), "{text}");
        }
        check_output_folder(&folder.path().join("new/below")).unwrap();
        check_input_folder(folder.path(), "a run").unwrap();
        let refused = |path: &Path| check_input_folder(path, "a run").unwrap_err().to_string();
        assert!(refused(&file).ends_with("it is a file, expected a run"), "{}", refused(&file));
        let missing = refused(&folder.path().join("new"));
        assert!(missing.ends_with("No such folder: expected a run; check its name"), "{missing}");
        let missing = check_output(&folder.path().join("new/x")).unwrap_err().to_string();
        assert!(missing.contains("there is no folder") && missing.contains("make it"), "{missing}");
    }

    #[test]
    #[cfg(unix)]
    fn pipes_and_devices_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [&pipe, Path::new("/dev/zero")] {
            let refusal = read_text(path).unwrap_err().to_string();
            assert!(refusal.contains("it is a pipe or a device, expected a plain file"), "{refusal}");
        }
    }
}
