//! Data files as bytes: read whole, decompressed and hashed.

use crate::error::FileError;
use crate::memory::available_bytes;
use crate::text::{MAX_BYTES, MAX_LINE, read_lines, read_up_to};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

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
    let stored = read_up_to(path, max, |start| if start.starts_with(&GZIP) { u64::MAX } else { max_line })?;
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
