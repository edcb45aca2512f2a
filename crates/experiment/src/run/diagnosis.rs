//! Which source costs most accuracy: each source is switched off once on one chip.

use crate::input::config::Config;
use crate::input::grid::Point;
use crate::output::table::Tables;
use crate::run::prepare::PreparedPoint;
use crate::store::record::{Row, Unit};
use crate::store::shot::Closeness;
use phaseloom_hardware::correction::Interrupt;
use phaseloom_hardware::{LINK_PARTS, LayerDesign};
use rayon::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A loss counts if it exceeds this multiple of its standard error.
const STANDARD_ERRORS: f64 = 2.0;
/// A gain of agreement, or a smaller difference of outputs, below this is not called the cause of a loss.
const CLEAR_GAIN: f64 = 0.01;

/// The point of smallest loss among those where the median loses more than is tolerated and two standard errors.
///
/// Where all is lost, switching off one of several sources shows nothing.
fn lossy_point(tables: &Tables<'_>) -> Option<usize> {
    let loss = |point: usize| {
        let chips = tables.summary(Row::Chips, point);
        let loss = tables.score().loss(tables.summary(Row::Exact, point).mean(), chips.quantile(0.5));
        (loss > chips.tolerance && loss > STANDARD_ERRORS * chips.difference_se).then_some((point, loss))
    };
    let points = (0..tables.points().len()).filter_map(loss);
    points.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(point, _)| point)
}

/// A change of a point that is tried.
#[derive(Clone, Copy)]
enum Attempt {
    /// Without a source of the process.
    Source(&'static str),
    /// Without a part of the link.
    Part(&'static str),
    /// With a correction: `crosstalk` knows the design alone, `local` the errors of the chip.
    Correction(&'static str),
}

impl Attempt {
    /// The attempts on a point, the most informative first: time may not suffice for all.
    fn all(config: &Config) -> Vec<Self> {
        let corrects =
            |key: &str| config.correction == "none" && (key == "local" || config.process.thermal_crosstalk.is_some());
        let correction = |key| corrects(key).then_some(Self::Correction(key));
        let parts = LINK_PARTS.iter().map(|(key, _)| *key).filter(|key| config.link.without(key) != config.link);
        correction("crosstalk")
            .into_iter()
            .chain(config.process.sources().map(|(key, _)| Self::Source(key)))
            .chain(correction("local"))
            .chain(parts.map(Self::Part))
            .collect()
    }

    fn key(self) -> &'static str {
        match self {
            Self::Source(key) | Self::Part(key) | Self::Correction(key) => key,
        }
    }

    fn is_correction(self) -> bool {
        matches!(self, Self::Correction(_))
    }

    /// Expected time in units of that of the whole chip.
    fn time(self) -> u32 {
        match self {
            Self::Part(_) => 1,
            // Another process needs other driven phases.
            Self::Source(_) | Self::Correction(_) => 3,
        }
    }

    /// The changed point; `None` if it cannot be designed.
    fn apply(self, mut point: PreparedPoint, interrupt: &Interrupt) -> Option<PreparedPoint> {
        match self {
            Self::Part(key) => point.config.link = point.config.link.without(key),
            Self::Source(key) => {
                point.config.process = point.config.process.without(key);
                let plan = point.config.correction_plan(interrupt).ok()?;
                point.designs = point.programs.designs(&point.config.process, plan.as_ref()).ok()?;
            }
            Self::Correction(key) => {
                point.config.correction = key.to_owned();
                let plan = point.config.correction_plan(interrupt).ok()?;
                let corrected =
                    |design: &Arc<LayerDesign>| Arc::new(LayerDesign::clone(design).with_correction(plan.clone()));
                point.designs = point.designs.iter().map(corrected).collect();
            }
        }
        Some(point)
    }
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
    let closeness = |point: PreparedPoint| {
        let record = point.evaluate(Unit { row: Row::Chips, point: index, trial: 0 }).ok()?;
        Some(record.shots.first()?.closeness(record.samples))
    };
    let base = closeness(point.clone())?;
    let one_chip = start.elapsed();
    let attempts = Attempt::all(&point.config);
    let samples = point.test_set.exact.ncols();
    let result = |attempt: &Attempt| {
        let in_time = start.elapsed() + attempt.time() * one_chip <= budget && !interrupt.requested();
        in_time.then(|| closeness(attempt.apply(point.clone(), interrupt)?))
    };
    // `None`: not tried for lack of time. `Some(None)`: tried and failed, such as a correction that does not suit the chip.
    // `par_bridge` starts the attempts in their order, so that the last ones are those not tried.
    let mut results: Vec<(usize, Option<Option<Closeness>>)> =
        attempts.iter().enumerate().par_bridge().map(|(i, attempt)| (i, result(attempt))).collect();
    results.sort_unstable_by_key(|(i, _)| *i);
    let results: Vec<Option<Option<Closeness>>> = results.into_iter().map(|(_, result)| result).collect();
    let of = |corrects: bool| {
        let both = attempts.iter().zip(&results).filter(move |(attempt, _)| attempt.is_correction() == corrects);
        both.filter_map(|(attempt, result)| Some((attempt.key(), (*result)??)))
    };
    if results.iter().all(Option::is_none) {
        return Some(format!(
            "the chips are worse than the exact network{values}, and a tenth of the time of the run is too short to find out which source \
             costs most: run more trials"
        ));
    }
    let (mut text, limit) = match base {
        Closeness::SameClasses(_) => {
            (format!("one chip{values} decides {base} of {samples} samples as the exact network does"), "at most")
        }
        Closeness::Difference(_) => {
            let outputs = format!("the outputs of one chip{values} for {samples} samples");
            (format!("{outputs} differ by {base} (rms) from those of the exact network"), "at least")
        }
    };
    let is_clear = |attempt: Closeness| attempt.rank() - base.rank() >= CLEAR_GAIN;
    match of(false).max_by(|a, b| a.1.rank().total_cmp(&b.1.rank())) {
        Some((name, best)) if is_clear(best) => text += &format!("; `{name}` costs most: without it {best}"),
        Some((name, best)) => {
            text += &format!("; no source alone explains the loss: without `{name}`, {best} {limit}");
        }
        None => {}
    }
    for (name, closeness) in of(true) {
        let verdict = if is_clear(closeness) { "would help" } else { "would not help" };
        text += &format!("; `correction = \"{name}\"` {verdict}: {closeness}");
    }
    let skipped: Vec<&str> =
        attempts.iter().zip(&results).filter(|(_, r)| r.is_none()).map(|(attempt, _)| attempt.key()).collect();
    if !skipped.is_empty() {
        text += &format!("; not tried in a tenth of the run's time: {}", skipped.join(", "));
    }
    Some(text)
}

impl PreparedPoint {
    /// The same point with the first samples and one shot.
    fn first_samples(&self) -> Self {
        let mut point = Self { test_set: Arc::new(self.test_set.first_samples()), ..self.clone() };
        point.config.shots = 1;
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phaseloom_hardware::Link;

    #[test]
    fn every_part_of_the_link_can_be_left_out() {
        let text = "laser_power_w = 0.1\nshot_noise = true\ndac.bits = 8\nadc.bits = 8\n\
            modulator = { kind = 'push_pull', extinction_db = 25 }\nthermal_noise.feedback_ohm = 5e3\n\
            intensity_noise.rin_db_per_hz = -145";
        let mut link: Link = toml::from_str(text).unwrap();
        for (part, _) in LINK_PARTS {
            assert_ne!(link.without(part), link, "{part}");
            link = link.without(part);
        }
        assert_eq!(link, Link { laser_power_w: Some(0.1), ..Link::default() });
    }
}
