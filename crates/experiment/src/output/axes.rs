//! Axes of a sweep along which no result changes.
//!
//! Which keys are read is checked before a run (`run/effects.rs`). Whether a key that is read changes a result can depend on
//! the network: a setting for the tiles of a layer has no effect where every layer has one tile.

use crate::input::grid::Point;
use crate::output::table::Tables;
use crate::store::record::{LayerResult, Record, Row};
use serde_json::Value;
use std::collections::HashMap;

impl Tables<'_> {
    /// The keys of each axis, joined by `=`, along which no output of any row changes.
    #[must_use]
    pub fn axes_without_effect(&self) -> Vec<String> {
        let results: Vec<Vec<Record>> = self.points().iter().map(|point| self.results(point)).collect();
        let axes = self.points().first().and_then(|point| point.axes.iter().max()).map_or(0, |last| last + 1);
        let is_constant = |axis: &usize| {
            let mut lines: HashMap<String, Vec<usize>> = HashMap::new();
            for point in self.points() {
                lines.entry(others(point, *axis)).or_default().push(point.index);
            }
            // An axis of one value is no sweep.
            lines.values().any(|line| line.len() > 1)
                && lines.values().all(|line| line.iter().all(|&point| results[point] == results[line[0]]))
        };
        (0..axes).filter(is_constant).map(|axis| self.keys_of(axis)).collect()
    }

    fn keys_of(&self, axis: usize) -> String {
        let levels = self.points().first().into_iter().flat_map(|point| point.levels.iter().zip(&point.axes));
        levels.filter(|(_, a)| **a == axis).map(|((key, _), _)| key.as_str()).collect::<Vec<_>>().join(" = ")
    }

    /// The outputs of all rows at a point: records without their point and without numbers that are only reported.
    fn results(&self, point: &Point) -> Vec<Record> {
        let output = |record: &Record| {
            let mut record = record.clone();
            record.unit.point = 0;
            let output = |layer: LayerResult| LayerResult { photoelectrons: 0.0, design: None, ..layer };
            record.layers = record.layers.into_iter().map(output).collect();
            record
        };
        let rows = [Row::Exact, Row::PerfectIdeal, Row::PerfectReal, Row::Digital, Row::Chips];
        rows.into_iter().flat_map(|row| self.records(row, point.index)).map(output).collect()
    }
}

/// The values of a point on all other axes.
fn others(point: &Point, axis: usize) -> String {
    let levels = point.levels.iter().zip(&point.axes).filter(|(_, a)| **a != axis);
    Value::from_iter(levels.map(|((_, value), _)| value.clone())).to_string()
}
