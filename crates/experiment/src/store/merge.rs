//! Merges the shards of a run.

use crate::error::ExperimentError;
use crate::input::config::Experiment;
use crate::run::Outcome;
use crate::run::plan::Plan;
use crate::store::{self, Store};
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
            return Err(ExperimentError::NotARun { path: path.to_owned() });
        };
        let Some(all) = &mut all else {
            all = Some(contents);
            continue;
        };
        same_run(&all.identity, &contents.identity, path)?;
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
        let mut list = missing.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
        if missing.len() > 5 {
            list += "; …";
        }
        return Err(ExperimentError::Missing { count: missing.len(), total: units.len(), list });
    }
    let store = Store::open(folder, &all.identity, &all.config, earlier.as_ref())?;
    let mut computed = 0;
    for unit in &units {
        if earlier.as_ref().is_some_and(|e| e.records.contains_key(unit)) {
            continue;
        }
        store.append(&all.records[unit])?;
        computed += 1;
    }
    Ok(Outcome { identity: all.identity, points, records: all.records, computed, missing: 0, interrupted: false })
}

fn same_run(
    ours: &crate::store::identity::Identity,
    theirs: &crate::store::identity::Identity,
    path: &Path,
) -> Result<(), ExperimentError> {
    if ours.identity == theirs.identity {
        return Ok(());
    }
    Err(ExperimentError::OtherIdentity { path: path.to_owned(), keys: ours.differences(theirs) })
}
