//! The folder of a study. Each network has a folder of its own with its weights, its tests and, at the end, its result; what is there
//! is not computed again.
//!
//! ```text
//! study.toml            the study as run           networks/0003/          one network
//! study-identity.json   a hash of its settings       task1/                  after its first training
//! table.csv …           results of all networks        model.toml, weights.safetensors, test1.toml, test1/
//! .lock                 held while a process writes  result.json             at its end
//! ```

use crate::error::{Result, StudyError};
use crate::result::NetworkResult;
use crate::spec::{STUDY, Study, StudySpec};
use crate::units::{Unit, Units, to_value};
use phaseloom_experiment::VERSION;
use phaseloom_files::{FileError, hex, read_text, relative_path, write_atomically};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError, create_dir_all};
use std::path::{Path, PathBuf};

/// File of the identity of a study, in the folder of its results.
pub(crate) const IDENTITY: &str = "study-identity.json";

const RESULT: &str = "result.json";

/// Held while a process writes.
const LOCK: &str = ".lock";

/// The folder of a study.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    identity: String,
}

impl Store {
    /// Opens a folder, after creating it if it is missing.
    ///
    /// # Errors
    ///
    /// A folder of another study; one that cannot be written.
    pub fn open(folder: &Path, study: &Study, units: &Units<'_>) -> Result<Self> {
        let identity = identity(&study.spec, units);
        let path = folder.join(IDENTITY);
        create_dir_all(folder).map_err(|source| FileError::Io { path: folder.to_owned(), source })?;
        if path.is_file() {
            let found: Value = serde_json::from_str(&read_text(&path)?)
                .map_err(|error| StudyError::Damaged { path: path.clone(), reason: error.to_string() })?;
            if found.get("identity").and_then(Value::as_str) != Some(&identity) {
                return Err(StudyError::OtherStudy { path: folder.to_owned() });
            }
        } else {
            let text = phaseloom_files::to_json(&json!({ "identity": identity, "phaseloom": VERSION }));
            write_atomically(&path, text.as_bytes())?;
        }
        let base = Some(relative_path(folder, &study.base()));
        let spec = StudySpec { base, ..study.spec.clone() };
        let body = toml::to_string(&spec).unwrap_or_default();
        let text = format!(
            "# The study as run by phaseloom {VERSION}. Its paths are relative to `base`, so that `phaseloom run` on this folder\n\
             # computes it again.\n{body}"
        );
        if !folder.join(STUDY).exists() || study.folder().is_none() {
            write_atomically(&folder.join(STUDY), text.as_bytes())?;
        }
        Ok(Self { folder: folder.to_owned(), identity })
    }

    /// Locks the folder for writing until the value is dropped.
    ///
    /// # Errors
    ///
    /// A folder that another process writes to.
    pub fn lock(&self) -> Result<File> {
        let path = self.folder.join(LOCK);
        let io = |source| FileError::Io { path: path.clone(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StudyError::Locked { path }),
            Err(TryLockError::Error(source)) => Err(io(source).into()),
        }
    }

    /// Hash of the settings of the study.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a network.
    #[must_use]
    pub fn network(&self, index: usize) -> PathBuf {
        self.folder.join("networks").join(format!("{index:04}"))
    }

    /// The result of a network, if it was computed.
    ///
    /// # Errors
    ///
    /// A damaged file, or one of another network.
    pub fn result(&self, index: usize, (unit, seed): (Unit, u64)) -> Result<Option<NetworkResult>> {
        let path = self.network(index).join(RESULT);
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |reason: String| StudyError::Damaged { path: path.clone(), reason };
        let result: NetworkResult =
            phaseloom_files::from_json_strict(&read_text(&path)?).map_err(|error| damaged(error.to_string()))?;
        if result.unit != unit || result.seed != seed || result.study != self.identity {
            return Err(damaged("it is the result of another network".into()));
        }
        Ok(Some(result))
    }

    /// Writes the result of a network.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn save(&self, index: usize, result: &NetworkResult) -> Result<()> {
        Ok(write_atomically(&self.network(index).join(RESULT), phaseloom_files::to_json(result).as_bytes())?)
    }
}

/// SHA-256 of the settings of all networks.
fn identity(spec: &StudySpec, units: &Units<'_>) -> String {
    let mut settings = to_value(spec);
    if let Value::Object(table) = &mut settings {
        // They change no network; seeds may be added later.
        for key in ["base", "name", "baseline", "criterion", "seeds"] {
            table.remove(key);
        }
    }
    let mut digest = Sha256::new();
    digest.update(VERSION);
    digest.update(settings.to_string());
    units.texts().for_each(|text| digest.update(text));
    hex(&digest.finalize())
}
