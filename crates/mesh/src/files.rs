use crate::MeshError;
use std::io::Write;
use std::path::Path;

/// Reads a text file.
///
/// # Errors
///
/// [`MeshError::Io`] with the path.
pub fn read_text(path: &Path) -> Result<String, MeshError> {
    std::fs::read_to_string(path).map_err(|source| MeshError::Io { path: path.to_owned(), source })
}

/// Writes a file under a temporary name beside its place, syncs and renames it: it is whole or not there.
///
/// # Errors
///
/// [`MeshError::Io`] with the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), MeshError> {
    let fail = |source| MeshError::Io { path: path.to_owned(), source };
    let name = path.file_name().ok_or_else(|| fail(std::io::Error::other("not a file name")))?;
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}.part", std::process::id()));
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
