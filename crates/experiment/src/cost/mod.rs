//! Energy, time and area of a run, next to electronics of the same precision.
//!
//! ```text
//! experiment ── run ── units ──────────── score of the chips ─┐
//!     │          └──── prepared points ── MeasuredPoint ──────┼─ CostModel ── Analysis, BreakEven ── five tests, verdict
//!     └─ [cost] ── CostSettings ── device library ────────────┘
//! ```
//!
//! The run is that of `phaseloom run`: the same folder, which resumes. Axes whose keys are all below `cost.` compute no chips
//! of their own. Measured bits are kept in the folder, and so is the experiment with all axes, with its library.

pub mod analysis;
mod effects;
pub mod measured;
pub mod model;
mod quantised;
pub mod verdict;

use crate::cost::measured::MeasuredPoint;
use crate::cost::model::CostModel;
use crate::cost::verdict::Correctness;
use crate::error::{ExperimentError, Problem};
use crate::input::config::{Axis, COST, Experiment};
use crate::input::cost::CostSettings;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::output::table::Tables;
use crate::run::prepare::prepare;
use crate::run::session::start_pool;
use crate::run::{Options, run};
use crate::score::Score;
use crate::store::experiment_text;
use crate::store::outcome::Outcome;
use crate::store::record::Row;
use phaseloom_cost::Library;
use phaseloom_files::{FileError, read_text, to_json};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// The file of the measured bits, in the folder of the run.
pub const BITS_FILE: &str = "cost-bits.json";

/// The copy of a device library that was given in place of that of the experiment, in the folder of the run.
pub const LIBRARY_FILE: &str = "device-library.toml";

/// Keys that measure and belong to the whole run.
const FIXED: [&str; 2] = ["cost.samples", "cost.chips"];

/// A run with the cost model of every point.
pub struct CostRun {
    /// The run.
    pub outcome: Outcome,
    /// The points, those of cost axes included. Empty if units are missing.
    pub points: Vec<CostPoint>,
    /// The score of the run.
    pub score: Score,
    /// Keys of the table [cost] that are set or swept and change no cost at any point.
    pub without_effect: Vec<String>,
}

/// One point: swept values, cost model, scores of the chips.
pub struct CostPoint {
    /// Index, from 0.
    pub index: usize,
    /// (key, value) of every swept key.
    pub levels: Vec<(String, Value)>,
    /// The cost model.
    pub model: CostModel,
    /// Scores of the chips.
    pub correctness: Correctness,
}

/// Contents of [`BITS_FILE`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bits {
    identity: String,
    samples: usize,
    chips: u64,
    points: Vec<MeasuredPoint>,
}

/// Runs an experiment in a folder, as [`run`] does, and prepares the cost model of its points. `library` overrides entries of
/// the shipped library, in place of the file that the experiment names; the folder keeps a copy, which is used if the experiment
/// is that of the folder.
///
/// # Errors
///
/// As [`run`]; an experiment without a network or with other detection than homodyne, a library that cannot be read, a layer
/// whose weights are all zero, values that the cost model does not take.
pub fn cost(
    experiment: &Experiment,
    folder: &Path,
    library: Option<&Path>,
    options: &Options<'_>,
) -> Result<CostRun, ExperimentError> {
    let all = experiment.points()?;
    let settings = all.iter().map(|point| point.config.cost_settings().map_err(|e| experiment.with_line(e)));
    let settings = settings.collect::<Result<Vec<CostSettings>, _>>()?;
    if let Some(key) = experiment.config.sweep.iter().flat_map(|axis| &axis.keys).find(|key| FIXED.contains(&&***key)) {
        let reason = "belongs to the whole run, whose bits it measures: set it in the table [cost]".to_owned();
        return Err(Problem::Sweep { key: key.clone(), reason }.in_file(&experiment.path));
    }
    let kept = experiment.run_folder().map(|own| own.join(LIBRARY_FILE)).filter(|path| path.is_file());
    let library = library.map(Path::to_owned).or(kept);
    let copy = library.as_ref().map(|path| read_text(path)).transpose()?;
    let libraries = settings.iter().map(|settings| read_library(experiment, settings, library.as_deref()));
    let libraries = libraries.collect::<Result<Vec<_>, _>>()?;
    effects::expect_weights(experiment, &all)?;
    let computed = without_cost_axes(experiment);
    for (point, library) in all.iter().zip(&libraries).take(1) {
        effects::notes(&point.config, library).iter().for_each(|text| (options.note)(text));
    }
    let outcome = run(&computed, folder, options)?;
    let Some(tables) = Tables::new(&outcome) else {
        let (score, points, without_effect) = (Score::ACCURACY, Vec::new(), Vec::new());
        return Ok(CostRun { outcome, points, score, without_effect });
    };
    let score = tables.score();
    // An experiment has at least one point.
    let first = &settings[0];
    let measured = measured(&computed, &outcome, first, options)?;
    let correctness: Vec<Correctness> = tables
        .points()
        .iter()
        .map(|point| {
            let (chips, exact) =
                (tables.summary(Row::Chips, point.index), tables.summary(Row::Exact, point.index).mean());
            let losses = chips.scores.iter().map(|value| score.loss(exact, *value)).collect();
            Correctness { losses, score: chips.mean(), exact }
        })
        .collect();
    let mut points = Vec::with_capacity(all.len());
    for ((point, settings), library) in all.into_iter().zip(settings).zip(libraries) {
        let of_run = computed_point(&point, &outcome.points);
        let model = CostModel::new(point.config, settings, measured[of_run].clone(), library);
        let correctness = correctness[of_run].clone();
        points.push(CostPoint { index: point.index, levels: point.levels, model, correctness });
    }
    drop(tables);
    let mut without_effect = effects::without_effect(&points)?;
    if library.is_some() && points.iter().any(|point| point.model.settings.library.is_some()) {
        without_effect.push("cost.library".into());
    }
    outcome.write(COST, experiment_text(&experiment.config_in(folder)?, "cost").as_bytes())?;
    match copy {
        Some(text) => outcome.write(LIBRARY_FILE, text.as_bytes())?,
        // Another library must not come back with the folder.
        None => remove(&folder.join(LIBRARY_FILE))?,
    }
    Ok(CostRun { outcome, points, score, without_effect })
}

/// Removes a file, if there is one.
fn remove(path: &Path) -> Result<(), ExperimentError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::Io { path: path.to_owned(), source }.into())
        }
        _ => Ok(()),
    }
}

/// The points that no other point beats in score and energy: another with at least the same score takes more energy, or is
/// worse. Points without a laser are on no front.
#[must_use]
pub fn pareto_front(points: &[(f64, Option<f64>)], score: &Score) -> Vec<bool> {
    let beats = |a: &(f64, Option<f64>), b: &(f64, Option<f64>)| {
        let (Some(ours), Some(theirs)) = (a.1, b.1) else { return a.1.is_some() };
        let loss = score.loss(b.0, a.0);
        loss <= 0.0 && ours <= theirs && (loss < 0.0 || ours < theirs)
    };
    points.iter().map(|point| point.1.is_some() && !points.iter().any(|other| beats(other, point))).collect()
}

fn read_library(
    experiment: &Experiment,
    settings: &CostSettings,
    library: Option<&Path>,
) -> Result<Library, ExperimentError> {
    let named = settings.library.as_ref().map(|path| experiment.base().join(path));
    Ok(match library.map(Path::to_owned).or(named) {
        Some(path) => Library::with_file(&path)?,
        None => Library::shipped()?,
    })
}

/// The experiment whose chips are computed: its axes without the keys of the cost.
#[must_use]
pub fn without_cost_axes(experiment: &Experiment) -> Experiment {
    let mut computed = experiment.clone();
    let sweep = &mut computed.config.sweep;
    sweep.iter_mut().for_each(|axis: &mut Axis| axis.keys.retain(|key| !key.starts_with("cost.")));
    sweep.retain(|axis| !axis.keys.is_empty());
    computed
}

/// The point of a run that a point with cost axes belongs to.
fn computed_point(point: &Point, computed: &[Point]) -> usize {
    let has = |level: &(String, Value)| point.levels.contains(level);
    computed.iter().position(|candidate| candidate.levels.iter().all(has)).unwrap_or(0)
}

/// The measurements of all points: those in the folder, or new ones.
fn measured(
    experiment: &Experiment,
    outcome: &Outcome,
    settings: &CostSettings,
    options: &Options<'_>,
) -> Result<Vec<MeasuredPoint>, ExperimentError> {
    let chips = settings.chips.min(experiment.config.trials);
    let identity = &outcome.identity.identity;
    let known = read_text(&outcome.folder().join(BITS_FILE)).ok();
    let known = known.and_then(|text| serde_json::from_str::<Bits>(&text).ok()).filter(|bits| {
        let same = (&bits.identity, bits.samples, bits.chips) == (identity, settings.samples, chips);
        same && bits.points.len() == outcome.points.len()
    });
    if let Some(bits) = known {
        return Ok(bits.points);
    }
    let SubjectInputs::Networks(inputs) = Inputs::read(experiment, &outcome.points)?.points else {
        return Ok(Vec::new());
    };
    let (prepared, _) = prepare(experiment, &outcome.points, inputs, &options.interrupt)?;
    let measure = || -> Result<Vec<MeasuredPoint>, ExperimentError> {
        prepared.par_iter().with_max_len(1).map(|point| MeasuredPoint::new(point, settings)).collect()
    };
    let points = start_pool(options.threads)?.install(measure)?;
    let bits = Bits { identity: identity.clone(), samples: settings.samples, chips, points };
    outcome.write(BITS_FILE, to_json(&bits).as_bytes())?;
    Ok(bits.points)
}
