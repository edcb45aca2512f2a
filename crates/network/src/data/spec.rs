//! A choice of data: the table `[data]`, `[train]` or `[validation]` of a TOML file.
//!
//! ```toml
//! inputs = "$PHASELOOM_DATA/vowel-deterding/vowel-train.csv"
//! csv = { label = "y", features = ["x1", "x2", "x3", "x4"] }
//! classes = [1, 3, 6, 9]                       # keep these, renumbered 0, 1, 2, 3
//! every = { modulus = 5, except = [0] }        # leave out every fifth row
//! samples = 100                                # the first 100 remaining rows
//! ```
//!
//! Order of the selection: `every` (it counts the rows of the file), then `classes`, then `samples`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::csv::{Contents, Parts};
use super::{
    Batch, ClassLabel, CsvColumns, Dataset, FileKind, LabelColumns, Truth, csv, parse_inputs, parse_labels,
    parse_targets,
};
use crate::error::{NetworkError, Result};
use phaseloom_files::{InputFiles, hex};

/// Environment variable that names the folder of the data. `$PHASELOOM_DATA/` at the start of a path is replaced by it.
pub const DATA_VARIABLE: &str = "PHASELOOM_DATA";

/// A choice of data, as written in a TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// File of the inputs: `.npy`, `.csv`, `.idx` or `…ubyte`, optionally compressed with gzip. `$PHASELOOM_DATA/` at
    /// its start names the folder of the data.
    pub inputs: PathBuf,
    /// File of the labels. It is left out for CSV with a column of labels, and for inputs without labels. A CSV of
    /// labels alone may have one column per class (one-hot).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// File of the targets of a regression: n×m real numbers, or n, one for each of the m outputs. It is left out for
    /// CSV with columns of targets. Not with `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<PathBuf>,
    /// Columns of CSV files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv: Option<CsvColumns>,
    /// Rows by the remainder of their index, to split one file into training and test data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// Labels to keep, numbers or names, renumbered 0, 1, … in this order. Default: all, as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<ClassLabel>>,
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
enum Source {
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
        match () {
            () if self.targets.is_some() => Source::Targets,
            () if self.labels.is_some() => Source::Labels,
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
        let inputs_path = resolve(&self.inputs, base)?;
        let truth_path = self.targets.as_ref().or(self.labels.as_ref()).map(|path| resolve(path, base)).transpose()?;
        let kind = FileKind::from_path(&inputs_path)?;
        self.check(&inputs_path, kind, truth_path.as_deref())?;
        let file = files.read(&inputs_path)?;
        let mut digest = Sha256::new();
        digest.update(b"phaseloom-data/1");
        digest.update(file.sha256);
        let labels_path = truth_path.unwrap_or_else(|| inputs_path.clone());
        let mut own_file = || -> Result<_> {
            let file = files.read(&labels_path)?;
            digest.update(file.sha256);
            Ok(file)
        };
        let in_inputs = |parts: Parts| csv::read(&inputs_path, &file.bytes, &columns, parts);
        let (inputs, labels, targets) = match self.source(kind) {
            Source::LabelsInInputs => {
                let Contents { features, labels, .. } = in_inputs(Parts { labels: true, ..Parts::FEATURES })?;
                (features, Some(labels), None)
            }
            Source::TargetsInInputs => {
                let Contents { features, targets, .. } = in_inputs(Parts { targets: true, ..Parts::FEATURES })?;
                (features, None, Some(targets))
            }
            Source::Labels => (parse_inputs(&file, &columns)?, Some(parse_labels(&*own_file()?, &columns)?), None),
            Source::Targets => (parse_inputs(&file, &columns)?, None, Some(parse_targets(&*own_file()?, &columns)?)),
            Source::Nowhere => (parse_inputs(&file, &columns)?, None, None),
        };
        let samples = inputs.ncols();
        let mismatch = [labels.as_ref().map(|l| (l.len(), "labels")), targets.as_ref().map(|t| (t.ncols(), "targets"))];
        if let Some(&(found, what)) = mismatch.iter().flatten().find(|(found, _)| *found != samples) {
            return Err(NetworkError::CountMismatch { inputs_path, labels_path, inputs: samples, found, what });
        }
        let selection = Selection {
            csv: (kind == FileKind::Csv || FileKind::from_path(&labels_path)? == FileKind::Csv).then_some(&columns),
            every: self.every.as_ref(),
            classes: self.classes.as_deref(),
            samples: self.samples,
        };
        // Numbers and strings always serialise.
        digest.update(serde_json::to_vec(&selection).unwrap_or_default());
        let (classes, class_names) = match labels {
            Some(labels) => labels.classes(&labels_path, self.classes.as_deref()).map(|(c, names)| (Some(c), names))?,
            None => (None, None),
        };
        let rows = self.select(&inputs_path, samples, |row| classes.as_ref().is_none_or(|all| all[row].is_some()))?;
        let chosen = |batch: Batch| if rows.len() == samples { batch } else { batch.select_columns(&rows) };
        let truth = match (classes, targets) {
            (Some(classes), _) => Truth::Labels(rows.iter().filter_map(|&row| classes[row]).collect()),
            (None, Some(targets)) => Truth::Targets(chosen(targets)),
            (None, None) => Truth::Unknown,
        };
        let inputs = chosen(inputs);
        Ok(Dataset { inputs, truth, sha256: hex(&digest.finalize()), class_names, inputs_path, labels_path })
    }

    /// Checks that the keys fit each other and the kind of the inputs.
    fn check(&self, path: &Path, kind: FileKind, truth: Option<&Path>) -> Result<()> {
        let invalid = |key: &str, found: String, expected: &str| Err(NetworkError::choice(path, key, found, expected));
        let source = self.source(kind);
        if self.targets.is_some() && self.labels.is_some() {
            return invalid("targets", "both `targets` and `labels`".into(), "the file of one of them");
        }
        if self.classes.is_some() && !matches!(source, Source::Labels | Source::LabelsInInputs) {
            return invalid("classes", "labels to keep".into(), "no such key: the samples have no labels");
        }
        let truth_kind = truth.map_or(Ok(kind), FileKind::from_path)?;
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
        if self.samples == Some(0) {
            return invalid("samples", "0".into(), "at least 1");
        }
        Ok(())
    }

    /// Indices of the rows that are kept. `has_class` says whether a row belongs to a chosen class.
    fn select(&self, path: &Path, count: usize, has_class: impl Fn(usize) -> bool) -> Result<Vec<usize>> {
        let kept = |row: &usize| self.every.as_ref().is_none_or(|every| every.keeps(*row)) && has_class(*row);
        let mut rows: Vec<usize> = (0..count).filter(kept).collect();
        let available = rows.len();
        if available == 0 {
            let key = if self.classes.is_some() { "classes" } else { "every" };
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
    every: Option<&'a Every>,
    classes: Option<&'a [ClassLabel]>,
    samples: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn spec(toml: &str) -> DataSpec {
        toml::from_str(toml).unwrap()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let rows: String = (0..10).map(|i| format!("{i},{}\n", i % 3)).collect();
        fs::write(folder.path().join("a.csv"), rows).unwrap();
        folder
    }

    #[test]
    fn rows_then_classes_then_number() {
        let folder = folder();
        let load = |toml: &str| spec(toml).load(folder.path());
        let all = load("inputs = 'a.csv'").unwrap();
        assert_eq!((all.samples(), all.features()), (10, 1));
        let test = load("inputs = 'a.csv'\nevery = { modulus = 5, remainder = [0] }").unwrap();
        assert_eq!((test.inputs.as_slice(), test.labels()), (&[0.0, 5.0][..], &[0, 2][..]));
        let train = load("inputs = 'a.csv'\nevery = { modulus = 5, except = [0] }").unwrap();
        assert_eq!(train.samples(), 8);
        let two = load("inputs = 'a.csv'\nclasses = [2, 0]\nsamples = 3").unwrap();
        assert_eq!((two.inputs.as_slice(), two.labels()), (&[0.0, 2.0, 3.0][..], &[1, 0, 1][..]));
        assert_ne!(all.sha256, test.sha256);
        assert_eq!(all.sha256, load("inputs = 'a.csv'").unwrap().sha256);
        assert!(all.check(1, 3).is_ok());
        assert!(matches!(all.check(2, 3), Err(NetworkError::FeatureCount { found: 1, expected: 2, .. })));
        assert!(matches!(all.check(1, 2), Err(NetworkError::LabelOutside { index: 2, found: 2, .. })));
    }

    #[test]
    fn the_hash_is_of_contents_not_of_paths() {
        let folder = folder();
        let first = spec("inputs = 'a.csv'").load(folder.path()).unwrap().sha256;
        fs::copy(folder.path().join("a.csv"), folder.path().join("b.csv")).unwrap();
        assert_eq!(spec("inputs = 'b.csv'").load(folder.path()).unwrap().sha256, first);
        fs::write(folder.path().join("b.csv"), "7,1\n").unwrap();
        assert_ne!(spec("inputs = 'b.csv'").load(folder.path()).unwrap().sha256, first);
    }

    #[test]
    fn impossible_choices_are_errors() {
        let folder = folder();
        fs::write(folder.path().join("y.csv"), "0\n1\n").unwrap();
        for (toml, part) in [
            ("inputs = 'a.csv'\nsamples = 11", "found 11, expected at most 10"),
            ("inputs = 'a.csv'\nclasses = ['a']", "the name `a`"),
            ("inputs = 'a.csv'\nevery = { modulus = 5, except = [0, 0] }", "remainder 0 twice"),
            ("inputs = 'a.npy'\nlabels = 'y.npy'\ncsv = { skip_lines = 1 }", "`csv`: found a table"),
            ("inputs = 'a.npy'\nlabels = 'y.csv'\ncsv = { features = [0] }", "`csv.features`"),
            ("inputs = 'a.csv'\nlabels = 'y.npy'\ncsv = { label = 'y' }", "`csv.label`"),
            ("inputs = 'a.csv'\nsamples = 0", "at least 1"),
            ("inputs = 'a.csv'\nclasses = [7]", "labels of the file: 0, 1"),
            ("inputs = 'a.csv'\nclasses = []", "at least one label"),
            ("inputs = 'a.csv'\nclasses = [1, 1]", "each once"),
            ("inputs = 'a.csv'\nevery = { modulus = 0, remainder = [0] }", "modulus ≥ 1"),
            ("inputs = 'a.csv'\nevery = { modulus = 2 }", "one of `remainder"),
            ("inputs = 'a.csv'\nevery = { modulus = 2, remainder = [2] }", "below the modulus"),
            ("inputs = 'a.npy'\nclasses = [1]", "the samples have no labels"),
            ("inputs = 'a.csv'\nlabels = 'y.csv'\ntargets = 'y.csv'", "the file of one of them"),
            ("inputs = 'a.csv'\ncsv = { label = 1, targets = [0] }", "columns of targets and labels"),
            ("inputs = 'a.csv'\ncsv = { targets = [1], features = [0, 1] }", "column 1, the target"),
            ("inputs = 'a.csv'\ntargets = 'y.npy'\ncsv = { targets = [1] }", "`csv.targets`"),
            ("inputs = 'a.csv'\ntargets = 'y.csv'", "holds 2 targets"),
            ("inputs = 'none.csv'", "No such file"),
            ("inputs = 'a.csv'\nlabels = 'y.csv'", "holds 10 inputs"),
        ] {
            let error = spec(toml).load(folder.path()).unwrap_err().to_string();
            assert!(error.contains(part), "{error} | {part}");
        }
        assert!(toml::from_str::<DataSpec>("inputs = 'a.csv'\nlables = 'b'").is_err());
    }

    #[test]
    fn names_of_classes_are_chosen_or_are_as_many_as_the_outputs() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), "1,dog\n2,cat\n3,emu\n4,cat\n").unwrap();
        let all = spec("inputs = 'a.csv'").load(folder.path()).unwrap();
        assert_eq!(all.labels(), [1, 0, 2, 0]);
        assert!(all.check(1, 3).is_ok());
        let two = all.check(1, 2).unwrap_err().to_string();
        assert!(two.contains("found 3 names of classes (cat, dog, emu), expected 2"), "{two}");
        assert!(all.check(1, 4).is_err());
        let chosen = spec("inputs = 'a.csv'\nclasses = ['emu', 'cat']").load(folder.path()).unwrap();
        assert_eq!(chosen.labels(), [1, 0, 1]);
        assert!(chosen.check(1, 4).is_ok());
    }

    #[test]
    fn a_choice_that_does_not_fit_blames_the_settings() {
        let folder = folder();
        let text = "seed = 1\n[data]\ninputs = 'a.csv'\nsamples = 11\n";
        let error = spec("inputs = 'a.csv'\nsamples = 11").load(folder.path()).unwrap_err();
        let located = error.in_settings("data", Path::new("e.toml"), text).to_string();
        assert!(
            located.starts_with("e.toml: line 4: `data.samples` is 11 (for ") && located.contains("a.csv): expected")
        );
    }

    #[test]
    fn the_variable_is_named_when_it_is_missing() {
        let (path, base) = (Path::new("$PHASELOOM_DATA/mnist/a.gz"), Path::new("/base"));
        assert_eq!(resolve_with(path, base, Some("/d".into())).unwrap(), Path::new("/d/mnist/a.gz"));
        let error = resolve_with(path, base, None).unwrap_err().to_string();
        assert!(error.contains("PHASELOOM_DATA is not set; set it to the folder"), "{error}");
        assert_eq!(resolve_with(Path::new("x/y.csv"), base, None).unwrap(), Path::new("/base/x/y.csv"));
    }
}
