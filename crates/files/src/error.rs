//! The error of this crate, and the codes of errors: a number for each variant of an error enum, stable, with its cause and remedy.

use crate::error_text::short_number;
use std::path::{Path, PathBuf};

/// An impossible value: which key, what was found, what is possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {found}: expected {expected}")]
pub struct InvalidValue {
    /// Dotted key, `splitter_error.sigma_rad`.
    pub key: String,
    /// The value that was found.
    pub found: String,
    /// The values that are possible.
    pub expected: String,
}

impl InvalidValue {
    /// The error for one key.
    #[must_use]
    pub fn new(key: impl Into<String>, found: impl std::fmt::Display, expected: impl Into<String>) -> Self {
        Self { key: key.into(), found: short_number(found.to_string()), expected: expected.into() }
    }

    /// The error of a value in a JSON file.
    #[must_use]
    pub fn in_file(self, path: &Path) -> FileError {
        FileError::Content { path: path.to_owned(), invalid: Box::new(self) }
    }

    /// The same error, with the key inside the table `table`.
    #[must_use]
    pub fn in_table(mut self, table: &str) -> Self {
        self.key = format!("{table}.{}", self.key);
        self
    }
}

/// Why a file was not read or written, or work was refused for lack of memory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Work that does not fit in memory.
    #[error("{what} needs {needed_gib:.1} GiB of memory; this machine has {available_gib:.1} GiB")]
    TooLarge {
        /// The work.
        what: String,
        /// The memory that it needs, in GiB.
        needed_gib: f64,
        /// The memory that is available, in GiB.
        available_gib: f64,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A file that a key names does not exist.
    #[error("{}: {}`{key}`: {source}", path.display(), line.map(|l| format!("line {l}: ")).unwrap_or_default())]
    Named {
        /// The file with the key.
        path: PathBuf,
        /// Line of the key, from 1, if it is known.
        line: Option<usize>,
        /// The key.
        key: String,
        /// The error of the named file.
        source: Box<FileError>,
    },
    /// A TOML file has bad syntax, a wrong type or an unknown key.
    #[error("{}: line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What was found and what was expected.
        message: String,
    },
    /// A key of a TOML file has an impossible value.
    #[error("{}: {}{invalid}", path.display(), line.map(|l| format!("line {l}: ")).unwrap_or_default())]
    Value {
        /// The file.
        path: PathBuf,
        /// Line of the key, from 1; `None` if the key is not in the file.
        line: Option<usize>,
        /// The key and its value.
        invalid: Box<InvalidValue>,
    },
    /// A JSON file is not of the expected form.
    #[error("{}: not a Phaseloom {kind}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The expected kind of file: `program`, `chip` or `calibration`.
        kind: &'static str,
        /// The error of the parser, with line and column.
        source: serde_json::Error,
    },
    /// A value of a JSON file contradicts its format or another value.
    #[error("{}: {}: found {}, expected {}", path.display(), invalid.key, invalid.found, invalid.expected)]
    Content {
        /// The file.
        path: PathBuf,
        /// The position in the file and its value.
        invalid: Box<InvalidValue>,
    },
    /// The bytes of a file do not follow its format, or do not fit their use.
    #[error("{}: {format}, {place}: found {found}, expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Name of the file format.
        format: &'static str,
        /// Where in the file: byte, header or array.
        place: String,
        /// What is there.
        found: Box<str>,
        /// What is expected, and what to do.
        expected: Box<str>,
    },
    /// A file holds a NaN or an infinity.
    #[error("{}: {place}: found {found}, expected a finite number; remove or replace this value", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Where in the file: row and column, sample or tensor.
        place: String,
        /// The value.
        found: f64,
    },
}

/// Gives each variant of an error enum a code, its cause and its remedy. Variants that only wrap another error have the code
/// of that error.
///
/// A variant without a code does not compile, also in enums that are `non_exhaustive` for other crates. The texts are those of
/// `phaseloom explain` and of docs/reference/errors.md.
///
/// ```
/// enum Inner { Cold }
/// enum Outer { Empty, Inner(Inner) }
/// phaseloom_files::error_codes! { Inner { Cold = 7, "It is cold.", "Warm it."; } }
/// phaseloom_files::error_codes! { Outer { Empty = 8, "It is empty.", "Fill it."; } wraps { Outer::Inner(error) => error } }
/// assert_eq!(Outer::Inner(Inner::Cold).code(), 7);
/// assert_eq!((Outer::Empty.code(), Outer::CODES), (8, &[(8, "It is empty.", "Fill it.")][..]));
/// ```
#[macro_export]
macro_rules! error_codes {
    ($error:ident { $($variant:ident = $code:literal, $cause:literal, $remedy:literal;)* } $(wraps { $($(#[$if:meta])? $pattern:pat => $inner:expr),* $(,)? })?) => {
        impl $error {
            /// The codes of this enum itself, each with cause and remedy.
            pub const CODES: &'static [(u16, &'static str, &'static str)] = &[$(($code, $cause, $remedy)),*];

            /// The code of this error, or of the error that it wraps. `phaseloom explain` explains it.
            #[must_use]
            pub fn code(&self) -> u16 {
                match self {
                    $(Self::$variant { .. } => $code,)*
                    $($($(#[$if])? $pattern => $inner.code(),)*)?
                }
            }
        }
    };
}

crate::error_codes! {
    FileError {
        TooLarge = 101,
            "The work needs more memory than this machine has free.",
            "Use smaller matrices, fewer threads or shards, or a machine with more memory.";
        Io = 102,
            "A file or folder cannot be read or written; the message of the system follows.",
            "Check the name, that the folder exists, and its permissions; paths in a file are relative to that file.";
        Syntax = 103,
            "A TOML file has bad syntax, an unknown or a missing key, or a value of another type.",
            "Correct the named line; `phaseloom explain KEY` explains a key.";
        Value = 104,
            "A key of a TOML file has an impossible value.",
            "Choose a value in the range that the message states.";
        Json = 105,
            "A JSON file is not of the expected kind, or lacks keys.",
            "Give the kind of file that the command expects, as Phaseloom wrote it; the reference of the book has all keys.";
        Content = 106,
            "A value of a JSON file contradicts its format or another value.",
            "Restore or correct the named place of the file.";
        Format = 107,
            "The bytes of a file do not follow its format, or do not fit their use.",
            "Save the file again in the format that the message names.";
        NotFinite = 108,
            "A file holds a NaN or an infinity.",
            "Remove or replace the value at the named place.";
    } wraps { Self::Named { source, .. } => source }
}
