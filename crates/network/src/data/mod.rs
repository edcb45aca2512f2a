//! Data files: inputs (features × samples, one sample per column) and labels.
//!
//! The ending of its name determines the kind of a file: `.npy`, `.npz`, `.csv`, `.idx` or `…ubyte` (the names of MNIST),
//! each optionally followed by `.gz`. Compression is recognised by the first bytes.

pub(crate) mod csv;
mod dataset;
mod idx;
mod inputs;
mod labels;
mod npy;
mod npz;
mod rows;
mod spec;

use std::path::Path;

pub use csv::{Column, ColumnRange, CsvColumns, Features, LabelColumns};
pub use dataset::{ClassNames, Dataset, PositionLabels, Truth};
pub use inputs::Inputs;
pub use labels::ClassLabel;
pub use labels::IGNORED_LABEL;
pub use npz::NpzArrays;
pub use phaseloom_hardware::Batch;
pub use rows::{RowRange, Rows, Split, SplitPart};
pub use spec::{DATA_VARIABLE, DataSpec, Every, resolve};

use phaseloom_files::{FileBytes, Reals, read_bytes};

use crate::error::{NetworkError, Result};
use csv::Parts;
use labels::StoredLabels;

/// Kind of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Idx,
    Npy,
    Npz,
    Csv,
}

impl FileKind {
    fn from_path(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name {
            n if n.ends_with(".npy") => Ok(Self::Npy),
            n if n.ends_with(".npz") => Ok(Self::Npz),
            n if n.ends_with(".csv") => Ok(Self::Csv),
            n if n.ends_with(".idx") || n.ends_with("ubyte") => Ok(Self::Idx),
            _ => Err(NetworkError::UnknownKind {
                path: path.to_owned(),
                expected: ".npy, .npz, .csv, .idx or …ubyte, each optionally followed by .gz",
            }),
        }
    }
}

/// Values of all samples, with the shape of one.
struct Samples {
    /// Values × samples; those of a sample in row-major order.
    values: Inputs,
    /// Sizes of the axes of one sample.
    shape: Vec<usize>,
}

/// The parts of the files that are read: columns of CSV, arrays of `.npz`.
#[derive(Clone, Copy)]
struct Choice<'a> {
    columns: &'a CsvColumns,
    arrays: &'a NpzArrays,
}

/// Reads the inputs of a network from a file: features × samples.
///
/// `columns` matters for CSV only, where the label column is left out. A `.npz` file holds one array.
///
/// # Errors
///
/// If the file cannot be read, is of an unknown kind, is damaged, has the wrong rank or type, or holds a NaN or an
/// infinity.
pub fn read_inputs(path: &Path, columns: &CsvColumns) -> Result<Batch> {
    let kind = FileKind::from_path(path)?;
    let file = read_bytes(path)?;
    match kind {
        FileKind::Csv => {
            let parts = Parts { labels: true, ..Parts::FEATURES };
            Ok(csv::read(path, &file.bytes, columns, parts)?.features.to_batch())
        }
        _ => Ok(Choice { columns, arrays: &NpzArrays::default() }.inputs(&file)?.values.to_batch()),
    }
}

/// Outputs of a network in a file that was read: outputs × samples. The first axis of an array counts samples. A `.npz` file
/// holds one array.
///
/// # Errors
///
/// As [`read_inputs`].
pub fn read_outputs(file: &FileBytes) -> Result<Batch> {
    let (columns, arrays) = (CsvColumns::default(), NpzArrays::default());
    Ok(Choice { columns: &columns, arrays: &arrays }.inputs(file)?.values.to_batch())
}

/// Reads labels from a file: whole numbers from 0, −1 and 1, one-hot rows, or names in the order of the alphabet.
///
/// `columns` matters for CSV only. With `classes`, every label must be one of 0…classes−1.
///
/// # Errors
///
/// As [`read_inputs`]; and if a label is not one of these, or outside the classes.
pub fn read_labels(path: &Path, columns: &CsvColumns, classes: Option<usize>) -> Result<Vec<usize>> {
    FileKind::from_path(path)?;
    let choice = Choice { columns, arrays: &NpzArrays::default() };
    let stored = choice.labels(&read_bytes(path)?)?;
    if let Some(positions) = stored.positions() {
        let found = format!("{positions} labels a sample");
        return Err(NetworkError::format(path, "labels", "shape", found, "one label a sample, or a one-hot row"));
    }
    let (labels, _) = stored.classes(path, None)?;
    let labels: Vec<usize> = labels.into_iter().flatten().collect();
    match classes {
        Some(classes) => check_labels(path, labels.iter().copied().map(Some), 1, classes).map(|()| labels),
        None => Ok(labels),
    }
}

impl Choice<'_> {
    /// The inputs in a file without labels.
    fn inputs(self, file: &FileBytes) -> Result<Samples> {
        let (path, bytes, array) = (&*file.path, &*file.bytes, self.arrays.inputs.as_deref());
        match FileKind::from_path(path)? {
            FileKind::Idx => idx::inputs(path, bytes),
            FileKind::Npy => npy::inputs(path, bytes),
            FileKind::Npz => npz::parse_array(path, bytes, ("inputs", array), npy::inputs),
            FileKind::Csv => Ok(flat(csv::read(path, bytes, self.columns, Parts::FEATURES)?.features)),
        }
    }

    /// The labels in a file.
    fn labels(self, file: &FileBytes) -> Result<StoredLabels> {
        let (path, bytes, array) = (&*file.path, &*file.bytes, self.arrays.labels.as_deref());
        match FileKind::from_path(path)? {
            FileKind::Idx => idx::labels(path, bytes),
            FileKind::Npy => npy::labels(path, bytes),
            FileKind::Npz => npz::parse_array(path, bytes, ("labels", array), npy::labels),
            FileKind::Csv => Ok(csv::read(path, bytes, self.columns, Parts::LABELS)?.labels),
        }
    }

    /// The targets of a regression in a file: targets × samples.
    fn targets(self, file: &FileBytes) -> Result<Batch> {
        let (path, bytes, array) = (&*file.path, &*file.bytes, self.arrays.targets.as_deref());
        match FileKind::from_path(path)? {
            FileKind::Idx => Ok(idx::inputs(path, bytes)?.values.to_batch()),
            FileKind::Npy => npy::targets(path, bytes),
            FileKind::Npz => npz::parse_array(path, bytes, ("targets", array), npy::targets),
            FileKind::Csv => Ok(csv::read(path, bytes, self.columns, Parts::TARGETS)?.targets),
        }
    }
}

/// Samples that are rows of features.
fn flat(values: Inputs) -> Samples {
    Samples { shape: vec![values.features()], values }
}

/// Checks that every label is one of 0…classes−1.
fn check_labels(
    path: &Path,
    labels: impl Iterator<Item = Option<usize>>,
    per_sample: usize,
    classes: usize,
) -> Result<()> {
    let mut outside =
        labels.enumerate().filter_map(|(index, label)| Some((index, label.filter(|&label| label >= classes)?)));
    match outside.next() {
        None => Ok(()),
        Some((index, found)) => {
            Err(NetworkError::LabelOutside { path: path.to_owned(), index: index / per_sample, found, classes })
        }
    }
}

/// Samples from their values, sample by sample. The first axis of `shape` counts samples.
fn samples(path: &Path, shape: &[usize], values: Reals) -> Result<Samples> {
    let (samples, shape) = shape.split_first().map_or((0, &[][..]), |(&samples, shape)| (samples, shape));
    let features = shape.iter().product();
    if features == 0 || samples == 0 {
        let found = format!("{samples} samples of {features} features");
        return Err(NetworkError::format(path, "data", "shape", found, "at least one of each"));
    }
    if let Some(at) = values.first_not_finite() {
        let place = format!("sample {}, feature {}", at / features, at % features);
        return Err(NetworkError::not_finite(path, place, values.at(at)));
    }
    Ok(Samples { values: Inputs::new(features, values), shape: shape.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_determines_the_kind() {
        for (name, kind) in [
            ("t10k-images-idx3-ubyte.gz", FileKind::Idx),
            ("train-labels.idx1-ubyte", FileKind::Idx),
            ("a.IDX", FileKind::Idx),
            ("x.npy", FileKind::Npy),
            ("mnist.NPZ", FileKind::Npz),
            ("digits.csv.gz", FileKind::Csv),
        ] {
            assert_eq!(FileKind::from_path(Path::new(name)).unwrap(), kind, "{name}");
        }
        for name in ["x.txt", "gz", "", "a.gz", "npy"] {
            assert!(matches!(FileKind::from_path(Path::new(name)), Err(NetworkError::UnknownKind { .. })), "{name}");
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
