//! The run of an experiment: computes the missing units in parallel.

mod calibrate;
mod cautions;
mod chips;
mod class_axis;
pub mod diagnosis;
pub mod effects;
mod evaluate;
pub mod forecast;
mod levels;
pub(crate) mod matrix;
pub mod network_program;
pub(crate) mod prepare;
mod prepared;
pub(crate) mod sensitivity;
pub(crate) mod session;
pub(crate) mod task;

use crate::error::{ExperimentError, Problem};
use crate::input::config::Experiment;
use crate::output::table::Tables;
use crate::run::diagnosis::{Times, diagnose, loses, takes_too_long};
use crate::run::prepared::Prepared;
use crate::run::session::Session;
use crate::store;
use crate::store::outcome::{Outcome, Spent};
use crate::store::plan::Shard;
use crate::store::record::Unit;
use phaseloom_hardware::Batch;
use phaseloom_hardware::correction::Interrupt;
use rayon::ThreadPool;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Trials of the first block of [`run_until`].
const FIRST_BLOCK: u64 = 40;

/// Trials of each further block.
const BLOCK: u64 = 20;

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
    let start = Instant::now();
    refuse_levels(experiment)?;
    let mut session = Session::open(experiment, folder, experiment.config.trials, options)?;
    session.compute(experiment.config.trials)?;
    if options.diagnose {
        session.outcome.spent.diagnosis = find_cause(experiment, &mut session, start, options)?;
    }
    session.outcome.spent.time = start.elapsed();
    Ok(session.outcome)
}

/// Computes units as [`run`] does, block after block of trials, until `enough` holds for the chips so far, or all trials
/// of the experiment are computed. The folder states the number of trials that were. A shard computes its part of all.
///
/// # Errors
///
/// As [`run`].
pub fn run_until(
    experiment: &Experiment,
    folder: &Path,
    options: &Options<'_>,
    enough: &dyn Fn(&Outcome) -> bool,
) -> Result<Outcome, ExperimentError> {
    let (start, all) = (Instant::now(), experiment.config.trials);
    refuse_levels(experiment)?;
    let known = store::read(folder)?.map_or(0, |contents| contents.trials());
    let is_whole = options.shard == Shard::WHOLE;
    // Blocks end at the same trials whatever an interruption left.
    let mut trials = if is_whole { known.next_multiple_of(BLOCK).max(FIRST_BLOCK).min(all) } else { all };
    let mut session = Session::open(experiment, folder, trials, options)?;
    loop {
        session.compute(trials)?;
        if trials == all || session.outcome.missing > 0 || enough(&session.outcome) {
            break;
        }
        trials = (trials + BLOCK).min(all);
    }
    session.outcome.spent.time = start.elapsed();
    Ok(session.outcome)
}

/// Computes the levels of all chips of an experiment with a `[tolerance]`, as [`run`] does its chips.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_levels(
    experiment: &Experiment,
    folder: &Path,
    options: &Options<'_>,
) -> Result<Outcome, ExperimentError> {
    let start = Instant::now();
    let mut session = Session::open(experiment, folder, experiment.config.trials, options)?;
    session.compute(experiment.config.trials)?;
    session.outcome.spent.time = start.elapsed();
    Ok(session.outcome)
}

/// The units of an experiment with a `[tolerance]` are no results of a run.
pub(crate) fn refuse_levels(experiment: &Experiment) -> Result<(), ExperimentError> {
    match &experiment.config.tolerance {
        None => Ok(()),
        Some(_) => Err(Problem::Levels.in_file(&experiment.path)),
    }
}

/// The line about the source that costs most accuracy, of a finished run that loses some.
fn find_cause(
    experiment: &Experiment,
    session: &mut Session<'_>,
    start: Instant,
    options: &Options<'_>,
) -> Result<Option<String>, ExperimentError> {
    let Some(tables) = Tables::new(&session.outcome) else { return Ok(None) };
    let budget = (options.earlier.time + start.elapsed()) / DIAGNOSIS_SHARE;
    let chips = &session.outcome.spent.chips;
    if let Some(pool) = &session.pool {
        return Ok(diagnosis_of(&tables, chips, &session.prepared, pool, budget, options));
    }
    // Nothing was computed: the run was finished before.
    if options.earlier.diagnosis.is_some() || !loses(&tables) {
        return Ok(options.earlier.diagnosis.clone());
    }
    let is_short = options.earlier.preparation < budget && options.earlier.chips.iter().any(Option::is_some);
    match session.inputs.take() {
        Some(inputs) if is_short => {
            let (pool, begin) = (session::start_pool(options.threads)?, Instant::now());
            let prepared = Prepared::new(experiment, &session.outcome.points, inputs, &options.interrupt)?;
            let rest = budget.saturating_sub(begin.elapsed());
            Ok(diagnosis_of(&tables, chips, &prepared, &pool, rest, options))
        }
        _ => Ok(Some(takes_too_long(&tables))),
    }
}

/// That line of a network whose points are prepared.
fn diagnosis_of(
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

/// Locks a value that is correct even if another thread panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
