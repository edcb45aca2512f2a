//! TOML files with errors that a person can act on: file, line, what was found, the nearest known key.

use crate::error::FileError;
use crate::{by_key, read_text_up_to};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Bytes of the largest TOML file that is parsed.
const LARGEST: u64 = 16 << 20;

/// Why a TOML file was refused.
#[derive(Debug, thiserror::Error)]
pub enum TomlError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bad syntax, a wrong type, or an unknown key.
    #[error("{}: line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What was found and expected.
        message: String,
    },
    /// A key with an impossible value.
    #[error("{}: {}{invalid}", path.display(), line.map(|l| format!("line {l}: ")).unwrap_or_default())]
    Value {
        /// The file.
        path: PathBuf,
        /// Line, from 1, where the key stands in this file.
        line: Option<usize>,
        /// The key and its value.
        invalid: InvalidValue,
    },
}

/// An impossible value: which key, what was found, what is possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {found}: expected {expected}")]
pub struct InvalidValue {
    /// Dotted key, `splitter_error.sigma_rad`.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What is possible.
    pub expected: String,
}

impl InvalidValue {
    /// The complaint about one key.
    #[must_use]
    pub fn new(key: &str, found: impl std::fmt::Display, expected: &str) -> Self {
        Self { key: key.to_owned(), found: found.to_string(), expected: expected.to_owned() }
    }

    /// The same complaint, with the key inside the table `table`.
    #[must_use]
    pub fn in_table(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}

/// A number without a row of zeros where it is very large or very small.
fn shown(value: f64) -> String {
    let (plain, short) = (value.to_string(), format!("{value:e}"));
    if short.len() + 3 < plain.len() { short } else { plain }
}

/// Checks that a number is finite and at least `least`.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn at_least(key: &str, value: f64, least: f64) -> Result<(), InvalidValue> {
    if value.is_finite() && value >= least {
        Ok(())
    } else {
        Err(InvalidValue::new(key, shown(value), &format!("a finite number ≥ {least}")))
    }
}

/// Checks that a number lies between two others.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn between(key: &str, value: f64, least: f64, most: f64) -> Result<(), InvalidValue> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(InvalidValue::new(key, shown(value), &format!("a number from {} to {}", shown(least), shown(most))))
    }
}

/// Checks that a spread of angles is possible: zero or more, and small enough to be computed with. From a few radians
/// on all spreads are alike.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn spread_rad(key: &str, value: f64) -> Result<(), InvalidValue> {
    at_least(key, value, 0.0)?;
    if value > 1e6 { Err(InvalidValue::new(key, shown(value), "at most 1e6 rad")) } else { Ok(()) }
}

/// Checks that a number is finite and greater than zero.
///
/// # Errors
///
/// The [`InvalidValue`] that names the key and the number.
pub fn positive(key: &str, value: f64) -> Result<(), InvalidValue> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(InvalidValue::new(key, shown(value), "a finite number > 0"))
    }
}

/// Reads a TOML file into `T`.
///
/// # Errors
///
/// [`TomlError::Io`] and [`TomlError::Syntax`]; unknown keys come with the nearest known one.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<(T, String), TomlError> {
    let fail = |source| TomlError::Io { path: path.to_owned(), source };
    let text = read_text_up_to(path, LARGEST).map_err(|error| match error {
        FileError::Io { source, .. } => fail(source),
        other => fail(std::io::Error::other(other)),
    })?;
    let value = parse_toml(path, &text)?;
    Ok((value, text))
}

/// Parses TOML text; `path` is for messages only.
///
/// # Errors
///
/// [`TomlError::Syntax`].
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, TomlError> {
    toml::Deserializer::parse(text).and_then(by_key).map_err(|e| TomlError::Syntax {
        path: path.to_owned(),
        line: precise(text, line_at(text, e.span().map_or(0, |s| s.start)), e.message()),
        message: with_suggestion(e.message()),
    })
}

/// Attaches file and line to a complaint about a value.
#[must_use]
pub fn locate(path: &Path, text: &str, invalid: InvalidValue) -> TomlError {
    let line = line_of(text, &invalid.key);
    TomlError::Value { path: path.to_owned(), line, invalid }
}

/// Line, from 1, where a dotted key stands in TOML text; an index into an array of tables is written `layer[2]`.
#[must_use]
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut start = None;
    for part in key.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((found, value)) = table.iter().find(|(k, _)| k.get_ref().as_ref() == name) else { break };
        start = Some(found.span().start);
        let mut value = value;
        if let (Some(i), DeValue::Array(items)) = (index, value.get_ref()) {
            let Some(item) = items.get(i) else { break };
            start = Some(item.span().start);
            value = item;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    start.map(|at| line_at(text, at))
}

fn line_at(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|&&b| b == b'\n').count() + 1
}

/// The line of an unknown name, where the parser knows only the table that it stands in (tables that are chosen by a
/// key of theirs, such as `kind`).
fn precise(text: &str, line: usize, message: &str) -> usize {
    let Some(found) = message.trim().strip_prefix("unknown ").and_then(|rest| rest.split('`').nth(1)) else {
        return line;
    };
    text.lines().enumerate().skip(line - 1).find(|(_, l)| l.contains(found)).map_or(line, |(index, _)| index + 1)
}

/// serde lists all known fields; the nearest one is what the reader wants to see first.
fn with_suggestion(message: &str) -> String {
    let message = message.trim();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if !(message.starts_with("unknown field") || message.starts_with("unknown variant")) {
        return message.to_owned();
    }
    let Some((found, known)) = quoted.split_first() else { return message.to_owned() };
    nearest(found, known.iter().copied())
        .map_or_else(|| message.to_owned(), |near| format!("{message}; did you mean `{near}`?"))
}

/// The known name most like `found`, if any is like it at all.
#[must_use]
pub fn nearest<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (strsim::jaro_winkler(found, k), k))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[allow(dead_code, reason = "only parsed")]
        sigma_rad: f64,
    }

    #[test]
    fn unknown_keys_name_line_and_neighbour() {
        let e = parse_toml::<Example>(Path::new("p.toml"), "\n\nsigma_rads = 1.0").unwrap_err();
        let text = e.to_string();
        assert!(text.contains("p.toml: line 3") && text.contains("did you mean `sigma_rad`?"), "{text}");
    }

    #[test]
    fn lines_of_keys() {
        let text = "a = 1\n[b]\nc = 2\n[[d]]\ne = 1\n[[d]]\ne = 2\n";
        assert_eq!(line_of(text, "b.c"), Some(3));
        assert_eq!(line_of(text, "d[1].e"), Some(7));
        assert_eq!(line_of(text, "x"), None);
    }
}
