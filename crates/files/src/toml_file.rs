//! TOML files, with errors that give the file, the line, what was found and the nearest known key.

use crate::bytes::InputFiles;
use crate::checks::InvalidValue;
use crate::error::FileError;
use crate::error_text::{with_suggestion, without_rust_types};
use crate::strict::Strict;
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Maximum size of a TOML file in bytes. Longer files are refused before they are parsed.
const MAX_LENGTH: u64 = 16 << 20;

/// Reads a TOML file; returns the value and the text.
///
/// # Errors
///
/// [`FileError::Io`], [`FileError::TooLarge`] and [`FileError::Syntax`]; an unknown key comes with the nearest known one.
pub fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<(T, String), FileError> {
    InputFiles::default().read_toml(path)
}

impl InputFiles {
    /// Reads a TOML file as [`read_toml`] does.
    ///
    /// # Errors
    ///
    /// As [`read_toml`].
    pub fn read_toml<T: DeserializeOwned>(&self, path: &Path) -> Result<(T, String), FileError> {
        let text = self.read_up_to(path, MAX_LENGTH)?.text()?;
        let value = parse_toml(path, &text)?;
        Ok((value, text))
    }
}

/// Parses TOML text; `path` is for messages only.
///
/// # Errors
///
/// [`FileError::Syntax`].
pub fn parse_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    toml::Deserializer::parse(text).and_then(|toml| T::deserialize(Strict(toml))).map_err(|error| {
        let message = error.message().trim();
        FileError::Syntax {
            path: path.to_owned(),
            line: line_of_unknown_name(text, line_of_byte(text, error.span().map_or(0, |s| s.start)), message),
            message: with_suggestion(&without_rust_types(message)),
        }
    })
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
    fn lines_of_keys() {
        let text = "a = 1\n[b]\nc = 2\n[[d]]\ne = 1\n[[d]]\ne = 2\n";
        assert_eq!(line_of_key(text, "b.c"), Some(3));
        assert_eq!(line_of_key(text, "d[1].e"), Some(7));
        assert_eq!(line_of_key(text, "x"), None);
    }
}
