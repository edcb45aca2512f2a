//! Files as bytes: read whole, decompressed and hashed, and each only once.

use crate::error::FileError;
use crate::memory::available_bytes;
use crate::text::{MAX_BYTES, MAX_LINE, as_text, read_limited, read_lines};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// First bytes of a gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Contents of a data file.
#[derive(Clone, Debug)]
pub struct FileBytes {
    /// Path of the file.
    pub path: PathBuf,
    /// Contents, decompressed.
    pub bytes: Vec<u8>,
    /// SHA-256 of the stored file (before decompression).
    pub sha256: [u8; 32],
}

impl FileBytes {
    /// The contents as text.
    ///
    /// # Errors
    ///
    /// [`FileError::Io`] for bytes that are not UTF-8.
    pub fn text(&self) -> Result<String, FileError> {
        as_text(&self.path, self.bytes.clone())
    }
}

/// Files that are read once: whoever asks again for a path gets the bytes of the first time.
///
/// A hash that is taken from here is therefore the hash of the bytes that were used, whatever happens to the file.
#[derive(Debug, Default)]
pub struct InputFiles {
    read: RefCell<BTreeMap<PathBuf, Rc<FileBytes>>>,
}

impl InputFiles {
    /// Files whose contents are known already, such as those of standard input.
    #[must_use]
    pub fn with(known: &[FileBytes]) -> Self {
        let read = known.iter().map(|file| (file.path.clone(), Rc::new(file.clone()))).collect();
        Self { read: RefCell::new(read) }
    }

    /// The contents of a file, from the disk the first time.
    ///
    /// # Errors
    ///
    /// As [`read_bytes`].
    pub fn read(&self, path: &Path) -> Result<Rc<FileBytes>, FileError> {
        self.read_up_to(path, MAX_BYTES)
    }

    /// The contents of a file of at most `max` bytes.
    ///
    /// # Errors
    ///
    /// As [`read_bytes_up_to`].
    pub(crate) fn read_up_to(&self, path: &Path, max: u64) -> Result<Rc<FileBytes>, FileError> {
        if let Some(file) = self.read.borrow().get(path) {
            return Ok(file.clone());
        }
        let file = Rc::new(read_bytes_up_to(path, max)?);
        self.read.borrow_mut().insert(path.to_owned(), file.clone());
        Ok(file)
    }
}

/// Reads a whole file and decompresses it if its first bytes are those of gzip.
///
/// # Errors
///
/// [`FileError::Io`] if there is no file, it is a folder or a pipe, or it cannot be read. [`FileError::Format`] for
/// damaged gzip data, or more than 4 GiB. [`FileError::TooLarge`] if it does not fit into memory.
pub fn read_bytes(path: &Path) -> Result<FileBytes, FileError> {
    read_bytes_up_to(path, MAX_BYTES)
}

/// Reads a whole file of at most `max` bytes, both as stored and decompressed; see [`read_bytes`].
///
/// A file whose name ends with `.csv` or `.csv.gz` is read up to a line of more than 1 MiB: it is no table, and may be as
/// long as a disk.
///
/// # Errors
///
/// As [`read_bytes`], for a longer file, and for a table with such a line.
pub fn read_bytes_up_to(path: &Path, max: u64) -> Result<FileBytes, FileError> {
    let name = path.to_string_lossy().to_lowercase();
    let max_line = if name.trim_end_matches(".gz").ends_with(".csv") { MAX_LINE } else { u64::MAX };
    let stored = read_limited(path, max, |start| if start.starts_with(&GZIP) { u64::MAX } else { max_line })?;
    let sha256 = Sha256::digest(&stored).into();
    let bytes = if stored.starts_with(&GZIP) { inflate(path, &stored, max, max_line)? } else { stored };
    Ok(FileBytes { path: path.to_owned(), bytes, sha256 })
}

/// Decompresses gzip data to at most `max` bytes and at most a third of the available memory, which the values parsed
/// from the bytes need too.
fn inflate(path: &Path, stored: &[u8], max: u64, max_line: u64) -> Result<Vec<u8>, FileError> {
    let max = max.min((available_bytes() / 3.0) as u64);
    let mut bytes = Vec::new();
    let contents = MultiGzDecoder::new(stored).take(max + 1);
    read_lines(contents, max_line, &mut bytes).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => FileError::Io { path: path.to_owned(), source: error },
        _ => FileError::Format {
            path: path.to_owned(),
            format: "gzip",
            place: format!("{} bytes as stored", stored.len()),
            found: format!("damaged gzip data ({error})").into(),
            expected: "a complete gzip file; fetch it again".into(),
        },
    })?;
    if bytes.len() as u64 > max { Err(too_long(path, max)) } else { Ok(bytes) }
}

fn too_long(path: &Path, max: u64) -> FileError {
    FileError::Format {
        path: path.to_owned(),
        format: "data",
        place: "contents".into(),
        found: format!("more than {max} bytes").into(),
        expected: "less; split the file".into(),
    }
}

/// The SHA-256 of bytes in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_atomically;
    use flate2::{Compression, write::GzEncoder};
    use std::fs;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_recognised_by_its_bytes_not_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain.csv");
        write_atomically(&path, &gzip(b"1,2\n")).unwrap();
        assert_eq!(read_bytes(&path).unwrap().bytes, b"1,2\n");
        write_atomically(&path, b"1,2\n").unwrap();
        let file = read_bytes(&path).unwrap();
        assert_eq!(file.bytes, b"1,2\n");
        assert_eq!(hex(&file.sha256).len(), 64);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn input_files_keep_the_bytes_that_were_read_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let files = InputFiles::default();
        assert!(files.read(&path).is_err(), "a missing file is asked for again");
        write_atomically(&path, b"1,2\n").unwrap();
        let first = files.read(&path).unwrap();
        write_atomically(&path, b"3,4\n").unwrap();
        let again = files.read(&path).unwrap();
        assert_eq!((again.text().unwrap().as_str(), again.sha256), ("1,2\n", first.sha256));
    }

    #[test]
    fn damaged_gzip_folders_and_missing_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let compressed = gzip(&[7; 1000]);
        for length in 2..compressed.len() {
            write_atomically(&path, &compressed[..length]).unwrap();
            assert!(matches!(read_bytes(&path), Err(FileError::Format { format: "gzip", .. })), "{length}");
        }
        assert!(matches!(read_bytes(folder.path()), Err(FileError::Io { .. })));
        assert!(matches!(read_bytes(&folder.path().join("none")), Err(FileError::Io { .. })));
        assert!(matches!(write_atomically(&folder.path().join("no/such/a"), b""), Err(FileError::Io { .. })));
    }

    #[test]
    fn contents_beyond_the_limit_are_refused() {
        let error = inflate(Path::new("bomb.gz"), &gzip(&[0; 100_000]), 1000, u64::MAX).unwrap_err();
        assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
        let stored = read_bytes_up_to(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"), 10).unwrap_err();
        assert!(stored.to_string().contains("more than 10 bytes"), "{stored}");
    }

    /// A file with holes takes no room on the disk; its size may be that of any disk.
    #[test]
    fn files_without_lines_or_beyond_the_limit_are_refused_before_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let sparse = |name: &str, text: &[u8], length: u64| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            path
        };
        let table = sparse("a.csv", b"1,2\n3,4\n", 1_500_000_000);
        let start = std::time::Instant::now();
        let error = read_bytes(&table).unwrap_err().to_string();
        assert!(error.contains("found a line of more than 1048576 bytes"), "{error}");
        let error = read_bytes(&sparse("w.safetensors", b"", 20_000_000_000)).unwrap_err().to_string();
        assert!(error.contains("found more than 4294967296 bytes"), "{error}");
        assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
        let zipped = folder.path().join("a.csv.gz");
        write_atomically(&zipped, &gzip(&[b'1'; 2 << 20])).unwrap();
        assert!(read_bytes(&zipped).unwrap_err().to_string().contains("found a line of more"));
        let lines = b"1,2,3,4\n".repeat(300_000);
        write_atomically(&zipped, &gzip(&lines)).unwrap();
        assert_eq!(read_bytes(&zipped).unwrap().bytes, lines);
    }
}
