//! The folder of a run. Each finished unit is appended and synced to the disk, so that no finished unit is ever lost.
//!
//! ```text
//! experiment.toml   the experiment as run        units.jsonl       one line per unit, in any order
//! identity.json     identity of the run          .lock             held while a process writes
//! outputs/          with `--save-outputs`
//! ```

mod confusion;
mod contents;
pub mod identity;
mod line;
pub mod merge;
pub(crate) mod outcome;
pub(crate) mod plan;
pub mod record;
pub mod shot;

use crate::error::ExperimentError;
use crate::input::config::{Config, EXPERIMENT, IDENTITY};
pub(crate) use crate::store::contents::read_as;
pub use crate::store::contents::{Contents, read};
use crate::store::identity::{Identity, VERSION};
use crate::store::line::to_line;
use crate::store::record::{Record, Unit};
use phaseloom_files::{FileError, remove_stale_parts, write_atomically, write_together};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const UNITS: &str = "units.jsonl";
const LOCK: &str = ".lock";

/// Folder of the outputs of every sample.
pub const OUTPUTS: &str = "outputs";

/// Name of the file in [`OUTPUTS`] that holds the outputs of a shot of a unit, of the network (`None`) or of a layer.
#[must_use]
pub fn output_file(unit: Unit, shot: u32, layer: Option<usize>) -> String {
    let layer = layer.map(|index| format!("-layer{index}")).unwrap_or_default();
    format!("{}-point{}-trial{}-shot{shot}{layer}.npy", unit.row.key(), unit.point, unit.trial)
}

/// Whether a file of a run holds scales of converters.
fn is_calibration(name: &str) -> bool {
    name.starts_with("calibration") && name.ends_with(".json")
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

/// The folder of a run, open and locked for writing. The lock ends with this value.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    identity: String,
    /// The text of `identity.json`.
    identity_text: String,
    lock: Watched,
    units: Mutex<Units>,
}

/// A file that must stay at its path while it is open.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    file: File,
}

/// The open `units.jsonl`.
#[derive(Debug)]
struct Units {
    file: Watched,
    /// Bytes of its lines. All of them are whole.
    length: u64,
}

impl Watched {
    /// Opens a file, which is made if it is missing.
    fn open(path: PathBuf, options: &mut OpenOptions) -> Result<Self, ExperimentError> {
        if exists(&path)? && !path.is_file() {
            return Err(refused(
                &path,
                "it is no plain file, expected a file or nothing: remove it, or choose another folder with -o",
            ));
        }
        let file = options.create(true).open(&path).map_err(io(&path))?;
        Ok(Self { path, file })
    }

    /// Length in bytes, or `None` if the path leads to another file or to none.
    fn length(&self) -> Option<u64> {
        let (open, there) = (self.file.metadata().ok()?, std::fs::metadata(&self.path).ok()?);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if (open.dev(), open.ino()) != (there.dev(), there.ino()) {
                return None;
            }
        }
        Some(open.len().max(there.len()))
    }
}

impl Store {
    /// Opens a folder for writing and locks it, after creating it if it is missing. `contents` is the result of [`read`].
    ///
    /// Lines that `contents` leaves out and temporary files of killed processes are removed.
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
        let lock = Watched::open(folder.join(LOCK), OpenOptions::new().write(true))?;
        lock.file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => refused(&lock.path, "another phaseloom is writing to this folder"),
            TryLockError::Error(source) => io(&lock.path)(source),
        })?;
        // Another writer may have changed the folder between reading and locking it.
        let now = read_as(folder, Some(identity))?.map(|c| (c.identity.identity, c.bytes));
        if now != contents.map(|c| (c.identity.identity.clone(), c.bytes)) {
            let problem = "another phaseloom has just written to this folder: start again to resume from there";
            return Err(refused(folder, problem));
        }
        for folder in [folder.to_owned(), folder.join(OUTPUTS)].iter().filter(|folder| folder.is_dir()) {
            remove_stale_parts(folder)?;
        }
        // The identity is the first file, so that a folder without it is not a run.
        let path = folder.join(IDENTITY);
        let identity_text = serde_json::to_string_pretty(identity).map_err(damaged(&path, 0))? + "\n";
        if contents.is_none_or(|contents| contents.lacks_identity) {
            write_atomically(&path, identity_text.as_bytes())?;
        }
        if contents.is_none_or(|c| c.config != *config) || !folder.join(EXPERIMENT).exists() {
            write_atomically(&folder.join(EXPERIMENT), experiment_text(config, "run").as_bytes())?;
        }
        let path = folder.join(UNITS);
        if let Some(contents) = contents.filter(|contents| contents.is_damaged()) {
            let lines = contents.records.values().map(|record| whole_line(record, &identity.identity));
            let text = lines.collect::<Result<Vec<_>, _>>().map_err(damaged(&path, 0))?.concat();
            write_atomically(&path, &text)?;
        }
        let file = Watched::open(path, OpenOptions::new().append(true))?;
        let length = file.length().unwrap_or(0);
        let units = Mutex::new(Units { file, length });
        Ok(Self { folder: folder.to_owned(), identity: identity.identity.clone(), identity_text, lock, units })
    }

    /// Appends one unit and syncs it to the disk. A line that cannot be written is taken back.
    ///
    /// # Errors
    ///
    /// As [`Store::check`], and a disk that is full.
    pub fn append(&self, record: &Record) -> Result<(), ExperimentError> {
        let mut units = self.units();
        self.check_with(&units)?;
        let path = &units.file.path;
        let line = whole_line(record, &self.identity).map_err(damaged(path, 0))?;
        let mut file = &units.file.file;
        if let Err(source) = file.write_all(&line).and_then(|()| file.sync_data()) {
            // If the half line cannot be removed, the length is wrong and nothing more is written.
            let _ = file.set_len(units.length);
            return Err(io(path)(source));
        }
        units.length += line.len() as u64;
        Ok(())
    }

    /// Writes a file of results, such as a table, whole or not at all.
    ///
    /// # Errors
    ///
    /// As [`Store::check`], and a file that cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ExperimentError> {
        self.write_together(&[(name, bytes)])
    }

    /// Writes several files of results: all of them, or none if one cannot be written.
    ///
    /// # Errors
    ///
    /// As [`Store::write`].
    pub fn write_together(&self, files: &[(&str, &[u8])]) -> Result<(), ExperimentError> {
        self.check()?;
        // Without its identity the folder would be refused for ever.
        let identity = self.folder.join(IDENTITY);
        if std::fs::read(&identity).ok().as_deref() != Some(self.identity_text.as_bytes()) {
            write_atomically(&identity, self.identity_text.as_bytes())?;
        }
        let paths: Vec<PathBuf> = files.iter().map(|(name, _)| self.folder.join(name)).collect();
        let files: Vec<(&Path, &[u8])> =
            paths.iter().zip(files).map(|(path, (_, bytes))| (path.as_path(), *bytes)).collect();
        Ok(write_together(&files)?)
    }

    /// Writes the experiment, whose number of trials has grown.
    pub(crate) fn write_experiment(&self, config: &Config) -> Result<(), ExperimentError> {
        self.write(EXPERIMENT, experiment_text(config, "run").as_bytes())
    }

    /// Removes the folder again if no unit was computed and nothing but the files of a start is in it, so that a run
    /// that fails at its first unit leaves nothing.
    pub(crate) fn discard(&self) {
        let own = |name: &str| [LOCK, IDENTITY, EXPERIMENT, UNITS].contains(&name) || is_calibration(name);
        let names = || Some(std::fs::read_dir(&self.folder).ok()?.flatten().map(|entry| entry.file_name()));
        let is_empty = self.check().is_ok() && self.units().length == 0;
        if is_empty && names().is_some_and(|mut names| names.all(|name| name.to_str().is_some_and(own))) {
            // What cannot be removed stays, as a run that can be started again.
            names().into_iter().flatten().for_each(|name| drop(std::fs::remove_file(self.folder.join(name))));
            let _ = std::fs::remove_dir(&self.folder);
        }
    }

    /// Checks that the folder is still the one that was opened, and that no other program has written to it.
    ///
    /// # Errors
    ///
    /// A folder, lock or list of units that was removed, moved, replaced or changed.
    pub fn check(&self) -> Result<(), ExperimentError> {
        self.check_with(&self.units())
    }

    fn check_with(&self, units: &Units) -> Result<(), ExperimentError> {
        match self.lock.length().is_some() && units.file.length() == Some(units.length) {
            true => Ok(()),
            false => Err(refused(
                &self.folder,
                "this folder was removed, moved or changed by another program during the run, so nothing more is \
                 written to it: start the run again",
            )),
        }
    }

    fn units(&self) -> MutexGuard<'_, Units> {
        // A writer that panicked has written a complete line or none.
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The line of a record with its line break.
fn whole_line(record: &Record, identity: &str) -> serde_json::Result<Vec<u8>> {
    let mut line = to_line(record, identity)?;
    line.push(b'\n');
    Ok(line)
}

/// The text of the file of an experiment in the folder of a run, which a command of Phaseloom reads again.
pub(crate) fn experiment_text(config: &Config, command: &str) -> String {
    let body = toml::to_string(config).unwrap_or_default();
    format!(
        "# The experiment as run by phaseloom {VERSION}: all defaults, the process inline.\n\
         # Its paths are relative to `base`, so that `phaseloom {command}` on this folder computes it again.\n{body}"
    )
}

#[cfg(test)]
mod tests;
