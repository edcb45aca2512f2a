//! The run of an experiment: computes the missing units in parallel.

mod calibrate;
mod cautions;
mod class_axis;
pub mod diagnosis;
pub mod effects;
mod evaluate;
pub mod forecast;
mod matrix;
pub mod network_program;
pub(crate) mod prepare;
mod prepared;
mod task;

use crate::error::{ExperimentError, Problem};
use crate::input::config::Experiment;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::output::table::Tables;
use crate::run::diagnosis::{Times, diagnose, loses, takes_too_long};
use crate::run::prepared::Prepared;
use crate::store::identity::Identity;
use crate::store::outcome::{Outcome, Spent};
use crate::store::plan::{Plan, Shard};
use crate::store::record::{Record, Row, Unit};
use crate::store::{self, Contents, Store};
use phaseloom_files::to_json;
use phaseloom_hardware::correction::Interrupt;
use phaseloom_hardware::{Batch, HardwareError};
use phaseloom_network::Network;
use rayon::ThreadPool;
use rayon::prelude::*;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The diagnosis takes at most this part of the time of the run.
const DIAGNOSIS_SHARE: u32 = 10;

/// Options of a run. None changes a result.
pub struct Options<'a> {
    /// Number of threads, or 0 for one per processor core.
    pub threads: usize,
    /// The part of the units to compute.
    pub shard: Shard,
    /// Set from outside to stop. Units in progress are finished, unless their chips are being corrected.
    pub interrupt: Interrupt,
    /// Called with (done, total) before the first unit and after each.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Called with each note: what the inputs or the folder hold and cannot be used, and hardware that cannot compute well.
    /// All notes come before the first unit.
    pub note: &'a (dyn Fn(&str) + Sync),
    /// Whether to find out which source costs most accuracy once the run is finished.
    pub diagnose: bool,
    /// Times of earlier sessions of this run.
    pub earlier: Spent,
    /// Called with the outputs of every shot of every unit, if they are to be kept.
    pub outputs: Option<&'a KeepOutputs<'a>>,
    /// Indices of the layers of the model whose outputs are kept too.
    pub layers: &'a [usize],
}

impl Default for Options<'_> {
    /// All units on every processor core, without interruption, progress, notes, diagnosis or kept outputs.
    fn default() -> Self {
        Self {
            threads: 0,
            shard: Shard::WHOLE,
            interrupt: Interrupt::new(),
            progress: &|_, _| {},
            note: &|_| {},
            diagnose: false,
            earlier: Spent::default(),
            outputs: None,
            layers: &[],
        }
    }
}

/// A function of a unit, a shot, a layer and its outputs (outputs × samples). `None` is the network as a whole.
pub type KeepOutputs<'a> = dyn Fn(Unit, u32, Option<usize>, &Batch) -> Result<(), ExperimentError> + Sync + 'a;

/// Computes the units of an experiment that `folder` lacks.
///
/// # Errors
///
/// Invalid settings, models, data or options (then nothing is written), a folder of another run, fewer trials than it
/// holds, a full disk.
pub fn run(experiment: &Experiment, folder: &Path, options: &Options<'_>) -> Result<Outcome, ExperimentError> {
    let points = experiment.points()?;
    experiment.effects(&points)?;
    let inputs = Inputs::read(experiment, &points)?;
    compute(experiment, points, inputs, folder, options)
}

/// Computes the units that `folder` lacks from inputs that were read before.
fn compute(
    experiment: &Experiment,
    points: Vec<Point>,
    mut inputs: Inputs,
    folder: &Path,
    options: &Options<'_>,
) -> Result<Outcome, ExperimentError> {
    let start = Instant::now();
    let config = &experiment.config_in(folder)?;
    let identity = Identity::new(config, std::mem::take(&mut inputs.hashes));
    let plan = Plan::new(&points);
    let contents = contents(experiment, folder, &identity, &plan, &inputs.points, options)?;
    contents.iter().filter_map(Contents::note).for_each(|text| (options.note)(&text));
    let mut records = contents.as_ref().map(|contents| contents.records.clone()).unwrap_or_default();
    let units = plan.units(config.trials);
    let mine: Vec<Unit> = units.iter().enumerate().filter(|(i, _)| options.shard.takes(*i)).map(|(_, &u)| u).collect();
    let todo: Vec<Unit> = mine.iter().copied().filter(|u| !records.contains_key(u)).collect();
    let pool = (!todo.is_empty()).then(|| start_pool(options)).transpose()?;
    let mut inputs = Some(inputs.points);
    let mut prepared = match inputs.take_if(|_| pool.is_some()) {
        Some(inputs) => Prepared::new(experiment, &points, inputs, &options.interrupt)?,
        None => Prepared::default(),
    };
    let preparation = start.elapsed();
    prepared.notes(&points)?.iter().for_each(|text| (options.note)(text));
    let store = Store::open(folder, &identity, config, contents.as_ref())?;
    prepared.scales().try_for_each(|(name, scales)| store.write(name, to_json(scales).as_bytes()))?;
    let mut interrupted = false;
    // Time and number of the chips computed at each point.
    let chip_times = Mutex::new(vec![(Duration::ZERO, 0); points.len()]);
    if let Some(pool) = &pool {
        let total = mine.len();
        let done = Mutex::new(total - todo.len());
        (options.progress)(total - todo.len(), total);
        let work = |unit: &Unit| -> Result<Option<Record>, ExperimentError> {
            if options.interrupt.requested() {
                return Ok(None);
            }
            let mut keep = |shot: u32, layer: Option<usize>, outputs: &Batch| match options.outputs {
                Some(keep) => store.check().and_then(|()| keep(*unit, shot, layer, outputs)),
                None => Ok(()),
            };
            let begin = Instant::now();
            let record = match prepared.evaluate(*unit, options.layers, &mut keep) {
                // The next run computes a unit again whose correction was stopped.
                Err(ExperimentError::Hardware(HardwareError::Interrupted)) => return Ok(None),
                Err(ExperimentError::Hardware(source)) => {
                    let unit = format!("{unit}{}", points[unit.point].values());
                    let source = Box::new(source);
                    return Err(ExperimentError::Unit { path: experiment.path.clone(), unit, source });
                }
                other => other?,
            };
            store.append(&record)?;
            if unit.row == Row::Chips {
                let (time, count) = &mut lock(&chip_times)[unit.point];
                *time += begin.elapsed();
                *count += 1;
            }
            let mut done = lock(&done);
            *done += 1;
            (options.progress)(*done, total);
            Ok(Some(record))
        };
        // Units differ widely in duration, so each thread takes one at a time.
        let computed = pool.install(|| todo.par_iter().with_max_len(1).map(work).collect::<Result<Vec<_>, _>>());
        let computed = match computed {
            Err(error) => {
                if contents.is_none() {
                    store.discard();
                }
                return Err(error);
            }
            Ok(computed) => computed,
        };
        interrupted = computed.iter().any(Option::is_none);
        records.extend(computed.into_iter().flatten().map(|r| (r.unit, r)));
    }
    let computed = todo.iter().filter(|u| records.contains_key(u)).count();
    let missing = units.iter().filter(|u| !records.contains_key(u)).count();
    let spent = Spent { preparation, ..Spent::default() };
    let mut outcome = Outcome { identity, points, records, computed, missing, interrupted, spent, store };
    let of_session = lock(&chip_times).iter().map(|(time, count)| time.checked_div(*count)).collect::<Vec<_>>();
    let known = |point: usize| of_session[point].or_else(|| *options.earlier.chips.get(point)?);
    outcome.spent.chips = (0..outcome.points.len()).map(known).collect();
    if let (true, Some(tables)) = (options.diagnose, Tables::new(&outcome)) {
        let budget = (options.earlier.time + start.elapsed()) / DIAGNOSIS_SHARE;
        let diagnosis = match (pool, inputs) {
            (Some(pool), _) => find_cause(&tables, &outcome.spent.chips, &prepared, &pool, budget, options),
            // Nothing was computed: the run was finished before.
            (None, _) if options.earlier.diagnosis.is_some() => options.earlier.diagnosis.clone(),
            (None, Some(inputs))
                if loses(&tables)
                    && options.earlier.preparation < budget
                    && options.earlier.chips.iter().any(Option::is_some) =>
            {
                let pool = start_pool(options)?;
                let begin = Instant::now();
                prepared = Prepared::new(experiment, &outcome.points, inputs, &options.interrupt)?;
                find_cause(
                    &tables,
                    &outcome.spent.chips,
                    &prepared,
                    &pool,
                    budget.saturating_sub(begin.elapsed()),
                    options,
                )
            }
            _ => loses(&tables).then(|| takes_too_long(&tables)),
        };
        outcome.spent.diagnosis = diagnosis;
    }
    outcome.spent.time = start.elapsed();
    Ok(outcome)
}

/// A pool of the requested number of threads.
pub(crate) fn start_pool(options: &Options<'_>) -> Result<ThreadPool, ExperimentError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    pool.map_err(|source| ExperimentError::Threads { threads: options.threads, source })
}

/// The line about the source that costs most accuracy, of a network that loses some.
fn find_cause(
    tables: &Tables<'_>,
    chips: &[Option<Duration>],
    prepared: &Prepared,
    pool: &ThreadPool,
    budget: Duration,
    options: &Options<'_>,
) -> Option<String> {
    let Prepared::Networks(prepared, _) = prepared else { return None };
    let times = Times { budget, threads: pool.current_num_threads(), chips };
    pool.install(|| diagnose(tables, prepared, tables.points(), &times, &options.interrupt))
}

/// The finished units in the folder of a run, after all checks of options and folder.
fn contents(
    experiment: &Experiment,
    folder: &Path,
    identity: &Identity,
    plan: &Plan,
    inputs: &SubjectInputs,
    options: &Options<'_>,
) -> Result<Option<Contents>, ExperimentError> {
    options.shard.check()?;
    expect_outputs(experiment, inputs, options)?;
    let Some(mut contents) = store::read_as(folder, Some(identity))? else { return Ok(None) };
    identity.expect_same(&contents.identity, folder)?;
    let (found, requested) = (contents.trials(), experiment.config.trials);
    if found > requested {
        return Err(ExperimentError::FewerTrials { path: folder.to_owned(), found, requested });
    }
    contents.keep_planned(plan, requested, |unit| inputs.form(unit.point));
    if options.outputs.is_some() {
        contents.expect_outputs(folder, experiment.config.shots, options.layers)?;
    }
    Ok(Some(contents))
}

/// Checks that there are outputs to be kept, and that the models have the layers whose outputs are to be kept.
fn expect_outputs(
    experiment: &Experiment,
    inputs: &SubjectInputs,
    options: &Options<'_>,
) -> Result<(), ExperimentError> {
    match inputs {
        SubjectInputs::Networks(points) => {
            points.iter().try_for_each(|point| expect_layers(experiment, &*point.network, options.layers))
        }
        SubjectInputs::Matrices(_) if options.outputs.is_some() => Err(Problem::NoOutputs.in_file(&experiment.path)),
        SubjectInputs::Matrices(_) => Ok(()),
    }
}

/// Checks that a model has the layers whose outputs are to be kept.
fn expect_layers(experiment: &Experiment, network: &dyn Network, layers: &[usize]) -> Result<(), ExperimentError> {
    if layers.is_empty() {
        return Ok(());
    }
    let names = network.layer_names();
    match layers.iter().find(|&&layer| layer >= names.len()) {
        None => Ok(()),
        Some(&layer) => {
            let names = names.iter().enumerate().map(|(index, name)| format!("{index} ({name})"));
            let layers = names.collect::<Vec<_>>().join(", ");
            Err(Problem::NoLayer { layer, layers }.in_file(&experiment.path))
        }
    }
}

/// Locks a value that is correct even if another thread panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
