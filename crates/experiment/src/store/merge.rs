//! Merges the shards of a run.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::input::config::IDENTITY;
use crate::store::outcome::{Outcome, Spent};
use crate::store::plan::Plan;
use crate::store::record::{Row, Unit};
use crate::store::{Contents, Store, exists, io, read, refused};
use phaseloom_files::read_bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Merges folders of one run into `folder`, which may be one of them. `note` is called with a sentence about each folder
/// that holds damaged lines.
///
/// # Errors
///
/// Folders of different runs, units with different results, missing units.
pub fn merge(folders: &[PathBuf], folder: &Path, note: &dyn Fn(&str)) -> Result<Outcome, ExperimentError> {
    let mut parts: Vec<Contents> = folders.iter().map(|path| read_part(path)).collect::<Result<_, _>>()?;
    let Some(first) = parts.first() else { return Err(ExperimentError::NothingToMerge) };
    let (identity, mut config) = (first.identity.clone(), first.config.clone());
    // The units that the output folder already holds are the last part.
    parts.extend(read(folder)?);
    for (part, path) in parts.iter().zip(folders.iter().map(PathBuf::as_path).chain([folder])) {
        identity.expect_same(&part.identity, path)?;
        config.trials = config.trials.max(part.config.trials).max(part.trials());
    }
    let experiment = Experiment::as_run(&folders[0], config.clone());
    let points = experiment.points()?;
    let plan = Plan::new(&points);
    let forms: Vec<_> = (0..points.len()).map(|point| form(&parts, &plan, point)).collect();
    let (mut records, mut notes) = (BTreeMap::new(), BTreeSet::new());
    for part in &mut parts {
        part.keep_planned(&plan, config.trials, |unit| forms[unit.point].clone());
        notes.extend(part.note());
        part.copy_to(&mut records)?;
    }
    notes.iter().for_each(|text| note(text));
    let units = plan.units(config.trials);
    let missing: Vec<String> = units.iter().filter(|u| !records.contains_key(u)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        let mut list = missing[..missing.len().min(5)].join("; ");
        if missing.len() > 5 {
            list += "; …";
        }
        return Err(ExperimentError::Missing { count: missing.len(), total: units.len(), list });
    }
    let earlier = parts.get(folders.len());
    let store = Store::open(folder, &identity, &experiment.config_in(folder)?, earlier)?;
    let is_new = |unit: &&Unit| earlier.is_none_or(|e| !e.records.contains_key(unit));
    let new: Vec<&Unit> = units.iter().filter(is_new).collect();
    new.iter().try_for_each(|unit| store.append(&records[unit]))?;
    for part in folders {
        copy_scales(part, &store)?;
    }
    let computed = new.len();
    plan.add_shared(&mut records, config.trials);
    let spent = Spent::default();
    Ok(Outcome { identity, points, records, computed, missing: 0, interrupted: false, spent, store })
}

/// Reads a folder to merge.
fn read_part(path: &Path) -> Result<Contents, ExperimentError> {
    let contents = if exists(&path.join(IDENTITY)).unwrap_or(false) { read(path)? } else { None };
    let problem = "found no Phaseloom run here: expected a folder that `phaseloom run` wrote to";
    contents.ok_or_else(|| refused(path, problem))
}

/// Copies the scales of the converters that a part measured, unless an earlier part has the same file.
fn copy_scales(part: &Path, store: &Store) -> Result<(), ExperimentError> {
    for entry in std::fs::read_dir(part).map_err(io(part))? {
        let name = entry.map_err(io(part))?.file_name().to_string_lossy().into_owned();
        let is_scales = super::is_calibration(&name);
        if is_scales && !exists(&store.folder().join(&name))? {
            store.write(&name, &read_bytes(&part.join(&name))?.bytes)?;
        }
    }
    Ok(())
}

/// Number of samples and indices of the photonic layers at a point, from the rows that tell them.
fn form(parts: &[Contents], plan: &Plan, point: usize) -> Option<(u64, Vec<usize>)> {
    let find = |row| parts.iter().find_map(|part| part.records.get(&plan.reference(row, point)));
    let layers = find(Row::Design)?.layers.iter().map(|layer| layer.layer);
    Some((find(Row::Exact)?.samples, layers.collect()))
}
