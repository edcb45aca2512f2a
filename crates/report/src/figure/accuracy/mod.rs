//! Accuracy, or another score of a run, against the swept quantity: chips as median and 10–90 % quantiles, references as
//! lines.
//!
//! ```text
//! columns  row, point, one per swept key, chips, accuracy_mean, accuracy_q10, accuracy_q50, accuracy_q90   [1]
//! x        first numeric key; words give slots with error bars; without a sweep, one slot per kind of row
//! y        accuracy [%], or the score whose columns the table has
//! lines    one per combination of the other keys
//! ```

mod reference;

use crate::error::ReportError;
use crate::figure::{Figure, provenance};
use crate::figure_axes::FigureAxes;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::page::{Anchor, Chart, MARKERS, Marker, Stroke};
use crate::plot::palette::{INK, SERIES, TICK};
use crate::summary::{KINDS, Kind, Level, Outcome, Summary, Values};
use crate::table::Table;
use reference::References;

/// The accuracy figure; see [`accuracy_figure`](crate::accuracy_figure).
pub(crate) const ACCURACY: Figure = Figure {
    key: "accuracy",
    description: "accuracy of imperfect chips over a sweep: median, 10–90 % band, and the references",
    draw,
};

fn draw(table: &Table) -> Result<String, ReportError> {
    let summary = Summary::read(table)?;
    let axes = FigureAxes::new(&summary);
    let title = table.metadata("name").unwrap_or("Accuracy").to_owned();
    let mut footer = provenance(table);
    if axes.x.is_none() {
        return single(&summary, title, footer.join(" · "));
    }
    footer.push("points are paired: the same draws at every level".to_owned());
    swept(table, &summary, &axes, title, footer.join(" · "))
}

/// A line of chips: its values of x with their quantiles.
struct Line<'a> {
    stroke: Stroke,
    marker: Marker,
    points: Vec<(f64, &'a Outcome)>,
}

fn swept(
    table: &Table,
    summary: &Summary,
    axes: &FigureAxes,
    title: String,
    footer: String,
) -> Result<String, ReportError> {
    let x = x_axis(summary, axes);
    let y = y_axis(summary);
    let lines: Vec<Line> = (0..axes.groups.len()).map(|group| line(summary, axes, &x, group)).collect();
    let references = References::new(table, summary, axes, &x, &y);
    let mut legend = series_legend(summary, axes, &lines);
    legend.extend(references.legend.iter().cloned());
    let axis = x.clone();
    chart::draw(Frame { title, legend, x, y, footer }, |chart| {
        for line in &lines {
            line.runs(&axis).try_for_each(|run| draw_spread(chart, run, line.stroke))?;
        }
        references.draw(chart)?;
        for line in &lines {
            for run in line.runs(&axis).filter(|run| run.len() > 1) {
                chart.line(run.iter().map(|(x, outcome)| (*x, outcome.q50)), line.stroke)?;
            }
            let medians = line.points.iter().map(|(x, outcome)| (*x, outcome.q50));
            chart.markers(medians, line.marker, line.stroke.colour)?;
        }
        Ok(())
    })
}

impl<'a> Line<'a> {
    /// The points in runs that are joined: all in one, except across the break of x and in slots.
    fn runs(&self, x: &Axis) -> impl Iterator<Item = &[(f64, &'a Outcome)]> {
        self.points.chunk_by(|a, b| x.joins(a.0, b.0))
    }
}

/// Stroke and marker of a line. From the ninth line on colours repeat with dashes.
pub(super) fn style(group: usize) -> (Stroke, Marker) {
    let dashes = (group >= SERIES.len()).then_some((6.0, 3.0));
    let stroke = Stroke { colour: SERIES[group % SERIES.len()], width: 2.0, dashes };
    (stroke, MARKERS[group % MARKERS.len()])
}

fn line<'a>(summary: &'a Summary, axes: &FigureAxes, x: &Axis, group: usize) -> Line<'a> {
    let (stroke, marker) = style(group);
    let lines = axes.groups.len() as f64;
    // In a slot the lines are next to one another.
    let shift = if x.is_categorical() { (group as f64 - (lines - 1.0) / 2.0) * (0.7 / lines).min(0.12) } else { 0.0 };
    let own = summary.rows(Kind::Chips).filter(|outcome| axes.group_of(outcome) == Some(group));
    let mut points: Vec<_> = own.filter_map(|o| axes.x_of(o).map(|x| (x + shift, o))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Line { stroke, marker, points }
}

/// The 10–90 % band of joined points, or the error bar of a single one.
fn draw_spread(chart: &mut Chart, run: &[(f64, &Outcome)], stroke: Stroke) -> Result<(), ReportError> {
    match run {
        [(x, outcome)] => draw_bar(chart, *x, outcome, stroke),
        run if run.iter().any(|(_, outcome)| outcome.q90 - outcome.q10 > 1e-9) => {
            let curves: Vec<_> = run.iter().map(|(x, outcome)| (*x, outcome.q10, outcome.q90)).collect();
            chart.band(&curves, stroke.colour)
        }
        _ => Ok(()),
    }
}

fn draw_bar(chart: &mut Chart, x: f64, outcome: &Outcome, stroke: Stroke) -> Result<(), ReportError> {
    if outcome.q90 - outcome.q10 <= 1e-9 {
        return Ok(());
    }
    chart.error_bar(x, [outcome.q10, outcome.q50, outcome.q90], Stroke { width: 1.5, dashes: None, ..stroke })
}

pub(super) fn x_axis(summary: &Summary, axes: &FigureAxes) -> Axis {
    let x = quantity(axes.x.map_or("", |key| summary.keys[key].as_str()));
    let mut axis = if axes.x_is_numeric {
        let values: Vec<f64> = axes.x_levels.iter().filter_map(Level::number).collect();
        Axis::numeric(&values, &x)
    } else {
        let names: Vec<String> = axes.x_levels.iter().map(|level| level.text().to_owned()).collect();
        Axis::categories(&names, &x.name)
    };
    if !axes.tied.is_empty() {
        let tied: Vec<String> = axes.tied.iter().map(|&key| quantity(&summary.keys[key]).name).collect();
        axis.title = format!("{}, and with it {}", axis.title, tied.join(", "));
    }
    axis
}

fn y_axis(summary: &Summary) -> Axis {
    let (low, high) = extremes(summary.outcomes.iter().flat_map(|outcome| [outcome.q10, outcome.q50, outcome.q90]));
    match summary.score.values {
        Values::Shares => Axis::percent(low, high, summary.score.title),
        Values::Ratios | Values::Numbers => Axis::amounts(low, high, summary.score.title),
    }
}

fn series_legend(summary: &Summary, axes: &FigureAxes, lines: &[Line]) -> Vec<Entry> {
    if summary.rows(Kind::Chips).next().is_none() {
        return Vec::new();
    }
    let band = summary.rows(Kind::Chips).any(|outcome| outcome.chips > 1.5);
    let spread = if axes.x_is_numeric { "band" } else { "bars" };
    let chips = summary.chips();
    let quantiles = if band { format!("median of {chips}, 10–90 % {spread}") } else { chips };
    let entry = |line: &Line, text: String| {
        let (stroke, marker) = (Some(line.stroke), Some(line.marker));
        Entry { line: stroke, marker, band: band && axes.x_is_numeric, text, breaks: false }
    };
    if axes.grouping.is_empty() {
        return lines.iter().map(|line| entry(line, quantiles.clone())).collect();
    }
    let quantities: Vec<_> = axes.grouping.iter().map(|&key| quantity(&summary.keys[key])).collect();
    let names: Vec<&str> = quantities.iter().map(|quantity| quantity.name.as_str()).collect();
    let head = Entry { text: format!("{quantiles}; {}:", names.join(", ")), ..Entry::default() };
    let entries = lines.iter().zip(&axes.groups).map(|(line, group)| {
        let values: Vec<_> = quantities.iter().zip(group).map(|(q, level)| q.value(level.text())).collect();
        entry(line, values.join(", "))
    });
    std::iter::once(head).chain(entries).collect()
}

/// The figure without a sweep: one slot per kind of row, with its accuracy as a number.
fn single(summary: &Summary, title: String, footer: String) -> Result<String, ReportError> {
    let rows: Vec<(Kind, &str, &Outcome)> =
        KINDS.iter().filter_map(|(kind, _, name)| summary.rows(*kind).next().map(|row| (*kind, *name, row))).collect();
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
    let y = y_axis(summary);
    chart::draw(Frame { title, legend: Vec::new(), x, y, footer }, |chart| {
        for (slot, (kind, _, row)) in rows.iter().enumerate() {
            let (stroke, marker) =
                if *kind == Kind::Chips { style(0) } else { (reference::stroke(*kind), Marker::Square) };
            let point = (slot as f64, row.q50);
            draw_bar(chart, point.0, row, stroke)?;
            chart.markers([point], marker, stroke.colour)?;
            let (x, y) = chart.place(point);
            let text = summary.score.text(row.q50);
            chart.page.text(&text, (x + 10.0, y + 0.36 * TICK), Anchor::Left, TICK, INK)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
