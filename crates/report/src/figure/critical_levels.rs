//! The share of chips that still pass at a level, from the critical level of every chip, and the yield that is asked for.
//!
//! ```text
//! columns  point, one per swept key, trial, critical, censored
//! x        the level, logarithmic
//! y        share of chips (%), one line of steps per point
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::{Axis, extremes};
use crate::plot::chart::{self, Frame};
use crate::plot::label::quantity;
use crate::plot::legend::Entry;
use crate::plot::page::Stroke;
use crate::plot::palette::{BLACK, SERIES};
use crate::style::FigureStyle;
use crate::table::Table;

/// The figure of critical levels.
pub(crate) const CRITICAL_LEVELS: Figure =
    Figure { key: "tolerance", description: "share of chips that still pass against the level of an error", draw };

/// Points of a line with values as texts.
const MAX_VALUES: usize = 20;

/// A line: its name, the critical levels of its chips in the order from good to bad, and the number of all its chips.
type Line = (String, Vec<f64>, usize);

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let (trial, critical) = (table.column("trial")?, table.column("critical")?);
    let number = |key: &str| table.metadata(key).and_then(|text| text.parse::<f64>().ok());
    let is_rising = number("from").zip(number("to")).is_none_or(|(from, to)| from < to);
    let mut lines: Vec<Line> = Vec::new();
    for row in table.rows() {
        let value = |index: usize| quantity(&table.header()[index]).value(row.text(index));
        let name = (1..trial).map(value).collect::<Vec<_>>().join(", ");
        let index = lines.iter().position(|line| line.0 == name).unwrap_or_else(|| {
            lines.push((name, Vec::new(), 0));
            lines.len() - 1
        });
        lines[index].2 += 1;
        if !row.text(critical).is_empty() {
            lines[index].1.push(table.number(row, "critical")?);
        }
    }
    let (low, high) = extremes(lines.iter().flat_map(|line| line.1.iter().copied()));
    if low >= high {
        return Err(ReportError::NoRows);
    }
    let key = table.metadata("level").unwrap_or("level");
    let x = Axis::logarithmic(&[low, high], &quantity(key));
    let share = number("share").unwrap_or(0.9);
    let stroke = |index: usize| Stroke { colour: SERIES[index % SERIES.len()], width: 1.8, dashes: None };
    let asked = Stroke { colour: BLACK, width: 1.0, dashes: Some((4.0, 3.0)) };
    let text = |name: &str| if name.is_empty() { "chips that pass".to_owned() } else { name.to_owned() };
    let mut legend: Vec<Entry> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| Entry { line: Some(stroke(index)), text: text(&line.0), ..Entry::default() })
        .collect();
    let asked_text = format!("yield asked for, {} %", 100.0 * share);
    legend.push(Entry { line: Some(asked), text: asked_text, ..Entry::default() });
    let frame = Frame {
        title: table.metadata("name").unwrap_or("Tolerance").to_owned(),
        legend,
        x,
        y: Axis::percent(0.0, 100.0, "chips that pass (%)"),
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        chart.line([(f64::NEG_INFINITY, 100.0 * share), (f64::INFINITY, 100.0 * share)], asked)?;
        for (index, (name, levels, all)) in lines.iter().enumerate() {
            let mut levels = levels.clone();
            levels.sort_by(f64::total_cmp);
            if !is_rising {
                levels.reverse();
            }
            let share = |passing: usize| 100.0 * passing as f64 / *all as f64;
            // Chips pass up to their critical level: the share steps down there.
            let steps = levels.iter().enumerate().flat_map(|(failed, level)| {
                [(*level, share(levels.len() - failed)), (*level, share(levels.len() - failed - 1))]
            });
            chart.line(steps, stroke(index))?;
            for (failed, level) in levels.iter().enumerate().step_by(levels.len().div_ceil(MAX_VALUES).max(1)) {
                let passing = share(levels.len() - failed);
                chart.value((*level, passing), || {
                    let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
                    let level: f64 = format!("{level:.3e}").parse().unwrap_or(*level);
                    format!("{name}{passing:.1} % of the chips pass at {}", quantity(key).value(&level.to_string()))
                });
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_step_down_at_their_critical_levels() {
        let text = "# from: 0.001\n# to: 1\npoint,trial,critical,censored\n0,0,0.01,false\n0,1,0.02,false\n0,2,,false\n0,3,1,true\n";
        let svg = draw(&Table::parse(text).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("chips that pass (%)") && svg.contains("yield asked for, 90 %"), "{svg}");
        let none = Table::parse("point,trial,critical,censored\n0,0,,false\n").unwrap();
        assert!(matches!(draw(&none, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
