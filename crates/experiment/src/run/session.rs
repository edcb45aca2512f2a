//! One session of a run: inputs are read and the folder is checked once, then units are computed for a number of trials,
//! which may grow.

use crate::error::{ExperimentError, Problem};
use crate::input::config::{Config, Experiment};
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::run::prepared::Prepared;
use crate::run::{Options, lock};
use crate::store::identity::Identity;
use crate::store::outcome::{Outcome, Spent};
use crate::store::plan::Plan;
use crate::store::record::{Record, Row, Unit};
use crate::store::{self, Contents, Store};
use phaseloom_files::{address_space, to_json};
use phaseloom_hardware::{Batch, HardwareError};
use phaseloom_network::Network;
use rayon::ThreadPool;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// A run between its start and its end.
pub(crate) struct Session<'a> {
    experiment: &'a Experiment,
    options: &'a Options<'a>,
    config: Config,
    plan: Plan,
    /// The inputs, until the points are prepared.
    pub inputs: Option<SubjectInputs>,
    pub prepared: Prepared,
    pub pool: Option<ThreadPool>,
    /// Whether the folder was a run before.
    is_resumed: bool,
    /// Time and number of the chips computed at each point.
    chip_times: Mutex<Vec<(Duration, u32)>>,
    /// State of the run.
    pub outcome: Outcome,
}

impl<'a> Session<'a> {
    /// Reads the inputs and opens the folder. The points are prepared if units for `first` trials are missing; a run that
    /// cannot be prepared writes nothing.
    pub fn open(
        experiment: &'a Experiment,
        folder: &Path,
        first: u64,
        options: &'a Options<'a>,
    ) -> Result<Self, ExperimentError> {
        let points = experiment.points()?;
        experiment.effects(&points)?;
        let inputs = Inputs::read(experiment, &points)?;
        Self::with_inputs(experiment, points, inputs, folder, first, options)
    }

    /// Opens the folder with inputs that were read before.
    pub fn with_inputs(
        experiment: &'a Experiment,
        points: Vec<Point>,
        mut inputs: Inputs,
        folder: &Path,
        first: u64,
        options: &'a Options<'a>,
    ) -> Result<Self, ExperimentError> {
        let start = Instant::now();
        let config = experiment.config_in(folder)?;
        let identity = Identity::new(&config, std::mem::take(&mut inputs.hashes));
        let plan = Plan::new(&points);
        let contents = contents(experiment, folder, &identity, &plan, &inputs.points, options)?;
        contents.iter().filter_map(Contents::note).for_each(|text| (options.note)(&text));
        let records = contents.as_ref().map(|contents| contents.records.clone()).unwrap_or_default();
        let (mut inputs, mut prepared, mut pool) = (Some(inputs.points), Prepared::default(), None);
        if !todo(&plan, options, &records, first).is_empty() {
            pool = Some(start_pool(options.threads)?);
            if let Some(inputs) = inputs.take() {
                prepared = Prepared::new(experiment, &points, inputs, &options.interrupt)?;
            }
        }
        let preparation = start.elapsed();
        let check = config.pass.map_or(Ok(()), |criterion| prepared.check_criterion(criterion));
        check.map_err(|problem| problem.in_file(&experiment.path))?;
        prepared.notes(&points)?.iter().for_each(|text| (options.note)(text));
        let is_resumed = contents.is_some();
        let written = Config { trials: first, ..config.clone() };
        let store = Store::open(folder, &identity, &written, contents.as_ref())?;
        prepared.scales().try_for_each(|(name, scales)| store.write(name, to_json(scales).as_bytes()))?;
        let chip_times = Mutex::new(vec![(Duration::ZERO, 0); points.len()]);
        let spent = Spent { preparation, ..Spent::default() };
        let outcome = Outcome { identity, points, records, computed: 0, missing: 0, interrupted: false, spent, store };
        Ok(Self { experiment, options, config, plan, inputs, prepared, pool, is_resumed, chip_times, outcome })
    }

    /// Computes the missing units for a number of trials, which the folder then states.
    pub fn compute(&mut self, trials: u64) -> Result<(), ExperimentError> {
        let todo = todo(&self.plan, self.options, &self.outcome.records, trials);
        if trials != self.config.trials {
            self.config.trials = trials;
            self.outcome.store.write_experiment(&self.config)?;
        }
        if !todo.is_empty() {
            self.prepare()?;
            self.compute_units(&todo, trials)?;
        }
        let units = self.plan.units(trials);
        self.outcome.missing = units.iter().filter(|unit| !self.outcome.records.contains_key(unit)).count();
        self.plan.add_shared(&mut self.outcome.records, trials);
        let of_session = lock(&self.chip_times).iter().map(|(time, n)| time.checked_div(*n)).collect::<Vec<_>>();
        let known = |point: usize| of_session[point].or_else(|| *self.options.earlier.chips.get(point)?);
        self.outcome.spent.chips = (0..self.outcome.points.len()).map(known).collect();
        Ok(())
    }

    /// Prepares the points, if they are not prepared yet.
    fn prepare(&mut self) -> Result<(), ExperimentError> {
        let Some(inputs) = self.inputs.take() else { return Ok(()) };
        let start = Instant::now();
        self.pool = Some(start_pool(self.options.threads)?);
        self.prepared = Prepared::new(self.experiment, &self.outcome.points, inputs, &self.options.interrupt)?;
        self.outcome.spent.preparation += start.elapsed();
        Ok(())
    }

    fn compute_units(&mut self, todo: &[Unit], trials: u64) -> Result<(), ExperimentError> {
        let Some(pool) = &self.pool else { return Ok(()) };
        let (options, store, prepared) = (self.options, &self.outcome.store, &self.prepared);
        let total = mine(&self.plan, options, trials).count();
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
                    let unit = format!("{unit}{}", self.outcome.points[unit.point].values());
                    let source = Box::new(source);
                    return Err(ExperimentError::Unit { path: self.experiment.path.clone(), unit, source });
                }
                other => other?,
            };
            store.append(&record)?;
            if unit.row == Row::Chips {
                let (time, count) = &mut lock(&self.chip_times)[unit.point];
                *time += begin.elapsed();
                *count += 1;
            }
            let mut done = lock(&done);
            *done += 1;
            (options.progress)(*done, total);
            Ok(Some(record))
        };
        // Units differ widely in duration, so each thread takes one at a time. Designs come before all that is computed with
        // them, because their errors say more.
        let compute =
            |units: &[Unit]| pool.install(|| units.par_iter().with_max_len(1).map(work).collect::<Result<Vec<_>, _>>());
        let designs = todo.partition_point(|unit| unit.row == Row::Design);
        let computed = compute(&todo[..designs]).and_then(|mut computed| {
            computed.extend(compute(&todo[designs..])?);
            Ok(computed)
        });
        let computed = match computed {
            Err(error) => {
                if !self.is_resumed {
                    self.outcome.store.discard();
                }
                return Err(error);
            }
            Ok(computed) => computed,
        };
        self.outcome.interrupted = computed.iter().any(Option::is_none);
        self.outcome.computed += computed.iter().flatten().count();
        self.outcome.records.extend(computed.into_iter().flatten().map(|record| (record.unit, record)));
        Ok(())
    }
}

/// The units of this shard for a number of trials.
fn mine(plan: &Plan, options: &Options<'_>, trials: u64) -> impl Iterator<Item = Unit> {
    let shard = options.shard;
    plan.units(trials).into_iter().enumerate().filter(move |(index, _)| shard.takes(*index)).map(|(_, unit)| unit)
}

/// The units of this shard that have no record.
fn todo(plan: &Plan, options: &Options<'_>, records: &BTreeMap<Unit, Record>, trials: u64) -> Vec<Unit> {
    mine(plan, options, trials).filter(|unit| !records.contains_key(unit)).collect()
}

/// A pool of the requested number of threads; 0 is one per processor core.
///
/// # Errors
///
/// [`ExperimentError::Threads`] if the system gives no more.
pub fn start_pool(threads: usize) -> Result<ThreadPool, ExperimentError> {
    let refused = |reason: String| ExperimentError::Threads { threads, reason };
    // A thread that starts without room for its own stack of signals ends the process, before the pool can refuse.
    let count = if threads == 0 { available_parallelism().map_or(1, usize::from) } else { threads };
    let bytes = STACK * count as f64;
    if let Some(left) = address_space().filter(|left| *left < bytes) {
        let reason =
            format!("they need {:.0} MiB of address space, and its limit leaves {:.0}", bytes / MIB, left / MIB);
        return Err(refused(reason));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| refused(error.to_string()))
}

const MIB: f64 = 1_048_576.0;

/// Address space of a thread: the 2 MiB stack of `std`, its guard pages, the stack of signals.
const STACK: f64 = 2.125 * MIB;

/// The finished units in the folder of a run, after all checks of options and folder.
pub(crate) fn contents(
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
