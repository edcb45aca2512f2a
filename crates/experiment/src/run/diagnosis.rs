//! Which source costs most accuracy: each source is switched off once on one chip.

use crate::input::config::Config;
use crate::input::grid::Point;
use crate::output::table::Tables;
use crate::run::prepare::PreparedPoint;
use crate::score::Score;
use crate::store::record::{Row, Unit};
use crate::store::shot::{ShotResult, TOLERATED_LOSS};
use phaseloom_hardware::correction::Interrupt;
use phaseloom_hardware::{LINK_PARTS, LayerDesign};
use rayon::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A difference counts if it exceeds this multiple of its standard error.
const STANDARD_ERRORS: f64 = 2.0;
/// Share of the loss above which a perfect mesh explains it.
const MOST: f64 = 0.5;

/// The point of minimum loss among those whose median loses more than the tolerated loss and two standard errors.
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

/// Whether a finished run loses accuracy, so that a diagnosis has something to find.
#[must_use]
pub fn loses(tables: &Tables<'_>) -> bool {
    !tables.is_matrix() && lossy_point(tables).is_some()
}

/// The line for a run whose diagnosis takes too long.
pub(crate) fn takes_too_long(tables: &Tables<'_>) -> String {
    format!(
        "the chips {}; to find out which source costs most takes more than a tenth of the time of this run: run more trials",
        tables.score().worse
    )
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
    fn time(self) -> f64 {
        match self {
            Self::Part(_) => 1.0,
            // Another process needs other driven phases.
            Self::Source(_) => 2.0,
            Self::Correction(_) => 3.0,
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

/// How close the outputs of a chip are to those of the floating-point reference.
#[derive(Clone, Copy)]
enum Closeness {
    /// Number of samples with the same class.
    SameClasses { same: f64, samples: f64 },
    /// Relative rms difference of the outputs.
    Difference(f64),
}

impl Closeness {
    fn from_shot(shot: &ShotResult, samples: u64) -> Self {
        let classes = |same: u64| Self::SameClasses { same: same as f64, samples: shot.judged(samples) as f64 };
        match shot {
            ShotResult::Classes(counts) => classes(counts.same),
            ShotResult::Values(errors) => Self::Difference(errors.output_difference),
            ShotResult::Outputs(errors) => errors.same.map_or(Self::Difference(errors.output_difference), classes),
        }
    }

    /// A number that is higher for closer outputs.
    fn value(self) -> f64 {
        match self {
            Self::SameClasses { same, samples } => same / samples,
            Self::Difference(difference) => -difference,
        }
    }

    /// Squared standard error. No share of a finite number of samples is certain, so one sample is added to each side. A
    /// difference of outputs hardly depends on the samples.
    fn variance(self) -> f64 {
        match self {
            Self::SameClasses { same, samples } => {
                let p = (same + 1.0) / (samples + 2.0);
                p * (1.0 - p) / samples
            }
            Self::Difference(_) => 0.0,
        }
    }

    /// Whether the outputs are closer than others by more than [`TOLERATED_LOSS`] and [`STANDARD_ERRORS`].
    fn exceeds(self, other: Self) -> bool {
        let gain = self.value() - other.value();
        gain > TOLERATED_LOSS && !self.equals(other)
    }

    /// Whether two differ by less than [`STANDARD_ERRORS`].
    fn equals(self, other: Self) -> bool {
        (self.value() - other.value()).abs() <= STANDARD_ERRORS * (self.variance() + other.variance()).sqrt()
    }
}

impl std::fmt::Display for Closeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} %", 100.0 * self.value().abs())
    }
}

/// The time that a diagnosis may take, and that of one chip at a point.
pub(crate) struct Times<'a> {
    pub budget: Duration,
    pub threads: usize,
    /// Mean time of the chips of a point, if some were computed.
    pub chips: &'a [Option<Duration>],
}

/// Names the source that costs most at the lossy point of a run, in one line. `None` if the run loses nothing.
///
/// The chip is the one of median accuracy. Its own time decides which attempts fit into the rest of the time, and the
/// line says which were left out.
pub(crate) fn diagnose(
    tables: &Tables<'_>,
    prepared: &[PreparedPoint],
    points: &[Point],
    times: &Times<'_>,
    interrupt: &Interrupt,
) -> Option<String> {
    let index = lossy_point(tables)?;
    let values = points[index].values();
    let score = tables.score();
    if let Some(text) = lossy_mesh(tables, index, &prepared[index].config) {
        return Some(format!("the chips {}{values}: {text}", score.worse));
    }
    let point = prepared[index].first_samples();
    let chips = tables.summary(Row::Chips, index);
    let distance = |score: &f64| (score - chips.quantile(0.5)).abs();
    let all = chips.scores.iter().enumerate();
    let (trial, _) = all.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)))?;
    let closeness = |point: PreparedPoint| {
        let unit = Unit { row: Row::Chips, point: index, trial: trial as u64 };
        let record = point.evaluate(unit).ok()?;
        Some(Closeness::from_shot(record.shots.first()?, record.samples))
    };
    // A chip of the run has all samples and shots, so the time of the one below is shorter.
    if times.chips[index].is_none_or(|chip| chip > times.budget) {
        return Some(takes_too_long(tables));
    }
    let begin = Instant::now();
    let base = closeness(point.clone())?;
    let chip = begin.elapsed().as_secs_f64().max(1e-6);
    let mut available = (times.budget.as_secs_f64() / chip - 1.0) * times.threads as f64;
    let mut attempts = Attempt::all(&point.config);
    let needed = 1.0 + attempts.iter().map(|attempt| attempt.time()).sum::<f64>() / times.threads as f64;
    let fitting = attempts.iter().take_while(|attempt| {
        available -= attempt.time();
        available >= 0.0
    });
    let skipped = attempts.split_off(fitting.count());
    if attempts.is_empty() {
        return Some(format!(
            "the chips {}{values}; to find out which source costs most takes about {:.1} s on one chip, more than a tenth of \
             the time of this run: run more trials",
            score.worse,
            needed * chip
        ));
    }
    let result = |attempt: &Attempt| match interrupt.requested() {
        true => None,
        false => closeness(attempt.apply(point.clone(), interrupt)?),
    };
    // `None`: an attempt that fails, such as a correction that does not suit the chip.
    let results: Vec<Option<Closeness>> = attempts.par_iter().map(result).collect();
    if interrupt.requested() {
        return None;
    }
    let of = |corrects: bool| {
        let both = attempts.iter().zip(&results).filter(move |(attempt, _)| attempt.is_correction() == corrects);
        both.filter_map(|(attempt, closeness)| Some((attempt.key(), (*closeness)?))).collect::<Vec<_>>()
    };
    let mut text = format!("the chip of median {}{values} (trial {trial}) ", score.quantity.title);
    text += &match base {
        Closeness::SameClasses { samples, .. } => {
            format!("decides {base} of {samples} samples as the floating-point reference does")
        }
        Closeness::Difference(_) => {
            format!("gives outputs that differ by {base} (rms) from those of the floating-point reference")
        }
    };
    text += &source_text(base, &of(false), skipped.iter().all(|attempt| attempt.is_correction()));
    for (name, closeness) in of(true) {
        let verdict = match (closeness.exceeds(base), base.exceeds(closeness)) {
            (true, _) => "would help",
            (_, true) => "would harm",
            _ => "would change little",
        };
        text += &format!("; `correction = \"{name}\"` {verdict}: {closeness}");
    }
    if !skipped.is_empty() {
        let skipped: Vec<&str> = skipped.iter().map(|attempt| attempt.key()).collect();
        text += &format!("; not tried in a tenth of the time of the run: {}", skipped.join(", "));
    }
    Some(text)
}

/// The part of the line about sources. `all` says whether all of them were tried.
fn source_text(base: Closeness, tried: &[(&str, Closeness)], all: bool) -> String {
    let Some(&(name, best)) = tried.iter().max_by(|a, b| a.1.value().total_cmp(&b.1.value())) else {
        return String::new();
    };
    let among = if all { "" } else { " of those tried" };
    let limit = if matches!(base, Closeness::SameClasses { .. }) { "at most" } else { "at least" };
    if !best.exceeds(base) {
        return match all {
            _ if best.value() - base.value() > TOLERATED_LOSS => {
                format!("; the samples are too few to tell which source costs most (without `{name}` {best})")
            }
            true => format!("; no source alone explains the loss: without any one of them, {best} {limit}"),
            false => {
                format!("; none of the sources tried ({}) explains the loss alone: {best} {limit}", tried.len())
            }
        };
    }
    let names: Vec<String> = tried
        .iter()
        .filter(|(_, closeness)| closeness.exceeds(base) && closeness.equals(best))
        .map(|(name, closeness)| format!("`{name}` (without it {closeness})"))
        .collect();
    match &names[..] {
        [name] => format!("; {name} costs most{among}"),
        names => format!("; {} cost most{among}, about the same", names.join(" and ")),
    }
}

/// Why the chips of a point are worse than the floating-point reference, if a perfect mesh with an ideal link loses most of it already.
fn lossy_mesh(tables: &Tables<'_>, point: usize, config: &Config) -> Option<String> {
    let [exact, mesh, chips] =
        [Row::Exact, Row::PerfectIdeal, Row::Chips].map(|row| tables.summary(row, point).quantile(0.5));
    let Score { quantity, .. } = tables.score();
    (tables.score().loss(exact, mesh) > MOST * tables.score().loss(exact, chips)).then(|| {
        format!(
            "a perfect mesh without noise already goes from {} to {}, because `core.topology` = \"{}\" realises the weights \
             only approximately; use a universal topology",
            quantity.text(exact),
            quantity.text(mesh),
            config.core.topology
        )
    })
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
    fn a_source_is_named_if_its_gain_exceeds_its_standard_error() {
        let share = |same: f64| Closeness::SameClasses { same, samples: 256.0 };
        let text = |tried: &[(&str, f64)], all| {
            let tried: Vec<(&str, Closeness)> = tried.iter().map(|(name, same)| (*name, share(*same))).collect();
            source_text(share(100.0), &tried, all)
        };
        let one = text(&[("phase_error", 110.0), ("thermal_crosstalk", 250.0)], true);
        assert_eq!(one, "; `thermal_crosstalk` (without it 97.7 %) costs most");
        // 2·√(p(1−p)/256 · 2) is 2.7 points at 97.5 %.
        let two = text(&[("phase_error", 249.0), ("splitter_error", 250.0), ("dac", 120.0)], false);
        let expected = "; `phase_error` (without it 97.3 %) and `splitter_error` (without it 97.7 %) cost most of those tried, about the same";
        assert_eq!(two, expected);
        let few = text(&[("phase_error", 115.0)], true);
        assert_eq!(few, "; the samples are too few to tell which source costs most (without `phase_error` 44.9 %)");
        assert!(text(&[("phase_error", 101.0)], true).starts_with("; no source alone explains the loss"));
        assert!(text(&[("phase_error", 101.0)], false).starts_with("; none of the sources tried (1)"));
    }

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
