//! The sensitivity of every cell of a core, at its place on the mesh: the core with the most sensitive component.
//!
//! ```text
//! columns  layer, tile, stage, component, column, mode, number, sensitivity
//! x        column of the mesh; the stages V†, Σ and U one after another
//! y        mode, the first one on top
//! colour   root of the summed squares of the phases and splitters of a cell, relative to the median of all cells
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::{Colour, SENSITIVITY};
use crate::style::FigureStyle;
use crate::table::{Row, Table};

/// The figure of sensitivities.
pub(crate) const SENSITIVITY_MAP: Figure = Figure {
    key: "sensitivity",
    description: "sensitivity of the outputs to the phases and splitters of every cell, on the most sensitive core",
    draw,
};

/// Upper ends of the steps of the sensitivity over its median, with their colours.
const STEPS: [(f64, Colour, &str); 6] = [
    (0.25, SENSITIVITY[0], "below ¼ of the median"),
    (0.5, SENSITIVITY[1], "¼ to ½"),
    (1.0, SENSITIVITY[2], "½ to 1"),
    (2.0, SENSITIVITY[3], "1 to 2"),
    (4.0, SENSITIVITY[4], "2 to 4"),
    (f64::INFINITY, SENSITIVITY[5], "above 4 times the median"),
];

/// Columns between two stages.
const GAP: f64 = 2.0;

/// The most sensitive cells have values as texts.
const MAX_VALUES: usize = 20;

/// A cell or a phase outside of cells: its upper left corner, its height, and its squared sensitivity.
struct Mark {
    x: f64,
    y: f64,
    height: f64,
    squared: f64,
}

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let Some(first) = table.rows().first() else { return Err(ReportError::NoRows) };
    let number = |row: &Row, name: &str| table.number(row, name);
    let core = [number(first, "layer")?, number(first, "tile")?];
    let mut rows: Vec<(&Row, usize)> = Vec::new();
    for row in table.rows() {
        let own = [number(row, "layer")?, number(row, "tile")?];
        if own.iter().zip(core).all(|(a, b)| (a - b).abs() < 0.5) {
            rows.push((row, number(row, "stage")? as usize));
        }
    }
    // Columns of each stage. Between stages is a gap.
    let mut widths: Vec<f64> = Vec::new();
    for (row, stage) in &rows {
        widths.resize(widths.len().max(stage + 1), 0.0);
        widths[*stage] = widths[*stage].max(number(row, "column")? + 1.0);
    }
    let start = |stage: usize| widths[..stage].iter().fold(0.0, |sum, width| sum + width + GAP);
    let component = table.column("component")?;
    let mut marks: Vec<Mark> = Vec::new();
    for (row, stage) in &rows {
        let is_cell = ["theta", "phi", "splitter"].contains(&row.text(component));
        // The cells of a column of attenuators have one mode.
        let height = if is_cell && widths[*stage] > 1.5 { 2.0 } else { 1.0 };
        let (x, y) = (start(*stage) + number(row, "column")?, number(row, "mode")?);
        let squared = number(row, "sensitivity")?.powi(2);
        let same = |mark: &&mut Mark| (mark.x - x).abs() + (mark.y - y).abs() + (mark.height - height).abs() < 0.1;
        match marks.iter_mut().find(same) {
            Some(mark) => mark.squared += squared,
            None => marks.push(Mark { x, y, height, squared }),
        }
    }
    let mut sorted: Vec<f64> = marks.iter().map(|mark| mark.squared.sqrt()).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let colour = |mark: &Mark| {
        let relative = mark.squared.sqrt() / median;
        STEPS.iter().find(|(end, ..)| relative < *end).map_or(STEPS[STEPS.len() - 1].1, |step| step.1)
    };
    let modes = marks.iter().fold(0.0, |most: f64, mark| most.max(mark.y + mark.height));
    let end = marks.iter().fold(0.0, |most: f64, mark| most.max(mark.x + 1.0));
    let legend = STEPS.iter().map(|(_, colour, text)| Entry {
        line: Some(Stroke { colour: *colour, width: 0.0, dashes: None }),
        marker: Some(Marker::Square),
        text: (*text).to_owned(),
        ..Entry::default()
    });
    let name = table.metadata("name").unwrap_or("Sensitivity");
    let ticks = (0..widths.len()).filter(|stage| *stage == 0 || widths[*stage] > 1.5).map(start);
    let frame = Frame {
        title: format!("{name}: layer {}, tile {}", core[0], core[1]),
        legend: legend.collect(),
        x: Axis::with_ticks(
            -1.0..end + 1.0,
            &ticks.collect::<Vec<_>>(),
            "column of the core, mesh after mesh; modes from top to bottom",
        ),
        y: Axis::rows(modes),
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        for mark in &marks {
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, mark.height), (0.0, mark.height)];
            let place = |(x, y): &(f64, f64)| chart.place((mark.x + x, mark.y + y));
            chart.page.polygon(&corners.iter().map(place).collect::<Vec<_>>(), colour(mark), 1.0)?;
        }
        let mut largest: Vec<&Mark> = marks.iter().collect();
        largest.sort_by(|a, b| b.squared.total_cmp(&a.squared));
        for (rank, mark) in largest.into_iter().take(MAX_VALUES).enumerate() {
            chart.value((mark.x + 0.5, mark.y + mark.height / 2.0), || {
                let relative = mark.squared.sqrt() / median;
                let (stage, column) = place_of(&widths, mark.x);
                format!(
                    "number {} in sensitivity: stage {stage}, column {column}, mode {}: {relative:.1} times the median",
                    rank + 1,
                    mark.y
                )
            });
        }
        Ok(())
    })
}

/// The stage and the column in it at a place on the axis of columns.
fn place_of(widths: &[f64], x: f64) -> (usize, f64) {
    let mut start = 0.0;
    for (stage, width) in widths.iter().enumerate() {
        if x < start + width {
            return (stage, x - start);
        }
        start += width + GAP;
    }
    (widths.len(), 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_sensitive_core_is_drawn() {
        let text = "layer,tile,stage,component,column,mode,number,sensitivity,share\n\
            2,1,0,theta,0,0,0,4,0.5\n2,1,0,splitter,0,0,1,1,0.1\n2,1,2,output,3,1,0,1,0.1\n0,0,0,phi,0,0,0,0.5,0.1\n";
        let svg = draw(&Table::parse(text).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("layer 2, tile 1") && svg.contains("above 4 times the median"), "{svg}");
    }
}
