//! Computes the networks of a study that its folder lacks: trains each, task after task, and tests it after each.

use crate::chips::run_test;
use crate::error::{Result, StudyError};
use crate::result::{FinishedTraining, NetworkResult, TrainingResult};
use crate::spec::Study;
use crate::store::Store;
use crate::units::{TestSettings, TrainSettings, Unit, Units};
use phaseloom_experiment::{Experiment, Shard, start_pool};
use phaseloom_files::{FileError, from_json_strict, read_text, relative_path, to_json, write_atomically};
use phaseloom_hardware::correction::Interrupt;
use phaseloom_network::train::{Earlier, EpochReport, LayerChanges, Observer, Progress, Trained, train_resumable};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Numbers of a finished training, in the folder of its task.
const TRAINING: &str = "training.json";

/// Options of a study. None changes a result.
pub struct Options<'a> {
    /// Number of threads, or 0 for one per processor core. Each network takes one.
    pub threads: usize,
    /// The part of the networks to compute.
    pub shard: Shard,
    /// Set from outside to stop. Interrupted trainings keep a checkpoint.
    pub interrupt: Interrupt,
    /// Called with (done, total) networks before the first and after each.
    pub progress: &'a (dyn Fn(usize, usize) + Sync),
    /// Called with each note of a training or a test.
    pub note: &'a (dyn Fn(&str) + Sync),
}

impl Default for Options<'_> {
    /// All networks on every processor core, without interruption, progress and notes.
    fn default() -> Self {
        Self { threads: 0, shard: Shard::WHOLE, interrupt: Interrupt::new(), progress: &|_, _| {}, note: &|_| {} }
    }
}

/// The networks of a study that are in its folder.
pub struct Outcome<'a> {
    /// The study.
    pub study: &'a Study,
    /// Its networks.
    pub units: Units<'a>,
    /// The folder.
    pub store: Store,
    /// Results by the number of the network.
    pub results: BTreeMap<usize, NetworkResult>,
    /// Number of networks that were computed now.
    pub computed: usize,
    /// Number of networks that are still missing.
    pub missing: usize,
    /// Whether an interrupt stopped it.
    pub interrupted: bool,
}

/// Computes the networks that `folder` lacks.
///
/// # Errors
///
/// Impossible settings at any point, found before the first network is trained; a folder of another study; files that cannot be read
/// or written; trainings that diverge.
pub fn run<'a>(study: &'a Study, folder: &Path, options: &Options<'_>) -> Result<Outcome<'a>> {
    let units = Units::read(study)?;
    let all: Vec<Unit> = units.all().collect();
    let store = Store::open(folder, study, &units)?;
    let _lock = store.lock()?;
    let mut results = BTreeMap::new();
    for (index, unit) in all.iter().enumerate() {
        results.extend(store.result(index, (*unit, units.seed(*unit)))?.map(|result| (index, result)));
    }
    let Shard { part, of } = options.shard;
    let is_own = |index: &usize| *index as u64 % of == part - 1;
    let own: Vec<usize> = (0..all.len()).filter(is_own).collect();
    let todo: Vec<usize> = own.iter().copied().filter(|index| !results.contains_key(index)).collect();
    let done = AtomicUsize::new(own.len() - todo.len());
    (options.progress)(done.load(Ordering::Relaxed), own.len());
    let pool = start_pool(options.threads)?;
    let compute = |index: usize| -> Result<Option<NetworkResult>> {
        let unit = all[index];
        network(&units, &store, (index, unit), options)
            .map_err(|source| StudyError::Unit { place: units.place(unit), source: Box::new(source) })
    };
    // Errors of the tests are found before hours of training.
    for &index in todo.iter().filter(|index| all[**index].seed == all[todo[0]].seed) {
        let place = || units.place(all[index]);
        prepare(&units, &store, (index, all[index]))
            .map_err(|source| StudyError::Unit { place: place(), source: Box::new(source) })?;
    }
    // In their order, so that an interrupted study has whole comparisons.
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let found = pool.broadcast(|_| {
        let mut found = Vec::new();
        while !options.interrupt.requested() && !failed.load(Ordering::Relaxed) {
            let Some(&index) = todo.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let result = compute(index);
            if matches!(result, Ok(Some(_))) {
                (options.progress)(1 + done.fetch_add(1, Ordering::Relaxed), own.len());
            }
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            found.push(result.map(|result| (index, result)));
        }
        found
    });
    let mut computed = 0;
    for found in found.into_iter().flatten() {
        if let (index, Some(result)) = found? {
            computed += 1;
            results.insert(index, result);
        }
    }
    let missing = all.len() - results.len();
    let interrupted = options.interrupt.requested() && own.iter().any(|index| !results.contains_key(index));
    Ok(Outcome { study, units, store, results, computed, missing, interrupted })
}

/// The folder of each task of a network.
fn task_folder(store: &Store, index: usize, task: usize) -> Result<PathBuf> {
    let folder = absolute(&store.network(index))?.join(format!("task{}", task + 1));
    std::fs::create_dir_all(&folder).map_err(|source| FileError::Io { path: folder.clone(), source })?;
    Ok(folder)
}

/// Writes and reads the tests of a network.
fn prepare(units: &Units<'_>, store: &Store, (index, unit): (usize, Unit)) -> Result<()> {
    let settings = units.settings(unit)?;
    for task in 0..settings.trainings.len() {
        let folder = task_folder(store, index, task)?;
        for (test, own) in settings.tests.iter().enumerate() {
            experiment(own, units.experiment_path(test), &folder, test, &settings.trainings[task].model)?;
        }
    }
    Ok(())
}

/// Trains and tests one network. `None` if it was interrupted.
fn network(
    units: &Units<'_>,
    store: &Store,
    (index, unit): (usize, Unit),
    options: &Options<'_>,
) -> Result<Option<NetworkResult>> {
    let settings = units.settings(unit)?;
    let mut trainings = Vec::new();
    let mut before: Option<PathBuf> = None;
    for (task, training) in settings.trainings.iter().enumerate() {
        let folder = task_folder(store, index, task)?;
        let Some(numbers) =
            fit(training, units.training_base(task), (&folder, before.as_deref()), store.identity(), options)?
        else {
            return Ok(None);
        };
        let mut tests = Vec::new();
        for (test, own) in settings.tests.iter().enumerate() {
            let experiment = experiment(own, units.experiment_path(test), &folder, test, &training.model)?;
            match run_test(&experiment, &folder.join(format!("test{}", test + 1)), test, options)? {
                Some(found) => tests.extend(found),
                None => return Ok(None),
            }
        }
        trainings.push(TrainingResult { numbers, tests });
        before = Some(folder);
    }
    let result = NetworkResult { study: store.identity().to_owned(), unit, seed: units.seed(unit), trainings };
    store.save(index, &result)?;
    Ok(Some(result))
}

/// Trains in a folder, from the weights in the folder of the task before. Returns the numbers of the training, or `None` if it was
/// interrupted.
fn fit(
    training: &TrainSettings,
    base: &Path,
    (folder, before): (&Path, Option<&Path>),
    study: &str,
    options: &Options<'_>,
) -> Result<Option<BTreeMap<String, f64>>> {
    let path = folder.join(TRAINING);
    if path.exists() {
        let damaged = |reason: String| StudyError::Damaged { path: path.clone(), reason };
        let finished: FinishedTraining =
            from_json_strict(&read_text(&path)?).map_err(|error| damaged(error.to_string()))?;
        if finished.study != study {
            return Err(damaged("it is the training of another study".into()));
        }
        return Ok(Some(finished.numbers));
    }
    let model = folder.join("model.toml");
    write_atomically(&model, toml::to_string(&training.model).unwrap_or_default().as_bytes())?;
    let mut spec = training.spec.clone();
    spec.model = model;
    if let Some(before) = before {
        spec.initial = Some(before.join("weights.safetensors"));
        spec.initial_programs = Some(before.join("programs.safetensors")).filter(|path| path.exists());
    }
    let mut observer = Follower { interrupt: &options.interrupt, note: options.note };
    let trained = train_resumable(&spec, base, Earlier { restart: false, overwrite: true }, &mut observer)?;
    trained.save()?;
    if !trained.is_finished {
        return Ok(None);
    }
    if let Some(Err(error)) = trained.calibration {
        return Err(error.into());
    }
    write_atomically(&folder.join("history.csv"), trained.history_table().csv().as_bytes())?;
    if let Some(changes) = &trained.layers {
        write_atomically(&folder.join("layers.csv"), changes.table().csv().as_bytes())?;
    }
    let finished = FinishedTraining { study: study.to_owned(), numbers: numbers_of(&trained) };
    write_atomically(&path, to_json(&finished).as_bytes())?;
    Ok(Some(finished.numbers))
}

/// Numbers of a training by their columns in `training.csv`.
fn numbers_of(trained: &Trained) -> BTreeMap<String, f64> {
    let kept = trained.best_epoch.map_or(trained.history.last(), |best| trained.history.get(best - 1));
    let epochs = ("epochs", Some(trained.history.len() as f64));
    let of_epoch = kept.map(|epoch| {
        [
            ("loss", Some(epoch.loss)),
            ("train_accuracy", Some(epoch.train_accuracy)),
            ("validation_accuracy", epoch.validation_accuracy),
        ]
    });
    let best = ("best_epoch", trained.best_epoch.map(|best| best as f64));
    let chips = trained.chip_accuracy.as_ref();
    let cleaned = trained.cleaned.as_ref();
    let moved = [
        ("dropped", cleaned.map(|cleaned| cleaned.dropped)),
        ("dropped_precision", cleaned.map(|c| c.precision).filter(|value| value.is_finite())),
        ("dropped_recall", cleaned.map(|c| c.recall).filter(|value| value.is_finite())),
        ("moved_phases", trained.moved.map(|moved| moved.share)),
        ("moved_rad", trained.moved.map(|moved| moved.total_rad)),
    ];
    let tests = chips.map(|chips| chips.test_chips.as_slice()).filter(|tests| !tests.is_empty());
    let of_chips = [
        ("passes", chips.map(|_| trained.passes as f64)),
        ("perfect", chips.map(|chips| chips.perfect)),
        ("trained_chip", chips.and_then(|chips| chips.trained_chip)),
        ("test_chips", tests.map(phaseloom_numerics::statistics::mean)),
    ];
    let changes = trained.layers.as_ref();
    let (gradients, signals) =
        (changes.and_then(LayerChanges::gradient_ratios), changes.and_then(LayerChanges::signal_ratios));
    let layers = [
        ("gradient_ratio_start", gradients.map(|(before, _)| before)),
        ("gradient_ratio", gradients.map(|(_, after)| after)),
        ("signal_ratio_start", signals.map(|(before, _)| before)),
        ("signal_ratio", signals.map(|(_, after)| after)),
    ];
    let all =
        [epochs, best].into_iter().chain(layers).chain(of_chips).chain(moved).chain(of_epoch.into_iter().flatten());
    all.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Writes the experiment that tests the model in a folder, and reads it. An experiment that names a model gets the layers of that
/// model with the weights of the trained one.
fn experiment(own: &TestSettings, path: &Path, folder: &Path, test: usize, trained: &Value) -> Result<Experiment> {
    let mut tree = own.experiment.clone();
    let base = path.parent().unwrap_or(Path::new(""));
    let base = absolute(&tree.get("base").and_then(Value::as_str).map_or(base.to_owned(), |own| base.join(own)))?;
    let (name, mut model) = (format!("test{}", test + 1), "model.toml".to_owned());
    if let Some(layers) = &own.model {
        let layers = with_files(layers.clone(), trained);
        model = format!("{name}-model.toml");
        write_atomically(&folder.join(&model), toml::to_string(&layers).unwrap_or_default().as_bytes())?;
    }
    if let Value::Object(table) = &mut tree {
        let text = |path: PathBuf| Value::from(path.to_string_lossy());
        table.insert("base".into(), text(relative_path(folder, &base)));
        table.insert("model".into(), text(relative_path(&base, &folder.join(model))));
    }
    let file = folder.join(format!("{name}.toml"));
    write_atomically(&file, toml::to_string(&tree).unwrap_or_default().as_bytes())?;
    Ok(Experiment::load(&file)?)
}

/// A model with the files of a trained one.
fn with_files(mut model: Value, trained: &Value) -> Value {
    if let Value::Object(table) = &mut model {
        for key in ["weights", "programs", "calibration"] {
            match trained.get(key) {
                Some(file) => table.insert(key.into(), file.clone()),
                None => table.remove(key),
            };
        }
    }
    model
}

/// The path from the root; of an empty one, the working folder.
fn absolute(path: &Path) -> Result<PathBuf> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    Ok(std::path::absolute(path).map_err(|source| FileError::Io { path: path.to_owned(), source })?)
}

/// Passes notes on, and stops at an interrupt.
struct Follower<'a> {
    interrupt: &'a Interrupt,
    note: &'a (dyn Fn(&str) + Sync),
}

impl Follower<'_> {
    fn flow(&self) -> ControlFlow<()> {
        if self.interrupt.requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Observer for Follower<'_> {
    fn note(&mut self, text: &str) {
        (self.note)(text);
    }

    fn batch(&mut self, _progress: &Progress) -> ControlFlow<()> {
        self.flow()
    }

    fn epoch(&mut self, _report: &EpochReport) -> ControlFlow<()> {
        self.flow()
    }
}
