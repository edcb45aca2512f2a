//! Presets: process files that come with Phaseloom, one line each in the list below.
//!
//! A preset describes chips as fabricated ([`PRESET_STATE`]). Every number in them has its source on the same line or above
//! it, or the word "assumption" or "from memory". A test checks the text.

use crate::error::HardwareError;
use crate::process::Process;
use phaseloom_files::{InvalidValue, find, parse_toml, read_toml};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Prefix that marks the key of a preset where a path is expected. A file with such a name is `./preset:…`.
pub const PRESET_PREFIX: &str = "preset:";

/// State of calibration that every preset describes.
///
/// A preset says what a foundry delivers, not what a calibrated chip achieves: corrections show that.
pub const PRESET_STATE: &str = "chips as fabricated: each phase shifter is calibrated on its own; nothing compensates \
                                crosstalk, and nothing corrects splitters or loss";

/// A process file that comes with Phaseloom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name.
    pub key: &'static str,
    /// One-line description for `phaseloom explain`.
    pub line: &'static str,
    /// The process file (TOML).
    pub text: &'static str,
}

/// Declares the list; the text of `key` is `key.toml` in this folder.
macro_rules! presets {
    ($($key:literal, $line:literal;)*) => {
        /// All presets.
        pub const PRESETS: &[Preset] =
            &[$(Preset { key: $key, line: $line, text: include_str!(concat!($key, ".toml")) },)*];
    };
}

presets! {
    "ideal", "no error, no loss, no power: every other preset is measured against it";
    "thermo-optic-silicon", "foundry silicon with heaters: crosstalk, power, fast to build";
    "mems-silicon", "silicon with electrostatic MEMS shifters: no heat, more loss";
    "lithium-niobate", "thin-film lithium niobate: low loss, thermal shifters with trenches";
    "silicon-nitride", "low-loss silicon nitride with heaters that need much power";
    "siepic-measured", "silicon strip waveguides, splitters and loss derived from measured spectra, nothing else";
    "pessimistic", "everything at the bad end at once";
}

/// A process as a settings file gives it: a path, `"preset:KEY"`, or a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ProcessSource {
    /// A path or `preset:KEY`.
    Name(PathBuf),
    /// The process itself.
    Table(Box<Process>),
}

impl Default for ProcessSource {
    fn default() -> Self {
        Self::Table(Box::default())
    }
}

impl ProcessSource {
    /// The process. Paths are relative to `base`.
    ///
    /// # Errors
    ///
    /// As [`read_process`]; values are not checked.
    pub fn read(&self, base: &Path) -> Result<Process, HardwareError> {
        match self {
            Self::Name(name) => Ok(read_process(name, base)?.process),
            Self::Table(process) => Ok((**process).clone()),
        }
    }
}

impl<'de> Deserialize<'de> for ProcessSource {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = ProcessSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, a preset or a table")
            }

            fn visit_str<E>(self, name: &str) -> Result<ProcessSource, E> {
                Ok(ProcessSource::Name(name.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<ProcessSource, A::Error> {
                Ok(ProcessSource::Table(Box::new(Process::deserialize(MapAccessDeserializer::new(table))?)))
            }
        }

        value.deserialize_any(NameOrTable)
    }
}

/// A process and the text from which it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessFile {
    /// The file, or `preset:KEY`, for messages.
    pub path: PathBuf,
    /// The text.
    pub text: String,
    /// The process of the text, not yet checked.
    pub process: Process,
}

/// Finds a preset by its key.
///
/// # Errors
///
/// [`InvalidValue`] with the nearest key and all keys, if there is no such preset.
pub fn preset(key: &str) -> Result<&'static Preset, InvalidValue> {
    find("preset", PRESETS, |preset| preset.key, &[], key)
}

/// Reads a process by name: `preset:KEY`, or a TOML file relative to `base`.
///
/// # Errors
///
/// [`HardwareError::Preset`] for an unknown preset, [`HardwareError::File`] for a file that cannot be read.
pub fn read_process(name: &Path, base: &Path) -> Result<ProcessFile, HardwareError> {
    if let Some(key) = name.to_str().and_then(|name| name.strip_prefix(PRESET_PREFIX)) {
        // The name that is suggested can be typed as it is.
        let with_prefix = |unknown: InvalidValue| InvalidValue {
            found: format!("`{}`", name.display()),
            expected: unknown.expected.replacen("did you mean `", &format!("did you mean `{PRESET_PREFIX}"), 1),
            ..unknown
        };
        let text = preset(key).map_err(|unknown| HardwareError::Preset(with_prefix(unknown)))?.text;
        let process = parse_toml(name, text)?;
        return Ok(ProcessFile { path: name.to_owned(), text: text.to_owned(), process });
    }
    let path = base.join(name);
    let (process, text) = read_toml(&path, "process")?;
    Ok(ProcessFile { path, text, process })
}

#[cfg(test)]
mod tests;
