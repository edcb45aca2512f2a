//! TOML files, with errors that give the file, the line, what was found and the nearest known key.

use crate::bytes::InputFiles;
use crate::error::FileError;
use crate::error::InvalidValue;
use crate::error_text::{with_suggestion, without_rust_types};
use crate::kind::{MAX_TOML, other_kind};
use crate::missing::{Pass, with_all_missing};
use crate::strict::Strict;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a TOML file; returns the value and the text. `kind` names its contents, such as `process`, for the message about a
/// file of another kind.
///
/// # Errors
///
/// [`FileError::Io`], [`FileError::TooLarge`] and [`FileError::Syntax`]; an unknown key comes with the nearest known one.
pub fn read_toml<T: DeserializeOwned>(path: &Path, kind: &str) -> Result<(T, String), FileError> {
    InputFiles::default().read_toml(path, kind)
}

impl InputFiles {
    /// Reads a TOML file as [`read_toml`] does.
    ///
    /// # Errors
    ///
    /// As [`read_toml`].
    pub fn read_toml<T: DeserializeOwned>(&self, path: &Path, kind: &str) -> Result<(T, String), FileError> {
        let text = self.read_up_to(path, MAX_TOML)?.text()?;
        if text.trim().is_empty() {
            let message = format!("found an empty file, expected the keys of its kind: {kind}");
            return Err(FileError::Syntax { path: path.to_owned(), line: 1, message });
        }
        match parse_toml(path, &text) {
            Ok(value) => Ok((value, text)),
            Err(FileError::Syntax { path, line, message }) => {
                let message = message + &other_kind(text.as_bytes(), kind);
                Err(FileError::Syntax { path, line, message })
            }
            Err(error) => Err(error),
        }
    }
}

/// Parses TOML text; `path` is for messages only.
///
/// # Errors
///
/// [`FileError::Syntax`].
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    let refused = |error: toml::de::Error, message: &str| {
        let message = message.trim();
        FileError::Syntax {
            path: path.to_owned(),
            line: line_of_unknown_name(text, line_of_byte(text, error.span().map_or(0, |s| s.start)), message),
            message: with_suggestion(&without_rust_types(message)),
        }
    };
    let document = DeTable::parse(text).map_err(|error| refused(error.clone(), error.message()))?;
    if let Some(byte) = document.get_ref().iter().find_map(|(_, value)| first_date(value)) {
        let (path, line) = (path.to_owned(), line_of_byte(text, byte));
        let message = "found a date, expected a number, a text in quotes, true or false, a list or a table".into();
        return Err(FileError::Syntax { path, line, message });
    }
    let read = |pass: &Pass| T::deserialize(Strict(toml::Deserializer::from(document.clone()), pass));
    with_all_missing(read, |error| error.message().to_owned()).map_err(|(error, message)| refused(error, &message))
}

/// Where the first date or time of a value begins. No key of a file takes one.
fn first_date(value: &Spanned<DeValue<'_>>) -> Option<usize> {
    match value.get_ref() {
        DeValue::Datetime(_) => Some(value.span().start),
        DeValue::Array(items) => items.iter().find_map(first_date),
        DeValue::Table(table) => table.iter().find_map(|(_, value)| first_date(value)),
        _ => None,
    }
}

impl FileError {
    /// The error of a file that does not exist, with the key of the settings that names it; another error as it is.
    #[must_use]
    pub fn named_by(self, settings: &Path, text: &str, key: &str) -> Self {
        let is_missing = matches!(&self, Self::Io { source, .. } if source.kind() == ErrorKind::NotFound);
        match is_missing && !key.is_empty() {
            true => {
                let (path, line, key) = (settings.to_owned(), line_of_key(text, key), key.to_owned());
                Self::Named { path, line, key, source: Box::new(self) }
            }
            false => self,
        }
    }
}

/// Adds file and line to the error of one value.
#[must_use]
pub fn locate(path: &Path, text: &str, invalid: InvalidValue) -> FileError {
    let line = line_of_key(text, &invalid.key);
    FileError::Value { path: path.to_owned(), line, invalid: Box::new(invalid) }
}

/// Line, from 1, of a dotted key in TOML text; an index into an array of tables is written `layer[2]`.
///
/// If the text holds only the first parts of the key, the line is that of the last part found.
#[must_use]
pub fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut start = None;
    for part in key.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((key, mut value)) = table.iter().find(|(key, _)| key.get_ref().as_ref() == name) else { break };
        start = Some(key.span().start);
        if let (Some(index), DeValue::Array(items)) = (index, value.get_ref()) {
            let Some(item) = items.get(index) else { break };
            start = Some(item.span().start);
            value = item;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    start.map(|byte| line_of_byte(text, byte))
}

fn line_of_byte(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|&&b| b == b'\n').count() + 1
}

/// Line of the unknown name that `message` quotes, at or after `line`.
///
/// For internally tagged enums the parser gives only the line of the table.
fn line_of_unknown_name(text: &str, line: usize, message: &str) -> usize {
    let Some(name) = message.strip_prefix("unknown ").and_then(|rest| rest.split('`').nth(1)) else {
        return line;
    };
    text.lines().enumerate().skip(line - 1).find(|(_, l)| l.contains(name)).map_or(line, |(index, _)| index + 1)
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
    fn unknown_keys_come_with_their_line_and_the_nearest_key() {
        let e = parse_toml::<Example>(Path::new("p.toml"), "\n\nsigma_rads = 1.0").unwrap_err();
        let text = e.to_string();
        assert!(text.contains("p.toml: line 3") && text.contains("did you mean `sigma_rad`?"), "{text}");
    }

    #[test]
    fn dates_words_and_empty_paths_are_named_as_such() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Word {
            One,
            Two,
        }
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only parsed")]
        struct Table {
            word: Option<Word>,
            file: Option<std::path::PathBuf>,
            numbers: Option<Vec<f64>>,
            table: Option<Example>,
        }
        for (text, message) in [
            ("\nnumbers = [1, 1979-05-27]", "line 2: found a date"),
            ("table = 07:32:00", "line 1: found a date"),
            ("word = 3", "line 1: found integer `3`, expected one of `one`, `two`"),
            ("word = ['one']", "line 1: found list, expected one of `one`, `two`"),
            ("word = 'twoo'", "did you mean `two`?"),
            ("\n\nfile = ''", "line 3: found an empty path, expected the path of a file"),
        ] {
            let error = parse_toml::<Table>(Path::new("p.toml"), text).unwrap_err().to_string();
            assert!(error.contains(message), "{error} | {message}");
        }
        assert!(matches!(parse_toml(Path::new("p.toml"), "word = 'one'"), Ok(Table { word: Some(Word::One), .. })));
    }

    #[test]
    fn lines_of_keys() {
        let text = "a = 1\n[b]\nc = 2\n[[d]]\ne = 1\n[[d]]\ne = 2\n";
        assert_eq!(line_of_key(text, "b.c"), Some(3));
        assert_eq!(line_of_key(text, "d[1].e"), Some(7));
        assert_eq!(line_of_key(text, "x"), None);
    }
}
