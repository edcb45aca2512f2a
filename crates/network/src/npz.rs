//! `.npz`: a zip of `.npy` files, stored or deflated. An entry `name.npy` is the array `name`.

use std::fmt::Display;
use std::io::{Cursor, Read};
use std::path::Path;

use phaseloom_files::other_kind;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{NetworkError, Result};

/// Maximum compression ratio of deflate. An entry that claims more has a false size.
const MAX_RATIO: u64 = 1032;

/// The arrays of a file.
pub(crate) struct Npz<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Npz<'a> {
    /// Reads the directory of the zip file.
    pub fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(path, bytes, "directory", &e))?;
        if let Some(pickle) = archive.file_names().flatten().find(|name| name.ends_with("data.pkl")) {
            let found = format!("`{pickle}`, a checkpoint of PyTorch");
            let expected = "arrays of NumPy; export a checkpoint of PyTorch with `safetensors.torch.save_file`";
            return Err(NetworkError::format(path, "npz", "names", found, expected));
        }
        Ok(Self { path, bytes, archive })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.archive.len()
    }

    /// Names of the arrays, sorted.
    pub fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().flatten();
        let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect();
        names.sort();
        names
    }

    /// Name of an entry without `.npy`, and its contents, which may be unreadable alone.
    pub fn entry(&mut self, index: usize) -> Result<(String, Result<Vec<u8>>)> {
        let (path, bytes) = (self.path, self.bytes);
        let place = format!("entry {index}");
        let unzip = |error: ZipError| match error {
            ZipError::UnsupportedArchive(reason) => {
                let expected = "an entry that is stored or deflated: save it again with `numpy.savez`";
                NetworkError::format(path, "npz", &place, reason, expected)
            }
            other => damaged(path, bytes, &place, &other),
        };
        let mut entry = self.archive.by_index(index).map_err(unzip)?;
        let entry_name = entry.name().map_err(|e| damaged(path, bytes, &place, &e))?.into_owned();
        let Some(name) = entry_name.strip_suffix(".npy") else {
            let error = NetworkError::format(path, "npz", "name", &entry_name, "a name that ends with .npy");
            return Ok((entry_name, Err(error)));
        };
        let limit = bytes.len() as u64 * MAX_RATIO;
        let contents = match entry.size() {
            size if size > limit => Err(damaged(path, bytes, "size", &format!("a claim of {size} bytes"))),
            _ => {
                let mut contents = Vec::new();
                let read = (&mut entry).take(limit).read_to_end(&mut contents);
                read.map(|_| contents).map_err(|e| damaged(path, bytes, "contents", &e))
            }
        };
        Ok((name.to_owned(), contents))
    }

    /// The contents of the array of a name, as those of a `.npy` file. `None` if there is no such array.
    pub fn array(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let file = format!("{name}.npy");
        match self.archive.index_for_name(&file) {
            Some(index) => self.entry(index)?.1.map(Some),
            None => Ok(None),
        }
    }
}

/// The contents of the only array of an `.npz` file, as those of a `.npy` file. `None` if the bytes are no zip file.
///
/// # Errors
///
/// A damaged file, or another number of arrays than one.
pub fn npz_array(path: &Path, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let mut npz = Npz::open(path, bytes)?;
    match &npz.names()[..] {
        [name] => npz.array(name),
        names => {
            let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let expected = "one array; save the matrix alone with `numpy.save`";
            Err(NetworkError::format(path, "npz", "names", found, expected))
        }
    }
}

fn damaged(path: &Path, bytes: &[u8], place: &str, found: &dyn Display) -> NetworkError {
    let expected = "a complete zip file of .npy files; the file is cut off or damaged";
    NetworkError::format(path, "npz", place, found, format!("{expected}{}", other_kind(bytes, ".npz")))
}

/// A zip file of these entries, stored.
#[cfg(test)]
pub(crate) fn zip_for_test(entries: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::write::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
