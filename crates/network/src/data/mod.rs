//! Data files: inputs (features × samples, one column a sample) and labels.
//!
//! The kind of a file is told by the end of its name: `.npy`, `.csv`, `.idx` or `…ubyte` (the names of MNIST), each
//! also with `.gz` behind it; whether a file is compressed is told by its first bytes.

pub(crate) mod csv;
mod dataset;
mod idx;
mod npy;
mod spec;

use std::path::Path;

pub use csv::{Column, ColumnRange, CsvColumns, Features};
pub use dataset::Dataset;
pub use phaseloom_hardware::Batch;
pub use spec::{DATA_VARIABLE, DataSpec, Every, resolve};

use phaseloom_files::{FileBytes, read_bytes};

use crate::error::{NetworkError, Result};

/// Kind of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Idx,
    Npy,
    Csv,
}

impl FileKind {
    fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name {
            n if n.ends_with(".npy") => Ok(Self::Npy),
            n if n.ends_with(".csv") => Ok(Self::Csv),
            n if n.ends_with(".idx") || n.ends_with("ubyte") => Ok(Self::Idx),
            _ => Err(NetworkError::UnknownKind {
                path: path.to_owned(),
                expected: ".npy, .csv, .idx or …ubyte, each also with .gz behind it",
            }),
        }
    }
}

/// Reads the inputs of a network from a file: features × samples. `columns` matters for CSV only; there, the label
/// column is left out.
///
/// # Errors
///
/// If the file cannot be read, is of an unknown kind, is damaged, has the wrong rank or type, or holds a NaN or an
/// infinity.
pub fn read_inputs(path: &Path, columns: &CsvColumns) -> Result<Batch> {
    let kind = FileKind::of(path)?;
    let file = read_bytes(path)?;
    match kind {
        FileKind::Csv => Ok(csv::read(path, &file.bytes, columns, csv::Want::Both)?.0),
        _ => inputs_of(&file, columns),
    }
}

/// Reads labels, whole numbers from 0, from a file. `columns` matters for CSV only. With `classes`, every label must be
/// one of 0…classes−1.
///
/// # Errors
///
/// As [`read_inputs`]; and if a label is negative, not whole, or outside the classes.
pub fn read_labels(path: &Path, columns: &CsvColumns, classes: Option<usize>) -> Result<Vec<usize>> {
    FileKind::of(path)?;
    let labels = labels_of(&read_bytes(path)?, columns)?;
    match classes {
        Some(classes) => check_labels(path, &labels, classes).map(|()| labels),
        None => Ok(labels),
    }
}

/// Inputs of a file that holds no labels.
fn inputs_of(file: &FileBytes, columns: &CsvColumns) -> Result<Batch> {
    match FileKind::of(&file.path)? {
        FileKind::Idx => idx::inputs(&file.path, &file.bytes),
        FileKind::Npy => npy::inputs(&file.path, &file.bytes),
        FileKind::Csv => Ok(csv::read(&file.path, &file.bytes, columns, csv::Want::Features)?.0),
    }
}

fn labels_of(file: &FileBytes, columns: &CsvColumns) -> Result<Vec<usize>> {
    match FileKind::of(&file.path)? {
        FileKind::Idx => idx::labels(&file.path, &file.bytes),
        FileKind::Npy => npy::labels(&file.path, &file.bytes),
        FileKind::Csv => Ok(csv::read(&file.path, &file.bytes, columns, csv::Want::Labels)?.1),
    }
}

fn check_labels(path: &Path, labels: &[usize], classes: usize) -> Result<()> {
    match labels.iter().position(|&label| label >= classes) {
        None => Ok(()),
        Some(index) => Err(NetworkError::LabelOutside { path: path.to_owned(), index, found: labels[index], classes }),
    }
}

/// A batch from the values of one sample after the other.
fn batch_of_samples(path: &Path, features: usize, samples: usize, values: Vec<f64>) -> Result<Batch> {
    if features == 0 || samples == 0 {
        return Err(NetworkError::Format {
            path: path.to_owned(),
            format: "data",
            place: "shape".into(),
            found: format!("{samples} samples of {features} features"),
            expected: "at least one of each".into(),
        });
    }
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let place = format!("sample {}, feature {}", at / features, at % features);
        return Err(NetworkError::NotFinite { path: path.to_owned(), place, found: values[at] });
    }
    Ok(Batch::from_vec(features, samples, values))
}

/// Labels from whole numbers that were read as floats (exact below 2^53).
fn labels_from_values(path: &Path, format: &'static str, values: &[f64]) -> Result<Vec<usize>> {
    const BEYOND: f64 = 9_007_199_254_740_992.0;
    match values.iter().position(|v| !(0.0..BEYOND).contains(v)) {
        None => Ok(values.iter().map(|&v| v as usize).collect()),
        Some(at) => Err(NetworkError::Format {
            path: path.to_owned(),
            format,
            place: format!("label of sample {at}"),
            found: values[at].to_string(),
            expected: "a whole number from 0, below 2^53".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_the_ending() {
        for (name, kind) in [
            ("t10k-images-idx3-ubyte.gz", FileKind::Idx),
            ("train-labels.idx1-ubyte", FileKind::Idx),
            ("a.IDX", FileKind::Idx),
            ("x.npy", FileKind::Npy),
            ("digits.csv.gz", FileKind::Csv),
        ] {
            assert_eq!(FileKind::of(Path::new(name)).unwrap(), kind, "{name}");
        }
        for name in ["x.txt", "gz", "", "a.gz", "npy"] {
            assert!(matches!(FileKind::of(Path::new(name)), Err(NetworkError::UnknownKind { .. })), "{name}");
        }
    }

    #[test]
    fn a_label_outside_the_classes_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "1.5,0\n2.5,3\n").unwrap();
        let columns = CsvColumns::default();
        assert_eq!(read_labels(&path, &columns, None).unwrap(), [0, 3]);
        let error = read_labels(&path, &columns, Some(3)).unwrap_err().to_string();
        assert!(error.contains("label 3 of sample 1") && error.contains("0…2"), "{error}");
        assert_eq!(read_inputs(&path, &columns).unwrap().as_slice(), [1.5, 2.5]);
    }
}
