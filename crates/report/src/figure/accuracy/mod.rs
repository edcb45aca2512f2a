//! Accuracy against the swept quantity: chips as median and 10–90 % quantiles, references as lines.
//!
//! ```text
//! columns  row, point, one for each swept key, chips, accuracy_mean, accuracy_q10, accuracy_q50, accuracy_q90   [1]
//! x        first numeric key; words give slots with error bars; without a sweep, one slot for each kind of row
//! y        accuracy [%]
//! lines    one for each combination of the other keys
//! ```

mod reference;

use crate::error::ReportError;
use crate::figure::{Figure, provenance};
use crate::figure_axes::Arrangement;
use crate::plot::axis::Axis;
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::{Entry, Swatch};
use crate::plot::palette::{BAND_OPACITY, INK, SERIES, TICK};
use crate::plot::panel;
use crate::plot::panel::{Panel, Sheet};
use crate::plot::pen::{Anchor, Marker, Stroke};
use crate::summary::{KINDS, Kind, Outcome, Summary};
use crate::table::Table;
use reference::References;

const MARKERS: [Marker; 4] = [Marker::Circle, Marker::Square, Marker::Diamond, Marker::Triangle];
const Y_TITLE: &str = "test accuracy (%)";
/// Half the width of the cap of an error bar.
const CAP: f64 = 4.0;

/// The accuracy figure; see [`accuracy_figure`](crate::accuracy_figure).
pub(crate) struct Accuracy;

impl Figure for Accuracy {
    fn key(&self) -> &'static str {
        "accuracy"
    }

    fn description(&self) -> &'static str {
        "accuracy of imperfect chips over a sweep: median, 10–90 % band, and the references"
    }

    fn draw(&self, table: &Table) -> Result<String, ReportError> {
        let summary = Summary::read(table)?;
        let arrangement = Arrangement::of(&summary);
        let title = table.metadata("name").unwrap_or("Accuracy").to_owned();
        let mut footer = provenance(table);
        if arrangement.x.is_none() {
            return single(&summary, title, footer.join(" · "));
        }
        footer.push("points are paired: the same draws at every level".to_owned());
        swept(table, &summary, &arrangement, title, footer.join(" · "))
    }
}

/// A line of chips: where each point lies on x (share of the axis), and its quantiles.
struct Line<'a> {
    stroke: Stroke,
    marker: Marker,
    points: Vec<(f64, &'a Outcome)>,
}

fn swept(
    table: &Table,
    summary: &Summary,
    arrangement: &Arrangement,
    title: String,
    footer: String,
) -> Result<String, ReportError> {
    let x = x_axis(summary, arrangement);
    let (low, high) = extremes(summary);
    let y = Axis::percent(low, high, Y_TITLE);
    let lines: Vec<Line> = (0..arrangement.groups.len()).map(|group| line(summary, arrangement, &x, group)).collect();
    let references = References::of(table, summary, arrangement, &x, &y);
    let mut legend = series_legend(summary, arrangement, &lines);
    legend.extend(references.legend());

    let sheet = Sheet { title, legend, x: x.clone(), y: y.clone(), footer };
    panel::draw(sheet, |panel| {
        for line in &lines {
            draw_spread(panel, &x, &y, line)?;
        }
        references.draw(panel, &y)?;
        for line in &lines {
            for run in runs(&x, &line.points) {
                if !x.is_categorical() && run.len() > 1 {
                    let places: Vec<_> = run.iter().map(|(x, o)| panel.at(*x, y.at(o.q50))).collect();
                    panel.canvas.line(&places, line.stroke)?;
                }
            }
            for (x, outcome) in &line.points {
                panel.canvas.marker(panel.at(*x, y.at(outcome.q50)), line.marker, line.stroke.colour)?;
            }
        }
        Ok(())
    })
}

/// Stroke and marker of a line; beyond eight lines colours return with dashes.
fn style(group: usize) -> (Stroke, Marker) {
    let dashes: &'static [f64] = if group < SERIES.len() { &[] } else { &[6.0, 3.0] };
    let stroke = Stroke { colour: SERIES[group % SERIES.len()], width: 2.0, dashes };
    (stroke, MARKERS[group % MARKERS.len()])
}

fn line<'a>(summary: &'a Summary, arrangement: &Arrangement, axis: &Axis, group: usize) -> Line<'a> {
    let (stroke, marker) = style(group);
    let lines = arrangement.groups.len() as f64;
    // In a slot the lines stand side by side.
    let aside =
        if axis.is_categorical() { (group as f64 - (lines - 1.0) / 2.0) * (0.7 / lines).min(0.12) } else { 0.0 };
    let own = summary.of(Kind::Chips).filter(|outcome| arrangement.group_of(outcome) == Some(group));
    let mut points: Vec<_> = own.filter_map(|o| arrangement.x_of(o).map(|x| (axis.at(x + aside), o))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Line { stroke, marker, points }
}

/// Points that are joined: those on either side of the break of an axis are not.
fn runs<'a, T>(axis: &Axis, points: &'a [(f64, T)]) -> [&'a [(f64, T)]; 2] {
    let (left, right) = points.split_at(points.partition_point(|(x, _)| axis.break_at.is_some_and(|at| *x < at)));
    [left, right]
}

/// The 10–90 % band of a line, or error bars where points are not joined.
fn draw_spread(panel: &Panel, x: &Axis, y: &Axis, line: &Line) -> Result<(), ReportError> {
    for run in runs(x, &line.points) {
        if x.is_categorical() || run.len() == 1 {
            for (x, outcome) in run {
                draw_bar(panel, y, *x, outcome, line.stroke)?;
            }
        } else if run.iter().any(|(_, outcome)| outcome.q90 - outcome.q10 > 1e-9) {
            let lower = run.iter().map(|(x, outcome)| panel.at(*x, y.at(outcome.q10)));
            let upper = run.iter().rev().map(|(x, outcome)| panel.at(*x, y.at(outcome.q90)));
            panel.canvas.polygon(&lower.chain(upper).collect::<Vec<_>>(), line.stroke.colour, BAND_OPACITY)?;
        }
    }
    Ok(())
}

fn draw_bar(panel: &Panel, y: &Axis, x: f64, outcome: &Outcome, stroke: Stroke) -> Result<(), ReportError> {
    if outcome.q90 - outcome.q10 <= 1e-9 {
        return Ok(());
    }
    let stroke = Stroke { width: 1.5, dashes: &[], ..stroke };
    let ends = [panel.at(x, y.at(outcome.q10)), panel.at(x, y.at(outcome.q90))];
    panel.canvas.line(&ends, stroke)?;
    for (x, y) in ends {
        panel.canvas.line(&[(x - CAP, y), (x + CAP, y)], stroke)?;
    }
    Ok(())
}

fn x_axis(summary: &Summary, arrangement: &Arrangement) -> Axis {
    let key = arrangement.x.map_or("", |key| summary.keys[key].as_str());
    let quantity = quantity(key);
    let mut axis = if arrangement.x_is_numeric {
        let values: Vec<f64> = arrangement.x_levels.iter().filter_map(crate::summary::Level::number).collect();
        Axis::numeric(&values, &quantity)
    } else {
        let names: Vec<String> = arrangement.x_levels.iter().map(|level| level.text().to_owned()).collect();
        Axis::categories(&names, &quantity.name)
    };
    if !arrangement.tied.is_empty() {
        let tied: Vec<String> =
            arrangement.tied.iter().map(|&key| crate::plot::label::quantity(&summary.keys[key]).name).collect();
        axis.title = format!("{}, and with it {}", axis.title, tied.join(", "));
    }
    axis
}

/// The lowest and the highest accuracy that is drawn.
fn extremes(summary: &Summary) -> (f64, f64) {
    let low = summary.outcomes.iter().map(|outcome| outcome.q10.min(outcome.q50)).fold(f64::INFINITY, f64::min);
    let high = summary.outcomes.iter().map(|outcome| outcome.q90.max(outcome.q50)).fold(f64::NEG_INFINITY, f64::max);
    (low, high)
}

fn series_legend(summary: &Summary, arrangement: &Arrangement, lines: &[Line]) -> Vec<Entry> {
    if summary.of(Kind::Chips).next().is_none() {
        return Vec::new();
    }
    let band = summary.of(Kind::Chips).any(|outcome| outcome.chips > 1.5);
    let spread = if arrangement.x_is_numeric { "band" } else { "bars" };
    let chips = summary.chips();
    let what = if band { format!("median of {chips}, 10–90 % {spread}") } else { chips };
    let swatch = |line: &Line| Swatch::Series {
        stroke: line.stroke,
        marker: line.marker,
        band: band && arrangement.x_is_numeric,
    };
    if arrangement.grouping.is_empty() {
        return lines.iter().map(|line| Entry { swatch: swatch(line), text: what.clone(), breaks: false }).collect();
    }
    let quantities: Vec<_> = arrangement.grouping.iter().map(|&key| quantity(&summary.keys[key])).collect();
    let names: Vec<&str> = quantities.iter().map(|quantity| quantity.name.as_str()).collect();
    let head = Entry { swatch: Swatch::None, text: format!("{what}; {}:", names.join(", ")), breaks: false };
    let entries = lines.iter().zip(&arrangement.groups).map(|(line, group)| {
        let values: Vec<_> = quantities.iter().zip(group).map(|(q, level)| q.value(level.text())).collect();
        Entry { swatch: swatch(line), text: values.join(", "), breaks: false }
    });
    std::iter::once(head).chain(entries).collect()
}

/// Without a sweep: one slot for each kind of row, with its number beside it.
fn single(summary: &Summary, title: String, footer: String) -> Result<String, ReportError> {
    let rows: Vec<(Kind, &str, &Outcome)> =
        KINDS.iter().filter_map(|(kind, _, name)| summary.of(*kind).next().map(|row| (*kind, *name, row))).collect();
    let chips = summary.chips();
    let name = |kind, name: &str| match kind {
        Kind::Chips if chips == "one chip" => "one imperfect chip".to_owned(),
        Kind::Chips => chips.replace("chips", "imperfect chips, median and 10–90 %"),
        _ => name.to_owned(),
    };
    let names: Vec<String> = rows.iter().map(|(kind, text, _)| name(*kind, text)).collect();
    let levels = rows.iter().rev().find_map(|(.., row)| row.levels.iter().cloned().collect::<Option<Vec<_>>>());
    let settings = levels.unwrap_or_default().into_iter().zip(&summary.keys).map(|(level, key)| {
        let quantity = quantity(key);
        format!("{} {}", quantity.name, quantity.value(level.text()))
    });
    let x = Axis::categories(&names, &settings.collect::<Vec<_>>().join(", "));
    let (low, high) = extremes(summary);
    let y = Axis::percent(low, high, Y_TITLE);
    let sheet = Sheet { title, legend: Vec::new(), x: x.clone(), y: y.clone(), footer };
    panel::draw(sheet, |panel| {
        for (slot, (kind, _, row)) in rows.iter().enumerate() {
            let (stroke, marker) =
                if *kind == Kind::Chips { style(0) } else { (reference::stroke(*kind), Marker::Square) };
            draw_bar(panel, &y, x.at(slot as f64), row, stroke)?;
            let (x, y) = panel.at(x.at(slot as f64), y.at(row.q50));
            panel.canvas.marker((x, y), marker, stroke.colour)?;
            let text = format!("{} %", decimal((100.0 * row.q50).round() / 100.0));
            panel.canvas.text(&text, (x + 10.0, y + 0.36 * TICK), Anchor::Start, TICK, INK)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
