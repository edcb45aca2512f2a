//! The checkpoint of a training: a safetensors file with all values from which an interrupted training goes on to the same bits.
//!
//! | tensor | values |
//! |---|---|
//! | `now/model/NAME`, `now/chips/N` | tensors of the layers, and parameters of the chips |
//! | `best/…`, `calibrated/…` | the same of the best epoch, and of the last calibration of chips |
//! | `optimizer/first/N`, `optimizer/second/N` | moments of the parameter N |
//! | `history` | loss, training accuracy, validation accuracy and learning rate of each epoch |
//! | `sums` | sums of the losses over the batches of the present epoch |

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use phaseloom_files::hex;
use sha2::{Digest, Sha256};

use crate::error::{NetworkError, Result};
use crate::train::epochs::{Keep, State};
use crate::train::learner::{Learner, Snapshot};
use crate::train::{EpochReport, TrainSpec};
use crate::weights::{Tensor, Tensors};

/// Time between two checkpoints at the ends of epochs. More often, short epochs would wait for the disk.
const BETWEEN_EPOCHS: Duration = Duration::from_secs(1);

/// Time between two checkpoints within an epoch.
const WITHIN_EPOCH: Duration = Duration::from_secs(60);

const FORMAT: &str = "phaseloom-checkpoint/1";

/// The checkpoint file of a training.
#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    /// Hash of all on which the training depends.
    identity: String,
    /// Hashes of the files that the training may replace: its own of an earlier interruption.
    replaces: Vec<String>,
    written: Instant,
    /// The last state that was written.
    last: Option<Tensors>,
}

/// The path of the checkpoint next to a weights file.
pub(super) fn path_of(weights: &Path) -> PathBuf {
    let stem = weights.file_stem().unwrap_or_default().to_string_lossy();
    weights.with_file_name(format!("{stem}-checkpoint.safetensors"))
}

/// The hash of a file, if there is one.
fn hash_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| hex(&Sha256::digest(bytes)))
}

impl Checkpoint {
    /// The checkpoint of a training next to its weights, and the tensors of an interrupted one.
    ///
    /// # Errors
    ///
    /// If there is a checkpoint of another training that is not to be discarded, or a result that may not be replaced.
    pub fn open(
        outputs: &[PathBuf],
        identity: String,
        (restart, overwrite): (bool, bool),
        settings: &Path,
    ) -> Result<(Self, Option<Tensors>)> {
        let path = path_of(&outputs[0]);
        let stored = path.exists().then(|| Tensors::load(&path)).transpose();
        // A damaged file is no reason to refuse a new start.
        let stored = if restart { stored.unwrap_or_default() } else { stored? };
        let of = |key: &str| stored.as_ref().and_then(|tensors| tensors.metadata.get(key)).map_or("", String::as_str);
        let is_own = of("identity") == identity && of("format") == FORMAT;
        if stored.is_some() && !is_own && !restart {
            return Err(NetworkError::OtherCheckpoint { path, settings: settings.to_owned() });
        }
        let own: Vec<String> = of("replaces").split(',').filter(|_| is_own).map(str::to_owned).collect();
        let mut replaces = Vec::new();
        for output in outputs {
            let Some(hash) = hash_of(output) else { continue };
            if !overwrite && !own.contains(&hash) {
                return Err(NetworkError::ResultExists { path: output.clone() });
            }
            replaces.push(hash);
        }
        if restart {
            // Else a crash before the next checkpoint would bring the old one back.
            let _ = std::fs::remove_file(&path);
        }
        let resumed = stored.filter(|_| is_own && !restart);
        Ok((Self { path, identity, replaces, written: Instant::now(), last: None }, resumed))
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets a later session replace results that this one wrote before its training was finished.
    pub fn allow(&self, outputs: &[PathBuf]) -> Result<()> {
        let Some(mut tensors) = self.last.clone() else { return Ok(()) };
        let replaces: Vec<String> = outputs.iter().filter_map(|path| hash_of(path)).collect();
        tensors.metadata.insert("replaces".into(), replaces.join(","));
        tensors.save(&self.path)
    }

    /// Removes the file, because the training is finished.
    pub fn remove(&self) {
        // A file that stays is of this training, which says so when it is started again.
        let _ = std::fs::remove_file(&self.path);
    }

    fn write(&mut self, mut tensors: Tensors) -> Result<()> {
        for (key, value) in [("format", FORMAT), ("identity", &self.identity), ("replaces", &self.replaces.join(","))] {
            tensors.metadata.insert(key.to_owned(), value.to_owned());
        }
        tensors.save(&self.path)?;
        self.last = Some(tensors);
        self.written = Instant::now();
        Ok(())
    }
}

impl Keep for Checkpoint {
    fn keep(&mut self, learner: &mut Learner, state: &State, must: bool) -> Result<()> {
        let wait = if state.batch == 0 { BETWEEN_EPOCHS } else { WITHIN_EPOCH };
        if !must && self.written.elapsed() < wait {
            return Ok(());
        }
        self.write(to_tensors(learner.snapshot(), state))
    }
}

fn insert_lists(tensors: &mut Tensors, prefix: &str, lists: &[Vec<f64>]) {
    for (index, values) in lists.iter().enumerate() {
        tensors.insert(format!("{prefix}/{index}"), Tensor::new(vec![values.len()], values.clone()));
    }
}

fn insert_snapshot(tensors: &mut Tensors, prefix: &str, snapshot: &Snapshot) {
    for (name, tensor) in snapshot.model.iter() {
        tensors.insert(format!("{prefix}/model/{name}"), tensor.clone());
    }
    insert_lists(tensors, &format!("{prefix}/chips"), &snapshot.chips);
}

/// The tensors of a state.
fn to_tensors(now: Snapshot, state: &State) -> Tensors {
    let mut tensors = Tensors::new();
    insert_snapshot(&mut tensors, "now", &now);
    if let Some((epoch, best)) = &state.best {
        insert_snapshot(&mut tensors, "best", best);
        tensors.metadata.insert("best".into(), epoch.to_string());
    }
    // Between epochs they are those of now.
    if let Some(calibrated) = state.calibrated.as_ref().filter(|_| state.batch > 0) {
        insert_snapshot(&mut tensors, "calibrated", calibrated);
    }
    insert_lists(&mut tensors, "optimizer/first", &state.optimizer.first);
    insert_lists(&mut tensors, "optimizer/second", &state.optimizer.second);
    let row = |report: &EpochReport| {
        let EpochReport { loss, train_accuracy, validation_accuracy, learning_rate, .. } = *report;
        [loss, train_accuracy, validation_accuracy.unwrap_or(f64::NAN), learning_rate]
    };
    let history = state.history.iter().flat_map(row).collect();
    tensors.insert("history", Tensor::new(vec![state.history.len(), 4], history));
    tensors.insert("sums", Tensor::new(vec![1], vec![state.loss_sum]));
    for (key, value) in [
        ("step", state.step),
        ("optimizer_steps", state.optimizer.steps),
        ("batch", state.batch as u64),
        ("correct", state.correct as u64),
        ("passes", state.passes),
    ] {
        tensors.metadata.insert(key.into(), value.to_string());
    }
    tensors
}

/// Sets learner and state to those of a checkpoint.
///
/// # Errors
///
/// If the file is damaged.
pub(super) fn resume(
    path: &Path,
    tensors: &Tensors,
    spec: &TrainSpec,
    (learner, state): (&mut Learner, &mut State),
    data: &crate::data::Dataset,
) -> Result<()> {
    let damaged = |place: &str| {
        NetworkError::format(
            path,
            "checkpoint",
            place,
            "no such entry",
            "a checkpoint as it was written: train again with --restart",
        )
    };
    let number =
        |key: &str| tensors.metadata.get(key).and_then(|text| text.parse::<u64>().ok()).ok_or_else(|| damaged(key));
    let lists = |prefix: &str| {
        let tensor = |index: usize| tensors.get(&format!("{prefix}/{index}"));
        (0..).map_while(tensor).map(|tensor| tensor.values().to_vec()).collect::<Vec<_>>()
    };
    let snapshot = |prefix: &str| {
        let start = format!("{prefix}/model/");
        let mut model = Tensors::new();
        for (name, tensor) in tensors.iter() {
            if let Some(name) = name.strip_prefix(&start) {
                model.insert(name, tensor.clone());
            }
        }
        Snapshot { model, chips: lists(&format!("{prefix}/chips")) }
    };
    let now = snapshot("now");
    let is_fit =
        |found: &[Vec<f64>], expected: &[Vec<f64>]| found.iter().map(Vec::len).eq(expected.iter().map(Vec::len));
    let start = learner.snapshot();
    if !is_fit(&now.chips, &start.chips) || !now.model.names().eq(start.model.names()) {
        return Err(damaged("now"));
    }
    state.step = number("step")?;
    state.batch = number("batch")? as usize;
    state.correct = number("correct")? as usize;
    state.passes = number("passes")?;
    state.loss_sum =
        tensors.get("sums").and_then(|sums| sums.values().first().copied()).ok_or_else(|| damaged("sums"))?;
    let history = tensors.get("history").ok_or_else(|| damaged("history"))?;
    let report = |(index, row): (usize, &[f64])| EpochReport {
        epoch: index + 1,
        epochs: spec.epochs,
        loss: row[0],
        train_accuracy: row[1],
        validation_accuracy: Some(row[2]).filter(|accuracy| !accuracy.is_nan()),
        learning_rate: row[3],
    };
    state.history = history.values().chunks_exact(4).enumerate().map(report).collect();
    if tensors.metadata.contains_key("best") {
        let epoch = number("best")? as usize;
        if !(1..=state.history.len()).contains(&epoch) {
            return Err(damaged("best"));
        }
        state.best = Some((epoch, snapshot("best")));
    }
    state.optimizer.steps = number("optimizer_steps")?;
    state.optimizer.first = lists("optimizer/first");
    state.optimizer.second = lists("optimizer/second");
    if state.optimizer.first.len() != learner.frozen.len() || state.optimizer.second.len() != learner.frozen.len() {
        return Err(damaged("optimizer"));
    }
    if learner.chips.is_some() {
        let calibrated = if state.batch > 0 { snapshot("calibrated") } else { now.clone() };
        learner.restore(&calibrated)?;
        learner.calibrate(data)?;
        state.calibrated = Some(calibrated);
    }
    learner.restore(&now)
}
