//! A quantity with an interval against the swept quantity: what the figures of yields and of studies share.

use super::accuracy::{joined_names, style_of, x_axis, y_axis};
use super::provenance;
use crate::error::ReportError;
use crate::figure_axes::FigureAxes;
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::page::Stroke;
use crate::style::FigureStyle;
use crate::summary::{Outcome, Summary};
use crate::table::Table;

/// The words of such a figure.
pub(super) struct Words<'a> {
    /// Title of a table without a name.
    pub title: &'a str,
    /// What points and bars are.
    pub legend: &'a str,
    /// The value of a point in words.
    pub value: fn(&Summary, &Outcome) -> String,
}

/// Draws means with the interval from `q10` to `q90`, one line for each combination of the keys that are not on x.
pub(super) fn draw(
    table: &Table,
    style: &FigureStyle,
    summary: &Summary,
    words: &Words<'_>,
) -> Result<String, ReportError> {
    let axes = FigureAxes::new(summary);
    if axes.x.is_none() {
        return Err(ReportError::NoRows);
    }
    let x = x_axis(summary, &axes);
    let entry = |group: usize| {
        let (stroke, marker) = style_of(group);
        let text = joined_names(summary, &axes, &[group], "");
        Entry { line: Some(stroke), marker: Some(marker), text, ..Entry::default() }
    };
    let legend = if axes.grouping.is_empty() {
        vec![Entry { text: words.legend.to_owned(), ..entry(0) }]
    } else {
        let names: Vec<String> = axes.grouping.iter().map(|&key| quantity(&summary.keys[key]).name).collect();
        let head = Entry { text: format!("{}; {}:", words.legend, names.join(", ")), ..Entry::default() };
        std::iter::once(head).chain((0..axes.groups.len()).map(entry)).collect()
    };
    let frame = Frame {
        title: table.metadata("name").unwrap_or(words.title).to_owned(),
        legend,
        x: x.clone(),
        y: y_axis(summary),
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        for group in 0..axes.groups.len() {
            let (stroke, marker) = style_of(group);
            let own = summary.outcomes.iter().filter(|outcome| axes.group_of(outcome) == Some(group));
            let mut line: Vec<(f64, &Outcome)> = own.filter_map(|o| Some((axes.x_of(o)?, o))).collect();
            line.sort_by(|a, b| a.0.total_cmp(&b.0));
            for run in line.chunk_by(|a, b| x.joins(a.0, b.0)).filter(|run| run.len() > 1 && !x.is_categorical()) {
                chart.line(run.iter().map(|(x, outcome)| (*x, outcome.mean)), stroke)?;
            }
            for (place, outcome) in &line {
                let interval = [outcome.q10, outcome.mean, outcome.q90];
                chart.error_bar(*place, interval, Stroke { width: 1.5, dashes: None, ..stroke })?;
            }
            chart.markers(line.iter().map(|(x, outcome)| (*x, outcome.mean)), marker, stroke.colour)?;
            for (place, outcome) in &line {
                chart.value((*place, outcome.mean), || (words.value)(summary, outcome));
            }
        }
        Ok(())
    })
}
