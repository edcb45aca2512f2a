//! Energy, time and area of a run, next to electronics of the same precision.
//!
//! ```text
//! experiment ── run ── units ──────────── score of the chips ─┐
//!     │          └──── prepared points ── MeasuredPoint ──────┼─ CostModel ── Analysis, BreakEven ── five tests, verdict
//!     └─ [cost] ── CostSettings ── device library ────────────┘
//! ```
//!
//! The run is that of `phaseloom run`: the same folder, which resumes. Axes whose keys are all below `cost.` compute no chips
//! of their own. Measured bits are kept in the folder.

pub mod analysis;
pub mod measured;
pub mod model;
mod quantised;
pub mod verdict;

use crate::cost::measured::MeasuredPoint;
use crate::cost::model::CostModel;
use crate::cost::verdict::Correctness;
use crate::error::ExperimentError;
use crate::input::config::{Axis, Experiment};
use crate::input::cost::CostSettings;
use crate::input::files::{Inputs, SubjectInputs};
use crate::input::grid::Point;
use crate::output::table::Tables;
use crate::run::prepare::prepare;
use crate::run::session::start_pool;
use crate::run::{Options, run};
use crate::score::Score;
use crate::store::outcome::Outcome;
use crate::store::record::Row;
use phaseloom_cost::Library;
use phaseloom_files::{read_text, to_json};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// The file of the measured bits, in the folder of the run.
pub const BITS_FILE: &str = "cost-bits.json";

/// A run with the cost model of every point.
pub struct CostRun {
    /// The run.
    pub outcome: Outcome,
    /// The points, those of cost axes included. Empty if units are missing.
    pub points: Vec<CostPoint>,
    /// The score of the run.
    pub score: Score,
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
/// the shipped library, in place of the file that the experiment names.
///
/// # Errors
///
/// As [`run`]; an experiment without a network or with other detection than homodyne, a library that cannot be read.
pub fn cost(
    experiment: &Experiment,
    folder: &Path,
    library: Option<&Path>,
    options: &Options<'_>,
) -> Result<CostRun, ExperimentError> {
    let all = experiment.points()?;
    let settings = all.iter().map(|point| point.config.cost_settings().map_err(|e| experiment.with_line(e)));
    let settings = settings.collect::<Result<Vec<CostSettings>, _>>()?;
    let libraries = settings.iter().map(|settings| read_library(experiment, settings, library));
    let libraries = libraries.collect::<Result<Vec<_>, _>>()?;
    let computed = without_cost_axes(experiment);
    let outcome = run(&computed, folder, options)?;
    let Some(tables) = Tables::new(&outcome) else {
        return Ok(CostRun { outcome, points: Vec::new(), score: Score::ACCURACY });
    };
    let score = tables.score();
    let Some(first) = settings.first() else { return Ok(CostRun { outcome, points: Vec::new(), score }) };
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
    Ok(CostRun { outcome, points, score })
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

/// Whether the chips of a run do not depend on an axis.
fn is_cost_axis(axis: &Axis) -> bool {
    axis.keys.iter().all(|key| key.starts_with("cost."))
}

/// The experiment whose chips are computed: without the axes of the cost.
#[must_use]
pub fn without_cost_axes(experiment: &Experiment) -> Experiment {
    let mut computed = experiment.clone();
    computed.config.sweep.retain(|axis| !is_cost_axis(axis));
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
    let points = start_pool(options)?.install(measure)?;
    let bits = Bits { identity: identity.clone(), samples: settings.samples, chips, points };
    outcome.write(BITS_FILE, to_json(&bits).as_bytes())?;
    Ok(bits.points)
}
