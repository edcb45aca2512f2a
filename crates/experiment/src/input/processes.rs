//! The processes of an experiment: its own, and those that an axis of the sweep names.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use phaseloom_files::{InvalidValue, locate};
use phaseloom_hardware::{HardwareError, Process, ProcessFile, read_process};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The key of the process. As the key of an axis, its values may be names.
pub(crate) const PROCESS: &str = "process";

/// The key `process` of an experiment file.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum ProcessSource {
    /// A path or `preset:KEY`.
    Name(String),
    /// The process itself.
    Table(Box<Process>),
}

/// Reads a process from a table. A name gives the ideal process: [`process_name`] finds the name in the text.
pub(super) fn table_or_name<'de, D: Deserializer<'de>>(value: D) -> Result<Process, D::Error> {
    struct TableOrName;

    impl<'de> Visitor<'de> for TableOrName {
        type Value = Process;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a path, a preset or a table")
        }

        fn visit_str<E>(self, _name: &str) -> Result<Process, E> {
            Ok(Process::default())
        }

        fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Process, A::Error> {
            Process::deserialize(MapAccessDeserializer::new(table))
        }
    }

    value.deserialize_any(TableOrName)
}

/// The path or preset that the text of an experiment gives as its process.
pub(super) fn process_name(text: &str) -> Option<PathBuf> {
    text.parse::<toml::Table>().ok()?.get(PROCESS)?.as_str().map(PathBuf::from)
}

/// Reads a process that the key `key` of the experiment at `path` names.
pub(super) fn named_process(
    name: &Path,
    base: &Path,
    path: &Path,
    text: &str,
    key: &str,
) -> Result<ProcessFile, ExperimentError> {
    read_process(name, base).map_err(|error| match error {
        HardwareError::Preset(unknown) => locate(path, text, InvalidValue { key: key.into(), ..unknown }).into(),
        HardwareError::File(error) => error.named_by(path, text, key).into(),
        other => ExperimentError::from(other),
    })
}

impl Experiment {
    /// Index of the axis, and name, of each process that an axis names.
    pub(crate) fn swept_processes(&self) -> impl Iterator<Item = (usize, &str)> {
        let axes = self.config.sweep.iter().enumerate().filter(|(_, axis)| axis.keys.iter().any(|key| key == PROCESS));
        axes.flat_map(|(i, axis)| axis.values.iter().filter_map(move |value| Some((i, value.as_str()?))))
    }

    /// Reads the processes that an axis names, unless the file of the experiment holds them.
    pub(super) fn read_swept_processes(&mut self) -> Result<(), ExperimentError> {
        let mut read = BTreeMap::new();
        for (axis, name) in self.swept_processes().filter(|(_, name)| !self.config.processes.contains_key(*name)) {
            let key = format!("sweep[{axis}].values");
            let file = named_process(Path::new(name), &self.base(), &self.path, &self.text, &key)?;
            if let Err(HardwareError::Process(invalid)) = file.process.check() {
                return Err(locate(&file.path, &file.text, invalid).into());
            }
            read.insert(name.to_owned(), file.process);
        }
        self.config.processes.extend(read);
        Ok(())
    }
}
