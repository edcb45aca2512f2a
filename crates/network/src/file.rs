//! Bytes of whole files: read (with gzip, recognised by its first bytes), hashed, and written atomically.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use phaseloom_files::FileError;
use sha2::{Digest, Sha256};

use crate::error::{NetworkError, Result};

/// Maximum decompressed size (bytes). Beyond it, a small gzip file could fill the memory.
const MAX_INFLATED: u64 = 4 << 30;

/// Contents of one file.
pub(crate) struct FileBytes {
    /// Path of the file.
    pub path: PathBuf,
    /// Contents, decompressed.
    pub bytes: Vec<u8>,
    /// SHA-256 of the stored bytes, before decompression.
    pub sha256: [u8; 32],
}

/// Reads a whole file, and decompresses it if it starts like gzip.
pub(crate) fn read(path: &Path) -> Result<FileBytes> {
    let unreadable = |source| NetworkError::Read { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file")));
    }
    let stored = fs::read(path).map_err(unreadable)?;
    let sha256 = Sha256::digest(&stored).into();
    let bytes = if stored.starts_with(&[0x1f, 0x8b]) { inflate(path, &stored, MAX_INFLATED)? } else { stored };
    Ok(FileBytes { path: path.to_owned(), bytes, sha256 })
}

/// Decompresses gzip up to a maximum size.
fn inflate(path: &Path, stored: &[u8], limit: u64) -> Result<Vec<u8>> {
    let invalid = |found: String, expected: &str| {
        NetworkError::format(path, "gzip", format!("{} bytes as stored", stored.len()), found, expected)
    };
    let mut bytes = Vec::new();
    MultiGzDecoder::new(stored)
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| invalid(format!("damaged data ({e})"), "a complete gzip file; download it again"))?;
    if bytes.len() as u64 > limit {
        return Err(invalid(format!("more than {limit} bytes of contents"), "less; split the file"));
    }
    Ok(bytes)
}

/// Writes a file atomically: no reader and no interruption ever sees a part of it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    phaseloom_files::write_atomically(path, bytes).map_err(|e| match e {
        FileError::Io { path, source } => NetworkError::Write { path, source },
        other => NetworkError::Write { path: path.to_owned(), source: io::Error::other(other) },
    })
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
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
        write(&path, &gzip(b"1,2\n")).unwrap();
        assert_eq!(read(&path).unwrap().bytes, b"1,2\n");
        write(&path, b"1,2\n").unwrap();
        let file = read(&path).unwrap();
        assert_eq!(file.bytes, b"1,2\n");
        assert_eq!(hex(&file.sha256).len(), 64);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file remains");
    }

    #[test]
    fn damaged_gzip_folders_and_missing_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let complete = gzip(&[7; 1000]);
        for length in 2..complete.len() {
            write(&path, &complete[..length]).unwrap();
            assert!(matches!(read(&path), Err(NetworkError::Format { format: "gzip", .. })), "{length}");
        }
        assert!(matches!(read(folder.path()), Err(NetworkError::Read { .. })));
        assert!(matches!(read(&folder.path().join("none")), Err(NetworkError::Read { .. })));
        assert!(matches!(write(&folder.path().join("no/such/a"), b""), Err(NetworkError::Write { .. })));
    }

    #[test]
    fn contents_beyond_the_limit_are_refused() {
        let error = inflate(Path::new("bomb.gz"), &gzip(&[0; 100_000]), 1000).unwrap_err();
        assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
    }
}
