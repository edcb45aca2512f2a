//! Reading the folder of a run. Nothing in it is believed: each record is checked before it counts.

use crate::error::ExperimentError;
use crate::input::config::{Config, EXPERIMENT, IDENTITY};
use crate::store::identity::Identity;
use crate::store::line::{LineError, from_line};
use crate::store::plan::Plan;
use crate::store::record::{Record, Row, Unit};
use crate::store::{LOCK, OUTPUTS, UNITS, damaged, exists, io, output_file, refused};
use phaseloom_files::{check_output_folder, deserialize_strict, read_text, read_toml, read_up_to};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

/// Maximum size of `units.jsonl` in bytes. A run of a million units needs about a hundredth.
const MAX_BYTES: u64 = 64 << 30;

/// Contents of the folder of a run.
#[derive(Debug)]
pub struct Contents {
    /// Identity of the run.
    pub identity: Identity,
    /// The experiment as run.
    pub config: Config,
    /// All finished units.
    pub records: BTreeMap<Unit, Record>,
    /// Length of `units.jsonl` in bytes.
    pub(super) bytes: u64,
    units_path: PathBuf,
    /// Whether `identity.json` is missing or unreadable, so that the identity is that of the caller.
    pub(super) lacks_identity: bool,
    /// Number of lines that cannot be used, and the reason for the first.
    unusable: Option<(usize, String)>,
}

/// Reads the folder of a run. Returns `None` if the run has not started.
///
/// # Errors
///
/// A folder that holds something else, a damaged file, lines that contradict each other.
pub fn read(folder: &Path) -> Result<Option<Contents>, ExperimentError> {
    read_as(folder, None)
}

/// Reads a folder as [`read`] does. If its `identity.json` was removed or damaged, the folder is that of the run `ours` if
/// it holds a unit of that run: each line has a checksum over the identity.
pub(crate) fn read_as(folder: &Path, ours: Option<&Identity>) -> Result<Option<Contents>, ExperimentError> {
    check_output_folder(folder)?;
    let identity_path = folder.join(IDENTITY);
    let is_there = exists(&identity_path)?;
    if !is_there && is_free(folder)? {
        return Ok(None);
    }
    let stored = match is_there {
        true => serde_json::from_str(&read_text(&identity_path)?),
        false => Err(serde::de::Error::custom("no such file")),
    };
    let recovered = || ours.filter(|ours| has_unit_of(folder, ours));
    let (identity, lacks_identity): (Identity, bool) = match (stored, is_there) {
        (Ok(identity), _) => (identity, false),
        (Err(source), is_there) => match recovered() {
            Some(ours) => (ours.clone(), true),
            None if is_there => return Err(damaged(&identity_path, source.line())(source)),
            None => {
                let problem = "this folder is not empty and holds no Phaseloom run: choose another folder with -o";
                return Err(refused(folder, problem));
            }
        },
    };
    let experiment_path = folder.join(EXPERIMENT);
    // The identity is written first. If the process was killed before the second file, the number of trials is the default.
    let config: Config = if exists(&experiment_path)? {
        read_toml(&experiment_path, "experiment")?.0
    } else {
        deserialize_strict(identity.experiment.clone()).map_err(damaged(&identity_path, 0))?
    };
    if !identity.is_of(&config) {
        let problem = "the file or identity.json next to it was changed after the run began: restore it, or start in a new folder";
        return Err(refused(&experiment_path, problem));
    }
    let units_path = folder.join(UNITS);
    let text = if exists(&units_path)? { read_up_to(&units_path, MAX_BYTES)? } else { Vec::new() };
    let (records, bytes) = (BTreeMap::new(), text.len() as u64);
    let mut contents = Contents { identity, config, records, bytes, units_path, lacks_identity, unusable: None };
    contents.add_lines(&text)?;
    Ok(Some(contents))
}

/// Whether a line of `units.jsonl` has the checksum of a run.
fn has_unit_of(folder: &Path, identity: &Identity) -> bool {
    let text = read_up_to(&folder.join(UNITS), MAX_BYTES).unwrap_or_default();
    text.split(|&byte| byte == b'\n').any(|line| from_line(line, &identity.identity).is_ok())
}

impl Contents {
    /// Adds the records of all lines of `units.jsonl`.
    fn add_lines(&mut self, text: &[u8]) -> Result<(), ExperimentError> {
        let mut old = false;
        for (n, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
            let read = match line.strip_suffix(b"\n") {
                Some(line) => from_line(line, &self.identity.identity),
                None => Err(LineError::Incomplete),
            };
            match read {
                Ok(record) => add(&mut self.records, record, &self.units_path)?,
                Err(error) => {
                    old |= matches!(error, LineError::NoChecksum);
                    self.leave_out(|| format!("line {}: {error}", n + 1));
                }
            }
        }
        if old && self.records.is_empty() {
            let problem =
                "its lines have no checksum, so an earlier state of Phaseloom wrote them: start in a new folder";
            return Err(refused(&self.units_path, problem));
        }
        Ok(())
    }

    /// Adds all records to those of other folders.
    pub(super) fn copy_to(&self, all: &mut BTreeMap<Unit, Record>) -> Result<(), ExperimentError> {
        self.records.values().try_for_each(|record| add(all, record.clone(), &self.units_path))
    }

    /// Counts a line that cannot be used.
    fn leave_out(&mut self, reason: impl FnOnce() -> String) {
        let (count, _) = self.unusable.get_or_insert_with(|| (0, reason()));
        *count += 1;
    }

    /// Leaves out the records that do not belong to a plan for a number of trials, or have another form than their unit.
    ///
    /// `form` gives the number of samples and the indices of the photonic layers of a unit, if they are known.
    pub(crate) fn keep_planned(&mut self, plan: &Plan, trials: u64, form: impl Fn(Unit) -> Option<(u64, Vec<usize>)>) {
        let records = std::mem::take(&mut self.records);
        for (unit, record) in records {
            let problem = match plan.contains(unit, trials) {
                false => Some("it is no unit of this run"),
                true if plan.is_matrix() => record.matrix_problem(),
                true => form(unit).and_then(|(samples, layers)| record.problem(self.config.shots, samples, &layers)),
            };
            match problem {
                Some(problem) => self.leave_out(|| format!("{unit}: {problem}")),
                None => {
                    self.records.insert(unit, record);
                }
            }
        }
    }

    /// Checks that every finished unit has its saved outputs, also those of the layers.
    pub(crate) fn expect_outputs(&self, folder: &Path, shots: u32, layers: &[usize]) -> Result<(), ExperimentError> {
        let first_missing = |unit: &Unit| {
            let layers = std::iter::once(None).chain(layers.iter().map(|&layer| Some(layer)));
            let shots = 0..unit.row.shots(shots);
            let mut names = layers.flat_map(|layer| shots.clone().map(move |shot| output_file(*unit, shot, layer)));
            names.find(|name| !folder.join(OUTPUTS).join(name).is_file())
        };
        let missing: Vec<String> = self.records.keys().filter_map(first_missing).collect();
        match missing.first() {
            None => Ok(()),
            Some(first) => Err(ExperimentError::OutputsNotSaved {
                path: folder.to_owned(),
                count: missing.len(),
                first: format!("{OUTPUTS}/{first}"),
            }),
        }
    }

    /// Number of trials of which there is a chip.
    pub(crate) fn trials(&self) -> u64 {
        let chips = self.records.keys().filter(|unit| matches!(unit.row, Row::Chips | Row::Levels));
        chips.map(|unit| unit.trial.saturating_add(1)).max().unwrap_or(0)
    }

    /// Whether lines were left out.
    pub(super) fn is_damaged(&self) -> bool {
        self.unusable.is_some()
    }

    /// A sentence about the lines that were left out.
    pub(crate) fn note(&self) -> Option<String> {
        let (count, first) = self.unusable.as_ref()?;
        let lines = if *count == 1 { "1 line is".to_owned() } else { format!("{count} lines are") };
        let path = self.units_path.display();
        Some(format!("{path}: {lines} damaged and left out, as if not computed yet ({first})"))
    }
}

/// Adds a record from a file. An equal one may be there already.
fn add(records: &mut BTreeMap<Unit, Record>, record: Record, path: &Path) -> Result<(), ExperimentError> {
    match records.entry(record.unit) {
        Entry::Occupied(known) if *known.get() != record => {
            Err(ExperimentError::Conflict { path: path.to_owned(), unit: record.unit.to_string() })
        }
        Entry::Occupied(_) => Ok(()),
        Entry::Vacant(place) => {
            place.insert(record);
            Ok(())
        }
    }
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
