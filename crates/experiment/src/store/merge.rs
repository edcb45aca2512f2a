//! Merges the shards of a run.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::run::Outcome;
use crate::run::plan::Plan;
use crate::store::record::Unit;
use crate::store::{self, Store, refused};
use std::path::{Path, PathBuf};

/// Merges folders of one run into `folder`, which may be one of them.
///
/// # Errors
///
/// Folders of different runs, units with different results, missing units.
pub fn merge(folders: &[PathBuf], folder: &Path) -> Result<Outcome, ExperimentError> {
    let mut all: Option<store::Contents> = None;
    let earlier = store::read(folder)?;
    // The units that the output folder already holds are one of the parts.
    let parts = folders.iter().map(PathBuf::as_path).chain(earlier.is_some().then_some(folder));
    for path in parts {
        let Some(contents) = store::read(path)? else {
            return Err(refused(
                path,
                "this folder holds no Phaseloom run: expected a folder that `phaseloom run` wrote to",
            ));
        };
        let Some(all) = &mut all else {
            all = Some(contents);
            continue;
        };
        all.identity.expect_same(&contents.identity, path)?;
        all.config.trials = all.config.trials.max(contents.config.trials);
        for (unit, record) in contents.records {
            if all.records.get(&unit).is_some_and(|known| *known != record) {
                return Err(ExperimentError::Conflict { path: path.to_owned(), unit: unit.to_string() });
            }
            all.records.insert(unit, record);
        }
    }
    let Some(all) = all else { return Err(ExperimentError::NothingToMerge) };
    let experiment = Experiment::as_run(&folders[0], all.config.clone());
    let points = experiment.points()?;
    let units = Plan::new(&points).units(all.config.trials);
    let missing: Vec<String> = units.iter().filter(|u| !all.records.contains_key(u)).map(ToString::to_string).collect();
    if !missing.is_empty() {
        let mut list = missing[..missing.len().min(5)].join("; ");
        if missing.len() > 5 {
            list += "; …";
        }
        return Err(ExperimentError::Missing { count: missing.len(), total: units.len(), list });
    }
    let store = Store::open(folder, &all.identity, &all.config, earlier.as_ref())?;
    let is_new = |unit: &&Unit| earlier.as_ref().is_none_or(|e| !e.records.contains_key(unit));
    let new: Vec<&Unit> = units.iter().filter(is_new).collect();
    new.iter().try_for_each(|unit| store.append(&all.records[unit]))?;
    let (identity, records, computed) = (all.identity, all.records, new.len());
    Ok(Outcome { identity, points, records, computed, missing: 0, interrupted: false, diagnosis: None })
}
