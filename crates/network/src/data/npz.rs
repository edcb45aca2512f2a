//! The choice of arrays in `.npz` files: the table `npz`.

use std::path::Path;

use phaseloom_files::{FileError, nearest};
use serde::{Deserialize, Serialize};

use super::FileKind;
use super::spec::Source;
use crate::error::{NetworkError, Result, listed};
use crate::npz::Npz;

/// Names of the arrays in `.npz` files, as in `numpy.load("data.npz")["x_test"]`.
///
/// A name may be left out if the file has one array alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NpzArrays {
    /// Array of the inputs, in the file of the inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Array of the labels, in the file of the labels or else in that of the inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// Array of the targets of a regression, in the file of the targets or else in that of the inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
}

impl NpzArrays {
    /// A key that does not fit the kinds of the files and the place of labels or targets: the key, what was found, and what is
    /// expected.
    pub(super) fn misfit(
        &self,
        inputs: FileKind,
        source: Source,
        truth: FileKind,
    ) -> Option<(&'static str, &'static str, &'static str)> {
        const NO_FILE: &str = "no such key: it has no effect, because the file is not .npz";
        let is_labels = matches!(source, Source::Labels | Source::LabelsInInputs);
        let is_targets = matches!(source, Source::Targets | Source::TargetsInInputs);
        if self.labels.is_some() && self.targets.is_some() {
            return Some(("npz.targets", "arrays of targets and labels", "one of them"));
        }
        if inputs != FileKind::Npz && truth != FileKind::Npz {
            return Some(("npz", "names of arrays", NO_FILE));
        }
        if self.inputs.is_some() && inputs != FileKind::Npz {
            return Some(("npz.inputs", "a name", NO_FILE));
        }
        if self.labels.is_some() && !(is_labels && truth == FileKind::Npz) {
            return Some(("npz.labels", "a name", "no such key: no labels are read from a .npz file"));
        }
        if self.targets.is_some() && !(is_targets && truth == FileKind::Npz) {
            return Some(("npz.targets", "a name", "no such key: no targets are read from a .npz file"));
        }
        None
    }
}

/// Parses the array `name` of a file. `key` is the key that names it.
pub(super) fn parse_array<T>(
    path: &Path,
    bytes: &[u8],
    (key, name): (&str, Option<&str>),
    parse: impl FnOnce(&Path, &[u8]) -> Result<T>,
) -> Result<T> {
    let mut file = Npz::open(path, bytes)?;
    let names = file.names();
    let key = format!("npz.{key}");
    let name = match (name, names.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => return Err(NetworkError::choice(path, key, "a file without arrays", "at least one array")),
        (None, _) => {
            let expected = format!("the name of one of the arrays {}", listed(&names));
            return Err(NetworkError::choice(path, key, "no name", expected));
        }
    };
    match file.array(name)? {
        Some(contents) => parse(path, &contents).map_err(|error| in_array(error, name)),
        None => {
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let expected = format!("an array of the file: {}{near}", listed(&names));
            Err(NetworkError::choice(path, key, format!("`{name}`"), expected))
        }
    }
}

/// The same error, with the array in its place.
fn in_array(error: NetworkError, name: &str) -> NetworkError {
    match error {
        NetworkError::File(FileError::Format { path, format, place, found, expected }) => {
            NetworkError::format(&path, format, format!("array `{name}`, {place}"), found, expected)
        }
        NetworkError::File(FileError::NotFinite { path, place, found }) => {
            NetworkError::not_finite(&path, format!("array `{name}`, {place}"), found)
        }
        other => other,
    }
}
