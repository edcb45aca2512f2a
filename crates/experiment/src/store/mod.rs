//! The folder of a run. Each finished unit is appended and synced to the disk, so that no finished unit is ever lost.
//!
//! ```text
//! experiment.toml   the experiment as run        units.jsonl       one line per unit, in any order
//! identity.json     identity of the run          .lock             held while a process writes
//! ```

pub mod identity;
pub mod merge;
pub mod record;

use crate::error::ExperimentError;
use crate::input::config::Config;
use crate::store::identity::{Identity, VERSION};
use crate::store::record::{Record, Unit};
use phaseloom_files::{FileError, deserialize_strict, from_json_strict, write_atomically};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const UNITS: &str = "units.jsonl";
const IDENTITY: &str = "identity.json";
const EXPERIMENT: &str = "experiment.toml";
const LOCK: &str = ".lock";

/// Contents of the folder of a run.
#[derive(Debug)]
pub struct Contents {
    /// Identity of the run.
    pub identity: Identity,
    /// The experiment as run.
    pub config: Config,
    /// All finished units.
    pub records: BTreeMap<Unit, Record>,
    /// Length of `units.jsonl` up to its last complete line (bytes).
    complete_bytes: u64,
}

/// Attaches a path to an error of the operating system.
fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ExperimentError {
    let path = path.to_owned();
    |source| FileError::Io { path, source }.into()
}

/// Whether there is a file or folder; that it may not be looked at is an error.
fn exists(path: &Path) -> Result<bool, ExperimentError> {
    path.try_exists().map_err(io(path))
}

/// The error of a folder or file that a run cannot use.
fn refused(path: &Path, problem: &'static str) -> ExperimentError {
    ExperimentError::Folder { path: path.to_owned(), problem }
}

/// Attaches a path and a line, 0 if it is unknown, to an error of the parser.
fn damaged(path: &Path, line: usize) -> impl FnOnce(serde_json::Error) -> ExperimentError {
    let path = path.to_owned();
    move |source| ExperimentError::Damaged { path, line, source }
}

/// Reads the folder of a run. Returns `None` if the run has not started.
///
/// # Errors
///
/// A folder that holds something else, or a damaged file.
pub fn read(folder: &Path) -> Result<Option<Contents>, ExperimentError> {
    let identity_path = folder.join(IDENTITY);
    if !exists(&identity_path)? {
        return match is_free(folder)? {
            true => Ok(None),
            false => Err(refused(
                folder,
                "this folder is not empty and holds no Phaseloom run: choose another folder with -o",
            )),
        };
    }
    let text = std::fs::read_to_string(&identity_path).map_err(io(&identity_path))?;
    let identity: Identity =
        serde_json::from_str(&text).map_err(|source| damaged(&identity_path, source.line())(source))?;
    let experiment_path = folder.join(EXPERIMENT);
    // The identity is written first. If the process was killed before the second file, the number of trials is the default.
    let config: Config = if exists(&experiment_path)? {
        phaseloom_files::read_toml(&experiment_path)?.0
    } else {
        deserialize_strict(identity.experiment.clone()).map_err(damaged(&identity_path, 0))?
    };
    if !identity.is_of(&config) {
        let problem = "the file or identity.json next to it was changed after the run began: restore it, or start in a new folder";
        return Err(refused(&experiment_path, problem));
    }
    let units_path = folder.join(UNITS);
    let text = if exists(&units_path)? { std::fs::read(&units_path).map_err(io(&units_path))? } else { Vec::new() };
    // A crash may leave an incomplete last line. It is dropped, and its unit is computed again.
    let complete = text.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let mut records = BTreeMap::new();
    for (n, line) in text[..complete].split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let record: Record = from_json_strict(line).map_err(damaged(&units_path, n + 1))?;
        records.insert(record.unit, record);
    }
    Ok(Some(Contents { identity, config, records, complete_bytes: complete as u64 }))
}

/// Whether a folder is absent, empty, or holds only the files that a run writes before its identity.
fn is_free(folder: &Path) -> Result<bool, ExperimentError> {
    if !exists(folder)? {
        return Ok(true);
    }
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let name = entry.map_err(io(folder))?.file_name();
        let name = name.to_string_lossy();
        if name != LOCK && !name.ends_with(".part") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The folder of a run, open and locked for writing.
#[derive(Debug)]
pub struct Store {
    units_path: PathBuf,
    units: Mutex<File>,
    _lock: File,
}

impl Store {
    /// Opens a folder for writing and locks it, after creating it if it is missing. `contents` is the result of [`read`].
    ///
    /// # Errors
    ///
    /// An unwritable folder, or one that another process writes to.
    pub fn open(
        folder: &Path,
        identity: &Identity,
        config: &Config,
        contents: Option<&Contents>,
    ) -> Result<Self, ExperimentError> {
        std::fs::create_dir_all(folder).map_err(|source| {
            let message = format!("this folder of results cannot be created ({source}): name another with -o");
            io(folder)(std::io::Error::new(source.kind(), message))
        })?;
        let lock_path = folder.join(LOCK);
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).open(&lock_path).map_err(io(&lock_path))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => refused(&lock_path, "another phaseloom is writing to this folder"),
            TryLockError::Error(source) => io(&lock_path)(source),
        })?;
        // Another writer may have changed the folder between reading and locking it.
        let now = read(folder)?.map(|c| (c.identity.identity, c.complete_bytes));
        if now != contents.map(|c| (c.identity.identity.clone(), c.complete_bytes)) {
            let problem = "another phaseloom has just written to this folder: start again to resume from there";
            return Err(refused(folder, problem));
        }
        // The identity is the first file, so that a folder without it is not a run.
        if contents.is_none() {
            let path = folder.join(IDENTITY);
            let text = serde_json::to_string_pretty(identity).map_err(damaged(&path, 0))?;
            write_atomically(&path, (text + "\n").as_bytes())?;
        }
        if contents.is_none_or(|c| c.config != *config) || !folder.join(EXPERIMENT).exists() {
            write_atomically(&folder.join(EXPERIMENT), experiment_text(config).as_bytes())?;
        }
        let units_path = folder.join(UNITS);
        let units =
            OpenOptions::new().create(true).write(true).truncate(false).open(&units_path).map_err(io(&units_path))?;
        units.set_len(contents.map_or(0, |c| c.complete_bytes)).map_err(io(&units_path))?;
        drop(units);
        let units = OpenOptions::new().append(true).open(&units_path).map_err(io(&units_path))?;
        Ok(Self { units_path, units: Mutex::new(units), _lock: lock })
    }

    /// Appends one unit and syncs it to the disk.
    ///
    /// # Errors
    ///
    /// A disk that is full or was removed.
    pub fn append(&self, record: &Record) -> Result<(), ExperimentError> {
        let mut line = serde_json::to_vec(record).map_err(damaged(&self.units_path, 0))?;
        line.push(b'\n');
        // A writer that panicked has written a complete line or none.
        let mut file = self.units.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(io(&self.units_path))
    }
}

/// The text of `experiment.toml`.
fn experiment_text(config: &Config) -> String {
    let body = toml::to_string(config).unwrap_or_default();
    format!(
        "# The experiment as run by phaseloom {VERSION}: all defaults, the process inline.\n\
         # Paths are relative to the folder of the original file.\n{body}"
    )
}
