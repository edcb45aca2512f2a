//! The references of the accuracy figure: rows without the errors of a chip, and the accuracy of a guess.

use crate::error::ReportError;
use crate::figure::accuracy::{COINCIDENT, Line};
use crate::figure_axes::FigureAxes;
use crate::plot::axis::{Axis, extremes};
use crate::plot::label::decimal;
use crate::plot::legend::Entry;
use crate::plot::page::{Chart, Stroke};
use crate::plot::palette::{BLACK, Colour, FAINT_INK};
use crate::summary::{KINDS, Kind, Summary};
use crate::table::Table;

/// Length on the page of a reference at a point that is joined to no other.
const STUB: f64 = 35.0;
/// Half the length of a reference in a slot, relative to the slot.
const SLOT_STUB: f64 = 0.42;
/// Accuracies in per cent that differ by less are equal.
const SAME: f64 = 1e-9;

/// Lines of references and their entries in the legend.
pub(crate) struct References {
    /// The colour of the line of each group.
    colours: Vec<Colour>,
    lines: Vec<(Stroke, Vec<(f64, f64)>)>,
    pub legend: Vec<Entry>,
}

/// The line of a kind of reference.
pub(crate) fn stroke(kind: Kind) -> Stroke {
    let (colour, width, dashes) = match kind {
        Kind::Exact | Kind::Chips => (BLACK, 1.25, None),
        Kind::PerfectIdeal => (BLACK, 1.5, Some((1.5, 3.0))),
        Kind::PerfectReal => ((0, 158, 115), 1.75, Some((8.0, 4.0))),
        Kind::Digital | Kind::Perfect => ((213, 94, 0), 1.75, Some((4.0, 2.5))),
    };
    Stroke { colour, width, dashes }
}

/// One value of a reference.
struct Value {
    /// Its line; `None` if it is common to all lines.
    group: Option<usize>,
    /// `None` if it holds for every x.
    x: Option<f64>,
    mean: f64,
}

impl References {
    pub(crate) fn new(
        table: &Table,
        summary: &Summary,
        axes: &FigureAxes,
        chips: &[Line],
        (x, y): (&Axis, &Axis),
    ) -> Self {
        let colour =
            |group: usize| chips.iter().find(|line| line.groups.contains(&group)).map(|line| line.stroke.colour);
        let colours = (0..axes.groups.len()).map(|group| colour(group).unwrap_or(FAINT_INK)).collect();
        let mut references = Self { colours, lines: Vec::new(), legend: Vec::new() };
        let mut constant: Vec<(Stroke, &str, f64)> = Vec::new();
        for (kind, _, name) in KINDS.iter().filter(|(kind, ..)| *kind != Kind::Chips) {
            let values = values(summary, axes, *kind);
            if values.is_empty() || *kind == Kind::PerfectIdeal && repeats_exact(summary, &values) {
                continue;
            }
            let mut stroke = stroke(*kind);
            if axes.groups.len() > 1 && *kind != Kind::Exact {
                stroke.colour = FAINT_INK; // colours distinguish the lines of chips
            }
            match values[..] {
                [Value { group: None, x: None, mean }] => constant.push((stroke, name, mean)),
                _ => references.add(stroke, name, &values, x),
            }
        }
        references.add_constant(&constant, summary, x, y);
        let chance = table.metadata("chance").and_then(|text| text.parse::<f64>().ok()).map(|share| 100.0 * share);
        if let Some(chance) = chance.filter(|chance| y.contains(*chance)) {
            let stroke = Stroke { colour: FAINT_INK, width: 1.25, dashes: Some((1.5, 3.0)) };
            let everywhere = [Value { group: None, x: None, mean: chance }];
            references.add(stroke, &format!("guessing, {} %", decimal(chance)), &everywhere, x);
        }
        references
    }

    /// Adds references without dependence on x; those that would lie on one another as one line.
    fn add_constant(&mut self, all: &[(Stroke, &str, f64)], summary: &Summary, x: &Axis, y: &Axis) {
        let (low, high) = extremes(all.iter().map(|(.., mean)| *mean));
        if all.len() > 1 && high - low <= COINCIDENT * y.span() {
            let names: Vec<&str> = all.iter().map(|(_, name, _)| *name).collect();
            let [low, high] = [low, high].map(|value| summary.score.text(value));
            let values = if low == high { low } else { format!("{}–{high}", low.trim_end_matches(" %")) };
            let everywhere = [Value { group: None, x: None, mean: all[0].2 }];
            self.add(all[0].0, &format!("{}: {values}", names.join("; ")), &everywhere, x);
            return;
        }
        for (stroke, name, mean) in all {
            self.add(*stroke, name, &[Value { group: None, x: None, mean: *mean }], x);
        }
    }

    fn add(&mut self, stroke: Stroke, name: &str, values: &[Value], axis: &Axis) {
        let breaks = self.legend.is_empty();
        self.legend.push(Entry { line: Some(stroke), text: name.to_owned(), breaks, ..Entry::default() });
        let mut groups: Vec<Option<usize>> = Vec::new();
        for value in values {
            if !groups.contains(&value.group) {
                groups.push(value.group);
            }
        }
        for group in groups {
            let stroke = group.map_or(stroke, |group| Stroke { colour: self.colours[group], ..stroke });
            let mut points: Vec<(f64, f64)> = Vec::new();
            for Value { x, mean, .. } in values.iter().filter(|value| value.group == group) {
                match x {
                    None => self.lines.push((stroke, vec![(f64::NEG_INFINITY, *mean), (f64::INFINITY, *mean)])),
                    Some(x) if axis.is_categorical() => {
                        self.lines.push((stroke, vec![(x - SLOT_STUB, *mean), (x + SLOT_STUB, *mean)]));
                    }
                    Some(x) => points.push((*x, *mean)),
                }
            }
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            let runs = points.chunk_by(|a, b| axis.joins(a.0, b.0));
            self.lines.extend(runs.map(|run| (stroke, run.to_vec())));
        }
    }

    pub(crate) fn draw(&self, chart: &mut Chart) -> Result<(), ReportError> {
        self.lines.iter().try_for_each(|(stroke, points)| match points[..] {
            [point] => chart.stub(point, STUB, *stroke),
            _ => chart.line(points.clone(), *stroke),
        })
    }
}

/// The values of a reference without repetitions: one if it is constant, one per x if all lines share it.
fn values(summary: &Summary, axes: &FigureAxes, kind: Kind) -> Vec<Value> {
    let mut values: Vec<Value> =
        summary.rows(kind).map(|row| Value { group: axes.group_of(row), x: axes.x_of(row), mean: row.mean }).collect();
    let same = |a: &Value, b: &Value| (a.mean - b.mean).abs() < SAME;
    let same_x = |a: &Value, b: &Value| match (a.x, b.x) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        (a, b) => a.is_none() && b.is_none(),
    };
    if values.iter().all(|value| same(value, &values[0])) {
        values.truncate(1);
        values.iter_mut().for_each(|value| (value.group, value.x) = (None, None));
        return values;
    }
    let shared = values.iter().enumerate().all(|(i, a)| values[..i].iter().all(|b| !same_x(a, b) || same(a, b)));
    if axes.groups.len() == 1 || shared {
        let mut kept: Vec<Value> = Vec::new();
        for value in values {
            if !kept.iter().any(|other| same_x(other, &value) && same(other, &value)) {
                kept.push(Value { group: None, ..value });
            }
        }
        return kept;
    }
    values
}

/// Whether the reference `exact` has one accuracy and all values equal it, so that one line shows both.
fn repeats_exact(summary: &Summary, values: &[Value]) -> bool {
    let mut exact = summary.rows(Kind::Exact).peekable();
    exact.peek().is_some() && exact.all(|row| values.iter().all(|value| (value.mean - row.mean).abs() < SAME))
}
