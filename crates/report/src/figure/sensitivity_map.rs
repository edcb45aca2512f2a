//! The sensitivity of every phase and splitter of a core, at its place on the mesh: the core with the most sensitive component, or
//! the program of a single matrix. A panel each shows internal phases, the phases before and after cells, and splitters.
//!
//! ```text
//! columns  layer, tile (not of a single matrix), stage, component, column, mode, number, sensitivity, chips_sensitivity
//! x        column of the mesh; the stages V†, Σ and U one after another; the splitters of a cell side by side
//! y        mode, the first one on top, panel after panel; lines are waveguides
//! colour   sensitivity on sampled chips, or on the perfect chip without them, relative to the median of all components
//! ```

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::chart::{self, Frame};
use crate::plot::legend::Entry;
use crate::plot::marker::Marker;
use crate::plot::page::{Anchor, Stroke};
use crate::plot::palette::{Colour, FRAME, INK, LABEL, SENSITIVITY};
use crate::style::FigureStyle;
use crate::table::{Row, Table};

/// The figure of sensitivities.
pub(crate) const SENSITIVITY_MAP: Figure = Figure {
    key: "sensitivity",
    description: "sensitivity of the outputs, or of a matrix, to every phase and splitter of the most sensitive core",
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

/// The sensitivities of a unitary mesh are equal but for rounding, of tables with seven digits: equal ones have one colour.
const ROUNDING: f64 = 1e-5;

/// A waveguide.
const WAVEGUIDE: Stroke = Stroke { colour: FRAME, width: 0.75, dashes: None };

/// Columns between two stages.
const GAP: f64 = 2.0;

/// The most sensitive components have values as texts.
const MAX_VALUES: usize = 20;

/// Meshes of at most this many modes have their waveguides, and gaps between components where these are seen.
const MAX_DRAWN_MODES: f64 = 32.0;
/// Gap on each side of a component, relative to its size.
const INSET: f64 = 0.12;

/// Space above the modes of a panel, relative to their number, for its title.
const HEAD: f64 = 0.2;

/// The panels from the top, with the components that each shows.
const PANELS: [(&str, &[&str]); 3] = [
    ("internal phases θ", &["theta"]),
    ("external phases φ, and phases outside cells", &["phi", "output", "boundary"]),
    ("splitters", &["splitter"]),
];

/// A component: its panel, its upper left corner in it, its size, and its sensitivity.
struct Mark {
    panel: usize,
    corner: (f64, f64),
    size: (f64, f64),
    sensitivity: f64,
}

fn draw(table: &Table, style: &FigureStyle) -> Result<String, ReportError> {
    let Some(first) = table.rows().first() else { return Err(ReportError::NoRows) };
    let number = |row: &Row, name: &str| table.number(row, name);
    // A single matrix has no layers and no tiles.
    let has_cores = table.column("layer").is_ok();
    let core_of = |row: &Row| match has_cores {
        true => Ok::<_, ReportError>(Some([number(row, "layer")?, number(row, "tile")?].map(|index| index as usize))),
        false => Ok(None),
    };
    let core = core_of(first)?;
    let mut rows: Vec<(&Row, usize)> = Vec::new();
    for row in table.rows() {
        if core_of(row)? == core {
            rows.push((row, number(row, "stage")? as usize));
        }
    }
    // Columns of each stage. Between stages is a gap.
    let mut widths: Vec<f64> = Vec::new();
    let mut splitters = 1.0_f64;
    for (row, stage) in &rows {
        widths.resize(widths.len().max(stage + 1), 0.0);
        widths[*stage] = widths[*stage].max(number(row, "column")? + 1.0);
        splitters = splitters.max(number(row, "number")? + 1.0);
    }
    let start = |stage: usize| widths[..stage].iter().fold(0.0, |sum, width| sum + width + GAP);
    let (component, chips) = (table.column("component")?, table.column("chips_sensitivity")?);
    let has_chips = !first.text(chips).is_empty();
    let value = if has_chips { "chips_sensitivity" } else { "sensitivity" };
    let mut marks: Vec<Mark> = Vec::new();
    for (row, stage) in &rows {
        let name = row.text(component);
        let Some(panel) = PANELS.iter().position(|(_, components)| components.contains(&name)) else { continue };
        let is_cell = ["theta", "phi", "splitter"].contains(&name);
        // The cells of a column of attenuators have one mode.
        let height = if is_cell && widths[*stage] > 1.5 { 2.0 } else { 1.0 };
        let width = if name == "splitter" { 1.0 / splitters } else { 1.0 };
        let x = start(*stage) + number(row, "column")? + number(row, "number")? * width;
        let corner = (x, number(row, "mode")?);
        marks.push(Mark { panel, corner, size: (width, height), sensitivity: number(row, value)? });
    }
    let mut sorted: Vec<f64> = marks.iter().map(|mark| mark.sensitivity).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().ok_or(ReportError::NoRows)?;
    let colour = |mark: &Mark| {
        let relative = mark.sensitivity / median;
        STEPS
            .iter()
            .find(|(end, ..)| relative < *end * (1.0 - ROUNDING))
            .map_or(STEPS[STEPS.len() - 1].1, |step| step.1)
    };
    let modes = marks.iter().fold(0.0, |most: f64, mark| most.max(mark.corner.1 + mark.size.1));
    let end = marks.iter().fold(0.0, |most: f64, mark| most.max(mark.corner.0 + mark.size.0));
    let top = |panel: usize| panel as f64 * modes * (1.0 + HEAD) + modes * HEAD;
    let legend = STEPS.iter().map(|(_, colour, text)| Entry {
        line: Some(Stroke { colour: *colour, width: 0.0, dashes: None }),
        marker: Some(Marker::Square),
        text: (*text).to_owned(),
        ..Entry::default()
    });
    let name = table.metadata("name").unwrap_or("Sensitivity");
    let ticks = (0..widths.len()).filter(|stage| *stage == 0 || widths[*stage] > 1.5).map(start);
    let frame = Frame {
        title: format!(
            "{name}: {}{}",
            core.map_or(String::new(), |[layer, tile]| format!("layer {layer}, tile {tile}, ")),
            if has_chips { "sampled chips" } else { "perfect chip" }
        ),
        legend: legend.collect(),
        x: Axis::with_ticks(
            -1.0..end + 1.0,
            &ticks.collect::<Vec<_>>(),
            "column of the core, mesh after mesh; modes from top to bottom",
        ),
        y: Axis::rows(top(PANELS.len()) - modes * HEAD),
        footer: provenance(table).join(" · "),
        top: None,
        right: 0.0,
    };
    chart::draw(style, frame, |chart| {
        for (panel, (title, _)) in PANELS.iter().enumerate() {
            let (x, y) = chart.place((0.0, top(panel)));
            chart.page.text(title, (x, y - 0.4 * LABEL), Anchor::Left, LABEL, INK)?;
        }
        let has_waveguides = modes <= MAX_DRAWN_MODES;
        if has_waveguides {
            for mode in 0..PANELS.len() * modes as usize {
                let (panel, mode) = (mode / modes as usize, (mode % modes as usize) as f64);
                let y = top(panel) + mode + 0.5;
                chart.line([(-0.7, y), (end + 0.7, y)], WAVEGUIDE)?;
            }
        }
        let inset = if has_waveguides { INSET } else { 0.0 };
        for mark in &marks {
            let (x, y) = (mark.corner.0, top(mark.panel) + mark.corner.1);
            let (width, height) = mark.size;
            let upper = (x + inset * width, y + inset);
            let lower = (x + width - inset * width, y + height - inset);
            chart.page.cell(chart.place(upper), chart.place(lower), colour(mark));
        }
        let mut largest: Vec<&Mark> = marks.iter().collect();
        largest.sort_by(|a, b| b.sensitivity.total_cmp(&a.sensitivity));
        for (rank, mark) in largest.into_iter().take(MAX_VALUES).enumerate() {
            let ((x, y), (width, height)) = (mark.corner, mark.size);
            chart.value((x + width / 2.0, top(mark.panel) + y + height / 2.0), || {
                let relative = mark.sensitivity / median;
                let (stage, column) = place_of(&widths, x);
                let (name, rank) = (PANELS[mark.panel].0, rank + 1);
                format!("{name}: number {rank} of all, stage {stage}, column {column}, mode {y}, {relative:.1} times the median")
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
            return (stage, (x - start).floor());
        }
        start += width + GAP;
    }
    (widths.len(), 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::scheme::hex;

    #[test]
    fn the_most_sensitive_core_is_drawn() {
        let text = "layer,tile,stage,component,column,mode,number,sensitivity,chips_sensitivity,chips_sensitivity_se,share\n\
            2,1,0,theta,0,0,0,4,,,0.5\n2,1,0,splitter,0,0,1,1,,,0.1\n2,1,2,output,3,1,0,1,,,0.1\n0,0,0,phi,0,0,0,0.5,,,0.1\n";
        let svg = draw(&Table::parse(text).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("layer 2, tile 1, perfect chip") && svg.contains("above 4 times the median"), "{svg}");
        assert!(PANELS.iter().all(|(title, _)| svg.contains(title)), "{svg}");
        // On sampled chips, the most sensitive component is another one: relative to the median 2, they are 1, 4 and ½.
        let chips =
            text.replace("4,,,", "2,2,1,").replace("0,1,,,0.1\n0", "0,1,1,,0.1\n0").replace("1,1,,,", "1,1,9,,");
        let svg = draw(&Table::parse(&chips).unwrap(), &FigureStyle::default()).unwrap();
        let cells = |colour: Colour| {
            let begin = format!("<path fill=\"none\" stroke=\"{}\" stroke-width=", hex(colour));
            let paths = svg.split(&begin).skip(1).filter_map(|rest| rest.split("/>").next());
            paths.map(|path| path.matches('h').count()).sum::<usize>()
        };
        assert!(svg.contains("sampled chips"), "{svg}");
        assert_eq!([2, 3, 5].map(|step: usize| cells(STEPS[step].1)), [1, 1, 1], "{svg}");
    }

    #[test]
    fn a_matrix_has_no_layer_and_equal_sensitivities_have_one_colour() {
        let text = "stage,component,column,mode,number,sensitivity,chips_sensitivity,chips_sensitivity_se,share\n\
            0,theta,0,0,0,0.5,,,\n0,theta,1,0,0,0.4999999,,,\n0,phi,0,0,0,0.5000001,,,\n0,splitter,0,0,0,0.7071,,,\n";
        let svg = draw(&Table::parse(text).unwrap(), &FigureStyle::default()).unwrap();
        assert!(svg.contains("Sensitivity: perfect chip"), "{svg}");
        let cells = |step: usize| {
            let begin = format!("<path fill=\"none\" stroke=\"{}\" stroke-width=", hex(STEPS[step].1));
            let paths = svg.split(&begin).skip(1).filter_map(|rest| rest.split("/>").next());
            paths.map(|path| path.matches('h').count()).sum::<usize>()
        };
        assert_eq!([1, 2, 3].map(cells), [0, 0, 4], "{svg}");
    }
}
