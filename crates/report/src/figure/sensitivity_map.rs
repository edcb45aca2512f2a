//! The sensitivity of every phase and splitter of a core, at its place on the mesh: the core with the most sensitive component.
//!
//! ```text
//! columns  layer, tile, stage, component, column, mode, number, sensitivity
//! x        column of the mesh; the stages V†, Σ and U one after another
//! y        mode, the first one on top
//! colour   sensitivity relative to the median of the core, in steps of a factor of two
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::Stroke;
use crate::plot::palette::{Colour, FRAME};
use crate::style::FigureStyle;
use crate::table::{Row, Table};

/// The figure of sensitivities.
pub(crate) const SENSITIVITY_MAP: Figure = Figure {
    key: "sensitivity",
    description: "sensitivity of the outputs to every phase and splitter, on the mesh of the most sensitive core",
    draw,
};

/// Upper ends of the steps of the sensitivity over its median, with their colours: light to dark, as by lightness alone.
const STEPS: [(f64, Colour, &str); 6] = [
    (0.25, (247, 217, 160), "below ¼ of the median"),
    (0.5, (236, 178, 110), "¼ to ½"),
    (1.0, (214, 132, 78), "½ to 1"),
    (2.0, (172, 85, 66), "1 to 2"),
    (4.0, (115, 49, 64), "2 to 4"),
    (f64::INFINITY, (51, 24, 56), "above 4 times the median"),
];

/// A component: place, whether it is a splitter, sensitivity.
struct Mark {
    x: f64,
    y: f64,
    is_splitter: bool,
    sensitivity: f64,
}

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let Some(first) = table.rows().first() else { return Err(ReportError::NoRows) };
    let number = |row: &Row, name: &str| table.number(row, name);
    let core = [number(first, "layer")?, number(first, "tile")?];
    let mut rows: Vec<(&Row, f64)> = Vec::new();
    for row in table.rows() {
        let own = [number(row, "layer")?, number(row, "tile")?];
        if own.iter().zip(core).all(|(a, b)| (a - b).abs() < 0.5) {
            rows.push((row, number(row, "stage")?));
        }
    }
    // Columns of the stages before each stage, with a gap of two.
    let mut widths: Vec<f64> = Vec::new();
    for (row, stage) in &rows {
        widths.resize(widths.len().max(*stage as usize + 1), 0.0);
        widths[*stage as usize] = widths[*stage as usize].max(number(row, "column")? + 1.0);
    }
    let start = |stage: f64| widths.iter().take(stage as usize).map(|width| width + 2.0).sum::<f64>();
    let component = table.column("component")?;
    let mut marks = Vec::new();
    for (row, stage) in &rows {
        let kind = row.text(component);
        // Within a column: φ, first splitter, θ, second splitter.
        let (along, across) = match (kind, number(row, "number")? as usize) {
            ("theta", _) => (0.5, 0.0),
            ("phi", _) => (0.0, 0.0),
            ("splitter", 0) => (0.25, 0.5),
            ("splitter", 1) => (0.75, 0.5),
            ("splitter", _) => (-0.15, 0.5),
            _ => (-0.2, 0.0),
        };
        marks.push(Mark {
            x: start(*stage) + number(row, "column")? + along,
            y: -(number(row, "mode")? + across),
            is_splitter: kind == "splitter",
            sensitivity: number(row, "sensitivity")?,
        });
    }
    let mut sorted: Vec<f64> = marks.iter().map(|mark| mark.sensitivity).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let step =
        |mark: &Mark| STEPS.iter().position(|(end, ..)| mark.sensitivity / median < *end).unwrap_or(STEPS.len() - 1);
    let modes = marks.iter().fold(0.0, |most: f64, mark| most.max(-mark.y));
    let end = marks.iter().fold(0.0, |most: f64, mark| most.max(mark.x));
    let entry = |marker, colour, text: &str| Entry {
        line: Some(Stroke { colour, width: 0.0, dashes: None }),
        marker: Some(marker),
        text: text.to_owned(),
        ..Entry::default()
    };
    let mut legend: Vec<Entry> = STEPS.iter().map(|(_, colour, text)| entry(Marker::Circle, *colour, text)).collect();
    legend.push(entry(Marker::Circle, FRAME, "phase"));
    legend.push(entry(Marker::Square, FRAME, "splitter"));
    let name = table.metadata("name").unwrap_or("Sensitivity");
    let mut x_ticks: Vec<f64> = Vec::new();
    (0..widths.len()).for_each(|stage| x_ticks.push(start(stage as f64)));
    let every = (modes / 16.0).ceil().max(1.0);
    let y_ticks: Vec<f64> = (0..=(modes / every) as usize).map(|tick| -(tick as f64 * every)).collect();
    let frame = Frame {
        title: format!("{name}: layer {}, tile {}", core[0], core[1]),
        legend,
        x: Axis::with_ticks(-1.0..end + 1.0, &x_ticks, "column of the core; the ticks are the starts of its stages"),
        y: Axis::with_ticks(-modes - 1.0..1.0, &y_ticks, "− mode"),
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        for (index, (_, colour, _)) in STEPS.iter().enumerate() {
            for is_splitter in [false, true] {
                let marker = if is_splitter { Marker::Square } else { Marker::Circle };
                let own = marks.iter().filter(|mark| step(mark) == index && mark.is_splitter == is_splitter);
                chart.dots(own.map(|mark| (mark.x, mark.y)), marker, *colour)?;
            }
        }
        Ok(())
    })
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
        let none = Table::parse("layer,tile,stage,component,column,mode,number,sensitivity\n").unwrap();
        assert!(matches!(draw(&none, &FigureStyle::default()), Err(ReportError::NoRows)));
    }
}
