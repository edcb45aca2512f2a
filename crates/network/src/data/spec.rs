//! A choice of data: the table `[data]`, `[train]` or `[validation]` of a TOML file.
//!
//! ```toml
//! inputs = "$PHASELOOM_DATA/vowel-deterding/vowel-train.csv"
//! csv = { label = "y", features = ["x1", "x2", "x3", "x4"] }
//! classes = [1, 3, 6, 9]                       # keep these, renumbered 0, 1, 2, 3
//! split = { part = "train", test = 0.2 }       # a random part of all rows of the file
//! rows = "0..400"                              # rows of the file by their index
//! every = { modulus = 5, except = [0] }        # leave out every fifth row of the file
//! samples = 100                                # the first 100 remaining rows
//! ```
//!
//! Order of the selection: `split`, `rows` and `every` (all three count the rows of the file), then `classes`, then
//! `samples`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::csv::{Contents, Parts};
use super::{
    Choice, ClassLabel, ClassNames, CsvColumns, Dataset, FileKind, LabelColumns, NpzArrays, PositionLabels, Rows,
    Samples, Split, StoredLabels, Truth, csv, flat,
};
use crate::error::{NetworkError, Result};
use phaseloom_files::{InputFiles, hex, require_memory};

/// Environment variable that names the folder of the data. `$PHASELOOM_DATA/` at the start of a path is replaced by it.
pub const DATA_VARIABLE: &str = "PHASELOOM_DATA";

/// A choice of data, as written in a TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// File of the inputs: `.npy`, `.npz`, `.csv`, `.idx` or `…ubyte`, optionally compressed with gzip. Of an array, the
    /// first axis counts samples; the others are the features, in row-major order. `$PHASELOOM_DATA/` at its start names
    /// the folder of the data.
    pub inputs: PathBuf,
    /// File of the labels. It is left out for CSV with a column of labels, for `.npz` with `npz.labels`, and for inputs
    /// without labels. A CSV of labels alone may have one column per class (one-hot). An array of n×positions whole numbers, or of
    /// more axes, has a label for each position of a sample, such as a token; −100 marks a position that is not judged, such as
    /// padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// File of the targets of a regression: n×m real numbers, or n, one for each of the m outputs. It is left out for
    /// CSV with columns of targets and for `.npz` with `npz.targets`. Not with `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<PathBuf>,
    /// Columns of CSV files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<CsvColumns>,
    /// Arrays of `.npz` files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub npz: Option<NpzArrays>,
    /// A random split of the rows of the file into training, validation and test data, and the part that is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Rows by their index from 0: a range such as `"100..200"`, whose end is excluded, an index, or a list of them.
    /// `"..100"` starts at 0, `"100.."` ends with the file. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Rows>,
    /// Rows by the remainder of their index, to split one file into training and test data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// Labels to keep, numbers or names, renumbered 0, 1, … in this order; a list of labels in it is one class, such as
    /// `[[0, 2, 4], [1, 3]]`. Samples with others are left out, and positions with
    /// others are not judged. Default: all, as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<ClassLabel>>,
    /// Names of the classes 0, 1, … in tables, one for each, where the labels are numbers. Default: the names of the file,
    /// or the numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
    /// Number of samples, counted from the first that passes the other filters. A number above those available is an
    /// error. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
}

/// Rows chosen by the remainder of their index, which counts the data rows of the file from 0.
///
/// Exactly one of `remainder` and `except` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// Divisor of the index of a row in the file. Range: ≥ 1.
    pub modulus: usize,
    /// Remainders to keep. Exactly one of this and `except` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remainder: Option<Vec<usize>>,
    /// Remainders to leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Vec<usize>>,
}

impl Every {
    /// Whether a row is kept.
    fn keeps(&self, row: usize) -> bool {
        let remainder = row % self.modulus;
        match (&self.remainder, &self.except) {
            (Some(keep), _) => keep.contains(&remainder),
            (None, Some(leave)) => !leave.contains(&remainder),
            (None, None) => true,
        }
    }
}

/// Resolves a path of a settings file: relative to `base`, or below the folder that `PHASELOOM_DATA` names.
///
/// # Errors
///
/// If the path starts with `$PHASELOOM_DATA` and the variable is not set.
pub fn resolve(path: &Path, base: &Path) -> Result<PathBuf> {
    resolve_with(path, base, std::env::var_os(DATA_VARIABLE).map(PathBuf::from))
}

fn resolve_with(path: &Path, base: &Path, folder: Option<PathBuf>) -> Result<PathBuf> {
    match path.strip_prefix(format!("${DATA_VARIABLE}")) {
        Err(_) => Ok(base.join(path)),
        Ok(rest) => match folder.filter(|f| !f.as_os_str().is_empty()) {
            Some(folder) => Ok(folder.join(rest)),
            None => Err(NetworkError::VariableUnset { variable: DATA_VARIABLE, path: path.to_owned() }),
        },
    }
}

/// The file that holds labels or targets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Labels,
    Targets,
    LabelsInInputs,
    TargetsInInputs,
    Nowhere,
}

impl DataSpec {
    /// The paths of the files as written: inputs, then labels or targets if they have a file of their own.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.inputs).chain(&self.labels).chain(&self.targets)
    }

    /// The files that [`DataSpec::load`] reads, in the order of [`DataSpec::paths`].
    ///
    /// # Errors
    ///
    /// If a path starts with `$PHASELOOM_DATA` and the variable is not set.
    pub fn files(&self, base: &Path) -> Result<Vec<PathBuf>> {
        self.paths().map(|path| resolve(path, base)).collect()
    }

    /// Where the labels or targets are, for inputs of a kind.
    fn source(&self, inputs: FileKind) -> Source {
        let csv = self.csv.as_ref();
        let names =
            |array: fn(&NpzArrays) -> &Option<String>| self.npz.as_ref().is_some_and(|npz| array(npz).is_some());
        match () {
            () if self.targets.is_some() => Source::Targets,
            () if self.labels.is_some() => Source::Labels,
            () if inputs == FileKind::Npz && names(|npz| &npz.targets) => Source::TargetsInInputs,
            () if inputs == FileKind::Npz && names(|npz| &npz.labels) => Source::LabelsInInputs,
            () if inputs != FileKind::Csv => Source::Nowhere,
            () if csv.is_some_and(|columns| columns.targets.is_some()) => Source::TargetsInInputs,
            () if csv.is_some_and(|columns| columns.label.is_absent()) => Source::Nowhere,
            () => Source::LabelsInInputs,
        }
    }

    /// Reads the files, and selects rows and classes. Relative paths start at `base`.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or is damaged, inputs and labels or targets differ in number, a filter is impossible or
    /// leaves no samples, or more samples are requested than available.
    pub fn load(&self, base: &Path) -> Result<Dataset> {
        self.load_from(base, &InputFiles::default())
    }

    /// Reads and selects as [`DataSpec::load`] does, through `files`.
    ///
    /// # Errors
    ///
    /// As [`DataSpec::load`].
    pub fn load_from(&self, base: &Path, files: &InputFiles) -> Result<Dataset> {
        let columns = self.csv.clone().unwrap_or_default();
        let arrays = self.npz.clone().unwrap_or_default();
        let inputs_path = resolve(&self.inputs, base)?;
        let truth_path = self.targets.as_ref().or(self.labels.as_ref()).map(|path| resolve(path, base)).transpose()?;
        let kind = FileKind::from_path(&inputs_path)?;
        self.check(&inputs_path, kind, truth_path.as_deref())?;
        let file = files.read(&inputs_path)?;
        // Values take at most the bytes of an array, and those of the chosen samples are copied.
        require_memory(2.0 * file.bytes.len() as f64, &format!("the values of {}", inputs_path.display()))?;
        let mut digest = Sha256::new();
        digest.update(b"phaseloom-data/1");
        digest.update(file.sha256);
        let labels_path = truth_path.unwrap_or_else(|| inputs_path.clone());
        let mut own_file = || -> Result<_> {
            let file = files.read(&labels_path)?;
            digest.update(file.sha256);
            Ok(file)
        };
        let choice = Choice { columns: &columns, arrays: &arrays };
        let in_csv = |parts: Parts| csv::read(&inputs_path, &file.bytes, &columns, parts);
        let (inputs, labels, targets) = match (self.source(kind), kind) {
            (Source::LabelsInInputs, FileKind::Csv) => {
                let Contents { features, labels, .. } = in_csv(Parts { labels: true, ..Parts::FEATURES })?;
                (flat(features), Some(labels), None)
            }
            (Source::TargetsInInputs, FileKind::Csv) => {
                let Contents { features, targets, .. } = in_csv(Parts { targets: true, ..Parts::FEATURES })?;
                (flat(features), None, Some(targets))
            }
            (Source::LabelsInInputs, _) => (choice.inputs(&file)?, Some(choice.labels(&file)?), None),
            (Source::TargetsInInputs, _) => (choice.inputs(&file)?, None, Some(choice.targets(&file)?)),
            (Source::Labels, _) => (choice.inputs(&file)?, Some(choice.labels(&*own_file()?)?), None),
            (Source::Targets, _) => (choice.inputs(&file)?, None, Some(choice.targets(&*own_file()?)?)),
            (Source::Nowhere, _) => (choice.inputs(&file)?, None, None),
        };
        let Samples { values: inputs, shape: sample_shape } = inputs;
        let samples = inputs.samples();
        let mismatch = [labels.as_ref().map(|l| (l.len(), "labels")), targets.as_ref().map(|t| (t.ncols(), "targets"))];
        if let Some(&(found, what)) = mismatch.iter().flatten().find(|(found, _)| *found != samples) {
            return Err(NetworkError::CountMismatch { inputs_path, labels_path, inputs: samples, found, what });
        }
        let selection = Selection {
            csv: (kind == FileKind::Csv || FileKind::from_path(&labels_path)? == FileKind::Csv).then_some(&columns),
            npz: self.npz.as_ref(),
            split: self.split.as_ref(),
            rows: self.rows.as_ref(),
            every: self.every.as_ref(),
            classes: self.classes.as_deref(),
            samples: self.samples,
        };
        // Numbers and strings always serialise.
        digest.update(serde_json::to_vec(&selection).unwrap_or_default());
        let positions = labels.as_ref().and_then(StoredLabels::positions);
        let (classes, names) = match labels {
            Some(labels) => labels.classes(&labels_path, self.classes.as_deref()).map(|(c, names)| (Some(c), names))?,
            None => (None, None),
        };
        let class_names = match &self.class_names {
            Some(_) if names.is_some() || self.names_classes() => {
                let expected = "no such key: the labels are names; put them into another order with `classes`";
                return Err(NetworkError::choice(&labels_path, "class_names", "names of classes", expected));
            }
            Some(given) => Some(ClassNames { names: given.clone(), key: "class_names" }),
            None => names.map(|names| ClassNames { names, key: "classes" }),
        };
        // A sample stays if some of its positions are left out.
        let has_class = |row: usize| positions.is_some() || classes.as_ref().is_none_or(|all| all[row].is_some());
        let rows = self.select(&inputs_path, samples, has_class)?;
        let is_all = rows.iter().copied().eq(0..samples);
        let truth = match (classes, targets) {
            (Some(classes), _) if positions.is_some() => {
                let per_sample = positions.unwrap_or(1);
                let labels = rows.iter().flat_map(|row| &classes[row * per_sample..(row + 1) * per_sample]).copied();
                Truth::PositionLabels(PositionLabels { per_sample, labels: labels.collect() })
            }
            (Some(classes), _) => Truth::Labels(rows.iter().filter_map(|&row| classes[row]).collect()),
            (None, Some(targets)) if is_all => Truth::Targets(targets),
            (None, Some(targets)) => Truth::Targets(targets.select_columns(&rows)),
            (None, None) => Truth::Unknown,
        };
        let inputs = if is_all { inputs } else { inputs.keep(&rows) };
        let sha256 = hex(&digest.finalize());
        Ok(Dataset { inputs, sample_shape, truth, sha256, class_names, inputs_path, labels_path })
    }

    /// Whether `classes` chooses names.
    fn names_classes(&self) -> bool {
        self.classes.iter().flatten().flat_map(ClassLabel::members).any(|label| matches!(label, ClassLabel::Name(_)))
    }

    /// Checks that the keys fit each other and the kind of the inputs.
    fn check(&self, path: &Path, kind: FileKind, truth: Option<&Path>) -> Result<()> {
        let invalid = |key: &str, found: String, expected: &str| Err(NetworkError::choice(path, key, found, expected));
        let source = self.source(kind);
        if self.targets.is_some() && self.labels.is_some() {
            return invalid("targets", "both `targets` and `labels`".into(), "the file of one of them");
        }
        for (key, given, found) in [
            ("classes", self.classes.is_some(), "labels to keep"),
            ("class_names", self.class_names.is_some(), "names of classes"),
        ] {
            if given && !matches!(source, Source::Labels | Source::LabelsInInputs) {
                return invalid(key, found.into(), "no such key: the samples have no labels");
            }
        }
        let truth_kind = truth.map_or(Ok(kind), FileKind::from_path)?;
        if let Some((key, found, expected)) = self.npz.as_ref().and_then(|npz| npz.misfit(kind, source, truth_kind)) {
            return invalid(key, found.into(), expected);
        }
        if let Some(columns) = &self.csv {
            let is_label_unread = columns.label != LabelColumns::default() && !columns.label.is_absent();
            if columns.targets.is_some() && (source == Source::Labels || is_label_unread) {
                return invalid("csv.targets", "columns of targets and labels".into(), "one of them");
            }
            let no_effect = "no such key: it has no effect, because the file is not CSV";
            if kind != FileKind::Csv && truth_kind != FileKind::Csv {
                return invalid("csv", "a table of columns".into(), no_effect);
            }
            if kind != FileKind::Csv && columns.features.is_some() {
                return invalid("csv.features", "columns".into(), no_effect);
            }
            if truth_kind != FileKind::Csv && columns.label != LabelColumns::default() {
                let expected = "no such key: it has no effect, because the file of the labels or targets is not CSV";
                return invalid("csv.label", "a column".into(), expected);
            }
            if truth_kind != FileKind::Csv && columns.targets.is_some() {
                return invalid("csv.targets", "columns".into(), no_effect);
            }
        }
        if let Some((key, found, expected)) = self.split.and_then(|split| split.check().err()) {
            return invalid(key, found, expected);
        }
        if let Some(every) = &self.every {
            let lists: Vec<&Vec<usize>> = [&every.remainder, &every.except].into_iter().flatten().collect();
            if every.modulus == 0 || lists.len() != 1 {
                let found = format!("modulus = {}, {} lists", every.modulus, lists.len());
                return invalid("every", found, "modulus ≥ 1 and one of `remainder = […]`, `except = […]`");
            }
            if let Some(remainder) = lists[0].iter().find(|&&remainder| remainder >= every.modulus) {
                return invalid("every", format!("the remainder {remainder}"), "remainders below the modulus");
            }
            let list = lists[0];
            if let Some(k) = (1..list.len()).find(|&k| list[..k].contains(&list[k])) {
                return invalid("every", format!("the remainder {} twice", list[k]), "each remainder once");
            }
        }
        if let Some(classes) = &self.classes {
            let repeated = (1..classes.len()).find(|&i| classes[..i].contains(&classes[i]));
            if classes.is_empty() || repeated.is_some() {
                let list: Vec<String> = classes.iter().map(ToString::to_string).collect();
                let list = format!("[{}]", list.join(", "));
                return invalid("classes", list, "at least one label, each once");
            }
        }
        if let Some(names) = &self.class_names {
            let repeated = (1..names.len()).find(|&i| names[..i].contains(&names[i]));
            if names.is_empty() || repeated.is_some() {
                return invalid("class_names", format!("{names:?}"), "a name for each class, each once");
            }
        }
        if self.samples == Some(0) {
            return invalid("samples", "0".into(), "at least 1");
        }
        Ok(())
    }

    /// Indices of the rows that are kept. `has_class` says whether a row belongs to a chosen class.
    fn select(&self, path: &Path, count: usize, has_class: impl Fn(usize) -> bool) -> Result<Vec<usize>> {
        let mask = self.rows.as_ref().map(|rows| rows.mask(count)).transpose();
        let mask = mask.map_err(|(found, expected)| NetworkError::choice(path, "rows", found, expected))?;
        let kept = |row: &usize| {
            mask.as_ref().is_none_or(|mask| mask[*row])
                && self.every.as_ref().is_none_or(|every| every.keeps(*row))
                && has_class(*row)
        };
        let order = self.split.map_or_else(|| (0..count).collect(), |split| split.rows(count));
        let mut rows: Vec<usize> = order.into_iter().filter(kept).collect();
        let available = rows.len();
        if available == 0 {
            let keys = [
                ("classes", self.classes.is_some()),
                ("every", self.every.is_some()),
                ("rows", self.rows.is_some()),
                ("split", true),
            ];
            let key = keys.iter().find(|(_, given)| *given).map_or("split", |(key, _)| key);
            return Err(NetworkError::choice(path, key, "a choice of 0 samples", "one that keeps some of the file"));
        }
        let requested = self.samples.unwrap_or(available);
        if requested > available {
            let expected = format!("at most {available}, the samples after the row and class filters");
            return Err(NetworkError::choice(path, "samples", requested, expected));
        }
        rows.truncate(requested);
        Ok(rows)
    }
}

/// The part of the settings that enters the hash: everything but the paths.
#[derive(Serialize)]
struct Selection<'a> {
    csv: Option<&'a CsvColumns>,
    // Keys that are younger than the hash leave it as it was where they are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    npz: Option<&'a NpzArrays>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<&'a Split>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<&'a Rows>,
    every: Option<&'a Every>,
    classes: Option<&'a [ClassLabel]>,
    samples: Option<usize>,
}

#[cfg(test)]
mod tests;
