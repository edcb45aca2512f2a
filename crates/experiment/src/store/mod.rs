//! The folder of a run: units appended and synced one by one, so that nothing computed is ever lost.
//!
//! ```text
//! experiment.toml   the experiment as run        units.jsonl       one line a unit, in any order
//! identity.json     what makes it this run       .lock             held while a process writes
//! ```

pub mod identity;
pub mod merge;
pub mod record;

use crate::error::ExperimentError;
use crate::input::config::Config;
use crate::store::identity::{Identity, VERSION};
use crate::store::record::{Record, Unit};
use phaseloom_files::{deserialize_strict, from_json_strict, read_toml, write_atomically};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const UNITS: &str = "units.jsonl";
const IDENTITY: &str = "identity.json";
const EXPERIMENT: &str = "experiment.toml";
const LOCK: &str = ".lock";

/// What a folder holds.
#[derive(Debug)]
pub struct Contents {
    /// Which run it is.
    pub identity: Identity,
    /// The experiment as run.
    pub config: Config,
    /// All units, whole.
    pub records: BTreeMap<Unit, Record>,
    /// Bytes of `units.jsonl` up to the last whole line.
    whole: u64,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> ExperimentError {
    let path = path.to_owned();
    |source| ExperimentError::Io { path, source }
}

/// Reads the folder of a run; `None` if nothing is there yet.
///
/// # Errors
///
/// A folder that holds something else, or a damaged file.
pub fn read(folder: &Path) -> Result<Option<Contents>, ExperimentError> {
    let identity_path = folder.join(IDENTITY);
    if !identity_path.exists() {
        return if is_free(folder)? {
            Ok(None)
        } else {
            Err(ExperimentError::ForeignFolder { path: folder.to_owned() })
        };
    }
    let text = std::fs::read_to_string(&identity_path).map_err(io(&identity_path))?;
    let identity: Identity = from_json_strict(&text).map_err(|source| ExperimentError::Damaged {
        path: identity_path,
        line: source.line(),
        source,
    })?;
    let experiment_path = folder.join(EXPERIMENT);
    // The identity is written first; a process that was killed before the second file left the default of trials.
    let config: Config = if experiment_path.exists() {
        read_toml(&experiment_path)?.0
    } else {
        deserialize_strict(identity.experiment.clone()).map_err(|source| ExperimentError::Damaged {
            path: folder.join(IDENTITY),
            line: 0,
            source,
        })?
    };
    if !identity.is_of(&config) {
        return Err(ExperimentError::Altered { path: experiment_path });
    }
    let units_path = folder.join(UNITS);
    let text = match std::fs::read(&units_path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(io(&units_path)(e)),
    };
    // A line without its end was torn by a crash: it is dropped and computed again.
    let whole = text.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let mut records = BTreeMap::new();
    for (n, line) in text[..whole].split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let record: Record = from_json_strict(line).map_err(|source| ExperimentError::Damaged {
            path: units_path.clone(),
            line: n + 1,
            source,
        })?;
        records.insert(record.unit, record);
    }
    Ok(Some(Contents { identity, config, records, whole: whole as u64 }))
}

/// Whether a folder is absent, empty, or holds only what a run leaves before its identity is written.
fn is_free(folder: &Path) -> Result<bool, ExperimentError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(e) => return Err(io(folder)(e)),
    };
    for entry in entries {
        let name = entry.map_err(io(folder))?.file_name();
        let name = name.to_string_lossy();
        if name != LOCK && !name.ends_with(".part") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The open folder of a run.
#[derive(Debug)]
pub struct Store {
    units_path: PathBuf,
    units: Mutex<File>,
    _lock: File,
}

impl Store {
    /// Opens a folder for writing, creating it where it is not there, and locks it. `contents` is what [`read`] found.
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
            let words = format!("this folder of results cannot be made ({source}): name another with -o");
            io(folder)(std::io::Error::new(source.kind(), words))
        })?;
        let lock_path = folder.join(LOCK);
        let lock =
            OpenOptions::new().create(true).write(true).truncate(false).open(&lock_path).map_err(io(&lock_path))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => ExperimentError::Locked { path: lock_path.clone() },
            TryLockError::Error(source) => ExperimentError::Io { path: lock_path.clone(), source },
        })?;
        // What was read before the lock was ours may have been overtaken by a writer that has finished since.
        let now = read(folder)?.map(|c| (c.identity.identity, c.whole));
        if now != contents.map(|c| (c.identity.identity.clone(), c.whole)) {
            return Err(ExperimentError::Changed { path: folder.to_owned() });
        }
        // The identity first: a folder without it holds nothing of ours.
        if contents.is_none() {
            let text = serde_json::to_string_pretty(identity).map_err(|source| ExperimentError::Damaged {
                path: folder.join(IDENTITY),
                line: 0,
                source,
            })?;
            write_atomically(&folder.join(IDENTITY), (text + "\n").as_bytes())?;
        }
        if contents.is_none_or(|c| c.config != *config) || !folder.join(EXPERIMENT).exists() {
            write_atomically(&folder.join(EXPERIMENT), experiment_text(config).as_bytes())?;
        }
        let units_path = folder.join(UNITS);
        let units =
            OpenOptions::new().create(true).write(true).truncate(false).open(&units_path).map_err(io(&units_path))?;
        units.set_len(contents.map_or(0, |c| c.whole)).map_err(io(&units_path))?;
        drop(units);
        let units = OpenOptions::new().append(true).open(&units_path).map_err(io(&units_path))?;
        Ok(Self { units_path, units: Mutex::new(units), _lock: lock })
    }

    /// Appends one unit and syncs it to the disk.
    ///
    /// # Errors
    ///
    /// A disk that is full or gone.
    pub fn append(&self, record: &Record) -> Result<(), ExperimentError> {
        let mut line = serde_json::to_vec(record).map_err(|source| ExperimentError::Damaged {
            path: self.units_path.clone(),
            line: 0,
            source,
        })?;
        line.push(b'\n');
        // A writer that panicked has written a whole line or none.
        let mut file = self.units.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(io(&self.units_path))
    }
}

fn experiment_text(config: &Config) -> String {
    let body = toml::to_string(config).unwrap_or_default();
    format!(
        "# The experiment as run by phaseloom {VERSION}: all defaults, the process inline.\n\
         # Paths are relative to the folder of the original file.\n{body}"
    )
}
