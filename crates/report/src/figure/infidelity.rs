//! Infidelity of a matrix on many chips against the swept quantity: mean and 10–90 % band of chips, and the law as a line.
//!
//! ```text
//! columns  row, point, one per swept key, chips, infidelity_mean, infidelity_q10, infidelity_q90, infidelity_law
//! x        as in the figure of accuracies
//! y        1 − F, logarithmic if it spans more than 1.5 decades; zeros are then triangles at its lower end
//! ```

use super::accuracy::{joined_names, split_ratio, style_of, x_axis};
use super::{Figure, provenance, spread};
use crate::error::ReportError;
use crate::figure_axes::FigureAxes;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::end_labels::{self, EndLabel};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::style::FigureStyle;
use crate::summary::{Kind, Outcome, Summary};
use crate::table::Table;

/// The figure of infidelities.
pub(crate) const INFIDELITY: Figure = Figure {
    key: "infidelity",
    description: "infidelity of a matrix on imperfect chips over a sweep: mean, 10–90 % band, and the law",
    draw,
};

/// An infidelity below this is rounding and counts as zero.
const ROUNDING: f64 = 1e-20;

/// One point of a line: x, its chips, and its law.
type Marked<'a> = (f64, &'a Outcome, Option<f64>);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let (summary, laws) = read(table)?;
    let axes = FigureAxes::new(&summary);
    let values = || {
        let chips = summary.outcomes.iter().flat_map(|o| [o.mean, o.q10, o.q90].into_iter().chain(o.values.clone()));
        chips.chain(laws.iter().copied().flatten()).filter(|value| *value > 0.0)
    };
    let y = y_axis(&values().collect::<Vec<_>>(), summary.score.title);
    let x = match axes.x {
        Some(_) => x_axis(&summary, &axes),
        None => Axis::categories(&[summary.chips()], ""),
    };
    let position = |outcome: &Outcome| if axes.x.is_some() { axes.x_of(outcome) } else { Some(0.0) };
    let mut lines: Vec<Vec<Marked>> = vec![Vec::new(); axes.groups.len()];
    for (outcome, law) in summary.outcomes.iter().zip(&laws) {
        let (Some(group), Some(x)) = (axes.group_of(outcome), position(outcome)) else { continue };
        lines[group].push((x, outcome, *law));
    }
    lines.iter_mut().for_each(|line| line.sort_by(|a, b| a.0.total_cmp(&b.0)));
    let lines = distinct(lines);
    let is_shown = |value: f64| y.contains(value);
    let mut footer = provenance(table);
    let is_zero = |outcome: &Outcome| !is_shown(outcome.mean) || outcome.values.iter().any(|value| !is_shown(*value));
    if summary.outcomes.iter().any(is_zero) {
        footer.push("triangles at the lower edge: 1 − F = 0".to_owned());
    }
    let mut legend = legend(&summary, &axes, &lines);
    let labels = if x.is_categorical() { Vec::new() } else { end_labels(&summary, &axes, &lines) };
    let room = end_labels::room(&labels, style.units());
    if room.is_some() {
        // The names are at the ends of the lines.
        legend.truncate(1);
    }
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Infidelity").to_owned(),
        legend,
        x: x.clone(),
        y: y.clone(),
        footer: footer.join(" · "),
        top: split_ratio(&summary, &axes),
        right: room.unwrap_or(0.0),
    };
    chart::draw(style, frame, |chart| {
        for (index, Line { points: line, .. }) in lines.iter().enumerate() {
            let (stroke, marker) = style_of(index);
            let shown: Vec<&Marked> = line.iter().filter(|(_, outcome, _)| is_shown(outcome.mean)).collect();
            let inside = |value: f64| if is_shown(value) { value } else { f64::NEG_INFINITY };
            let chips: Vec<(f64, &Outcome)> = shown.iter().map(|(x, outcome, _)| (*x, *outcome)).collect();
            for run in chips.chunk_by(|a, b| x.joins(a.0, b.0)) {
                spread::draw(chart, run, (stroke, marker), |o| o.mean, inside)?;
            }
            let laws: Vec<(f64, f64)> =
                line.iter().filter_map(|(x, _, law)| Some((*x, (*law).filter(|law| is_shown(*law))?))).collect();
            let law = law_stroke(stroke);
            for run in laws.chunk_by(|a, b| x.joins(a.0, b.0)) {
                match run {
                    [point] => chart.stub(*point, 24.0, law)?,
                    run => chart.line(run.iter().copied(), law)?,
                }
            }
            chart.markers(shown.iter().map(|(x, outcome, _)| (*x, outcome.mean)), marker, stroke.colour)?;
            for (x, outcome, law) in line {
                let law = law.map(|law| format!(", law {}", summary.score.text(law))).unwrap_or_default();
                chart
                    .value((*x, inside(outcome.mean)), || spread::text(&summary, outcome, "mean", outcome.mean) + &law);
            }
            let at_edge = |(x, ..): &Marked| (*x, f64::NEG_INFINITY);
            let means = line.iter().filter(|(_, outcome, _)| !is_shown(outcome.mean));
            chart.markers(means.map(at_edge), Marker::TriangleDown, stroke.colour)?;
            let zeros = |outcome: &Outcome| outcome.values.iter().any(|value| !is_shown(*value));
            let zeros = line.iter().filter(|(_, outcome, _)| zeros(outcome)).map(at_edge);
            chart.dots(zeros, Marker::TriangleDown, stroke.colour)?;
        }
        if room.is_some() { end_labels::draw(chart, &labels) } else { Ok(()) }
    })
}

/// The names of the lines at their last points; none without a second key.
fn end_labels(summary: &Summary, axes: &FigureAxes, lines: &[Line]) -> Vec<EndLabel> {
    if axes.grouping.is_empty() {
        return Vec::new();
    }
    let label = |(index, line): (usize, &Line)| {
        let (stroke, marker) = style_of(index);
        let mean = line.points.last()?.1.mean;
        let y = if mean > 0.0 { mean } else { f64::NEG_INFINITY };
        Some(EndLabel { name: joined_names(summary, axes, &line.groups, " = "), marker, colour: stroke.colour, y })
    };
    lines.iter().enumerate().filter_map(label).collect()
}

/// Series are equal if their infidelities agree to this relative difference, less than the size of a marker.
const EQUAL: f64 = 0.01;

/// Series that are drawn as one line.
struct Line<'a> {
    points: Vec<Marked<'a>>,
    /// Indices of the series in [`FigureAxes::groups`].
    groups: Vec<usize>,
}

impl Line<'_> {
    fn has_law(&self) -> bool {
        self.points.iter().any(|(.., law)| law.is_some())
    }
}

/// The series of all groups, equal ones as one line, with the law of the first that has one.
fn distinct(series: Vec<Vec<Marked<'_>>>) -> Vec<Line<'_>> {
    let equal = |a: f64, b: f64| (a - b).abs() <= EQUAL * a.abs().max(b.abs());
    let same = |((x, a, _), (other, b, _)): (&Marked, &Marked)| {
        let [a, b] = [a, b].map(|o| [o.mean, o.q10, o.q90]);
        x.total_cmp(other).is_eq() && a.iter().zip(b).all(|(a, b)| equal(*a, b))
    };
    let mut lines: Vec<Line> = Vec::new();
    for (group, points) in series.into_iter().enumerate() {
        let is_same = |line: &&mut Line| line.points.len() == points.len() && line.points.iter().zip(&points).all(same);
        match lines.iter_mut().find(is_same) {
            None => lines.push(Line { points, groups: vec![group] }),
            Some(line) => {
                line.groups.push(group);
                if !line.has_law() {
                    line.points = points;
                }
            }
        }
    }
    lines
}

/// The stroke of a law next to the stroke of its chips.
fn law_stroke(stroke: Stroke) -> Stroke {
    Stroke { width: 1.6, dashes: None, ..stroke }
}

/// The rows of chips with their laws. Rounding counts as zero.
fn read(table: &Table) -> Result<(Summary, Vec<Option<f64>>), ReportError> {
    let mut summary = Summary::read(table)?;
    summary.outcomes.retain(|outcome| outcome.kind == Kind::Chips);
    if summary.outcomes.is_empty() {
        return Err(ReportError::NoRows);
    }
    let without_rounding = |value: f64| if value < ROUNDING { 0.0 } else { value };
    for outcome in &mut summary.outcomes {
        let Outcome { mean, q10, q90, values, .. } = outcome;
        [mean, q10, q90].into_iter().chain(values).for_each(|value| *value = without_rounding(*value));
    }
    let (kind, law) = (table.column("row")?, table.column("infidelity_law")?);
    let chips = table.rows().iter().filter(|row| row.text(kind) == "chips");
    let laws = chips.map(|row| match row.text(law) {
        "" => Ok(None),
        _ => table.number(row, "infidelity_law").map(|value| Some(without_rounding(value))),
    });
    Ok((summary, laws.collect::<Result<_, _>>()?))
}

/// An axis for positive infidelities.
fn y_axis(values: &[f64], title: &str) -> Axis {
    match extremes(values.iter().copied()) {
        (low, high) if low < high => Axis::numeric(values, &quantity(title)),
        // One value alone, or none.
        (_, high) => {
            let high = if high > 0.0 { high } else { 1.0 };
            Axis::with_ticks(0.0..1.5 * high, &[0.0, high], title)
        }
    }
}

fn legend(summary: &Summary, axes: &FigureAxes, lines: &[Line]) -> Vec<Entry> {
    let text = spread::words(summary, "mean", axes.x_is_numeric);
    let band = spread::has_band(summary, axes.x_is_numeric);
    let of_line = |index: usize, text: String| {
        let (stroke, marker) = style_of(index);
        let line = Some(if lines[index].has_law() { law_stroke(stroke) } else { Stroke { width: 0.0, ..stroke } });
        Entry { line, marker: Some(marker), band, text, ..Entry::default() }
    };
    let text = if lines.iter().any(Line::has_law) { format!("{text}; line: law") } else { text };
    if axes.grouping.is_empty() {
        return vec![of_line(0, text)];
    }
    let quantities: Vec<_> = axes.grouping.iter().map(|&key| quantity(&summary.keys[key])).collect();
    let names: Vec<&str> = quantities.iter().map(|quantity| quantity.name.as_str()).collect();
    let head = Entry { text: format!("{text}; {}:", names.join(", ")), ..Entry::default() };
    let entries =
        lines.iter().enumerate().map(|(index, line)| of_line(index, joined_names(summary, axes, &line.groups, " = ")));
    std::iter::once(head).chain(entries).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(rows: &str) -> Result<String, ReportError> {
        let header = "# name: a sweep\nrow,point,splitter_error.sigma_rad,chips,infidelity_mean,infidelity_q10,\
                      infidelity_q50,infidelity_q90,infidelity_law\n";
        draw(&Table::parse(&format!("{header}{rows}")).unwrap(), &FigureStyle::default())
    }

    #[test]
    fn chips_and_law_are_drawn_and_zeros_are_triangles_at_the_edge_of_a_logarithmic_axis() {
        let drawn = svg("perfect,0,0,1,1e-32,1e-32,1e-32,1e-32,\nchips,0,0,20,1e-32,1e-32,1e-32,1e-32,0\n\
                         chips,1,0.01,20,1e-3,8e-4,1e-3,1.2e-3,1e-3\nchips,2,0.1,20,0.1,0.08,0.1,0.12,0.1\n");
        let drawn = drawn.unwrap();
        for text in ["a sweep", "infidelity 1 − F", "mean of 20 chips", "line: law", "triangles at the lower edge"] {
            assert!(drawn.contains(text), "{text}");
        }
    }

    #[test]
    fn equal_series_are_one_line_and_few_chips_points() {
        let header = "row,point,phase_error.sigma_rad,correction,chips,infidelity_mean,infidelity_q10,infidelity_q50,\
                      infidelity_q90,infidelity_law\n";
        let row = |point: u32, word: &str, mean: f64| {
            format!("chips,{point},0.0{},{word},3,{mean},{mean},{mean},{mean},\n", point % 2 + 1)
        };
        let rows = [row(0, "none", 0.01), row(1, "none", 0.04), row(2, "loss", 0.010_01), row(3, "loss", 0.04)];
        let rows = rows.concat() + &row(4, "local", 1e-4) + &row(5, "local", 2e-4);
        let table = Table::parse(&format!("{header}{rows}")).unwrap();
        let svg = draw(&table, &FigureStyle::default()).unwrap();
        assert!(
            svg.contains("\nuncorrected = loss corrected\n") && svg.contains("mean of 3 chips; correction:"),
            "{svg}"
        );
        assert!(!svg.contains("opacity=\"0.18\""));
        let chips: String = (0..6).map(|point| format!("chips,{point},0,0.03\nchips,{point},1,0.05\n")).collect();
        let chips = Table::parse(&format!("row,point,trial,infidelity\n{chips}")).unwrap();
        let with_chips = draw(&table.with_chips(chips), &FigureStyle::default()).unwrap();
        // Two circles, each with a rim, at both points of the first line.
        assert_eq!(with_chips.matches("<circle").count(), svg.matches("<circle").count() + 2 * 2 * 2);
    }

    #[test]
    fn a_chip_without_infidelity_is_a_triangle_at_the_edge() {
        let row = |point: u32, values: [f64; 3]| {
            let [low, middle, high] = values;
            let chips: String =
                values.iter().enumerate().map(|(k, value)| format!("chips,{point},{k},{value}\n")).collect();
            (format!("chips,{point},0.0{point},3,{middle},{low},{middle},{high},\n"), chips)
        };
        let drawn = |first: f64| {
            let rows = [row(1, [first, 1e-4, 2e-4]), row(2, [1e-3, 1e-2, 0.1])];
            let header = "row,point,phase_error.sigma_rad,chips,infidelity_mean,infidelity_q10,infidelity_q50,\
                          infidelity_q90,infidelity_law\n";
            let table = Table::parse(&(header.to_owned() + &rows[0].0 + &rows[1].0)).unwrap();
            let chips = format!("row,point,trial,infidelity\n{}{}", rows[0].1, rows[1].1);
            draw(&table.with_chips(Table::parse(&chips).unwrap()), &FigureStyle::default()).unwrap()
        };
        let (with_zero, without) = (drawn(0.0), drawn(1e-4));
        assert!(with_zero.contains("triangles at the lower edge: 1 − F = 0") && !without.contains("triangles"));
        // A circle and its rim less, a triangle and its rim more.
        assert_eq!(with_zero.matches("<circle").count() + 2, without.matches("<circle").count());
        assert_eq!(with_zero.matches("<polygon").count(), without.matches("<polygon").count() + 2);
    }

    #[test]
    fn splitter_angles_have_an_axis_of_split_ratios() {
        let rows = "chips,0,0,20,1e-4,1e-4,1e-4,1e-4,\nchips,1,0.1,20,2e-4,1e-4,2e-4,3e-4,\n";
        assert!(svg(rows).unwrap().contains("\nx in the split ratio 50 ± x %\n"));
        // Above π/4 the ratio is no function of the angle.
        assert!(!svg(&rows.replace("0.1,20", "0.9,20")).unwrap().contains("split ratio"));
    }

    #[test]
    fn one_point_zeros_alone_and_missing_laws_are_drawn() {
        assert!(svg("chips,0,0,1,0,0,0,0,\n").unwrap().contains("one chip"));
        let drawn = svg("chips,0,0.1,3,0.2,0.1,0.2,0.3,\nchips,1,0.2,3,0.3,0.2,0.3,0.4,\n").unwrap();
        assert!(!drawn.contains("law") && !drawn.contains("band"));
        assert!(matches!(svg("perfect,0,0,1,0,0,0,0,\n"), Err(ReportError::NoRows)));
    }
}
