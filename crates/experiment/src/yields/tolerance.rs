//! The tolerance: the level of an error that a given share of chips bears.
//!
//! Every chip has a critical level, the last one at which it passes. The share y of chips passes at the (1−y) quantile of the
//! critical levels; its interval is that of order statistics, whatever the distribution. Where scores are not monotone in the
//! level, the share of passing chips on a grid of levels decides instead.

use crate::error::{ExperimentError, Problem};
use crate::input::config::Experiment;
use crate::input::criterion::Criterion;
use crate::input::tolerance::ToleranceSettings;
use crate::run::{Options, run_levels};
use crate::store::outcome::Outcome;
use crate::store::record::{Record, Row};
use crate::yields::chips;
use phaseloom_files::{ColumnText, InvalidValue, ResultTable, ResultValue};
use phaseloom_numerics::binomial::{quantile_ranks, wilson};
use phaseloom_numerics::statistics::quantile;
use serde_json::Value;
use std::path::Path;

/// Up to this share of pairs of levels may be in the wrong order.
pub const MAX_DISORDER: f64 = 0.02;

/// Levels of the grid that decides otherwise.
const GRID: u32 = 21;

/// Columns of `tolerance.csv`.
pub const TOLERANCE_COLUMNS: &[ColumnText] = &[
    ("point", "", "Index of the point of the grid, from 0."),
    ("<key>", "", "Value of a swept key."),
    ("yield", "1", "Share of chips that must pass."),
    ("chips", "", "Number of chips."),
    ("tolerance", "as the level", "Level at which that share passes; empty outside of the range."),
    (
        "low",
        "as the level",
        "End of its 95 % interval towards bad chips or good chips, the smaller one; empty if unknown.",
    ),
    ("high", "as the level", "The larger end of that interval; empty if unknown."),
    ("share", "1", "Share of chips that pass at the tolerance."),
    ("next_level", "as the level", "The next worse level of whole numbers or of a grid; empty of a bisection."),
    ("next_share", "1", "Share of chips that pass there."),
    ("fail_all", "1", "Share of chips that fail at the level of good chips already."),
    ("pass_all", "1", "Share of chips that still pass at the level of bad chips."),
    (
        "disorder",
        "1",
        "Share of pairs of levels at which the worse one passes and the better one fails, over the checked chips.",
    ),
];

/// Columns of `critical.csv`.
pub const CRITICAL_COLUMNS: &[ColumnText] = &[
    ("point", "", "Index of the point of the grid, from 0."),
    ("<key>", "", "Value of a swept key."),
    ("trial", "", "Index of the chip."),
    (
        "critical",
        "as the level",
        "The last level at which the chip passes; empty if it fails at the level of good chips.",
    ),
    ("censored", "", "Whether the chip still passes at the level of bad chips."),
];

/// The tolerance at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct PointTolerance {
    /// Index of the point.
    pub point: usize,
    /// (key, value) of every swept key.
    pub levels: Vec<(String, Value)>,
    /// Number of the critical level of every chip; `None` if it fails at the first level.
    pub critical: Vec<Option<u32>>,
    /// For each checked chip and level of its grid, whether it passes.
    checked: Vec<Vec<bool>>,
}

/// The tolerances of all points of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Tolerances {
    /// The levels.
    pub settings: ToleranceSettings,
    /// What a chip must reach.
    pub criterion: Criterion,
    /// Share of chips that must pass.
    pub share: f64,
    /// One tolerance per point.
    pub points: Vec<PointTolerance>,
}

/// A tolerance with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The level; `None` if too few chips pass at the first level, or enough still pass at the last one.
    pub level: Option<f64>,
    /// The ends of the 95 % interval, the smaller first.
    pub low: Option<f64>,
    /// The larger end.
    pub high: Option<f64>,
    /// Share of chips that pass at the level.
    pub share: f64,
    /// The next worse level and the share there, of whole numbers and grids.
    pub next: Option<(f64, f64)>,
}

/// Computes the critical levels of the chips of an experiment in a folder, which resumes.
///
/// # Errors
///
/// As [`run`](crate::run()); no table `[tolerance]`.
pub fn tolerance(experiment: &Experiment, folder: &Path, options: &Options<'_>) -> Result<Outcome, ExperimentError> {
    let Some(settings) = &experiment.config.tolerance else {
        let expected = "the table [tolerance], or --vary or --scale with a range of levels";
        return Err(experiment.with_line(InvalidValue::new("tolerance", "none", expected)));
    };
    expect_effect(experiment, settings)?;
    run_levels(experiment, folder, options)
}

/// Checks that every key has an effect, as if it were swept.
fn expect_effect(experiment: &Experiment, settings: &ToleranceSettings) -> Result<(), ExperimentError> {
    let invalid =
        |found: String, expected: &str| experiment.with_line(InvalidValue::new("tolerance.keys", found, expected));
    let mut swept = experiment.clone();
    swept.config.tolerance = None;
    swept.config.trials = 1;
    swept
        .config
        .sweep
        .extend(settings.axes(&experiment.config).map_err(|reason| invalid(settings.keys.join(", "), &reason))?);
    match swept.points().and_then(|points| swept.effects(&points)) {
        Err(ExperimentError::Setting { problem: Problem::Sweep { key, reason }, .. })
            if settings.keys.contains(&key) =>
        {
            Err(invalid(format!("`{key}`, which {reason}"), "numbers that this experiment computes with, each once"))
        }
        Ok(effects) => match effects.reported.iter().find(|key| settings.keys.contains(key)) {
            Some(key) => Err(invalid(
                format!(
                    "`{key}`, which has no effect on any output: only reported numbers, such as those of photons, change"
                ),
                "numbers that this experiment computes with, each once",
            )),
            None => Ok(()),
        },
        Err(other) => Err(other),
    }
}

/// The same experiment with every chip at all levels of a grid.
#[must_use]
pub fn on_grid(experiment: &Experiment) -> Experiment {
    let mut experiment = experiment.clone();
    if let Some(settings) = &mut experiment.config.tolerance {
        settings.grid = Some(GRID);
    }
    experiment
}

impl Tolerances {
    /// The tolerances of a finished run of [`tolerance()`] at which a share of chips passes; `None` if the experiment has no
    /// levels.
    #[must_use]
    pub fn new(outcome: &Outcome, criterion: Criterion, share: f64) -> Option<Self> {
        let settings = outcome.points.first()?.config.tolerance.clone()?;
        let of_point = |point: &crate::Point| {
            let records = chips(outcome, Row::Levels, point.index);
            PointTolerance {
                point: point.index,
                levels: point.levels.clone(),
                critical: records.iter().map(|chip| critical(&settings, criterion, chip)).collect(),
                checked: records.iter().filter_map(|chip| grid(&settings, criterion, chip)).collect(),
            }
        };
        Some(Self { points: outcome.points.iter().map(of_point).collect(), settings, criterion, share })
    }

    /// Share of pairs of levels in the wrong order, over all points.
    #[must_use]
    pub fn disorder(&self) -> f64 {
        disorder(self.points.iter().flat_map(|point| &point.checked))
    }

    /// Whether more of the checked chips pass at the level of bad chips than at that of good ones.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        let count = |end: fn(&[bool]) -> Option<&bool>| {
            let checked = self.points.iter().flat_map(|point| &point.checked);
            checked.filter(|levels| end(levels.as_slice()) == Some(&true)).count()
        };
        count(<[bool]>::first) < count(<[bool]>::last)
    }

    /// Whether levels are whole numbers, or those of a grid, so that the share at every level is known.
    fn is_counted(&self) -> bool {
        self.settings.is_whole() || self.settings.grid.is_some()
    }

    /// The share of chips of a point that pass at a level.
    fn passing(&self, point: &PointTolerance, level: u32) -> f64 {
        let on_grid = point.checked.iter().filter_map(|levels| levels.get(level as usize));
        let (passes, all) = match self.settings.grid {
            Some(_) => (on_grid.clone().filter(|passes| **passes).count(), on_grid.count()),
            None => {
                (point.critical.iter().filter(|own| own.is_some_and(|own| own >= level)).count(), point.critical.len())
            }
        };
        passes as f64 / all.max(1) as f64
    }

    /// Whether enough chips of a point pass at the level of bad chips.
    #[must_use]
    pub fn passes_everywhere(&self, point: &PointTolerance) -> bool {
        self.passing(point, self.settings.last()) >= self.share
    }

    /// The tolerance at a point.
    #[must_use]
    pub fn estimate(&self, point: &PointTolerance) -> Estimate {
        if self.is_counted() { self.counted(point) } else { self.bisected(point) }
    }

    /// The last level, from the good end on, up to which enough chips pass; the interval is where Wilson bands cross the share.
    fn counted(&self, point: &PointTolerance) -> Estimate {
        let n = point.critical.len() as u64;
        let shares: Vec<f64> = (0..=self.settings.last()).map(|level| self.passing(point, level)).collect();
        let up_to = |enough: &dyn Fn(f64) -> bool| {
            let count = shares.iter().take_while(|share| enough(**share)).count();
            count.checked_sub(1).map(|index| index as u32)
        };
        let band = |share: f64| wilson((share * n as f64).round() as u64, n);
        let found = up_to(&|share| share >= self.share);
        let ends = [up_to(&|share| band(share).0 >= self.share), up_to(&|share| band(share).1 >= self.share)];
        // What still passes at the last level has its limit beyond it.
        let inside = |index: &u32| *index < self.settings.last();
        let level = |index: Option<u32>| index.filter(inside).map(|index| self.settings.level(index));
        let (low, high) = in_order(level(ends[0]), level(ends[1]));
        let next = found.map_or(0, |index| index + 1);
        Estimate {
            level: level(found),
            low,
            high,
            share: found.map_or(0.0, |index| shares[index as usize]),
            next: shares.get(next as usize).map(|share| (self.settings.level(next), *share)),
        }
    }

    /// The quantile of the critical levels.
    fn bisected(&self, point: &PointTolerance) -> Estimate {
        let mut positions: Vec<f64> = point.critical.iter().map(|level| level.map_or(-1.0, f64::from)).collect();
        positions.sort_by(f64::total_cmp);
        let last = f64::from(self.settings.last());
        let level = |position: f64| {
            let share = position / last;
            (0.0..last)
                .contains(&position)
                .then(|| self.settings.from * (self.settings.to / self.settings.from).powf(share))
        };
        let order = 1.0 - self.share;
        let at = |rank: Option<u64>| level(*positions.get(usize::try_from(rank?).ok()?.checked_sub(1)?)?);
        let ranks = quantile_ranks(positions.len() as u64, order);
        let (low, high) = in_order(at(ranks.0), at(ranks.1));
        let found = quantile(&positions, order);
        let passing = positions.iter().filter(|position| **position >= found.max(0.0)).count();
        Estimate { level: level(found), low, high, share: passing as f64 / positions.len() as f64, next: None }
    }

    /// `tolerance.csv` and `critical.csv`.
    #[must_use]
    pub fn tables(&self) -> [ResultTable; 2] {
        let leading = |point: &PointTolerance| -> Vec<(String, ResultValue)> {
            let levels = point.levels.iter().map(|(key, value)| (key.clone(), ResultValue::from_json(value)));
            std::iter::once(("point".to_owned(), point.point.into())).chain(levels).collect()
        };
        let row = |point: &PointTolerance| {
            let estimate = self.estimate(point);
            let mut row = leading(point);
            row.push(("yield".into(), self.share.into()));
            row.push(("chips".into(), point.critical.len().into()));
            let numbers = [
                ("tolerance", estimate.level),
                ("low", estimate.low),
                ("high", estimate.high),
                ("share", Some(estimate.share)),
                ("next_level", estimate.next.map(|next| next.0)),
                ("next_share", estimate.next.map(|next| next.1)),
                ("fail_all", Some(1.0 - self.passing(point, 0))),
                ("pass_all", Some(self.passing(point, self.settings.last()))),
                ("disorder", Some(disorder(point.checked.iter()))),
            ];
            row.extend(numbers.map(|(name, number)| (name.to_owned(), number.into())));
            row
        };
        let chip = |point: &PointTolerance, trial: usize, critical: Option<u32>| {
            let mut row = leading(point);
            row.push(("trial".into(), trial.into()));
            row.push(("critical".into(), critical.map(|level| self.settings.level(level)).into()));
            row.push(("censored".into(), (critical == Some(self.settings.last())).into()));
            row
        };
        let chips = self.points.iter().flat_map(|point| {
            point.critical.iter().enumerate().map(move |(trial, critical)| chip(point, trial, *critical))
        });
        [
            ResultTable::from_rows("tolerance", self.points.iter().map(row).collect()),
            ResultTable::from_rows("critical", chips.collect()),
        ]
    }
}

fn in_order(a: Option<f64>, b: Option<f64>) -> (Option<f64>, Option<f64>) {
    match (a, b) {
        (Some(x), Some(y)) if x > y => (b, a),
        _ => (a, b),
    }
}

/// Whether a chip passes at a measured level.
fn passes(criterion: Criterion, chip: &Record, level: u32) -> Option<bool> {
    chip.levels.iter().find(|(measured, _)| *measured == level).map(|(_, value)| criterion.passes(*value))
}

/// The critical level of a chip: the bisection again, on what was measured. On a grid, the last level up to which it passes.
fn critical(settings: &ToleranceSettings, criterion: Criterion, chip: &Record) -> Option<u32> {
    let passes = |level| passes(criterion, chip, level);
    if settings.grid.is_some() {
        let count = (0..=settings.last()).take_while(|level| passes(*level) == Some(true)).count();
        return (count as u32).checked_sub(1);
    }
    let (mut good, mut bad) = (0, settings.last());
    if !passes(good)? {
        return None;
    }
    if passes(bad)? {
        return Some(bad);
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        *(if passes(middle)? { &mut good } else { &mut bad }) = middle;
    }
    Some(good)
}

/// Whether a chip passes at each level of its grid, if it was measured on one.
fn grid(settings: &ToleranceSettings, criterion: Criterion, chip: &Record) -> Option<Vec<bool>> {
    let levels: Vec<u32> = match settings.grid {
        Some(_) => (0..=settings.last()).collect(),
        None => (0..=10).map(|step| step * settings.last() / 10).collect(),
    };
    levels.into_iter().map(|level| passes(criterion, chip, level)).collect()
}

/// Share of pairs of levels at which the worse one passes and the better one fails; 0 without chips.
fn disorder<'a>(checked: impl Iterator<Item = &'a Vec<bool>>) -> f64 {
    let (mut wrong, mut all) = (0_u64, 0_u64);
    for levels in checked {
        for (index, better) in levels.iter().enumerate() {
            for worse in &levels[index + 1..] {
                wrong += u64::from(!better & worse);
                all += 1;
            }
        }
    }
    if all == 0 { 0.0 } else { wrong as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::Unit;
    use phaseloom_numerics::{NormalStream, StreamKey};

    fn settings(from: f64, to: f64) -> ToleranceSettings {
        ToleranceSettings { keys: vec!["process.phase_error.sigma_rad".into()], from, to, scale: false, grid: None }
    }

    fn tolerances(settings: ToleranceSettings, critical: Vec<Option<u32>>) -> Tolerances {
        let point = PointTolerance { point: 0, levels: Vec::new(), critical, checked: Vec::new() };
        Tolerances { settings, criterion: Criterion::MatrixError(0.05), share: 0.9, points: vec![point] }
    }

    /// A chip passes if |x·w| ≤ c with w ~ N(0, 1): nine tenths pass at c/1.6449. Four hundred chips.
    #[test]
    fn the_tolerance_of_a_normal_error_is_known() {
        let (settings, c) = (settings(1e-4, 10.0), 0.05);
        let mut deviates = NormalStream::new(&StreamKey::new(3, "tolerance"));
        let mut w = vec![0.0; 400];
        deviates.fill(&mut w);
        let critical = |w: &f64| {
            let position =
                f64::from(settings.last()) * (c / w.abs() / settings.from).ln() / (settings.to / settings.from).ln();
            Some(position.clamp(0.0, 4096.0).floor() as u32)
        };
        let tolerances = tolerances(settings.clone(), w.iter().map(critical).collect());
        let found = tolerances.estimate(&tolerances.points[0]);
        let exact = c / 1.644_853_6;
        // The interval holds the exact value in 95 % of all draws; this one was drawn once.
        assert!(found.low.unwrap() < exact && exact < found.high.unwrap(), "{found:?}");
        assert!((found.level.unwrap() / exact - 1.0).abs() < 0.12, "{found:?}");
    }

    #[test]
    fn bits_have_a_smallest_number_and_the_share_below() {
        let keys = vec!["link.adc.bits".into()];
        let settings = ToleranceSettings { keys, from: 8.0, to: 2.0, scale: false, grid: None };
        // Of ten chips, nine pass down to 5 bits (level 3), and one down to 6.
        let mut critical = vec![Some(3); 9];
        critical.push(Some(2));
        let tolerances = tolerances(settings, critical);
        let found = tolerances.estimate(&tolerances.points[0]);
        assert_eq!(found.level, Some(5.0));
        assert!((found.share - 0.9).abs() < 1e-12);
        assert_eq!(found.next, Some((4.0, 0.0)));
    }

    #[test]
    fn ends_of_the_range_are_no_tolerance() {
        let all_pass = tolerances(settings(0.1, 1.0), vec![Some(4096); 50]);
        assert_eq!(all_pass.estimate(&all_pass.points[0]).level, None);
        let none_pass = tolerances(settings(0.1, 1.0), vec![None; 50]);
        let none = none_pass.estimate(&none_pass.points[0]);
        assert_eq!((none.level, none.share), (None, 0.0));
    }

    #[test]
    fn the_bisection_is_found_again_and_disorder_is_counted() {
        let settings = settings(0.1, 1.0);
        let unit = Unit { row: Row::Levels, point: 0, trial: 0 };
        let measured = |levels: &[(u32, bool)]| Record {
            levels: levels.iter().map(|(level, pass)| (*level, if *pass { 0.0 } else { 1.0 })).collect(),
            ..Record::new(unit, 0)
        };
        let mut levels = vec![(0, true), (4096, false)];
        let (mut good, mut bad) = (0, 4096);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            levels.push((middle, middle <= 1234));
            *(if middle <= 1234 { &mut good } else { &mut bad }) = middle;
        }
        assert_eq!(critical(&settings, Criterion::MatrixError(0.5), &measured(&levels)), Some(1234));
        assert_eq!(critical(&settings, Criterion::MatrixError(0.5), &measured(&[(0, false)])), None);
        assert!((disorder([vec![true, false, true, false]].iter()) - 1.0 / 6.0).abs() < 1e-12);
    }
}
