//! The references: what the network does without the errors of a chip, and the accuracy of a guess.

use crate::error::ReportError;
use crate::figure::accuracy::style;
use crate::figure_axes::Arrangement;
use crate::plot::axis::Axis;
use crate::plot::label::decimal;
use crate::plot::legend::{Entry, Swatch};
use crate::plot::palette::{BLACK, FAINT_INK};
use crate::plot::panel::Panel;
use crate::plot::pen::Stroke;
use crate::summary::{KINDS, Kind, Summary};
use crate::table::Table;

/// Half the length of a reference at a point that is joined to no other, as a share of x.
const STUB: f64 = 0.025;
/// The same in a slot, as a share of the slot.
const SLOT_STUB: f64 = 0.42;
/// Accuracies in per cent that differ by less are the same.
const SAME: f64 = 1e-9;

/// Lines of references and their entries in the legend.
pub(crate) struct References {
    lines: Vec<(Stroke, Vec<(f64, f64)>)>,
    legend: Vec<Entry>,
}

/// How a kind of reference is drawn.
pub(crate) fn stroke(kind: Kind) -> Stroke {
    let (colour, width, dashes): (_, _, &[f64]) = match kind {
        Kind::Exact | Kind::Chips => (BLACK, 1.25, &[]),
        Kind::PerfectIdeal => (BLACK, 1.5, &[1.5, 3.0]),
        Kind::PerfectReal => ((0, 158, 115), 1.75, &[8.0, 4.0]),
        Kind::Digital => ((213, 94, 0), 1.75, &[8.0, 3.0, 2.0, 3.0]),
    };
    Stroke { colour, width, dashes }
}

/// One value of a reference: the line that it belongs to if it is not common to all, where on x if not everywhere.
struct Value {
    group: Option<usize>,
    x: Option<f64>,
    mean: f64,
}

impl References {
    pub(crate) fn of(table: &Table, summary: &Summary, arrangement: &Arrangement, x: &Axis, y: &Axis) -> Self {
        let mut references = Self { lines: Vec::new(), legend: Vec::new() };
        for (kind, _, name) in KINDS.iter().filter(|(kind, ..)| *kind != Kind::Chips) {
            let values = values(summary, arrangement, *kind);
            if values.is_empty() || *kind == Kind::PerfectIdeal && repeats_exact(summary, &values) {
                continue;
            }
            let mut stroke = stroke(*kind);
            if arrangement.groups.len() > 1 && *kind != Kind::Exact {
                stroke.colour = FAINT_INK; // colours tell the lines of chips apart
            }
            references.add(stroke, name, &values, x);
        }
        let chance = table.metadata("chance").and_then(|text| text.parse::<f64>().ok()).map(|share| 100.0 * share);
        if let Some(chance) = chance.filter(|chance| (0.0..=1.0).contains(&y.at(*chance))) {
            let stroke = Stroke { colour: FAINT_INK, width: 1.25, dashes: &[1.5, 3.0] };
            let everywhere = [Value { group: None, x: None, mean: chance }];
            references.add(stroke, &format!("guessing, {} %", decimal(chance)), &everywhere, x);
        }
        references
    }

    fn add(&mut self, stroke: Stroke, name: &str, values: &[Value], axis: &Axis) {
        let breaks = self.legend.is_empty();
        self.legend.push(Entry { swatch: Swatch::Line(stroke), text: name.to_owned(), breaks });
        let mut groups: Vec<Option<usize>> = Vec::new();
        for value in values {
            if !groups.contains(&value.group) {
                groups.push(value.group);
            }
        }
        for group in groups {
            let stroke = group.map_or(stroke, |group| Stroke { colour: style(group).0.colour, ..stroke });
            let own = || values.iter().filter(|value| value.group == group);
            for value in own().filter(|value| value.x.is_none()) {
                self.lines.push((stroke, vec![(0.0, value.mean), (1.0, value.mean)]));
            }
            let mut joined: Vec<(f64, f64)> = Vec::new();
            for (x, mean) in own().filter_map(|value| value.x.map(|x| (x, value.mean))) {
                let at = axis.at(x);
                let stub = |half: f64| (stroke, vec![(at - half, mean), (at + half, mean)]);
                if axis.is_categorical() {
                    self.lines.push(stub(SLOT_STUB / axis.ticks.len().max(1) as f64));
                } else if axis.break_at.is_some_and(|broken| at < broken) {
                    self.lines.push(stub(STUB));
                } else {
                    joined.push((at, mean));
                }
            }
            joined.sort_by(|a, b| a.0.total_cmp(&b.0));
            if let [(at, mean)] = joined[..] {
                joined = vec![(at - STUB, mean), (at + STUB, mean)];
            }
            if !joined.is_empty() {
                self.lines.push((stroke, joined));
            }
        }
    }

    pub(crate) fn legend(&self) -> impl Iterator<Item = Entry> + '_ {
        self.legend.iter().cloned()
    }

    pub(crate) fn draw(&self, panel: &Panel, y: &Axis) -> Result<(), ReportError> {
        for (stroke, points) in &self.lines {
            let places: Vec<_> = points.iter().map(|(x, value)| panel.at(*x, y.at(*value))).collect();
            panel.canvas.line(&places, *stroke)?;
        }
        Ok(())
    }
}

/// The values of a reference, as few as say everything: one if it is constant, one for each x if all lines share it.
fn values(summary: &Summary, arrangement: &Arrangement, kind: Kind) -> Vec<Value> {
    let mut values: Vec<Value> = summary
        .of(kind)
        .map(|row| Value { group: arrangement.group_of(row), x: arrangement.x_of(row), mean: row.mean })
        .collect();
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
    if arrangement.groups.len() == 1 || shared {
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

/// Whether the exact network has one accuracy and these are all equal to it: then one line is enough for both.
fn repeats_exact(summary: &Summary, values: &[Value]) -> bool {
    let mut exact = summary.of(Kind::Exact).peekable();
    exact.peek().is_some() && exact.all(|row| values.iter().all(|value| (value.mean - row.mean).abs() < SAME))
}
