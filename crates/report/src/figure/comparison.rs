//! Infidelity of meshes side by side, before and after correction, with the quantiles over chips.
//!
//! ```text
//! design   cells  dB     10⁻⁴   10⁻³   10⁻²   10⁻¹
//! name      28   −1.7      ──●──      ──○──          circle: as programmed; diamond: corrected
//! ```
//!
//! Columns used: topology, cell, cells, transmission_db, and median, q10, q90 of before and after.

use super::{Figure, provenance};
use crate::error::ReportError;
use crate::plot::axis::Axis;
use crate::plot::label::quantity;
use crate::plot::palette::{FAINT_INK, FOOTER, FRAME, GRID, INK, LABEL, SERIES, TICK, TITLE};
use crate::plot::pen;
use crate::plot::pen::{Anchor, Marker, Point, Stroke};
use crate::table::Table;

const WIDTH: f64 = 800.0;
const MARGIN: f64 = 20.0;
/// Where numbers end, and where the axis begins.
const CELLS: f64 = 270.0;
const LOSS: f64 = 340.0;
const LEFT: f64 = 365.0;
const TOP: f64 = 84.0;
const ROW: f64 = 18.0;
/// What counts as no infidelity at all.
const LEAST: f64 = 1e-12;

/// Meshes by infidelity.
pub(crate) struct Comparison;

struct Line {
    name: String,
    cells: String,
    loss: String,
    /// 10 % quantile, median, 90 % quantile; before and after.
    spans: [[f64; 3]; 2],
}

impl Figure for Comparison {
    fn key(&self) -> &'static str {
        "comparison"
    }

    fn description(&self) -> &'static str {
        "infidelity of every mesh on the same process, before and after correction"
    }

    fn draw(&self, table: &Table) -> Result<String, ReportError> {
        let lines = lines(table)?;
        let values: Vec<f64> = lines.iter().flat_map(|l| l.spans).flatten().collect();
        // An axis needs two values that differ.
        let values = [values, vec![1.0, 0.1]].concat();
        let axis = Axis::logarithmic(&values, &quantity("1 − F"));
        let height = TOP + ROW * lines.len() as f64 + 64.0;
        pen::svg(WIDTH, height, |canvas| {
            canvas.text(
                "Infidelity of meshes of one size on one process",
                (MARGIN, 30.0),
                Anchor::Start,
                TITLE,
                INK,
            )?;
            let key = "circle: as programmed; diamond: locally corrected; bars: 10 to 90 % of chips";
            canvas.text(key, (MARGIN, 48.0), Anchor::Start, TICK, FAINT_INK)?;
            canvas.text("cells", (CELLS, TOP - 14.0), Anchor::End, TICK, FAINT_INK)?;
            canvas.text("dB", (LOSS, TOP - 14.0), Anchor::End, TICK, FAINT_INK)?;
            let across = |share: f64, y: f64| -> Point { (LEFT + (WIDTH - MARGIN - LEFT) * share, y) };
            let bottom = height - 58.0;
            for tick in &axis.ticks {
                let colour = if tick.label.is_empty() { GRID } else { FRAME };
                let ends = [across(tick.at, TOP - 8.0), across(tick.at, bottom)];
                canvas.line(&ends, Stroke { colour, width: 0.7, dashes: &[] })?;
                canvas.text(&tick.label, across(tick.at, bottom + 14.0), Anchor::Middle, TICK, INK)?;
            }
            canvas.text(&axis.title, across(0.5, bottom + 32.0), Anchor::Middle, LABEL, INK)?;
            for (k, line) in lines.iter().enumerate() {
                let y = TOP + ROW * (k as f64 + 0.5);
                canvas.text(&line.name, (MARGIN, y + 4.0), Anchor::Start, TICK, INK)?;
                canvas.text(&line.cells, (CELLS, y + 4.0), Anchor::End, TICK, INK)?;
                canvas.text(&line.loss, (LOSS, y + 4.0), Anchor::End, TICK, INK)?;
                let kinds = [(Marker::Circle, SERIES[1], -3.0), (Marker::Diamond, SERIES[0], 3.0)];
                for ([low, median, high], (marker, colour, shift)) in line.spans.into_iter().zip(kinds) {
                    let at = |value: f64| across(axis.at(value), y + shift);
                    canvas.line(&[at(low), at(high)], Stroke { colour, width: 1.6, dashes: &[] })?;
                    canvas.marker(at(median), marker, colour)?;
                }
            }
            let footer = provenance(table).join(" · ");
            canvas.text(&footer, (WIDTH - MARGIN, height - 8.0), Anchor::End, FOOTER, FAINT_INK)
        })
    }
}

fn lines(table: &Table) -> Result<Vec<Line>, ReportError> {
    let text = |name: &str| table.column(name);
    let (topology, cell, cells) = (text("topology")?, text("cell")?, text("cells")?);
    let mut lines = Vec::new();
    for row in table.rows() {
        let span = |when: &str| -> Result<[f64; 3], ReportError> {
            let quantile = |which: &str| table.number(row, &format!("{when}_{which}")).map(|v| v.max(LEAST));
            Ok([quantile("q10")?, quantile("median")?, quantile("q90")?])
        };
        let name = match row.text(cell) {
            "mzi" => row.text(topology).to_owned(),
            other => format!("{} · {other}", row.text(topology)),
        };
        let loss = format!("{:.2}", table.number(row, "transmission_db")?);
        lines.push(Line { name, cells: row.text(cells).to_owned(), loss, spans: [span("before")?, span("after")?] });
    }
    if lines.is_empty() { Err(ReportError::NoRows) } else { Ok(lines) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# phaseloom: 0.1.0\ntopology,cell,cells,transmission_db,before_q10,before_median,before_q90,\
                         after_q10,after_median,after_q90\n\
                         rectangular,mzi,28,-1.5,0.01,0.02,0.03,0,1e-15,1e-4\ntree,crossing,7,0,0.1,0.2,0.3,0.1,0.1,0.1\n";

    #[test]
    fn every_mesh_has_its_line() {
        let svg = Comparison.draw(&Table::parse(TABLE).unwrap()).unwrap();
        for text in ["rectangular", "tree · crossing", "-1.50", "phaseloom 0.1.0"] {
            assert!(svg.contains(text), "{text}");
        }
        let other = Table::parse(
            "topology,cell
rectangular,mzi
",
        )
        .unwrap();
        assert!(Comparison.draw(&other).is_err(), "columns are missing");
    }
}
