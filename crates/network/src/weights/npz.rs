//! `.npz`: a zip of `.npy` files, stored or deflated. An entry `name.npy` is the tensor `name`.

use std::fmt::Display;
use std::io::{Cursor, Read};
use std::path::Path;

use phaseloom_files::other_kind;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{Tensors, real_tensor};
use crate::error::{NetworkError, Result};

/// Maximum compression ratio of deflate. An entry that claims more has a false size.
const MAX_RATIO: u64 = 1032;

/// The tensors of a file. An entry that is no array of real numbers is an error only for a model that names it.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    let damaged = |place: &str, found: &dyn Display| {
        let expected = "a complete zip file of .npy files; the file is cut off or damaged";
        NetworkError::format(path, "npz", place, found, format!("{expected}{}", other_kind(bytes, ".npz")))
    };
    let unzip = |place: &str, error: ZipError| match error {
        ZipError::UnsupportedArchive(reason) => {
            let expected = "an entry that is stored or deflated: save it again with `numpy.savez`";
            NetworkError::format(path, "npz", place, reason, expected)
        }
        other => damaged(place, &other),
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged("directory", &e))?;
    if let Some(pickle) = archive.file_names().flatten().find(|name| name.ends_with("data.pkl")) {
        let expected = "arrays of NumPy; export a checkpoint of PyTorch with `safetensors.torch.save_file`";
        return Err(NetworkError::format(
            path,
            "npz",
            "names",
            format!("`{pickle}`, a checkpoint of PyTorch"),
            expected,
        ));
    }
    let mut tensors = Tensors::new();
    for index in 0..archive.len() {
        let place = format!("entry {index}");
        let mut entry = archive.by_index(index).map_err(|e| unzip(&place, e))?;
        let entry_name = entry.name().map_err(|e| damaged(&place, &e))?.into_owned();
        let name = entry_name.strip_suffix(".npy").unwrap_or(&entry_name);
        let limit = bytes.len() as u64 * MAX_RATIO;
        let mut read = || {
            if name == entry_name {
                return Err(NetworkError::format(path, "npz", "name", &entry_name, "a name that ends with .npy"));
            }
            if entry.size() > limit {
                return Err(damaged("size", &format!("a claim of {} bytes", entry.size())));
            }
            let mut contents = Vec::new();
            (&mut entry).take(limit).read_to_end(&mut contents).map_err(|e| damaged("contents", &e))?;
            real_tensor(path, &contents)
        };
        let tensor = read();
        if tensors.get(name).is_some() {
            return Err(NetworkError::format(
                path,
                "npz",
                "names",
                format!("`{name}` twice"),
                "a name of its own for each array",
            ));
        }
        tensors.keep(name, tensor)?;
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
    fn other_contents_are_errors_where_a_model_names_them() {
        let path = Path::new("w.npz");
        let tensors = parse(path, &zip(&[("readme.txt", b"hi"), ("w.npy", b"hi")])).unwrap();
        assert_eq!(tensors.unused(), ["readme.txt", "w"]);
        let error = tensors.expect("layer 0", "w", &[1]).unwrap_err().to_string();
        assert!(error.contains("tensor `w`, first bytes: found other bytes") && error.contains("layer 0"), "{error}");
        assert!(tensors.expect("layer 0", "readme.txt", &[1]).unwrap_err().to_string().contains("ends with .npy"));
        let missing = tensors.expect("layer 0", "v", &[1]).unwrap_err().to_string();
        assert!(missing.contains("found only readme.txt, w"), "{missing}");
        assert!(parse(path, b"").is_err());
        assert_eq!(parse(path, &zip(&[])).unwrap(), Tensors::new());
    }
}
