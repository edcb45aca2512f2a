//! Tensors of `.npz` files.

use std::path::Path;

use super::{Tensors, real_tensor};
use crate::error::{NetworkError, Result};
use crate::npz::Npz;

/// The tensors of a file. An entry that is no array of real numbers is an error only for a model that names it.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    let mut file = Npz::open(path, bytes)?;
    let mut tensors = Tensors::new();
    for index in 0..file.len() {
        let (name, contents) = file.entry(index)?;
        if tensors.get(&name).is_some() {
            let expected = "a name of its own for each array";
            return Err(NetworkError::format(path, "npz", "names", format!("`{name}` twice"), expected));
        }
        tensors.keep(&name, contents.and_then(|contents| real_tensor(path, &contents)))?;
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz::zip_for_test as zip;

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
