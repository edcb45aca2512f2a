//! `.npz`: a zip of `.npy` files, stored or deflated. An entry `name.npy` is the tensor `name`.

use std::fmt::Display;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;

use super::{Tensors, real_tensor};
use crate::error::{NetworkError, Result};

/// Maximum compression ratio of deflate. An entry that claims more has a false size.
const MAX_RATIO: u64 = 1032;

/// The tensors of a file.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    let damaged = |place: &str, found: &dyn Display| {
        let expected = "a complete zip file of .npy files; the file is cut off or damaged";
        NetworkError::format(path, "npz", place, found, expected)
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged("directory", &e))?;
    let mut tensors = Tensors::new();
    for index in 0..archive.len() {
        let place = format!("entry {index}");
        let mut entry = archive.by_index(index).map_err(|e| damaged(&place, &e))?;
        let entry_name = entry.name().map_err(|e| damaged(&place, &e))?.into_owned();
        let Some(name) = entry_name.strip_suffix(".npy") else {
            let found = format!("`{entry_name}`");
            return Err(NetworkError::format(path, "npz", place, found, "names that end with .npy"));
        };
        let place = format!("entry `{name}`");
        let limit = bytes.len() as u64 * MAX_RATIO;
        if entry.size() > limit {
            return Err(damaged(&place, &format!("a claim of {} bytes", entry.size())));
        }
        let mut contents = Vec::new();
        (&mut entry).take(limit).read_to_end(&mut contents).map_err(|e| damaged(&place, &e))?;
        // Messages about the array name the file and the entry.
        tensors.insert(name, real_tensor(&path.join(&entry_name), &contents)?);
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn other_contents_are_errors_with_the_entry_named() {
        let path = Path::new("w.npz");
        let error = parse(path, &zip(&[("readme.txt", b"hi")])).unwrap_err().to_string();
        assert!(error.contains("`readme.txt`"), "{error}");
        let error = parse(path, &zip(&[("w.npy", b"hi")])).unwrap_err().to_string();
        assert!(error.contains("w.npz/w.npy"), "{error}");
        assert!(parse(path, b"").is_err());
        assert_eq!(parse(path, &zip(&[])).unwrap(), Tensors::new());
    }
}
