//! Named tensors: the weights of a model, from `.safetensors`, `.npz` or a single `.npy`.

mod npz;
mod safetensors;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use phaseloom_files::npy::{NpyKind, npy_error, parse_npy};
use phaseloom_files::{FileError, InputFiles, write_atomically};

use crate::error::{NetworkError, Result};

/// A real array with its shape, values in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Tensor {
    /// A tensor of `shape` from its values in C order.
    ///
    /// # Panics
    ///
    /// If the number of values is not the product of the sizes.
    #[must_use]
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Self {
        let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        assert_eq!(count, Some(values.len()), "the number of values of a tensor is the product of its sizes");
        Self { shape, values }
    }

    /// Sizes of the axes; empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Values in C order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// A part of a weights file that is no real tensor: what was found, what is expected.
#[derive(Clone, Debug, PartialEq)]
struct Unreadable {
    format: &'static str,
    place: String,
    found: String,
    expected: String,
}

/// Tensors by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors {
    /// File of the tensors, for messages. Empty for tensors in memory.
    path: PathBuf,
    tensors: BTreeMap<String, Tensor>,
    /// Parts of the file that are no real tensors, such as counters and texts: an error only for a model that names them.
    unreadable: BTreeMap<String, Unreadable>,
    /// Names that a model asked for.
    used: RefCell<BTreeSet<String>>,
    /// Notes saved with the tensors, such as program, data and seed.
    pub metadata: BTreeMap<String, String>,
}

impl Tensors {
    /// No tensors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads all tensors of a `.safetensors` (f16, bf16, f32, f64), `.npz` or `.npy` file.
    ///
    /// The tensor of a `.npy` file has the name of the file without its ending. Parts that are no real tensors (complex
    /// numbers, texts, objects, the integers of a `.safetensors` file) are an error only for a model that names them.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is of another kind, or is damaged.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_from(path, &InputFiles::default())
    }

    /// Reads tensors as [`Tensors::load`] does, through `files`.
    ///
    /// # Errors
    ///
    /// As [`Tensors::load`].
    pub fn load_from(path: &Path, files: &InputFiles) -> Result<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let reader = match ending.as_str() {
            "safetensors" => safetensors::parse,
            "npz" => npz::parse,
            "npy" => one_array,
            _ => {
                let expected = ".safetensors, .npz or .npy";
                return Err(NetworkError::UnknownKind { path: path.to_owned(), expected });
            }
        };
        let file = files.read(path)?;
        let mut tensors = reader(path, &file.bytes)?;
        tensors.path = path.to_owned();
        Ok(tensors)
    }

    /// Writes a `.safetensors` file (f64) atomically. Equal tensors and metadata give equal bytes.
    ///
    /// # Errors
    ///
    /// If the name does not end with `.safetensors`, or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        if path.extension().is_none_or(|e| e != "safetensors") {
            return Err(NetworkError::UnknownKind { path: path.to_owned(), expected: ".safetensors" });
        }
        Ok(write_atomically(path, &safetensors::bytes(path, self)?)?)
    }

    /// Adds a tensor, or replaces the tensor of this name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// The tensor of this name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Names and tensors, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Names of the file that no model has asked for, sorted.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let used = self.used.borrow();
        self.all_names().filter(|name| !used.contains(*name)).cloned().collect()
    }

    /// All names of the file, sorted, also of parts that are no real tensors.
    pub(crate) fn all_names(&self) -> impl Iterator<Item = &String> {
        self.tensors.keys().chain(self.unreadable.keys()).collect::<BTreeSet<_>>().into_iter()
    }

    /// File of the tensors. Empty for tensors in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The finite values of a tensor of this shape. Messages name `user`, the part of the model that needs the tensor.
    pub(crate) fn expect(&self, user: &str, name: &str, shape: &[usize]) -> Result<&[f64]> {
        let (path, user, name_owned) = (self.path.clone(), user.to_owned(), name.to_owned());
        self.used.borrow_mut().insert(name.to_owned());
        if let Some(Unreadable { format, place, found, expected }) = self.unreadable.get(name) {
            return Err(NetworkError::format(&path, format, place, found, format!("{expected}; {user} needs it")));
        }
        let Some(tensor) = self.tensors.get(name) else {
            let available = self.all_names().cloned().collect();
            return Err(NetworkError::MissingTensor { path, user, name: name_owned, available });
        };
        if tensor.shape != shape {
            let (found, expected) = (tensor.shape.clone(), shape.to_vec());
            return Err(NetworkError::TensorShape { path, user, name: name_owned, found, expected });
        }
        match tensor.values.iter().position(|v| !v.is_finite()) {
            None => Ok(&tensor.values),
            Some(at) => {
                let place = format!("{user}: tensor `{name}`, index {:?}", index_of(at, shape));
                Err(NetworkError::not_finite(&path, place, tensor.values[at]))
            }
        }
    }
}

impl Tensors {
    /// Keeps a tensor, or why it is none. Only the error of a format is such a reason; others are returned.
    fn keep(&mut self, name: &str, read: Result<Tensor>) -> Result<()> {
        match read {
            Ok(tensor) => self.insert(name, tensor),
            Err(NetworkError::File(FileError::Format { format, place, found, expected, .. })) => {
                // The place in the file of this tensor, which messages name with the path of the whole file.
                let place = format!("tensor `{name}`, {place}");
                let why = Unreadable { format, place, found: found.into(), expected: expected.into() };
                self.unreadable.insert(name.to_owned(), why);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }
}

/// Index along each axis of the value at `at` in C order.
fn index_of(at: usize, shape: &[usize]) -> Vec<usize> {
    let strides = (1..=shape.len()).map(|axis| shape[axis..].iter().product::<usize>());
    shape.iter().zip(strides).map(|(size, stride)| at / stride % size).collect()
}

/// The tensor of a `.npy` file.
fn one_array(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    let mut tensors = Tensors::new();
    let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    tensors.insert(name, real_tensor(path, bytes)?);
    Ok(tensors)
}

/// A real tensor from the contents of a `.npy` file.
fn real_tensor(path: &Path, bytes: &[u8]) -> Result<Tensor> {
    let array = parse_npy(path, bytes)?;
    if array.kind == NpyKind::Complex {
        let expected = "real numbers: the weights of a network are real";
        return Err(npy_error(path, "dtype", "complex numbers", expected).into());
    }
    Ok(Tensor { shape: array.shape, values: array.real.into_doubles() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_and_loading_keeps_tensors_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let mut tensors = Tensors::new();
        tensors.insert("b", Tensor::new(vec![2], vec![0.1, -1e300]));
        tensors.insert("a.weight", Tensor::new(vec![2, 3], (0..6).map(f64::from).collect()));
        for i in 0..9 {
            tensors.metadata.insert(format!("key{i}"), format!("value \"{i}\""));
        }
        let (first, second) = (folder.path().join("1.safetensors"), folder.path().join("2.safetensors"));
        tensors.save(&first).unwrap();
        let back = Tensors::load(&first).unwrap();
        assert_eq!(back.unused(), ["a.weight", "b"]);
        assert_eq!((&back.tensors, &back.metadata), (&tensors.tensors, &tensors.metadata));
        assert_eq!(back.names().collect::<Vec<_>>(), ["a.weight", "b"]);
        back.save(&second).unwrap();
        assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
        assert!(matches!(tensors.save(Path::new("a.npz")), Err(NetworkError::UnknownKind { .. })));
        assert!(matches!(Tensors::load(Path::new("a.pt")), Err(NetworkError::UnknownKind { .. })));
    }

    #[test]
    fn a_tensor_that_does_not_fit_is_described() {
        let mut tensors = Tensors::new();
        tensors.insert("w", Tensor::new(vec![2, 3], vec![0.0, 0.0, 0.0, 0.0, f64::NAN, 0.0]));
        let missing = tensors.expect("layer 1 (dense)", "v", &[2]).unwrap_err().to_string();
        assert!(missing.contains("layer 1 (dense) needs the tensor `v`, found only w"), "{missing}");
        let none = Tensors::new().expect("layer 0 (dense)", "v", &[2]).unwrap_err().to_string();
        assert!(none.contains("`v`, found no tensors;"), "{none}");
        let shape = tensors.expect("layer 1 (dense)", "w", &[3, 2]).unwrap_err().to_string();
        assert!(shape.contains("[2, 3], expected [3, 2]; correct"), "{shape}");
        let nan = tensors.expect("layer 1 (dense)", "w", &[2, 3]).unwrap_err().to_string();
        assert!(nan.contains("tensor `w`, index [1, 1]: found NaN"), "{nan}");
    }
}
