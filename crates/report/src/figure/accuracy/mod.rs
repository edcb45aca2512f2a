//! Accuracy, or another score of a run, against the swept quantity: chips as median and 10–90 % quantiles, references as
//! lines.
//!
//! ```text
//! columns  row, point, one per swept key, chips, accuracy_mean, accuracy_q10, accuracy_q50, accuracy_q90   [1]
//! x        first numeric key; words give slots with error bars; without a sweep, one slot per kind of row
//! y        accuracy [%], or the score whose columns the table has
//! lines    one per combination of the other keys; lines that coincide are drawn once
//! spread   a band, or the chips as points where they are fewer than five
//! ```

mod reference;

use crate::error::ReportError;
use crate::figure::{Figure, provenance, spread};
use crate::figure_axes::FigureAxes;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame, TopAxis};
use crate::plot::end_labels::{self, EndLabel};
use crate::plot::label::{decimal, quantity};
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::{Anchor, Stroke};
use crate::plot::palette::{INK, SERIES, TICK};
use crate::style::FigureStyle;
use crate::summary::{KINDS, Kind, Level, Outcome, Summary, Values};
use crate::table::Table;
use reference::References;

/// The accuracy figure; see [`accuracy_figure`](crate::accuracy_figure).
pub(crate) const ACCURACY: Figure = Figure {
    key: "accuracy",
    description: "accuracy of imperfect chips over a sweep: median, 10–90 % band, and the references",
    draw,
};

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let summary = Summary::read(table)?;
    let axes = FigureAxes::new(&summary);
    let title = table.metadata("name").unwrap_or("Accuracy").to_owned();
    let mut footer = provenance(table);
    if axes.x.is_none() {
        return single(style, &summary, title, footer.join(" · "));
    }
    footer.push("points are paired: the same draws at every level".to_owned());
    let x = x_axis(&summary, &axes);
    let y = y_axis(&summary);
    let lines = lines(&summary, &axes, &x, &y);
    let references = References::new(table, &summary, &axes, &lines, (&x, &y));
    let mut legend = series_legend(&summary, &axes, &lines);
    let labels = if x.is_categorical() { Vec::new() } else { end_labels(&summary, &axes, &lines) };
    let room = end_labels::room(&labels, style.units());
    if room.is_some() {
        // The names are at the ends of the lines.
        legend.truncate(1);
    }
    legend.extend(references.legend.iter().cloned());
    let axis = x.clone();
    let top = split_ratio(&summary, &axes);
    let frame = Frame { title, legend, x, y, footer: footer.join(" · "), top, right: room.unwrap_or(0.0) };
    chart::draw(style, frame, |chart| {
        for line in &lines {
            let marks = (line.stroke, line.marker);
            line.runs(&axis).try_for_each(|run| spread::draw(chart, run, marks, |o| o.q50, |value| value))?;
        }
        references.draw(chart)?;
        for line in &lines {
            for run in line.runs(&axis).filter(|run| run.len() > 1) {
                chart.line(run.iter().map(|(x, outcome)| (*x, outcome.q50)), line.stroke)?;
            }
            if axis.is_categorical() || line.points.len() <= MAX_MARKERS {
                let medians = line.points.iter().map(|(x, outcome)| (*x, outcome.q50));
                chart.markers(medians, line.marker, line.stroke.colour)?;
            }
            for (x, outcome) in &line.points {
                chart.value((*x, outcome.q50), || spread::text(&summary, outcome, "median", outcome.q50));
            }
        }
        if room.is_some() { end_labels::draw(chart, &labels) } else { Ok(()) }
    })
}

/// Lines of more points have no markers, which would cover the line.
const MAX_MARKERS: usize = 500;

/// The names of the lines at their last points; none without a second key.
fn end_labels(summary: &Summary, axes: &FigureAxes, lines: &[Line]) -> Vec<EndLabel> {
    if axes.grouping.is_empty() {
        return Vec::new();
    }
    let label = |line: &Line| {
        let y = line.points.last()?.1.q50;
        let name = line_name(summary, axes, line);
        Some(EndLabel { name, marker: line.marker, colour: line.stroke.colour, y })
    };
    lines.iter().filter_map(label).collect()
}

/// The name of a line, with those of the lines that it shows.
fn line_name(summary: &Summary, axes: &FigureAxes, line: &Line) -> String {
    let is_equal = line.distance <= 1e-9;
    let names = joined_names(summary, axes, &line.groups, if is_equal { " = " } else { " ≈ " });
    let remark = if is_equal { String::new() } else { format!(" (within {})", distance(summary, line.distance)) };
    names + &remark
}

/// Lines coincide if their medians are closer than this share of the y axis, half the size of a marker.
const COINCIDENT: f64 = 0.015;

/// A line of chips: its values of x with their quantiles.
struct Line<'a> {
    stroke: Stroke,
    marker: Marker,
    points: Vec<(f64, &'a Outcome)>,
    /// The combinations of the other keys that it shows, by their indices in [`FigureAxes::groups`].
    groups: Vec<usize>,
    /// Largest distance of another line that it shows.
    distance: f64,
}

impl<'a> Line<'a> {
    /// The largest distance of the medians and quantiles of another line; `None` if it has other values of x.
    fn distance_of(&self, points: &[(f64, &Outcome)]) -> Option<f64> {
        let same_x = |(a, b): (&(f64, &Outcome), &(f64, &Outcome))| a.0.total_cmp(&b.0).is_eq();
        if self.points.len() != points.len() || points.len() < 2 || !self.points.iter().zip(points).all(same_x) {
            return None;
        }
        let pairs = self.points.iter().zip(points);
        Some(pairs.map(|((_, a), (_, b))| (a.q50 - b.q50).abs()).fold(0.0, f64::max))
    }

    /// The points in runs that are joined: all in one, except across the break of x and in slots.
    fn runs(&self, x: &Axis) -> impl Iterator<Item = &[(f64, &'a Outcome)]> {
        self.points.chunk_by(|a, b| x.joins(a.0, b.0))
    }
}

/// Stroke and marker of a line. Its marker is its own; from the ninth line on colours repeat with dashes.
pub(super) fn style_of(line: usize) -> (Stroke, Marker) {
    let dashes = (line >= SERIES.len()).then_some((6.0, 3.0));
    let stroke = Stroke { colour: SERIES[line % SERIES.len()], width: 2.0, dashes };
    (stroke, Marker::for_series(line))
}

/// The lines of all groups, those that coincide as one.
fn lines<'a>(summary: &'a Summary, axes: &FigureAxes, x: &Axis, y: &Axis) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = Vec::new();
    for group in 0..axes.groups.len() {
        let own = summary.rows(Kind::Chips).filter(|outcome| axes.group_of(outcome) == Some(group));
        let mut points: Vec<_> = own.filter_map(|outcome| Some((axes.x_of(outcome)?, outcome))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let nearest = lines.iter_mut().find_map(|line| {
            let distance = line.distance_of(&points)?;
            (distance <= COINCIDENT * y.span()).then_some((line, distance))
        });
        if let Some((line, distance)) = nearest {
            line.groups.push(group);
            line.distance = line.distance.max(distance);
            continue;
        }
        let (stroke, marker) = style_of(lines.len());
        lines.push(Line { stroke, marker, points, groups: vec![group], distance: 0.0 });
    }
    if x.is_categorical() {
        // In a slot the lines are next to one another.
        let count = lines.len() as f64;
        for (index, line) in lines.iter_mut().enumerate() {
            let shift = (index as f64 - (count - 1.0) / 2.0) * (0.7 / count).min(0.12);
            line.points.iter_mut().for_each(|(x, _)| *x += shift);
        }
    }
    lines
}

pub(super) fn x_axis(summary: &Summary, axes: &FigureAxes) -> Axis {
    let x = quantity(axes.x.map_or("", |key| summary.keys[key].as_str()));
    let mut axis = if axes.x_is_numeric {
        let values: Vec<f64> = axes.x_levels.iter().filter_map(Level::number).collect();
        Axis::numeric(&values, &x)
    } else {
        let names: Vec<String> = axes.x_levels.iter().map(|level| x.value(level.text())).collect();
        Axis::categories(&names, &x.name)
    };
    axis.title = tied_title(summary, axes, axis.title);
    axis
}

/// The title of x with the names of the keys that vary with it.
pub(super) fn tied_title(summary: &Summary, axes: &FigureAxes, title: String) -> String {
    let tied: Vec<String> = axes.tied.iter().map(|&key| quantity(&summary.keys[key]).name).collect();
    let levels = |outcome: &Outcome, key: usize| outcome.levels.get(key).cloned().flatten();
    let is_equal = |key: &usize| summary.outcomes.iter().all(|o| Some(levels(o, *key)) == axes.x.map(|x| levels(o, x)));
    match axes.tied.iter().all(is_equal) {
        _ if tied.is_empty() => title,
        true => format!("{} = {title}", tied.join(" = ")),
        false => format!("{title}, and with it {}", tied.join(", ")),
    }
}

/// The axis `50 ± x %` over an axis of splitter angles: the cross power is sin²(π/4+σ) = ½ + ½·sin 2σ.
pub(super) fn split_ratio(summary: &Summary, axes: &FigureAxes) -> Option<TopAxis> {
    let is_angle = axes.x_is_numeric && summary.keys[axes.x?].ends_with("splitter_error.sigma_rad");
    let sigmas: Vec<f64> = axes.x_levels.iter().filter_map(Level::number).collect();
    // Beyond π/4 the cross power falls again.
    if !is_angle || sigmas.iter().any(|sigma| !(0.0..=std::f64::consts::FRAC_PI_4).contains(sigma)) {
        return None;
    }
    let ratios: Vec<f64> = sigmas.iter().map(|sigma| 50.0 * (2.0 * sigma).sin()).collect();
    let mut ticks = Axis::numeric(&ratios, &quantity("")).ticks;
    ticks.iter_mut().for_each(|tick| tick.value = (tick.value / 50.0).clamp(0.0, 1.0).asin() / 2.0);
    Some(TopAxis { ticks, title: "x in the split ratio 50 ± x %".to_owned() })
}

pub(super) fn y_axis(summary: &Summary) -> Axis {
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
    let quantiles = spread::words(summary, "median", axes.x_is_numeric);
    let band = spread::has_band(summary, axes.x_is_numeric);
    let entry = |line: &Line, text: String| Entry {
        line: Some(line.stroke),
        marker: Some(line.marker),
        band,
        text,
        ..Entry::default()
    };
    if axes.grouping.is_empty() {
        return lines.iter().map(|line| entry(line, quantiles.clone())).collect();
    }
    let quantities: Vec<_> = axes.grouping.iter().map(|&key| quantity(&summary.keys[key])).collect();
    let names: Vec<&str> = quantities.iter().map(|quantity| quantity.name.as_str()).collect();
    let head = Entry { text: format!("{quantiles}; {}:", names.join(", ")), ..Entry::default() };
    let entries = lines.iter().map(|line| entry(line, line_name(summary, axes, line)));
    std::iter::once(head).chain(entries).collect()
}

/// The names of the groups of one line, each the levels of the grouping keys.
pub(super) fn joined_names(summary: &Summary, axes: &FigureAxes, groups: &[usize], joint: &str) -> String {
    let name = |group: &usize| {
        let levels = axes.grouping.iter().zip(&axes.groups[*group]);
        let values = levels.map(|(&key, level)| quantity(&summary.keys[key]).value(level.text()));
        values.collect::<Vec<_>>().join(", ")
    };
    groups.iter().map(name).collect::<Vec<_>>().join(joint)
}

/// A distance of two values of the score.
fn distance(summary: &Summary, value: f64) -> String {
    let text = decimal(format!("{value:.1e}").parse().unwrap_or(value));
    if summary.score.values == Values::Numbers { text } else { format!("{text} points") }
}

/// The figure without a sweep: one slot per kind of row, with its accuracy as a number.
fn single(style: &FigureStyle, summary: &Summary, title: String, footer: String) -> Result<String, ReportError> {
    let rows: Vec<(Kind, &str, &Outcome)> =
        KINDS.iter().filter_map(|(kind, _, name)| summary.rows(*kind).next().map(|row| (*kind, *name, row))).collect();
    let chips = summary.chips();
    let name = |kind, name: &str| match kind {
        Kind::Chips if chips == "one chip" => "one imperfect chip".to_owned(),
        Kind::Chips if summary.has_few_chips() => chips.replace("chips", "imperfect chips, median"),
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
    chart::draw(style, Frame { title, legend: Vec::new(), x, y, footer, top: None, right: 0.0 }, |chart| {
        for (slot, (kind, _, row)) in rows.iter().enumerate() {
            let marks = if *kind == Kind::Chips { style_of(0) } else { (reference::stroke(*kind), Marker::Square) };
            let (stroke, marker) = marks;
            let point = (slot as f64, row.q50);
            spread::draw(chart, &[(point.0, *row)], marks, |o| o.q50, |value| value)?;
            chart.markers([point], marker, stroke.colour)?;
            chart.value(point, || format!("{}: {}", names[slot], spread::range(summary, row, row.q50)));
            let (x, y) = chart.place(point);
            let text = summary.score.text(row.q50);
            chart.page.text(&text, (x + 10.0, y + 0.36 * TICK), Anchor::Left, TICK, INK)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
