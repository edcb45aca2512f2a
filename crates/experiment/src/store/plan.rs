//! The units of a run in a fixed order: references first, then chips, trial by trial.

use crate::error::ShardError;
use crate::input::config::Config;
use crate::input::grid::Point;
use crate::input::tree::to_value;
use crate::store::record::{Record, Row, Unit};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

const REFERENCES: [Row; 5] = [Row::Design, Row::Exact, Row::PerfectIdeal, Row::PerfectReal, Row::Digital];

/// The references of an experiment without a network.
const MATRIX_REFERENCES: [Row; 2] = [Row::Design, Row::Perfect];

/// The settings on which a row depends. Points with equal settings share the row.
fn dependencies(row: Row, point: &Point) -> Value {
    let c = &point.config;
    let reference = json!([c.network_key(), to_value(&c.data), c.threshold]);
    let matrix = json!([to_value(&c.matrix), to_value(&c.program), to_value(&c.core), to_value(&c.form)]);
    match row {
        Row::Exact => reference,
        Row::PerfectIdeal => json!([reference, to_value(&c.core), to_value(&c.link.detection), to_value(&c.link.adc)]),
        Row::PerfectReal => json!([reference, to_value(&c.core), to_value(&c.link), c.shots, to_value(&c.precision)]),
        Row::Digital => {
            json!([reference, to_value(&c.core), to_value(&c.link), to_value(&c.process.phase_quantization)])
        }
        Row::Design if c.is_matrix() => json!([matrix, to_value(&c.process), c.correction]),
        Row::Design => json!([reference, to_value(&c.core), to_value(&c.link), to_value(&c.process)]),
        Row::Perfect => matrix,
        Row::Chips | Row::Levels | Row::Sensitivity => json!(point.index),
    }
}

/// All units of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    references: &'static [Row],
    /// Kind of the units of trials.
    sampled: Row,
    /// For each reference row and point, the point that holds the row.
    shared: Vec<Vec<usize>>,
    points: usize,
    /// For each point the point that holds its chips, and whether all of its chips are equal.
    chips: Vec<(usize, bool)>,
    /// Point and number of the chips of a sensitivity map.
    mapped: Option<(usize, u64)>,
}

impl Plan {
    /// Finds the points that share a row.
    #[must_use]
    pub fn new(points: &[Point]) -> Self {
        let is_matrix = points.first().is_some_and(|point| point.config.is_matrix());
        let references = if is_matrix { &MATRIX_REFERENCES[..] } else { &REFERENCES };
        let shared = references.iter().map(|&row| {
            let mut first = HashMap::new();
            points
                .iter()
                .enumerate()
                .map(|(i, p)| *first.entry(dependencies(row, p).to_string()).or_insert(i))
                .collect()
        });
        let has_levels = points.first().is_some_and(|point| point.config.tolerance.is_some());
        let sampled = if has_levels { Row::Levels } else { Row::Chips };
        let (chips, mapped) = (holders_of_chips(points), mapped(points));
        Self { references, sampled, shared: shared.collect(), points: points.len(), chips, mapped }
    }

    /// Whether the run has no network.
    #[must_use]
    pub fn is_matrix(&self) -> bool {
        self.references.len() == MATRIX_REFERENCES.len()
    }

    /// The unit that holds a reference row of a point.
    ///
    /// # Panics
    ///
    /// If there is no such point.
    #[must_use]
    pub fn reference(&self, row: Row, point: usize) -> Unit {
        assert!(point < self.points, "point {point} of {}", self.points);
        let which = self.references.iter().position(|&r| r == row);
        Unit { row, point: which.map_or(point, |w| self.shared[w][point]), trial: 0 }
    }

    /// Whether a unit belongs to the run of a number of trials. Early runs hold chips of their own at every point.
    #[must_use]
    pub fn contains(&self, unit: Unit, trials: u64) -> bool {
        let Unit { row, point, trial } = unit;
        point < self.points
            && match row {
                Row::Chips | Row::Levels => row == self.sampled && trial < trials,
                Row::Sensitivity => trial < trials && self.maps(trial) == Some(point),
                _ => self.references.contains(&row) && self.reference(row, point) == unit,
            }
    }

    /// All units for a number of trials. More trials append units and change no index.
    ///
    /// # Panics
    ///
    /// If the units do not fit into memory.
    #[must_use]
    pub fn units(&self, trials: u64) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        for &row in self.references {
            units.extend(
                (0..self.points)
                    .map(|p| self.reference(row, p))
                    .enumerate()
                    .filter(|(p, u)| *p == u.point)
                    .map(|(_, u)| u),
            );
        }
        for trial in 0..trials {
            let all = (0..self.points).map(|point| Unit { row: self.sampled, point, trial });
            units.extend(all.filter(|unit| self.holder(*unit) == *unit));
            units.extend(self.maps(trial).map(|point| Unit { row: Row::Sensitivity, point, trial }));
        }
        units
    }

    /// The unit that holds the chip of a trial at a point.
    fn holder(&self, unit: Unit) -> Unit {
        let (point, are_equal) = self.chips[unit.point];
        Unit { point, trial: if are_equal { 0 } else { unit.trial }, ..unit }
    }

    /// Adds the chips that other units hold, so that every point has all of its trials.
    pub(crate) fn add_shared(&self, records: &mut BTreeMap<Unit, Record>, trials: u64) {
        let has_own = |point: &usize| self.chips[*point] == (*point, false);
        for point in (0..self.points).filter(|point| !has_own(point)) {
            for unit in (0..trials).map(|trial| Unit { row: self.sampled, point, trial }) {
                if !records.contains_key(&unit)
                    && let Some(record) = records.get(&self.holder(unit))
                {
                    let record = Record { unit, ..record.clone() };
                    records.insert(unit, record);
                }
            }
        }
    }

    /// The point at which the chip of a trial has sensitivities.
    fn maps(&self, trial: u64) -> Option<usize> {
        self.mapped.filter(|(_, chips)| trial < *chips).map(|(point, _)| point)
    }
}

/// For each point the point that holds its chips, and whether all of them are equal. A set of sources may leave out what another
/// axis changes; without sources and without a correction, which measures, no two chips differ.
fn holders_of_chips(points: &[Point]) -> Vec<(usize, bool)> {
    let mut first = HashMap::new();
    let holder = |point: &Point| {
        if point.config.tolerance.is_some() || !point.levels.iter().any(|(key, _)| key == "sources") {
            return (point.index, false);
        }
        let settings = to_value(&Config { sources: None, ..point.config.clone() }).to_string();
        let are_equal = point.config.sources_on().is_empty() && point.config.correction == "none";
        (*first.entry(settings).or_insert(point.index), are_equal)
    };
    points.iter().map(holder).collect()
}

/// Point and number of the chips of a sensitivity map: the first point at which most sources are on.
fn mapped(points: &[Point]) -> Option<(usize, u64)> {
    let settings = points.first()?.config.sensitivity?;
    let sources = |point: &Point| point.config.sources.as_ref().map_or(usize::MAX, Vec::len);
    let most = points.iter().map(sources).max()?;
    Some((points.iter().position(|point| sources(point) == most)?, settings.chips))
}

/// The part `K/N` of the units (K = 1…N): those whose index modulo N is K−1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// K, from 1.
    pub part: u64,
    /// N.
    pub of: u64,
}

impl Shard {
    /// All units.
    pub const WHOLE: Self = Self { part: 1, of: 1 };

    /// Checks that 1 ≤ K ≤ N.
    pub(crate) fn check(self) -> Result<(), ShardError> {
        let Self { part, of } = self;
        if part >= 1 && part <= of { Ok(()) } else { Err(ShardError { found: format!("{part}/{of}") }) }
    }

    /// Whether a unit of that index belongs to this shard.
    pub(crate) fn takes(self, index: usize) -> bool {
        index as u64 % self.of == self.part - 1
    }
}

impl std::str::FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((part, of)) if part >= 1 && part <= of => Ok(Self { part, of }),
            _ => Err(ShardError { found: text.to_owned() }),
        }
    }
}
