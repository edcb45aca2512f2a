//! Which source costs most accuracy: each source is switched off once on one chip.

use crate::input::grid::Point;
use crate::output::conclusion::TOLERATED_LOSS;
use crate::output::table::Tables;
use crate::run::prepare::{PreparedPoint, TestSet};
use crate::store::record::{Row, Unit};
use phaseloom_hardware::LINK_PARTS;
use phaseloom_hardware::correction::Interrupt;
use rayon::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A loss counts if it exceeds this multiple of its standard error.
const STANDARD_ERRORS: f64 = 2.0;
/// Corrections that are tried, with their expected time in units of that of an uncorrected chip: one knows the design
/// alone, the other the errors of the chip.
const CORRECTIONS: [(&str, u32); 2] = [("crosstalk", 1), ("local", 3)];
/// A gain of agreement below this is not called the cause of a loss.
const CLEAR_GAIN: f64 = 0.01;

/// The point of smallest loss among those where the median loses more than [`TOLERATED_LOSS`] and two standard errors.
///
/// Where all is lost, switching off one of several sources shows nothing.
fn lossy_point(tables: &Tables<'_>) -> Option<usize> {
    let loss = |point: usize| {
        let chips = tables.summary(Row::Chips, point);
        let loss = tables.summary(Row::Exact, point).mean() - chips.quantile(0.5);
        (loss > TOLERATED_LOSS && loss > STANDARD_ERRORS * chips.difference_se).then_some((point, loss))
    };
    let points = (0..tables.points().len()).filter_map(loss);
    points.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(point, _)| point)
}

/// What is tried: a name, and the point without a source or with a correction.
struct Attempt {
    name: &'static str,
    /// Expected time, in units of that of the whole chip.
    time: u32,
    corrects: bool,
    point: PreparedPoint,
}

/// Names the source that costs most at the lossy point of a run, in one line. `None` if the run loses nothing.
///
/// It stops when `budget` is spent, and names what was not tried.
pub(crate) fn diagnose(
    tables: &Tables<'_>,
    prepared: &[PreparedPoint],
    points: &[Point],
    budget: Duration,
    interrupt: &Interrupt,
) -> Option<String> {
    let start = Instant::now();
    let index = lossy_point(tables)?;
    let point = prepared[index].first_samples();
    let values = points[index].values();
    let share = |point: PreparedPoint| {
        let record = point
            .redesign(interrupt)?
            .evaluate(Unit { row: Row::Chips, point: index, trial: 0 }, &mut |_, _| Ok(()))
            .ok()?;
        Some(record.shots.first()?.same as f64 / record.samples as f64)
    };
    let base = share(point.clone())?;
    let one_chip = start.elapsed();
    let attempts = point.attempts();
    let samples = point.test_set.labels.len();
    let result = |attempt: &Attempt| {
        (start.elapsed() + attempt.time * one_chip <= budget && !interrupt.requested())
            .then(|| share(attempt.point.clone()))
    };
    // An attempt that fails, such as a correction of a chip that it does not suit, has no result.
    // The bridge keeps the order, so that what is skipped comes last.
    let mut results: Vec<(usize, Option<Option<f64>>)> =
        attempts.iter().enumerate().par_bridge().map(|(i, attempt)| (i, result(attempt))).collect();
    results.sort_unstable_by_key(|(i, _)| *i);
    let results: Vec<Option<Option<f64>>> = results.into_iter().map(|(_, result)| result).collect();
    let of = |corrects: bool| {
        let both = attempts.iter().zip(&results).filter(move |(attempt, _)| attempt.corrects == corrects);
        both.filter_map(|(attempt, result)| Some((attempt.name, (*result)??)))
    };
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    if results.iter().all(Option::is_none) {
        return Some(format!(
            "note: the chips lose accuracy{values}, and a tenth of the time of the run is too short to find out which source \
             costs most: run more trials"
        ));
    }
    let mut text =
        format!("note: one chip{values} decides {} of {samples} samples as the exact network does", percent(base));
    match of(false).max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((name, best)) if best - base >= CLEAR_GAIN => {
            text += &format!("; `{name}` costs most: without it {}", percent(best));
        }
        Some((name, best)) => {
            text += &format!("; no source alone explains the loss: without `{name}`, {} at most", percent(best));
        }
        None => {}
    }
    for (name, share) in of(true) {
        let verdict = if share - base >= CLEAR_GAIN { "would help" } else { "would not help" };
        text += &format!("; `correction = \"{name}\"` {verdict}: {}", percent(share));
    }
    let skipped: Vec<&str> =
        attempts.iter().zip(&results).filter(|(_, r)| r.is_none()).map(|(attempt, _)| attempt.name).collect();
    if !skipped.is_empty() {
        text += &format!("; not tried in a tenth of the run's time: {}", skipped.join(", "));
    }
    Some(text)
}

impl PreparedPoint {
    /// The same point with the first samples and one shot.
    fn first_samples(&self) -> Self {
        let chunk = self.test_set.chunks.first().cloned();
        let count = chunk.as_ref().map_or(0, |chunk| chunk.exact.output.ncols());
        let first = |all: &[usize]| all[..count].to_vec();
        let TestSet { labels, exact, .. } = &*self.test_set;
        let test_set = TestSet { chunks: chunk.into_iter().collect(), labels: first(labels), exact: first(exact) };
        let mut point = Self { test_set: Arc::new(test_set), ..self.clone() };
        point.config.shots = 1;
        point
    }

    /// The point without each of its sources in turn, then with each correction if it has none.
    fn attempts(&self) -> Vec<Attempt> {
        let attempt = |name, time, corrects, change: &dyn Fn(&mut Self)| {
            let mut point = self.clone();
            change(&mut point);
            Attempt { name, time, corrects, point }
        };
        let process = &self.config.process;
        let sources = process
            .sources()
            .map(|(key, _)| attempt(key, 1, false, &|point| point.config.process = process.without(key)));
        let parts = LINK_PARTS.iter().filter_map(|(key, _)| {
            let link = self.config.link.without(key);
            (link != self.config.link).then(|| attempt(*key, 1, false, &|point| point.config.link = link.clone()))
        });
        let corrections = CORRECTIONS.into_iter().filter(|&(key, _)| {
            self.config.correction == "none" && (key != "crosstalk" || process.thermal_crosstalk.is_some())
        });
        let corrections =
            corrections.map(|(key, time)| attempt(key, time, true, &|point| point.config.correction = key.to_owned()));
        sources.chain(corrections).chain(parts).collect()
    }

    /// The designs of changed settings; `None` if they cannot be designed.
    fn redesign(mut self, interrupt: &Interrupt) -> Option<Self> {
        self.designs =
            self.programs.designs(&self.config.process, self.config.correction_plan(interrupt).ok()?.as_ref()).ok()?;
        Some(self)
    }
}
